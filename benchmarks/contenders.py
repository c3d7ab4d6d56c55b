"""The servers that are measured: each is started alone, tells its readers one message at a time, and is ended."""

import os
import pwd
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache, partial
from pathlib import Path

import httpx

from benchmarks.availability import BusyPractitioner
from benchmarks.costs import child_of
from benchmarks.needed import eventstream_python, nginx_with_nchan
from testkit.stream.clinic import TestClinic
from testkit.stream.database import Database, Server
from testkit.stream.service import StreamService
from tools.processes import ToolError, free_port, log_tail

HERE = Path(__file__).parent
START_SECONDS = 30
LONG = 24 * 3600
LIMITS = ("sse_max_connections", "sse_max_connections_per_user", "sse_max_connections_per_address")
NO_LIMITS = dict.fromkeys((*LIMITS, "sse_max_anonymous_per_address"), 0)
ROW_BYTES = 870  # What the frame of an appointment has without its notes.


class Contender(ABC):
    name: str
    port: int
    process_id: int

    @property
    @abstractmethod
    def request(self) -> bytes: ...

    @abstractmethod
    def fit(self, frame_bytes: int) -> None:
        """From now on events are to have about this many bytes, from their first line to their blank one."""

    @abstractmethod
    def publish(self) -> None: ...


class Availability(Contender):
    """Taken time of a practitioner: public, as the others ask for no token either."""

    def __init__(self, service: StreamService, clinic: TestClinic, *, is_packed: bool) -> None:
        self.name = "chairside, gzip" if is_packed else "chairside"
        self.port, self.process_id = service.port, service.process_id
        self._practitioner = BusyPractitioner(clinic)
        self._accepts = "Accept-Encoding: gzip\r\n" if is_packed else ""

    @property
    def request(self) -> bytes:
        return get(f"/api/v1/sse/availability?practitioner={self._practitioner.row_id}", self._accepts)

    def fit(self, frame_bytes: int) -> None:
        self._practitioner.fill(frame_bytes)

    def publish(self) -> None:
        self._practitioner.change()


class OwnList(Contender):
    """A clinic's appointments, as its owner sees them: a signed token is checked for each reader."""

    name = "chairside, signed in"

    def __init__(self, service: StreamService, clinic: TestClinic) -> None:
        self.port, self.process_id = service.port, service.process_id
        self._clinic = clinic
        self._booked = clinic.book()
        self._number = self._words = 0

    @property
    def request(self) -> bytes:
        token = self._clinic.owner.token(seconds=LONG)
        return get("/api/v1/sse/appointments?mode=delta", f"Authorization: Bearer {token}\r\n")

    def fit(self, frame_bytes: int) -> None:
        self._words = max(1, (frame_bytes - ROW_BYTES) // len(" word 1234"))

    def publish(self) -> None:
        # Words, not one letter: what is told should look like notes.
        self._number += 1
        words = " ".join(f"word {word:04}" for word in range(self._words))
        self._clinic.update(self._booked, notes=f"{self._number:04} {words}")


class Poster(Contender):
    """One that is told by HTTP what to tell."""

    def __init__(self, name: str, port: int, process_id: int, follow: str, around: str) -> None:
        """`around`: what its events are, besides what is posted."""
        self.name, self.port, self.process_id = name, port, process_id
        self._follow = follow
        self._around = len(around)
        self._bytes = 0
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)

    @property
    def request(self) -> bytes:
        return get(self._follow, "Accept: text/event-stream\r\n")

    def fit(self, frame_bytes: int) -> None:
        self._bytes = frame_bytes - self._around

    def publish(self) -> None:
        self._client.post("/publish", content=b"x" * self._bytes).raise_for_status()


def get(path: str, headers: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode()


@contextmanager
def chairside(make: Callable[[StreamService, TestClinic], Contender]) -> Iterator[Contender]:
    with tempfile.TemporaryDirectory() as folder:
        environment = the_database().environment
        with StreamService(environment, Path(folder) / "log", **NO_LIMITS) as service:
            yield make(service, TestClinic(the_database()))


@cache
def the_database() -> Database:
    """Goes with its server."""
    return Database(Server.from_environment())


@contextmanager
def plain() -> Iterator[Contender]:
    with _started([sys.executable, "-m", "benchmarks.plain_stream"], "/") as (port, process_id, _):
        yield Poster("sse-starlette, a queue each", port, process_id, "/stream", "event: change\r\ndata: \r\n\r\n")


@contextmanager
def eventstream() -> Iterator[Contender]:
    with _started([str(eventstream_python()), str(HERE / "eventstream" / "app.py")], "/") as (port, process_id, _):
        yield Poster("django-eventstream", port, process_id, "/events/", "event: message\ndata: \n\n")


@contextmanager
def nchan() -> Iterator[Contender]:
    program, module = nginx_with_nchan()
    with tempfile.TemporaryDirectory() as folder:
        port, configuration = free_port(), Path(folder) / "nginx.conf"
        text = (HERE / "nchan.conf").read_text().replace("FOLDER", folder).replace("PORT", str(port))
        user = pwd.getpwuid(os.geteuid()).pw_name
        configuration.write_text(text.replace("USER", user).replace("MODULE", str(module)))
        command = [str(program), "-p", folder, "-e", f"{folder}/error.log", "-g", "daemon off;", "-c"]
        with _started([*command, str(configuration)], "/", port) as (_, process_id, _):
            worker = child_of(process_id)
            assert worker is not None
            yield Poster("nginx, nchan", port, worker, "/follow", "id: 1795718176:0\ndata: \n\n")


@contextmanager
def _started(command: list[str], path: str, port: int | None = None) -> Iterator[tuple[int, int, Path]]:
    """With a port of its own as last argument, unless it knows one."""
    arguments = [] if port else [str(port := free_port())]
    with tempfile.NamedTemporaryFile(prefix="chairside-bench-") as log:
        process = subprocess.Popen([*command, *arguments], stdout=log, stderr=log)
        try:
            _wait_until_it_answers(process, f"http://127.0.0.1:{port}{path}", Path(log.name))
            assert port is not None
            yield port, process.pid, Path(log.name)
        finally:
            process.terminate()
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_it_answers(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            httpx.get(url, timeout=1)
            return
        except httpx.TransportError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise ToolError(f"{process.args!r} does not answer:\n{log_tail(log)}") from None
            time.sleep(0.1)


CONTENDERS: dict[str, Callable[[], AbstractContextManager[Contender]]] = {
    "chairside": partial(chairside, partial(Availability, is_packed=False)),
    "gzip": partial(chairside, partial(Availability, is_packed=True)),
    "signed-in": partial(chairside, OwnList),
    "plain": plain,
    "eventstream": eventstream,
    "nchan": nchan,
}
