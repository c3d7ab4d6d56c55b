"""Reload of a large clinic shown by 500 topics: how long other requests wait."""

from collections.abc import Iterator, Sequence

from benchmarks.contenders import get
from benchmarks.costs import cpu_seconds
from benchmarks.growth.curve import Column, Curve, Point, Settings
from benchmarks.growth.large_clinic import LargeClinic, Probe, database, service_on
from benchmarks.readers import Readers
from testkit.stream.database import Database

TOPICS = 500
OPENING_TIMEOUT_SECONDS = 120.0
APPOINTMENTS = "/api/v1/sse/appointments?mode=delta"


def measure(sizes: Sequence[int], settings: Settings) -> Iterator[Point]:
    with database() as found:
        for size in sizes:
            yield _measured(found, LargeClinic(found, size), settings.seconds)


def _measured(found: Database, clinic: LargeClinic, seconds: float) -> Point:
    requests = requests_of(clinic)
    point: dict[str, float | None] = {}
    with service_on(found) as service, Readers(service.port, lambda: next(requests)) as readers:
        readers.open(TOPICS, OPENING_TIMEOUT_SECONDS)
        readers.drain_for(1)
        for name, change in CHANGES.items():
            before = cpu_seconds(service.process_id)
            with Probe(service.port) as probe:
                found.execute(change, clinic.id)
                readers.drain_for(seconds)
            point[f"{name}_ms"] = probe.worst_ms
            point[f"{name}_cpu"] = cpu_seconds(service.process_id) - before
    return point


def requests_of(clinic: LargeClinic) -> Iterator[bytes]:
    """The owner's list, then each practitioner's, then the same lists for some days."""
    owner = f"Authorization: Bearer {clinic.owner.token(seconds=3600)}\r\n"
    yield get(APPOINTMENTS, owner)
    number = 0
    while True:
        day, place = divmod(number, len(clinic.practitioners))
        practitioner = clinic.practitioners[place].row_id
        days = f"&from={clinic.day(day - 1)}&to={clinic.day(day)}" if day else ""
        yield get(f"{APPOINTMENTS}&practitioner={practitioner}{days}", owner)
        number += 1


CHANGES = {
    "clinic": "UPDATE clinic SET name = CONCAT(name, '.') WHERE id = %s",
    "service": "UPDATE service SET name = CONCAT(name, '.') WHERE clinic_id = %s",
}
CURVE = Curve(
    title="Reload of a large clinic",
    size_title="appointments in the window, 500 topics",
    sizes=(1_000, 5_000, 20_000, 50_000),
    columns=(
        Column("clinic_ms", "clinic renamed: longest wait of others, ms", 50),
        Column("clinic_cpu", "CPU, seconds"),
        Column("service_ms", "its service renamed, which all rows show: longest wait, ms", 50),
        Column("service_cpu", "CPU, seconds"),
    ),
    measure=measure,
    limit_seconds=900,
)
