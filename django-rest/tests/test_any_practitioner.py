"""A booking that names no practitioner goes to a free one: the least booked of the surrounding days."""

from dataclasses import replace
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.claim_facts import read_claim_facts
from clinic.appointments.models import Appointment
from clinic.appointments.services import booking
from clinic.appointments.slot_assignment import ClaimFacts
from clinic.people.models import Patient
from clinic.scheduling.models import (
    Practitioner,
    ScheduleException,
    Service,
    ServicePractitioner,
    WorkingBlock,
)
from django.db import connection
from django.test.utils import CaptureQueriesContext

from testkit.clinic.answers import APPOINTMENTS, attr_of, refusal
from testkit.clinic.feed_rows import make_hold
from testkit.clinic.times import At, in_days
from testkit.clinic.world import World


def book(world: World, *, by: User | None = None, **body: Any) -> Any:
    by = by or world.sam
    patient = {} if by in (world.paula, world.pete) else {"patient": world.paula.patient.pk}
    start = body.pop("start").isoformat()
    return world.client(by).post(APPOINTMENTS, {"service": world.check_up.pk, **patient, "start": start, **body})


@pytest.fixture
def gus(world: World) -> User:
    """Another person, for whom the desk books."""
    user = User(name="Gus", email="gus@example.org", role="patient", clinic=world.clinic)
    user.save()
    Patient.objects.create(clinic=world.clinic, name="Gus", user=user)
    return user


def chosen(response: Any) -> str:
    assert response.status_code == 201, response.json()
    name: str = response.json()["practitioner_name"]
    return name


def test_least_booked_practitioner_of_the_surrounding_days_is_chosen(world: World, tomorrow_at: At) -> None:
    world.book(tomorrow_at(9), practitioner=world.petra)
    assert chosen(book(world, start=tomorrow_at(14))) == "Dr Quentin"
    world.book(in_days(8)(10), practitioner=world.quentin, patient=world.pete)
    assert chosen(book(world, start=tomorrow_at(15))) == "Dr Petra"


def test_minutes_count_and_not_bookings(world: World, tomorrow_at: At) -> None:
    """Two short visits are less than a long one."""
    Service.objects.filter(pk=world.check_up.pk).update(duration_minutes=120)
    world.book(tomorrow_at(9), practitioner=world.petra, service=world.check_up)
    for hour in (9, 10):
        world.book(tomorrow_at(hour), practitioner=world.quentin, patient=world.pete)
    assert chosen(book(world, start=tomorrow_at(14))) == "Dr Quentin"


def test_cancelled_and_far_visits_do_not_count(world: World, tomorrow_at: At) -> None:
    world.book(tomorrow_at(9), practitioner=world.quentin)
    for hour in (9, 10):
        cancelled = world.book(tomorrow_at(hour), practitioner=world.petra, patient=world.pete)
        Appointment.objects.filter(pk=cancelled.pk).update(status="cancelled")
        world.book(in_days(9)(hour), practitioner=world.petra)
    assert chosen(book(world, start=tomorrow_at(14))) == "Dr Petra"


def test_of_equally_booked_ones_the_least_recently_assigned_is_chosen(world: World) -> None:
    """Each on a day of its own, further apart than the days that count."""
    names = [chosen(book(world, start=in_days(day)(9))) for day in (1, 20, 40, 60)]
    assert names == ["Dr Petra", "Dr Quentin", "Dr Petra", "Dr Quentin"]


def test_fourteen_bookings_on_fourteen_days_are_shared(world: World) -> None:
    names = [chosen(book(world, start=in_days(day)(9))) for day in range(1, 15)]
    assert (names.count("Dr Petra"), names.count("Dr Quentin")) == (7, 7)


def test_busy_practitioner_is_passed_over(world: World, tomorrow_at: At) -> None:
    for hour in (8, 10, 11):
        world.book(tomorrow_at(hour), practitioner=world.quentin)
    world.book(tomorrow_at(9), practitioner=world.petra, patient=world.pete)
    assert chosen(book(world, start=tomorrow_at(9))) == "Dr Quentin"


def test_held_practitioner_is_passed_over_until_the_hold_expires(world: World, tomorrow_at: At) -> None:
    hold = make_hold(world.clinic, world.petra, tomorrow_at(9))
    assert chosen(book(world, start=tomorrow_at(9))) == "Dr Quentin"
    type(hold).objects.filter(pk=hold.pk).update(expires_at=hold.created_at)
    assert chosen(book(world, by=world.pete, start=tomorrow_at(9))) == "Dr Petra"


def test_practitioner_who_does_not_work_then_is_passed_over(world: World, tomorrow_at: At) -> None:
    day = tomorrow_at(9).date()
    petra = world.petra.practitioner
    ScheduleException.objects.create(clinic=world.clinic, practitioner=petra, start_date=day, end_date=day)
    assert chosen(book(world, start=tomorrow_at(9))) == "Dr Quentin"


def test_practitioner_without_the_service_or_who_left_is_passed_over(world: World, tomorrow_at: At) -> None:
    ServicePractitioner.objects.filter(practitioner=world.petra.practitioner).delete()
    assert chosen(book(world, start=tomorrow_at(9))) == "Dr Quentin"
    assert chosen(book(world, start=tomorrow_at(10), service=None)) == "Dr Petra"
    Practitioner.objects.filter(pk=world.quentin.practitioner.pk).update(active=False)
    response = book(world, start=tomorrow_at(11))
    assert (refusal(response), attr_of(response)) == ((400, "invalid"), "service")


def test_where_nobody_is_free_the_nearest_slots_of_anybody_are_named(world: World, tomorrow_at: At, gus: User) -> None:
    for practitioner, patient in ((world.petra, world.pete), (world.quentin, gus)):
        world.book(tomorrow_at(9), practitioner=practitioner, patient=patient)
    world.book(tomorrow_at(9, 30), practitioner=world.petra)
    response = book(world, start=tomorrow_at(9))
    assert refusal(response) == (409, "slot_taken")
    nearest = {(slot["start"], slot["practitioner"]) for slot in response.json()["nearest"]}
    petra, quentin = world.petra.practitioner.pk, world.quentin.practitioner.pk
    assert nearest == {
        (tomorrow_at(8, 30).isoformat(), petra),
        (tomorrow_at(9, 30).isoformat(), quentin),
        (tomorrow_at(8).isoformat(), petra),
    }


def test_where_nobody_works_the_reason_is_told(world: World, tomorrow_at: At) -> None:
    assert refusal(book(world, start=tomorrow_at(20))) == (400, "outside_working_hours")
    assert refusal(book(world, start=tomorrow_at(9, 3))) == (400, "off_grid")
    assert refusal(book(world, start=in_days(-1)(9))) == (400, "in_the_past")
    assert refusal(book(world, by=world.paula, start=tomorrow_at(9, 5))) == (400, "off_grid")
    assert chosen(book(world, start=tomorrow_at(20), outside_hours=True)) == "Dr Petra"


def test_each_ones_own_grid_decides(world: World, tomorrow_at: At) -> None:
    """Quentin begins at a quarter past: what is off Petra's grid is on his."""
    WorkingBlock.objects.filter(practitioner=world.quentin.practitioner).update(start_local="08:15")
    assert chosen(book(world, by=world.paula, start=tomorrow_at(9, 15))) == "Dr Quentin"
    assert chosen(book(world, by=world.pete, start=tomorrow_at(9, 30))) == "Dr Petra"


def test_a_practitioner_who_names_nobody_books_their_own_time(world: World, tomorrow_at: At) -> None:
    assert chosen(book(world, by=world.quentin, start=tomorrow_at(9))) == "Dr Quentin"


def test_practitioner_of_another_clinic_is_never_chosen(world: World, tomorrow_at: At, gus: User) -> None:
    for practitioner, patient in ((world.petra, world.pete), (world.quentin, gus)):
        world.book(tomorrow_at(9), practitioner=practitioner, patient=patient)
    olive = world.hillside.practitioners.create(name="Dr Olive")
    WorkingBlock.objects.create(
        practitioner=olive, weekday=tomorrow_at(9).weekday(), start_local="08:00", end_local="18:00"
    )
    assert refusal(book(world, start=tomorrow_at(9), service=None)) == (409, "slot_taken")


def facts_without_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if somebody wrote around the lock, right after the facts were read."""

    def read(*args: Any, **more: Any) -> ClaimFacts:
        return replace(read_claim_facts(*args, **more), taken=())

    monkeypatch.setattr(booking, "read_claim_facts", read)


def test_the_next_one_is_taken_when_somebody_wrote_around_the_lock(
    world: World, tomorrow_at: At, gus: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cells refuse Petra, who was seen free."""
    world.book(tomorrow_at(9), practitioner=world.petra, patient=world.pete)
    world.book(tomorrow_at(11), practitioner=world.quentin)
    facts_without_claims(monkeypatch)
    assert chosen(book(world, start=tomorrow_at(9))) == "Dr Quentin"
    response = book(world, start=tomorrow_at(9), patient=gus.patient.pk)
    assert refusal(response) == (409, "slot_taken")
    assert response.json()["nearest"]


def test_loser_of_a_cell_is_told_the_nearest_times_too(
    world: World, tomorrow_at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.book(tomorrow_at(9), practitioner=world.petra, patient=world.pete)
    facts_without_claims(monkeypatch)
    response = book(world, start=tomorrow_at(9), practitioner=world.petra.practitioner.pk)
    assert refusal(response) == (409, "slot_taken")
    assert len(response.json()["nearest"]) == 3


def test_more_practitioners_do_not_cost_more_queries(world: World, tomorrow_at: At) -> None:
    client = world.client(world.sam)

    def queries_of(hour: int) -> int:
        body = {"patient": world.paula.patient.pk, "service": world.check_up.pk}
        with CaptureQueriesContext(connection) as counted:
            chosen(client.post(APPOINTMENTS, {**body, "start": tomorrow_at(hour).isoformat()}))
        return len(counted)

    few = queries_of(9)
    for number in range(20):
        practitioner = Practitioner.objects.create(clinic=world.clinic, name=f"Dr {number}")
        ServicePractitioner.objects.create(service=world.check_up, practitioner=practitioner)
        WorkingBlock.objects.bulk_create(
            WorkingBlock(practitioner=practitioner, weekday=weekday, start_local="08:00", end_local="18:00")
            for weekday in range(7)
        )
    assert queries_of(10) == few
    assert few <= 20
