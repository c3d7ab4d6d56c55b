"""The dates of a series: which of them can be had, and how that is told."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from clinic.appointments.actor import Actor
from clinic.appointments.claim_facts import read_claim_facts
from clinic.appointments.models import Appointment
from clinic.appointments.services.claiming import place_of, rules_for
from clinic.appointments.slot_assignment import OwnTime, SlotAssignment, SlotRequest, assign_each
from clinic.common.errors import ChairsideError, SeriesConflict
from clinic.common.instants import say_minute, zone_of
from clinic.scheduling.models import Clinic


@dataclass(frozen=True, slots=True)
class PlannedDate:
    """One date of a series. `appointment` is None where the clocks skip the time; `refusal` None where it is free, and
    then `released_hold_ids` end for it."""

    local_date: date
    appointment: Appointment | None
    refusal: ChairsideError | None
    released_hold_ids: tuple[int, ...] = ()


def decide_dates(
    placed: Sequence[Appointment],
    *,
    actor: Actor,
    outside_hours: bool,
    now: datetime,
    allow_overlap: bool = False,
    at_former_time: Collection[int] = (),
) -> list[SlotAssignment | ChairsideError]:
    """For each its assignment, or why it cannot be had. One query for any number of dates.

    With `allow_overlap`, those that overlap another visit of the patient are marked instead. `at_former_time` are the
    ids of those that keep their time: of the patient's time nothing changes.
    """
    if not placed:
        return []
    clinic = placed[0].clinic
    rules = rules_for(actor, clinic, now=now, outside_hours=outside_hours)
    own_ids = [appointment.pk for appointment in placed if appointment.pk is not None]
    requests = [
        SlotRequest(
            place_of(appointment),
            [appointment.practitioner_id],
            now,
            rules=rules,
            # The clinic makes series: it takes what is only kept in case a step is undone.
            takes_undo_holds=True,
            own_time=OwnTime.ALLOWED if allow_overlap or appointment.pk in at_former_time else OwnTime.REFUSED,
            patient_id=appointment.patient_id,
            except_visit_ids=own_ids,
        )
        for appointment in placed
    ]
    decisions = assign_each(requests, read_claim_facts(clinic, requests))
    for appointment, decision in zip(placed, decisions, strict=True):
        if isinstance(decision, SlotAssignment) and decision.overlaps and appointment.pk not in at_former_time:
            appointment.allow_overlap = True
    return decisions


def planned_dates(
    placed: Sequence[Appointment], decisions: Sequence[SlotAssignment | ChairsideError]
) -> list[PlannedDate]:
    return [
        PlannedDate(appointment.local_date, appointment, None, decision.released_hold_ids)
        if isinstance(decision, SlotAssignment)
        else PlannedDate(appointment.local_date, appointment, decision)
        for appointment, decision in zip(placed, decisions, strict=True)
    ]


def tell(plan: PlannedDate, clinic: Clinic, start_local: time) -> dict[str, Any]:
    """How a date is told: when, and if it is refused, why. `start` is None where the clocks skip it."""
    appointment, refusal = plan.appointment, plan.refusal
    start = appointment and say_minute(appointment.starts_at, zone_of(clinic.timezone))
    return {
        "date": plan.local_date.isoformat(),
        "time": start[11:16] if start else f"{start_local:%H:%M}",
        "start": start,
        "appointment": appointment.pk if appointment else None,
        "outcome": "refused" if refusal else "booked" if appointment and appointment.pk else "free",
        "code": refusal.code if refusal else None,
        "reason": refusal.detail if refusal else None,
    }


def conflict_of(refused: Sequence[PlannedDate], clinic: Clinic, start_local: time) -> SeriesConflict:
    return SeriesConflict(extra={"conflicts": [tell(plan, clinic, start_local) for plan in refused]})
