"""Which start of the freed time suits a wish. Nothing here knows of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum

from clinic.common.errors import BookingRuleError
from clinic.scheduling.slots import Policy, Slot, Treatment, blocked_interval, check_start, open_slots
from clinic.scheduling.working_hours import Block, DayException, Interval

NOON = time(12)
EVENING_BEGINS = time(17)


class PartOfDay(StrEnum):
    """By the clinic's time of the start: until noon, until five, from five on."""

    ANY = "any"
    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"


def part_of_day(at_local: time) -> PartOfDay:
    if at_local < NOON:
        return PartOfDay.MORNING
    return PartOfDay.AFTERNOON if at_local < EVENING_BEGINS else PartOfDay.EVENING


@dataclass(frozen=True, slots=True)
class Wish:
    """`elsewhere`: when the patient has something else."""

    treatment: Treatment
    part: PartOfDay
    elsewhere: Sequence[Interval] = ()


@dataclass(frozen=True, slots=True)
class Freed:
    """Time that became free, buffers included; `start` is when the treatment began that had it."""

    interval: Interval
    start: datetime
    local_date: date


@dataclass(frozen=True, slots=True)
class PractitionerDay:
    """The practitioner's day for the slot engine. `busy` is blocked time as it is now."""

    policy: Policy
    blocks: Sequence[Block]
    exceptions: Sequence[DayException]
    busy: Sequence[Interval]


def best_start(wish: Wish, freed: Freed, day: PractitionerDay, *, now: datetime) -> datetime | None:
    """The start nearest to the one that became free, or None where the wish cannot be met with this time.

    The treatment may reach into time that was free before, but not lie in it alone. A start is one of the slots that
    patients could choose, notice included, or exactly the one that became free.
    """
    starts = [slot.start for slot in _slots(wish, freed, day, now=now)]
    if freed.start not in starts and _may_begin(freed.start, wish, day, now=now):
        starts.append(freed.start)
    suitable = [start for start in starts if _suits(start, wish, freed, day)]
    return min(suitable, key=lambda start: (abs(start - freed.start), start), default=None)


def _slots(wish: Wish, freed: Freed, day: PractitionerDay, *, now: datetime) -> list[Slot]:
    return open_slots(
        first_date=freed.local_date,
        last_date=freed.local_date,
        policy=day.policy,
        treatment=wish.treatment,
        blocks=day.blocks,
        exceptions=day.exceptions,
        busy=day.busy,
        now=now,
    )


def _may_begin(start: datetime, wish: Wish, day: PractitionerDay, *, now: datetime) -> bool:
    """The desk had booked it perhaps off the slot grid."""
    try:
        check_start(
            start,
            policy=day.policy,
            treatment=wish.treatment,
            blocks=day.blocks,
            exceptions=day.exceptions,
            now=now,
            grid="five_minutes",
        )
    except BookingRuleError:
        return False
    blocked = blocked_interval(start, wish.treatment)
    return not any(blocked.overlaps(busy) for busy in day.busy)


def _suits(start: datetime, wish: Wish, freed: Freed, day: PractitionerDay) -> bool:
    local = start.astimezone(day.policy.zone)
    blocked = blocked_interval(start, wish.treatment)
    treated = blocked_interval(start, Treatment(wish.treatment.minutes))
    return (
        wish.part in (PartOfDay.ANY, part_of_day(local.time()))
        and blocked.overlaps(freed.interval)
        and not any(treated.overlaps(other) for other in wish.elsewhere)
    )
