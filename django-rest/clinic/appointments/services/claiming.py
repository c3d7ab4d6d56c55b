"""Claims of time in three steps: lock and read the facts, decide (`slot_assignment`), write.

Each service locks (`scheduling.services`), asks `read_claim_facts` once, and writes its decision here.
"""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from clinic.appointments.actor import Actor
from clinic.appointments.models import Appointment
from clinic.appointments.slot_assignment import Place, StartRules, place_at
from clinic.common.errors import ChairsideError, NotFound, OwnAppointment, SlotTaken
from clinic.common.instants import zone_of
from clinic.scheduling.models import CellKind, Clinic, Hold, Practitioner, Service
from clinic.scheduling.queries.open_times import policy_of, treatment_of
from clinic.scheduling.services import overlap_in
from clinic.scheduling.slots import Policy, Treatment

R = TypeVar("R")

# The desk books further ahead than patients may, but not into another era by a slip of the pen.
DESK_HORIZON_DAYS = 730
NO_SUCH_PARENT = 1452


def place_in(
    clinic: Clinic, start: datetime, *, service: Service | None = None, treatment: Treatment | None = None
) -> Place:
    """With the length and buffers of the service, unless others are given. By the clinic's zone as it stands."""
    return place_at(start, treatment or treatment_of(clinic, service), zone_of(clinic.timezone))


def rules_for(actor: Actor, clinic: Clinic, *, now: datetime, outside_hours: bool = False) -> StartRules:
    """Patients keep to the slot grid, the notice and the horizon; the clinic to five minutes and its hours, if those
    are not set aside."""
    if actor.is_patient:
        return StartRules(policy_of(clinic), "slot", now)
    policy = policy_of(clinic, notice_applies=False)
    policy = Policy(policy.zone, policy.slot_minutes, max(policy.horizon_days, DESK_HORIZON_DAYS), policy.notice)
    return StartRules(policy, "five_minutes", _this_cell(now), outside_hours)


def _this_cell(now: datetime) -> datetime:
    """A walk-in at 10:07 is booked for 10:05."""
    return now - timedelta(minutes=now.minute % 5, seconds=now.second, microseconds=now.microsecond)


def put_at(appointment: Appointment, place: Place, practitioner: Practitioner, service: Service | None) -> None:
    appointment.practitioner, appointment.service = practitioner, service
    appointment.starts_at, appointment.ends_at = place.starts_at, place.ends_at
    appointment.blocked_from, appointment.blocked_until = place.blocked_from, place.blocked_until
    appointment.local_date, appointment.utc_offset_minutes = place.local_date, place.utc_offset_minutes


def place_of(appointment: Appointment) -> Place:
    return Place(
        appointment.starts_at,
        appointment.ends_at,
        appointment.blocked_from,
        appointment.blocked_until,
        appointment.local_date,
        appointment.utc_offset_minutes or 0,
    )


def write_claim(write: Callable[[], R], *, released_hold_ids: Collection[int] = (), now: datetime | None = None) -> R:
    """End the holds that the claim takes the place of, and write it. Raises SlotTaken, OwnAppointment."""
    release_holds(released_hold_ids, now=now)
    try:
        return write()
    except IntegrityError as error:
        refusal = refusal_by_cells(error)
        if refusal is not None:
            if connection.in_atomic_block:  # The database has undone this statement alone: more can be asked.
                transaction.set_rollback(False)
            raise refusal from error
        if error.args[0] == NO_SUCH_PARENT:  # A guest's record has become part of an account's since we looked.
            raise NotFound("There is no such patient any more.") from error
        raise


def release_holds(hold_ids: Collection[int], *, now: datetime | None) -> None:
    """Those that are still expired, or kept for an undo: one that was renewed meanwhile stays, and its cells refuse the
    claim. Call inside the claim. One statement, none for no holds."""
    if hold_ids:
        Hold.objects.filter(Q(kept_for_undo=True) | Q(expires_at__lte=now), pk__in=sorted(hold_ids)).delete()


def refusal_by_cells(error: IntegrityError) -> ChairsideError | None:
    """Name the claim that the database refused: written around the lock, or the patient's, made in this moment. None
    for other errors."""
    match overlap_in(error):
        case CellKind.PRACTITIONER:
            return SlotTaken(attr="start")
        case CellKind.PATIENT:
            return OwnAppointment(attr="start")
    return None
