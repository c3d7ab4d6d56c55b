"""Rows that the database reads for a page: as many for a long history as for a short one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import pytest
from clinic.appointments.lifecycle import ACTIVE_STATUSES, Status
from clinic.appointments.models import Appointment
from clinic.people.models import Patient

from testkit.clinic.answers import APPOINTMENTS
from testkit.clinic.reads import rows_read
from testkit.clinic.times import in_days
from testkit.clinic.world import World

PAGE = 5
HISTORY = 400
# A page of each of seven statuses, its rows by their keys, who asks, and the count.
MAX_ROWS_READ = 200


@pytest.fixture
def history(world: World) -> list[Appointment]:
    """Visits of all statuses, of two practitioners and many patients, four years back."""
    Patient.objects.bulk_create(
        Patient(clinic=world.clinic, name=f"Pat {number}", phone=f"+4917010{number:05}")
        for number in range(HISTORY // 10)
    )
    patients = list(Patient.objects.filter(clinic=world.clinic, name__startswith="Pat "))
    statuses = cycle([Status.COMPLETED] * 8 + [status for status in Status if status not in ACTIVE_STATUSES])
    practitioners = cycle([world.petra.practitioner, world.petra.practitioner, world.quentin.practitioner])
    now, first = datetime.now(UTC), in_days(-4 * 365)(9)
    rows = []
    for number, status, practitioner in zip(range(HISTORY), statuses, practitioners, strict=False):
        start = first + timedelta(days=3 * number)
        rows.append(
            Appointment(
                clinic=world.clinic,
                patient=patients[number % len(patients)],
                practitioner=practitioner,
                starts_at=start,
                ends_at=start + timedelta(minutes=30),
                blocked_from=start,
                blocked_until=start + timedelta(minutes=30),
                local_date=start.date(),
                status=status,
                source="desk",
                created_at=now - timedelta(days=number),
                updated_at=now - timedelta(days=number * 7 % HISTORY),
            )
        )
    Appointment.objects.bulk_create(rows)
    return rows


LISTS = {
    "scope": ("active", "history", "all"),
    "status": ("rejected", "no_show,cancelled", "pending,confirmed"),
}
ORDERINGS = [f"{sign}{name}" for name in ("start", "created_at", "updated_at") for sign in ("", "-")]


@pytest.mark.parametrize("person", ["sam", "petra"])
def test_page_of_the_whole_history_reads_few_rows_in_every_order(
    world: World, history: list[Appointment], person: str
) -> None:
    client = world.client(getattr(world, person))
    too_many = {}
    for ordering in ORDERINGS:
        for name, values in LISTS.items():
            for value in values:
                query = {name: value, "ordering": ordering, "page_size": str(PAGE), "after": ""}
                client.get(APPOINTMENTS, query)  # What it remembers of its statements is not counted.
                read = _rows_of(lambda query=query: client.get(APPOINTMENTS, query))  # type: ignore[misc]
                counted = _rows_of_count(client, query)
                if read - counted > MAX_ROWS_READ:
                    too_many[f"{ordering} {value}"] = read - counted
    assert too_many == {}


def _rows_of(ask: Callable[[], Any]) -> int:
    with rows_read() as read:
        response = ask()
    assert response.status_code == 200, response.json()
    return read[0]


def _rows_of_count(client: Any, query: dict[str, str]) -> int:
    """A count reads its rows once to find them, and once out of a temporary table."""
    return 2 * int(client.get(APPOINTMENTS, query).json()["count"]) + 10


@pytest.mark.parametrize("query", [{"search": "pat 7"}, {"search": "nobody at all"}, {"search": "+4917010"}])
def test_search_reads_patients_first_and_then_their_visits(
    world: World, history: list[Appointment], query: dict[str, str]
) -> None:
    client = world.client(world.sam)
    asked = {**query, "scope": "all", "page_size": str(PAGE)}
    client.get(APPOINTMENTS, asked)
    patients = Patient.objects.count()
    found = int(client.get(APPOINTMENTS, asked).json()["count"])
    assert _rows_of(lambda: client.get(APPOINTMENTS, asked)) <= 2 * patients + 5 * found + MAX_ROWS_READ


def test_days_far_back_are_found_by_their_start(world: World, history: list[Appointment]) -> None:
    client = world.client(world.sam)
    first, last = (f"{history[number].local_date:%Y-%m-%d}" for number in (200, 215))
    query = {"scope": "all", "from": first, "to": last, "ordering": "start", "page_size": str(PAGE)}
    shown = client.get(APPOINTMENTS, query).json()
    assert (shown["count"], len(shown["results"])) == (16, PAGE)
    assert _rows_of(lambda: client.get(APPOINTMENTS, query)) <= MAX_ROWS_READ
