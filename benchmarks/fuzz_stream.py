"""Random writes against random readers for a while: nothing may be lost, nothing made up, nothing grow.

    python tools/private_server.py run-with -- python benchmarks/fuzz_stream.py [--seconds 600] [--seed 1]

Writers book, move, rename, hold and delete by raw SQL in bulk and in long transactions, and roll some back. Readers of
every role and mode leave, stall, come back with their last id, plain and compressed. The service is stopped and killed.
At the end every reader must show what a newcomer is shown.
"""

import argparse
import asyncio
import contextlib
import json
import random
import sys
import tempfile
import threading
import time
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / folder) for folder in ("fastapi-sse", "shared-config", "django-rest")]

import MySQLdb  # noqa: E402
from prometheus_client.parser import text_string_to_metric_families  # noqa: E402
from stream_testkit.clinic import Person, TestClinic  # noqa: E402
from stream_testkit.database import Database, Server  # noqa: E402
from stream_testkit.service import StreamService  # noqa: E402

WRITERS = 3
PAGES_OF_EACH = 6
RESTART_SECONDS = 20.0
SETTLE_SECONDS = 30.0
NEVER = "this was rolled back"
STATUSES = ["pending", "confirmed", "checked_in", "completed", "cancelled", "rejected", "no_show"]


class Writer(threading.Thread):
    """Writes at random until told to stop. What the database refuses, as an overlap, did not happen."""

    def __init__(self, clinic: TestClinic, seed: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.writes = self.refused = 0
        self._clinic = clinic
        self._chance = random.Random(seed)
        self._ends = stop
        self._connection = clinic.database.server.connect(database=clinic.database.name)

    def run(self) -> None:
        while not self._ends.is_set():
            self._write()
            time.sleep(self._chance.random() * 0.05)

    def _write(self) -> None:
        chance, connection = self._chance, self._connection
        is_undone = chance.random() < 0.15
        try:
            connection.begin()
            for _ in range(chance.choice([1, 1, 1, 2, 5])):
                self._change(connection.cursor(), NEVER if is_undone else str(chance.random()))
                if chance.random() < 0.05:
                    time.sleep(chance.random() * 0.5)  # A long transaction: later ones commit before it.
            connection.rollback() if is_undone else connection.commit()
            self.writes += not is_undone
        except MySQLdb.Error:
            connection.rollback()
            self.refused += 1

    def _change(self, cursor: Any, note: str) -> None:
        clinic, chance = self._clinic, self._chance
        practitioner, patient = chance.choice([clinic.petra, clinic.paul]), chance.choice([clinic.anna, clinic.ben])
        what = chance.choice(
            ["book", "book", "change", "change", "change", "bulk", "delete", "rename", "hold", "release"]
        )
        some = "WHERE clinic_id = %s ORDER BY RAND() LIMIT %s"
        if what == "book":
            _insert(cursor, "appointment", self._appointment(practitioner, patient, note))
        elif what == "change":
            column, value = chance.choice(
                [("status", chance.choice(STATUSES)), ("patient_id", patient.row_id), ("notes", note)]
            )
            cursor.execute(f"UPDATE appointment SET {column} = %s, notes = %s {some}", (value, note, clinic.id, 1))
        elif what == "bulk":
            cursor.execute(f"UPDATE appointment SET cancel_reason = %s {some}", (note, clinic.id, 8))
        elif what == "delete":
            cursor.execute(f"DELETE FROM appointment {some}", (clinic.id, 1))
        elif what == "rename":
            cursor.execute("UPDATE patient SET name = %s WHERE id = %s", (note, patient.row_id))
        elif what == "hold":
            _insert(cursor, "hold", self._hold(practitioner))
        else:
            cursor.execute(f"DELETE FROM hold {some}", (clinic.id, 2))

    def _appointment(self, practitioner: Person, patient: Person, note: str) -> dict[str, object]:
        day = self._clinic.day(self._chance.choice([-2, -1, 0, 0, 1, 1, 6, 7, 8, 30, 40]))
        begins = self._clinic.instant(day, 7 * 60 + 30 * self._chance.randrange(24))
        ends = self._clinic.instant(day, 7 * 60 + 30 * self._chance.randrange(24) + 30)
        begins, ends = min(begins, ends), max(begins, ends)
        return {
            "clinic_id": self._clinic.id,
            "patient_id": patient.row_id,
            "practitioner_id": practitioner.row_id,
            "service_id": self._clinic.service_id,
            **dict.fromkeys(("starts_at", "blocked_from", "created_at", "updated_at"), begins),
            **dict.fromkeys(("ends_at", "blocked_until"), ends),
            "local_date": day,
            "status": self._chance.choice(STATUSES),
            "notes": note,
            "cancel_reason": "",
            "source": "desk",
            "version": 1,
        }

    def _hold(self, practitioner: Person) -> dict[str, object]:
        begins = self._clinic.instant(self._clinic.day(1), 30 * self._chance.randrange(47))
        ends = begins + timedelta(minutes=30)
        expires_at = datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=self._chance.choice([1, 3, 300]))
        return {
            "clinic_id": self._clinic.id,
            "practitioner_id": practitioner.row_id,
            "token": str(self._chance.random()),
            **dict.fromkeys(("starts_at", "blocked_from", "created_at"), begins),
            **dict.fromkeys(("ends_at", "blocked_until"), ends),
            "expires_at": expires_at,
        }


@dataclass
class Page:
    """A page that comes and goes as it likes, and knows only what it is told."""

    service: StreamService
    person: Person | None
    address: str
    is_packed: bool
    chance: random.Random
    shown: Any = None
    last_id: str | None = None
    made_up: int = 0
    resumes: int = 0
    cut: int = 0
    is_settling: bool = False

    async def live(self) -> None:
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError, ConnectionError):
                async with asyncio.timeout(None if self.is_settling else self.chance.random() * 15):
                    await self._connect()
            await asyncio.sleep(self.chance.random())

    async def _connect(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.service.port)
        try:
            writer.write(self._request())
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in head or b"chunked" not in head.lower():
                return
            self.resumes += self.last_id is not None
            unpack = zlib.decompressobj(zlib.MAX_WBITS | 16) if b"gzip" in head else None
            text = b""
            while size := int(await reader.readuntil(b"\r\n"), 16):
                part = (await reader.readexactly(size + 2))[:-2]
                *blocks, text = (text + (unpack.decompress(part) if unpack else part)).split(b"\n\n")
                for block in blocks:
                    self._take(block.decode())
                if not self.is_settling and self.chance.random() < 0.01:
                    await asyncio.sleep(self.chance.random() * 4)  # Reads nothing for a while.
            self.cut += bool(text)  # A complete end in the middle of a message.
        finally:
            writer.close()

    def _request(self) -> bytes:
        lines = [f"GET {self.address} HTTP/1.1", "Host: stream"]
        if self.person is not None:
            lines.append(f"Authorization: Bearer {self.person.token()}")
        if self.is_packed:
            lines.append("Accept-Encoding: gzip")
        if self.last_id is not None:
            lines.append(f"Last-Event-ID: {self.last_id}")
        return "\r\n".join([*lines, "", ""]).encode()

    def _take(self, block: str) -> None:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":"))
        body = json.loads(fields["data"]) if "data" in fields and "id" in fields else None
        if body is not None:
            self.made_up += NEVER in fields["data"]
            self._apply(body)
        self.last_id = fields.get("id", self.last_id)

    def _apply(self, body: dict[str, Any]) -> None:
        if "taken" in body:
            self.shown = body["taken"]
        elif "appointments" in body:
            self.shown = {row["id"]: row for row in body["appointments"]}
        elif "upserts" in body:  # A heartbeat has none.
            self.shown.update({row["id"]: row for row in body["upserts"]})
            for row_id in body["removes"]:
                self.shown.pop(row_id, None)


def pages_of(clinic: TestClinic, service: StreamService, chance: random.Random) -> list[Page]:
    appointments, availability = "/api/v1/sse/appointments", "/api/v1/sse/availability"
    asked: list[tuple[Person | None, str]] = [
        (clinic.owner, f"{appointments}?mode=delta"),
        (clinic.staff, f"{appointments}?mode=snapshot"),
        (clinic.staff, f"{appointments}?mode=delta&status=pending"),
        (clinic.owner, f"{appointments}?mode=delta&from={clinic.day(0)}&to={clinic.day(1)}"),
        (clinic.petra, f"{appointments}?mode=delta"),
        (clinic.anna, f"{appointments}?mode=delta"),
        (clinic.ben, f"{appointments}?mode=snapshot&status=confirmed,pending"),
        (None, f"{availability}?practitioner={clinic.petra.row_id}"),
    ]
    return [
        Page(service, person, address, number % 2 == 1, random.Random(chance.random()))
        for person, address in asked
        for number in range(PAGES_OF_EACH)
    ]


async def fuzz(clinic: TestClinic, service: StreamService, seconds: float, seed: int) -> bool:
    chance = random.Random(seed)
    stop = threading.Event()
    writers = [Writer(clinic, seed * 100 + number, stop) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    pages = pages_of(clinic, service, chance)
    tasks = [asyncio.create_task(page.live()) for page in pages]
    sizes, drift = [], 0.0
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        await asyncio.sleep(min(RESTART_SECONDS, max(0.0, ends_at - time.monotonic())))
        drift += value_of(service, "drift")
        sizes.append(service.resident_bytes / 1e6)
        print(
            f"{max(0, ends_at - time.monotonic()):4.0f} s left, {sizes[-1]:.0f} MB, {len(open_files_of(service))} files"
        )
        await asyncio.to_thread(chance.choice([service.stop, service.kill, lambda: None]))
        if not service.is_running:
            await asyncio.to_thread(service.start)
    stop.set()
    for writer in writers:
        await asyncio.to_thread(writer.join)
    return await settled(clinic, service, pages, tasks, drift, writers)


async def settled(
    clinic: TestClinic,
    service: StreamService,
    pages: list[Page],
    tasks: list[asyncio.Task[None]],
    drift: float,
    writers: list[Writer],
) -> bool:
    clinic.database.execute("UPDATE patient SET name = 'the last' WHERE id = %s", clinic.anna.row_id)
    await asyncio.sleep(4)  # Holds that expire without a write.
    for page in pages:
        page.is_settling = True
    deadline = time.monotonic() + SETTLE_SECONDS
    wrong = pages
    while wrong and time.monotonic() < deadline:
        await asyncio.sleep(1)
        wrong = [page for page in pages if page.shown != await expected_by(page)]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for page in wrong:
        print(f"WRONG: {page.person and page.person.name} {page.address} at {page.last_id}, head {clinic.event_id}")
    made_up, cut = sum(page.made_up for page in pages), sum(page.cut for page in pages)
    drift += value_of(service, "drift")
    print(
        f"{sum(writer.writes for writer in writers)} transactions, "
        f"{sum(writer.refused for writer in writers)} refused, "
        f"{sum(page.resumes for page in pages)} resumes: {len(wrong)} of {len(pages)} readers wrong, "
        f"{made_up} made up, {cut} ends in the middle of a message, drift {drift:.0f}"
    )
    return not wrong and not made_up and not cut and not drift


async def expected_by(page: Page) -> Any:
    """What somebody is shown who has never been here."""
    newcomer = Page(page.service, page.person, page.address, False, page.chance)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            await newcomer._connect()
    return newcomer.shown


def value_of(service: StreamService, name: str) -> float:
    families = text_string_to_metric_families(service.get("/metrics").text)
    return next(family.samples[0].value for family in families if family.name == f"chairside_stream_{name}")


def open_files_of(service: StreamService) -> list[Path]:
    return list(Path(f"/proc/{service.process_id}/fd").iterdir())


def _insert(cursor: Any, table: str, row: dict[str, object]) -> None:
    cursor.execute(
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})", list(row.values())
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    database = Database(Server.from_environment())
    try:
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "stream.log"
            with StreamService(database.environment, log, sse_heartbeat_seconds=2) as service:
                is_right = asyncio.run(fuzz(TestClinic(database), service, asked.seconds, asked.seed))
            if "Traceback" in service.log:
                print(service.log[service.log.index("Traceback") - 500 :][:3000])
                is_right = False
    finally:
        database.drop()
    print("right" if is_right else "WRONG")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
