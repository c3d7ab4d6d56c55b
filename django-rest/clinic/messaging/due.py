"""Pure: which reminder of an appointment is due at this moment.

Reminders are not written ahead of their time. Every minute the worker asks of each confirmed appointment which of its
reminders is due *now*, and queues it under a key of its own unless it has been before (`services.reminders`). That is
the simplest thing that cannot go wrong: what was moved, cancelled, or raw SQL changed has no old reminders that someone
would have to find and take back; a series of a year makes no hundred rows; the clinic's lead times and quiet hours, and
the patient's language and wishes, are those of the moment. After an outage the same question has the right answer by
itself: the newest reminder that is due, none that it has overtaken, and none of what has begun.

All is counted in instants: a lead of 24 hours is 24 hours, also in a night that has 23 or 25.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from clinic.outbox.quiet import is_quiet

# A reminder later than this is of no use any more.
LATEST = timedelta(minutes=30)
# A reminder comes no closer than this to another message about the visit.
APART = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Rules:
    """Of the clinic. Quiet hours: the reminder that falls into them is due at their end, if it still makes sense."""

    leads: tuple[timedelta, ...]
    zone: ZoneInfo
    quiet_from: time | None = None
    quiet_until: time | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """Appointments that start after `after` and not after `until` are due their reminder of this lead."""

    lead: timedelta
    after: datetime
    until: datetime

    @property
    def lead_minutes(self) -> int:
        return minutes_of(self.lead)


@dataclass(frozen=True, slots=True)
class Reminder:
    """`expires_at`: when it would come too close to the next one, or it is too late for any."""

    lead: timedelta
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class VisitTimes:
    """Moments of a visit. `agreed_at`: when it was booked, approved or last moved; a lead that had passed by then is
    skipped. `told_at`: of other messages about it, sent or to be sent; no reminder is due within an hour of one."""

    agreed_at: datetime | None = None
    told_at: tuple[datetime, ...] = ()


NO_TIMES = VisitTimes()


def due_windows(rules: Rules, *, now: datetime) -> list[Window]:
    """The same, the other way round: where to look for appointments. They do not overlap."""
    if is_quiet(now, zone=rules.zone, quiet_from=rules.quiet_from, quiet_until=rules.quiet_until):
        return []
    return windows_of(rules.leads, now=now)


def windows_of(leads: Collection[timedelta], *, now: datetime) -> list[Window]:
    """As `due_windows` outside of quiet hours."""
    now = now.astimezone(UTC)  # In a zone of its own Python adds days of the wall's clock.
    leads = sorted(lead for lead in set(leads) if lead > LATEST)
    return [
        Window(lead, after=now + least, until=now + lead)
        for least, lead in zip([LATEST, *_apart_from_next(leads)], leads, strict=False)
    ]


def _apart_from_next(leads: list[timedelta]) -> Iterator[timedelta]:
    """How long before the start each reminder but the last may still be told. Where a clinic wants two that are closer,
    each has half of the time between them."""
    for shorter, lead in pairwise(leads):
        yield shorter + min(APART, (lead - shorter) / 2)


def due_reminder(starts_at: datetime, rules: Rules, *, now: datetime, visit: VisitTimes = NO_TIMES) -> Reminder | None:
    """The one that is due of what starts then, or None. Whether it was queued before is the caller's to know."""
    starts_at, now = starts_at.astimezone(UTC), now.astimezone(UTC)
    if any(abs(now - told_at) < APART for told_at in visit.told_at):
        return None
    for window in due_windows(rules, now=now):
        if window.after < starts_at <= window.until and not _had_passed(window.lead, starts_at, visit.agreed_at):
            return Reminder(window.lead, expires_at=starts_at - (window.after - now))
    return None


def _had_passed(lead: timedelta, starts_at: datetime, agreed_at: datetime | None) -> bool:
    return agreed_at is not None and starts_at - lead < agreed_at


def leads_of(minutes: Collection[int]) -> tuple[timedelta, ...]:
    return tuple(timedelta(minutes=one) for one in minutes)


def minutes_of(lead: timedelta) -> int:
    return int(lead.total_seconds()) // 60
