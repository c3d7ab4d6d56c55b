"""A series over REST: Petra sees Paula every week at nine."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.actor import UserActor
from clinic.appointments.models import Appointment, AppointmentEvent, Series
from clinic.appointments.recurrence import Frequency, Rule
from clinic.appointments.services.series import SeriesBooking, plan_series
from clinic.scheduling.models import ClaimedCell, ScheduleException, Service, ServicePractitioner, WorkingBlock
from django.db import connection
from django.test.utils import CaptureQueriesContext

from testkit.clinic.answers import code_of, refusal
from testkit.clinic.times import RIVERSIDE_ZONE, in_days
from testkit.clinic.world import World, fresh, row_of

SERIES = "/api/v1/appointments/series"


def body(world: World, start: datetime | None = None, *, rule: dict[str, Any] | None = None, **more: Any) -> Any:
    start = start or in_days(7)(9)
    return {
        "patient": world.paula.patient.pk,
        "practitioner": world.petra.practitioner.pk,
        "service": world.check_up.pk,
        "start": start.isoformat(),
        "rule": rule or {"frequency": "weekly", "count": 4},
        **more,
    }


def post(world: World, given: Any, *, by: User | None = None, key: str | None = None) -> Any:
    return world.client(by or world.sam).post(SERIES, given, headers={"Idempotency-Key": key} if key else {})


def the(series: Series) -> list[Appointment]:
    return list(Appointment.objects.filter(series=series).order_by("starts_at"))


def patch(world: World, series: Series, scope: str, *, by: User | None = None, **given: Any) -> Any:
    return world.client(by or world.sam).patch(f"/api/v1/series/{series.pk}?scope={scope}", given)


def weeks_later(start: datetime, weeks: int) -> datetime:
    """The same wall time."""
    return start + timedelta(weeks=weeks)


class TestBooking:
    def test_every_date_is_booked_and_confirmed(self, world: World) -> None:
        start = in_days(7)(9)
        response = post(world, body(world, start, notes="physio"))
        assert response.status_code == 201, response.json()
        shown = response.json()
        assert [one["outcome"] for one in shown["dates"]] == ["booked"] * 4
        assert shown["series"]["rule"] == {"frequency": "weekly", "count": 4, "until": None, "weekdays": []}
        appointments = shown["series"]["appointments"]
        assert [one["start"] for one in appointments] == [weeks_later(start, week).isoformat() for week in range(4)]
        assert {(one["status"], one["source"], one["notes"], one["series"]) for one in appointments} == {
            ("confirmed", "series", "physio", shown["series"]["id"])
        }

    def test_every_appointment_has_its_history(self, world: World) -> None:
        post(world, body(world))
        events = AppointmentEvent.objects.filter(clinic=world.clinic)
        assert [(event.action, event.actor_id) for event in events] == [("create", world.sam.pk)] * 4

    def test_date_and_time_are_the_clinics(self, world: World) -> None:
        given = body(world, date=f"{in_days(7)(9):%Y-%m-%d}", time="14:30")
        del given["start"]
        dates = post(world, given).json()["dates"]
        assert [one["time"] for one in dates] == ["14:30"] * 4

    def test_the_wall_time_stays_when_the_clocks_change(self, world: World) -> None:
        """Within 52 weeks they change twice."""
        response = post(world, body(world, rule={"frequency": "weekly", "count": 52}))
        starts = [datetime.fromisoformat(one["start"]) for one in response.json()["dates"]]
        assert {start.time() for start in starts} == {time(9)}
        assert len({start.utcoffset() for start in starts}) == 2

    def test_several_weekdays(self, world: World) -> None:
        start = in_days(7)(9)
        weekdays = sorted({start.weekday(), (start.weekday() + 2) % 7})
        rule = {"frequency": "weekly", "count": 4, "weekdays": weekdays}
        dates = [date.fromisoformat(one["date"]) for one in post(world, body(world, start, rule=rule)).json()["dates"]]
        assert {day.weekday() for day in dates} == set(weekdays)

    def test_of_another_clinic_nothing_can_be_named(self, world: World) -> None:
        assert refusal(post(world, body(world), by=world.otto)) == (404, "not_found")
        assert Series.objects.count() == 0

    def test_a_practitioner_makes_their_own_alone(self, world: World) -> None:
        assert post(world, body(world), by=world.petra).status_code == 201
        given = body(world, in_days(8)(9))
        assert refusal(post(world, given, by=world.quentin)) == (403, "permission_denied")

    def test_a_practitioner_who_does_not_offer_the_service_cannot_have_it_booked(self, world: World) -> None:
        ServicePractitioner.objects.filter(practitioner=world.petra.practitioner).delete()
        response = post(world, body(world))
        assert (response.status_code, response.json()["errors"][0]["attr"]) == (400, "service")

    @pytest.mark.parametrize(
        ("rule", "attr"),
        [
            ({"frequency": "daily", "count": 3}, "rule.frequency"),
            ({"frequency": "weekly"}, "rule.count"),
            ({"frequency": "weekly", "count": 53}, "rule.count"),
            ({"frequency": "weekly", "until": "2001-01-01"}, "rule.until"),
            ({"frequency": "weekly", "count": 2, "weekdays": [7]}, "rule.weekdays.0"),
            ({"frequency": "monthly", "count": 2, "weekdays": [1]}, "rule.weekdays"),
        ],
    )
    def test_a_rule_that_makes_no_sense_is_refused(self, world: World, rule: dict[str, Any], attr: str) -> None:
        response = post(world, body(world, rule=rule))
        assert (response.status_code, response.json()["errors"][0]["attr"]) == (400, attr)

    def test_the_same_key_books_once(self, world: World) -> None:
        given = body(world)
        first, again = (post(world, given, key="monday") for _ in range(2))
        assert first.json() == again.json()
        assert (Series.objects.count(), Appointment.objects.count()) == (1, 4)


@pytest.fixture
def third_date_taken(world: World) -> Appointment:
    return world.book(weeks_later(in_days(7)(9), 2), patient=world.pete)


@pytest.fixture
def second_date_closed(world: World) -> ScheduleException:
    day = weeks_later(in_days(7)(9), 1).date()
    return ScheduleException.objects.create(clinic=world.clinic, start_date=day, end_date=day, closed=True)


@pytest.mark.usefixtures("third_date_taken", "second_date_closed")
class TestDatesThatCannotBeHad:
    def test_one_refuses_all_and_every_bad_date_is_listed(self, world: World) -> None:
        response = post(world, body(world))
        assert refusal(response) == (409, "series_conflict")
        listed = response.json()["conflicts"]
        first = in_days(7)(9)
        assert [(one["date"], one["code"]) for one in listed] == [
            (weeks_later(first, 1).date().isoformat(), "outside_working_hours"),
            (weeks_later(first, 2).date().isoformat(), "slot_taken"),
        ]
        assert all(one["reason"] and one["start"] for one in listed)
        assert Series.objects.count() == 0
        assert Appointment.objects.count() == 1

    def test_skip_books_the_others_and_tells_what_is_left_out(self, world: World) -> None:
        response = post(world, body(world, on_conflict="skip"))
        assert response.status_code == 201
        shown = response.json()
        assert [one["outcome"] for one in shown["dates"]] == ["booked", "refused", "refused", "booked"]
        assert [one["code"] for one in shown["dates"]] == [None, "outside_working_hours", "slot_taken", None]
        assert len(shown["series"]["appointments"]) == 2

    def test_a_dry_run_tells_everything_and_writes_nothing(self, world: World) -> None:
        cells = ClaimedCell.objects.count()
        response = post(world, body(world, dry_run=True))
        assert response.status_code == 200
        shown = response.json()
        assert shown["series"] is None
        assert [one["outcome"] for one in shown["dates"]] == ["free", "refused", "refused", "free"]
        assert (Series.objects.count(), Appointment.objects.count()) == (0, 1)
        assert (ClaimedCell.objects.count(), AppointmentEvent.objects.count()) == (cells, 1)

    def test_outside_hours_lets_the_desk_book_a_closed_day_but_nothing_over_another(self, world: World) -> None:
        listed = post(world, body(world, outside_hours=True)).json()["conflicts"]
        assert [one["code"] for one in listed] == ["slot_taken"]


def test_with_every_date_refused_skip_refuses_too(world: World) -> None:
    WorkingBlock.objects.all().delete()
    assert refusal(post(world, body(world, on_conflict="skip"))) == (409, "series_conflict")


def test_a_date_beyond_the_desks_horizon_is_told(world: World) -> None:
    """Two years ahead the desk does not book; every other week leads there with its last date."""
    response = post(world, body(world, in_days(20)(9), rule={"frequency": "biweekly", "count": 52}))
    assert [one["code"] for one in response.json()["conflicts"]] == ["too_far_ahead"]


def test_a_wall_time_the_clocks_skip_is_among_the_dates(world: World) -> None:
    """The night of 28 March 2027, in Berlin."""
    booking = SeriesBooking(
        patient_id=world.paula.patient.pk,
        practitioner_id=world.petra.practitioner.pk,
        first_date=date(2027, 3, 28),
        start_local=time(2, 30),
        rule=Rule(Frequency.WEEKLY, count=2),
        outside_hours=True,
    )
    now = datetime(2027, 3, 1, tzinfo=RIVERSIDE_ZONE)
    planned = plan_series(actor=UserActor(fresh(world.sam)), clinic=world.clinic, booking=booking, now=now)
    assert [plan.refusal and plan.refusal.code for plan in planned] == ["no_such_local_time", None]


def test_the_number_of_queries_to_plan_is_the_same_for_any_number_of_dates(world: World) -> None:
    client = world.client(world.sam)

    def queries(count: int) -> int:
        given = body(world, rule={"frequency": "weekly", "count": count}, dry_run=True)
        with CaptureQueriesContext(connection) as captured:
            assert len(client.post(SERIES, given).json()["dates"]) == count
        return len(captured)

    assert queries(2) == queries(52) <= 12


@pytest.fixture
def series(world: World) -> Series:
    """Four weeks at nine. The first of them is over."""
    made = world.book_series(in_days(7)(9), count=4)
    _into_the_past(the(made)[0])
    return made


def _into_the_past(appointment: Appointment) -> None:
    past = in_days(-1)(9)
    Appointment.objects.filter(pk=appointment.pk).update(
        starts_at=past,
        ends_at=past + timedelta(minutes=30),
        blocked_from=past,
        blocked_until=past + timedelta(minutes=30),
        local_date=past.date(),
    )


class TestReading:
    def test_the_desk_sees_the_series_with_its_appointments(self, world: World, series: Series) -> None:
        response = world.client(world.sam).get(f"/api/v1/series/{series.pk}")
        assert response.headers["ETag"] == '"1"'
        shown = response.json()
        assert (shown["time"], shown["patient_name"], shown["practitioner_name"]) == ("09:00", "Paula", "Dr Petra")
        assert [one["id"] for one in shown["appointments"]] == [one.pk for one in the(series)]

    def test_a_patient_reads_their_own_without_internal_notes(self, world: World, series: Series) -> None:
        Series.objects.filter(pk=series.pk).update(notes="difficult")
        shown = world.client(world.paula).get(f"/api/v1/series/{series.pk}").json()
        assert "notes" not in shown
        assert all("notes" not in one for one in shown["appointments"])
        assert world.client(world.pete).get(f"/api/v1/series/{series.pk}").status_code == 404

    def test_a_practitioner_sees_the_appointments_that_are_theirs(self, world: World, series: Series) -> None:
        patch(world, series, f"this&appointment={the(series)[1].pk}", practitioner=world.quentin.practitioner.pk)
        shown = world.client(world.petra).get(f"/api/v1/series/{series.pk}").json()
        assert len(shown["appointments"]) == 3


def times(series: Series) -> list[str]:
    return [f"{one.starts_at.astimezone(RIVERSIDE_ZONE):%H:%M}" for one in the(series)]


class TestChanging:
    def test_all_that_is_ahead_moves_and_the_past_stays(self, world: World, series: Series) -> None:
        response = patch(world, series, "all", time="11:00")
        assert response.status_code == 200, response.json()
        assert times(series) == ["09:00", "11:00", "11:00", "11:00"]
        assert response.json()["time"] == "11:00"
        assert response.json()["version"] == 2

    def test_this_moves_one_and_the_series_stays_as_agreed(self, world: World, series: Series) -> None:
        response = patch(world, series, f"this&appointment={the(series)[2].pk}", time="11:00")
        assert times(series) == ["09:00", "09:00", "11:00", "09:00"]
        assert response.json()["time"] == "09:00"

    def test_following_moves_the_rest(self, world: World, series: Series) -> None:
        patch(world, series, f"following&appointment={the(series)[2].pk}", time="11:00")
        assert times(series) == ["09:00", "09:00", "11:00", "11:00"]

    def test_following_may_begin_on_a_date(self, world: World, series: Series) -> None:
        patch(world, series, f"following&from={the(series)[3].local_date}", time="11:00")
        assert times(series) == ["09:00", "09:00", "09:00", "11:00"]

    def test_the_practitioner_changes(self, world: World, series: Series) -> None:
        patch(world, series, "all", practitioner=world.quentin.practitioner.pk)
        quentin = world.quentin.practitioner.pk
        assert [one.practitioner_id == quentin for one in the(series)] == [False, True, True, True]
        assert ClaimedCell.objects.filter(kind="practitioner", owner_id=quentin).count() == 3 * 6

    def test_another_time_is_as_long_as_it_was_whatever_became_of_the_service(
        self, world: World, series: Series
    ) -> None:
        Service.objects.filter(pk=world.check_up.pk).update(duration_minutes=60, active=False)
        assert patch(world, series, "all", time="11:00").status_code == 200
        assert [one.ends_at - one.starts_at for one in the(series)[1:]] == [timedelta(minutes=30)] * 3
        assert {one.service_id for one in the(series)[1:]} == {world.check_up.pk}

    def test_service_that_a_practitioner_does_not_offer_is_refused(self, world: World, series: Series) -> None:
        ServicePractitioner.objects.filter(practitioner=world.quentin.practitioner).delete()
        response = patch(world, series, "all", practitioner=world.quentin.practitioner.pk)
        assert (response.status_code, response.json()["errors"][0]["attr"]) == (400, "service")

    def test_a_longer_service_needs_the_time_behind(self, world: World, series: Series) -> None:
        long = Service.objects.create(clinic=world.clinic, name="Long", duration_minutes=60)
        ServicePractitioner.objects.create(service=long, practitioner=world.petra.practitioner)
        blocking = world.book(the(series)[2].starts_at + timedelta(minutes=30), patient=world.pete)
        response = patch(world, series, "all", service=long.pk)
        assert refusal(response) == (409, "series_conflict")
        assert [one["appointment"] for one in response.json()["conflicts"]] == [the(series)[2].pk]
        Appointment.objects.filter(pk=blocking.pk).delete()
        assert patch(world, series, "all", service=long.pk).status_code == 200
        assert [one.ends_at - one.starts_at for one in the(series)[1:]] == [timedelta(hours=1)] * 3

    def test_one_bad_date_leaves_everything_as_it_was(self, world: World, series: Series) -> None:
        world.book(the(series)[3].starts_at + timedelta(hours=2), patient=world.pete)
        response = patch(world, series, "all", time="11:00")
        assert refusal(response) == (409, "series_conflict")
        assert [one["code"] for one in response.json()["conflicts"]] == ["slot_taken"]
        assert times(series) == ["09:00"] * 4
        assert {one.version for one in the(series)} == {1}

    def test_its_own_appointments_are_not_in_its_way(self, world: World, series: Series) -> None:
        assert patch(world, series, "all", time="09:10").status_code == 200
        assert times(series)[1:] == ["09:10"] * 3

    def test_two_of_it_never_end_on_one_time(self, world: World, series: Series) -> None:
        moved, other = the(series)[1], the(series)[2]
        start = moved.starts_at + timedelta(hours=4)
        world.client(world.sam).patch(f"/api/v1/appointments/{other.pk}", {"start": start.isoformat()})
        response = patch(world, series, "all", time="11:00")
        assert refusal(response) == (409, "series_conflict")
        assert [one["appointment"] for one in response.json()["conflicts"]] == [other.pk]

    def test_notes_change_without_a_move(self, world: World, series: Series) -> None:
        patch(world, series, "all", notes="bring shoes")
        assert [one.notes for one in the(series)] == ["", "bring shoes", "bring shoes", "bring shoes"]
        assert {event.action for event in AppointmentEvent.objects.filter(appointment__in=the(series)[1:])} == {
            "create",
            "edit",
        }

    def test_cancelled_visit_stays_cancelled_and_where_it_was(self, world: World, series: Series) -> None:
        cancelled = the(series)[2]
        world.client(world.sam).post(f"/api/v1/appointments/{cancelled.pk}/cancel")
        patch(world, series, "all", time="11:00")
        assert times(series) == ["09:00", "11:00", "09:00", "11:00"]

    def test_a_promise_to_come_was_for_the_old_time(self, world: World, series: Series) -> None:
        world.client(world.paula).post(f"/api/v1/appointments/{the(series)[1].pk}/confirm")
        patch(world, series, "all", time="11:00")
        assert the(series)[1].attendance_confirmed_at is None

    def test_every_change_has_its_history(self, world: World, series: Series) -> None:
        patch(world, series, "all", time="11:00", by=world.petra)
        for appointment in the(series)[1:]:
            last = AppointmentEvent.objects.filter(appointment=appointment).latest("id")
            assert (last.action, last.actor_id) == ("move", world.petra.pk)
            assert last.from_starts_at != last.to_starts_at == appointment.starts_at

    @pytest.mark.parametrize("scope", ["this", "following"])
    def test_of_the_past_nothing_changes(self, world: World, series: Series, scope: str) -> None:
        past = the(series)[0]
        response = patch(world, series, f"{scope}&appointment={past.pk}", notes="late")
        assert row_of(past).notes == ""
        if scope == "this":
            assert refusal(response) == (409, "transition_not_allowed")

    def test_this_of_another_series_is_not_found(self, world: World, series: Series) -> None:
        other = the(world.book_series(in_days(9)(15)))[0]
        assert refusal(patch(world, series, f"this&appointment={other.pk}", notes="x")) == (404, "not_found")

    @pytest.mark.parametrize("scope", ["this", "following", "none", ""])
    def test_which_is_meant_has_to_be_said(self, world: World, series: Series, scope: str) -> None:
        assert patch(world, series, scope, notes="x").status_code == 400

    def test_a_change_of_nothing_is_refused(self, world: World, series: Series) -> None:
        assert patch(world, series, "all", outside_hours=True).status_code == 400

    def test_a_practitioner_cannot_give_it_to_another(self, world: World, series: Series) -> None:
        quentin = world.quentin.practitioner.pk
        assert refusal(patch(world, series, "all", practitioner=quentin, by=world.petra)) == (403, "permission_denied")

    def test_late_click_sees_the_current_state(self, world: World, series: Series) -> None:
        patch(world, series, "all", notes="first")
        response = patch(world, series, "all", notes="second", version=1)
        assert refusal(response) == (409, "stale_version")
        assert response.json()["current"]["version"] == 2
        assert patch(world, series, "all", notes="second", version=2).status_code == 200


class TestCancelling:
    def test_all_that_is_ahead_is_cancelled_with_its_history(self, world: World, series: Series) -> None:
        response = world.client(world.sam).delete(f"/api/v1/series/{series.pk}?scope=all&reason=moved+away")
        assert response.status_code == 200, response.json()
        assert [one.status for one in the(series)] == ["confirmed", "cancelled", "cancelled", "cancelled"]
        assert the(series)[1].cancel_reason == "moved away"
        events = AppointmentEvent.objects.filter(action="cancel")
        assert [(event.to_status, event.reason) for event in events] == [("cancelled", "moved away")] * 3

    def test_this_and_following(self, world: World, series: Series) -> None:
        client, second, third = world.client(world.petra), the(series)[1], the(series)[2]
        client.delete(f"/api/v1/series/{series.pk}?scope=this&appointment={second.pk}")
        assert [one.status for one in the(series)] == ["confirmed", "cancelled", "confirmed", "confirmed"]
        client.delete(f"/api/v1/series/{series.pk}?scope=following&appointment={third.pk}")
        assert [one.status for one in the(series)] == ["confirmed", "cancelled", "cancelled", "cancelled"]

    def test_the_time_is_free_again(self, world: World, series: Series) -> None:
        world.client(world.sam).delete(f"/api/v1/series/{series.pk}?scope=all")
        assert world.book_series(in_days(14)(9), count=3).pk != series.pk

    def test_a_second_time_there_is_nothing_left(self, world: World, series: Series) -> None:
        client, url = world.client(world.sam), f"/api/v1/series/{series.pk}?scope=all"
        client.delete(url)
        assert refusal(client.delete(url)) == (409, "transition_not_allowed")

    def test_a_series_with_one_given_to_another_practitioner_is_the_desks(self, world: World, series: Series) -> None:
        patch(world, series, f"this&appointment={the(series)[1].pk}", practitioner=world.quentin.practitioner.pk)
        url = f"/api/v1/series/{series.pk}?scope=all"
        assert code_of(world.client(world.petra).delete(url)) == "permission_denied"
        assert {one.status for one in the(series)} == {"confirmed"}
        assert world.client(world.olga).delete(url).status_code == 200
