"""Days off and other hours, of one practitioner or of the whole clinic."""

from datetime import date, time, timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.models import Appointment
from clinic.scheduling.models import Practitioner, ScheduleException, WorkingBlock

from testkit.clinic.answers import attr_of, refusal
from testkit.clinic.times import in_days
from testkit.clinic.world import World, row_of

URL = "/api/v1/schedule-exceptions"


def day(days: int) -> str:
    return f"{in_days(days)(0):%Y-%m-%d}"


def add(world: World, by: User | None = None, **body: object) -> Any:
    return world.client(by or world.olga).post(URL, {"start_date": day(3), **body})


@pytest.fixture
def afternoon(world: World) -> Appointment:
    return world.book(in_days(3)(15))


class TestCreating:
    def test_the_clinic_is_closed(self, world: World) -> None:
        response = add(world, end_date=day(5), reason="Christmas")
        assert response.status_code == 201
        row = ScheduleException.objects.get()
        assert response.json() == {
            "id": row.pk,
            "practitioner": None,
            "start_date": day(3),
            "end_date": day(5),
            "closed": True,
            "start": None,
            "end": None,
            "reason": "Christmas",
            "version": 1,
            "stranded": [],
        }
        assert (row.clinic_id, row.start_date, row.closed) == (world.clinic.pk, date.fromisoformat(day(3)), True)

    def test_other_hours_of_one_practitioner(self, world: World) -> None:
        response = add(world, practitioner=world.petra.practitioner.pk, start="20:00", end="24:00")
        shown = response.json()
        assert (response.status_code, shown["closed"], shown["start"], shown["end"]) == (201, False, "20:00", "00:00")
        assert (shown["start_date"], shown["end_date"]) == (day(3), day(3))

    def test_the_same_request_again_is_one_exception(self, world: World) -> None:
        client = world.client(world.olga)
        for _ in range(2):
            response = client.post(URL, {"start_date": day(3)}, headers={"Idempotency-Key": "once"})
            assert response.status_code == 201
        assert ScheduleException.objects.count() == 1

    def test_a_practitioner_closes_their_own_day_and_nobody_elses(self, world: World) -> None:
        assert add(world, world.petra, practitioner=world.petra.practitioner.pk).status_code == 201
        quentins = add(world, world.petra, practitioner=world.quentin.practitioner.pk)
        assert refusal(quentins) == (404, "not_found")
        assert refusal(add(world, world.petra)) == (403, "permission_denied")
        assert ScheduleException.objects.count() == 1

    def test_another_clinics_practitioner_is_not_found(self, world: World) -> None:
        olive = Practitioner.objects.create(clinic=world.hillside, name="Dr Olive")
        assert refusal(add(world, practitioner=olive.pk)) == (404, "not_found")

    @pytest.mark.parametrize(
        ("body", "code", "attr"),
        [
            ({"start_date": None}, "null", "start_date"),
            ({"start_date": "soon"}, "invalid", "start_date"),
            ({"end_date": "2020-01-01"}, "dates_not_in_order", "end_date"),
            ({"closed": False}, "required", "start"),
            ({"start": "09:00"}, "required", "end"),
            ({"end": "09:00"}, "required", "start"),
            ({"closed": True, "start": "09:00"}, "required", "end"),
            ({"start": "10:00", "end": "09:00"}, "times_not_in_order", "end"),
            ({"start": "10:00", "end": "10:00"}, "times_not_in_order", "end"),
            ({"start": "10:01", "end": "11:00"}, "off_grid", "start"),
            ({"practitioner": 0}, "min_value", "practitioner"),
            ({"reason": "x" * 201}, "max_length", "reason"),
        ],
        ids=str,
    )
    def test_contradictory_input_is_refused_by_name(
        self, world: World, body: dict[str, Any], code: str, attr: str
    ) -> None:
        response = add(world, **body)
        assert (refusal(response), attr_of(response)) == ((400, code), attr)
        assert ScheduleException.objects.count() == 0


class TestListing:
    @pytest.fixture
    def rows(self, world: World) -> dict[str, int]:
        def make(practitioner: User | None, first: int, last: int) -> int:
            row = ScheduleException.objects.create(
                clinic=world.clinic,
                practitioner=practitioner.practitioner if practitioner else None,
                start_date=date.fromisoformat(day(first)),
                end_date=date.fromisoformat(day(last)),
            )
            return row.pk

        ScheduleException.objects.create(clinic=world.hillside, start_date=date(2026, 1, 1), end_date=date(2030, 1, 1))
        return {
            "clinic": make(None, 1, 3),
            "petra": make(world.petra, 3, 5),
            "quentin": make(world.quentin, 6, 6),
        }

    @pytest.mark.parametrize(
        ("first", "last", "names"),
        [
            (None, None, ["clinic", "petra", "quentin"]),
            (3, 3, ["clinic", "petra"]),
            (4, None, ["petra", "quentin"]),
            (None, 2, ["clinic"]),
            (7, 9, []),
        ],
    )
    def test_by_range_both_ends_included(
        self, world: World, rows: dict[str, int], first: int | None, last: int | None, names: list[str]
    ) -> None:
        query = {name: day(days) for name, days in (("from", first), ("to", last)) if days is not None}
        listed = world.client(world.sam).get(URL, query).json()["results"]
        assert [row["id"] for row in listed] == [rows[name] for name in names]

    def test_of_one_practitioner_with_the_clinics(self, world: World, rows: dict[str, int]) -> None:
        listed = world.client(world.olga).get(URL, {"practitioner": world.petra.practitioner.pk}).json()["results"]
        assert [row["id"] for row in listed] == [rows["clinic"], rows["petra"]]

    def test_a_practitioner_sees_their_own_and_the_clinics(self, world: World, rows: dict[str, int]) -> None:
        listed = world.client(world.petra).get(URL).json()["results"]
        assert [row["id"] for row in listed] == [rows["clinic"], rows["petra"]]
        assert world.client(world.petra).get(f"{URL}/{rows['quentin']}").status_code == 404
        assert world.client(world.petra).get(f"{URL}/{rows['clinic']}").json()["id"] == rows["clinic"]

    def test_a_range_that_ends_before_it_begins_is_refused(self, world: World) -> None:
        response = world.client(world.olga).get(URL, {"from": day(3), "to": day(2)})
        assert (refusal(response), attr_of(response)) == ((400, "dates_not_in_order"), "to")


class TestChanging:
    @pytest.fixture
    def evening(self, world: World) -> ScheduleException:
        return ScheduleException.objects.create(
            clinic=world.clinic,
            practitioner=world.petra.practitioner,
            start_date=date.fromisoformat(day(3)),
            end_date=date.fromisoformat(day(3)),
            closed=False,
            start_local=time(18),
            end_local=time(22),
        )

    def patch(self, world: World, exception: ScheduleException, by: User | None = None, **body: object) -> Any:
        return world.client(by or world.olga).patch(f"{URL}/{exception.pk}", body)

    def test_only_named_fields_change(self, world: World, evening: ScheduleException) -> None:
        shown = self.patch(world, evening, end="20:00", reason="shorter").json()
        assert (shown["start"], shown["end"], shown["reason"]) == ("18:00", "20:00", "shorter")

    def test_a_closed_day_loses_its_hours_by_itself(self, world: World, evening: ScheduleException) -> None:
        shown = self.patch(world, evening, closed=True).json()
        assert (shown["closed"], shown["start"], shown["end"]) == (True, None, None)

    def test_hours_open_a_closed_day_by_themselves(self, world: World, evening: ScheduleException) -> None:
        self.patch(world, evening, closed=True)
        assert attr_of(self.patch(world, evening, start="09:00")) == "end"
        shown = self.patch(world, evening, start="09:00", end="10:00").json()
        assert (shown["closed"], shown["start"]) == (False, "09:00")

    def test_the_whole_must_make_sense(self, world: World, evening: ScheduleException) -> None:
        assert refusal(self.patch(world, evening, end="17:00")) == (400, "times_not_in_order")
        assert refusal(self.patch(world, evening, start_date=day(4))) == (400, "dates_not_in_order")
        assert refusal(self.patch(world, evening, closed=True, start="17:00")) == (400, "required")

    def test_absence_stays_an_absence_when_its_times_change(self, world: World, evening: ScheduleException) -> None:
        shown = self.patch(world, evening, closed=True, start="12:00", end="14:00").json()
        assert (shown["closed"], shown["start"], shown["end"]) == (True, "12:00", "14:00")
        shown = self.patch(world, evening, end="15:00").json()
        assert (shown["closed"], shown["start"], shown["end"]) == (True, "12:00", "15:00")
        shown = self.patch(world, evening, closed=False).json()
        assert (shown["closed"], shown["start"], shown["end"]) == (False, "12:00", "15:00")

    def test_a_practitioner_changes_their_own_alone(self, world: World, evening: ScheduleException) -> None:
        assert self.patch(world, evening, world.petra, end="21:00").status_code == 200
        assert refusal(self.patch(world, evening, world.quentin, end="20:00")) == (404, "not_found")
        ScheduleException.objects.filter(pk=evening.pk).update(practitioner=None)
        assert refusal(self.patch(world, evening, world.petra, end="20:00")) == (403, "permission_denied")
        deleted = world.client(world.petra).delete(f"{URL}/{evening.pk}")
        assert refusal(deleted) == (403, "permission_denied")

    def test_it_can_be_taken_away(self, world: World, evening: ScheduleException) -> None:
        assert world.client(world.petra).delete(f"{URL}/{evening.pk}").status_code == 204
        assert ScheduleException.objects.count() == 0

    def test_extra_hours_that_go_away_strand_who_is_booked_in_them(
        self, world: World, evening: ScheduleException
    ) -> None:
        booked = world.book(in_days(3)(21))
        client = world.client(world.sam)
        for refused in (
            client.delete(f"{URL}/{evening.pk}"),
            self.patch(world, evening, end="21:00"),
            self.patch(world, evening, start_date=day(4), end_date=day(4)),
        ):
            assert refusal(refused) == (409, "would_strand")
            assert [row["id"] for row in refused.json()["appointments"]] == [booked.pk]
        assert self.patch(world, evening, end="21:00", force=True).json()["stranded"] == [booked.pk]
        assert client.delete(f"{URL}/{evening.pk}?force=true").status_code == 204


class TestStranding:
    def test_a_closed_clinic_lists_everybodys_appointments(self, world: World, afternoon: Appointment) -> None:
        quentins = world.book(in_days(3)(9), practitioner=world.quentin)
        world.book(in_days(4)(9), practitioner=world.quentin)
        refused = add(world)
        assert refusal(refused) == (409, "would_strand")
        assert [row["id"] for row in refused.json()["appointments"]] == [quentins.pk, afternoon.pk]
        assert ScheduleException.objects.count() == 0

    def test_with_force_they_stay_as_they_are(self, world: World, afternoon: Appointment) -> None:
        forced = add(world, force=True)
        assert (forced.status_code, forced.json()["stranded"]) == (201, [afternoon.pk])
        assert row_of(afternoon).status == "confirmed"

    def test_closed_clinic_strands_visits_in_exceptional_hours_too(self, world: World, afternoon: Appointment) -> None:
        add(world, practitioner=world.petra.practitioner.pk, start="08:00", end="18:00")
        refused = add(world)
        assert refusal(refused) == (409, "would_strand")
        assert [row["id"] for row in refused.json()["appointments"]] == [afternoon.pk]

    def test_absence_strands_only_visits_of_its_times(self, world: World, afternoon: Appointment) -> None:
        assert add(world, closed=True, start="08:00", end="10:00").status_code == 201
        refused = add(world, closed=True, start="10:00", end="18:00")
        assert [row["id"] for row in refused.json()["appointments"]] == [afternoon.pk]

    def test_closure_strands_the_night_shift_that_begins_on_its_day(self, world: World) -> None:
        night = in_days(4)(1)
        WorkingBlock.objects.create(
            practitioner=world.petra.practitioner,
            weekday=in_days(3)(0).weekday(),
            start_local=time(22),
            end_local=time(2),
        )
        booked = world.book(night)
        refused = add(world)
        assert refusal(refused) == (409, "would_strand")
        assert [row["id"] for row in refused.json()["appointments"]] == [booked.pk]

    def test_an_exception_of_another_day_or_practitioner_strands_nobody(
        self, world: World, afternoon: Appointment
    ) -> None:
        assert add(world, start_date=day(4)).status_code == 201
        assert add(world, practitioner=world.quentin.practitioner.pk).status_code == 201

    def test_other_hours_that_hold_the_appointment_strand_nobody(self, world: World, afternoon: Appointment) -> None:
        assert add(world, start="15:00", end="15:30").status_code == 201
        assert refusal(add(world, start_date=day(3), closed=True)) == (409, "would_strand")

    def test_a_day_of_the_past_strands_nobody(self, world: World) -> None:
        yesterday = (in_days(-1)(0) - timedelta(days=1)).date()
        assert add(world, start_date=f"{yesterday}", end_date=day(2)).status_code == 201
