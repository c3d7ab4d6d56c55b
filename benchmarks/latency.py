"""From COMMIT to the readers, and what it costs the database, however many there are.

    python -m benchmarks.latency [--subscribers 0 1 100 1000 10000] [--seconds 10] [--stream booking]

Bookings go through django-rest's service, 20 a second. The clock starts when COMMIT has returned to the writer, and
stops when a reader has the booking, for each booking and each reader. Queries are what the whole server was asked.
`--stream booking` is what the booking page of a clinic follows: everybody's taken time, without a sign-in.
"""

import argparse
import logging
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.contenders import LONG, NO_LIMITS, get
from benchmarks.costs import allow_open_files, client_core, pin, server_core
from benchmarks.measuring import delays_ms, percentile
from benchmarks.readers import Readers
from testkit.stream.database import Database, Server
from testkit.stream.service import StreamService, sign
from tools.private_server import PrivateServer, environment_of, throw_away_server
from tools.processes import ToolError

A_SECOND = 20
GRACE_SECONDS = 2.0
OPENING_SECONDS = 120.0
BOUNDS_MS = (10, 25, 50, 75, 100)
SEQ = re.compile(rb"^id: [0-9a-f]+\.\d+\.(\d+)(?:-\w+)?$", re.MULTILINE)
GOALS = {
    "appointments": "Goals: p50 under 25 ms, p99 under 75 ms, and as many queries for ten thousand as for none.",
    "booking": "Goal: p99 of a visible change under 300 ms with 1,000 patients on a clinic's booking page.",
}


@dataclass
class Measured:
    subscribers: int
    quiet_queries: float
    busy_queries: float = 0.0
    bookings: int = 0
    times_ms: list[float] = field(default_factory=list)
    missed: int = 0


class Meter:
    """Statements that all clients have sent to a server."""

    def __init__(self, server: PrivateServer) -> None:
        self._cursor = server.connect(as_admin=True).cursor()

    @contextmanager
    def queries_a_second(self) -> Iterator[list[float]]:
        rate: list[float] = []
        before, began_at = self._questions(), time.monotonic()
        yield rate
        rate.append((self._questions() - before) / (time.monotonic() - began_at))

    def _questions(self) -> int:
        self._cursor.execute("SHOW GLOBAL STATUS LIKE 'Questions'")
        return int(self._cursor.fetchone()[1])


class Trial:
    def __init__(self, service: StreamService, request: bytes, meter: Meter, seconds: int) -> None:
        self._service = service
        self._request = request
        self._meter = meter
        self._seconds = seconds
        self._booked = 0

    def run(self, subscribers: int, progress: Progress) -> Measured:
        with Readers(self._service.port, lambda: self._request) as readers:
            task = progress.add_task(f"{subscribers:,} subscribers", total=subscribers or None)
            opened = readers.open(subscribers, OPENING_SECONDS, lambda count: progress.advance(task, count))
            if opened.count < subscribers:
                raise ToolError(f"Only {opened.count} of {subscribers} could be opened.")
            readers.drain_for(1)
            with self._meter.queries_a_second() as rate:
                readers.drain_for(self._seconds)
            measured = Measured(subscribers, rate[0])
            self._book(readers, measured)
            progress.update(task, total=1, completed=1)
            return measured

    def _book(self, readers: Readers, measured: Measured) -> None:
        count = A_SECOND * self._seconds
        arguments = [str(self._booked), str(count), str(A_SECOND)]
        command = [sys.executable, "-m", "benchmarks.booking_writer", *arguments]
        self._booked += count
        arrivals: defaultdict[int, list[tuple[int, float]]] = defaultdict(list)
        with tempfile.TemporaryFile("w+") as lines, self._meter.queries_a_second() as rate:
            with subprocess.Popen(command, stdout=lines) as writer:
                for reader, at, came in readers.follow(_until_done(writer)):
                    if found := SEQ.findall(came):
                        arrivals[reader].append((int(found[-1]), at))
            lines.seek(0)
            bookings = [(int(seq), float(at)) for seq, at in (line.split() for line in lines)]
        measured.busy_queries = rate[0]
        measured.bookings = len(bookings)
        for came_to in arrivals.values():
            measured.times_ms += delays_ms(bookings, came_to)
        measured.missed = len(bookings) * measured.subscribers - len(measured.times_ms)


def _until_done(writer: subprocess.Popen[bytes]) -> Any:
    """Some time after the writer has ended."""
    ended_at: list[float] = []

    def is_over() -> bool:
        if writer.poll() is not None and not ended_at:
            ended_at.append(time.monotonic())
        return bool(ended_at) and time.monotonic() > ended_at[0] + GRACE_SECONDS

    return is_over


def run(chosen: argparse.Namespace, console: Console) -> list[Measured]:
    columns = (TextColumn("{task.description:<44}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with throw_away_server() as server, Progress(*columns, console=console) as progress:
        os.environ.update(environment_of(server))
        database = Database(Server.from_environment())
        os.environ.update(database.environment)
        claims = _make_clinic()
        log = server.folder / "stream.log"
        with StreamService(database.environment, log, **NO_LIMITS) as service:
            pin(service.process_id, server_core())
            trial = Trial(service, _request_for(chosen.stream, claims), Meter(server), chosen.seconds)
            return [trial.run(subscribers, progress) for subscribers in chosen.subscribers]


def _request_for(stream: str, claims: dict[str, Any]) -> bytes:
    if stream == "booking":
        return get(f"/api/v1/sse/availability?clinic={claims['clinic_id']}&mode=delta")
    return get("/api/v1/sse/appointments?mode=delta", f"Authorization: Bearer {sign(claims, seconds=LONG)}\r\n")


def _make_clinic() -> dict[str, Any]:
    """With fifty practitioners whose days are free from tomorrow or the day after. Returns the owner's claims."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()
    logging.disable(logging.INFO)
    from benchmarks.big_clinic import Size, make_big_clinic

    today = datetime.now().astimezone().date()
    big = make_big_clinic(Size(appointments=500, patients=50), lambda _: None, today=today)
    return {"user_id": big.owner.pk, "role": "owner", "clinic_id": big.clinic.pk, "ver": big.owner.token_version}


def show(results: list[Measured], console: Console, goal: str) -> None:
    table = Table(
        *("subscribers", "bookings", "p50 ms", "p99 ms", "last ms", "lost"),
        *(f"≤ {bound} ms" for bound in BOUNDS_MS),
        "queries/s, quiet",
        f"queries/s, {A_SECOND} bookings/s",
        title="From COMMIT to the readers",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for column in table.columns:
        column.justify = "right"
    for one in results:
        times = one.times_ms
        quantiles = [f"{percentile(times, percent):.1f}" for percent in (50, 99)] if len(times) > 1 else ["", ""]
        shares = [f"{sum(time <= bound for time in times) / len(times):.1%}" if times else "" for bound in BOUNDS_MS]
        last = f"{max(times):.0f}" if times else ""
        queries = f"{one.quiet_queries:.1f}", f"{one.busy_queries:.1f}"
        table.add_row(f"{one.subscribers:,}", str(one.bookings), *quantiles, last, str(one.missed), *shares, *queries)
    console.print(table)
    console.print(goal, style="dim")


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the way from COMMIT to the readers.")
    parser.add_argument("--subscribers", type=int, nargs="+", default=[0, 1, 100, 1_000, 10_000])
    parser.add_argument("--seconds", type=int, default=10, help="of bookings, and of quiet")
    parser.add_argument("--stream", choices=sorted(GOALS), default="appointments")
    chosen = parser.parse_args()
    console = Console(width=140)
    allow_open_files()
    pin(os.getpid(), client_core())
    try:
        show(run(chosen, console), console, GOALS[chosen.stream])
    except ToolError as problem:
        console.print(str(problem), markup=False)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
