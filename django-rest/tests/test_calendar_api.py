"""`calendar/day`, `calendar` and `calendar/month`: all that one screen shows, in one answer."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from clinic.appointments.models import Appointment
from clinic.scheduling.models import Hold, Practitioner, ScheduleException, WorkingBlock
from clinic.waitlist.models import WaitlistEntry, WaitlistOffer
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from testkit.clinic.times import in_days
from testkit.clinic.world import World

DAY = "/api/v1/calendar/day"
RANGE = "/api/v1/calendar"
MONTH = "/api/v1/calendar/month"
MAX_QUERIES = 9


def calendar_day(world: World, day: date, *, by: str = "sam", **more: Any) -> dict[str, Any]:
    response = world.client(getattr(world, by)).get(DAY, {"date": day.isoformat(), **more})
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


def schedule_of(body: dict[str, Any], practitioner: Practitioner) -> dict[str, Any]:
    [schedule] = [one for one in body["schedules"] if one["practitioner"] == practitioner.pk]
    return dict(schedule)


def times(spans: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(span["start"][11:16], span["end"][11:16]) for span in spans]


def hold(world: World, start: datetime, practitioner: Practitioner | None = None, **fields: Any) -> Hold:
    until = start + timedelta(minutes=30)
    given = {
        "clinic": world.clinic,
        "practitioner": practitioner or world.petra.practitioner,
        "token": f"{start.isoformat()}{practitioner}",
        "starts_at": start,
        "ends_at": until,
        "blocked_from": start,
        "blocked_until": until,
        "expires_at": timezone.now() + timedelta(minutes=5),
        "created_at": timezone.now(),
    }
    return Hold.objects.create(**{**given, **fields})


def offer(world: World, kept_by: Hold, *, for_anybody: bool = False) -> WaitlistOffer:
    now = timezone.now()
    day = kept_by.starts_at.date()
    entry = WaitlistEntry.objects.create(
        clinic=world.clinic,
        patient=world.pete.patient,
        practitioner=None if for_anybody else kept_by.practitioner,
        first_date=day,
        last_date=day,
        state="offered",
        created_at=now,
        updated_at=now,
    )
    same = {name: getattr(kept_by, name) for name in ("starts_at", "ends_at", "blocked_from", "blocked_until")}
    return WaitlistOffer.objects.create(
        clinic=world.clinic,
        entry=entry,
        practitioner=kept_by.practitioner,
        hold=kept_by,
        token=f"offer {kept_by.pk}",
        expires_at=kept_by.expires_at,
        created_at=now,
        **same,
    )


def test_day_shows_visits_holds_and_offers_with_their_expiry(world: World) -> None:
    tomorrow = in_days(1)
    visit = world.book(tomorrow(9), service=world.check_up)
    being_booked = hold(world, tomorrow(10))
    freed = hold(world, tomorrow(11), kept_for_undo=True)
    offered = offer(world, hold(world, tomorrow(12)))
    body = calendar_day(world, tomorrow(0).date())
    assert body["from"] == body["to"] == tomorrow(0).date().isoformat()
    assert [row["id"] for row in body["appointments"]] == [visit.pk]
    kinds = {one["id"]: one["kind"] for one in body["holds"]}
    assert kinds == {being_booked.pk: "hold", freed.pk: "undo", offered.hold_id: "offer"}
    [shown] = body["offers"]
    assert (shown["patient_name"], shown["hold"]) == ("Pete", offered.hold_id)
    assert datetime.fromisoformat(shown["expires_at"]) - offered.expires_at < timedelta(milliseconds=1)
    assert not {"token", "user", "patient_name"} & body["holds"][0].keys()


def test_expired_holds_and_answered_offers_are_not_shown(world: World) -> None:
    tomorrow = in_days(1)
    hold(world, tomorrow(10), expires_at=timezone.now() - timedelta(seconds=1))
    WaitlistOffer.objects.filter(pk=offer(world, hold(world, tomorrow(12))).pk).update(state="declined")
    body = calendar_day(world, tomorrow(0).date())
    assert ([one["kind"] for one in body["holds"]], body["offers"]) == (["hold"], [])


def test_own_hold_is_marked_as_mine(world: World) -> None:
    tomorrow = in_days(1)
    hold(world, tomorrow(10), user=world.sam)
    assert [one["mine"] for one in calendar_day(world, tomorrow(0).date())["holds"]] == [True]
    assert [one["mine"] for one in calendar_day(world, tomorrow(0).date(), by="olga")["holds"]] == [False]


def test_day_divides_hours_into_work_breaks_absences_and_closures(world: World) -> None:
    petra, day = world.petra.practitioner, in_days(1)(0).date()
    WorkingBlock.objects.filter(practitioner=petra).delete()
    for start, end in (("08:00", "12:00"), ("13:00", "17:00")):
        WorkingBlock.objects.create(practitioner=petra, weekday=day.weekday(), start_local=start, end_local=end)
    ScheduleException.objects.create(
        clinic=world.clinic,
        practitioner=petra,
        start_date=day,
        end_date=day,
        start_local="15:00",
        end_local="16:00",
        reason="Dentist",
    )
    shown = schedule_of(calendar_day(world, day), petra)
    assert times(shown["hours"]) == [("08:00", "12:00"), ("13:00", "15:00"), ("16:00", "17:00")]
    assert times(shown["breaks"]) == [("12:00", "13:00")]
    assert times(shown["closures"]) == [("15:00", "16:00")]
    assert [(one["whole_clinic"], one["reason"]) for one in shown["closures"]] == [(False, "Dentist")]


def test_closed_clinic_has_no_hours_and_names_its_reason(world: World) -> None:
    day = in_days(1)(0).date()
    ScheduleException.objects.create(clinic=world.clinic, start_date=day, end_date=day, reason="Staff outing")
    shown = schedule_of(calendar_day(world, day), world.petra.practitioner)
    assert shown["hours"] == []
    assert [(one["whole_clinic"], one["reason"]) for one in shown["closures"]] == [(True, "Staff outing")]
    assert times(shown["closures"]) == [("00:00", "00:00")]


def test_exceptional_hours_replace_the_weekly_ones(world: World) -> None:
    petra, day = world.petra.practitioner, in_days(1)(0).date()
    ScheduleException.objects.create(
        clinic=world.clinic,
        practitioner=petra,
        start_date=day,
        end_date=day,
        closed=False,
        start_local="10:00",
        end_local="12:00",
        reason="Late start",
    )
    body = calendar_day(world, day)
    shown = schedule_of(body, petra)
    assert times(shown["hours"]) == [("10:00", "12:00")]
    assert (shown["exceptional"], shown["exceptional_reason"]) == (True, "Late start")
    assert not schedule_of(body, world.quentin.practitioner)["exceptional"]


def test_visit_across_midnight_stands_on_both_days(world: World) -> None:
    late = in_days(1)(23, 45)
    visit = world.book(late, outside_hours=True)
    for day in (late.date(), late.date() + timedelta(days=1)):
        assert [row["id"] for row in calendar_day(world, day)["appointments"]] == [visit.pk]
    assert calendar_day(world, late.date() + timedelta(days=2))["appointments"] == []


def test_practitioner_sees_own_calendar_alone(world: World) -> None:
    tomorrow = in_days(1)
    mine = world.book(tomorrow(9))
    world.book(tomorrow(9), patient=world.pete, practitioner=world.quentin)
    hold(world, tomorrow(10))
    hold(world, tomorrow(10), world.quentin.practitioner)
    body = calendar_day(world, tomorrow(0).date(), by="petra")
    assert [one["id"] for one in body["practitioners"]] == [world.petra.practitioner.pk]
    assert [row["id"] for row in body["appointments"]] == [mine.pk]
    assert [one["practitioner"] for one in body["holds"]] == [world.petra.practitioner.pk]
    other = world.client(world.petra).get(DAY, {"practitioner": world.quentin.practitioner.pk})
    assert other.status_code == 404


def test_practitioner_does_not_learn_who_waits_for_anybody(world: World) -> None:
    tomorrow = in_days(1)
    offer(world, hold(world, tomorrow(9)), for_anybody=True)
    offer(world, hold(world, tomorrow(10)))
    names = [one["patient_name"] for one in calendar_day(world, tomorrow(0).date(), by="petra")["offers"]]
    assert names == [None, "Pete"]
    assert {one["patient_name"] for one in calendar_day(world, tomorrow(0).date())["offers"]} == {"Pete"}


def test_deleted_visits_and_other_clinics_are_not_shown(world: World) -> None:
    tomorrow = in_days(1)
    visit = world.book(tomorrow(9))
    assert calendar_day(world, tomorrow(0).date(), by="otto")["appointments"] == []
    world.client(world.sam).delete(f"/api/v1/appointments/{visit.pk}")
    assert calendar_day(world, tomorrow(0).date())["appointments"] == []


def test_visits_of_a_deactivated_practitioner_stay_visible_to_the_desk(world: World) -> None:
    tomorrow = in_days(1)
    visit = world.book(tomorrow(9))
    Practitioner.objects.filter(pk=world.petra.practitioner.pk).update(active=False)
    body = calendar_day(world, tomorrow(0).date())
    assert [one["id"] for one in body["practitioners"]] == [world.quentin.practitioner.pk]
    assert [row["id"] for row in body["appointments"]] == [visit.pk]


def test_range_has_a_schedule_for_each_day_and_practitioner(world: World) -> None:
    first = in_days(1)(0).date()
    response = world.client(world.sam).get(RANGE, {"from": f"{first}", "to": f"{first + timedelta(days=6)}"})
    body = response.json()
    assert len(body["schedules"]) == 7 * 2
    assert {one["date"] for one in body["schedules"]} == {f"{first + timedelta(days=day)}" for day in range(7)}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"from": "2026-11-20", "to": "2026-11-19"}, "invalid"),
        ({"from": "2026-11-01", "to": "2026-11-15"}, "range_too_long"),
        ({"from": "2026-11-31"}, "invalid"),
    ],
)
def test_wrong_range_is_refused(world: World, query: dict[str, str], code: str) -> None:
    response = world.client(world.sam).get(RANGE, query)
    assert (response.status_code, response.json()["errors"][0]["code"]) == (400, code)


def test_range_without_dates_is_the_week_from_today(world: World) -> None:
    today = in_days(0)(0).date()
    body = world.client(world.sam).get(RANGE).json()
    assert (body["from"], body["to"]) == (f"{today}", f"{today + timedelta(days=6)}")


@pytest.mark.parametrize(
    ("day", "status"), [("0001-01-01", 400), ("9999-12-31", 400), ("1970-01-01", 200), ("2199-12-31", 200)]
)
def test_dates_far_away_are_refused(world: World, day: str, status: int) -> None:
    assert world.client(world.sam).get(DAY, {"date": day}).status_code == status


def month_day(world: World, day: date, **query: Any) -> dict[str, Any]:
    response = world.client(world.sam).get(MONTH, {"month": f"{day:%Y-%m}", **query})
    assert response.status_code == 200, response.content
    [found] = [one for one in response.json()["days"] if one["date"] == day.isoformat()]
    return dict(found)


def test_month_counts_visits_and_utilisation(world: World) -> None:
    tomorrow = in_days(1)
    world.book(tomorrow(9), service=world.check_up)
    cancelled = world.book(tomorrow(10))
    Appointment.objects.filter(pk=cancelled.pk).update(status="cancelled")
    day = month_day(world, tomorrow(0).date())
    assert (day["visits"], day["counts"]) == (1, {"confirmed": 1, "cancelled": 1})
    assert (day["working_minutes"], day["booked_minutes"], day["utilisation"]) == (1200, 30, 0.025)
    assert (day["full"], day["closed"]) == (False, False)
    own = month_day(world, tomorrow(0).date(), practitioner=world.quentin.practitioner.pk)
    assert (own["visits"], own["working_minutes"]) == (0, 600)


def test_month_marks_a_day_without_a_free_slot_as_full(world: World) -> None:
    tomorrow = in_days(1)
    WorkingBlock.objects.exclude(practitioner=world.petra.practitioner).delete()
    WorkingBlock.objects.update(start_local="09:00", end_local="10:00")
    world.book(tomorrow(9))
    assert not month_day(world, tomorrow(0).date())["full"]
    world.book(tomorrow(9, 30), patient=world.pete)
    assert month_day(world, tomorrow(0).date())["full"]


def test_month_names_a_closed_day(world: World) -> None:
    day = in_days(1)(0).date()
    ScheduleException.objects.create(clinic=world.clinic, start_date=day, end_date=day, reason="Staff outing")
    shown = month_day(world, day)
    assert (shown["closed"], shown["closed_reason"], shown["utilisation"]) == (True, "Staff outing", None)


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "2026", "0001-01", "9999-12"])
def test_wrong_month_is_refused(world: World, month: str) -> None:
    assert world.client(world.sam).get(MONTH, {"month": month}).status_code == 400


@pytest.mark.parametrize("month", ["1970-01", "2199-12", "2028-02"])
def test_month_has_all_its_days(world: World, month: str) -> None:
    days = world.client(world.sam).get(MONTH, {"month": month}).json()["days"]
    assert len(days) == (29 if month == "2028-02" else 31)


def statements(ask: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert ask().status_code == 200
    return len(seen.captured_queries)


@pytest.mark.parametrize("person", ["sam", "petra"])
def test_statements_do_not_grow_with_the_day(world: World, person: str) -> None:
    client, day = world.client(getattr(world, person)), in_days(1)

    def count_all() -> list[int]:
        first = day(0).date().isoformat()
        last = (day(0).date() + timedelta(days=6)).isoformat()
        asked: list[tuple[str, dict[str, str]]] = [
            (DAY, {"date": first}),
            (RANGE, {"from": first, "to": last}),
            (MONTH, {"month": first[:7]}),
        ]
        return [statements(partial(client.get, path, query)) for path, query in asked]

    world.book(day(8))
    offer(world, hold(world, day(12)))
    of_few = count_all()
    for number in range(6):
        world.book(day(9 + number // 2, 30 * (number % 2)), patient=world.pete if number % 2 else world.paula)
        practitioner = Practitioner.objects.create(clinic=world.clinic, name=f"Dr {number}")
        WorkingBlock.objects.create(practitioner=practitioner, weekday=0, start_local="08:00", end_local="12:00")
        offer(world, hold(world, day(13, 5 * number), practitioner))
    assert count_all() == of_few
    assert max(of_few) <= MAX_QUERIES
