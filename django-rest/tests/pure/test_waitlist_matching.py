"""Which start of a freed time suits somebody who waits. Petra works from eight to six; nine to ten became free."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from clinic.scheduling.slots import Policy, Treatment, blocked_interval
from clinic.scheduling.working_hours import Block, Interval
from clinic.waitlist.matching import Freed, PartOfDay, PractitionerDay, Wish, best_start, part_of_day
from hypothesis import given
from hypothesis import strategies as st

ZONE = ZoneInfo("Europe/Berlin")
DAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(hour: int, minute: int = 0) -> datetime:
    return datetime.combine(DAY, time(hour, minute), ZONE).astimezone(UTC)


def between(start: datetime, end: datetime) -> Interval:
    return Interval(start, end)


FREED = Freed(between(at(9), at(10)), at(9), DAY)
FULL = [between(at(8), at(9)), between(at(10), at(18))]
PETRAS_DAY = PractitionerDay(
    policy=Policy(ZONE, slot_minutes=30, horizon_days=90, notice=timedelta(hours=1)),
    blocks=[Block(DAY.weekday(), time(8), time(18))],
    exceptions=[],
    busy=FULL,
)
HALF_AN_HOUR = Wish(Treatment(30), PartOfDay.ANY)


def test_the_start_that_became_free_is_the_first_choice() -> None:
    assert best_start(HALF_AN_HOUR, FREED, PETRAS_DAY, now=NOW) == at(9)


def test_when_that_is_given_away_the_rest_is_offered() -> None:
    rest = replace(PETRAS_DAY, busy=[*FULL, between(at(9), at(9, 30))])
    assert best_start(HALF_AN_HOUR, FREED, rest, now=NOW) == at(9, 30)


def test_a_start_off_the_slot_grid_is_kept() -> None:
    freed = Freed(between(at(9, 5), at(9, 35)), at(9, 5), DAY)
    day = replace(PETRAS_DAY, busy=[between(at(8), at(9, 5)), between(at(9, 35), at(18))])
    assert best_start(HALF_AN_HOUR, freed, day, now=NOW) == at(9, 5)


@pytest.mark.parametrize("minutes", [61, 65, 120])
def test_visit_longer_than_the_gap_does_not_fit(minutes: int) -> None:
    assert best_start(Wish(Treatment(minutes), PartOfDay.ANY), FREED, PETRAS_DAY, now=NOW) is None


def test_buffers_count() -> None:
    assert best_start(Wish(Treatment(60), PartOfDay.ANY), FREED, PETRAS_DAY, now=NOW) == at(9)
    assert best_start(Wish(Treatment(60, 0, 5), PartOfDay.ANY), FREED, PETRAS_DAY, now=NOW) is None


def test_it_may_reach_into_time_that_was_free_before_but_not_lie_in_it_alone() -> None:
    day = replace(PETRAS_DAY, busy=[between(at(8), at(9)), between(at(11), at(18))])
    assert best_start(Wish(Treatment(120), PartOfDay.ANY), FREED, day, now=NOW) == at(9)
    taken = replace(day, busy=[*day.busy, between(at(9), at(10))])
    assert best_start(HALF_AN_HOUR, FREED, taken, now=NOW) is None


def test_the_notice_is_kept() -> None:
    assert best_start(HALF_AN_HOUR, FREED, PETRAS_DAY, now=at(8)) == at(9)
    assert best_start(HALF_AN_HOUR, FREED, PETRAS_DAY, now=at(8, 1)) == at(9, 30)
    assert best_start(HALF_AN_HOUR, FREED, PETRAS_DAY, now=at(8, 31)) is None


def test_person_is_never_in_two_places() -> None:
    wish = replace(HALF_AN_HOUR, elsewhere=[between(at(8, 45), at(9, 15))])
    assert best_start(wish, FREED, PETRAS_DAY, now=NOW) == at(9, 30)
    wish = replace(HALF_AN_HOUR, elsewhere=[between(at(8, 45), at(9, 45))])
    assert best_start(wish, FREED, PETRAS_DAY, now=NOW) is None


def test_a_day_off_offers_nothing() -> None:
    assert best_start(HALF_AN_HOUR, FREED, replace(PETRAS_DAY, blocks=[]), now=NOW) is None


@pytest.mark.parametrize(
    ("part", "found"),
    [
        (PartOfDay.ANY, True),
        (PartOfDay.MORNING, True),
        (PartOfDay.AFTERNOON, False),
        (PartOfDay.EVENING, False),
    ],
)
def test_the_part_of_the_day_is_kept(part: PartOfDay, found: bool) -> None:
    assert (best_start(Wish(Treatment(30), part), FREED, PETRAS_DAY, now=NOW) is not None) == found


@pytest.mark.parametrize(
    ("wall", "part"),
    [
        (time(0), PartOfDay.MORNING),
        (time(11, 55), PartOfDay.MORNING),
        (time(12), PartOfDay.AFTERNOON),
        (time(16, 55), PartOfDay.AFTERNOON),
        (time(17), PartOfDay.EVENING),
        (time(23, 55), PartOfDay.EVENING),
    ],
)
def test_the_parts_of_a_day(wall: time, part: PartOfDay) -> None:
    assert part_of_day(wall) is part


cells = st.integers(8 * 12, 18 * 12).map(lambda cell: at(0) + timedelta(minutes=5 * cell))


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    start = draw(cells)
    return Interval(start, start + timedelta(minutes=5 * draw(st.integers(1, 24))))


@given(
    st.integers(1, 24),
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from(list(PartOfDay)),
    intervals(),
    st.lists(intervals(), max_size=6),
    st.lists(intervals(), max_size=3),
    st.integers(0, 600),
)
def test_unsuitable_time_is_not_offered(
    length: int,
    before: int,
    after: int,
    part: PartOfDay,
    freed: Interval,
    busy: list[Interval],
    elsewhere: list[Interval],
    minutes: int,
) -> None:
    treatment = Treatment(length * 5, before * 5, after * 5)
    day, now = replace(PETRAS_DAY, busy=busy), at(7) + timedelta(minutes=minutes)
    start = best_start(Wish(treatment, part, elsewhere), Freed(freed, freed.start, DAY), day, now=now)
    if start is None:
        return
    blocked = blocked_interval(start, treatment)
    end = start + timedelta(minutes=treatment.minutes)
    assert blocked.overlaps(freed)
    assert not any(blocked.overlaps(other) for other in busy)
    assert not any(Interval(start, end).overlaps(other) for other in elsewhere)
    assert start >= now + day.policy.notice
    assert at(8) <= start < end <= at(18)
    assert part in (PartOfDay.ANY, part_of_day(start.astimezone(ZONE).time()))
