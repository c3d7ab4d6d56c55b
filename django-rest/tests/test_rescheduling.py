"""Dragged and dropped: `POST appointments/{id}/reschedule`. What it shares with every move is in test_moving."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.appointments.services import moving
from clinic.scheduling.models import Clinic, Service
from clinic.scheduling.services import ClaimLock, lock_for_change

from testkit.clinic.answers import APPOINTMENTS, attr_of, refusal
from testkit.clinic.concurrency import at_once
from testkit.clinic.times import At
from testkit.clinic.world import World, row_of


@pytest.fixture
def appointment(world: World, tomorrow_at: At) -> Appointment:
    """Paula's check-up with Petra, tomorrow at nine."""
    return world.book(tomorrow_at(9), service=world.check_up)


def drop(world: World, appointment: Appointment, *, by: User | None = None, if_match: str = "", **body: Any) -> Any:
    headers = {"If-Match": if_match} if if_match else {}
    return world.client(by or world.sam).post(f"{APPOINTMENTS}/{appointment.pk}/reschedule", body, headers=headers)


def test_it_moves_in_time(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    response = drop(world, appointment, start=tomorrow_at(11, 5).isoformat(), version=1)
    assert (response.status_code, response.json()["time"], response.json()["version"]) == (200, "11:05", 2)
    assert response.headers["ETag"] == '"2"'
    assert AppointmentEvent.objects.latest("pk").action == "move"


def test_it_moves_to_another_column(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    quentin = world.quentin.practitioner.pk
    response = drop(world, appointment, start=tomorrow_at(9).isoformat(), practitioner=quentin)
    assert (response.status_code, response.json()["practitioner"]) == (200, quentin)
    assert row_of(appointment).service == world.check_up


def test_date_and_time_are_the_clinics(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    response = drop(world, appointment, date=f"{tomorrow_at(9):%Y-%m-%d}", time="15:00")
    assert response.json()["start"] == tomorrow_at(15).isoformat()


def test_visit_that_another_user_moved_stays_there(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    drop(world, appointment, start=tomorrow_at(11).isoformat(), version=1)
    late = drop(world, appointment, by=world.petra, start=tomorrow_at(14).isoformat(), version=1)
    assert refusal(late) == (409, "stale_version")
    assert (late.json()["current"]["time"], late.json()["current"]["version"]) == ("11:00", 2)
    assert refusal(drop(world, appointment, if_match='"1"', start=tomorrow_at(14).isoformat())) == (
        412,
        "stale_version",
    )
    assert row_of(appointment).starts_at == tomorrow_at(11)


def test_a_taken_place_is_refused_with_the_nearest(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    world.book(tomorrow_at(11), patient=world.pete)
    response = drop(world, appointment, start=tomorrow_at(11).isoformat())
    assert refusal(response) == (409, "slot_taken")
    assert len(response.json()["nearest"]) == 3


def test_the_nearest_are_as_long_as_what_is_moved(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    """Booked for half an hour, though check-ups take a whole one since: half an hour is what has to fit."""
    Service.objects.filter(pk=world.check_up.pk).update(duration_minutes=60, active=False)
    world.book(tomorrow_at(11), patient=world.pete)
    response = drop(world, appointment, start=tomorrow_at(11).isoformat())
    assert refusal(response) == (409, "slot_taken")
    nearest = [map(datetime.fromisoformat, (slot["start"], slot["end"])) for slot in response.json()["nearest"]]
    lengths = {end - start for start, end in nearest}
    assert lengths == {timedelta(minutes=30)}


def test_outside_of_the_hours_only_when_the_desk_says_so(
    world: World, appointment: Appointment, tomorrow_at: At
) -> None:
    start = tomorrow_at(20).isoformat()
    assert refusal(drop(world, appointment, start=start)) == (400, "outside_working_hours")
    assert drop(world, appointment, start=start, outside_hours=True).status_code == 200


def test_a_start_is_needed(world: World, appointment: Appointment) -> None:
    response = drop(world, appointment, practitioner=world.quentin.practitioner.pk)
    assert (refusal(response), attr_of(response)) == ((400, "required"), "start")


def test_roles_that_may(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    start = tomorrow_at(11).isoformat()
    for stranger in (world.quentin, world.pete, world.otto):
        assert refusal(drop(world, appointment, by=stranger, start=start)) == (404, "not_found")
    to_quentin = drop(world, appointment, by=world.petra, start=start, practitioner=world.quentin.practitioner.pk)
    assert refusal(to_quentin) == (403, "permission_denied")
    assert row_of(appointment).version == 1
    assert drop(world, appointment, by=world.petra, start=start).status_code == 200


@pytest.mark.race
def test_moved_between_the_look_and_the_lock_is_stale(
    committed_world: World, tomorrow_at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Book Quentin just before Petra's calendar is locked."""
    world, lock = committed_world, lock_for_change
    appointment = world.book(tomorrow_at(9))
    quentin = world.quentin.practitioner.pk

    def late(*args: Any, **more: Any) -> ClaimLock:
        monkeypatch.setattr(moving, "lock_for_change", lock)
        [first] = at_once([lambda: drop(world, appointment, start=tomorrow_at(9).isoformat(), practitioner=quentin)])
        assert first.status_code == 200
        return lock(*args, **more)

    monkeypatch.setattr(moving, "lock_for_change", late)
    response = drop(world, appointment, start=tomorrow_at(11).isoformat())
    assert refusal(response) == (409, "stale_version")
    assert (response.json()["current"]["practitioner"], response.json()["current"]["time"]) == (quentin, "09:00")


def test_resized_visit_gets_another_length_and_keeps_its_service(
    world: World, appointment: Appointment, tomorrow_at: At
) -> None:
    response = drop(world, appointment, start=tomorrow_at(9).isoformat(), duration_minutes=45, version=1)
    assert (response.status_code, response.json()["end"]) == (200, tomorrow_at(9, 45).isoformat())
    assert row_of(appointment).service == world.check_up
    assert AppointmentEvent.objects.latest("pk").action == "move"


def test_resize_into_a_taken_time_is_refused(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    world.book(tomorrow_at(9, 30), patient=world.pete)
    response = drop(world, appointment, start=tomorrow_at(9).isoformat(), duration_minutes=45)
    assert refusal(response) == (409, "slot_taken")
    assert row_of(appointment).ends_at == tomorrow_at(9, 30)


def test_resize_off_the_grid_is_refused(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    response = drop(world, appointment, start=tomorrow_at(9).isoformat(), duration_minutes=42)
    assert refusal(response) == (400, "off_grid")


def test_patient_does_not_change_the_length(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    response = drop(world, appointment, by=world.paula, start=tomorrow_at(9).isoformat(), duration_minutes=60)
    assert response.status_code == 403


def test_resize_is_undone_with_the_length_before(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(undo_seconds=60)
    resized = drop(world, appointment, start=tomorrow_at(9).isoformat(), duration_minutes=45).json()
    undone = world.client(world.sam).post(f"{APPOINTMENTS}/{appointment.pk}/undo", {"version": resized["version"]})
    assert (undone.status_code, undone.json()["end"]) == (200, tomorrow_at(9, 30).isoformat())
