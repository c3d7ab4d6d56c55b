"""Days of the demo clinic, filled with visits."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from clinic.demo.planned import (
    DAY,
    SATURDAY,
    SLOT_MINUTES,
    PlannedPractitioner,
    PlannedService,
)
from clinic.demo.staff import SERVICES
from clinic.scheduling.slots import Policy, Slot, blocked_interval, open_slots
from clinic.scheduling.working_hours import Interval

APPOINTMENTS = 600
PAST_APPOINTMENTS = 420
PAST_DAYS = 181
FUTURE_DAYS = 29
TODAY_ON_A_WEEKDAY = 44
TODAY_ON_A_WEEKEND = 18
AT_LEAST_ON_EACH_SIDE_OF_NOW = 6
AT_LEAST_UNDER_WAY = 3


@dataclass(frozen=True, slots=True)
class DiaryVisit:
    practitioner: int
    service: int
    slot: Slot


@dataclass
class Diary:
    """Fills days with visits that a patient could have found as open slots."""

    rng: Random
    now: datetime
    zone: ZoneInfo
    practitioners: list[PlannedPractitioner]
    services: list[PlannedService]
    visits: list[DiaryVisit] = field(default_factory=list)
    taken: defaultdict[tuple[int, date], list[Interval]] = field(default_factory=lambda: defaultdict(list))
    bookings: Counter[int] = field(default_factory=Counter)

    def fill(self) -> list[DiaryVisit]:
        today = self.now.astimezone(self.zone).date()
        self._fill_today(today)
        started = sum(visit.slot.start <= self.now for visit in self.visits)
        past = [today - number * DAY for number in range(1, PAST_DAYS + 1)]
        future = [today + number * DAY for number in range(1, FUTURE_DAYS + 1)]
        # A clinic that grows: more in the last months than in the first, more tomorrow than in four weeks.
        growing = [_pull(day) * (1.5 - number / PAST_DAYS) for number, day in enumerate(past)]
        self._fill_days(past, growing, PAST_APPOINTMENTS - started)
        fading = [_pull(day) * math.exp(-number / FUTURE_DAYS) for number, day in enumerate(future)]
        self._fill_days(future, fading, APPOINTMENTS - len(self.visits))
        return self.visits

    def _fill_today(self, today: date) -> None:
        for _ in range(AT_LEAST_UNDER_WAY):
            self._add(today, self._is_under_way)
        for is_due in (self._has_started, self._is_ahead):
            for _ in range(AT_LEAST_ON_EACH_SIDE_OF_NOW):
                self._add(today, is_due)
        wanted = TODAY_ON_A_WEEKDAY if today.weekday() < SATURDAY else TODAY_ON_A_WEEKEND
        while len(self.visits) < wanted and self._add(today):
            pass

    def _fill_days(self, days: Sequence[date], weights: Sequence[float], count: int) -> None:
        target = len(self.visits) + count
        while len(self.visits) < target:
            self._add(self.rng.choices(days, weights)[0])

    def _add(self, day: date, is_due: Callable[[Slot], bool] = lambda _: True) -> bool:
        """One more visit on the day, by somebody who works then and has had few. False when there is no room."""
        for practitioner in self._by_bookings():
            offered = [place for place, service in enumerate(self.services) if practitioner in service.practitioners]
            service = self.rng.choices(offered, [SERVICES[place][5] for place in offered])[0]
            slots = [slot for slot in self._open(day, practitioner, service) if is_due(slot)]
            if slots:
                self._take(day, DiaryVisit(practitioner, service, self.rng.choice(slots)))
                return True
        return False

    def _by_bookings(self) -> list[int]:
        shuffled = self.rng.sample(range(len(self.practitioners)), len(self.practitioners))
        return sorted(shuffled, key=lambda place: self.bookings[place] + self.rng.randint(0, 20))

    def _open(self, day: date, practitioner: int, service: int) -> list[Slot]:
        return open_slots(
            first_date=day,
            last_date=day,
            policy=Policy(self.zone, SLOT_MINUTES, horizon_days=2, notice=timedelta()),
            treatment=self.services[service].treatment,
            blocks=self.practitioners[practitioner].blocks,
            exceptions=[],
            busy=self.taken[practitioner, day],
            now=datetime.combine(day, time.min, self.zone) - DAY,
        )

    def _take(self, day: date, visit: DiaryVisit) -> None:
        treatment = self.services[visit.service].treatment
        self.taken[visit.practitioner, day].append(blocked_interval(visit.slot.start, treatment))
        self.bookings[visit.practitioner] += 1
        self.visits.append(visit)

    def _is_under_way(self, slot: Slot) -> bool:
        return slot.start <= self.now < slot.end

    def _has_started(self, slot: Slot) -> bool:
        return slot.start <= self.now

    def _is_ahead(self, slot: Slot) -> bool:
        return slot.start > self.now


def _pull(day: date) -> float:
    return {SATURDAY: 0.25, SATURDAY + 1: 0.0}.get(day.weekday(), 1.0)
