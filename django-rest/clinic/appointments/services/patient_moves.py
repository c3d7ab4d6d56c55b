"""Limits of moves by patients: as long as they may cancel, and not again and again."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from clinic.accounts.models import Role
from clinic.appointments.lifecycle import ASK_MOVE, MOVE, UNDO
from clinic.appointments.models import ActorKind, Appointment, AppointmentEvent
from clinic.common.errors import MovesNotOffered, TooLateToCancel, TooManyMoves
from clinic.scheduling.models import PatientMoves

MAX_PATIENT_MOVES = 2


def check_moves_are_offered(appointment: Appointment, *, now: datetime) -> None:
    """Needs the clinic fetched. No query. Raises MovesNotOffered, TooLateToCancel."""
    if appointment.clinic.patient_moves == PatientMoves.OFF:
        raise MovesNotOffered
    if now > appointment.starts_at - timedelta(minutes=appointment.clinic.cancellation_notice_minutes):
        raise TooLateToCancel("It is too late to move this appointment online. Please call the clinic.")


def check_moves_are_left(appointment: Appointment) -> None:
    """Raises TooManyMoves."""
    if moves_left(appointment) == 0:
        raise TooManyMoves


def moves_left(appointment: Appointment) -> int:
    """Moves still open to the patient. One query; none for an unchanged visit, which nobody has moved."""
    if appointment.version == 1:
        return MAX_PATIENT_MOVES
    # One that was undone does not count.
    undone = AppointmentEvent.objects.filter(appointment_id=appointment.pk, action=UNDO, id__gt=OuterRef("id"))
    undone = undone.filter(former__has_key="starts_at", from_starts_at=OuterRef("to_starts_at"))
    moves = AppointmentEvent.objects.filter(appointment_id=appointment.pk, action__in=(MOVE, ASK_MOVE))
    moves = moves.exclude(Exists(undone))
    made = moves.filter(Q(actor__role=Role.PATIENT) | Q(actor_kind=ActorKind.GUEST)).count()
    return max(0, MAX_PATIENT_MOVES - made)
