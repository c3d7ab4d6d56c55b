"""What every claim of an appointment's time is made of: who may have it, where it lies, whether the clinic's rules and
what is booked allow it. Call inside the claim, after `lock_practitioners`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from django.db import IntegrityError
from django.db.models import Q

from clinic.appointments.actor import Actor
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import ActorKind, Appointment
from clinic.common.errors import InvalidRequest, NotFound, PermissionDenied, SlotTaken, TooManyPending
from clinic.common.instants import local_date_of, offset_minutes_of, say_minute, zone_of
from clinic.people.identities import clinic_id_of, patient_id_of, practitioner_id_of
from clinic.people.models import Patient
from clinic.people.queries import get_patient_for
from clinic.people.services.guests import create_record
from clinic.scheduling.models import Clinic, Practitioner, Service
from clinic.scheduling.queries import (
    Hours,
    get_service,
    hours_of,
    is_claimed,
    offers,
    open_slots_of,
    policy_of,
    practitioners_offering,
    treatment_of,
)
from clinic.scheduling.services import is_overlap
from clinic.scheduling.slots import Interval, Policy, Treatment, blocked_interval, check_start, nearest_open

# The desk books further ahead than patients may, but not into another era by a slip of the pen.
DESK_HORIZON_DAYS = 730
NEAREST_WITHIN = timedelta(days=7)
NO_SUCH_PARENT = 1452


def patient_of(actor: Actor, patient_id: int | None) -> Patient:
    """Whom the actor may book: a patient themselves, the clinic anybody of its own. A guest who has no record yet gets
    one."""
    if actor.guest is not None:
        return create_record(actor.guest)
    if actor.patient is not None:
        return actor.patient
    assert actor.user is not None
    if actor.is_patient:
        own_id = patient_id_of(actor.user)
        if own_id is None:
            raise PermissionDenied("This account has no patient record.")
        return get_patient_for(actor.user, patient_id or own_id)
    if patient_id is None:
        raise InvalidRequest("Say for which patient.", attr="patient")
    if practitioner_id_of(actor.user) is not None:
        # A practitioner may book somebody who has not been theirs yet.
        patient = Patient.objects.filter(clinic_id=clinic_id_of(actor.user), pk=patient_id).first()
        if patient is not None:
            return patient
    return get_patient_for(actor.user, patient_id)


def check_may_book_for(actor: Actor, practitioner: Practitioner) -> None:
    own_id = practitioner_id_of(actor.user)
    if own_id is not None and own_id != practitioner.pk:
        raise PermissionDenied("A practitioner books their own time.")


def service_of(clinic: Clinic, practitioner: Practitioner, service_id: int | None) -> Service | None:
    if service_id is None:
        return None
    service = get_service(clinic, service_id)
    if not offers(practitioner, service):
        raise InvalidRequest(f"{practitioner.name} does not offer {service.name}.", attr="service")
    return service


def first_status(actor: Actor, clinic: Clinic, asked: Status | None = None) -> Status:
    """A guest may be anybody, so the clinic always decides. Raises InvalidRequest."""
    if asked is not None:
        if asked != Status.PENDING and (actor.is_patient or asked != Status.CONFIRMED):
            raise InvalidRequest("A new appointment is `pending`, or `confirmed` by the clinic.", attr="status")
        return asked
    decides_itself = clinic.auto_confirm and actor.kind is not ActorKind.GUEST
    return Status.PENDING if actor.is_patient and not decides_itself else Status.CONFIRMED


def service_kept(
    appointment: Appointment,
    practitioner: Practitioner,
    *,
    offers: Callable[[Practitioner, Service], bool] = offers,
) -> Service | None:
    """What is booked moves as it was booked, even if the clinic offers it to nobody new.

    `offers` may remember what it saw, for many at once.
    """
    service = appointment.service
    if service is not None and practitioner.pk != appointment.practitioner_id and not offers(practitioner, service):
        raise InvalidRequest(f"{practitioner.name} does not offer {service.name}.", attr="service")
    return service


class Placed(Protocol):
    """An appointment, or a time that is kept for one."""

    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...
    @property
    def blocked_from(self) -> datetime: ...
    @property
    def blocked_until(self) -> datetime: ...


def treatment_placed(placed: Placed) -> Treatment:
    """The length and buffers this has: a service that changed since does not change it."""

    def minutes(length: timedelta) -> int:
        return int(length.total_seconds()) // 60

    return Treatment(
        minutes(placed.ends_at - placed.starts_at),
        minutes(placed.starts_at - placed.blocked_from),
        minutes(placed.blocked_until - placed.ends_at),
    )


def place(
    appointment: Appointment,
    practitioner: Practitioner,
    service: Service | None,
    start: datetime,
    *,
    treatment: Treatment | None = None,
) -> None:
    """With the length and buffers of the service, unless others are given."""
    treatment = treatment or treatment_of(appointment.clinic, service)
    start = start.astimezone(UTC)
    blocked = blocked_interval(start, treatment)
    appointment.practitioner = practitioner
    appointment.service = service
    appointment.starts_at, appointment.ends_at = start, start + timedelta(minutes=treatment.minutes)
    appointment.blocked_from, appointment.blocked_until = blocked.start, blocked.end
    zone = zone_of(appointment.clinic.timezone)
    appointment.local_date = local_date_of(start, zone)
    appointment.utc_offset_minutes = offset_minutes_of(start, zone)


def check_rules(
    appointment: Appointment, *, actor: Actor, outside_hours: bool, now: datetime, hours: Hours | None = None
) -> None:
    """`hours` where many are checked at once; else they are read here. Raises a BookingRuleError."""
    clinic, practitioner_id, day = appointment.clinic, appointment.practitioner_id, appointment.local_date
    hours = hours or hours_of(clinic, [practitioner_id], day, day)[practitioner_id]
    check_start(
        appointment.starts_at,
        policy=_policy_for(actor, clinic),
        treatment=treatment_placed(appointment),
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


def check_is_free(appointment: Appointment, *, hold_id: int | None = None) -> None:
    taken = is_claimed(
        appointment.practitioner_id,
        Interval(appointment.blocked_from, appointment.blocked_until),
        except_appointment_id=appointment.pk,
        except_hold_id=hold_id,
    )
    if taken:
        raise SlotTaken(attr="start")


def check_pending_limit(appointment: Appointment, *, now: datetime) -> None:
    """Call after the appointment is written: until the commit the feed's head is locked, so that requests of one clinic
    are written one after another and none is missed here. Raises TooManyPending."""
    phone = appointment.patient.phone
    whose = Q(patient__phone=phone) if phone else Q(patient=appointment.patient)
    pending = Appointment.objects.filter(
        whose, clinic=appointment.clinic, status=Status.PENDING, starts_at__gt=now
    ).count()
    if pending > appointment.clinic.max_pending_per_phone:
        raise TooManyPending


def nearest_slots(
    clinic: Clinic,
    *,
    practitioner_id: int | None,
    service_id: int | None,
    start: datetime,
    now: datetime,
    treatment: Treatment | None = None,
) -> list[dict[str, Any]]:
    """The open slots around a start that is taken, at most three: of one practitioner, or of all who offer the service.

    With the length and buffers of the service, unless others are given. Reads for some milliseconds: call when the
    claim's locks are gone.
    """
    service = None if service_id is None or treatment is not None else get_service(clinic, service_id)
    practitioners = practitioners_offering(clinic, service)
    if practitioner_id is not None:
        practitioners = practitioners.filter(pk=practitioner_id)
    zone = zone_of(clinic.timezone)
    day = local_date_of(start, zone)
    slots = open_slots_of(
        clinic,
        practitioners,
        treatment=treatment or treatment_of(clinic, service),
        first_date=day - NEAREST_WITHIN,
        last_date=day + NEAREST_WITHIN,
        now=now,
    )
    whose = {slot: owner_id for owner_id, open_ones in reversed(slots.items()) for slot in open_ones}
    return [
        {"start": say_minute(slot.start, zone), "end": say_minute(slot.end, zone), "practitioner": whose[slot]}
        for slot in nearest_open(list(whose), start)
    ]


def nearest_to(appointment: Appointment, *, now: datetime) -> list[dict[str, Any]]:
    """The open slots around an appointment's own time, for what it is: as `nearest_slots`."""
    return nearest_slots(
        appointment.clinic,
        practitioner_id=appointment.practitioner_id,
        service_id=None,
        start=appointment.starts_at,
        now=now,
        treatment=treatment_placed(appointment),
    )


def claim(write: Callable[[], None]) -> None:
    try:
        write()
    except IntegrityError as error:
        if is_overlap(error):  # Somebody wrote around the lock: the cells refuse.
            raise SlotTaken(attr="start") from error
        if error.args[0] == NO_SUCH_PARENT:  # A guest's record has become part of an account's since we looked.
            raise NotFound("There is no such patient any more.") from error
        raise
