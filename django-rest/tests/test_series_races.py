"""Book one date of a series while the series is being booked."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from clinic.appointments.actor import UserActor
from clinic.appointments.models import Appointment, Series
from clinic.appointments.recurrence import Frequency, Rule
from clinic.appointments.services import booking as booking_module
from clinic.appointments.services import series as series_module
from clinic.appointments.services.series import OnConflict, SeriesBooking, book_series
from clinic.appointments.services.series_changes import Scope, Selection, SeriesEdit, edit_series
from clinic.appointments.services.series_dates import PlannedDate, decide_dates
from clinic.common.errors import SeriesConflict, SlotTaken
from clinic.scheduling.models import Practitioner
from clinic.scheduling.services import ClaimLock

from testkit.clinic.concurrency import Meanwhile, at_once, no_overlaps
from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh

pytestmark = pytest.mark.race

WEEKS = 4


def book_a_series(world: World, on_conflict: OnConflict = OnConflict.SKIP) -> tuple[Series, list[PlannedDate]]:
    first = in_days(7)(9)
    return book_series(
        actor=UserActor(fresh(world.sam)),
        clinic=world.clinic,
        booking=SeriesBooking(
            patient_id=world.paula.patient.pk,
            practitioner_id=world.petra.practitioner.pk,
            first_date=first.date(),
            start_local=first.time(),
            rule=Rule(Frequency.WEEKLY, count=WEEKS),
        ),
        on_conflict=on_conflict,
        now=first - timedelta(days=7),
    )


def book_the_third_date(world: World) -> Appointment:
    start = in_days(7)(9) + timedelta(weeks=2)
    return world.book(start, patient=world.pete, now=start - timedelta(days=30))


@pytest.fixture
def meanwhile(committed_world: World, monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """The third date is asked for between the check of a series and its writing."""
    other = Meanwhile(lambda: book_the_third_date(committed_world))

    def check_and_dawdle(*args: Any, **kwargs: Any) -> Any:
        found = decide_dates(*args, **kwargs)
        other.begin()
        return found

    monkeypatch.setattr(series_module, "decide_dates", check_and_dawdle)
    return other


@pytest.fixture
def without_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_only(_: Any, *, practitioner_id: int, service_id: int | None) -> ClaimLock:
        return ClaimLock(Practitioner.objects.in_bulk([practitioner_id]))

    for module in (series_module, booking_module):
        monkeypatch.setattr(module, "lock_for_claim", look_only)


@pytest.mark.usefixtures("without_the_lock")
def test_without_the_lock_a_series_fails_on_a_date_it_has_found_free(
    committed_world: World, meanwhile: Meanwhile
) -> None:
    """The cells prevent the overlap; what was to be skipped undoes the whole series."""
    with pytest.raises(SlotTaken):
        book_a_series(committed_world)
    assert isinstance(meanwhile.end(), Appointment)


def test_with_the_lock_what_was_checked_is_what_is_booked(committed_world: World, meanwhile: Meanwhile) -> None:
    _, planned = book_a_series(committed_world)
    assert [plan.refusal for plan in planned] == [None] * WEEKS
    assert isinstance(meanwhile.end(), SlotTaken)


def test_many_series_and_single_bookings_at_once(committed_world: World) -> None:
    """Of all who want the third date one gets it; a series that skips has its other dates or finds them taken."""
    world = committed_world
    jobs: list[Callable[[], Any]] = [lambda: book_a_series(world)] * 4
    jobs += [lambda: book_a_series(world, OnConflict.FAIL)] * 4 + [lambda: book_the_third_date(world)] * 8
    with no_overlaps(world):
        outcomes = at_once(jobs)
    errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert {type(error) for error in errors} <= {SlotTaken, SeriesConflict}
    third = in_days(7)(9) + timedelta(weeks=2)
    assert Appointment.objects.filter(starts_at=third).count() == 1
    assert Appointment.objects.count() == WEEKS


def test_two_series_that_change_practitioners_in_opposite_directions(committed_world: World) -> None:
    """Locks in the order of their ids: nobody waits in a circle, and deadlocks would be tried again."""
    world = committed_world
    petra, quentin = world.petra.practitioner.pk, world.quentin.practitioner.pk
    first, second = world.book_series(in_days(7)(9)), world.book_series(in_days(7)(11))
    give(world, second, quentin)
    jobs = [lambda: give(world, first, quentin), lambda: give(world, second, petra)] * 4
    with no_overlaps(world):
        outcomes = at_once(jobs)
    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert set(Appointment.objects.filter(series=first).values_list("practitioner_id", flat=True)) == {quentin}
    assert set(Appointment.objects.filter(series=second).values_list("practitioner_id", flat=True)) == {petra}


def give(world: World, series: Series, practitioner_id: int) -> Series:
    return edit_series(
        actor=UserActor(fresh(world.sam)),
        series_id=series.pk,
        selection=Selection(Scope.ALL),
        edit=SeriesEdit(practitioner_id=practitioner_id),
        now=in_days(1)(8),
    )
