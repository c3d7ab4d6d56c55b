"""Free working time of one day, and how many who wait could take it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from clinic.accounts.models import User
from clinic.common.errors import NotFound
from clinic.common.instants import end_of_day, start_of_day, zone_of
from clinic.scheduling.models import Clinic, Practitioner, ServicePractitioner
from clinic.scheduling.queries.claims import busy_intervals
from clinic.scheduling.queries.hours import hours_of
from clinic.scheduling.queries.open_times import policy_of, treatment_of
from clinic.scheduling.queries.practitioners import practitioners_of
from clinic.scheduling.slots import CELL
from clinic.scheduling.working_hours import Interval, working_intervals
from clinic.waitlist.matching import Freed, PartOfDay, PractitionerDay, Wish, best_start
from clinic.waitlist.models import EntryState, WaitlistEntry


@dataclass(frozen=True, slots=True)
class Gap:
    """`waiting`: entries that this time suits, by their wishes alone."""

    practitioner: Practitioner
    interval: Interval
    waiting: int

    @property
    def minutes(self) -> int:
        return (self.interval.end - self.interval.start) // timedelta(minutes=1)


def gaps_of(user: User, day: date, *, now: datetime) -> list[Gap]:
    """Free time of a slot's length or more that is still ahead, in order of its start. Seven queries for any number of
    practitioners."""
    clinic = user.clinic
    if clinic is None:
        raise NotFound("There is no such clinic.")
    zone, practitioners = zone_of(clinic.timezone), list(practitioners_of(clinic))
    ids = [practitioner.pk for practitioner in practitioners]
    hours = hours_of(clinic, ids, day, day)
    window = Interval(start_of_day(day, zone) - timedelta(days=1), end_of_day(day, zone) + timedelta(days=1))
    busy = busy_intervals(ids, window, now=now)
    entries = _waiting(clinic, day)
    offering = _offering(entries)
    found: list[Gap] = []
    for practitioner in practitioners:
        of_one = hours[practitioner.pk]
        own = busy.get(practitioner.pk, [])
        working = working_intervals(day, zone=zone, blocks=of_one.blocks, exceptions=of_one.exceptions)
        suited = [entry for entry in entries if _asks_for(entry, practitioner, offering)]
        shown_day = PractitionerDay(policy_of(clinic), of_one.blocks, of_one.exceptions, own)
        for free in _free(_joined(working), own, after=_next_cell(now)):
            if free.end - free.start >= timedelta(minutes=clinic.slot_minutes):
                waiting = sum(_suits(entry, clinic, free, day, shown_day, now=now) for entry in suited)
                found.append(Gap(practitioner, free, waiting))
    return sorted(found, key=lambda gap: (gap.interval.start, gap.practitioner.name, gap.practitioner.pk))


def _waiting(clinic: Clinic, day: date) -> list[WaitlistEntry]:
    entries = WaitlistEntry.objects.filter(
        clinic_id=clinic.pk, state=EntryState.WAITING, first_date__lte=day, last_date__gte=day
    )
    return list(entries.select_related("service"))


def _offering(entries: Sequence[WaitlistEntry]) -> set[tuple[int, int]]:
    services = {entry.service_id for entry in entries if entry.service_id is not None}
    links = ServicePractitioner.objects.filter(service_id__in=services, service__active=True)
    return set(links.values_list("service_id", "practitioner_id"))


def _asks_for(entry: WaitlistEntry, practitioner: Practitioner, offering: set[tuple[int, int]]) -> bool:
    if entry.practitioner_id not in (None, practitioner.pk):
        return False
    return entry.service_id is None or (entry.service_id, practitioner.pk) in offering


def _suits(
    entry: WaitlistEntry, clinic: Clinic, free: Interval, day: date, of_day: PractitionerDay, *, now: datetime
) -> bool:
    wish = Wish(treatment_of(clinic, entry.service), PartOfDay(entry.part_of_day))
    return best_start(wish, Freed(free, free.start, day), of_day, now=now) is not None


def _next_cell(now: datetime) -> datetime:
    since = now - datetime(1970, 1, 1, tzinfo=now.tzinfo)
    return now + (-since % CELL)


def _joined(working: Sequence[Interval]) -> list[Interval]:
    joined: list[Interval] = []
    for one in working:
        if joined and one.start <= joined[-1].end:
            joined[-1] = Interval(joined[-1].start, max(joined[-1].end, one.end))
        else:
            joined.append(one)
    return joined


def _free(working: Sequence[Interval], busy: Sequence[Interval], *, after: datetime) -> list[Interval]:
    free: list[Interval] = []
    for one in working:
        start = max(one.start, after)
        for taken in sorted(busy, key=lambda interval: interval.start):
            if start < taken.start and taken.start < one.end:
                free.append(Interval(start, taken.start))
            start = max(start, taken.end)
        if start < one.end:
            free.append(Interval(start, one.end))
    return [one for one in free if one.start < one.end]
