"""The dates of a series: which of them can be had, and how that is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from clinic.appointments.actor import Actor
from clinic.appointments.models import Appointment
from clinic.appointments.services.placing import check_rules
from clinic.common.errors import ChairsideError, SeriesConflict, SlotTaken
from clinic.common.instants import say_minute, zone_of
from clinic.scheduling.models import Clinic
from clinic.scheduling.queries import Hours, claimed_among, hours_of
from clinic.scheduling.slots import Interval


@dataclass(frozen=True, slots=True)
class PlannedDate:
    """One date of a series. `appointment` is None where the clocks skip the time; `refusal` None where it is free."""

    local_date: date
    appointment: Appointment | None
    refusal: ChairsideError | None


def refusals_of(
    placed: Sequence[Appointment], *, actor: Actor, outside_hours: bool, now: datetime
) -> list[ChairsideError | None]:
    """Why each cannot be had, None where it can. The same few queries for any number of dates."""
    if not placed:
        return []
    dates = [appointment.local_date for appointment in placed]
    practitioner_ids = sorted({appointment.practitioner_id for appointment in placed})
    hours = hours_of(placed[0].clinic, practitioner_ids, min(dates), max(dates))
    taken = _taken(placed, now=now)

    def refusal_of(index: int, appointment: Appointment) -> ChairsideError | None:
        its_hours: Hours = hours[appointment.practitioner_id]
        try:
            check_rules(appointment, actor=actor, outside_hours=outside_hours, now=now, hours=its_hours)
        except ChairsideError as error:
            return error
        return SlotTaken() if taken[index] else None

    return [refusal_of(index, appointment) for index, appointment in enumerate(placed)]


def _taken(placed: Sequence[Appointment], *, now: datetime) -> list[bool]:
    """By somebody else, or by an earlier one of them."""
    own_ids = [appointment.pk for appointment in placed if appointment.pk is not None]
    taken = [False] * len(placed)
    for practitioner_id in {appointment.practitioner_id for appointment in placed}:
        indices = [index for index, one in enumerate(placed) if one.practitioner_id == practitioner_id]
        wanted = [Interval(placed[index].blocked_from, placed[index].blocked_until) for index in indices]
        claimed = claimed_among(practitioner_id, wanted, now=now, except_appointment_ids=own_ids)
        for position, index in enumerate(indices):
            taken[index] = claimed[position] or any(wanted[position].overlaps(one) for one in wanted[:position])
    return taken


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
