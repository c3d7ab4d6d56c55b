"""What changes an appointment's status, and its end. Each is a compare-and-swap with its line of history."""

import copy
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError

from clinic.appointments.actor import Actor
from clinic.appointments.lifecycle import (
    Action,
    Facts,
    Party,
    Status,
    action_to,
    check_attendance,
    claims_time,
    decide,
    frees_time,
)
from clinic.appointments.models import Appointment
from clinic.appointments.queries import get_appointment_for
from clinic.appointments.services.effects import lock_what_effects_may_claim
from clinic.appointments.services.history import record
from clinic.appointments.services.placing import nearest_to
from clinic.appointments.services.versions import check_version
from clinic.common.errors import PermissionDenied, SlotTaken, StaleVersion
from clinic.common.instants import local_date_of, zone_of
from clinic.common.transactions import in_one_transaction
from clinic.scheduling.queries import is_claimed
from clinic.scheduling.services import is_overlap, lock_practitioners
from clinic.scheduling.slots import Interval


def change_status(
    *,
    actor: Actor,
    appointment_id: int,
    action: Action,
    now: datetime,
    reason: str = "",
    version: int | None = None,
    if_match: bool = False,
) -> Appointment:
    """Take the action. A patient's `confirm` is the promise to come, not the clinic's approval.

    Raises NotFound, what `lifecycle.decide` raises, StaleVersion, and SlotTaken (with the nearest open slots) where a
    re-opening finds its time gone.
    """
    assert actor.user is not None
    try:
        return _change_status(
            actor=actor,
            appointment_id=appointment_id,
            action=action,
            now=now,
            reason=reason,
            version=version,
            if_match=if_match,
        )
    except SlotTaken as error:
        error.extra["nearest"] = nearest_to(get_appointment_for(actor.user, appointment_id), now=now)
        raise


@in_one_transaction
def _change_status(
    *,
    actor: Actor,
    appointment_id: int,
    action: Action,
    now: datetime,
    reason: str,
    version: int | None,
    if_match: bool,
) -> Appointment:
    assert actor.user is not None
    seen = get_appointment_for(actor.user, appointment_id)
    if claims_time(action):
        lock_practitioners(seen.clinic, [seen.practitioner_id], now=now)
    elif frees_time(action):
        lock_what_effects_may_claim(seen.clinic, [seen.practitioner_id], now=now)
    appointment = get_appointment_for(actor.user, appointment_id, lock=True)
    check_version(appointment, version, if_match=if_match)
    return take(action, appointment, actor=actor, now=now, reason=reason)


def set_status(
    *,
    actor: Actor,
    appointment_id: int,
    status: Status,
    now: datetime,
    reason: str = "",
    version: int | None = None,
    if_match: bool = False,
) -> Appointment:
    """`PATCH {status}`: the action that leads there, by the same rules. Raises what `change_status` raises."""
    assert actor.user is not None
    current = Status(get_appointment_for(actor.user, appointment_id).status)
    return change_status(
        actor=actor,
        appointment_id=appointment_id,
        action=action_to(current, status),
        now=now,
        reason=reason,
        version=version,
        if_match=if_match,
    )


@in_one_transaction
def delete_appointment(
    *, actor: Actor, appointment_id: int, now: datetime, version: int | None = None, if_match: bool = False
) -> None:
    """Frees the time and leaves the history, with the row as it was."""
    assert actor.user is not None
    seen = get_appointment_for(actor.user, appointment_id)
    lock_what_effects_may_claim(seen.clinic, [seen.practitioner_id], now=now)
    appointment = get_appointment_for(actor.user, appointment_id, lock=True)
    if actor.party_to(appointment) is Party.PATIENT:
        raise PermissionDenied("A patient cancels an appointment; the clinic deletes.")
    check_version(appointment, version, if_match=if_match)
    before = copy.copy(appointment)
    appointment.delete()
    record(before, "delete", actor=actor, now=now, before=before)


def facts_of(appointment: Appointment) -> Facts:
    return Facts(
        status=Status(appointment.status),
        starts_at=appointment.starts_at,
        local_date=appointment.local_date,
        checked_in_at=appointment.checked_in_at,
    )


def take(action: Action, appointment: Appointment, *, actor: Actor, now: datetime, reason: str = "") -> Appointment:
    """The step itself. Call with the appointment locked. Raises what `lifecycle.decide` raises, SlotTaken."""
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
    if claims_time(action) and _is_taken(appointment):
        raise SlotTaken("The time has been given to somebody else.")
    before = copy.copy(appointment)
    changes: dict[str, Any] = {"status": target}
    if target is Status.CHECKED_IN:
        changes["checked_in_at"] = now
    if target in (Status.CANCELLED, Status.REJECTED):
        changes["cancel_reason"] = reason
    _swap(appointment, changes, now=now)
    record(appointment, action.value, actor=actor, now=now, before=before, after=appointment, reason=reason)
    return appointment


def _promise_attendance(appointment: Appointment, *, actor: Actor, now: datetime) -> Appointment:
    check_attendance(facts_of(appointment), now=now)
    before = copy.copy(appointment)
    _swap(appointment, {"attendance_confirmed_at": now}, now=now)
    record(appointment, "attend", actor=actor, now=now, before=before, after=appointment)
    return appointment


def _is_taken(appointment: Appointment) -> bool:
    blocked = Interval(appointment.blocked_from, appointment.blocked_until)
    return is_claimed(appointment.practitioner_id, blocked, except_appointment_id=appointment.pk)


def _swap(appointment: Appointment, changes: dict[str, Any], *, now: datetime) -> None:
    """Compare and swap: the row must still be the one the decision was made on."""
    changes = {**changes, "version": appointment.version + 1, "updated_at": now}
    try:
        swapped = Appointment.objects.filter(
            pk=appointment.pk, status=appointment.status, version=appointment.version
        ).update(**changes)
    except IntegrityError as error:
        if is_overlap(error):
            raise SlotTaken("The time has been given to somebody else.") from error
        raise
    if not swapped:  # Nothing updated: another writer got there first.
        raise StaleVersion
    for name, value in changes.items():
        setattr(appointment, name, value)
