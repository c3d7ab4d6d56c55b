"""A new day of very many small clinics in the same second: what keeps others waiting, and how long all of it takes.

In this process, by a clock of its own: hub and poller on a real database, and a reader of each clinic that takes its
frame and writes it nowhere.
"""

import asyncio
import gc
import os
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import uvloop
from clinic_stream.audiences import ClinicAvailabilityAudience
from clinic_stream.hub import Hub
from clinic_stream.params import Mode
from clinic_stream.poller import Poller
from clinic_stream.topics import Topic

from benchmarks.costs import allow_open_files
from benchmarks.growth import small_clinics
from benchmarks.growth.curve import Column, Curve, Point, Settings
from testkit.stream.database import Database, Server
from testkit.stream.inside import Clock, with_poller
from tools.private_server import environment_of, throw_away_server

TIMEOUT_SECONDS = 120.0
SETTLE_SECONDS = 1.0


def measure(sizes: Sequence[int], settings: Settings) -> Iterator[Point]:
    allow_open_files()
    gc.collect()
    gc.freeze()  # As the service does when it starts.
    with throw_away_server() as server:
        os.environ.update(environment_of(server))
        database = Database(Server.from_environment())
        made = 0
        for size in sizes:
            small_clinics.make(database, size, already=made)
            made = max(made, size)
            yield _measured(database, size)


def _measured(database: Database, clinics: int) -> Point:
    clock = Clock(datetime.now(UTC))
    points: list[Point] = []

    async def story(hub: Hub, poller: Poller) -> None:
        readers = [await _reader(poller, clinic_id, clock()) for clinic_id in range(1, clinics + 1)]
        await asyncio.sleep(SETTLE_SECONDS)
        gc.collect()  # As after hours. What only this process holds, a service has not.
        clock.now = datetime.combine(clock().date() + timedelta(days=1), datetime.min.time(), UTC)
        own, began = time.process_time(), time.monotonic()
        async with Passes() as passes, asyncio.timeout(TIMEOUT_SECONDS):
            for reader in readers:
                await reader.told.wait()
        longest = {"pass_cpu_ms": 1e3 * passes.longest_cpu, "pass_ms": 1e3 * passes.longest}
        points.append({**longest, "cpu": time.process_time() - own, "seconds": time.monotonic() - began})

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(with_poller(database, clock, story))
    [point] = points
    return point


class Reader:
    """Takes what is new, as a connection does."""

    mode: Mode = "delta"

    def __init__(self, topic: Topic, now: datetime) -> None:
        self._topic = topic
        self._version = topic.version
        self._now = now
        self.told = asyncio.Event()
        topic.stragglers.add(self)

    def wake(self) -> None:
        asyncio.get_running_loop().call_soon(self._take)

    def _take(self) -> None:
        if self._topic.version != self._version:
            self._topic.since(self._version, self.mode, self._now)
            self._version = self._topic.version
            self.told.set()


async def _reader(poller: Poller, clinic_id: int, now: datetime) -> Reader:
    clinic = await poller.clinic(clinic_id)
    assert clinic is not None
    return Reader(clinic.clinic_availability(ClinicAvailabilityAudience(clinic_id), now), now)


class Passes:
    """The longest pass of the event loop, which is how long others waited; on a busy machine its CPU time says more
    than the clock. Takes a turn in every pass, so the loop never rests meanwhile."""

    def __init__(self) -> None:
        self.longest = self.longest_cpu = 0.0

    async def __aenter__(self) -> "Passes":
        self._running = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._running.cancel()

    async def _run(self) -> None:
        while True:
            began, own = time.monotonic(), time.thread_time()
            await asyncio.sleep(0)
            self.longest_cpu = max(self.longest_cpu, time.thread_time() - own)
            self.longest = max(self.longest, time.monotonic() - began)


CURVE = Curve(
    title="Midnight of watched clinics",
    size_title="clinics with one midnight",
    sizes=(100, 300, 1_000),
    columns=(
        Column("pass_cpu_ms", "longest pass of the event loop, CPU ms", 50),
        Column("pass_ms", "longest pass, ms", 50),
        Column("cpu", "CPU, seconds"),
        Column("seconds", "until all readers are told, seconds"),
    ),
    measure=measure,
    limit_seconds=300,
)
