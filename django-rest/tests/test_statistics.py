from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment
from clinic.appointments.statistics import StatisticsFilter, statistics_for
from clinic.scheduling.models import Practitioner
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from testkit.clinic.answers import attr_of, refusal
from testkit.clinic.times import in_days
from testkit.clinic.world import World, as_new, fresh, make_world

STATS = "/api/v1/appointments/stats"
# "from" is a word of Python's.
FIFTH: dict[str, Any] = {"from": "2026-10-05", "to": "2026-10-05"}


def put(world: World, day: date, status: str, **more: Any) -> None:
    """As an import would write it."""
    template = world.book(in_days(1)(9), **more)
    Appointment.objects.filter(pk=template.pk).update(local_date=day, status=status)
    if status in {"pending", "confirmed", "checked_in"}:  # Make room for the next.
        start = datetime.combine(day, datetime.min.time(), tzinfo=template.starts_at.tzinfo) + timedelta(hours=9)
        Appointment.objects.filter(pk=template.pk).update(
            starts_at=start,
            ends_at=start + timedelta(minutes=30),
            blocked_from=start,
            blocked_until=start + timedelta(minutes=30),
        )


@pytest.fixture
def years(world: World) -> World:
    """Petra's two months and Quentin's one."""
    for day in (3, 4, 5):
        put(world, date(2026, 10, day), "completed")
    put(world, date(2026, 10, 6), "no_show")
    put(world, date(2026, 11, 30), "cancelled")
    put(world, date(2026, 11, 30), "confirmed")
    put(world, date(2025, 10, 3), "rejected", practitioner=world.quentin)
    return world


def stats(world: World, by: User | None = None, of: User | None = None, **query: Any) -> Any:
    path = STATS if of is None else f"{STATS}/practitioners/{of.practitioner.pk}"
    response = world.client(by or world.sam).get(path, query)
    assert response.status_code == 200, response.json()
    return response.json()


def totals(shown: Any) -> dict[str, int]:
    return {period["period"]: period["total"] for period in shown["periods"]}


def test_months_are_counted_the_newest_first(years: World) -> None:
    assert list(totals(stats(years)).items()) == [("2026-11", 2), ("2026-10", 4), ("2025-10", 1)]
    assert totals(stats(years, of=years.petra)) == {"2026-11": 2, "2026-10": 4}


def test_days_are_counted_the_newest_first(years: World) -> None:
    shown = stats(years, groupBy="day", of=years.petra)
    assert list(totals(shown).items()) == [
        ("2026-11-30", 2),
        ("2026-10-06", 1),
        ("2026-10-05", 1),
        ("2026-10-04", 1),
        ("2026-10-03", 1),
    ]


def test_days_end_today_unless_a_last_day_is_given(years: World) -> None:
    today, tomorrow, later = (in_days(days)(9).date() for days in (0, 1, 20))
    since: dict[str, Any] = {"from": tomorrow.isoformat()}
    put(years, later, "confirmed")
    assert max(totals(stats(years, groupBy="day"))) <= today.isoformat()
    assert max(totals(stats(years, groupBy="day", to=later.isoformat()))) == later.isoformat()
    assert list(totals(stats(years, groupBy="day", **since))) == [later.isoformat()]
    assert later.isoformat()[:7] in totals(stats(years))


def test_a_period_tells_counts_shares_and_the_no_show_rate(years: World) -> None:
    shown = stats(years, of=years.petra)
    assert shown["periods"][1] == {
        "period": "2026-10",
        "total": 4,
        "counts": dict.fromkeys((status.value for status in Status), 0) | {"completed": 3, "no_show": 1},
        "shares": dict.fromkeys((status.value for status in Status), 0.0) | {"completed": 0.75, "no_show": 0.25},
        "no_show_rate": 0.25,
    }
    assert shown["periods"][0]["no_show_rate"] is None
    assert (shown["total"], shown["counts"]["completed"], shown["no_show_rate"]) == (6, 3, 0.25)
    assert (shown["practitioner"], shown["practitioner_name"]) == (years.petra.practitioner.pk, "Dr Petra")
    assert (shown["group_by"], stats(years)["practitioner"]) == ("month", None)


def test_both_names_of_the_route_answer_alike(years: World) -> None:
    practitioner_id = years.petra.practitioner.pk
    client = years.client(years.sam)
    as_doctor = client.get(f"{STATS}/doctor/{practitioner_id}?groupBy=day&limit=2")
    assert as_doctor.json() == client.get(f"{STATS}/practitioners/{practitioner_id}?groupBy=day&limit=2").json()
    assert len(as_doctor.json()["periods"]) == 2


def test_a_limit_keeps_the_newest_and_dates_cut(years: World) -> None:
    assert totals(stats(years, limit=1)) == {"2026-11": 2}
    assert totals(stats(years, to="2026-10-31")) == {"2026-10": 4, "2025-10": 1}
    assert totals(stats(years, to="2026-10-31", limit=1)) == {"2026-10": 4}
    assert totals(stats(years, **FIFTH)) == {"2026-10": 1}


def test_nothing_counted_is_zero(world: World) -> None:
    shown = stats(world)
    assert (shown["total"], shown["no_show_rate"], shown["periods"]) == (0, None, [])
    assert set(shown["counts"]) == {status.value for status in Status}
    assert set(shown["counts"].values()) == {0}


def test_each_counts_what_is_theirs(years: World) -> None:
    assert stats(years, years.olga)["total"] == 7
    assert stats(years, years.petra)["total"] == stats(years, years.petra, of=years.petra)["total"] == 6
    assert stats(years, years.quentin)["total"] == 1
    assert stats(years, years.otto)["total"] == 0


def test_statistics_count_only_visible_rows(years: World) -> None:
    path = f"{STATS}/doctor/{years.petra.practitioner.pk}"
    assert refusal(years.client(years.quentin).get(path)) == (403, "permission_denied")
    assert refusal(years.client(years.paula).get(path)) == (403, "permission_denied")
    assert refusal(years.client(years.otto).get(path)) == (404, "not_found")


def test_one_who_has_left_is_still_counted(years: World) -> None:
    Practitioner.objects.filter(user=years.petra).update(active=False)
    assert stats(years, of=years.petra)["total"] == 6


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ({"groupBy": "year"}, "groupBy"),
        ({"limit": "0"}, "limit"),
        ({"limit": "401"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-02-02", "to": "2026-02-01"}, "to"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_name(world: World, query: dict[str, str], attr: str) -> None:
    response = world.client(world.sam).get(STATS, query)
    assert (response.status_code, attr_of(response)) == (400, attr)


def test_counting_is_one_query(years: World) -> None:
    user = fresh(years.sam)
    with CaptureQueriesContext(connection) as seen:
        statistics_for(user, StatisticsFilter(), today=date(2026, 11, 30))
    assert len(seen) == 1


class StatisticsEqualTheRows(TestCase):
    @given(
        rows=st.lists(
            st.tuples(
                st.dates(date(2024, 1, 1), date(2028, 12, 31)),
                st.sampled_from(["completed", "cancelled", "rejected", "no_show"]),
                st.booleans(),
            ),
            max_size=25,
        )
    )
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    def test_the_sum_of_statistics_equals_the_rows(self, rows: list[tuple[date, str, bool]]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("INSERT IGNORE INTO stream_head (clinic_id, seq) VALUES (0, 0)")
        world = make_world()
        template = world.book(in_days(1)(9))
        practitioners = (world.petra.practitioner, world.quentin.practitioner)
        made = []
        for day, status, is_petras in rows:
            row = as_new(Appointment.objects.get(pk=template.pk))
            row.local_date, row.status, row.practitioner = day, status, practitioners[is_petras]
            made.append(row)
        template.delete()
        Appointment.objects.bulk_create(made)
        for group_by in ("day", "month"):
            wanted = StatisticsFilter(group_by, limit=400)
            whole = statistics_for(fresh(world.sam), wanted, today=date(2028, 12, 31))
            parts = [
                period
                for practitioner in practitioners
                for period in statistics_for(
                    fresh(world.sam), wanted, today=date(2028, 12, 31), practitioner_id=practitioner.pk
                )
            ]
            expected = Counter(status for _, status, _ in rows)
            assert _summed(whole) == _summed(parts) == expected
            keys = [day if group_by == "day" else day.replace(day=1) for day, _, _ in rows]
            assert {period.starts_on: period.counts.total for period in whole} == Counter(keys)


def _summed(periods: list[Any]) -> Counter[str]:
    total: Counter[str] = Counter()
    for period in periods:
        total.update(period.counts.by_status)
    return +total
