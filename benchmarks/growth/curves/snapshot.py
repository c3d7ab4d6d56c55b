"""A second of changes to a long list, told to a hundred readers in either mode."""

import time
from collections.abc import Callable, Iterator, Sequence

from benchmarks.contenders import get
from benchmarks.costs import cpu_seconds
from benchmarks.growth.curve import Column, Curve, Point, Settings
from benchmarks.growth.large_clinic import LargeClinic, database, service_on
from benchmarks.readers import Readers
from testkit.stream.database import Database
from testkit.stream.service import StreamService

READERS = 100
CHANGES = 20
OPENING_TIMEOUT_SECONDS = 60.0


def measure(sizes: Sequence[int], settings: Settings) -> Iterator[Point]:
    with database() as found:
        for size in sizes:
            clinic = LargeClinic(found, size)
            booked = clinic.book()
            point: dict[str, float | None] = {}
            for mode in ("snapshot", "delta"):
                with service_on(found) as service:
                    point |= told(service, found, clinic, booked, mode)
            yield point


def told(
    service: StreamService, database: Database, clinic: LargeClinic, booked: int, mode: str
) -> dict[str, float | None]:
    owner = f"Authorization: Bearer {clinic.owner.token(seconds=3600)}\r\n"
    request = get(f"/api/v1/sse/appointments?mode={mode}&from={clinic.day(0)}&to={clinic.day(30)}", owner)
    with Readers(service.port, lambda: request) as readers:
        opened = readers.open(READERS, OPENING_TIMEOUT_SECONDS, has_begun=has_begun)
        if opened.count < READERS:  # Refused: `range_too_large`.
            return {}
        readers.drain_for(3)
        before, sent = cpu_seconds(service.process_id), 0
        ends_at = time.monotonic() + 4
        for number in range(CHANGES):
            database.execute("UPDATE appointment SET notes = %s WHERE id = %s", str(number), booked)
            next_at = time.monotonic() + 1 / CHANGES
            sent += sum(len(came) for _, _, came in readers.follow(_until(next_at)))
        sent += sum(len(came) for _, _, came in readers.follow(_until(ends_at)))
        return {f"{mode}_mb": sent / 1e6, f"{mode}_cpu": cpu_seconds(service.process_id) - before}


def _until(at: float) -> Callable[[], bool]:
    return lambda: time.monotonic() > at


def has_begun(came: bytes) -> bool:
    return b" 200 " in came.split(b"\r\n", 1)[0] and b"\nid: " in came


CURVE = Curve(
    title="Long lists in snapshot mode",
    size_title="appointments in the list, 100 readers, 20 changes in a second",
    sizes=(100, 1_000, 5_000, 20_000),
    columns=(
        Column("snapshot_mb", "snapshot mode: MB sent"),
        Column("snapshot_cpu", "CPU, seconds"),
        Column("delta_mb", "delta mode: MB sent"),
        Column("delta_cpu", "CPU, seconds"),
    ),
    measure=measure,
    limit_seconds=600,
)
