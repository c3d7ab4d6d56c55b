"""Answers to `/livez` and `/readyz` that cost no query and no thread of the request.

A background thread of each process asks the database once a second, over a new connection each time, so that it sees
the server that a new request would see. An HTTP server calls `start_probes()` when its process begins (after a fork),
and then `probe_response(path, query)` for a probe, on any thread, also if every request thread is busy.

`/readyz` is 200 if requests of every kind can be served, else 503 with the reason. `/readyz?for=reads` stays 200 while
reads work. A canary write once in a while finds a server that answers and cannot write, a full disk for example; a
condition that a request meets is known at once.
"""

import json
import logging
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import MySQLdb
from django.conf import settings
from django.db import connections
from django.db.migrations.loader import MigrationLoader

from clinic.common.mysql.conditions import Condition, condition_of, on_condition
from clinic.common.mysql.connecting import open_connection
from clinic.common.restore_marker import is_marked

INTERVAL_SECONDS = 1.0
QUERY_TIMEOUT_SECONDS = 2
# A state older than this says nothing any more: the thread itself hangs, in the resolver for example.
MAX_AGE_SECONDS = 10.0
CANARY_SECONDS = 30.0
CANARY_SECONDS_IN_TROUBLE = 2.0
# Enough to need new blocks of the disk in the binary log.
CANARY_BYTES = 4096
CANARY_SLOTS = 1024

OK, STARTING, UNREACHABLE, UNMIGRATED = "ok", "starting", "unreachable", "unmigrated"
UNFINISHED_RESTORE = "unfinished_restore"
WRITE_TIMEOUT = "write_timeout"
# A commit on a full disk does not fail: the server waits for somebody to make room.
HANGING = frozenset({WRITE_TIMEOUT, Condition.DISK_FULL.value})
REASONS = (
    OK,
    STARTING,
    UNREACHABLE,
    UNMIGRATED,
    UNFINISHED_RESTORE,
    WRITE_TIMEOUT,
    *(condition.value for condition in Condition),
)

log = logging.getLogger("chairside.probes")

ServerResponse = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True, slots=True)
class ProbeState:
    """`reads` and `writes` are "ok" or the reason against; the times are those of `time.monotonic`."""

    reads: str
    writes: str
    began_at: float
    ended_at: float


NEVER = ProbeState(STARTING, STARTING, float("-inf"), float("-inf"))


class Prober:
    """Any thread may ask for the reason; one thread calls `check`. `options`: arguments of `open_connection`."""

    def __init__(self, options: dict[str, Any] | None = None, *, canary_seconds: float = CANARY_SECONDS) -> None:
        self.state = NEVER
        self.first_check = threading.Event()
        self._options = options
        self._canary = Canary(canary_seconds)
        self._met: tuple[Condition, float] | None = None
        self._leaves: list[tuple[str, str]] | None = None
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._owner = 0
        self._wake = threading.Event()

    def start(self) -> None:
        """Once in a process, however often it is called; after a fork the child gets a thread of its own."""
        if self._is_started():
            return
        with self._lock:
            if not self._is_started():
                self._owner = os.getpid()
                self._thread = threading.Thread(target=self._run, name="probes", daemon=True)
                self._thread.start()

    def meet(self, condition: Condition) -> None:
        """A request met the condition. It counts until a round that begins later finds otherwise."""
        self._met = (condition, time.monotonic())
        self._canary.hurry()
        self._wake.set()

    def reason(self, *, for_reads: bool = False) -> str:
        state, met = self.state, self._met
        if state is NEVER:
            return STARTING
        if time.monotonic() - state.ended_at > MAX_AGE_SECONDS:
            return UNREACHABLE
        if met is not None and met[1] >= state.began_at and not (for_reads and met[0] in READS_GO_ON):
            return met[0].value
        return state.reads if for_reads else state.writes

    def hanging_reason(self) -> str | None:
        """`disk_full` or `write_timeout` while writes would wait in vain, else None. Seen twice in a row, so that a
        moment's pause of the server refuses nothing."""
        reason = self.reason()
        return reason if reason in HANGING and self._canary.failures >= 2 else None

    def check(self) -> ProbeState:
        """One round: a few small queries, and now and then the canary write."""
        began_at = time.monotonic()
        try:
            reads = self._look()
        except (MySQLdb.Error, OSError) as error:
            reads = condition_of(error) or UNREACHABLE
        writes = reads if reads != OK else self._canary.reason
        self.state = ProbeState(reads, writes, began_at, time.monotonic())
        self.first_check.set()
        return self.state

    def _is_started(self) -> bool:
        return self._thread is not None and self._owner == os.getpid() and self._thread.is_alive()

    def _run(self) -> None:
        while True:
            try:
                self.check()
            except Exception:  # A thread that ended would leave a process that is never ready again.
                log.exception("the readiness check failed")
            self._wake.wait(INTERVAL_SECONDS)
            self._wake.clear()

    def _look(self) -> str:
        connection = open_connection(**self._connection_options())
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT @@global.read_only, @@global.innodb_read_only")
                is_read_only = any(map(_is_on, cursor.fetchone()))
                if is_marked(cursor):
                    return UNFINISHED_RESTORE
                if not self._is_migrated(cursor):
                    return UNMIGRATED
                self._canary.write_if_due(cursor, is_read_only=is_read_only)
                return OK
        finally:
            with suppress(MySQLdb.Error):
                connection.close()  # type: ignore[no-untyped-call]

    def _is_migrated(self, cursor: Any) -> bool:
        if self._leaves is None:
            self._leaves = sorted(MigrationLoader(None).graph.leaf_nodes())
        places = ", ".join(["(%s, %s)"] * len(self._leaves))
        query = f"SELECT COUNT(DISTINCT app, name) FROM django_migrations WHERE (app, name) IN ({places})"  # noqa: S608
        try:
            cursor.execute(query, [name for leaf in self._leaves for name in leaf])
        except MySQLdb.ProgrammingError:  # There is no such table yet.
            return False
        return bool(cursor.fetchone()[0] == len(self._leaves))

    def _connection_options(self) -> dict[str, Any]:
        if self._options is not None:
            return {**self._options, **PROBE_OPTIONS}
        return {**connections.create_connection("default").get_connection_params(), **PROBE_OPTIONS}


class Canary:
    """A write of a row that no other process writes and no trigger numbers, every so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.reason: str = OK
        self.failures = 0
        self._seconds = seconds
        self._written_at = float("-inf")
        self._was_read_only = False

    def hurry(self) -> None:
        self._written_at = float("-inf")

    def write_if_due(self, cursor: Any, *, is_read_only: bool) -> None:
        """Soon again while writes fail, and at once when the server says that it became read-only, or no longer is:
        an administrator may write all the same."""
        seconds = self._seconds if self.reason == OK else min(self._seconds, CANARY_SECONDS_IN_TROUBLE)
        now = time.monotonic()
        if is_read_only == self._was_read_only and now - self._written_at < seconds:
            return
        self._written_at, self._was_read_only = now, is_read_only
        self.reason = self._write(cursor)
        self.failures = 0 if self.reason == OK else self.failures + 1

    @staticmethod
    def _write(cursor: Any) -> str:
        padding = os.urandom(CANARY_BYTES // 2).hex()
        try:
            cursor.execute(
                "REPLACE INTO probe_canary (slot, written_at, padding) VALUES (%s, UTC_TIMESTAMP(6), %s)",
                [os.getpid() % CANARY_SLOTS, padding],
            )
        except MySQLdb.Error as error:
            # No answer in time; or an earlier canary that still hangs holds the row.
            return condition_of(error) or WRITE_TIMEOUT
        return OK


PROBE_OPTIONS: dict[str, Any] = {
    "autocommit": True,
    "connect_timeout": QUERY_TIMEOUT_SECONDS,
    "read_timeout": QUERY_TIMEOUT_SECONDS,
    "write_timeout": QUERY_TIMEOUT_SECONDS,
    "init_command": "SET SESSION innodb_lock_wait_timeout = 1, lock_wait_timeout = 1, time_zone = '+00:00'",
}
READS_GO_ON = frozenset({Condition.READ_ONLY, Condition.DISK_FULL})


def _is_on(variable: object) -> bool:
    return str(variable).upper() not in {"0", "OFF"}


PROBES = Prober()
on_condition(PROBES.meet)


def start_probes() -> None:
    PROBES.start()


def probe_response(path: str, query: str = "") -> ServerResponse | None:
    """Status, headers and body for a probe; None if the path is no probe. Never waits, never raises.

    `path` and `query` as in the request line, with or without a slash at the end; the `Host` does not matter.
    """
    match path.rstrip("/"):
        case "/livez":
            return _response(200, {"status": "alive"})
        case "/readyz":
            PROBES.start()
            return readiness(for_reads=parse_qs(query).get("for") == ["reads"])
    return None


def readiness(*, for_reads: bool) -> ServerResponse:
    reason = PROBES.reason(for_reads=for_reads)
    is_ready = reason == OK
    body = {
        "status": "ok" if is_ready else "unavailable",
        "service": settings.SHARED.service_name,
        "version": settings.VERSION,
        "database": reason,
    }
    return _response(200 if is_ready else 503, body)


def _response(status: int, body: dict[str, str]) -> ServerResponse:
    encoded = json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(encoded)), "Cache-Control": "no-store"}
    if status == 503:
        headers["Retry-After"] = "1"
    return status, headers, encoded
