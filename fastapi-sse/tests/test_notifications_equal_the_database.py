"""Readers who come, go and come back while people are told things end with what the database says."""

import random
import threading

import pytest

from testkit.stream.clinic import Person, TestClinic
from testkit.stream.service import StreamService
from testkit.stream.wire import Block, SseReader

WRITES = 120


class Page:
    """Keeps what it is told, over its connections."""

    def __init__(self, service: StreamService, person: Person, mode: str) -> None:
        self.service, self.person, self.mode = service, person, mode
        self.shown: dict[int, object] = {}
        self.unread_count = -1
        self.last_id: str | None = None
        self.stream: SseReader | None = None

    def come(self) -> None:
        if self.stream is None:
            self.stream = self.service.stream(
                self.person.token(), f"mode={self.mode}", of="notifications", last_event_id=self.last_id
            )

    def leave(self) -> None:
        if self.stream is not None:
            self.read(0.01)
            self.stream.close()
            self.stream = None

    def read(self, seconds: float) -> None:
        assert self.stream is not None
        while True:
            try:
                self._take(self.stream.next_block(seconds))
            except TimeoutError:
                return

    def _take(self, block: Block) -> None:
        self.last_id = block.id or self.last_id
        # On a busy machine the service may say that it falls behind for a moment.
        if block.is_heartbeat or block.event in ("stale", "fresh"):
            return
        body = block.json
        self.unread_count = body["unread_count"]
        if "notifications" in body:
            self.shown = {}
        self.shown.update({row["id"]: row for row in body.get("notifications", body.get("upserts"))})
        for row_id in body.get("removes", ()):
            self.shown.pop(row_id, None)


def write_something(clinic: TestClinic, chance: random.Random, people: list[Person]) -> None:
    ids = [row[0] for row in clinic.database.rows("SELECT id FROM message WHERE clinic_id = %s", clinic.id)]
    person = chance.choice(people)
    what = chance.choice(["tell", "tell", "tell", "read", "read all", "unread", "words", "give", "delete", "book"])
    if what == "book":
        clinic.book(status="cancelled")
    elif what == "tell" or not ids:
        clinic.tell(person)
    elif what == "read all":
        clinic.database.execute("UPDATE message SET read_at = UTC_TIMESTAMP(6) WHERE user_id = %s", person.user_id)
    elif what == "delete":
        clinic.database.execute("DELETE FROM message WHERE id = %s", chance.choice(ids))
    else:
        changes: dict[str, dict[str, object]] = {
            "read": {"read_at": clinic.database.value("SELECT UTC_TIMESTAMP(6)")},
            "unread": {"read_at": None},
            "words": {"body": str(chance.random())},
            "give": {"user_id": person.user_id},
        }
        clinic.update_message(chance.choice(ids), **changes[what])


@pytest.mark.parametrize("seed", [1, 2])
def test_readers_end_with_what_is_so(service: StreamService, clinic: TestClinic, seed: int) -> None:
    chance = random.Random(seed)
    people = [clinic.anna, clinic.ben, clinic.staff]
    pages = [Page(service, person, mode) for person in people for mode in ("snapshot", "delta", "delta")]
    # It has the connection to the database to itself until it has ended.
    writer = threading.Thread(target=write_a_lot, args=(clinic, random.Random(seed + 100), people))
    try:
        writer.start()
        while writer.is_alive():
            page = chance.choice(pages)
            page.leave() if chance.random() < 0.4 else page.come()
        service.wait_to_see(clinic.event_id, clinic.owner.token())
        for page in pages:
            page.come()
            page.read(0.6)  # In snapshot mode a list comes every 250 ms at most.
            with service.stream(page.person.token(), of="notifications") as fresh:
                body = fresh.next_event().json
            assert page.shown == {row["id"]: row for row in body["notifications"]}
            assert page.unread_count == body["unread_count"] == unread_of(clinic, page.person)
    finally:
        writer.join()
        for page in pages:
            page.leave()


def write_a_lot(clinic: TestClinic, chance: random.Random, people: list[Person]) -> None:
    for _ in range(WRITES):
        write_something(clinic, chance, people)


def unread_of(clinic: TestClinic, person: Person) -> int:
    query = "SELECT COUNT(*) FROM live_notification WHERE user_id = %s AND read_at IS NULL"
    return int(clinic.database.value(query, person.user_id))
