"""Writers that claim or decide on time: bookings, moves, the lifecycle, deletes."""

from datetime import timedelta

from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import TRANSITIONS, Action, Status
from clinic.appointments.services.booking import Booking, book_appointment
from clinic.appointments.services.calling import call_in
from clinic.appointments.services.decisions import change_status, correct_status, delete_appointment, set_status
from clinic.appointments.services.moving import Edit, edit_appointment
from clinic.appointments.services.undoing import undo_step
from clinic.common.versions import Expected

from ..walk import NOBODY, Walk, weighted


def book(walk: Walk) -> None:
    actor = UserActor(walk.patient_user()) if walk.perhaps(0.4) else walk.desk()
    booking = Booking(
        patient_id=None if actor.is_patient else walk.patient_id(),
        practitioner_id=walk.practitioner_id() if walk.perhaps(0.8) else None,
        start=walk.start(on_the_grid=actor.is_patient),
        service_id=walk.service_id(),
        outside_hours=walk.perhaps(0.5),
        allow_overlap=walk.perhaps(0.15),
    )
    walk.service(lambda: book_appointment(actor=actor, clinic=walk.clinic(), booking=booking, now=walk.now))


def decide(walk: Walk) -> None:
    actor, appointment_id = walk.desk(), walk.appointment_id()
    status = walk.state.appointments[appointment_id]["status"] if appointment_id != NOBODY else None
    possible = [action for action, transition in TRANSITIONS.items() if status in transition.sources]
    action = walk.one_of(possible if walk.perhaps(0.8) else list(Action), Action.CONFIRM)
    walk.service(
        lambda: change_status(actor=actor, appointment_id=appointment_id, action=action, now=walk.now, reason="because")
    )


def answer_a_request(walk: Walk) -> None:
    actor, appointment_id = walk.desk(), walk.appointment_id(Status.PENDING)
    action = walk.among(Action.CONFIRM, Action.CONFIRM, Action.REJECT)
    walk.service(lambda: change_status(actor=actor, appointment_id=appointment_id, action=action, now=walk.now))


def promise_to_come(walk: Walk) -> None:
    """A patient's confirmation is their attendance, not the clinic's approval."""
    actor, appointment_id = UserActor(walk.patient_user()), walk.appointment_id(ahead=True)
    walk.service(lambda: change_status(actor=actor, appointment_id=appointment_id, action=Action.CONFIRM, now=walk.now))


def call_off(walk: Walk) -> None:
    """Free another patient's time, by the desk or by the patient."""
    appointment_id = walk.appointment_id(Status.PENDING, Status.CONFIRMED, ahead=True)
    actor, action = (
        walk.desk() if walk.perhaps(0.7) else walk.actor("paula", "pete"),
        walk.among(Action.CANCEL, Action.REJECT, Action.CANCEL),
    )
    walk.service(lambda: change_status(actor=actor, appointment_id=appointment_id, action=action, now=walk.now))


def decide_on_its_day(walk: Walk) -> None:
    """The clock moves to just after the start, where most of the lifecycle takes place."""
    actor, appointment_id = walk.desk(), walk.appointment_id(Status.CONFIRMED, Status.CHECKED_IN)
    action = walk.among(Action.CHECK_IN, Action.COMPLETE, Action.NO_SHOW)
    if appointment_id != NOBODY:
        starts_at = walk.state.appointments[appointment_id]["starts_at"]
        if starts_at - walk.now < timedelta(days=1):
            walk.now = max(walk.now, starts_at + timedelta(minutes=5))
    walk.service(lambda: change_status(actor=actor, appointment_id=appointment_id, action=action, now=walk.now))


def call_a_patient(walk: Walk) -> None:
    actor, appointment_id = walk.desk(), walk.appointment_id(Status.CONFIRMED, Status.CHECKED_IN)
    room = walk.among(None, "1", "Blue")
    walk.service(lambda: call_in(actor=actor, appointment_id=appointment_id, room=room, now=walk.now))


def reopen(walk: Walk) -> None:
    actor, appointment_id = walk.desk(), walk.appointment_id(Status.NO_SHOW)
    walk.service(lambda: change_status(actor=actor, appointment_id=appointment_id, action=Action.REOPEN, now=walk.now))


def set_a_status(walk: Walk) -> None:
    actor, appointment_id, status = walk.desk(), walk.appointment_id(), walk.among(*Status)
    walk.service(lambda: set_status(actor=actor, appointment_id=appointment_id, status=status, now=walk.now))


def move(walk: Walk) -> None:
    actor, appointment_id, before = walk.desk(), walk.appointment_id(), walk.state
    edit = Edit(
        start=walk.start() if walk.perhaps(0.8) else None,
        practitioner_id=walk.practitioner_id() if walk.perhaps(0.3) else None,
        service_id=walk.service_id() if walk.perhaps(0.2) else None,
        notes=f"edit {walk.number()}",
        outside_hours=walk.perhaps(0.5),
        allow_overlap=walk.among(None, None, None, True, False),
    )
    newest = before.appointments[appointment_id]["version"] if appointment_id != NOBODY else 1
    seen = walk.among(None, newest, newest - 1 or None)
    walk.service(
        lambda: edit_appointment(
            actor=actor, appointment_id=appointment_id, edit=edit, now=walk.now, expected=Expected(seen)
        ),
        names_a_service=edit.service_id is not None,
    )
    if seen is not None and seen < newest:
        assert walk.state == before, "I4: somebody overwrote a version they had not seen"


def delete(walk: Walk) -> None:
    actor, appointment_id = walk.desk(), walk.appointment_id()
    walk.service(lambda: delete_appointment(actor=actor, appointment_id=appointment_id, now=walk.now))


def undo(walk: Walk) -> None:
    """Mostly of what was just done, a few seconds later, by somebody who may."""
    lines = [lines[-1] for lines in walk.state.told.values()]
    newest = max(lines, key=lambda line: int(line["id"]), default=None)
    appointment_id = newest["appointment_id"] if newest is not None and walk.perhaps(0.8) else walk.appointment_id()
    row = walk.state.appointments.get(appointment_id)
    actor = walk.desk() if walk.perhaps(0.8) else walk.actor("petra", "paula", "pete")
    walk.now += timedelta(seconds=walk.random.randint(0, 12))
    version = walk.among(row["version"], row["version"], row["version"] - 1 or None) if row is not None else 1
    walk.service(
        lambda: undo_step(actor=actor, appointment_id=appointment_id, now=walk.now, expected=Expected(version)),
        names_a_service=True,
    )


def correct(walk: Walk) -> None:
    actor, appointment_id, status = walk.desk(), walk.appointment_id(), walk.among(*Status)
    walk.service(
        lambda: correct_status(
            actor=actor, appointment_id=appointment_id, status=status, now=walk.now, reason="a slip of the pen"
        )
    )


STEPS = weighted(
    (book, 26),
    (decide, 4),
    (answer_a_request, 5),
    (promise_to_come, 2),
    (call_off, 11),
    (decide_on_its_day, 5),
    (call_a_patient, 2),
    (reopen, 2),
    (set_a_status, 2),
    (move, 9),
    (delete, 2),
    (undo, 8),
    (correct, 4),
)
