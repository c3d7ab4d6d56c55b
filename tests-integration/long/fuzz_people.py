"""Desks that write over HTTP and by raw SQL, and boards that watch. Both keep a record with times."""

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
import MySQLdb

from testkit.stream.wire import SseReader

from .fuzz_world import HEARTBEAT_SECONDS, PASSWORD, FuzzClinic, World

# DESIGN, I10: a silent connection counts as stale after this many heartbeats.
SILENCE_SECONDS = 2.5 * HEARTBEAT_SECONDS
REQUEST_SECONDS = 20.0
DELETED = 10**9


@dataclass(frozen=True)
class Acknowledged:
    """A write whose success was answered: from `at` on every live board must show at least this version."""

    clinic_id: int
    appointment_id: int
    version: int
    at: float


@dataclass
class Ledger:
    """Everything that was promised and everything that was refused, of all writers."""

    writes: list[Acknowledged] = field(default_factory=list)
    # The newest version that was acknowledged, and the status that came with it.
    latest: dict[int, tuple[int, str]] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def acknowledge(self, clinic: FuzzClinic, row: dict[str, Any]) -> None:
        with self.lock:
            self.writes.append(Acknowledged(clinic.id, row["id"], row["version"], time.monotonic()))
            self.latest[row["id"]] = row["version"], row["status"]

    def count(self, answer: str) -> None:
        with self.lock:
            self.answers[answer] = self.answers.get(answer, 0) + 1

    def complain(self, text: str) -> None:
        with self.lock:
            self.wrong.append(text)


class Desk(threading.Thread):
    """Books, decides and cancels. After an unclear answer it asks again under the same key, until it knows."""

    def __init__(
        self, world: World, clinic: FuzzClinic, ledger: Ledger, starts: Iterator[datetime], practitioner: int, seed: int
    ) -> None:
        super().__init__(daemon=True)
        self._world = world
        self._clinic = clinic
        self._ledger = ledger
        self._starts = starts
        self._practitioner = practitioner
        self._chance = random.Random(seed)
        self._ends = threading.Event()
        self._rows: list[dict[str, Any]] = []
        self._http = httpx.Client(base_url=world.stack.api_url, timeout=REQUEST_SECONDS)
        self.token = sign_in(self._http, clinic)
        self._http.headers["Authorization"] = f"Bearer {self.token}"
        self.keys: set[str] = set()

    def end(self) -> None:
        self._ends.set()

    def run(self) -> None:
        while not self._ends.is_set():
            if self._rows and self._chance.random() < 0.6:
                self._change(self._chance.choice(self._rows))
            else:
                self._book()
            time.sleep(self._chance.uniform(0.05, 0.25))
        self._http.close()

    def _book(self) -> None:
        start = next(self._starts, None)
        if start is None:
            return
        key = f"{self._clinic.id}-{self._practitioner}-{start.timestamp():.0f}"
        self.keys.add(key)
        body = {
            "patient": self._chance.choice(self._clinic.patients),
            "practitioner": self._practitioner,
            "start": start.isoformat(),
            "notes": key,
            "outside_hours": True,
        }
        # Until it is known: nothing else tells whether a booking was made.
        while not self._ends.is_set():
            answer = self._ask("POST", "/api/v1/appointments", body, {"Idempotency-Key": key})
            if answer is not None and answer.status_code == 201:
                row = answer.json()
                self._rows.append(row)
                self._ledger.acknowledge(self._clinic, row)
                return
            if answer is not None and answer.status_code < 500:
                return
            time.sleep(0.3)

    def _change(self, row: dict[str, Any]) -> None:
        action = self._chance.choice(["cancel", "notes", "notes", "notes"])
        path = f"/api/v1/appointments/{row['id']}"
        if action == "cancel":
            answer = self._ask("POST", f"{path}/cancel", {"version": row["version"], "reason": "fuzz"})
        else:
            notes = f"{row['notes'].split(' ')[0]} {self._chance.random()}"
            answer = self._ask("PATCH", path, {"version": row["version"], "notes": notes})
        if answer is not None and answer.status_code == 200:
            self._ledger.acknowledge(self._clinic, answer.json())
            row.update(answer.json())
        elif answer is None or answer.status_code >= 500 or answer.status_code == 409:
            self._learn(row)
        if row["status"] == "cancelled":
            self._rows.remove(row)

    def _learn(self, row: dict[str, Any]) -> None:
        """Ask what became of a change whose answer was lost."""
        answer = self._ask("GET", f"/api/v1/appointments/{row['id']}")
        if answer is not None and answer.status_code == 200 and answer.json()["version"] >= row["version"]:
            row.update(answer.json())
            self._ledger.acknowledge(self._clinic, row)

    def _ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response | None:
        asked_at = time.monotonic()
        try:
            answer = self._http.request(method, path, json=body, headers=headers)
        except httpx.TransportError as error:
            self._ledger.count(type(error).__name__)
            return None
        finally:
            took = time.monotonic() - asked_at
            self._ledger.slowest_seconds = max(self._ledger.slowest_seconds, took)
        self._check(method, path, answer)
        return answer

    def _check(self, method: str, path: str, answer: httpx.Response) -> None:
        code = ""
        if answer.status_code >= 400:
            try:
                code = answer.json()["errors"][0]["code"]
            except (ValueError, KeyError, IndexError):
                self._ledger.complain(f"{method} {path}: {answer.status_code} in another shape: {answer.text[:200]}")
        self._ledger.count(f"{answer.status_code} {code}".strip())
        if answer.status_code == 500:
            self._ledger.complain(f"{method} {path}: 500: {answer.text[:200]}")
        if answer.status_code == 503 and "Retry-After" not in answer.headers:
            self._ledger.complain(f"{method} {path}: 503 without Retry-After")


class SqlDesk(threading.Thread):
    """Changes one appointment of each clinic by raw SQL, again and again."""

    def __init__(self, world: World, ledger: Ledger, rows: dict[int, int], seed: int) -> None:
        super().__init__(daemon=True)
        self._world = world
        self._ledger = ledger
        self._rows = rows
        self._clinics = {clinic.id: clinic for clinic in world.clinics}
        self._chance = random.Random(seed)
        self._ends = threading.Event()

    def end(self) -> None:
        self._ends.set()

    def run(self) -> None:
        while not self._ends.wait(self._chance.uniform(0.1, 0.4)):
            clinic_id = self._chance.choice(list(self._rows))
            try:
                self._write(clinic_id)
            except MySQLdb.Error as error:
                self._ledger.count(f"SQL {error.args[0]}")
                time.sleep(0.3)

    def _write(self, clinic_id: int) -> None:
        # As the application's own user: an administrator could write to a read-only server.
        connection = self._world.server.connect(read_timeout=10, write_timeout=10)
        try:
            cursor = connection.cursor()
            cursor.execute("SET lock_wait_timeout = 5, innodb_lock_wait_timeout = 5")
            cursor.execute("SELECT version FROM appointment WHERE id = %s", (self._rows[clinic_id],))
            version = cursor.fetchall()[0][0] + 1
            cursor.execute(
                "UPDATE appointment SET notes = %s, version = %s WHERE id = %s",
                (str(self._chance.random()), version, self._rows[clinic_id]),
            )
            row = {"id": self._rows[clinic_id], "version": version, "status": "confirmed"}
            self._ledger.acknowledge(self._clinics[clinic_id], row)
            self._ledger.count("SQL write")
        finally:
            connection.close()  # type: ignore[no-untyped-call]


class Board(threading.Thread):
    """A dashboard that says "live" or not as chairside-live.js does, and remembers when it showed what."""

    def __init__(self, world: World, clinic: FuzzClinic, token: str, mode: str) -> None:
        super().__init__(daemon=True)
        self.clinic = clinic
        self.mode = mode
        self._url = f"{world.stack.stream_url}/api/v1/sse/appointments?mode={mode}"
        self._token = token
        self._ends = threading.Event()
        self.last_id: str | None = None
        self.shown: dict[int, dict[str, Any]] = {}
        # When each version of an appointment was first shown.
        self.seen: dict[int, list[tuple[float, int]]] = {}
        # When it turned live, and when it no longer was.
        self.turns: list[tuple[float, bool]] = [(time.monotonic(), False)]
        self.causes: dict[str, int] = {}
        self.refused: dict[int, int] = {}

    @property
    def is_live(self) -> bool:
        return self.turns[-1][1]

    def end(self) -> None:
        self._ends.set()

    def run(self) -> None:
        while not self._ends.is_set():
            try:
                self._follow()
            except (OSError, IndexError, ValueError):
                self._turn(False, "connection")
            time.sleep(0.3)

    def _follow(self) -> None:
        headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
        with SseReader(self._url, token=self._token, headers=headers) as reader:
            if reader.status != 200:
                self.refused[reader.status] = self.refused.get(reader.status, 0) + 1
                self._turn(False, str(reader.status))
                return
            is_stale = False
            while not self._ends.is_set():
                try:
                    block = reader.next_block(SILENCE_SECONDS)
                except TimeoutError:
                    self._turn(False, "silence")
                    return
                except EOFError:
                    self._turn(False, "end")
                    return
                is_stale = block.event == "stale" or (is_stale and block.event != "fresh")
                self.last_id = block.id or self.last_id
                self._apply(block.event, block.json)
                if is_stale:
                    self._turn(False, "stale")
                elif block.event in ("message", "snapshot", "change", "fresh", "heartbeat") and block.id:
                    self._turn(True)

    def _apply(self, event: str, content: Any) -> None:
        if event in ("message", "snapshot") and content is not None and "appointments" in content:
            shown = {row["id"]: row for row in content["appointments"]}
            for gone in self.shown.keys() - shown.keys():
                self._note(gone, DELETED)
            for row in shown.values():
                self._note(row["id"], row["version"])
            self.shown = shown
        elif event == "change":
            for row in content["upserts"]:
                self.shown[row["id"]] = row
                self._note(row["id"], row["version"])
            for gone in content["removes"]:
                self.shown.pop(gone, None)
                self._note(gone, DELETED)

    def _note(self, appointment_id: int, version: int) -> None:
        versions = self.seen.setdefault(appointment_id, [])
        if not versions or versions[-1][1] != version:
            versions.append((time.monotonic(), version))

    def _turn(self, is_live: bool, cause: str = "") -> None:
        if is_live != self.is_live:
            self.turns.append((time.monotonic(), is_live))
            if cause:
                self.causes[cause] = self.causes.get(cause, 0) + 1

    def longest_lie(self, write: Acknowledged, now: float) -> float:
        """The longest time in one piece for which it said "live" without showing a write that had been acknowledged."""
        shown_at = next(
            (at for at, version in self.seen.get(write.appointment_id, []) if version >= write.version), now
        )
        longest = 0.0
        ends = [*(at for at, _ in self.turns[1:]), now]
        for (begins_at, is_live), ends_at in zip(self.turns, ends, strict=True):
            if is_live:
                longest = max(longest, min(shown_at, ends_at) - max(write.at, begins_at))
        return longest


def sign_in(http: httpx.Client, clinic: FuzzClinic) -> str:
    answer = http.post("/api/token/", json={"username": clinic.email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access"])
