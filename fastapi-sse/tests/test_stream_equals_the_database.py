"""After any run of writes, what a reader has pieced together equals what the database holds."""

import json
import random
import time
from typing import Any

import pytest

from testkit.stream.clinic import Person, TestClinic
from testkit.stream.service import StreamService
from testkit.stream.wire import SseReader

WRITES = 120
STATUSES = ["pending", "confirmed", "checked_in", "completed", "cancelled", "rejected", "no_show"]


class Page:
    """A page that leaves and comes back as it likes, and knows only what it is told."""

    def __init__(self, service: StreamService, person: Person, query: str) -> None:
        self._service = service
        self._person = person
        self._query = query
        self._stream: SseReader | None = None
        self._last_id: str | None = None
        self.shown: dict[int, Any] = {}

    def come(self) -> None:
        if self._stream is None:
            self._stream = self._service.stream(self._person.token(), self._query, last_event_id=self._last_id)

    def leave(self) -> None:
        if self._stream is not None:
            self.read(0.05)
            self._stream.close()
            self._last_id = self._stream.last_id
            self._stream = None

    def read(self, quiet_seconds: float) -> None:
        """Take everything until nothing more comes."""
        assert self._stream is not None
        while True:
            try:
                block = self._stream.next_block(quiet_seconds)
            except TimeoutError:
                return
            # On a busy machine the service may say that it falls behind for a moment.
            if not block.is_heartbeat and block.event not in ("stale", "fresh"):
                self._apply(block.json)

    def read_until_shown(self, expected: dict[int, dict[str, Any]], seconds: float = 5) -> None:
        """Patient: on a busy machine a change may be on its way for longer than a moment's silence."""
        deadline = time.monotonic() + seconds
        while self.shown != expected and time.monotonic() < deadline:
            self.read(0.2)

    def _apply(self, body: dict[str, Any]) -> None:
        if "appointments" in body:
            self.shown = {row["id"]: row for row in body["appointments"]}
            return
        self.shown.update({row["id"]: row for row in body["upserts"]})
        for row_id in body["removes"]:
            self.shown.pop(row_id, None)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pages_that_come_and_go_end_with_what_is_so(service: StreamService, clinic: TestClinic, seed: int) -> None:
    chance = random.Random(seed)
    asked = [
        (clinic.owner, "mode=delta"),
        (clinic.staff, "mode=snapshot"),
        (clinic.owner, "mode=delta&status=pending,confirmed"),
        (clinic.staff, f"mode=delta&from={clinic.day(0)}&to={clinic.day(1)}"),
        (clinic.petra, "mode=delta"),
        (clinic.paul, "mode=snapshot"),
        (clinic.anna, "mode=delta"),
        (clinic.ben, "mode=delta&status=confirmed"),
    ]
    pages = [Page(service, person, query) for person, query in asked]
    try:
        for _ in range(WRITES):
            write_something(clinic, chance)
            page = chance.choice(pages)
            page.leave() if chance.random() < 0.3 else page.come()
        for page in pages:
            page.come()
            page.read(0.2)
        for page, (person, query) in zip(pages, asked, strict=True):
            with service.stream(person.token(), query) as fresh:
                expected = {row["id"]: row for row in fresh.next_event().json["appointments"]}
            page.read_until_shown(expected)
            assert page.shown == expected, f"{person.name}, {query}"
        assert len(pages[0].shown) == visible_to_owner(clinic)
    finally:
        for page in pages:
            page.leave()


def write_something(clinic: TestClinic, chance: random.Random) -> None:
    ids = [row[0] for row in clinic.database.rows("SELECT id FROM appointment WHERE clinic_id = %s", clinic.id)]
    practitioner = chance.choice([clinic.petra, clinic.paul])
    patient = chance.choice([clinic.anna, clinic.ben])
    patient_id = chance.choice([clinic.anna.row_id, clinic.ben.row_id, clinic.guest_id])
    what = chance.choice(
        ["book", "book", "status", "status", "status", "patient", "notes", "asks", "delete", "rename", "hold", "family"]
    )
    if what == "family":
        join_or_leave(clinic, patient, chance.choice([clinic.guest_id, clinic.anna.row_id, clinic.ben.row_id]))
    elif what == "book" or not ids:
        clinic.book(practitioner, patient_id, day=chance.choice([-2, -1, 0, 1, 7, 8, 40]), status="cancelled")
    elif what == "rename":
        name = f"{patient.name} {chance.random()}"
        clinic.database.execute("UPDATE patient SET name = %s WHERE id = %s", name, patient.row_id)
    elif what == "hold":
        clinic.database.execute("DELETE FROM hold WHERE clinic_id = %s", clinic.id)
        clinic.hold(practitioner)
    elif what == "delete":
        clinic.delete(chance.choice(ids))
    else:
        changes: dict[str, dict[str, object]] = {
            "status": {"status": chance.choice(STATUSES)},
            "patient": {"patient_id": patient_id},
            "notes": {"notes": json.dumps(chance.random())},
            "asks": {"requested_start": chance.choice([None, clinic.instant(clinic.day(50), 10 * 60)])},
        }
        clinic.update(chance.choice(ids), **changes[what])


def join_or_leave(clinic: TestClinic, account: Person, patient_id: int) -> None:
    """An account books for this record from now on, or no more."""
    known = clinic.database.rows(
        "SELECT id FROM family_member WHERE user_id = %s AND patient_id = %s", account.user_id, patient_id
    )
    if known:
        clinic.database.execute("DELETE FROM family_member WHERE id = %s", known[0][0])
    elif patient_id != account.row_id:
        clinic.join_family(account, patient_id)


def visible_to_owner(clinic: TestClinic) -> int:
    return int(
        clinic.database.value(
            "SELECT COUNT(*) FROM appointment WHERE clinic_id = %s"
            " AND (status = 'pending' OR (status = 'confirmed' AND requested_start IS NOT NULL)"
            " OR local_date BETWEEN %s AND %s)",
            clinic.id,
            clinic.day(0),
            clinic.day(7),
        )
    )
