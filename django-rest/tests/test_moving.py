from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments import queries
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.appointments.services import moving
from clinic.scheduling.models import ClaimedCell, Service, ServicePractitioner

from testkit.clinic.answers import APPOINTMENTS, attr_of, refusal
from testkit.clinic.times import At, in_days
from testkit.clinic.world import World, row_of

TIMES = ("starts_at", "ends_at", "blocked_from", "blocked_until")


@pytest.fixture
def appointment(world: World, tomorrow_at: At) -> Appointment:
    """Paula's check-up with Petra, tomorrow at nine."""
    return world.book(tomorrow_at(9), service=world.check_up)


@pytest.fixture
def root_canal(world: World) -> Service:
    """An hour and a half, and only Petra does it."""
    service = Service.objects.create(clinic=world.clinic, name="Root canal", duration_minutes=90)
    ServicePractitioner.objects.create(service=service, practitioner=world.petra.practitioner)
    return service


def move(world: World, appointment: Appointment, *, by: User | None = None, **body: Any) -> Any:
    return world.client(by or world.sam).patch(f"{APPOINTMENTS}/{appointment.pk}", body)


def cells(appointment: Appointment) -> tuple[set[int], datetime, datetime]:
    """The practitioner and interval that the appointment claims."""
    claimed = ClaimedCell.objects.filter(appointment_id=appointment.pk, kind="practitioner")
    starts = sorted(cell.starts_at for cell in claimed)
    assert starts == [starts[0] + index * timedelta(minutes=5) for index in range(len(starts))]
    return {cell.owner_id for cell in claimed}, starts[0], starts[-1] + timedelta(minutes=5)


def test_the_cells_follow_to_another_time(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    response = move(world, appointment, start=tomorrow_at(11).isoformat())
    assert (response.status_code, response.json()["time"]) == (200, "11:00")
    assert response.json()["end"] == tomorrow_at(11, 30).isoformat()
    assert cells(appointment) == ({world.petra.practitioner.pk}, tomorrow_at(11), tomorrow_at(11, 30))
    assert world.book(tomorrow_at(9)).status == "confirmed"


def test_the_cells_follow_to_another_practitioner(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    response = move(world, appointment, practitioner=world.quentin.practitioner.pk)
    assert (response.status_code, response.json()["practitioner_name"]) == (200, "Dr Quentin")
    assert cells(appointment) == ({world.quentin.practitioner.pk}, tomorrow_at(9), tomorrow_at(9, 30))
    assert move(world, appointment, dentist=world.petra.practitioner.pk).json()["dentist_name"] == "Dr Petra"


def test_the_cells_follow_to_a_longer_service(
    world: World, appointment: Appointment, root_canal: Service, tomorrow_at: At
) -> None:
    response = move(world, appointment, service=root_canal.pk)
    assert (response.status_code, response.json()["service_name"]) == (200, "Root canal")
    assert cells(appointment) == ({world.petra.practitioner.pk}, tomorrow_at(9), tomorrow_at(10, 30))


def test_buffers_move_along(world: World, root_canal: Service, tomorrow_at: At) -> None:
    Service.objects.update(buffer_before_minutes=10, buffer_after_minutes=5, duration_minutes=30)
    root_canal.refresh_from_db()
    appointment = world.book(tomorrow_at(9), service=root_canal)
    move(world, appointment, start=tomorrow_at(11).isoformat())
    assert cells(appointment) == ({world.petra.practitioner.pk}, tomorrow_at(10, 50), tomorrow_at(11, 35))


def test_date_and_time_move_in_the_clinics_zone(world: World, appointment: Appointment) -> None:
    target = in_days(4)(15, 30)
    response = move(world, appointment, date=f"{target:%Y-%m-%d}", time="15:30")
    assert response.json()["start"] == target.isoformat()
    assert row_of(appointment).local_date == target.date()


@pytest.mark.parametrize(("given", "at"), [("date", (2, 9)), ("time", (1, 15))])
def test_date_or_time_alone_keeps_the_other(
    world: World, appointment: Appointment, given: str, at: tuple[int, int]
) -> None:
    values: dict[str, Any] = {"date": f"{in_days(2)(9):%Y-%m-%d}", "time": "15:00"}
    assert move(world, appointment, **{given: values[given]}).status_code == 200
    assert row_of(appointment).starts_at == in_days(at[0])(at[1])


def test_everything_moves_in_one_request(
    world: World, appointment: Appointment, root_canal: Service, tomorrow_at: At
) -> None:
    ServicePractitioner.objects.create(service=root_canal, practitioner=world.quentin.practitioner)
    response = move(
        world,
        appointment,
        start=tomorrow_at(13).isoformat(),
        practitioner=world.quentin.practitioner.pk,
        service=root_canal.pk,
        notes="asked for Quentin",
    )
    assert (response.status_code, response.json()["version"]) == (200, 2)
    assert cells(appointment) == ({world.quentin.practitioner.pk}, tomorrow_at(13), tomorrow_at(14, 30))
    assert row_of(appointment).notes == "asked for Quentin"


def test_an_appointment_may_overlap_its_own_former_time(
    world: World, appointment: Appointment, tomorrow_at: At
) -> None:
    assert move(world, appointment, start=tomorrow_at(9, 10).isoformat()).status_code == 200
    assert cells(appointment)[1:] == (tomorrow_at(9, 10), tomorrow_at(9, 40))


def test_an_overlap_is_refused_and_the_nearest_slots_are_named(
    world: World, appointment: Appointment, tomorrow_at: At
) -> None:
    world.book(tomorrow_at(10), patient=world.pete)
    before = cells(appointment)
    response = move(world, appointment, start=tomorrow_at(9, 45).isoformat())
    assert refusal(response) == (409, "slot_taken")
    nearest = {slot["start"] for slot in response.json()["nearest"]}
    assert nearest == {tomorrow_at(9, 30).isoformat(), tomorrow_at(10, 30).isoformat(), tomorrow_at(8, 30).isoformat()}
    assert cells(appointment) == before
    assert row_of(appointment).version == 1


def test_a_longer_service_does_not_push_the_next_patient_aside(
    world: World, appointment: Appointment, root_canal: Service, tomorrow_at: At
) -> None:
    world.book(tomorrow_at(10), patient=world.pete)
    assert refusal(move(world, appointment, service=root_canal.pk)) == (409, "slot_taken")
    assert row_of(appointment).service == world.check_up


def test_the_other_practitioner_must_be_free(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    world.book(tomorrow_at(9, 15), practitioner=world.quentin, patient=world.pete)
    response = move(world, appointment, practitioner=world.quentin.practitioner.pk)
    assert refusal(response) == (409, "slot_taken")


def test_the_other_practitioner_must_offer_the_service(
    world: World, appointment: Appointment, root_canal: Service
) -> None:
    assert move(world, appointment, service=root_canal.pk).status_code == 200
    response = move(world, appointment, practitioner=world.quentin.practitioner.pk)
    assert (response.status_code, attr_of(response)) == (400, "service")


def test_a_move_obeys_the_hours_and_the_horizon(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    assert refusal(move(world, appointment, start=tomorrow_at(20).isoformat())) == (400, "outside_working_hours")
    assert refusal(move(world, appointment, start=tomorrow_at(9, 3).isoformat())) == (400, "off_grid")
    assert refusal(move(world, appointment, start=in_days(-1)(9).isoformat())) == (400, "in_the_past")
    assert refusal(move(world, appointment, start=in_days(1000)(9).isoformat())) == (400, "too_far_ahead")
    assert move(world, appointment, start=tomorrow_at(20).isoformat(), outside_hours=True).status_code == 200


def test_the_history_says_from_when_to_when(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    move(world, appointment, start=tomorrow_at(11).isoformat())
    line = world.client(world.sam).get(f"{APPOINTMENTS}/{appointment.pk}/history").json()["results"][-1]
    assert line["action"] == "move"
    assert datetime.fromisoformat(line["from_start"]) == tomorrow_at(9)
    assert datetime.fromisoformat(line["to_start"]) == tomorrow_at(11)
    assert (line["from_status"], line["to_status"]) == ("confirmed", "confirmed")
    event = AppointmentEvent.objects.get(pk=line["id"])
    assert event.snapshot["starts_at"] == tomorrow_at(11).astimezone(UTC).isoformat()


def test_a_note_alone_moves_nothing(world: World, appointment: Appointment) -> None:
    Appointment.objects.filter(pk=appointment.pk).update(status="checked_in")
    before = cells(appointment)
    assert move(world, appointment, notes="came early").json()["notes"] == "came early"
    assert cells(appointment) == before
    assert AppointmentEvent.objects.filter(appointment_id=appointment.pk).latest("id").action == "edit"


def test_a_move_takes_back_the_promise_to_come(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    world.client(world.paula).post(f"{APPOINTMENTS}/{appointment.pk}/confirm")
    assert row_of(appointment).attendance_confirmed_at is not None
    assert move(world, appointment, start=tomorrow_at(11).isoformat()).json()["attendance_confirmed_at"] is None


@pytest.mark.parametrize("status", ["checked_in", "completed", "cancelled", "rejected", "no_show"])
def test_only_what_is_pending_or_confirmed_moves(
    world: World, appointment: Appointment, tomorrow_at: At, status: str
) -> None:
    Appointment.objects.filter(pk=appointment.pk).update(status=status)
    response = move(world, appointment, start=tomorrow_at(11).isoformat())
    assert refusal(response) == (409, "transition_not_allowed")
    assert row_of(appointment).starts_at == tomorrow_at(9)


def test_a_pending_request_moves(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    Appointment.objects.filter(pk=appointment.pk).update(status="pending")
    response = move(world, appointment, start=tomorrow_at(11).isoformat())
    assert (response.status_code, response.json()["status"]) == (200, "pending")


def test_roles_that_may_move(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    start = tomorrow_at(11).isoformat()
    for stranger in (world.quentin, world.pete, world.otto):
        assert refusal(move(world, appointment, by=stranger, start=start)) == (404, "not_found")
    assert refusal(move(world, appointment, by=world.paula, notes="hello")) == (403, "permission_denied")
    assert row_of(appointment).version == 1
    assert move(world, appointment, by=world.petra, start=start).status_code == 200


def test_a_practitioner_does_not_fill_anothers_day(world: World, appointment: Appointment) -> None:
    response = move(world, appointment, by=world.petra, practitioner=world.quentin.practitioner.pk)
    assert refusal(response) == (403, "permission_denied")
    assert row_of(appointment).practitioner == world.petra.practitioner


def test_move_to_another_clinics_practitioner_or_service_is_refused(world: World, appointment: Appointment) -> None:
    from_hillside = world.hillside.practitioners.create(name="Dr Olive")
    elsewhere = Service.objects.create(clinic=world.hillside, name="Whitening", duration_minutes=30)
    assert refusal(move(world, appointment, practitioner=from_hillside.pk)) == (404, "not_found")
    assert refusal(move(world, appointment, service=elsewhere.pk)) == (404, "not_found")


def test_an_edit_and_a_status_in_one_request_are_both_done(
    world: World, appointment: Appointment, tomorrow_at: At
) -> None:
    Appointment.objects.filter(pk=appointment.pk).update(status="pending")
    response = move(world, appointment, start=tomorrow_at(11).isoformat(), status="APPROVED", version=1)
    assert (response.status_code, response.json()["status"]) == (200, "confirmed")
    assert response.json()["time"] == "11:00"
    actions = AppointmentEvent.objects.filter(appointment_id=appointment.pk).values_list("action", flat=True)
    assert list(actions) == ["create", "move", "confirm"]


def test_an_edit_and_a_status_in_one_request_are_both_or_none(
    world: World, appointment: Appointment, tomorrow_at: At
) -> None:
    response = move(world, appointment, start=tomorrow_at(11).isoformat(), notes="moved", status="rejected")
    assert refusal(response) == (409, "transition_not_allowed")
    stays = row_of(appointment)
    assert (stays.starts_at, stays.notes, stays.version) == (tomorrow_at(9), "", 1)
    assert cells(appointment)[1] == tomorrow_at(9)
    assert AppointmentEvent.objects.filter(appointment_id=appointment.pk).count() == 1


@pytest.mark.parametrize("status", ["confirmed", "completed"])
def test_answer_of_get_can_be_put_back_with_another_note(world: World, appointment: Appointment, status: str) -> None:
    Appointment.objects.filter(pk=appointment.pk).update(status=status, attendance_confirmed_at=datetime.now(UTC))
    client, url = world.client(world.sam), f"{APPOINTMENTS}/{appointment.pk}"
    shown = client.get(url).json()
    response = client.put(url, {**shown, "notes": "allergic"})
    assert (response.status_code, response.json()["notes"]) == (200, "allergic")
    assert row_of(appointment).attendance_confirmed_at is not None
    assert AppointmentEvent.objects.filter(appointment_id=appointment.pk).latest("id").action == "edit"


def test_visit_without_a_service_can_be_put_back(world: World, tomorrow_at: At) -> None:
    client, url = world.client(world.sam), f"{APPOINTMENTS}/{world.book(tomorrow_at(15)).pk}"
    shown = client.get(url).json()
    assert shown["service"] is None
    assert client.put(url, shown).json() == shown


def test_a_drop_where_it_was_writes_nothing(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    url, body = f"{APPOINTMENTS}/{appointment.pk}/reschedule", {"start": tomorrow_at(9).isoformat(), "version": 1}
    assert world.client(world.sam).post(url, body).json()["version"] == 1
    assert world.client(world.paula).post(url, body).json()["version"] == 1
    assert AppointmentEvent.objects.filter(appointment_id=appointment.pk).count() == 1


def test_an_appointment_does_not_pass_to_another_patient(world: World, appointment: Appointment) -> None:
    response = move(world, appointment, patient=world.pete.patient.pk)
    assert (refusal(response), attr_of(response)) == ((400, "invalid"), "patient")
    assert move(world, appointment, patient=world.paula.patient.pk, notes="hers").status_code == 200


def test_visit_put_back_at_another_time_keeps_its_booked_length(
    world: World, appointment: Appointment, tomorrow_at: At
) -> None:
    Service.objects.filter(pk=world.check_up.pk).update(duration_minutes=60, active=False)
    client, url = world.client(world.sam), f"{APPOINTMENTS}/{appointment.pk}"
    response = client.put(url, {**client.get(url).json(), "start": tomorrow_at(11).isoformat()})
    assert (response.status_code, response.json()["end"]) == (200, tomorrow_at(11, 30).isoformat())


@pytest.mark.parametrize("sent_back", ["start", "date and time", "status", "start and a note"])
def test_unchanged_field_is_stale_if_the_visit_was_moved_meanwhile(
    world: World, appointment: Appointment, monkeypatch: pytest.MonkeyPatch, sent_back: str
) -> None:
    """It was equal when the request was read, and nothing would say that it is not any more."""
    seen = world.client(world.sam).get(f"{APPOINTMENTS}/{appointment.pk}").json()
    bodies: dict[str, dict[str, Any]] = {
        "start": {"start": seen["start"]},
        "date and time": {"date": seen["date"], "time": seen["time"]},
        "status": {"status": seen["status"]},
        "start and a note": {"start": seen["start"], "notes": "as before"},
    }
    read = queries.get_appointment_for

    def move_before_the_lock(user: User, appointment_id: int, *, lock: bool = False, **more: Any) -> Appointment:
        if lock:
            row = read(user, appointment_id)
            later = {name: getattr(row, name) + timedelta(hours=2) for name in TIMES}
            Appointment.objects.filter(pk=row.pk, version=1).update(**later, version=2)
        return read(user, appointment_id, lock=lock, **more)

    for module in (queries, moving):
        monkeypatch.setattr(module, "get_appointment_for", move_before_the_lock)
    refused = move(world, appointment, **bodies[sent_back])
    assert refusal(refused) == (409, "stale_version")
    assert row_of(appointment).notes == ""
