"""Watched small clinics: one public stream for each, idle, written to, and after a restart of the service."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from benchmarks.contenders import NO_LIMITS
from benchmarks.costs import allow_open_files, client_core, cpu_seconds, pin, resident_bytes, server_core
from benchmarks.growth import small_clinics
from benchmarks.growth.curve import Column, Curve, Point, Settings
from benchmarks.latency import Meter
from benchmarks.measuring import percentile
from benchmarks.readers import Readers
from testkit.stream.database import Database, Server
from testkit.stream.service import StreamService
from tools.private_server import PrivateServer, environment_of, throw_away_server

A_SECOND = 50
OPENING_SECONDS = 60.0
SETTLE_SECONDS = 2.0
GRACE_SECONDS = 2.0
UNLIMITED = {**NO_LIMITS, "sse_max_unfinished_requests": 0, "sse_max_unfinished_requests_per_address": 0}
ID = re.compile(rb"^id: [0-9a-f]+\.(\d+)\.(\d+)(?:-\w+)?$", re.MULTILINE)


def measure(sizes: Sequence[int], settings: Settings) -> Iterator[Point]:
    allow_open_files()
    pin(os.getpid(), client_core())
    with throw_away_server() as server:
        os.environ.update(environment_of(server))
        database = Database(Server.from_environment())
        made = rounds = 0
        for size in sizes:
            small_clinics.make(database, size, already=made)
            made = max(made, size)
            yield Trial(server, database, size, settings).run(rounds)
            rounds += -(-round(A_SECOND * settings.seconds) // size)


class Trial:
    """One size: as many readers as clinics, each of another one."""

    def __init__(self, server: PrivateServer, database: Database, clinics: int, settings: Settings) -> None:
        self._server = server
        self._database = database
        self._clinics = clinics
        self._settings = settings

    def run(self, rounds: int) -> dict[str, float | None]:
        """`rounds`: how many visits of each clinic have been written before, at most."""
        log = self._server.folder / "stream.log"
        with StreamService(self._database.environment, log, **UNLIMITED) as service:
            pin(service.process_id, server_core())
            empty = resident_bytes(service.process_id)
            with self._readers(service) as readers:
                point = self._open(readers, "open")
                point["memory_kb"] = (resident_bytes(service.process_id) - empty) / self._clinics / 1024
                readers.drain_for(SETTLE_SECONDS)
                point |= self._idle(service, readers)
                point |= self._write(readers, rounds)
            service.kill()
            service.start()
            pin(service.process_id, server_core())
            with self._readers(service) as readers:
                point |= self._open(readers, "restart")
        return point

    def _readers(self, service: StreamService) -> Readers:
        numbers = iter(range(1, self._clinics + 1))
        return Readers(service.port, lambda: _request(next(numbers)))

    def _open(self, readers: Readers, name: str) -> dict[str, float | None]:
        opened = readers.open(self._clinics, OPENING_SECONDS, at_once=self._clinics, has_begun=_shows_rows)
        return {f"{name}_seconds": opened.seconds, f"{name}_lost": self._clinics - opened.count}

    def _idle(self, service: StreamService, readers: Readers) -> dict[str, float | None]:
        seconds, database = self._settings.seconds, self._server.child.pid
        with Meter(self._server).queries_a_second() as rate:
            before = cpu_seconds(service.process_id), cpu_seconds(database)
            readers.drain_for(seconds)
            after = cpu_seconds(service.process_id), cpu_seconds(database)
        stream, server = (100 * (end - start) / seconds for start, end in zip(before, after, strict=True))
        return {"stream_cpu": stream, "database_cpu": server, "queries": rate[0]}

    def _write(self, readers: Readers, rounds: int) -> dict[str, float | None]:
        count = round(A_SECOND * self._settings.seconds)
        command = [sys.executable, "-m", "benchmarks.growth.small_clinics", self._database.name]
        arguments = [str(number) for number in (self._clinics, rounds * self._clinics, count, A_SECOND)]
        seen: dict[tuple[int, int], float] = {}
        with tempfile.TemporaryFile("w+") as lines:
            with subprocess.Popen([*command, *arguments], stdout=lines) as writer:
                for _, at, came in readers.follow(_until_done(writer)):
                    for clinic_id, seq in ID.findall(came):
                        seen.setdefault((int(clinic_id), int(seq)), at)
            lines.seek(0)
            commits = {(int(clinic_id), int(seq)): float(at) for clinic_id, seq, at in (line.split() for line in lines)}
        times = [(seen[key] - at) * 1e3 for key, at in commits.items() if key in seen]
        missed = count - len(times)
        if len(times) < 2:
            return {"missed": missed}
        return {"p50_ms": percentile(times, 50), "p99_ms": percentile(times, 99), "missed": missed}


def _request(clinic_id: int) -> bytes:
    return b"GET /api/v1/sse/availability?clinic=%d&mode=delta HTTP/1.1\r\nHost: localhost\r\n\r\n" % clinic_id


def _shows_rows(came: bytes) -> bool:
    """Not only `stale`, while the clinic is being loaded."""
    return b" 200 " in came.split(b"\r\n", 1)[0] and b"\nid: " in came


def _until_done(writer: "subprocess.Popen[Any]") -> Callable[[], bool]:
    """Some time after the writer has ended."""
    ended_at: list[float] = []

    def is_over() -> bool:
        if writer.poll() is not None and not ended_at:
            ended_at.append(time.monotonic())
        return bool(ended_at) and time.monotonic() > ended_at[0] + GRACE_SECONDS

    return is_over


CURVE = Curve(
    title="Watched clinics",
    size_title="watched clinics",
    sizes=(100, 500, 1000, 2000, 5000),
    columns=(
        Column("stream_cpu", "stream, idle: % of a core", 10),
        Column("database_cpu", "database, idle: % of a core", 10),
        Column("queries", "queries a second, idle"),
        Column("p50_ms", "COMMIT to reader, p50 ms", 25),
        Column("p99_ms", "COMMIT to reader, p99 ms"),
        Column("missed", "changes not seen, of 50 a second"),
        Column("open_seconds", "all open at once: seconds"),
        Column("open_lost", "streams lost while opening", 0),
        Column("restart_seconds", "killed and started: seconds", 8),
        Column("restart_lost", "streams lost after it", 0),
        Column("memory_kb", "memory of a clinic and its reader, KB"),
    ),
    measure=measure,
    limit_seconds=1200,
)
