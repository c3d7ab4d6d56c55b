"""Pure: the fair order of practitioners for a booking that names none."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

# Booked time counts this many days before and after the day of the booking.
SURROUNDING_DAYS = 7
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Workload:
    """`booked`: time of visits in the surrounding days. `last_assigned_at`: when the newest of all their visits was
    booked."""

    practitioner_id: int
    booked: timedelta = timedelta()
    last_assigned_at: datetime | None = None


def surrounding_days(day: date) -> tuple[date, date]:
    """Both included."""
    first = date.fromordinal(max(day.toordinal() - SURROUNDING_DAYS, date.min.toordinal()))
    return first, date.fromordinal(min(day.toordinal() + SURROUNDING_DAYS, date.max.toordinal()))


def in_fair_order(workloads: Iterable[Workload]) -> list[int]:
    """The least booked first; of equally booked ones, the least recently assigned; at last the lower id."""
    ordered = sorted(workloads, key=lambda one: (one.booked, one.last_assigned_at or NEVER, one.practitioner_id))
    return [workload.practitioner_id for workload in ordered]
