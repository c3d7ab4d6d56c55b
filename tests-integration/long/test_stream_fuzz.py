"""Random writes and random readers for a while: the stream loses nothing, makes nothing up, and nothing grows.

Writers book, move, rename, hold and delete by raw SQL in bulk and in long transactions, and roll some back. Readers of
every role and mode leave, stall, come back with their last id, plain and compressed. The service is stopped and killed.
At the end every reader must show what a newcomer is shown. SECONDS and SEED choose another run.
"""

import asyncio
import contextlib
import json
import logging
import os
import random
import threading
import time
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import MySQLdb
import psutil
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console

from testkit.stream.clinic import Person, TestClinic
from testkit.stream.service import StreamService

from .own_database import own_database

SECONDS = float(os.environ.get("SECONDS") or (60 if os.environ.get("BRIEF") else 600))
SEED = int(os.environ.get("SEED") or 1)
WRITERS = 3
PAGES_OF_EACH = 6
RESTART_SECONDS = 20.0
SETTLE_SECONDS = 30.0
UNDONE = "this was rolled back"
STATUSES = ["pending", "confirmed", "checked_in", "completed", "cancelled", "rejected", "no_show"]
CONSOLE = Console(width=140)


def test_stream_loses_and_invents_nothing_under_random_writes_restarts_and_readers(tmp_path: Path) -> None:
    logging.getLogger("httpx").setLevel(logging.WARNING)  # One line for each request.
    log_path = tmp_path / "stream.log"
    with (
        own_database() as database,
        StreamService(database.environment, log_path, sse_heartbeat_seconds=2) as service,
    ):
        problems = asyncio.run(fuzz(TestClinic(database), service))
    if "Traceback" in (log := log_path.read_text()):
        problems.append(log[max(0, log.index("Traceback") - 500) :][:3000])
    for problem in problems:
        CONSOLE.print(f"WRONG: {problem}", markup=False)
    assert not problems


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

    def close(self) -> None:
        self._connection.close()

    def _write(self) -> None:
        chance, connection = self._chance, self._connection
        is_undone = chance.random() < 0.15
        try:
            connection.begin()
            for _ in range(chance.choice([1, 1, 1, 2, 5])):
                self._change(connection.cursor(), UNDONE if is_undone else str(chance.random()))
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
                    await self.connect()
            await asyncio.sleep(self.chance.random())

    async def connect(self) -> None:
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
            self.made_up += UNDONE in fields["data"]
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


async def fuzz(clinic: TestClinic, service: StreamService) -> list[str]:
    """Returns what is wrong at the end."""
    chance = random.Random(SEED)
    stop = threading.Event()
    writers = [Writer(clinic, SEED * 100 + number, stop) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    pages = pages_of(clinic, service, chance)
    tasks = [asyncio.create_task(page.live()) for page in pages]
    drift = 0.0
    ends_at = time.monotonic() + SECONDS
    while time.monotonic() < ends_at:
        await asyncio.sleep(min(RESTART_SECONDS, max(0.0, ends_at - time.monotonic())))
        drift += value_of(service, "drift")
        show_state(service, ends_at)
        await asyncio.to_thread(chance.choice([service.stop, service.kill, lambda: None]))
        if not service.is_running:
            await asyncio.to_thread(service.start)
    stop.set()
    for writer in writers:
        await asyncio.to_thread(writer.join)
        writer.close()
    wrong = await pages_wrong_after_settling(clinic, pages)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    drift += value_of(service, "drift")
    show_totals(writers, pages)
    made_up, cut = sum(page.made_up for page in pages), sum(page.cut for page in pages)
    counts = {"rows made up": made_up, "ends in the middle of a message": cut, "drift": drift}
    return [*wrong, *(f"{name}: {count:.0f}" for name, count in counts.items() if count)]


async def pages_wrong_after_settling(clinic: TestClinic, pages: list[Page]) -> list[str]:
    """Differences between a reader and a newcomer that remain when nothing is written any more."""
    clinic.database.execute("UPDATE patient SET name = 'the last' WHERE id = %s", clinic.anna.row_id)
    await asyncio.sleep(4)  # Holds that expire without a write.
    for page in pages:
        page.is_settling = True
    deadline = time.monotonic() + SETTLE_SECONDS
    wrong = pages
    while wrong and time.monotonic() < deadline:
        await asyncio.sleep(1)
        wrong = [page for page in pages if page.shown != await expected_by(page)]
    return [
        f"{page.person.name if page.person else 'a guest'} of {page.address} is wrong at {page.last_id}, "
        f"the newest is {clinic.event_id}"
        for page in wrong
    ]


async def expected_by(page: Page) -> Any:
    """The answer to a reader who has never been here."""
    newcomer = Page(page.service, page.person, page.address, False, page.chance)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            await newcomer.connect()
    return newcomer.shown


def show_state(service: StreamService, ends_at: float) -> None:
    seconds, megabytes = max(0.0, ends_at - time.monotonic()), service.resident_bytes / 1e6
    files = psutil.Process(service.process_id).num_fds()
    CONSOLE.print(f"{seconds:4.0f} s left, {megabytes:.0f} MB, {files} files")


def show_totals(writers: list[Writer], pages: list[Page]) -> None:
    writes, refused = sum(writer.writes for writer in writers), sum(writer.refused for writer in writers)
    resumes = sum(page.resumes for page in pages)
    CONSOLE.print(f"{writes} transactions, {refused} refused, {len(pages)} readers, {resumes} resumes")


def value_of(service: StreamService, name: str) -> float:
    families = text_string_to_metric_families(service.get("/metrics").text)
    return next(family.samples[0].value for family in families if family.name == f"chairside_stream_{name}")


def _insert(cursor: Any, table: str, row: dict[str, object]) -> None:
    cursor.execute(
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})", list(row.values())
    )
