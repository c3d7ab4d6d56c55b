"""Steps of a visit by its reference: attendance, arrival, cancellation, and the times to which it can move. Whoever
has the reference acts as the visit's patient; the desk replaces one that has gone too far."""

import copy
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from clinic.appointments.actor import PatientActor, UserActor
from clinic.appointments.lifecycle import (
    ARRIVE,
    KEEP_TIME,
    REVOKE_LINK,
    Action,
    Party,
    Status,
    check_arrival,
)
from clinic.appointments.models import Appointment
from clinic.appointments.queries import get_appointment_for, get_guest_booking
from clinic.appointments.references import new_reference
from clinic.appointments.services.decisions import facts_of, take
from clinic.appointments.services.effects import lock_what_effects_may_claim
from clinic.appointments.services.history import record
from clinic.appointments.services.patient_moves import check_moves_are_offered, moves_left
from clinic.appointments.slot_assignment import booked_treatment
from clinic.common.errors import ChairsideError, PermissionDenied
from clinic.common.instants import local_date_of, zone_of
from clinic.common.transactions import in_one_transaction
from clinic.common.versions import ANY_VERSION, Expected
from clinic.outbox.push_subscriptions import forget_browsers
from clinic.outbox.services import replace_in_unsent
from clinic.scheduling.queries.open_times import open_slots_of
from clinic.scheduling.queries.practitioners import practitioners_of
from clinic.scheduling.slots import Slot


@in_one_transaction
def attend_by_reference(*, reference: str, now: datetime) -> Appointment:
    """The patient promises to come. Raises NotFound, TransitionNotAllowed."""
    appointment = _lock(reference, now=now)
    if appointment.attendance_confirmed_at is not None:
        return appointment
    return take(Action.CONFIRM, appointment, actor=PatientActor(appointment.patient), now=now)


@in_one_transaction
def cancel_by_reference(*, reference: str, now: datetime, reason: str = "") -> Appointment:
    """Within the cancellation notice. Raises NotFound, TooLateToCancel, TransitionNotAllowed."""
    appointment = _lock(reference, now=now)
    return take(Action.CANCEL, appointment, actor=PatientActor(appointment.patient), now=now, reason=reason)


@in_one_transaction
def arrive_by_reference(*, reference: str, now: datetime) -> Appointment:
    """The patient is here; the desk checks them in. A second time changes nothing. Raises NotFound, TooEarly, NotToday,
    TransitionNotAllowed."""
    appointment = _lock(reference, now=now)
    if appointment.arrived_at is not None or appointment.status == Status.CHECKED_IN:
        return appointment
    check_arrival(facts_of(appointment), now=now, today=_today(appointment, now))
    before = copy.copy(appointment)
    appointment.arrived_at, appointment.updated_at = now, now
    appointment.version += 1
    appointment.save(update_fields=["arrived_at", "version", "updated_at"])
    actor = PatientActor(appointment.patient)
    record(appointment, ARRIVE, actor=actor, now=now, before=before, after=appointment)
    return appointment


@in_one_transaction
def revoke_reference(
    *, actor: UserActor, appointment_id: int, now: datetime, expected: Expected = ANY_VERSION
) -> Appointment:
    """The former link leads nowhere, and browsers that subscribed by it are told nothing more; messages that are still
    to be sent hold the new one. For the desk.

    Raises NotFound, PermissionDenied, StaleVersion, PreconditionFailed."""
    appointment = get_appointment_for(actor.user, appointment_id, lock=True)
    if not (actor.user.works_at_desk or actor.user.reads_every_clinic):
        raise PermissionDenied("The desk replaces links.")
    expected.check(appointment.version)
    before = copy.copy(appointment)
    appointment.reference, appointment.updated_at = new_reference(), now
    appointment.version += 1
    appointment.save(update_fields=["reference", "version", "updated_at"])
    replace_in_unsent(appointment.pk, before.reference, appointment.reference)
    forget_browsers(appointment_id=appointment.pk)
    record(appointment, REVOKE_LINK, actor=actor, now=now, before=before, after=appointment)
    return appointment


@in_one_transaction
def keep_time(*, actor: UserActor, appointment_id: int, now: datetime, expected: Expected = ANY_VERSION) -> Appointment:
    """The clinic leaves the visit where it is: the move that its patient asks for is declined, and the visit's page
    shows it. Changes nothing the second time, and of a visit that has ended. Raises NotFound, PermissionDenied,
    StaleVersion, PreconditionFailed."""
    appointment = get_appointment_for(actor.user, appointment_id, lock=True)
    if actor.party_to(appointment) is Party.PATIENT:
        raise PermissionDenied("The clinic answers this.")
    expected.check(appointment.version)
    if appointment.requested_start is None or appointment.status not in (Status.PENDING, Status.CONFIRMED):
        return appointment
    before = copy.copy(appointment)
    appointment.requested_start, appointment.updated_at = None, now
    appointment.version += 1
    appointment.save(update_fields=["requested_start", "version", "updated_at"])
    record(appointment, KEEP_TIME, actor=actor, now=now, before=before, after=appointment)
    return appointment


@dataclass(frozen=True, slots=True)
class Possible:
    """Steps that the patient may take now. `cancel_until` is in the past where it is too late."""

    attend: bool
    move: bool
    cancel: bool
    arrive: bool
    moves_left: int
    cancel_until: datetime

    @property
    def actions(self) -> list[str]:
        return [name for name in ("attend", "move", "cancel", "arrive") if getattr(self, name)]


def possible_with(appointment: Appointment, *, now: datetime) -> Possible:
    """Needs clinic and patient fetched. One query, none for an unchanged visit."""
    clinic, is_upcoming = appointment.clinic, appointment.status in (Status.PENDING, Status.CONFIRMED)
    cancel_until = appointment.starts_at - timedelta(minutes=clinic.cancellation_notice_minutes)
    left = moves_left(appointment)
    return Possible(
        attend=is_upcoming and appointment.attendance_confirmed_at is None and now < appointment.starts_at,
        move=is_upcoming and left > 0 and _passes_moves(appointment, now=now),
        cancel=is_upcoming and now <= cancel_until,
        arrive=appointment.arrived_at is None and _passes_arrival(appointment, now=now),
        moves_left=left,
        cancel_until=cancel_until,
    )


def times_to_move_to(appointment: Appointment, *, first: date, last: date, now: datetime) -> list[Slot]:
    """Open slots of the same practitioner, as long as the visit is. Needs clinic, practitioner and service fetched."""
    slots = open_slots_of(
        appointment.clinic,
        practitioners_of(appointment.clinic).filter(pk=appointment.practitioner_id, active=True),
        treatment=booked_treatment(appointment),
        first_date=first,
        last_date=last,
        now=now,
    )
    return [slot for of_one in slots.values() for slot in of_one if slot.start != appointment.starts_at]


def _lock(reference: str, *, now: datetime) -> Appointment:
    seen = get_guest_booking(reference)
    lock_what_effects_may_claim(seen.clinic, [seen.practitioner_id], now=now)
    appointment = get_guest_booking(reference, lock=True)
    appointment.clinic = seen.clinic
    return appointment


def _today(appointment: Appointment, now: datetime) -> date:
    return local_date_of(now, zone_of(appointment.clinic.timezone))


def _passes_arrival(appointment: Appointment, *, now: datetime) -> bool:
    try:
        check_arrival(facts_of(appointment), now=now, today=_today(appointment, now))
    except ChairsideError:
        return False
    return True


def _passes_moves(appointment: Appointment, *, now: datetime) -> bool:
    try:
        check_moves_are_offered(appointment, now=now)
    except ChairsideError:
        return False
    return True
