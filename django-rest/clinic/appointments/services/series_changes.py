"""Changes of a series: all of the selected appointments or none, and only what is still ahead.

Locks are taken in one order: practitioners, the series, its appointments, each by their ids.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from functools import cache, partial
from typing import Any

from django.db.models import QuerySet

from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import UPCOMING, Action
from clinic.appointments.models import Appointment, Series
from clinic.appointments.queries import get_series_for
from clinic.appointments.recurrence import instant_on
from clinic.appointments.services.claiming import place_in, put_at, release_holds, write_claim
from clinic.appointments.services.decisions import take
from clinic.appointments.services.effects import lock_what_effects_may_claim
from clinic.appointments.services.eligibility import check_may_book_for, service_kept, service_of
from clinic.appointments.services.history import as_json, record
from clinic.appointments.services.own_time import check_may_allow_overlap
from clinic.appointments.services.series_dates import (
    PlannedDate,
    conflict_of,
    decide_dates,
    planned_dates,
)
from clinic.appointments.slot_assignment import booked_treatment
from clinic.common.errors import (
    InvalidRequest,
    NoSuchLocalTime,
    NotFound,
    PermissionDenied,
    StaleVersion,
    TransitionNotAllowed,
)
from clinic.common.instants import zone_of
from clinic.common.transactions import in_one_transaction, transaction_token
from clinic.common.versions import ANY_VERSION, Expected
from clinic.scheduling.models import Practitioner
from clinic.scheduling.queries.practitioners import get_practitioner, offers
from clinic.scheduling.services import lock_for_change


class Scope(StrEnum):
    THIS = "this"
    FOLLOWING = "following"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which appointments of a series: by the one they begin with, or by a date of the clinic's."""

    scope: Scope
    appointment_id: int | None = None
    from_date: date | None = None


@dataclass(frozen=True, slots=True)
class SeriesEdit:
    """The changes; None stays. `start_local` is the new wall time, on the same dates."""

    start_local: time | None = None
    practitioner_id: int | None = None
    service_id: int | None = None
    notes: str | None = None
    outside_hours: bool = False
    allow_overlap: bool = False

    @property
    def moves(self) -> bool:
        return any(value is not None for value in (self.start_local, self.practitioner_id, self.service_id))


@in_one_transaction
def edit_series(
    *,
    actor: UserActor,
    series_id: int,
    selection: Selection,
    edit: SeriesEdit,
    now: datetime,
    expected: Expected = ANY_VERSION,
) -> Series:
    """Change the selected appointments that are still ahead: all of them or none. What is past stays as it was.

    Raises SeriesConflict, TransitionNotAllowed (nothing of it is ahead), StaleVersion, NotFound, PermissionDenied.
    """
    seen = _get_for_clinic(actor, series_id)
    if edit.allow_overlap:
        check_may_allow_overlap(actor)
    locked = _lock_for_edit(seen, selection, edit, now=now)
    series = get_series_for(actor.user, series_id, lock=True)
    series.clinic = seen.clinic
    expected.check(series.version)
    appointments = _lock_selected(actor, series, selection, now=now)
    befores = [copy.copy(appointment) for appointment in appointments]
    if edit.notes is not None:
        for appointment in appointments:
            appointment.notes = edit.notes
    if edit.moves:
        release_holds(_move_all(appointments, edit, actor=actor, locked=locked, now=now), now=now)
    for before, appointment in zip(befores, appointments, strict=True):
        appointment.version += 1
        appointment.updated_at = now
        write_claim(appointment.save)
        record(appointment, "move" if edit.moves else "edit", actor=actor, now=now, before=before, after=appointment)
    return _agree(series, {} if selection.scope is Scope.THIS else _agreed_in(edit), now=now)


@in_one_transaction
def cancel_series(
    *,
    actor: UserActor,
    series_id: int,
    selection: Selection,
    now: datetime,
    reason: str = "",
    expected: Expected = ANY_VERSION,
) -> Series:
    """Cancel the selected appointments that are still ahead, each through its lifecycle. Raises as `edit_series`."""
    seen = _get_for_clinic(actor, series_id)
    lock_what_effects_may_claim(seen.clinic, _practitioners_of(seen, selection, now=now), now=now)
    series = get_series_for(actor.user, series_id, lock=True)
    series.clinic = seen.clinic
    expected.check(series.version)
    for appointment in _lock_selected(actor, series, selection, now=now):
        take(Action.CANCEL, appointment, actor=actor, now=now, reason=reason)
    return _agree(series, {}, now=now)


def _get_for_clinic(actor: UserActor, series_id: int) -> Series:
    series = get_series_for(actor.user, series_id)
    if actor.is_patient:
        raise PermissionDenied("The clinic changes a series. You can cancel each appointment.")
    return series


def _selected(series: Series, selection: Selection, *, now: datetime) -> QuerySet[Appointment]:
    """Those that are still ahead and can still change, in id order. Raises NotFound for an appointment of another
    series, InvalidRequest where it is not said which."""
    every = Appointment.objects.filter(series_id=series.pk).order_by("pk")
    ahead = every.filter(starts_at__gt=now, status__in=sorted(UPCOMING))
    if selection.scope is Scope.ALL:
        return ahead
    if selection.appointment_id is not None:
        first = every.filter(pk=selection.appointment_id).first()
        if first is None:
            raise NotFound("There is no such appointment in this series.")
        if selection.scope is Scope.THIS:
            return ahead.filter(pk=first.pk)
        return ahead.filter(starts_at__gte=first.starts_at)
    if selection.from_date is None:
        raise InvalidRequest("Say with which appointment, or from which date.", attr="appointment")
    if selection.scope is Scope.THIS:
        return ahead.filter(local_date=selection.from_date)
    return ahead.filter(local_date__gte=selection.from_date)


def _practitioners_of(series: Series, selection: Selection, *, now: datetime) -> set[int]:
    return set(_selected(series, selection, now=now).values_list("practitioner_id", flat=True))


def _lock_for_edit(series: Series, selection: Selection, edit: SeriesEdit, *, now: datetime) -> dict[int, Practitioner]:
    """Nothing is locked for notes. Raises NotFound for a new practitioner who is not there."""
    if not edit.moves:
        return {}
    concerned = _practitioners_of(series, selection, now=now)
    if edit.practitioner_id is not None:
        get_practitioner(series.clinic, edit.practitioner_id)
        concerned.add(edit.practitioner_id)
    return lock_for_change(series.clinic, concerned).practitioners


def _lock_selected(actor: UserActor, series: Series, selection: Selection, *, now: datetime) -> list[Appointment]:
    """In id order. Raises TransitionNotAllowed where there is none, PermissionDenied for one of somebody else's."""
    appointments = list(_selected(series, selection, now=now).select_for_update().prefetch_related("service"))
    if not appointments:
        raise TransitionNotAllowed("Nothing of this is still ahead: what is past or over stays as it is.")
    for appointment in appointments:
        appointment.clinic = series.clinic
        actor.party_to(appointment)
    return appointments


def _move_all(
    appointments: Sequence[Appointment],
    edit: SeriesEdit,
    *,
    actor: UserActor,
    locked: dict[int, Practitioner],
    now: datetime,
) -> set[int]:
    """Put all at their new places. Returns the holds that end for it. Raises SeriesConflict, StaleVersion."""
    clinic = appointments[0].clinic
    offered, offers_still = cache(partial(service_of, clinic)), cache(offers)  # One look for all of them.

    def move(appointment: Appointment) -> bool:
        start = _new_start(appointment, edit)
        if start is None:
            return False
        practitioner = locked.get(edit.practitioner_id or appointment.practitioner_id)
        if practitioner is None:  # It was moved between our look and our lock.
            raise StaleVersion
        check_may_book_for(actor, practitioner)
        former = appointment.starts_at, appointment.ends_at
        if edit.service_id is None:
            service = service_kept(appointment, practitioner, offers=offers_still)
            place = place_in(clinic, start, treatment=booked_treatment(appointment))
        else:
            service = offered(practitioner, edit.service_id)
            place = place_in(clinic, start, service=service)
        put_at(appointment, place, practitioner, service)
        appointment.attendance_confirmed_at = None
        if (appointment.starts_at, appointment.ends_at) == former:
            at_former_time.append(appointment.pk)
        else:  # Overlaps were allowed for the former time.
            appointment.allow_overlap = False
        return True

    at_former_time: list[int] = []
    moved: list[Appointment] = []
    skipped: list[Appointment] = []
    for appointment in appointments:
        (moved if move(appointment) else skipped).append(appointment)
    decisions = decide_dates(
        moved,
        actor=actor,
        outside_hours=edit.outside_hours,
        allow_overlap=edit.allow_overlap,
        at_former_time=at_former_time,
        now=now,
    )
    planned = [
        *(PlannedDate(one.local_date, None, NoSuchLocalTime()) for one in skipped),
        *planned_dates(moved, decisions),
    ]
    refused = sorted((plan for plan in planned if plan.refusal is not None), key=lambda plan: plan.local_date)
    if refused:
        raise conflict_of(refused, clinic, edit.start_local or time.min)
    return {hold_id for plan in planned for hold_id in plan.released_hold_ids}


def _new_start(appointment: Appointment, edit: SeriesEdit) -> datetime | None:
    if edit.start_local is None:
        return appointment.starts_at
    return instant_on(appointment.local_date, edit.start_local, zone_of(appointment.clinic.timezone))


def _agreed_in(edit: SeriesEdit) -> dict[str, Any]:
    changes = {
        "start_local": edit.start_local,
        "practitioner_id": edit.practitioner_id,
        "service_id": edit.service_id,
        "notes": edit.notes,
    }
    return {name: value for name, value in changes.items() if value is not None}


def _agree(series: Series, changes: dict[str, Any], *, now: datetime) -> Series:
    former = {name: as_json(getattr(series, name)) for name in changes}
    counted = {"version": series.version + 1, "updated_at": now, "former": former, "last_step": transaction_token()}
    changes = {**changes, **counted}
    for name, value in changes.items():
        setattr(series, name, value)
    series.save(update_fields=list(changes))
    return series
