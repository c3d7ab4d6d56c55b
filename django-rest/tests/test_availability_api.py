"""The weekly hours of a practitioner, and what a change of them does to what is booked."""

from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.scheduling.models import Clinic, Practitioner, ScheduleException, WorkingBlock

from testkit.clinic.answers import attr_of, refusal
from testkit.clinic.concurrency import at_once
from testkit.clinic.times import At, in_days
from testkit.clinic.world import World, row_of

EVERY_DAY = [{"weekday": weekday, "start": "08:00", "end": "18:00"} for weekday in range(7)]
MORNINGS = [{"weekday": weekday, "start": "08:00", "end": "12:00"} for weekday in range(7)]


def url_of(world: World, practitioner: User | None = None, name: str = "practitioners/{}/availability") -> str:
    return "/api/v1/" + name.format((practitioner or world.petra).practitioner.pk)


def put(world: World, body: object, *, by: User | None = None, if_match: str | None = None) -> Any:
    headers = {} if if_match is None else {"If-Match": if_match}
    return world.client(by or world.olga).put(url_of(world), body, headers=headers)


def hours_in_database(world: World) -> list[tuple[int, str, str]]:
    blocks = WorkingBlock.objects.filter(practitioner=world.petra.practitioner)
    return [(block.weekday, f"{block.start_local:%H:%M}", f"{block.end_local:%H:%M}") for block in blocks]


def test_night_shifts_and_alternating_weeks_are_kept(world: World) -> None:
    odd = {"weekday": 0, "start": "08:00", "end": "12:00", "valid_from": "2026-11-23", "every_weeks": 2}
    even = {**odd, "start": "09:00", "valid_from": "2026-11-30"}
    night = {"weekday": 4, "start": "22:00", "end": "02:00"}
    response = put(world, {"blocks": [odd, even, night]})
    assert response.status_code == 200, response.json()
    shown = [(one["weekday"], one["start"], one["end"], one["every_weeks"]) for one in response.json()["blocks"]]
    assert shown == [(0, "08:00", "12:00", 2), (0, "09:00", "12:00", 2), (4, "22:00", "02:00", 1)]


class TestReading:
    def test_blocks_and_exceptions_are_shown(self, world: World, tomorrow_at: At) -> None:
        day = tomorrow_at(0).date()
        WorkingBlock.objects.filter(practitioner=world.petra.practitioner, weekday__gt=0).delete()
        own = ScheduleException.objects.create(
            clinic=world.clinic, practitioner=world.petra.practitioner, start_date=day, end_date=day, reason="dentist"
        )
        whole = ScheduleException.objects.create(
            clinic=world.clinic,
            start_date=day,
            end_date=day + timedelta(days=2),
            closed=False,
            start_local=time(9),
            end_local=time(0),
        )
        ScheduleException.objects.create(
            clinic=world.clinic, start_date=day - timedelta(days=9), end_date=day - timedelta(days=8)
        )
        shown = world.client(world.olga).get(url_of(world)).json()
        [block] = WorkingBlock.objects.filter(practitioner=world.petra.practitioner)
        assert shown["practitioner"] == world.petra.practitioner.pk
        assert shown["timezone"] == "Europe/Berlin"
        assert shown["blocks"] == [
            {
                "id": block.pk,
                "weekday": 0,
                "start": "08:00",
                "end": "18:00",
                "valid_from": None,
                "valid_until": None,
                "every_weeks": 1,
            }
        ]
        assert shown["exceptions"] == [
            {
                "id": own.pk,
                "practitioner": world.petra.practitioner.pk,
                "start_date": f"{day}",
                "end_date": f"{day}",
                "closed": True,
                "start": None,
                "end": None,
                "reason": "dentist",
                "version": 1,
            }
        ]
        [clinics] = shown["clinic_exceptions"]
        assert (clinics["id"], clinics["start"], clinics["end"]) == (whole.pk, "09:00", "00:00")

    @pytest.mark.parametrize("name", ["practitioners/{}/availability", "availability/{}"])
    def test_under_each_of_its_names(self, world: World, name: str) -> None:
        response = world.client(world.sam).get(url_of(world, name=name))
        assert (response.status_code, len(response.json()["blocks"])) == (200, 7)

    def test_patients_and_visitors_are_not_told_why(self, world: World, tomorrow_at: At) -> None:
        day = tomorrow_at(0).date()
        ScheduleException.objects.create(
            clinic=world.clinic, practitioner=world.petra.practitioner, start_date=day, end_date=day, reason="ill"
        )
        for viewer in (world.paula, None):
            shown = world.client(viewer).get(url_of(world), {"clinic": "riverside"}).json()
            assert "reason" not in shown["exceptions"][0]

    def test_reading_costs_the_same_for_many_blocks(
        self, world: World, django_assert_max_num_queries: Callable[[int], Any]
    ) -> None:
        client = world.client(world.olga)
        with django_assert_max_num_queries(5):
            client.get(url_of(world))


class TestReplacing:
    def test_sent_rows_equal_the_table(self, world: World) -> None:
        blocks = [
            {"weekday": 0, "start": "08:00", "end": "12:00"},
            {"weekday": 0, "start": "13:00", "end": "17:30", "valid_from": "2027-01-04", "valid_until": "2027-06-30"},
            {"weekday": 4, "start": "18:00", "end": "24:00"},
        ]
        response = put(world, {"blocks": blocks})
        assert response.status_code == 200
        assert response.json()["stranded"] == []
        shown = [{name: value for name, value in block.items() if name != "id"} for block in response.json()["blocks"]]
        assert shown == [
            {**blocks[0], "valid_from": None, "valid_until": None, "every_weeks": 1},
            {**blocks[1], "every_weeks": 1},
            {**blocks[2], "end": "00:00", "valid_from": None, "valid_until": None, "every_weeks": 1},
        ]
        assert hours_in_database(world) == [(0, "08:00", "12:00"), (0, "13:00", "17:30"), (4, "18:00", "00:00")]
        assert WorkingBlock.objects.filter(practitioner=world.quentin.practitioner).count() == 7

    def test_the_slots_follow(self, world: World, tomorrow_at: At) -> None:
        weekday = tomorrow_at(0).weekday()
        put(world, {"blocks": [{"weekday": weekday, "start": "23:00", "end": "00:00"}]})
        slots = world.client().get(
            f"/api/v1/practitioners/{world.petra.practitioner.pk}/slots",
            {"date": f"{tomorrow_at(0):%Y-%m-%d}", "clinic": "riverside"},
        )
        assert [slot["time"] for slot in slots.json()["slots"]] == ["23:00", "23:30"]

    def test_row_as_read_can_be_sent_back_and_changes_nothing(self, world: World, tomorrow_at: At) -> None:
        day = tomorrow_at(0).date()
        for practitioner in (None, world.petra.practitioner):
            ScheduleException.objects.create(
                clinic=world.clinic,
                practitioner=practitioner,
                start_date=day,
                end_date=day,
                closed=False,
                start_local=time(9),
                end_local=time(11),
            )
        client = world.client(world.olga)
        before = client.get(url_of(world))
        after = client.put(url_of(world), before.json(), headers={"If-Match": before.headers["ETag"]})
        assert after.status_code == 200
        assert after.headers["ETag"] == before.headers["ETag"]
        assert ScheduleException.objects.count() == 2
        assert client.get(url_of(world)).json()["version"] == before.json()["version"]

    def test_exceptions_stay_unless_they_are_sent(self, world: World, tomorrow_at: At) -> None:
        day = tomorrow_at(0).date()
        make = ScheduleException.objects.create
        long_ago = make(
            clinic=world.clinic,
            practitioner=world.petra.practitioner,
            start_date=date(2020, 1, 1),
            end_date=date(2020, 1, 1),
        )
        make(clinic=world.clinic, practitioner=world.petra.practitioner, start_date=day, end_date=day)
        quentins = make(clinic=world.clinic, practitioner=world.quentin.practitioner, start_date=day, end_date=day)
        clinics = make(clinic=world.clinic, start_date=day, end_date=day)
        assert len(put(world, {"blocks": EVERY_DAY}).json()["exceptions"]) == 1
        later = {"start_date": f"{day + timedelta(days=3)}", "start": "10:00", "end": "11:00"}
        shown = put(world, {"blocks": EVERY_DAY, "exceptions": [later]}).json()["exceptions"]
        assert [(row["start_date"], row["end_date"], row["closed"]) for row in shown] == [
            (later["start_date"], later["start_date"], False)
        ]
        kept = set(ScheduleException.objects.values_list("pk", flat=True))
        assert {long_ago.pk, quentins.pk, clinics.pk} < kept

    def test_practitioner_without_hours_has_none(self, world: World) -> None:
        assert put(world, {"blocks": []}).json()["blocks"] == []

    def test_staff_and_the_practitioner_themselves_may(self, world: World) -> None:
        for user in (world.sam, world.petra):
            assert put(world, {"blocks": MORNINGS}, by=user).status_code == 200

    def test_a_practitioner_who_left_has_no_schedule(self, world: World) -> None:
        Practitioner.objects.filter(pk=world.petra.practitioner.pk).update(active=False)
        for user in (world.olga, world.petra):
            assert refusal(put(world, {"blocks": []}, by=user)) == (404, "not_found")


@pytest.mark.parametrize(
    ("blocks", "code", "attr"),
    [
        ([{"weekday": 7, "start": "08:00", "end": "12:00"}], "max_value", "blocks.0.weekday"),
        ([{"weekday": -1, "start": "08:00", "end": "12:00"}], "min_value", "blocks.0.weekday"),
        ([{"weekday": 0, "start": "12:00", "end": "08:00"}], "times_not_in_order", "blocks.0.end"),
        ([{"weekday": 0, "start": "08:00", "end": "08:00"}], "times_not_in_order", "blocks.0.end"),
        ([{"weekday": 0, "start": "08:03", "end": "12:00"}], "off_grid", "blocks.0.start"),
        ([{"weekday": 0, "start": "08:00:30", "end": "12:00"}], "off_grid", "blocks.0.start"),
        ([{"weekday": 0, "start": "24:00", "end": "12:00"}], "invalid", "blocks.0.start"),
        ([{"weekday": 0, "start": "08:00\0", "end": "12:00"}], "invalid", "blocks.0.start"),
        ([{"weekday": 0, "start": "08:00"}], "required", "blocks.0.end"),
        ([{"weekday": 0, "start": None, "end": "12:00"}], "null", "blocks.0.start"),
        (
            [{"weekday": 0, "start": "08:00", "end": "12:00", "valid_from": "2027-02-01", "valid_until": "2027-01-31"}],
            "dates_not_in_order",
            "blocks.0.valid_until",
        ),
        ([*MORNINGS, {"weekday": 3, "start": "11:30", "end": "13:00"}], "overlap", "blocks"),
        (
            [{"weekday": 6, "start": "22:00", "end": "02:00"}, {"weekday": 0, "start": "01:00", "end": "05:00"}],
            "overlap",
            "blocks",
        ),
        ([{"weekday": 0, "start": "18:00", "end": "10:30"}], "times_not_in_order", "blocks.0.end"),
        (
            [{"weekday": 0, "start": "08:00", "end": "12:00", "every_weeks": 2}],
            "required",
            "blocks.0.valid_from",
        ),
        ([{"weekday": 0, "start": "08:00", "end": "12:00", "every_weeks": 0}], "min_value", "blocks.0.every_weeks"),
        ([{"weekday": 0, "start": "08:00", "end": "12:00", "every_weeks": 9}], "max_value", "blocks.0.every_weeks"),
        (
            [{"weekday": 0, "start": "20:00", "end": "00:00"}, {"weekday": 0, "start": "23:55", "end": "24:00"}],
            "overlap",
            "blocks",
        ),
        (MORNINGS * 30, "max_length", "blocks"),
        ("mornings", "not_a_list", "blocks"),
        (None, "null", "blocks"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_hours_that_make_no_sense_are_refused_by_name(world: World, blocks: object, code: str, attr: str) -> None:
    response = put(world, {"blocks": blocks})
    assert (refusal(response), attr_of(response)) == ((400, code), attr)
    assert len(hours_in_database(world)) == 7


def test_blocks_at_the_same_hour_of_different_months_do_not_overlap(world: World) -> None:
    summer = {"weekday": 0, "start": "08:00", "end": "12:00", "valid_until": "2027-08-31"}
    winter = {"weekday": 0, "start": "09:00", "end": "13:00", "valid_from": "2027-09-01"}
    assert put(world, {"blocks": [summer, winter]}).status_code == 200
    assert refusal(put(world, {"blocks": [summer, {**winter, "valid_from": "2027-08-30"}]})) == (400, "overlap")


class TestStranding:
    @pytest.fixture
    def afternoon(self, world: World) -> Appointment:
        return world.book(in_days(3)(15))

    def test_a_change_that_would_strand_somebody_lists_them(self, world: World, afternoon: Appointment) -> None:
        response = put(world, {"blocks": MORNINGS})
        assert refusal(response) == (409, "would_strand")
        assert response.json()["count"] == 1
        [listed] = response.json()["appointments"]
        assert listed == {
            "id": afternoon.pk,
            "patient": world.paula.patient.pk,
            "patient_name": "Paula",
            "practitioner": world.petra.practitioner.pk,
            "practitioner_name": "Dr Petra",
            "start": in_days(3)(15).isoformat(),
            "end": in_days(3)(15, 30).isoformat(),
            "status": "confirmed",
        }
        assert (0, "08:00", "18:00") in hours_in_database(world)

    def test_with_force_the_hours_change_and_the_appointment_stays(self, world: World, afternoon: Appointment) -> None:
        response = put(world, {"blocks": MORNINGS, "force": True})
        assert (response.status_code, response.json()["stranded"]) == (200, [afternoon.pk])
        assert hours_in_database(world) == [(weekday, "08:00", "12:00") for weekday in range(7)]
        stays = row_of(afternoon)
        assert (stays.status, stays.starts_at, stays.version) == ("confirmed", afternoon.starts_at, 1)
        assert AppointmentEvent.objects.filter(appointment_id=afternoon.pk).count() == 1

    def test_stranded_visit_does_not_stand_in_the_way_again(self, world: World, afternoon: Appointment) -> None:
        put(world, {"blocks": MORNINGS, "force": True})
        shorter = [{**block, "end": "11:00"} for block in MORNINGS]
        assert put(world, {"blocks": shorter}).json()["stranded"] == []

    def test_visit_booked_outside_hours_on_purpose_is_not_stranded(self, world: World) -> None:
        world.book(in_days(3)(20), outside_hours=True)
        assert put(world, {"blocks": MORNINGS}).status_code == 200

    @pytest.mark.parametrize("status", ["cancelled", "rejected", "no_show", "completed"])
    def test_ended_visit_is_not_stranded(self, world: World, afternoon: Appointment, status: str) -> None:
        Appointment.objects.filter(pk=afternoon.pk).update(status=status)
        assert put(world, {"blocks": MORNINGS}).status_code == 200

    @pytest.mark.parametrize("status", ["pending", "confirmed", "checked_in"])
    def test_everything_active_is(self, world: World, afternoon: Appointment, status: str) -> None:
        Appointment.objects.filter(pk=afternoon.pk).update(status=status)
        assert refusal(put(world, {"blocks": MORNINGS})) == (409, "would_strand")

    def test_another_practitioners_appointments_do_not_matter(self, world: World) -> None:
        world.book(in_days(3)(15), practitioner=world.quentin)
        assert put(world, {"blocks": MORNINGS}).status_code == 200

    def test_hours_that_end_with_their_validity_strand_too(self, world: World, afternoon: Appointment) -> None:
        day_before = in_days(2)(0).date()
        ending = [{**block, "valid_until": f"{day_before}"} for block in EVERY_DAY]
        assert refusal(put(world, {"blocks": ending})) == (409, "would_strand")
        until_the_day = [{**block, "valid_until": f"{day_before + timedelta(days=1)}"} for block in EVERY_DAY]
        assert put(world, {"blocks": until_the_day}).status_code == 200

    def test_an_exception_in_the_same_request_can_save_them(self, world: World, afternoon: Appointment) -> None:
        duty = {"start_date": f"{in_days(3)(0).date()}", "start": "14:00", "end": "16:00"}
        assert put(world, {"blocks": MORNINGS, "exceptions": [duty]}).status_code == 200

    def test_an_exception_in_the_same_request_can_strand_them(self, world: World, afternoon: Appointment) -> None:
        day_off = {"start_date": f"{in_days(3)(0).date()}"}
        refused = put(world, {"blocks": EVERY_DAY, "exceptions": [day_off]})
        assert refusal(refused) == (409, "would_strand")
        assert ScheduleException.objects.count() == 0

    def test_the_first_hundred_are_listed_and_all_are_counted(self, world: World) -> None:
        WorkingBlock.objects.update(start_local=time(0), end_local=time(0))
        for number in range(102):
            world.book(in_days(2)(12) + timedelta(minutes=30 * number))
        body = put(world, {"blocks": []}).json()
        assert (body["count"], len(body["appointments"])) == (102, 100)


class TestTwoPeopleAtOnce:
    def test_the_second_is_shown_what_the_first_wrote(self, world: World) -> None:
        seen = world.client(world.sam).get(url_of(world)).json()["version"]
        assert put(world, {"blocks": MORNINGS, "version": seen}).status_code == 200
        late = put(world, {"blocks": EVERY_DAY, "version": seen}, by=world.sam)
        assert refusal(late) == (409, "stale_version")
        assert [block["end"] for block in late.json()["current"]["blocks"]] == ["12:00"] * 7
        again = put(world, {"blocks": EVERY_DAY, "version": late.json()["current_version"]}, by=world.sam)
        assert again.status_code == 200

    def test_if_match_is_412(self, world: World) -> None:
        etag = world.client(world.sam).get(url_of(world)).headers["ETag"]
        assert put(world, {"blocks": MORNINGS}, if_match=etag).status_code == 200
        assert refusal(put(world, {"blocks": []}, if_match=etag)) == (412, "stale_version")
        assert put(world, {"blocks": []}, if_match="*").status_code == 200


@pytest.mark.race
def test_a_booking_and_a_change_of_hours_at_once_leave_nobody_stranded(committed_world: World) -> None:
    world = committed_world
    Clinic.objects.update(notice_minutes=0)
    for round_number in range(6):
        start = in_days(2 + round_number)(15)
        WorkingBlock.objects.filter(practitioner=world.petra.practitioner).update(end_local=time(18))
        booked, changed = at_once(
            [
                lambda start=start: world.book(start, by=world.paula),  # type: ignore[misc]
                lambda: put(world, {"blocks": MORNINGS}),
            ]
        )
        # The second one saw the change of the first.
        assert isinstance(booked, Appointment) is (changed.status_code == 409), (booked, changed.content)
        Appointment.objects.all().delete()
