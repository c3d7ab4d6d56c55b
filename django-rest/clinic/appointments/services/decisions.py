"""Changes of an appointment's status and its end. Each is a compare-and-swap with its line of history."""

import copy
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from clinic.appointments.actor import Actor, UserActor
from clinic.appointments.claim_facts import read_claim_facts
from clinic.appointments.lifecycle import (
    ACTIVE_STATUSES,
    CORRECT,
    DELETE,
    UPCOMING,
    Action,
    Facts,
    Party,
    Status,
    action_to,
    check_attendance,
    claims_time,
    decide,
    decide_correction,
    releases_time,
)
from clinic.appointments.models import Appointment
from clinic.appointments.queries import CALLED_OFF, get_appointment_for
from clinic.appointments.services.claiming import place_of, write_claim
from clinic.appointments.services.effects import lock_what_effects_may_claim
from clinic.appointments.services.history import record
from clinic.appointments.services.own_time import check_may_allow_overlap
from clinic.appointments.services.refusals import explained_around
from clinic.appointments.slot_assignment import OwnTime, SlotAssignment, SlotRequest, assign_slot
from clinic.common.errors import PermissionDenied, SlotTaken, StaleVersion
from clinic.common.instants import local_date_of, zone_of
from clinic.common.transactions import in_one_transaction
from clinic.common.versions import ANY_VERSION, Expected
from clinic.scheduling.services import lock_for_change, lock_for_claim


@in_one_transaction
def change_status(
    *,
    actor: UserActor,
    appointment_id: int,
    action: Action,
    now: datetime,
    reason: str = "",
    allow_overlap: bool = False,
    expected: Expected = ANY_VERSION,
) -> Appointment:
    """Take the action. A patient's `confirm` is the promise to come, not the clinic's approval. The desk may let a
    visit that claims its time again overlap others of the patient: `allow_overlap`.

    Raises NotFound, what `lifecycle.decide` raises, StaleVersion, PermissionDenied, and where a re-opening finds its
    time gone SlotTaken (with the nearest open slots) or OwnAppointment.
    """
    seen = get_appointment_for(actor.user, appointment_id)
    with explained_around(partial(get_appointment_for, actor.user, appointment_id, also_deleted=True), actor, now=now):
        if claims_time(action):
            lock_for_claim(seen.clinic, practitioner_id=seen.practitioner_id, service_id=None)
        elif releases_time(action):
            lock_what_effects_may_claim(seen.clinic, [seen.practitioner_id], now=now)
        appointment = get_appointment_for(actor.user, appointment_id, lock=True)
        appointment.clinic = seen.clinic
        expected.check(appointment.version)
        return take(action, appointment, actor=actor, now=now, reason=reason, allow_overlap=allow_overlap)


def set_status(
    *,
    actor: UserActor,
    appointment_id: int,
    status: Status,
    now: datetime,
    reason: str = "",
    expected: Expected = ANY_VERSION,
) -> Appointment:
    """`PATCH {status}`: the action that leads there, by the same rules. Raises what `change_status` raises."""
    current = Status(get_appointment_for(actor.user, appointment_id).status)
    return change_status(
        actor=actor,
        appointment_id=appointment_id,
        action=action_to(current, status),
        now=now,
        reason=reason,
        expected=expected,
    )


@in_one_transaction
def delete_appointment(
    *, actor: UserActor, appointment_id: int, now: datetime, expected: Expected = ANY_VERSION
) -> Appointment:
    """Cancel it and take it from the clinic's lists, in one step. Its patient sees it as cancelled; the history stays.

    Raises NotFound, PermissionDenied, StaleVersion, PreconditionFailed."""
    seen = get_appointment_for(actor.user, appointment_id)
    lock_what_effects_may_claim(seen.clinic, [seen.practitioner_id], now=now)
    appointment = get_appointment_for(actor.user, appointment_id, lock=True)
    appointment.clinic = seen.clinic
    if actor.party_to(appointment) is Party.PATIENT:
        raise PermissionDenied("A patient cancels an appointment; the clinic deletes.")
    expected.check(appointment.version)
    before = copy.copy(appointment)
    _swap(appointment, {"status": Status.CANCELLED, "deleted_at": now}, now=now)
    record(appointment, DELETE, actor=actor, now=now, before=before, after=appointment)
    return appointment


def facts_of(appointment: Appointment) -> Facts:
    return Facts(
        status=Status(appointment.status),
        starts_at=appointment.starts_at,
        local_date=appointment.local_date,
        checked_in_at=appointment.checked_in_at,
        arrived_at=appointment.arrived_at,
    )


def take(
    action: Action,
    appointment: Appointment,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
    allow_overlap: bool = False,
) -> Appointment:
    """The step itself. Call with the appointment locked. Raises what `lifecycle.decide` raises, SlotTaken,
    OwnAppointment."""
    party = actor.party_to(appointment)
    if action is Action.CONFIRM and party is Party.PATIENT:
        return _promise_attendance(appointment, actor=actor, now=now)
    clinic = appointment.clinic
    target = decide(
        action,
        facts_of(appointment),
        party=party,
        now=now,
        today=local_date_of(now, zone_of(clinic.timezone)),
        cancellation_notice=timedelta(minutes=clinic.cancellation_notice_minutes),
        no_show_after=timedelta(minutes=clinic.no_show_after_minutes),
    )
    changes: dict[str, Any] = {"status": target}
    released: Collection[int] = ()
    if claims_time(action):
        released = _decide_again(appointment, actor, allow_overlap=allow_overlap, now=now).released_hold_ids
        changes["allow_overlap"] = allow_overlap or appointment.allow_overlap
    before = copy.copy(appointment)
    if target is Status.CHECKED_IN:
        changes["checked_in_at"] = now
    if target in CALLED_OFF:
        changes["cancel_reason"] = reason
    if target not in UPCOMING:
        changes["requested_start"] = None
    _swap(appointment, changes, now=now, released_hold_ids=released)
    record(appointment, action.value, actor=actor, now=now, before=before, after=appointment, reason=reason)
    return appointment


@in_one_transaction
def correct_status(
    *,
    actor: UserActor,
    appointment_id: int,
    status: Status,
    now: datetime,
    reason: str,
    allow_overlap: bool = False,
    expected: Expected = ANY_VERSION,
) -> Appointment:
    """Set right what was entered by mistake: any status to any other that the facts allow. `allow_overlap` as
    `change_status`.

    Raises NotFound, what `lifecycle.decide_correction` raises, StaleVersion, PreconditionFailed, and where the time of
    an appointment that becomes active again is gone SlotTaken (with the nearest open slots) or OwnAppointment.
    """
    seen = get_appointment_for(actor.user, appointment_id)
    with explained_around(partial(get_appointment_for, actor.user, appointment_id, also_deleted=True), actor, now=now):
        # It may claim time, free it, or keep it: which, is known when the appointment is locked.
        lock_for_change(seen.clinic, [seen.practitioner_id])
        appointment = get_appointment_for(actor.user, appointment_id, lock=True)
        appointment.clinic = seen.clinic
        expected.check(appointment.version)
        if appointment.practitioner_id != seen.practitioner_id:
            raise StaleVersion  # Moved between our look and our lock.
        return _correct(appointment, status, actor=actor, now=now, reason=reason, allow_overlap=allow_overlap)


def _correct(
    appointment: Appointment, status: Status, *, actor: Actor, now: datetime, reason: str, allow_overlap: bool
) -> Appointment:
    today = local_date_of(now, zone_of(appointment.clinic.timezone))
    party = actor.party_to(appointment)
    target = decide_correction(status, facts_of(appointment), party=party, now=now, today=today)
    changes = _corrected(appointment, target, now=now)
    released: Collection[int] = ()
    if target in ACTIVE_STATUSES and appointment.status not in ACTIVE_STATUSES:
        released = _decide_again(appointment, actor, allow_overlap=allow_overlap, now=now).released_hold_ids
        changes["allow_overlap"] = allow_overlap or appointment.allow_overlap
    before = copy.copy(appointment)
    _swap(appointment, changes, now=now, released_hold_ids=released)
    record(appointment, CORRECT, actor=actor, now=now, before=before, after=appointment, reason=reason)
    return appointment


def _corrected(appointment: Appointment, target: Status, *, now: datetime) -> dict[str, Any]:
    """The columns that a correction sets. A check-in that was a mistake is forgotten; an older one is kept."""
    checked_in_at = appointment.checked_in_at if target in (Status.CHECKED_IN, Status.COMPLETED) else None
    if target is Status.CHECKED_IN:
        checked_in_at = checked_in_at or now
    # Why it is corrected stands in the history: it is no reason that patients are told.
    return {"status": target, "checked_in_at": checked_in_at, "cancel_reason": ""}


def _promise_attendance(appointment: Appointment, *, actor: Actor, now: datetime) -> Appointment:
    check_attendance(facts_of(appointment), now=now)
    before = copy.copy(appointment)
    _swap(appointment, {"attendance_confirmed_at": now}, now=now)
    record(appointment, "attend", actor=actor, now=now, before=before, after=appointment)
    return appointment


def _decide_again(appointment: Appointment, actor: Actor, *, allow_overlap: bool, now: datetime) -> SlotAssignment:
    """The place that it had. An overlap that was allowed before stays allowed. Raises PermissionDenied, SlotTaken,
    OwnAppointment."""
    if allow_overlap:
        check_may_allow_overlap(actor)
    request = SlotRequest(
        place_of(appointment),
        [appointment.practitioner_id],
        now,
        takes_undo_holds=actor.is_clinic,
        own_time=OwnTime.ALLOWED if allow_overlap or appointment.allow_overlap else OwnTime.REFUSED,
        patient_id=appointment.patient_id,
        except_visit_ids=[appointment.pk],
    )
    try:
        return assign_slot(request, read_claim_facts(appointment.clinic, [request]))
    except SlotTaken as error:
        raise SlotTaken("The time has been given to somebody else.") from error


def _swap(
    appointment: Appointment, changes: dict[str, Any], *, now: datetime, released_hold_ids: Collection[int] = ()
) -> None:
    """Compare and swap: the row must still be the one the decision was made on."""
    changes = {**changes, "version": appointment.version + 1, "updated_at": now}
    same = Appointment.objects.filter(pk=appointment.pk, status=appointment.status, version=appointment.version)
    swapped = write_claim(partial(same.update, **changes), released_hold_ids=released_hold_ids, now=now)
    if not swapped:  # Nothing updated: another writer got there first.
        raise StaleVersion
    for name, value in changes.items():
        setattr(appointment, name, value)
