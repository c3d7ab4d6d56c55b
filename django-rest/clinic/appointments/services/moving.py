"""Moves and other edits of a booked visit: lock and read the facts, decide, write (`services.claiming`)."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from clinic.accounts.contacts import check_is_verified
from clinic.appointments.actor import Actor, PatientActor, UserActor
from clinic.appointments.claim_facts import read_claim_facts
from clinic.appointments.lifecycle import ASK_MOVE, MOVE, Party, Status
from clinic.appointments.models import Appointment
from clinic.appointments.queries import get_appointment_for, get_guest_booking
from clinic.appointments.services.claiming import place_in, place_of, put_at, rules_for, write_claim
from clinic.appointments.services.eligibility import check_may_book_for, service_kept, service_of
from clinic.appointments.services.history import record
from clinic.appointments.services.own_time import check_may_allow_overlap, claims_patient_anew, is_desk
from clinic.appointments.services.patient_moves import check_moves_are_left, check_moves_are_offered
from clinic.appointments.services.refusals import explained, nearest_slots
from clinic.appointments.slot_assignment import OwnTime, SlotAssignment, SlotRequest, assign_slot, booked_treatment
from clinic.common.errors import InvalidRequest, NotFound, PermissionDenied, StaleVersion, TransitionNotAllowed
from clinic.common.instants import zone_of
from clinic.common.transactions import in_one_transaction
from clinic.common.versions import ANY_VERSION, Expected
from clinic.outbox.wording import say_when
from clinic.scheduling.models import PatientMoves, Practitioner, Service, clock_of
from clinic.scheduling.services import lock_for_change
from clinic.scheduling.slots import Treatment


@dataclass(frozen=True, slots=True)
class Edit:
    """Changes of an appointment; None stays. Times, practitioner and service move it. Overlaps are allowed for a time:
    at another time they have to be allowed again. Another length goes with the same service."""

    start: datetime | None = None
    practitioner_id: int | None = None
    service_id: int | None = None
    notes: str | None = None
    outside_hours: bool = False
    allow_overlap: bool | None = None
    duration_minutes: int | None = None

    @property
    def moves(self) -> bool:
        wanted = (self.start, self.practitioner_id, self.service_id, self.duration_minutes)
        return any(value is not None for value in wanted)

    @property
    def is_empty(self) -> bool:
        return not self.moves and self.notes is None and self.allow_overlap is None

    def beyond(self, seen: Appointment) -> "Edit":
        """Without what the appointment is already: to send all of it back with another note moves nothing."""
        stays = (
            self.start in (None, seen.starts_at)
            and self.practitioner_id in (None, seen.practitioner_id)
            and self.service_id in (None, seen.service_id)
            and self.duration_minutes in (None, booked_treatment(seen).minutes)
        )
        edit = self
        if stays:
            edit = replace(self, start=None, practitioner_id=None, service_id=None, duration_minutes=None)
        if stays and edit.allow_overlap == seen.allow_overlap:
            edit = replace(edit, allow_overlap=None)
        return replace(edit, notes=None) if edit.notes == seen.notes else edit


def check_patient_stays(appointment: Appointment, patient_id: int | None) -> None:
    if patient_id not in (None, appointment.patient_id):
        raise InvalidRequest("An appointment stays its patient's: cancel it and book for the other.", attr="patient")


def edit_appointment(
    *, actor: UserActor, appointment_id: int, edit: Edit, now: datetime, expected: Expected = ANY_VERSION
) -> Appointment:
    """Change notes, or move to another time, practitioner or service. What changes nothing writes nothing.

    Raises what `book_appointment` raises, and StaleVersion, TransitionNotAllowed (only what is pending or confirmed
    moves)."""
    find = partial(get_appointment_for, actor.user, appointment_id)
    return _edit(find, actor=actor, edit=edit, now=now, expected=expected)


def move_by_reference(
    *,
    reference: str,
    start: datetime,
    practitioner_id: int | None = None,
    now: datetime,
    expected: Expected = ANY_VERSION,
) -> Appointment:
    """As a patient moves their visit, by whoever has its reference. With the clinic's `patient_moves` of `request` it
    keeps its time, and the desk is asked. Raises what `edit_appointment` raises."""
    edit = Edit(start=start, practitioner_id=practitioner_id)
    find = partial(get_guest_booking, reference)
    return _edit(find, actor=None, edit=edit, now=now, expected=expected)


@in_one_transaction
def _edit(
    find: Callable[..., Appointment],
    *,
    actor: UserActor | PatientActor | None,
    edit: Edit,
    now: datetime,
    expected: Expected,
) -> Appointment:
    """Without an actor: whoever has the reference by which it is found."""
    seen = find()
    with explained(actor, partial(_nearest, find, edit, now=now)):
        asked = _as_allowed(edit, seen, actor or PatientActor(seen.patient))
        locked = _lock_for_move(seen, asked) if asked.beyond(seen).moves else {}
        appointment = find(lock=True)
        appointment.clinic = seen.clinic
        # The desk may have linked a guest's record to another one since we looked.
        actor = actor or PatientActor(appointment.patient)
        edit = asked.beyond(appointment)
        if edit.moves and not locked:
            raise StaleVersion("Someone moved this appointment in the meantime.")
        if actor.party_to(appointment) is Party.PATIENT:
            _check_patient_may(actor, appointment, edit, now=now)
        expected.check(appointment.version)
        if edit.is_empty:
            return appointment
        if actor.is_patient and seen.clinic.patient_moves == PatientMoves.REQUEST:
            return _ask_for_move(appointment, locked, edit, actor=actor, now=now)
        return _change(appointment, locked, edit, actor=actor, now=now)


def _nearest(find: Callable[[], Appointment], edit: Edit, *, now: datetime) -> list[dict[str, Any]]:
    seen = find()
    return nearest_slots(
        seen.clinic,
        practitioner_id=edit.practitioner_id or seen.practitioner_id,
        service_id=edit.service_id or seen.service_id,
        start=edit.start or seen.starts_at,
        now=now,
        treatment=booked_treatment(seen) if edit.service_id in (None, seen.service_id) else None,
    )


def _change(
    appointment: Appointment, locked: dict[int, Practitioner], edit: Edit, *, actor: Actor, now: datetime
) -> Appointment:
    before = copy.copy(appointment)
    if edit.notes is not None:
        appointment.notes = edit.notes
    if edit.moves:
        _put_at_new_place(appointment, locked, edit, actor=actor)
        appointment.requested_start = None
    _allow_overlap(appointment, before, edit)
    assignment = _decide(appointment, before, edit, actor=actor, now=now)
    appointment.version += 1
    appointment.updated_at = now
    released = () if assignment is None else assignment.released_hold_ids
    write_claim(appointment.save, released_hold_ids=released, now=now)
    record(appointment, MOVE if edit.moves else "edit", actor=actor, now=now, before=before, after=appointment)
    return appointment


def _decide(
    appointment: Appointment, before: Appointment, edit: Edit, *, actor: Actor, now: datetime
) -> SlotAssignment | None:
    """None where it claims nothing anew. Raises a BookingRuleError, SlotTaken, OwnAppointment."""
    own_time = OwnTime.REFUSED if claims_patient_anew(before, appointment) else OwnTime.ALLOWED
    if not edit.moves and own_time is OwnTime.ALLOWED:
        return None
    request = SlotRequest(
        place_of(appointment),
        [appointment.practitioner_id],
        now,
        rules=rules_for(actor, appointment.clinic, now=now, outside_hours=edit.outside_hours) if edit.moves else None,
        takes_undo_holds=actor.is_clinic,
        own_time=own_time,
        patient_id=appointment.patient_id,
        except_visit_ids=[appointment.pk],
    )
    return assign_slot(request, read_claim_facts(appointment.clinic, [request]))


def _ask_for_move(
    appointment: Appointment, locked: dict[int, Practitioner], edit: Edit, *, actor: Actor, now: datetime
) -> Appointment:
    """The appointment keeps its time; the desk is told the one that is asked for, which must be open now."""
    before, wanted = copy.copy(appointment), copy.copy(appointment)
    _put_at_new_place(wanted, locked, edit, actor=actor)
    wanted.allow_overlap = True  # The desk looks at other visits of the patient when it moves this one.
    _decide(wanted, before, edit, actor=actor, now=now)
    zone = zone_of(appointment.clinic.timezone)
    start = say_when(wanted.starts_at, zone, appointment.clinic.language, **clock_of(appointment.clinic))
    appointment.version += 1
    appointment.updated_at = now
    appointment.requested_start = wanted.starts_at
    appointment.save(update_fields=["requested_start", "version", "updated_at"])
    asked = f"{start}, {wanted.practitioner.name}"
    record(appointment, ASK_MOVE, actor=actor, now=now, before=before, after=appointment, reason=asked)
    return appointment


def _as_allowed(edit: Edit, seen: Appointment, actor: Actor) -> Edit:
    """Only the desk decides about overlaps. Others may send back what is shown. Raises PermissionDenied."""
    if is_desk(actor):
        return edit
    if edit.allow_overlap and not seen.allow_overlap:
        check_may_allow_overlap(actor)
    return replace(edit, allow_overlap=None)


def _allow_overlap(appointment: Appointment, before: Appointment, edit: Edit) -> None:
    has_new_time = (appointment.starts_at, appointment.ends_at) != (before.starts_at, before.ends_at)
    if has_new_time or edit.allow_overlap is not None:
        appointment.allow_overlap = bool(edit.allow_overlap)


def _check_patient_may(actor: Actor, appointment: Appointment, edit: Edit, *, now: datetime) -> None:
    """Raises PermissionDenied, MovesNotOffered, TooLateToCancel, TooManyMoves."""
    if isinstance(actor, UserActor):
        check_is_verified(actor.user)
    if edit.notes is not None or edit.outside_hours or edit.duration_minutes is not None:
        raise PermissionDenied("A patient changes when and with whom.")
    if not edit.is_empty:
        check_moves_are_offered(appointment, now=now)
        check_moves_are_left(appointment)


def _lock_for_move(seen: Appointment, edit: Edit) -> dict[int, Practitioner]:
    """Practitioners before the appointment: every claim takes its locks in this order."""
    target_id = edit.practitioner_id or seen.practitioner_id
    locked = lock_for_change(seen.clinic, {target_id, seen.practitioner_id}).practitioners
    if not locked[target_id].active:
        raise NotFound("There is no such practitioner.")
    return locked


def _put_at_new_place(appointment: Appointment, locked: dict[int, Practitioner], edit: Edit, *, actor: Actor) -> None:
    """Raises StaleVersion, TransitionNotAllowed, PermissionDenied, InvalidRequest."""
    if appointment.practitioner_id not in locked:
        # Moved between our look and our lock: the time that this move frees is not locked.
        raise StaleVersion("Someone moved this appointment in the meantime.")
    if appointment.status not in (Status.PENDING, Status.CONFIRMED):
        raise TransitionNotAllowed(f"A {appointment.get_status_display()} appointment cannot be moved.")
    practitioner = locked[edit.practitioner_id or appointment.practitioner_id]
    check_may_book_for(actor, practitioner)
    service, treatment = _service_and_treatment(appointment, practitioner, edit)
    place = place_in(appointment.clinic, edit.start or appointment.starts_at, service=service, treatment=treatment)
    appointment.attendance_confirmed_at = None
    if appointment.local_date != place.local_date:
        appointment.arrived_at = appointment.called_at = None
    put_at(appointment, place, practitioner, service)


def _service_and_treatment(
    appointment: Appointment, practitioner: Practitioner, edit: Edit
) -> tuple[Service | None, Treatment | None]:
    """The same service keeps its length and buffers, unless another length is given."""
    if edit.service_id not in (None, appointment.service_id):
        return service_of(appointment.clinic, practitioner, edit.service_id), None
    treatment = booked_treatment(appointment)
    if edit.duration_minutes is not None:
        treatment = replace(treatment, minutes=edit.duration_minutes)
    return service_kept(appointment, practitioner), treatment
