"""The owner changes the clinic: its name, its zone, its policy."""

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from clinic.accounts.models import User
from clinic.appointments.models import Appointment
from clinic.changefeed.models import RealtimeEvent
from clinic.clinic_setup.serializers.clinics import ClinicOutput
from clinic.scheduling.models import Clinic

from testkit.clinic.answers import attr_of, refusal
from testkit.clinic.times import in_days
from testkit.clinic.world import World, row_of

URL = "/api/v1/clinic"


def patch(world: World, by: User | None = None, **body: object) -> Any:
    return world.client(by or world.olga).patch(URL, body)


def refreshes(clinic: Clinic) -> list[str]:
    events = RealtimeEvent.objects.filter(clinic_id=clinic.pk, kind="refresh").exclude(
        entity__in=("notification", "schedule")
    )
    return list(events.order_by("seq").values_list("entity", flat=True))


def test_visitors_and_patients_see_the_public_part_alone(world: World) -> None:
    for viewer in (None, world.paula):
        shown = world.client(viewer).get(URL, {"clinic": "riverside"}).json()
        assert set(shown) == ClinicOutput.PUBLIC
    for viewer in (world.olga, world.sam, world.petra):
        shown = world.client(viewer).get(URL).json()
        assert set(shown) > ClinicOutput.PUBLIC
        assert {"auto_confirm", "no_show_after_minutes"} <= set(shown)


def test_the_owner_changes_what_is_named_and_nothing_else(world: World) -> None:
    shown = patch(world, name="Riverside Dental", notice_minutes=240, auto_confirm=True, phone_region="at").json()
    assert (shown["name"], shown["notice_minutes"], shown["auto_confirm"]) == ("Riverside Dental", 240, True)
    row = Clinic.objects.get(pk=world.clinic.pk)
    assert (row.name, row.notice_minutes, row.phone_region, row.slot_minutes) == ("Riverside Dental", 240, "AT", 30)
    assert Clinic.objects.get(pk=world.hillside.pk).name == "Hillside"


def test_nothing_named_changes_nothing(world: World) -> None:
    assert patch(world).status_code == 200
    assert refreshes(world.clinic) == []


@pytest.mark.parametrize(
    ("body", "code", "attr"),
    [
        ({"colour": "red"}, "unknown_field", "colour"),
        ({"slug": "hillside"}, "unique", "slug"),
        ({"slug": "no spaces"}, "invalid", "slug"),
        ({"embed_origins": ["https://www.example.org/path"]}, "invalid", "embed_origins"),
        ({"embed_origins": ["*"]}, "invalid", "embed_origins"),
        ({"embed_origins": ["https://www.example.org"] * 11}, "max_length", "embed_origins"),
        ({"id": 7}, "read_only", "id"),
        ({"created_at": "2020-01-01"}, "unknown_field", "created_at"),
        ({"name": ""}, "blank", "name"),
        ({"name": "x" * 121}, "max_length", "name"),
        ({"timezone": "Europe/Atlantis"}, "invalid_choice", "timezone"),
        ({"timezone": "../../etc/passwd"}, "invalid_choice", "timezone"),
        ({"timezone": None}, "null", "timezone"),
        ({"phone_region": "ZZ"}, "invalid_choice", "phone_region"),
        ({"slot_minutes": 0}, "min_value", "slot_minutes"),
        ({"slot_minutes": 7}, "off_grid", "slot_minutes"),
        ({"slot_minutes": 485}, "max_value", "slot_minutes"),
        ({"hold_minutes": 61}, "max_value", "hold_minutes"),
        ({"horizon_days": 0}, "min_value", "horizon_days"),
        ({"horizon_days": 731}, "max_value", "horizon_days"),
        ({"notice_minutes": -1}, "min_value", "notice_minutes"),
        ({"notice_minutes": "soon"}, "invalid", "notice_minutes"),
        ({"no_show_after_minutes": 4}, "min_value", "no_show_after_minutes"),
        ({"auto_confirm": "maybe"}, "invalid", "auto_confirm"),
        ({"phone": "call us"}, "invalid", "phone"),
        ({"email": "nowhere"}, "invalid", "email"),
        ({"address": "x" * 201}, "max_length", "address"),
        ({"language": "fr"}, "invalid_choice", "language"),
        ({"reminder_minutes": "1440, soon"}, "invalid", "reminder_minutes.1"),
        ({"reminder_minutes": [30]}, "min_value", "reminder_minutes.0"),
        ({"reminder_minutes": [180, 20161]}, "max_value", "reminder_minutes.1"),
        ({"reminder_minutes": [180, 180]}, "invalid", "reminder_minutes"),
        ({"reminder_minutes": [60, 120, 180, 240, 300, 360]}, "max_length", "reminder_minutes"),
        ({"reminder_minutes": None}, "null", "reminder_minutes"),
        ({"reminder_minutes": 180}, "not_a_list", "reminder_minutes"),
        ({"quiet_from": "25:00"}, "invalid", "quiet_from"),
        ({"quiet_from": "21:00"}, "required", "quiet_until"),
    ],
    ids=str,
)
def test_unknown_or_impossible_value_is_refused_by_name(
    world: World, body: dict[str, Any], code: str, attr: str
) -> None:
    before = Clinic.objects.filter(pk=world.clinic.pk).values().get()
    response = patch(world, **{"hold_minutes": 9, **body})
    assert (refusal(response), attr_of(response)) == ((400, code), attr)
    assert Clinic.objects.filter(pk=world.clinic.pk).values().get() == before


def test_every_setting_of_the_clinic_can_be_changed_or_is_known_not_to(world: World) -> None:
    shown = world.client(world.olga).get(URL).json()
    fixed = {"id"}
    saved = patch(world, **{name: value for name, value in shown.items() if name not in fixed}).json()
    assert saved == {**shown, "version": 2}


def test_a_new_name_refreshes_what_dashboards_show(world: World) -> None:
    patch(world, name="Riverside Dental")
    assert refreshes(world.clinic) == ["clinic"]
    assert refreshes(world.hillside) == []


class TestZone:
    def test_without_appointments_ahead_it_simply_changes(self, world: World) -> None:
        over = world.book(in_days(3)(9))
        Appointment.objects.filter(pk=over.pk).update(status="cancelled")
        response = patch(world, timezone="America/New_York")
        assert (response.status_code, response.json()["timezone"]) == (200, "America/New_York")
        assert refreshes(world.clinic) == ["clinic"]

    def test_with_appointments_ahead_it_says_what_happens(self, world: World) -> None:
        booked = world.book(in_days(3)(9))
        response = patch(world, timezone="America/New_York")
        assert (refusal(response), attr_of(response)) == ((409, "zone_has_appointments"), "timezone")
        assert [row["id"] for row in response.json()["appointments"]] == [booked.pk]
        assert Clinic.objects.get(pk=world.clinic.pk).timezone == "Europe/Berlin"

    def test_the_zone_it_has_needs_no_force(self, world: World) -> None:
        world.book(in_days(3)(9))
        assert patch(world, timezone="Europe/Berlin", name="Riverside Dental").status_code == 200

    def test_forced_the_instants_stay_and_dates_are_told_anew(self, world: World) -> None:
        early, late = world.book(in_days(3)(8)), world.book(in_days(3)(17))
        past = world.book(in_days(2)(8))
        long_ago = datetime(2026, 2, 2, 7, tzinfo=UTC)
        Appointment.objects.filter(pk=past.pk).update(
            status="completed",
            starts_at=long_ago,
            ends_at=long_ago.replace(minute=30),
            blocked_from=long_ago,
            blocked_until=long_ago.replace(minute=30),
            local_date="2026-02-02",
        )
        honolulu = ZoneInfo("Pacific/Honolulu")
        assert patch(world, timezone="Pacific/Honolulu", force=True).status_code == 200
        for appointment in (early, late):
            row = row_of(appointment)
            assert row.starts_at == appointment.starts_at
            assert row.local_date == appointment.starts_at.astimezone(honolulu).date()
        assert row_of(early).local_date != early.local_date
        assert f"{row_of(past).local_date}" == "2026-02-01"
        shown = world.client(world.sam).get(f"/api/v1/appointments/{early.pk}").json()
        told = early.starts_at.astimezone(honolulu)
        assert (shown["date"], shown["time"]) == (f"{told:%Y-%m-%d}", f"{told:%H:%M}")

    def test_each_new_date_and_offset_reaches_the_stream(self, world: World) -> None:
        early, late = world.book(in_days(3)(8)), world.book(in_days(3)(17))
        patch(world, timezone="Pacific/Honolulu", force=True)
        updates = RealtimeEvent.objects.filter(clinic_id=world.clinic.pk, entity="appointment", kind="update")

        def local_start(row: Appointment) -> tuple[object, int | None]:
            return row.local_date, row.utc_offset_minutes

        changed = {row.pk for row in (early, late) if local_start(row_of(row)) != local_start(row)}
        assert set(updates.values_list("entity_id", flat=True)) == changed
        assert early.pk in changed


def test_the_owner_says_when_patients_are_reminded_and_when_they_sleep(world: World) -> None:
    shown = patch(world, reminder_minutes=[60, 2880], quiet_from="21:00", quiet_until="08:00", language="de").json()
    assert shown["reminder_minutes"] == [2880, 60]
    assert (shown["quiet_from"], shown["quiet_until"], shown["language"]) == ("21:00:00", "08:00:00", "de")
    row = Clinic.objects.get(pk=world.clinic.pk)
    assert (row.reminder_minutes, row.quiet_from) == ("2880,60", time(21))
    assert patch(world, reminder_minutes=[], quiet_from=None, quiet_until=None).json()["reminder_minutes"] == []


def test_sites_that_show_the_booking_page_are_a_list(world: World) -> None:
    sites = ["https://www.Example.org/", "http://localhost:3000"]
    response = world.client(world.olga).patch("/api/v1/clinic", {"embed_origins": sites})
    assert response.status_code == 200, response.json()
    assert response.json()["embed_origins"] == ["https://www.example.org", "http://localhost:3000"]
