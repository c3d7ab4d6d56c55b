"""Lists of the REST API over a longer and longer history: what the database does for one request, with its count. These
figures hold on a busy machine, too."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from benchmarks.costs import cpu_seconds
from benchmarks.growth.curve import Column, Curve, Point, Settings
from benchmarks.growth.long_history import Listed, People, lengthen, lists_until, long_history
from benchmarks.measuring import Client

REQUESTS = 5
YESTERDAY = datetime.now().astimezone().date() - timedelta(days=1)
LISTS = lists_until(YESTERDAY)


def measure(sizes: Sequence[int], settings: Settings) -> Iterator[Point]:
    with long_history(sizes) as (stack, big):
        assert stack.server is not None
        for size in sizes:
            lengthen(size)
            people = People(stack, big)
            point: dict[str, float | None] = {}
            for one in LISTS:
                point |= _costs(people.client(one.by), one, stack.server.child.pid)
            yield point


def _costs(client: Client, one: Listed, database: int) -> dict[str, float | None]:
    """Of one request on average; missing where it is refused. The first one warms up, and its count is remembered no
    longer: each has one of its own, as after a booking."""
    client.ask("GET", one.path, None)
    rows, cpu = _rows_read(), cpu_seconds(database)
    for number in range(REQUESTS):
        _note_change(number)
        if client.ask("GET", one.path, None)[0] != 200:
            return {}
    return {
        f"{one.name}_rows": (_rows_read() - rows) / REQUESTS,
        f"{one.name}_cpu": 1e3 * (cpu_seconds(database) - cpu) / REQUESTS,
    }


def _note_change(number: int) -> None:
    from clinic.appointments.models import Appointment

    Appointment.objects.filter(pk=1).update(notes=f"seen {number}")


def _rows_read() -> int:
    """Rows and index entries, of all sessions."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Handler_read%'")
        return sum(int(value) for _, value in cursor.fetchall())


CURVE = Curve(
    title="Rows and CPU of lists",
    size_title="appointments",
    sizes=(20_000, 200_000, 2_000_000),
    columns=tuple(
        column
        for one in LISTS
        for column in (
            Column(f"{one.name}_rows", f"{one.title}: rows"),
            Column(f"{one.name}_cpu", f"{one.title}: CPU ms of the database", one.goal),
        )
    ),
    measure=measure,
    limit_seconds=2400,
)
