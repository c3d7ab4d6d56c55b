"""Lists of the REST API over a longer and longer history: times, which count on a quiet machine alone."""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from benchmarks.growth.curve import Column, Curve, Point, Settings
from benchmarks.growth.long_history import APPOINTMENTS, People, lengthen, lists_until, long_history
from benchmarks.measuring import Client, percentile

# Every list is asked for so often at least, however long it takes.
MIN_REQUESTS = 5
YESTERDAY = datetime.now().astimezone().date() - timedelta(days=1)
LISTS = lists_until(YESTERDAY)


def measure(sizes: Sequence[int], settings: Settings) -> Iterator[Point]:
    seconds = settings.seconds / len(LISTS)
    with long_history(sizes) as (stack, big):
        for size in sizes:
            lengthen(size)
            people = People(stack, big)
            yield {one.name: _p95(people.client(one.by), one.path, seconds) for one in LISTS} | {
                "after_booking": _after_a_booking(people.client("owner"), seconds)
            }


def _p95(client: Client, path: str, seconds: float) -> float | None:
    """None where it is refused: a version that takes too long answers 503."""
    client.ask("GET", path, None)
    took: list[float] = []
    ends_at = time.monotonic() + seconds
    while len(took) < MIN_REQUESTS or time.monotonic() < ends_at:
        status, _, milliseconds = client.ask("GET", path, None)
        if status != 200:
            return None
        took.append(milliseconds)
    return percentile(took, 95)


def _after_a_booking(client: Client, seconds: float) -> float | None:
    """The first page, when the last count is known no more."""
    from clinic.appointments.models import Appointment

    took: list[float] = []
    ends_at = time.monotonic() + seconds
    visit = Appointment.objects.order_by("pk")[0]
    while len(took) < MIN_REQUESTS or time.monotonic() < ends_at:
        Appointment.objects.filter(pk=visit.pk).update(notes=f"seen {len(took)}")
        status, _, milliseconds = client.ask("GET", f"{APPOINTMENTS}scope=all", None)
        if status != 200:
            return None
        took.append(milliseconds)
    return percentile(took, 95)


CURVE = Curve(
    title="Lists over the whole history",
    size_title="appointments",
    sizes=(20_000, 200_000, 2_000_000),
    columns=(
        *(Column(one.name, f"{one.title}, p95 ms", one.goal) for one in LISTS),
        Column("after_booking", "first page after a booking, p95 ms", 30),
    ),
    measure=measure,
    limit_seconds=2400,
)
