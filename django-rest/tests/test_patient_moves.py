"""Moves by patients: as the clinic lets them (`patient_moves`), and what the clinic is told of them."""

from datetime import timedelta
from typing import Any

import pytest
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.outbox.models import Message, MessageState
from clinic.scheduling.models import ClaimedCell, Clinic

from testkit.clinic.answers import APPOINTMENTS, refusal
from testkit.clinic.times import in_days
from testkit.clinic.world import World, row_of

NINE, TEN, ELEVEN = in_days(7)(9), in_days(7)(10), in_days(7)(11)


def let_patients_move(world: World, how: str) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(patient_moves=how)


def reschedule(world: World, one: Appointment, start: Any = TEN) -> Any:
    return world.client(world.paula).post(f"{APPOINTMENTS}/{one.pk}/reschedule", {"start": start.isoformat()})


def told(**of: Any) -> set[tuple[str, str]]:
    messages = Message.objects.exclude(state=MessageState.CANCELLED).filter(**of)
    return set(messages.values_list("template", "channel"))


@pytest.fixture
def visit(world: World) -> Appointment:
    one = world.book(NINE)
    Message.objects.all().delete()
    return one


@pytest.mark.parametrize("status", ["confirmed", "pending"])
def test_direct_move_keeps_the_status_and_the_clinic_is_told(world: World, visit: Appointment, status: str) -> None:
    Appointment.objects.filter(pk=visit.pk).update(status=status)
    moved = reschedule(world, visit)
    assert (moved.status_code, moved.json()["status"], moved.json()["time"]) == (200, status, "10:00")
    notes = Message.objects.filter(template="moved_by_patient")
    assert {note.user for note in notes} == {world.olga, world.sam, world.petra}
    assert {(note.subject, note.channel) for note in notes} == {("Paula has moved an appointment", "in_app")}
    assert told(user=world.paula) == {("moved" if status == "confirmed" else "request_moved", "email")}


def test_move_by_the_clinic_is_told_to_the_patient_alone(world: World, visit: Appointment) -> None:
    world.client(world.sam).post(f"{APPOINTMENTS}/{visit.pk}/reschedule", {"start": TEN.isoformat()})
    assert not told(template="moved_by_patient")
    assert ("moved", "in_app") in told(user=world.paula)


def test_patients_of_a_clinic_without_online_moves_call_it(world: World, visit: Appointment) -> None:
    let_patients_move(world, "off")
    assert refusal(reschedule(world, visit)) == (409, "moves_not_offered")
    assert row_of(visit).starts_at == NINE
    assert (
        world.client(world.sam).post(f"{APPOINTMENTS}/{visit.pk}/reschedule", {"start": TEN.isoformat()}).status_code
        == 200
    )


def test_move_on_request_keeps_the_time_and_asks_the_desk(world: World, visit: Appointment) -> None:
    let_patients_move(world, "request")
    asked = reschedule(world, visit)
    assert (asked.status_code, asked.json()["time"], asked.json()["version"]) == (202, "09:00", 2)
    assert ClaimedCell.objects.filter(appointment_id=visit.pk, starts_at=NINE).exists()
    assert not ClaimedCell.objects.filter(starts_at=TEN).exists()
    note = Message.objects.get(template="move_asked", user=world.sam)
    assert note.subject == "Paula asks for another time"
    assert f"Asked for: {TEN:%a} {TEN.day} {TEN:%b}, 10:00, Dr Petra" in note.body
    assert not told(user=world.paula)
    line = AppointmentEvent.objects.filter(appointment_id=visit.pk).latest("id")
    assert (line.action, line.actor, line.from_starts_at, line.to_starts_at) == ("ask-move", world.paula, NINE, NINE)
    assert "10:00" in line.reason


def test_move_on_request_asks_for_open_times_alone_and_twice_at_most(world: World, visit: Appointment) -> None:
    let_patients_move(world, "request")
    world.book(TEN, patient=world.pete)
    assert refusal(reschedule(world, visit, TEN)) == (409, "slot_taken")
    assert refusal(reschedule(world, visit, TEN + timedelta(minutes=7))) == (400, "off_grid")
    assert [reschedule(world, visit, ELEVEN).status_code for _ in range(2)] == [202, 202]
    assert refusal(reschedule(world, visit, ELEVEN)) == (409, "too_many_moves")


def test_move_that_was_undone_does_not_count(world: World, visit: Appointment) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(undo_seconds=60)
    for start in (TEN, ELEVEN, TEN):
        version = reschedule(world, visit, start).json()["version"]
        undone = world.client(world.paula).post(f"{APPOINTMENTS}/{visit.pk}/undo", {"version": version})
        assert undone.json()["time"] == "09:00"
    assert reschedule(world, visit, TEN).status_code == 200


def test_owner_sets_how_patients_move(world: World) -> None:
    changed = world.client(world.olga).patch("/api/v1/clinic", {"patient_moves": "request"})
    assert changed.json()["patient_moves"] == "request"
    assert refusal(world.client(world.olga).patch("/api/v1/clinic", {"patient_moves": "never"})) == (
        400,
        "invalid_choice",
    )
