"""Reports: every figure is a sum over rows."""

import csv
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from clinic.accounts.models import User
from clinic.appointments.figures import AGREED
from clinic.appointments.models import Appointment, AppointmentEvent, Source
from clinic.appointments.reports import ReportFilter, report_for
from clinic.scheduling.models import Clinic, Practitioner, ScheduleException, WorkingBlock
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from testkit.clinic.answers import attr_of, refusal
from testkit.clinic.times import RIVERSIDE_ZONE, in_days
from testkit.clinic.world import World, as_new, fresh, make_world

REPORT = "/api/v1/reports/summary"
EXPORT = "/api/v1/reports/export.csv"
MONDAY = date(2026, 10, 19)
# With the hour that comes twice.
SUNDAY = date(2026, 10, 25)
WEEK: dict[str, Any] = {"from": f"{MONDAY}", "to": f"{SUNDAY}"}


def put(world: World, start: datetime, status: str, *, minutes: int = 30, source: str = "desk", **more: Any) -> None:
    """As an import would write it."""
    template = world.book(in_days(1)(9), **more)
    row = as_new(Appointment.objects.get(pk=template.pk))
    template.delete()
    row.starts_at, row.ends_at = start, start + timedelta(minutes=minutes)
    row.blocked_from, row.blocked_until = row.starts_at, row.ends_at + timedelta(minutes=10)
    row.local_date, row.status, row.source = start.astimezone(RIVERSIDE_ZONE).date(), status, source
    Appointment.objects.bulk_create([row])


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), RIVERSIDE_ZONE).astimezone(UTC)


@pytest.fixture
def autumn(world: World) -> World:
    """Petra's week and a day of Quentin's; one visit of the week before."""
    put(world, at(MONDAY, 9), "completed")
    put(world, at(MONDAY, 10), "no_show")
    put(world, at(MONDAY, 11), "cancelled", source="guest")
    put(world, at(SUNDAY, 9), "completed", source="waitlist", minutes=50)
    put(world, at(MONDAY, 9), "rejected", source="guest", practitioner=world.quentin)
    put(world, at(MONDAY, 12), "completed", source="patient", practitioner=world.quentin)
    put(world, at(MONDAY - timedelta(days=1), 9), "completed")
    return world


def report(world: World, by: User | None = None, **query: Any) -> Any:
    response = world.client(by or world.olga).get(REPORT, WEEK | query)
    assert response.status_code == 200, response.json()
    return response.json()


def test_week_tells_its_visits_time_and_rates(autumn: World) -> None:
    shown = report(autumn)
    figures = shown["current"]["figures"]
    assert (figures["visits"], figures["counts"]["completed"], figures["counts"]["no_show"]) == (6, 3, 1)
    assert figures["booked_minutes"] == 40 + 40 + 60 + 40
    assert figures["available_minutes"] == 2 * 7 * 600
    assert figures["utilisation"] == round(180 / 8400, 4)
    assert figures["no_show_rate"] == 0.25
    assert figures["cancelled_share"] == 0.2
    assert shown["current"]["waitlist"] == {"visits": 1, "minutes": 50}
    assert shown["current"]["sources"] == dict.fromkeys(Source.values, 0) | {
        "desk": 2,
        "guest": 2,
        "waitlist": 1,
        "patient": 1,
    }
    assert (shown["timezone"], shown["practitioner"]) == ("Europe/Berlin", None)


def test_week_is_compared_with_the_days_before(autumn: World) -> None:
    previous = report(autumn)["before"]
    assert (previous["first_date"], previous["last_date"]) == ("2026-10-12", "2026-10-18")
    assert previous["figures"]["visits"] == 1


def test_heat_map_counts_agreed_starts_by_weekday_and_hour(autumn: World) -> None:
    shown = report(autumn)["heat_map"]
    assert [len(hours) for hours in shown] == [24] * 7
    assert (shown[0][9], shown[0][10], shown[0][11], shown[0][12], shown[6][9]) == (1, 1, 0, 1, 1)
    assert sum(map(sum, shown)) == 4


def test_practitioners_stand_by_name_with_their_own_figures(autumn: World) -> None:
    petra, quentin = report(autumn)["by_practitioner"]
    assert (petra["practitioner_name"], petra["visits"], petra["before"]["visits"]) == ("Dr Petra", 4, 1)
    assert (quentin["practitioner_name"], quentin["visits"], quentin["before"]["visits"]) == ("Dr Quentin", 2, 0)
    alone = report(autumn, practitioner=autumn.quentin.practitioner.pk)
    assert alone["current"]["figures"]["visits"] == 2
    assert [one["practitioner_name"] for one in alone["by_practitioner"]] == ["Dr Quentin"]


def test_absence_and_closure_are_not_available(autumn: World) -> None:
    whole = report(autumn)["current"]["figures"]["available_minutes"]
    ScheduleException.objects.create(clinic=autumn.clinic, start_date=MONDAY, end_date=MONDAY)
    ScheduleException.objects.create(
        clinic=autumn.clinic,
        practitioner=autumn.petra.practitioner,
        start_date=SUNDAY,
        end_date=SUNDAY,
        start_local=time(8),
        end_local=time(9),
    )
    assert report(autumn)["current"]["figures"]["available_minutes"] == whole - 2 * 600 - 60


def test_former_practitioner_counts_without_available_time(autumn: World) -> None:
    Practitioner.objects.filter(user=autumn.quentin).update(active=False)
    quentin = report(autumn)["by_practitioner"][1]
    assert (quentin["visits"], quentin["available_minutes"], quentin["utilisation"]) == (2, 0, None)
    day_before: dict[str, Any] = {"from": "2026-10-18", "to": "2026-10-18"}
    assert [one["practitioner_name"] for one in report(autumn, **day_before)["by_practitioner"]] == ["Dr Petra"]


def test_answers_to_requests_are_timed(world: World) -> None:
    with_answer, open_one = (world.book(in_days(3)(hour), by=world.paula, now=in_days(0)(0)) for hour in (9, 10))
    world.client(world.sam).post(f"/api/v1/appointments/{with_answer.pk}/confirm")
    world.client(world.paula).post(f"/api/v1/appointments/{open_one.pk}/cancel")
    third = world.book(in_days(3)(11), by=world.paula, now=in_days(0)(0))
    AppointmentEvent.objects.filter(appointment=with_answer, action="create").update(at=at(MONDAY, 9))
    AppointmentEvent.objects.filter(appointment=with_answer, action="confirm").update(at=at(MONDAY, 9, 25))
    for one in (open_one, third):
        AppointmentEvent.objects.filter(appointment=one, action="create").update(at=at(SUNDAY, 23))
    assert report(world)["current"]["requests"] == {
        "received": 3,
        "answered": 1,
        "expired": 0,
        "withdrawn": 1,
        "waiting": 1,
        "median_minutes": 25,
        "ninety_percent_minutes": 25,
    }
    assert report(world, practitioner=world.quentin.practitioner.pk)["current"]["requests"]["received"] == 0


def test_csv_rows_add_up_to_the_report(autumn: World) -> None:
    response = autumn.client(autumn.olga).get(EXPORT, WEEK)
    assert response["Content-Disposition"] == 'attachment; filename="report-2026-10-19-2026-10-25.csv"'
    assert response["Content-Type"].startswith("text/csv")
    text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.DictReader(StringIO(text)))
    figures = report(autumn)["current"]["figures"]
    assert [row["practitioner_name"] for row in rows] == ["Dr Petra", "Dr Quentin"]
    assert sum(int(row["visits"]) for row in rows) == figures["visits"]
    assert sum(int(row["booked_minutes"]) for row in rows) == figures["booked_minutes"]
    assert sum(int(row["available_minutes"]) for row in rows) == figures["available_minutes"]
    assert sum(int(row["status_completed"]) for row in rows) == figures["counts"]["completed"]


def test_report_is_for_the_desk_of_the_clinic(autumn: World) -> None:
    assert report(autumn, autumn.sam)["current"]["figures"]["visits"] == 6
    assert report(autumn, autumn.otto)["current"]["figures"]["visits"] == 0
    for path in (REPORT, EXPORT):
        assert refusal(autumn.client(autumn.petra).get(path)) == (403, "permission_denied")
        assert refusal(autumn.client(autumn.paula).get(path)) == (403, "permission_denied")
        of_another = {"practitioner": autumn.petra.practitioner.pk}
        assert refusal(autumn.client(autumn.otto).get(path, of_another)) == (404, "not_found")


def test_month_so_far_is_the_default(world: World) -> None:
    today = in_days(0)(9).date()
    shown = world.client(world.olga).get(REPORT).json()["current"]
    assert (shown["first_date"], shown["last_date"]) == (f"{today.replace(day=1)}", f"{today}")


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-02-02", "to": "2026-02-01"}, "to"),
        ({"from": "2025-01-01", "to": "2026-01-02"}, "to"),
        ({"from": "0001-01-01", "to": "0001-01-02"}, "from"),
        ({"to": "9999-12-31"}, "from"),
        ({"practitioner": "petra"}, "practitioner"),
    ],
)
def test_report_without_sense_is_refused_by_name(world: World, query: dict[str, str], attr: str) -> None:
    response = world.client(world.olga).get(REPORT, query)
    assert (response.status_code, attr_of(response)) == (400, attr)


def test_report_costs_six_queries_for_any_number_of_days(autumn: World) -> None:
    owner = fresh(autumn.olga)
    for days in (ReportFilter(MONDAY, MONDAY), ReportFilter(date(2026, 1, 1), date(2026, 12, 31))):
        with CaptureQueriesContext(connection) as seen:
            report_for(owner, days, now=in_days(0)(9))
        assert len(seen) == 6


class ReportsEqualTheRows(TestCase):
    @given(
        rows=st.lists(
            st.tuples(
                st.integers(0, 20 * 24 * 12),
                st.sampled_from(["completed", "cancelled", "rejected", "no_show"]),
                st.sampled_from(["desk", "guest", "waitlist"]),
                st.booleans(),
                st.integers(1, 20),
            ),
            max_size=25,
        ),
        zone_name=st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
        first=st.dates(date(2026, 10, 20), date(2026, 11, 5)),
        length=st.integers(1, 12),
    )
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    def test_report_equals_plain_sums_over_rows(
        self, rows: list[tuple[int, str, str, bool, int]], zone_name: str, first: date, length: int
    ) -> None:
        with connection.cursor() as cursor:
            cursor.execute("INSERT IGNORE INTO stream_head (clinic_id, seq) VALUES (0, 0)")
        world, zone = make_world(), ZoneInfo(zone_name)
        template = world.book(in_days(1)(9))
        practitioners = (world.petra.practitioner, world.quentin.practitioner)
        made = []
        for cells, status, source, is_petras, length_cells in rows:
            row = as_new(Appointment.objects.get(pk=template.pk))
            # Around the days of 25 hours of both hemispheres' clocks.
            row.starts_at = datetime(2026, 10, 20, tzinfo=UTC) + timedelta(minutes=5 * cells)
            row.ends_at = row.starts_at + timedelta(minutes=5 * length_cells)
            row.blocked_from, row.blocked_until = row.starts_at - timedelta(minutes=5), row.ends_at
            row.local_date = row.starts_at.astimezone(zone).date()
            row.status, row.source, row.practitioner = status, source, practitioners[is_petras]
            made.append(row)
        template.delete()
        Clinic.objects.filter(pk=world.clinic.pk).update(timezone=zone_name)
        Appointment.objects.bulk_create(made)
        last = first + timedelta(days=length - 1)
        found = report_for(fresh(world.olga), ReportFilter(first, last), now=in_days(0)(9)).current
        own = [row for row in made if first <= row.local_date <= last]
        agreed = [row for row in own if row.status in AGREED]
        assert {name: count for name, count in found.total.by_status.items() if count} == Counter(
            row.status for row in own
        )
        assert {name: count for name, count in found.total.by_source.items() if count} == Counter(
            row.source for row in own
        )
        booked = sum((row.blocked_until - row.blocked_from for row in agreed), timedelta())
        assert found.total.booked_minutes * timedelta(minutes=1) == booked
        assert {who: figures.total for who, figures in found.of_practitioner.items() if figures.total} == Counter(
            row.practitioner_id for row in own
        )
        weeks = Counter(row.local_date - timedelta(days=row.local_date.weekday()) for row in own)
        assert {week: figures.total for week, figures in found.of_week.items() if figures.total} == weeks
        shown = report_for(fresh(world.olga), ReportFilter(first, last), now=in_days(0)(9)).heat_map
        local = [row.starts_at.astimezone(zone) for row in agreed]
        assert {
            (weekday, hour): count for weekday, hours in enumerate(shown) for hour, count in enumerate(hours) if count
        } == Counter((one.weekday(), one.hour) for one in local)
        # Ten hours of each day, whatever the clocks do at night.
        assert found.total.available_minutes == length * 600 * len(practitioners)
        assert WorkingBlock.objects.count() == 14
