from datetime import timedelta
from typing import Any

import pytest
from clinic_stream.audiences import AvailabilityAudience, RecordScope, RowFilter
from clinic_stream.errors import Problem
from clinic_stream.params import StreamQuery, read_stream_query
from hypothesis import given
from hypothesis import strategies as st

from testkit.stream.rows import TODAY

SCOPE = RecordScope(1)


def day(offset: int) -> str:
    return (TODAY + timedelta(days=offset)).isoformat()


def refusal(**query: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        read_stream_query(**query).audience(SCOPE, TODAY)
    assert caught.value.status == 400
    return caught.value


def dates_of(**query: Any) -> tuple[int, int]:
    wanted = read_stream_query(**query).audience(SCOPE, TODAY).filter
    assert wanted.first_date is not None
    assert wanted.last_date is not None
    return (wanted.first_date - TODAY).days, (wanted.last_date - TODAY).days


def test_nothing_asked_for_is_the_snapshot_mode_without_filter() -> None:
    assert read_stream_query() == StreamQuery("snapshot")
    assert read_stream_query().audience(SCOPE, TODAY).filter == RowFilter()


def test_empty_values_count_as_none() -> None:
    assert read_stream_query(mode="", first="", last="", practitioner="", status=["", " "]) == StreamQuery()


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ({"mode": "deltas"}, "mode"),
        ({"mode": "Snapshot"}, "mode"),
        ({"first": "tomorrow"}, "from"),
        ({"first": "20261120"}, "from"),
        ({"first": "2026-W47-5"}, "from"),
        ({"first": "2026-11-20T00:00:00Z"}, "from"),
        ({"last": "2026-02-30"}, "to"),
        ({"first": day(3), "last": day(2)}, "to"),
        ({"practitioner": "0"}, "practitioner"),
        ({"practitioner": "-1"}, "practitioner"),
        ({"practitioner": "1.5"}, "practitioner"),
        ({"practitioner": "petra"}, "practitioner"),
        ({"practitioner": "9" * 19}, "practitioner"),
        ({"practitioner": "١"}, "practitioner"),
        ({"status": ["unheard-of"]}, "status"),
        ({"status": ["confirmed,Pending"]}, "status"),
    ],
)
def test_wrong_value_is_invalid_and_named(query: dict[str, Any], attr: str) -> None:
    problem = refusal(**query)
    assert (problem.code, problem.attr) == ("invalid", attr)


@pytest.mark.parametrize(("first", "last"), [(-1, 0), (0, 0), (0, 30), (1, 31), (-1, 29), (31, 31)])
def test_range_of_31_days_inside_the_live_window_is_live(first: int, last: int) -> None:
    assert dates_of(first=day(first), last=day(last)) == (first, last)


@pytest.mark.parametrize(
    ("first", "last", "attr"), [(-2, 0, "from"), (0, 31, "to"), (5, 32, "to"), (-400, -390, "from"), (100, 101, "to")]
)
def test_range_that_is_not_live_points_to_the_rest_api(first: int, last: int, attr: str) -> None:
    problem = refusal(first=day(first), last=day(last))
    assert (problem.code, problem.attr) == ("range_not_live", attr)
    assert f"/api/v1/appointments?scope=all&from={day(first)}&to={day(last)}" in problem.detail
    assert problem.body()["type"] == "validation_error"


def test_first_date_alone_means_a_week_from_it() -> None:
    assert dates_of(first=day(2)) == (2, 9)


def test_first_date_near_the_end_of_the_window_stops_there() -> None:
    assert dates_of(first=day(30)) == (30, 31)


def test_last_date_alone_means_from_today() -> None:
    assert dates_of(last=day(3)) == (0, 3)


def test_yesterday_as_last_date_alone_means_that_day() -> None:
    assert dates_of(last=day(-1)) == (-1, -1)


def test_statuses_may_be_repeated_or_listed() -> None:
    wanted = read_stream_query(status=["confirmed, pending", "no_show"])
    assert wanted.statuses == {"confirmed", "pending", "no_show"}


@given(
    st.fixed_dictionaries(
        {name: st.none() | st.text(max_size=30) for name in ("mode", "first", "last", "practitioner")}
    ),
    st.lists(st.text(max_size=20), max_size=3),
)
def test_every_parameter_is_either_understood_or_refused_by_name(query: dict[str, Any], status: list[str]) -> None:
    refused = None
    try:
        read_stream_query(**query, status=status).audience(SCOPE, TODAY)
    except Problem as problem:
        refused = problem
    if refused is not None:
        assert (refused.status, refused.code) in {(400, "invalid"), (400, "range_not_live")}
        assert refused.attr in {"mode", "from", "to", "practitioner", "status"}


def test_days_that_have_passed_are_no_error_for_who_comes_back() -> None:
    """A fixed range outlives its first day: EventSource would take a 400 for the end."""
    query = {"first": day(-5), "last": day(3)}
    assert refusal(**query).code == "range_not_live"
    audience = read_stream_query(**query).audience(SCOPE, TODAY, is_back=True)
    assert audience.filter == RowFilter(TODAY - timedelta(days=5), TODAY + timedelta(days=3))
    wholly_past = read_stream_query(first=day(-9), last=day(-8))
    assert wholly_past.audience(SCOPE, TODAY, is_back=True).filter.last_date == TODAY - timedelta(days=8)


def test_calendar_is_of_a_practitioner_and_days() -> None:
    assert read_stream_query(practitioner="7").availability_audience(1, TODAY) == AvailabilityAudience(1, 7)
    assert read_stream_query(practitioner="7", last=day(2)).availability_audience(1, TODAY) == AvailabilityAudience(
        1, 7, TODAY, TODAY + timedelta(days=2)
    )
    with pytest.raises(Problem) as caught:
        read_stream_query().availability_audience(1, TODAY)
    assert caught.value.attr == "practitioner"
