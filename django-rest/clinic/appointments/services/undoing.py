"""Undo of the last step, within the clinic's undo window, before anybody is told of it.

A step is all that one service changed in its transaction: a status, a move with its note, the cancellation of a whole
series. It is undone as a whole or not at all: each appointment gets back the values that its lines of history kept
(`AppointmentEvent.former`), its time is claimed again, and what followed from the step is taken back (`effects`).
"""

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from clinic.accounts.models import Role
from clinic.appointments.actor import Actor, PatientActor, UserActor
from clinic.appointments.claim_facts import read_claim_facts
from clinic.appointments.lifecycle import ACTIVE_STATUSES, CORRECT, UNDO, UNDOABLE, Party
from clinic.appointments.models import ActorKind, Appointment, AppointmentEvent, Series
from clinic.appointments.queries import get_appointment_for, get_guest_booking
from clinic.appointments.services.claiming import place_of, write_claim
from clinic.appointments.services.effects import Undoing, take_back_effects
from clinic.appointments.services.eligibility import check_may_book_for
from clinic.appointments.services.history import record
from clinic.appointments.services.own_time import claims_patient_anew
from clinic.appointments.services.refusals import explained_around
from clinic.appointments.slot_assignment import OwnTime, SlotAssignment, SlotRequest, assign_slot
from clinic.common.errors import NothingToUndo, NotToday, PermissionDenied, StaleVersion, UndoOver
from clinic.common.instants import local_date_of, zone_of
from clinic.common.transactions import in_one_transaction
from clinic.common.versions import Expected
from clinic.scheduling.models import Clinic, Practitioner
from clinic.scheduling.services import lock_for_change
from clinic.scheduling.working_hours import Interval

# Changes that may stand in one step with those that can be undone.
UNDONE_WITH_THEM = frozenset({"edit"})


@dataclass(frozen=True, slots=True)
class Step:
    """The lines of history of one step, in order; what it made new, such as a booking from the waitlist, is not among
    them."""

    token: str
    at: datetime
    events: Sequence[AppointmentEvent]

    @property
    def appointment_ids(self) -> list[int]:
        return sorted({event.appointment_id for event in self.events})

    def of(self, appointment_id: int) -> list[AppointmentEvent]:
        return [event for event in self.events if event.appointment_id == appointment_id]


def undo_step(*, actor: UserActor, appointment_id: int, now: datetime, expected: Expected) -> Appointment:
    """Undo the last step of this appointment, and of all that were changed with it.

    Open to whoever may take the step; a patient undoes a patient's, the clinic the clinic's. Raises NotFound,
    StaleVersion, PreconditionFailed, NothingToUndo, UndoOver (the window has passed, or somebody has been told),
    PermissionDenied, and where the time is gone SlotTaken (with the nearest open slots) or OwnAppointment.
    """
    find = partial(get_appointment_for, actor.user, appointment_id, also_deleted=True)
    return _undo_step(find, actor=actor, now=now, expected=expected)


def undo_by_reference(*, reference: str, now: datetime, expected: Expected) -> Appointment:
    """The patient's own last step, by whoever has the visit's reference. Raises what `undo_step` raises."""
    find = partial(get_guest_booking, reference)
    return _undo_step(find, actor=None, now=now, expected=expected)


def undo_deadline(appointment: Appointment, actor: Actor, *, now: datetime) -> datetime | None:
    """Until when the actor may undo the last step; None if it cannot be undone. Two queries."""
    try:
        step = _last_step_of(appointment.pk)
        _check_step(step, appointment.clinic, now=now)
        for event in step.events:
            _check_party(event, appointment, actor, now=now)
    except (NothingToUndo, UndoOver, PermissionDenied, NotToday):
        return None
    return step.at + timedelta(seconds=appointment.clinic.undo_seconds)


@in_one_transaction
def _undo_step(
    find: Callable[[], Appointment], *, actor: UserActor | PatientActor | None, now: datetime, expected: Expected
) -> Appointment:
    """Without an actor: whoever has the reference by which it is found."""
    seen = find()
    actor = actor or PatientActor(seen.patient)
    expected.check(seen.version)
    step = _last_step_of(seen.pk)
    _check_step(step, seen.clinic, now=now)
    with explained_around(find, actor, now=now):
        return _put_back(seen, step, actor=actor, now=now)


def _put_back(seen: Appointment, step: Step, *, actor: Actor, now: datetime) -> Appointment:
    befores = list(Appointment.objects.filter(pk__in=step.appointment_ids))
    practitioner_ids = {one.practitioner_id for one in befores} | _former_practitioner_ids(step)
    locked = lock_for_change(seen.clinic, practitioner_ids).practitioners
    series = list(Series.objects.select_for_update().filter(last_step=step.token).order_by("pk"))
    rows = Appointment.objects.select_for_update().filter(pk__in=step.appointment_ids).order_by("pk")
    appointments = {row.pk: row for row in rows}
    if appointments.keys() != set(step.appointment_ids) or not _is_last_step(step):
        raise StaleVersion
    for appointment in appointments.values():
        appointment.clinic = seen.clinic
        _check_unchanged(appointment, step)
        for event in step.of(appointment.pk):
            _check_party(event, appointment, actor, now=now)
    _put_back_all(appointments, locked, step, actor=actor, now=now)
    for one in series:
        _put_back_series(one, now=now)
    return appointments[seen.pk]


def _last_step_of(appointment_id: int) -> Step:
    """Two queries. Raises NothingToUndo."""
    last = AppointmentEvent.objects.filter(appointment_id=appointment_id).order_by("-id").first()
    if last is None or not last.step:
        raise NothingToUndo
    # New rows of the step follow from it: the effects take them back.
    of_step = AppointmentEvent.objects.filter(step=last.step).exclude(action="create").order_by("id")
    step = Step(last.step, last.at, list(of_step.select_related("actor")))
    can_be_undone = all(event.action in UNDOABLE.keys() | UNDONE_WITH_THEM for event in step.events)
    if not can_be_undone or not any(event.action in UNDOABLE for event in step.of(appointment_id)):
        raise NothingToUndo
    if any(event.actor_kind == ActorKind.PATIENT_SMS for event in step.events):
        raise NothingToUndo("The answer to an SMS has been sent already.")
    return step


def _check_step(step: Step, clinic: Clinic, *, now: datetime) -> None:
    """Raises UndoOver."""
    if now >= step.at + timedelta(seconds=clinic.undo_seconds):
        raise UndoOver


def _is_last_step(step: Step) -> bool:
    """Call with the appointments locked: nobody has changed any of them since."""
    newest = AppointmentEvent.objects.filter(appointment_id__in=step.appointment_ids).order_by("-id")
    return newest.exclude(step=step.token).filter(id__gt=step.events[0].pk).first() is None


def _check_unchanged(appointment: Appointment, step: Step) -> None:
    """Raises StaleVersion where somebody wrote around the services since."""
    last = step.of(appointment.pk)[-1]
    for event in step.of(appointment.pk):
        for name in event.former or {}:
            if _value(name, last.snapshot[name]) != getattr(appointment, name):
                raise StaleVersion
    if last.snapshot["version"] != appointment.version:
        raise StaleVersion


def _check_party(event: AppointmentEvent, appointment: Appointment, actor: Actor, *, now: datetime) -> None:
    """Raises PermissionDenied, NotToday."""
    party = actor.party_to(appointment)
    if party not in UNDOABLE.get(event.action, UNDOABLE[CORRECT]):
        raise PermissionDenied
    if party is Party.PATIENT and not _is_by_patient(event):
        raise PermissionDenied("The clinic has done this. Please call the clinic.")
    if party is not Party.PATIENT and _is_by_patient(event):
        raise PermissionDenied("The patient has done this. Book or correct the visit if they ask for it.")
    is_other_day = appointment.local_date != local_date_of(now, zone_of(appointment.clinic.timezone))
    if event.action == CORRECT and party is Party.PRACTITIONER and is_other_day:
        raise NotToday


def _is_by_patient(event: AppointmentEvent) -> bool:
    return event.actor_kind == ActorKind.GUEST or (event.actor is not None and event.actor.role == Role.PATIENT)


def _former_practitioner_ids(step: Step) -> set[int]:
    formers = (event.former or {} for event in step.events)
    return {former["practitioner_id"] for former in formers if "practitioner_id" in former}


def _put_back_all(
    appointments: dict[int, Appointment],
    locked: dict[int, Practitioner],
    step: Step,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    befores = {row_id: copy.copy(row) for row_id, row in appointments.items()}
    for row_id, row in appointments.items():
        for event in reversed(step.of(row_id)):
            for name, value in (event.former or {}).items():
                setattr(row, name, _value(name, value))
        if row.practitioner_id != befores[row_id].practitioner_id:
            row.practitioner = locked[row.practitioner_id]
            check_may_book_for(actor, row.practitioner)
        row.version += 1
        row.updated_at = now
    claiming = [row for row_id, row in appointments.items() if _claims_anew(befores[row_id], row)]
    claims = [(row.practitioner_id, Interval(row.blocked_from, row.blocked_until)) for row in claiming]
    versions = {row_id: row.version for row_id, row in appointments.items()}
    take_back_effects(Undoing(step.token, actor, now, claims, versions))
    decided = _decide(appointments.values(), befores, now=now)
    # Moved visits are put back from the other end: none meets the place that another one has not left yet.
    for row_id, row in reversed(appointments.items()):
        names = {name for event in step.of(row_id) for name in event.former or {}}
        released = decided[row_id].released_hold_ids if row_id in decided else ()
        write_claim(
            partial(row.save, update_fields=[*names, "version", "updated_at"]), released_hold_ids=released, now=now
        )
    for row_id, row in appointments.items():
        record(row, UNDO, actor=actor, now=now, before=befores[row_id], after=row)


def _decide(
    rows: Iterable[Appointment], befores: dict[int, Appointment], *, now: datetime
) -> dict[int, SlotAssignment]:
    """By id, of those that claim time again. Raises SlotTaken, OwnAppointment."""
    claiming = [row for row in rows if _claims_anew(befores[row.pk], row) or claims_patient_anew(befores[row.pk], row)]
    requests = {
        row.pk: SlotRequest(
            place_of(row),
            [row.practitioner_id],
            now,
            # Beside a visit that may overlap it stood before the step.
            own_time=OwnTime.BESIDE_ALLOWED if claims_patient_anew(befores[row.pk], row) else OwnTime.ALLOWED,
            patient_id=row.patient_id,
            except_visit_ids=list(befores),
        )
        for row in claiming
    }
    if not requests:
        return {}
    facts = read_claim_facts(claiming[0].clinic, list(requests.values()))
    return {row_id: assign_slot(request, facts) for row_id, request in requests.items()}


def _claims_anew(before: Appointment, after: Appointment) -> bool:
    if after.status not in ACTIVE_STATUSES:
        return False
    stays = (before.practitioner_id, before.blocked_from, before.blocked_until) == (
        after.practitioner_id,
        after.blocked_from,
        after.blocked_until,
    )
    return before.status not in ACTIVE_STATUSES or not stays


def _put_back_series(series: Series, *, now: datetime) -> None:
    former = series.former or {}
    for field in Series._meta.concrete_fields:
        if field.attname in former:
            setattr(series, field.attname, field.to_python(former[field.attname]))
    series.version += 1
    series.updated_at = now
    series.former, series.last_step = None, ""
    series.save(update_fields=[*former, "version", "updated_at", "former", "last_step"])


def _value(name: str, told: object) -> object:
    """Of a column, by its text in the history."""
    by_column = {field.attname: field for field in Appointment._meta.concrete_fields}
    return by_column[name].to_python(told)
