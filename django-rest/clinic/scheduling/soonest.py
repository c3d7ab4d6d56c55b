"""The next open times of all who offer a service."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from clinic.common.instants import local_date_of, zone_of
from clinic.scheduling.models import Clinic, Practitioner, Service
from clinic.scheduling.queries.open_times import open_slots_of, open_times_of, treatment_lasting
from clinic.scheduling.queries.practitioners import practitioners_offering
from clinic.scheduling.slots import Slot

NOON = time(12)
FIRST_DAYS = 7


class HalfOfDay(StrEnum):
    MORNING = "morning"
    AFTERNOON = "afternoon"


@dataclass(frozen=True, slots=True)
class SoonestWish:
    """Days are the clinic's, both included; None: today, and as far ahead as patients book. `minutes`: its own."""

    service: Service | None
    practitioner_id: int | None = None
    half: HalfOfDay | None = None
    first_date: date | None = None
    last_date: date | None = None
    count: int = 3
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class OpenTime:
    slot: Slot
    practitioners: list[Practitioner]


def soonest_times(clinic: Clinic, wish: SoonestWish, *, now: datetime, for_clinic: bool) -> list[OpenTime]:
    """The first `count` times, in order. Looks at a week, then at twice as many days each time until it has found them:
    five queries a round, at most five rounds for a horizon of 200 days."""
    zone = zone_of(clinic.timezone)
    practitioners = {
        practitioner.pk: practitioner
        for practitioner in practitioners_offering(clinic, wish.service)
        if wish.practitioner_id in (None, practitioner.pk)
    }
    found: list[OpenTime] = []
    for first_date, last_date in _windows(clinic, wish, today=local_date_of(now, zone)):
        slots = open_slots_of(
            clinic,
            practitioners.values(),
            treatment=treatment_lasting(clinic, wish.service, wish.minutes),
            first_date=first_date,
            last_date=last_date,
            now=now,
            for_clinic=for_clinic,
        )
        for slot, ids in open_times_of(slots).items():
            is_morning = slot.start.astimezone(zone).time() < NOON
            if wish.half is None or is_morning == (wish.half is HalfOfDay.MORNING):
                found.append(OpenTime(slot, [practitioners[practitioner_id] for practitioner_id in ids]))
            if len(found) == wish.count:
                return found
    return found


def _windows(clinic: Clinic, wish: SoonestWish, *, today: date) -> Iterator[tuple[date, date]]:
    furthest = today + timedelta(days=clinic.horizon_days)
    first = max(wish.first_date or today, today)
    last = min(wish.last_date or furthest, furthest)
    days = FIRST_DAYS
    while first <= last:
        until = min(first + timedelta(days=days - 1), last)
        yield first, until
        first, days = until + timedelta(days=1), days * 2
