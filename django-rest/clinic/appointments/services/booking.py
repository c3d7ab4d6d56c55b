"""Every change that claims time: a booking, a move. Each follows the lock rule of `scheduling.services`."""

import copy
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from clinic.appointments.actor import Actor
from clinic.appointments.lifecycle import Party, Status
from clinic.appointments.models import ActorKind, Appointment, AppointmentEvent, Source
from clinic.appointments.queries import get_appointment_for
from clinic.appointments.services.choosing import claim_with_a_free_one
from clinic.appointments.services.history import record
from clinic.appointments.services.placing import (
    check_is_free,
    check_may_book_for,
    check_pending_limit,
    check_rules,
    claim,
    first_status,
    nearest_slots,
    patient_of,
    place,
    service_kept,
    service_of,
    treatment_placed,
)
from clinic.appointments.services.versions import check_version
from clinic.common.errors import (
    HoldExpired,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    SlotTaken,
    StaleVersion,
    TooLateToCancel,
    TooManyMoves,
    TransitionNotAllowed,
)
from clinic.common.transactions import in_one_transaction
from clinic.people.identities import practitioner_id_of
from clinic.people.services.guests import check_record, find_record
from clinic.scheduling.models import Clinic, Hold, Practitioner
from clinic.scheduling.queries import find_hold, get_service, practitioner_ids_offering
from clinic.scheduling.services import lock_practitioners

REFERENCE_BYTES = 24
MAX_PATIENT_MOVES = 2


@dataclass(frozen=True, slots=True)
class Booking:
    """What is asked for. `start` is an aware instant; without a service, one slot of the clinic's grid; without a
    practitioner, a free one. A hold's token says all three where they are not said."""

    patient_id: int | None
    practitioner_id: int | None = None
    start: datetime | None = None
    service_id: int | None = None
    notes: str = ""
    hold_token: str | None = None
    outside_hours: bool = False
    status: Status | None = None


def book_appointment(
    *, actor: Actor, clinic: Clinic, booking: Booking, now: datetime, source: Source | None = None
) -> Appointment:
    """Claim the time and write the appointment: confirmed by the clinic, pending by a patient unless auto-confirmed.

    Raises NotFound, a BookingRuleError, SlotTaken (with the nearest open slots), HoldExpired, PermissionDenied,
    TooManyPending, OwnAppointment.
    """
    booking = _completed(booking, actor, clinic, now=now)
    assert booking.start is not None
    try:
        return _book(actor=actor, clinic=clinic, booking=booking, now=now, source=source or _source_of(actor))
    except SlotTaken as error:
        error.extra["nearest"] = nearest_slots(
            clinic,
            practitioner_id=booking.practitioner_id,
            service_id=booking.service_id,
            start=booking.start,
            now=now,
        )
        raise


def _completed(booking: Booking, actor: Actor, clinic: Clinic, *, now: datetime) -> Booking:
    """What a hold and the actor say goes without saying. Raises HoldExpired, InvalidRequest."""
    if booking.hold_token is not None:
        hold = find_hold(booking.hold_token, now=now, clinic=clinic)
        if hold is None:
            raise HoldExpired
        if booking.practitioner_id not in (None, hold.practitioner_id) or booking.start not in (None, hold.starts_at):
            raise InvalidRequest("This hold is for another time or practitioner.", attr="hold")
        service_id = booking.service_id or hold.service_id
        return replace(booking, practitioner_id=hold.practitioner_id, start=hold.starts_at, service_id=service_id)
    if booking.start is None:
        raise InvalidRequest("Say when.", attr="start")
    return replace(booking, practitioner_id=booking.practitioner_id or practitioner_id_of(actor.user))


def _source_of(actor: Actor) -> Source:
    if actor.kind is ActorKind.GUEST:
        return Source.GUEST
    return Source.PATIENT if actor.is_patient else Source.DESK


@in_one_transaction
def _book(*, actor: Actor, clinic: Clinic, booking: Booking, now: datetime, source: Source) -> Appointment:
    locked = _lock_for_booking(clinic, booking, now=now)
    record_of_guest = None if actor.guest is None else find_record(actor.guest)
    appointment = Appointment(
        clinic=clinic,
        patient=record_of_guest or patient_of(actor, booking.patient_id),
        status=first_status(actor, clinic, booking.status),
        notes=booking.notes,
        source=source,
        reference=secrets.token_urlsafe(REFERENCE_BYTES) if actor.kind is ActorKind.GUEST else None,
        created_at=now,
        updated_at=now,
    )
    if booking.practitioner_id is None:
        _claim_with_anybody(appointment, booking, locked, actor=actor, now=now)
    else:
        _claim_with(locked[booking.practitioner_id], appointment, booking, actor=actor, now=now)
    if actor.guest is not None:
        check_record(actor.guest, appointment.patient, is_new=record_of_guest is None)
    if actor.is_patient and appointment.status == Status.PENDING:
        check_pending_limit(appointment, now=now)
    record(appointment, "create", actor=actor, now=now, after=appointment)
    return appointment


def _lock_for_booking(clinic: Clinic, booking: Booking, *, now: datetime) -> dict[int, Practitioner]:
    """The one who is named; else all who might be chosen, once and in the order of their ids."""
    if booking.practitioner_id is not None:
        return lock_practitioners(clinic, [booking.practitioner_id], now=now)
    candidates = practitioner_ids_offering(clinic, booking.service_id)
    locked = lock_practitioners(clinic, candidates, now=now, also_inactive=True)
    return {practitioner_id: practitioner for practitioner_id, practitioner in locked.items() if practitioner.active}


def _claim_with(
    practitioner: Practitioner, appointment: Appointment, booking: Booking, *, actor: Actor, now: datetime
) -> None:
    assert booking.start is not None
    check_may_book_for(actor, practitioner)
    service = service_of(appointment.clinic, practitioner, booking.service_id)
    hold = _hold_of(booking, now=now)
    # As long as it was held, unless it is booked as something else.
    is_as_held = hold is not None and hold.service_id == booking.service_id
    treatment = treatment_placed(hold) if hold is not None and is_as_held else None
    place(appointment, practitioner, service, booking.start, treatment=treatment)
    # The notice was kept when the time was held: whoever holds it need not hurry.
    asked_at = hold.created_at if hold is not None and booking.start > now else now
    check_rules(appointment, actor=actor, outside_hours=booking.outside_hours, now=asked_at)
    check_is_free(appointment, hold_id=hold.pk if hold else None)
    if hold is not None:
        hold.delete()
    claim(appointment.save)


def _claim_with_anybody(
    appointment: Appointment, booking: Booking, locked: dict[int, Practitioner], *, actor: Actor, now: datetime
) -> None:
    assert booking.start is not None
    claim_with_a_free_one(
        appointment,
        list(locked.values()),
        None if booking.service_id is None else get_service(appointment.clinic, booking.service_id),
        booking.start,
        actor=actor,
        outside_hours=booking.outside_hours,
        now=now,
    )


def _hold_of(booking: Booking, *, now: datetime) -> Hold | None:
    """Read again under the lock: it may have been booked or let go in the meantime."""
    if booking.hold_token is None:
        return None
    hold = find_hold(booking.hold_token, now=now)
    if hold is None:
        raise HoldExpired
    return hold


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

    @property
    def is_empty(self) -> bool:
        return not self.moves and self.notes is None

    def beyond(self, seen: Appointment) -> "Edit":
        """Without what the appointment is already: to send all of it back with another note moves nothing."""
        stays = (
            self.start in (None, seen.starts_at)
            and self.practitioner_id in (None, seen.practitioner_id)
            and self.service_id in (None, seen.service_id)
        )
        edit = replace(self, start=None, practitioner_id=None, service_id=None) if stays else self
        return replace(edit, notes=None) if edit.notes == seen.notes else edit


def check_patient_stays(appointment: Appointment, patient_id: int | None) -> None:
    if patient_id not in (None, appointment.patient_id):
        raise InvalidRequest("An appointment stays its patient's: cancel it and book for the other.", attr="patient")


def edit_appointment(
    *, actor: Actor, appointment_id: int, edit: Edit, now: datetime, version: int | None = None, if_match: bool = False
) -> Appointment:
    """Change notes, or move to another time, practitioner or service. What changes nothing writes nothing.

    Raises what `book_appointment` raises, and StaleVersion, TransitionNotAllowed (only what is pending or confirmed
    moves)."""
    assert actor.user is not None
    try:
        return _edit(actor=actor, appointment_id=appointment_id, edit=edit, now=now, version=version, if_match=if_match)
    except SlotTaken as error:
        seen = get_appointment_for(actor.user, appointment_id)
        error.extra["nearest"] = nearest_slots(
            seen.clinic,
            practitioner_id=edit.practitioner_id or seen.practitioner_id,
            service_id=edit.service_id or seen.service_id,
            start=edit.start or seen.starts_at,
            now=now,
            treatment=treatment_placed(seen) if edit.service_id in (None, seen.service_id) else None,
        )
        raise


@in_one_transaction
def _edit(
    *, actor: Actor, appointment_id: int, edit: Edit, now: datetime, version: int | None, if_match: bool
) -> Appointment:
    assert actor.user is not None
    seen = get_appointment_for(actor.user, appointment_id)
    edit = edit.beyond(seen)
    locked = _lock_for_move(seen, edit, now=now) if edit.moves else {}
    appointment = get_appointment_for(actor.user, appointment_id, lock=True)
    if actor.party_to(appointment) is Party.PATIENT:
        _check_patient_moves(appointment, edit, now=now)
    check_version(appointment, version, if_match=if_match)
    if edit.is_empty:
        return appointment
    before = copy.copy(appointment)
    if edit.notes is not None:
        appointment.notes = edit.notes
    if edit.moves:
        _move(appointment, locked, edit, actor=actor, now=now)
    appointment.version += 1
    appointment.updated_at = now
    claim(appointment.save)
    record(appointment, "move" if edit.moves else "edit", actor=actor, now=now, before=before, after=appointment)
    return appointment


def _check_patient_moves(appointment: Appointment, edit: Edit, *, now: datetime) -> None:
    """A patient moves an appointment as long as they may cancel it, and not again and again. Raises PermissionDenied,
    TooLateToCancel, TooManyMoves."""
    if edit.notes is not None or edit.outside_hours:
        raise PermissionDenied("A patient changes when and with whom.")
    if edit.is_empty:
        return
    if now > appointment.starts_at - timedelta(minutes=appointment.clinic.cancellation_notice_minutes):
        raise TooLateToCancel("It is too late to move this appointment online. Please call the clinic.")
    moves = AppointmentEvent.objects.filter(appointment_id=appointment.pk, action="move")
    if moves.filter(actor_id=appointment.patient.user_id).count() >= MAX_PATIENT_MOVES:
        raise TooManyMoves


def _lock_for_move(seen: Appointment, edit: Edit, *, now: datetime) -> dict[int, Practitioner]:
    """Practitioners before the appointment: every claim takes its locks in this order."""
    target_id = edit.practitioner_id or seen.practitioner_id
    locked = lock_practitioners(seen.clinic, {target_id, seen.practitioner_id}, now=now, also_inactive=True)
    if not locked[target_id].active:
        raise NotFound("There is no such practitioner.")
    return locked


def _move(
    appointment: Appointment, locked: dict[int, Practitioner], edit: Edit, *, actor: Actor, now: datetime
) -> None:
    if appointment.practitioner_id not in locked:
        # Moved between our look and our lock: the time that this move frees is not locked.
        raise StaleVersion("Someone moved this appointment in the meantime.")
    if appointment.status not in (Status.PENDING, Status.CONFIRMED):
        raise TransitionNotAllowed(f"A {appointment.get_status_display()} appointment cannot be moved.")
    practitioner = locked[edit.practitioner_id or appointment.practitioner_id]
    check_may_book_for(actor, practitioner)
    start = edit.start or appointment.starts_at
    if edit.service_id in (None, appointment.service_id):
        service = service_kept(appointment, practitioner)
        place(appointment, practitioner, service, start, treatment=treatment_placed(appointment))
    else:
        place(appointment, practitioner, service_of(appointment.clinic, practitioner, edit.service_id), start)
    check_rules(appointment, actor=actor, outside_hours=edit.outside_hours, now=now)
    check_is_free(appointment)
    appointment.attendance_confirmed_at = None
