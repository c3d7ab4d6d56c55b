"""The fair order of practitioners for a booking that names none."""

from datetime import UTC, date, datetime, timedelta

import pytest
from clinic.appointments.workload import SURROUNDING_DAYS, Workload, in_fair_order, surrounding_days
from hypothesis import given
from hypothesis import strategies as st

EARLY, LATE = datetime(2026, 1, 5, 9, tzinfo=UTC), datetime(2026, 1, 6, 9, tzinfo=UTC)
HALF, HOUR = timedelta(minutes=30), timedelta(hours=1)


@pytest.mark.parametrize(
    ("workloads", "order"),
    [
        ([], []),
        ([Workload(2), Workload(1)], [1, 2]),
        ([Workload(1, HOUR, EARLY), Workload(2, HALF, LATE)], [2, 1]),
        ([Workload(1, HOUR, LATE), Workload(2, HOUR, EARLY)], [2, 1]),
        ([Workload(1, HOUR, EARLY), Workload(2, HOUR, EARLY)], [1, 2]),
        ([Workload(1, HOUR, EARLY), Workload(2, HOUR)], [2, 1]),
        ([Workload(1, HALF, LATE), Workload(2, HALF, EARLY), Workload(3, timedelta(), LATE)], [3, 2, 1]),
    ],
)
def test_least_booked_then_least_recently_assigned_comes_first(workloads: list[Workload], order: list[int]) -> None:
    assert in_fair_order(workloads) == order


def test_surrounding_days_include_both_ends_and_stay_in_the_calendar() -> None:
    assert surrounding_days(date(2026, 3, 10)) == (date(2026, 3, 3), date(2026, 3, 17))
    assert surrounding_days(date.min) == (date.min, date.min + timedelta(days=SURROUNDING_DAYS))
    assert surrounding_days(date.max) == (date.max - timedelta(days=SURROUNDING_DAYS), date.max)


def assign(days: list[int], minutes: list[int], *, practitioners: int) -> list[tuple[int, int, int]]:
    """(practitioner, day, minutes) of each booking, one after another, with everybody free."""
    booked: list[tuple[int, int, int]] = []
    for day, length in zip(days, minutes, strict=True):
        workloads = []
        for one in range(1, practitioners + 1):
            own = [(index, row) for index, row in enumerate(booked) if row[0] == one]
            near = sum(row[2] for _, row in own if abs(row[1] - day) <= SURROUNDING_DAYS)
            newest = EARLY + timedelta(minutes=own[-1][0]) if own else None
            workloads.append(Workload(one, timedelta(minutes=near), newest))
        booked.append((in_fair_order(workloads)[0], day, length))
    return booked


def minutes_of(booked: list[tuple[int, int, int]], practitioner: int) -> int:
    return sum(row[2] for row in booked if row[0] == practitioner)


WORKLOADS = st.lists(
    st.builds(
        Workload,
        st.integers(1, 30),
        st.timedeltas(timedelta(), timedelta(days=7)),
        st.none() | st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    ),
    unique_by=lambda one: one.practitioner_id,
)


@given(WORKLOADS, st.randoms(use_true_random=False))
def test_order_does_not_depend_on_the_order_given(workloads: list[Workload], random: object) -> None:
    shuffled = list(workloads)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    order = in_fair_order(workloads)
    assert in_fair_order(shuffled) == order
    assert sorted(order) == sorted(one.practitioner_id for one in workloads)
    if order:
        by_id = {one.practitioner_id: one for one in workloads}
        assert by_id[order[0]].booked == min(one.booked for one in workloads)


@given(
    practitioners=st.integers(1, 5),
    bookings=st.lists(st.tuples(st.integers(0, SURROUNDING_DAYS), st.sampled_from([15, 30, 60, 90])), max_size=40),
)
def test_lead_is_never_more_than_one_visit(practitioners: int, bookings: list[tuple[int, int]]) -> None:
    """Within days that all surround each other, whatever the lengths and whatever the order."""
    days, minutes = [day for day, _ in bookings], [length for _, length in bookings]
    booked = assign(days, minutes, practitioners=practitioners)
    totals = [minutes_of(booked, one) for one in range(1, practitioners + 1)]
    assert max(totals) - min(totals) <= max(minutes, default=0)


@given(practitioners=st.integers(1, 6), step=st.integers(0, 30), rounds=st.integers(1, 6))
def test_equal_visits_at_equal_distances_are_shared_equally(practitioners: int, step: int, rounds: int) -> None:
    """One a day, one a month: everybody gets as many."""
    count = practitioners * rounds
    booked = assign([step * index for index in range(count)], [30] * count, practitioners=practitioners)
    assert {minutes_of(booked, one) for one in range(1, practitioners + 1)} == {30 * rounds}
