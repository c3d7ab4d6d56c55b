"""The first reader of a large clinic: what loading it takes, and keeps others waiting."""

import time
from collections.abc import Iterator, Sequence

from benchmarks.contenders import get
from benchmarks.costs import cpu_seconds, resident_bytes
from benchmarks.growth.curve import Column, Curve, Point, Settings
from benchmarks.growth.large_clinic import LargeClinic, Probe, database, service_on
from benchmarks.readers import Readers
from testkit.stream.database import Database

OPENING_TIMEOUT_SECONDS = 60.0


def measure(sizes: Sequence[int], settings: Settings) -> Iterator[Point]:
    with database() as found:
        for size in sizes:
            yield _measured(found, LargeClinic(found, size))


def _measured(found: Database, clinic: LargeClinic) -> Point:
    request = get(f"/api/v1/sse/availability?practitioner={clinic.petra.row_id}")
    with (
        service_on(found) as service,
        Readers(service.port, lambda: request) as readers,
        Probe(service.port) as probe,
    ):
        process = service.process_id
        cpu, memory, at = cpu_seconds(process), resident_bytes(process), time.perf_counter()
        readers.open(1, OPENING_TIMEOUT_SECONDS, has_begun=lambda came: b'"taken"' in came)
        seconds = time.perf_counter() - at
        cpu, memory = cpu_seconds(process) - cpu, resident_bytes(process) - memory
    return {
        "cpu_seconds": cpu,
        "seconds": seconds,
        "worst_ms": probe.worst_ms,
        "memory_mb": memory / 1e6 / (clinic.rows / 1000),
    }


CURVE = Curve(
    title="First load",
    size_title="appointments in the window",
    sizes=(1_000, 5_000, 20_000, 50_000),
    columns=(
        Column("cpu_seconds", "CPU, seconds", 0.8),
        Column("seconds", "until the first reader is told, seconds"),
        Column("worst_ms", "longest wait of others, ms", 50),
        Column("memory_mb", "memory of 1,000 appointments, MB", 1.5),
    ),
    measure=measure,
    limit_seconds=600,
)
