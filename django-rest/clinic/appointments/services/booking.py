"""Every change that claims time: a booking, a move. Each follows the lock rule of `scheduling.services`."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError

from clinic.appointments.actor import Actor, clinic_id_of, patient_id_of, practitioner_id_of
from clinic.appointments.lifecycle import Party, Status
from clinic.appointments.models import Appointment, Patient, Source
from clinic.appointments.queries import get_appointment_for, get_patient_for
from clinic.appointments.services.history import record
from clinic.appointments.services.versions import check_version
from clinic.common.errors import HoldExpired, InvalidRequest, PermissionDenied, SlotTaken, TransitionNotAllowed
from clinic.common.instants import local_date_of, say_minute, zone_of
from clinic.common.transactions import in_one_transaction
from clinic.scheduling.models import Clinic, Hold, Practitioner, Service
from clinic.scheduling.queries import (
    get_service,
    hours_of,
    is_claimed,
    offers,
    open_slots_of,
    policy_of,
    treatment_of,
)
from clinic.scheduling.services import is_overlap, lock_practitioners
from clinic.scheduling.slots import Policy, Treatment, blocked_interval, check_start, nearest_open

# The desk books further ahead than patients may, but not into another era by a slip of the pen.
DESK_HORIZON_DAYS = 730
NEAREST_WITHIN = timedelta(days=7)


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
    patient = _patient_of(actor, booking)
    _check_may_book_for(actor, practitioner)
    service = _service_of(clinic, practitioner, booking.service_id)
    hold = _hold_of(booking, now=now)
    appointment = Appointment(
        clinic=clinic,
        patient=patient,
        status=_first_status(actor, clinic),
        notes=booking.notes,
        source=source or (Source.PATIENT if actor.is_patient else Source.DESK),
        created_at=now,
        updated_at=now,
    )
    _place(appointment, practitioner, service, booking.start)
    _check_rules(appointment, actor=actor, outside_hours=booking.outside_hours, now=now)
    _check_is_free(appointment, now=now, hold_id=hold.pk if hold else None)
    if hold is not None:
        hold.delete()
    _claim(appointment.save)
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
    _claim(appointment.save)
    action = "move" if practitioner is not None else "edit"
    record(appointment, action, actor=actor, now=now, before=before, after=appointment)
    return appointment


def _lock_for_move(actor: Actor, appointment_id: int, edit: Edit, *, now: datetime) -> Practitioner:
    """Practitioners before the appointment: every claim takes its locks in this order."""
    assert actor.user is not None
    seen = get_appointment_for(actor.user, appointment_id)
    target_id = edit.practitioner_id or seen.practitioner_id
    return lock_practitioners(seen.clinic, [target_id], now=now)[target_id]


def _move(appointment: Appointment, practitioner: Practitioner, edit: Edit, *, actor: Actor, now: datetime) -> None:
    if appointment.status not in (Status.PENDING, Status.CONFIRMED):
        raise TransitionNotAllowed(f"A {appointment.get_status_display()} appointment cannot be moved.")
    if edit.practitioner_id is None and practitioner.pk != appointment.practitioner_id:
        raise SlotTaken("Someone moved this appointment in the meantime.")
    _check_may_book_for(actor, practitioner)
    service = _service_of(appointment.clinic, practitioner, edit.service_id or appointment.service_id)
    _place(appointment, practitioner, service, edit.start or appointment.starts_at)
    _check_rules(appointment, actor=actor, outside_hours=edit.outside_hours, now=now)
    _check_is_free(appointment, now=now)
    appointment.attendance_confirmed_at = None


def _patient_of(actor: Actor, booking: Booking) -> Patient:
    assert actor.user is not None
    if actor.is_patient:
        own_id = patient_id_of(actor.user)
        if own_id is None:
            raise PermissionDenied("This account has no patient record.")
        return get_patient_for(actor.user, booking.patient_id or own_id)
    if booking.patient_id is None:
        raise InvalidRequest("Say for which patient.", attr="patient")
    if practitioner_id_of(actor.user) is not None:
        # A practitioner may book somebody who has not been theirs yet.
        patient = Patient.objects.filter(clinic_id=clinic_id_of(actor.user), pk=booking.patient_id).first()
        if patient is not None:
            return patient
    return get_patient_for(actor.user, booking.patient_id)


def _check_may_book_for(actor: Actor, practitioner: Practitioner) -> None:
    assert actor.user is not None
    own_id = practitioner_id_of(actor.user)
    if own_id is not None and own_id != practitioner.pk:
        raise PermissionDenied("A practitioner books their own time.")


def _service_of(clinic: Clinic, practitioner: Practitioner, service_id: int | None) -> Service | None:
    if service_id is None:
        return None
    service = get_service(clinic, service_id)
    if not offers(practitioner, service):
        raise InvalidRequest(f"{practitioner.name} does not offer {service.name}.", attr="service")
    return service


def _hold_of(booking: Booking, *, now: datetime) -> Hold | None:
    if booking.hold_token is None:
        return None
    hold = Hold.objects.filter(token=booking.hold_token, practitioner_id=booking.practitioner_id).first()
    if hold is None or hold.expires_at <= now:
        raise HoldExpired
    return hold


def _first_status(actor: Actor, clinic: Clinic) -> Status:
    return Status.PENDING if actor.is_patient and not clinic.auto_confirm else Status.CONFIRMED


def _place(appointment: Appointment, practitioner: Practitioner, service: Service | None, start: datetime) -> None:
    treatment = treatment_of(appointment.clinic, service)
    start = start.astimezone(UTC)
    blocked = blocked_interval(start, treatment)
    appointment.practitioner = practitioner
    appointment.service = service
    appointment.starts_at, appointment.ends_at = start, start + timedelta(minutes=treatment.minutes)
    appointment.blocked_from, appointment.blocked_until = blocked.start, blocked.end
    appointment.local_date = local_date_of(start, zone_of(appointment.clinic.timezone))


def _check_rules(appointment: Appointment, *, actor: Actor, outside_hours: bool, now: datetime) -> None:
    clinic, practitioner_id = appointment.clinic, appointment.practitioner_id
    hours = hours_of(clinic, [practitioner_id], appointment.local_date, appointment.local_date)[practitioner_id]
    check_start(
        appointment.starts_at,
        policy=_policy_for(actor, clinic),
        treatment=treatment_of(clinic, appointment.service),
        blocks=hours.blocks,
        exceptions=hours.exceptions,
        now=now if actor.is_patient else _this_cell(now),
        grid="slot" if actor.is_patient else "five_minutes",
        outside_hours=outside_hours and not actor.is_patient,
    )


def _policy_for(actor: Actor, clinic: Clinic) -> Policy:
    if actor.is_patient:
        return policy_of(clinic)
    policy = policy_of(clinic, notice_applies=False)
    return Policy(policy.zone, policy.slot_minutes, max(policy.horizon_days, DESK_HORIZON_DAYS), policy.notice)


def _this_cell(now: datetime) -> datetime:
    """Somebody walks in at 10:07 and is booked for 10:05."""
    return now.replace(minute=now.minute - now.minute % 5, second=0, microsecond=0)


def _check_is_free(appointment: Appointment, *, now: datetime, hold_id: int | None = None) -> None:
    treatment = treatment_of(appointment.clinic, appointment.service)
    taken = is_claimed(
        appointment.practitioner_id,
        blocked_interval(appointment.starts_at, treatment),
        except_appointment_id=appointment.pk,
        except_hold_id=hold_id,
    )
    if taken:
        raise SlotTaken(attr="start", extra={"nearest": _nearest(appointment, treatment, now=now)})


def _nearest(appointment: Appointment, treatment: Treatment, *, now: datetime) -> list[dict[str, str]]:
    clinic, day = appointment.clinic, appointment.local_date
    slots = open_slots_of(
        clinic,
        [appointment.practitioner],
        service=appointment.service,
        first_date=day - NEAREST_WITHIN,
        last_date=day + NEAREST_WITHIN,
        now=now,
    )[appointment.practitioner_id]
    zone = zone_of(clinic.timezone)
    nearest = nearest_open(slots, appointment.starts_at)
    return [{"start": say_minute(slot.start, zone), "end": say_minute(slot.end, zone)} for slot in nearest]


def _claim(write: Callable[[], None]) -> None:
    try:
        write()
    except IntegrityError as error:
        if is_overlap(error):  # Somebody wrote around the lock: the cells refuse.
            raise SlotTaken(attr="start") from error
        raise
