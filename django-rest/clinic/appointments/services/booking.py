"""Every change that claims time: a booking, a move. Each follows the lock rule of `scheduling.services`."""

import copy
from dataclasses import dataclass
from datetime import datetime

from clinic.appointments.actor import Actor
from clinic.appointments.lifecycle import Party, Status
from clinic.appointments.models import Appointment, Source
from clinic.appointments.queries import get_appointment_for
from clinic.appointments.services.history import record
from clinic.appointments.services.placing import (
    check_is_free,
    check_may_book_for,
    check_rules,
    claim,
    first_status,
    patient_of,
    place,
    service_kept,
    service_of,
    treatment_placed,
)
from clinic.appointments.services.versions import check_version
from clinic.common.errors import HoldExpired, NotFound, PermissionDenied, SlotTaken, TransitionNotAllowed
from clinic.common.transactions import in_one_transaction
from clinic.scheduling.models import Clinic, Hold, Practitioner
from clinic.scheduling.services import lock_practitioners


@dataclass(frozen=True, slots=True)
class Booking:
    """What is asked for. `start` is an aware instant; without a service, one slot of the clinic's grid."""

    patient_id: int | None
    practitioner_id: int
    start: datetime
    service_id: int | None = None
    notes: str = ""
    hold_token: str | None = None
    outside_hours: bool = False


@in_one_transaction
def book_appointment(
    *, actor: Actor, clinic: Clinic, booking: Booking, now: datetime, source: Source | None = None
) -> Appointment:
    """Claim the time and write the appointment: confirmed by the clinic, pending by a patient unless auto-confirmed.

    Raises NotFound, a BookingRuleError, SlotTaken (with the nearest open slots), HoldExpired, PermissionDenied.
    """
    practitioner = lock_practitioners(clinic, [booking.practitioner_id], now=now)[booking.practitioner_id]
    patient = patient_of(actor, booking.patient_id)
    check_may_book_for(actor, practitioner)
    service = service_of(clinic, practitioner, booking.service_id)
    hold = _hold_of(booking, now=now)
    appointment = Appointment(
        clinic=clinic,
        patient=patient,
        status=first_status(actor, clinic),
        notes=booking.notes,
        source=source or (Source.PATIENT if actor.is_patient else Source.DESK),
        created_at=now,
        updated_at=now,
    )
    place(appointment, practitioner, service, booking.start)
    check_rules(appointment, actor=actor, outside_hours=booking.outside_hours, now=now)
    check_is_free(appointment, now=now, hold_id=hold.pk if hold else None)
    if hold is not None:
        hold.delete()
    claim(appointment.save)
    record(appointment, "create", actor=actor, now=now, after=appointment)
    return appointment


@dataclass(frozen=True, slots=True)
class Edit:
    """What changes; None stays. Times, practitioner and service move the appointment."""

    start: datetime | None = None
    practitioner_id: int | None = None
    service_id: int | None = None
    notes: str | None = None
    outside_hours: bool = False

    @property
    def moves(self) -> bool:
        return any(value is not None for value in (self.start, self.practitioner_id, self.service_id))


@in_one_transaction
def edit_appointment(
    *, actor: Actor, appointment_id: int, edit: Edit, now: datetime, version: int | None = None, if_match: bool = False
) -> Appointment:
    """Change notes, or move to another time, practitioner or service. Raises what `book_appointment` raises, and
    StaleVersion, TransitionNotAllowed (only what is pending or confirmed moves)."""
    assert actor.user is not None
    practitioner = _lock_for_move(actor, appointment_id, edit, now=now) if edit.moves else None
    appointment = get_appointment_for(actor.user, appointment_id, lock=True)
    if actor.party_to(appointment) is Party.PATIENT:
        raise PermissionDenied("A patient cancels and books again.")
    check_version(appointment, version, if_match=if_match)
    before = copy.copy(appointment)
    if edit.notes is not None:
        appointment.notes = edit.notes
    if practitioner is not None:
        _move(appointment, practitioner, edit, actor=actor, now=now)
    appointment.version += 1
    appointment.updated_at = now
    claim(appointment.save)
    action = "move" if practitioner is not None else "edit"
    record(appointment, action, actor=actor, now=now, before=before, after=appointment)
    return appointment


def _lock_for_move(actor: Actor, appointment_id: int, edit: Edit, *, now: datetime) -> Practitioner:
    """Practitioners before the appointment: every claim takes its locks in this order."""
    assert actor.user is not None
    seen = get_appointment_for(actor.user, appointment_id)
    target_id = edit.practitioner_id or seen.practitioner_id
    locked = lock_practitioners(seen.clinic, {target_id, seen.practitioner_id}, now=now, also_inactive=True)
    if not locked[target_id].active:
        raise NotFound("There is no such practitioner.")
    return locked[target_id]


def _move(appointment: Appointment, practitioner: Practitioner, edit: Edit, *, actor: Actor, now: datetime) -> None:
    if appointment.status not in (Status.PENDING, Status.CONFIRMED):
        raise TransitionNotAllowed(f"A {appointment.get_status_display()} appointment cannot be moved.")
    if edit.practitioner_id is None and practitioner.pk != appointment.practitioner_id:
        raise SlotTaken("Someone moved this appointment in the meantime.")
    check_may_book_for(actor, practitioner)
    start = edit.start or appointment.starts_at
    if edit.service_id is None:
        service = service_kept(appointment, practitioner)
        place(appointment, practitioner, service, start, treatment=treatment_placed(appointment))
    else:
        place(appointment, practitioner, service_of(appointment.clinic, practitioner, edit.service_id), start)
    check_rules(appointment, actor=actor, outside_hours=edit.outside_hours, now=now)
    check_is_free(appointment, now=now)
    appointment.attendance_confirmed_at = None


def _hold_of(booking: Booking, *, now: datetime) -> Hold | None:
    if booking.hold_token is None:
        return None
    hold = Hold.objects.filter(token=booking.hold_token, practitioner_id=booking.practitioner_id).first()
    if hold is None or hold.expires_at <= now:
        raise HoldExpired
    return hold
