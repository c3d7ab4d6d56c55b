"""What a delivery costs: the stream against the usual way, in one run, with the same client, each on a core of its own.

    python tools/private_server.py run-with -- python benchmarks/stream.py [--connections 1000 5000] [--bytes 300 30000]

CPU is the server's, in user and kernel mode, without what it uses while nothing happens. `half` and `last`: until
half of the connections have it, and all. Memory is what the server's resident size grew by, for each connection.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / folder) for folder in ("fastapi-sse", "shared-config", "django-rest")]

import httpx  # noqa: E402
import uvloop  # noqa: E402
from stream_testkit.clinic import TestClinic  # noqa: E402
from stream_testkit.database import Database, Server  # noqa: E402
from stream_testkit.service import StreamService, free_port  # noqa: E402

ROUNDS = 20
AT_ONCE = 50
BREATH_SECONDS = 0.1
PATIENCE_SECONDS = 10.0
ROW_BYTES = 700  # What an appointment's frame has without its notes.


class Contender(ABC):
    """A server that streams."""

    name: str
    port: int
    process_id: int

    @property
    @abstractmethod
    def request(self) -> bytes: ...

    @abstractmethod
    def publish(self, number: int, size: int) -> None:
        """Make one message of about this many bytes."""


class Chairside(Contender):
    def __init__(self, service: StreamService, clinic: TestClinic, *, is_packed: bool) -> None:
        self.name = "chairside, gzip" if is_packed else "chairside"
        self.port = service.port
        self.process_id = service.process_id
        self._clinic = clinic
        self._booked = clinic.book()
        self._accepts = "Accept-Encoding: gzip\r\n" if is_packed else ""

    @property
    def request(self) -> bytes:
        token = self._clinic.owner.token(seconds=3600)
        return (
            f"GET /api/v1/sse/appointments?mode=delta HTTP/1.1\r\nHost: x\r\n{self._accepts}"
            f"Authorization: Bearer {token}\r\n\r\n"
        ).encode()

    def publish(self, number: int, size: int) -> None:
        # Words, not one letter: what is compressed should look like notes.
        words = " ".join(f"note {number} {word}" for word in range(max(1, (size - ROW_BYTES) // 14)))
        self._clinic.update(self._booked, notes=words)


class Plain(Contender):
    name = "sse-starlette, a queue each"

    def __init__(self, port: int, process_id: int) -> None:
        self.port = port
        self.process_id = process_id

    @property
    def request(self) -> bytes:
        return b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"

    def publish(self, number: int, size: int) -> None:
        httpx.post(f"http://127.0.0.1:{self.port}/publish", content="x" * size)


@contextmanager
def chairside(*, is_packed: bool) -> Iterator[Contender]:
    database = Database(Server.from_environment())
    try:
        with tempfile.TemporaryDirectory() as folder:
            no_limits = {"sse_max_connections_per_user": 0, "sse_max_connections_per_address": 0}
            with StreamService(
                database.environment, Path(folder) / "log", sse_max_connections=0, **no_limits
            ) as service:
                yield Chairside(service, TestClinic(database), is_packed=is_packed)
    finally:
        database.drop()


@contextmanager
def plain() -> Iterator[Contender]:
    port = free_port()
    process = subprocess.Popen([sys.executable, str(ROOT / "benchmarks" / "plain_stream.py"), str(port)])  # noqa: S603
    try:
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/", timeout=1)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield Plain(port, process.pid)
    finally:
        process.kill()
        process.wait()


CONTENDERS: list[Callable[[], AbstractContextManager[Contender]]] = [
    partial(chairside, is_packed=False),
    partial(chairside, is_packed=True),
    plain,
]


class Client(asyncio.Protocol):
    """Counts what comes; a message has come when the line has been quiet since."""

    def __init__(self, request: bytes, came_at: dict[int, float]) -> None:
        self._request = request
        self._came_at = came_at

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._came_at[id(self)] = time.monotonic()


@dataclass
class Result:
    name: str
    connections: int
    size: int
    opened_a_second: float
    open_cpu_us: float
    kilobytes: float
    delivery_cpu_us: float
    half_ms: float
    last_ms: float

    def __str__(self) -> str:
        return (
            f"| {self.name} | {self.connections} | {self.size} | {self.delivery_cpu_us:.1f} | {self.kilobytes:.1f} "
            f"| {self.half_ms:.0f} | {self.last_ms:.0f} | {self.open_cpu_us:.0f} | {self.opened_a_second:.0f} |"
        )


HEADER = """\
| server | connections | bytes | CPU µs a delivery | KB a connection | half, ms | last, ms | CPU µs to open | opened/s |
|---|---|---|---|---|---|---|---|---|"""


async def measure(contender: Contender, connections: int, sizes: list[int]) -> list[Result]:
    loop, came_at = asyncio.get_running_loop(), dict[int, float]()
    pin(contender.process_id, 0)
    memory, cpu, began_at = resident(contender), cpu_of(contender), time.monotonic()
    kept = []  # uvloop closes a transport that nobody refers to.
    for _ in range(0, connections, AT_ONCE):
        kept += await asyncio.gather(
            *(
                loop.create_connection(lambda: Client(contender.request, came_at), "127.0.0.1", contender.port)
                for _ in range(AT_ONCE)
            )
        )
    while len(came_at) < connections:  # noqa: ASYNC110  # An event would cost the client what it measures.
        await asyncio.sleep(0.01)
    seconds = time.monotonic() - began_at
    await asyncio.sleep(1)
    opened = connections / seconds, (cpu_of(contender) - cpu) / connections * 1e6
    kilobytes = (resident(contender) - memory) / connections / 1024
    return [
        Result(contender.name, connections, size, *opened, kilobytes, *await deliver(contender, came_at, size))
        for size in sizes
    ]


async def deliver(contender: Contender, came_at: dict[int, float], size: int) -> tuple[float, float, float]:
    """CPU µs a delivery, and milliseconds until half of them and until all have it."""
    connections = len(came_at)
    before = cpu_of(contender)
    await asyncio.sleep(2)
    idle_share = (cpu_of(contender) - before) / 2
    halves, lasts, before, began_at = [], [], cpu_of(contender), time.monotonic()
    for number in range(ROUNDS):
        came_at.clear()
        await asyncio.to_thread(contender.publish, number, size)
        told_at = time.monotonic()
        while len(came_at) < connections and time.monotonic() - told_at < PATIENCE_SECONDS:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        await asyncio.sleep(BREATH_SECONDS)
        times = sorted(came_at.values())
        halves.append(times[len(times) // 2] - told_at)
        lasts.append(times[-1] - told_at)
    used = cpu_of(contender) - before - idle_share * (time.monotonic() - began_at)
    return used / (ROUNDS * connections) * 1e6, statistics.median(halves) * 1e3, statistics.median(lasts) * 1e3


def cpu_of(contender: Contender) -> float:
    fields = Path(f"/proc/{contender.process_id}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(contender: Contender) -> int:
    return int(Path(f"/proc/{contender.process_id}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def pin(process_id: int, core: int) -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(process_id, {cores[core % len(cores)]})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--connections", type=int, nargs="+", default=[1000, 5000])
    parser.add_argument("--bytes", type=int, nargs="+", default=[1000, 30_000])
    asked = parser.parse_args()
    print(HEADER)
    for connections in asked.connections:
        for contender in CONTENDERS:
            with contender() as server, asyncio.Runner(loop_factory=uvloop.Loop) as runner:
                for result in runner.run(measure(server, connections, asked.bytes)):
                    print(result, flush=True)


if __name__ == "__main__":
    main()
