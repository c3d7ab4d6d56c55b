from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.scheduling.models import (
    Clinic,
    Hold,
    Practitioner,
    ScheduleException,
    Service,
    ServicePractitioner,
    WorkingBlock,
)

from testkit.clinic.answers import attr_of, refusal
from testkit.clinic.times import At, in_days, this_moment
from testkit.clinic.world import World

Times = Callable[..., list[str]]


def get(world: World, by: User | None = None, *, practitioner_id: int | None = None, **query: Any) -> Any:
    practitioner_id = practitioner_id or world.petra.practitioner.pk
    return world.client(by).get(f"/api/v1/practitioners/{practitioner_id}/slots", {"clinic": "riverside", **query})


def span(first: object, last: object) -> dict[str, Any]:
    return {"from": f"{first:%Y-%m-%d}", "to": f"{last:%Y-%m-%d}"}


@pytest.fixture
def times(world: World, tomorrow_at: At) -> Times:
    """The open times of Petra's tomorrow."""

    def read(**query: Any) -> list[str]:
        response = get(world, **{"date": f"{tomorrow_at(0):%Y-%m-%d}", **query})
        assert response.status_code == 200, response.json()
        return [slot["time"] for slot in response.json()["slots"]]

    return read


@pytest.fixture(autouse=True)
def short_day(world: World) -> None:
    """All work from nine to twelve, and patients book at any notice: tomorrow is open whatever the hour is."""
    WorkingBlock.objects.update(start_local=time(9), end_local=time(12))
    Clinic.objects.filter(pk=world.clinic.pk).update(notice_minutes=0)


def hold(world: World, start: datetime, *, expires_in: timedelta) -> Hold:
    now = datetime.now(UTC)
    end = start + timedelta(minutes=30)
    return Hold.objects.create(
        clinic=world.clinic,
        practitioner=world.petra.practitioner,
        token=f"hold-{start:%H%M}",
        starts_at=start,
        ends_at=end,
        blocked_from=start,
        blocked_until=end,
        expires_at=now + expires_in,
        created_at=now,
    )


ALL_MORNING = ["09:00", "09:30", "10:00", "10:30", "11:00", "11:30"]


@pytest.mark.parametrize("kind", ["practitioners", "doctors", "availability"])
@pytest.mark.parametrize("prefix", ["/api/v1", "/api"])
def test_each_of_the_three_paths_shows_the_open_slots(world: World, tomorrow_at: At, prefix: str, kind: str) -> None:
    path = f"{prefix}/{kind}/{world.petra.practitioner.pk}/slots/"
    day = f"{tomorrow_at(0):%Y-%m-%d}"
    body = world.client().get(path, {"date": day, "clinic": "riverside"}).json()
    assert (body["practitioner"], body["service"]) == (world.petra.practitioner.pk, None)
    assert body["slots"][0] == {
        "start": tomorrow_at(9).isoformat(),
        "end": tomorrow_at(9, 30).isoformat(),
        "date": day,
        "time": "09:00",
    }
    assert [slot["time"] for slot in body["slots"]] == ALL_MORNING


def test_every_slot_that_is_shown_can_be_booked(world: World, tomorrow_at: At, times: Times) -> None:
    client = world.client(world.paula)
    for open_time in times(service=world.check_up.pk):
        given = {
            "practitioner": world.petra.practitioner.pk,
            "service": world.check_up.pk,
            "date": f"{tomorrow_at(0):%Y-%m-%d}",
            "time": open_time,
        }
        assert client.post("/api/v1/appointments", given).status_code == 201, open_time
    assert times() == []


def test_a_range_shows_its_days_both_included(world: World) -> None:
    slots = get(world, **span(in_days(2)(0), in_days(4)(0))).json()["slots"]
    assert [slot["date"] for slot in slots[:: len(ALL_MORNING)]] == [f"{in_days(day)(0):%Y-%m-%d}" for day in (2, 3, 4)]
    assert len(slots) == 3 * len(ALL_MORNING)


def test_a_range_without_an_end_is_one_day(world: World, tomorrow_at: At) -> None:
    day = f"{tomorrow_at(0):%Y-%m-%d}"
    only_from: dict[str, Any] = {"from": day}
    assert get(world, **only_from).json() == get(world, date=day).json()


def test_a_longer_service_has_fewer_starts(world: World, times: Times) -> None:
    hour = Service.objects.create(clinic=world.clinic, name="Filling", duration_minutes=60)
    assert times(service=world.check_up.pk) == ALL_MORNING
    assert times(service=hour.pk) == ALL_MORNING[:-1]


def test_buffers_keep_a_distance_to_what_is_booked(world: World, tomorrow_at: At, times: Times) -> None:
    world.book(tomorrow_at(10))
    careful = Service.objects.create(
        clinic=world.clinic, name="Surgery", duration_minutes=30, buffer_before_minutes=5, buffer_after_minutes=5
    )
    assert times() == ["09:00", "09:30", "10:30", "11:00", "11:30"]
    assert times(service=careful.pk) == ["09:00", "11:00", "11:30"]


def test_booked_time_is_closed_and_cancelled_time_open(world: World, tomorrow_at: At, times: Times) -> None:
    appointment = world.book(tomorrow_at(9, 45))
    assert times() == ["09:00", "10:30", "11:00", "11:30"]
    world.client(world.sam).post(f"/api/v1/appointments/{appointment.pk}/cancel")
    assert times() == ALL_MORNING


def test_a_pending_request_blocks_its_slot(world: World, tomorrow_at: At, times: Times) -> None:
    world.book(tomorrow_at(10), by=world.paula, now=tomorrow_at(0) - timedelta(days=3))
    assert "10:00" not in times()


def test_appointments_of_others_do_not_matter(world: World, tomorrow_at: At, times: Times) -> None:
    world.book(tomorrow_at(10), practitioner=world.quentin)
    assert times() == ALL_MORNING


def test_a_live_hold_blocks_and_an_expired_one_does_not(world: World, tomorrow_at: At, times: Times) -> None:
    hold(world, tomorrow_at(9), expires_in=timedelta(minutes=5))
    hold(world, tomorrow_at(10), expires_in=timedelta(seconds=-1))
    assert times() == ALL_MORNING[1:]


def test_an_expired_hold_keeps_nobody_from_booking_and_a_live_one_does(world: World, tomorrow_at: At) -> None:
    hold(world, tomorrow_at(9), expires_in=timedelta(minutes=5))
    hold(world, tomorrow_at(10), expires_in=timedelta(seconds=-1))
    client = world.client(world.sam)
    given = {"patient": world.paula.patient.pk, "practitioner": world.petra.practitioner.pk}
    held = client.post("/api/v1/appointments", {**given, "start": tomorrow_at(9).isoformat()})
    assert refusal(held) == (409, "slot_taken")
    assert client.post("/api/v1/appointments", {**given, "start": tomorrow_at(10).isoformat()}).status_code == 201
    with_token = client.post(
        "/api/v1/appointments", {**given, "start": tomorrow_at(9).isoformat(), "hold": "hold-0900"}
    )
    assert with_token.status_code == 201
    assert not Hold.objects.exists()


def test_the_token_of_an_expired_hold_books_nothing(world: World, tomorrow_at: At) -> None:
    hold(world, tomorrow_at(10), expires_in=timedelta(seconds=-1))
    given = {"patient": world.paula.patient.pk, "practitioner": world.petra.practitioner.pk}
    response = world.client(world.sam).post(
        "/api/v1/appointments", {**given, "start": tomorrow_at(10).isoformat(), "hold": "hold-1000"}
    )
    assert refusal(response) == (409, "hold_expired")


def test_a_closed_day_is_closed_for_all_or_for_one(world: World, tomorrow_at: At, times: Times) -> None:
    day = tomorrow_at(0).date()
    quentins: dict[str, Any] = {"practitioner_id": world.quentin.practitioner.pk, "date": day.isoformat()}
    holiday = ScheduleException.objects.create(clinic=world.clinic, start_date=day, end_date=day)
    assert times() == get(world, **quentins).json()["slots"] == []
    holiday.practitioner = world.petra.practitioner
    holiday.save()
    assert times() == []
    assert len(get(world, **quentins).json()["slots"]) == len(ALL_MORNING)


def test_other_hours_replace_the_days(world: World, tomorrow_at: At, times: Times) -> None:
    day = tomorrow_at(0).date()
    ScheduleException.objects.create(
        clinic=world.clinic,
        practitioner=world.petra.practitioner,
        start_date=day,
        end_date=day,
        closed=False,
        start_local=time(17),
        end_local=time(18),
    )
    assert times() == ["17:00", "17:30"]


def test_the_exceptions_of_another_clinic_do_not_matter(world: World, tomorrow_at: At, times: Times) -> None:
    day = tomorrow_at(0).date()
    ScheduleException.objects.create(clinic=world.hillside, start_date=day, end_date=day)
    assert times() == ALL_MORNING


def test_two_blocks_with_a_lunch_break(world: World, tomorrow_at: At, times: Times) -> None:
    WorkingBlock.objects.create(
        practitioner=world.petra.practitioner,
        weekday=tomorrow_at(0).weekday(),
        start_local=time(13, 15),
        end_local=time(14, 15),
    )
    assert times() == [*ALL_MORNING, "13:15", "13:45"]


def test_a_day_of_the_past_has_no_slots(world: World) -> None:
    assert get(world, date=f"{in_days(-1)(0):%Y-%m-%d}").json()["slots"] == []


def test_the_notice_hides_what_is_too_soon(world: World) -> None:
    WorkingBlock.objects.update(start_local=time(0), end_local=time(0))
    Clinic.objects.filter(pk=world.clinic.pk).update(notice_minutes=120)
    slots = get(world, **span(in_days(0)(0), in_days(1)(0))).json()["slots"]
    earliest = min(datetime.fromisoformat(slot["start"]) for slot in slots)
    assert timedelta(minutes=115) < earliest - this_moment() <= timedelta(minutes=155)


def test_the_horizon_hides_what_is_too_far(world: World) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(horizon_days=10)
    slots = get(world, **span(in_days(9)(0), in_days(20)(0))).json()["slots"]
    days = {slot["date"] for slot in slots}
    assert days == {f"{in_days(9)(0):%Y-%m-%d}", f"{in_days(10)(0):%Y-%m-%d}"}


@pytest.mark.parametrize("day", ["0001-01-01", "0001-01-02", "9999-12-30", "9999-12-31"])
def test_the_ends_of_the_calendar_have_no_slots(world: World, day: str) -> None:
    response = get(world, date=day)
    assert (response.status_code, response.json()["slots"]) == (200, [])


@pytest.mark.parametrize(
    ("query", "code", "attr"),
    [
        ({}, "required", "date"),
        ({"to": "2026-12-01"}, "required", "date"),
        ({"date": "2026-02-30"}, "invalid", "date"),
        ({"date": "tomorrow"}, "invalid", "date"),
        ({"from": "2026-12-02", "to": "2026-12-01"}, "invalid", "to"),
        ({"from": "2026-12-01", "to": "2027-01-01"}, "range_too_long", "to"),
        ({"from": "0001-01-01", "to": "9999-12-31"}, "range_too_long", "to"),
        ({"date": "2026-12-01", "service": "0"}, "min_value", "service"),
        ({"date": "2026-12-01", "service": "all"}, "invalid", "service"),
    ],
    ids=str,
)
def test_a_question_that_makes_no_sense_is_refused_by_name(
    world: World, query: dict[str, Any], code: str, attr: str
) -> None:
    response = get(world, **query)
    assert (refusal(response), attr_of(response)) == ((400, code), attr)


def test_thirty_one_days_are_not_too_many(world: World) -> None:
    assert get(world, **span(date(2026, 12, 1), date(2026, 12, 31))).status_code == 200


def test_unknown_person_or_thing_is_not_found(world: World, tomorrow_at: At) -> None:
    day = f"{tomorrow_at(0):%Y-%m-%d}"
    elsewhere = Practitioner.objects.create(clinic=world.hillside, name="Dr Olive")
    elsewheres = Service.objects.create(clinic=world.hillside, name="Whitening", duration_minutes=30)
    retired = Practitioner.objects.create(clinic=world.clinic, name="Dr Retired", active=False)
    for practitioner_id in (10**9, 10**30, elsewhere.pk, retired.pk):
        for viewer in (None, world.sam):
            assert refusal(get(world, viewer, practitioner_id=practitioner_id, date=day)) == (404, "not_found")
    for service_id in (10**9, elsewheres.pk):
        assert refusal(get(world, date=day, service=service_id)) == (404, "not_found")


def test_a_visitor_names_the_clinic_where_there_are_several(world: World, tomorrow_at: At) -> None:
    day = f"{tomorrow_at(0):%Y-%m-%d}"
    for path in ("clinic", "services", "practitioners", f"slots?date={day}"):
        unnamed = world.client().get(f"/api/v1/{path}")
        assert (unnamed.status_code, attr_of(unnamed)) == (400, "clinic")
    for name in ("riverside", str(world.clinic.pk)):
        assert world.client().get("/api/v1/clinic", {"clinic": name}).json()["name"] == "Riverside"


def test_requested_patient_names_the_clinic(world: World, tomorrow_at: At) -> None:
    day, practitioner, service = f"{tomorrow_at(0):%Y-%m-%d}", world.petra.practitioner.pk, world.check_up.pk
    for path in (
        f"practitioners/{practitioner}",
        f"practitioners/{practitioner}/slots?date={day}",
        f"practitioners/{practitioner}/availability",
        f"services/{service}",
        f"slots?date={day}&service={service}",
    ):
        assert world.client().get(f"/api/v1/{path}").status_code == 200, path
    assert refusal(world.client().get(f"/api/v1/practitioners/{10**9}/slots?date={day}")) == (404, "not_found")
    assert refusal(world.client().get(f"/api/v1/services/{10**9}")) == (404, "not_found")


def test_a_practitioner_is_not_found_in_another_clinic(world: World, tomorrow_at: At) -> None:
    path = f"/api/v1/practitioners/{world.petra.practitioner.pk}/slots"
    day = f"{tomorrow_at(0):%Y-%m-%d}"
    assert refusal(world.client().get(path, {"date": day, "clinic": "nowhere"})) == (404, "not_found")
    assert refusal(world.client().get(path, {"date": day, "clinic": "hillside"})) == (404, "not_found")
    assert world.client().get(path, {"date": day, "clinic": "riverside"}).status_code == 200
    assert world.client(world.paula).get(path, {"date": day}).status_code == 200
    assert refusal(world.client(world.otto).get(path, {"date": day, "clinic": "riverside"})) == (404, "not_found")


def test_a_visitor_need_not_name_the_only_clinic(world: World, tomorrow_at: At) -> None:
    User.objects.filter(pk=world.otto.pk).delete()
    Clinic.objects.filter(pk=world.hillside.pk).delete()
    path = f"/api/v1/practitioners/{world.petra.practitioner.pk}/slots"
    assert world.client().get(path, {"date": f"{tomorrow_at(0):%Y-%m-%d}"}).status_code == 200


@pytest.mark.parametrize("path", ["practitioners", "doctors", "profiles/dentists"])
def test_practitioners_under_each_of_their_names(world: World, path: str) -> None:
    Practitioner.objects.create(clinic=world.clinic, name="Dr Retired", active=False)
    client = world.client()
    listed = client.get(f"/api/v1/{path}", {"clinic": "riverside"}).json()["results"]
    assert [shown["name"] for shown in listed] == ["Dr Petra", "Dr Quentin"]
    assert listed[0] == {
        "id": world.petra.practitioner.pk,
        "name": "Dr Petra",
        "specialisation": "",
        "photo": None,
        "specialization": "",
        "services": [world.check_up.pk],
        "active": True,
        "version": 1,
    }
    one = client.get(f"/api/v1/{path}/{listed[0]['id']}", {"clinic": "riverside"})
    assert one.json() == listed[0]


def test_the_services_and_who_offers_them(world: World) -> None:
    retired = Service.objects.create(clinic=world.clinic, name="Leeches", duration_minutes=30, active=False)
    ServicePractitioner.objects.create(service=retired, practitioner=world.petra.practitioner)
    (shown,) = world.client().get("/api/v1/services", {"clinic": "riverside"}).json()["results"]
    assert shown["name"] == "Check-up"
    assert sorted(shown["practitioners"]) == sorted([world.petra.practitioner.pk, world.quentin.practitioner.pk])


def test_the_clinic_shows_its_zone_and_policy(world: World) -> None:
    shown = world.client().get("/api/v1/clinic", {"clinic": "hillside"}).json()
    assert (shown["name"], shown["timezone"]) == ("Hillside", "Europe/London")
    assert world.client(world.paula).get("/api/v1/clinic").json()["slug"] == "riverside"


def test_the_time_of_the_server_and_of_the_clinic(world: World) -> None:
    shown = world.client(world.sam).get("/api/v1/time/now").json()
    assert datetime.fromisoformat(shown["utc"]) - datetime.fromisoformat(shown["clinic"]) < timedelta(milliseconds=2)
    assert (shown["timezone"], datetime.fromisoformat(shown["utc"]).utcoffset()) == ("Europe/Berlin", timedelta(0))
    assert world.client().get("/api/v1/time/now").json()["clinic"] is None


# Closures, absences, nights, alternating weeks


def test_clinic_closure_wins_over_exceptional_hours(world: World, tomorrow_at: At, times: Times) -> None:
    day = tomorrow_at(0).date()
    ScheduleException.objects.create(
        clinic=world.clinic,
        practitioner=world.petra.practitioner,
        start_date=day - timedelta(days=3),
        end_date=day + timedelta(days=3),
        closed=False,
        start_local=time(9),
        end_local=time(12),
    )
    assert times() == ["09:00", "09:30", "10:00", "10:30", "11:00", "11:30"]
    ScheduleException.objects.create(clinic=world.clinic, start_date=day, end_date=day)
    assert times() == []
    body = {"practitioner": world.petra.practitioner.pk, "start": tomorrow_at(9).isoformat()}
    for body_of, user in ((body, world.paula), ({**body, "patient": world.paula.patient.pk}, world.sam)):
        refused = world.client(user).post("/api/v1/appointments", body_of)
        assert refusal(refused) == (400, "outside_working_hours")


def test_absence_with_times_takes_only_those(world: World, tomorrow_at: At, times: Times) -> None:
    day = tomorrow_at(0).date()
    ScheduleException.objects.create(
        clinic=world.clinic,
        practitioner=world.petra.practitioner,
        start_date=day,
        end_date=day + timedelta(days=2),
        start_local=time(9),
        end_local=time(10),
    )
    assert times() == [at for at in ALL_MORNING if not "09:00" <= at < "10:00"]


@pytest.fixture
def night(world: World) -> At:
    """Petra works from 22:00 to 02:00, and nothing else, in the night that begins the day after tomorrow."""
    WorkingBlock.objects.filter(practitioner=world.petra.practitioner).delete()
    WorkingBlock.objects.create(
        practitioner=world.petra.practitioner,
        weekday=in_days(2)(0).weekday(),
        start_local=time(22),
        end_local=time(2),
    )
    return in_days(2)


def test_night_shift_is_open_on_both_days(world: World, night: At) -> None:
    def times_on(start: datetime) -> list[str]:
        return [slot["start"][11:16] for slot in get(world, date=f"{start:%Y-%m-%d}").json()["slots"]]

    assert times_on(night(0)) == ["22:00", "22:30", "23:00", "23:30"]
    assert times_on(in_days(3)(0)) == ["00:00", "00:30", "01:00", "01:30"]


def test_treatment_across_midnight_is_booked_and_blocks_both_days(world: World, night: At) -> None:
    world.check_up.duration_minutes = 60
    world.check_up.save()
    body = {
        "practitioner": world.petra.practitioner.pk,
        "service": world.check_up.pk,
        "start": night(23, 30).isoformat(),
    }
    assert world.client(world.paula).post("/api/v1/appointments", body).status_code == 201
    taken = world.client(world.pete).post("/api/v1/appointments", {**body, "start": in_days(3)(0).isoformat()})
    assert refusal(taken) == (409, "slot_taken")
    late = get(world, date=f"{night(0):%Y-%m-%d}", service=world.check_up.pk).json()["slots"]
    assert [slot["start"][11:16] for slot in late] == ["22:00", "22:30"]


def test_last_start_before_midnight_heeds_what_is_taken_after_it(world: World, night: At) -> None:
    world.book(in_days(3)(0))
    world.check_up.duration_minutes = 60
    world.check_up.save()
    late = get(world, date=f"{night(0):%Y-%m-%d}", service=world.check_up.pk).json()["slots"]
    assert [slot["start"][11:16] for slot in late] == ["22:00", "22:30", "23:00"]


def test_treatment_continues_into_an_adjacent_block_on_its_own_grid(
    world: World, tomorrow_at: At, times: Times
) -> None:
    world.petra.practitioner.working_blocks.all().delete()
    for first, last in ((time(9), time(10, 15)), (time(10, 15), time(11, 15))):
        WorkingBlock.objects.create(
            practitioner=world.petra.practitioner,
            weekday=tomorrow_at(0).weekday(),
            start_local=first,
            end_local=last,
        )
    assert times() == ["09:00", "09:30", "10:00", "10:15", "10:45"]
    body = {"practitioner": world.petra.practitioner.pk}
    for start, status in ((tomorrow_at(10, 30), 400), (tomorrow_at(10), 201)):
        response = world.client(world.paula).post("/api/v1/appointments", {**body, "start": start.isoformat()})
        assert response.status_code == status, response.json()


def test_alternating_weeks_are_open_every_other_week(world: World) -> None:
    day = in_days(3)(0).date()
    world.petra.practitioner.working_blocks.all().delete()
    WorkingBlock.objects.create(
        practitioner=world.petra.practitioner,
        weekday=day.weekday(),
        start_local=time(9),
        end_local=time(9, 30),
        valid_from=day,
        every_weeks=2,
    )
    slots = get(world, **span(day, day + timedelta(days=28))).json()["slots"]
    assert [slot["start"][:10] for slot in slots] == [f"{day + timedelta(days=days)}" for days in (0, 14, 28)]
