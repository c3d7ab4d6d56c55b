"""Visits keep their local time when the rules of a time zone change: `manage.py zone_changes`."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.clinic_setup.services.zone_changes import zone_changes
from clinic.common import checks
from clinic.common.checks import check_time_zone_tables
from clinic.outbox.models import Message
from clinic.people.models import Patient
from django.core.checks import INFO, WARNING
from django.core.management import call_command
from django.utils import timezone
from pytest_django.fixtures import Settings
from shared_config import is_time_zone, system_zone, zones_that_differ

from testkit.clinic.times import RIVERSIDE_ZONE, in_days
from testkit.clinic.world import World, row_of
from testkit.clinic.zones import booked_by_older_rules

NINE = in_days(30)(9)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _sms_can_be_sent(settings: Settings) -> None:
    settings.SMS_IS_CONFIGURED = True


def run(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("zone_changes", *arguments, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def local_start(visit: Appointment) -> str:
    return f"{row_of(visit).starts_at.astimezone(RIVERSIDE_ZONE):%H:%M}"


@pytest.mark.parametrize("minutes_off", [60, -60])
def test_visit_keeps_the_local_time_of_its_booking(world: World, minutes_off: int) -> None:
    visit = booked_by_older_rules(world, NINE, minutes_off=minutes_off)
    agreed = NINE + timedelta(minutes=minutes_off)
    code, text = run("--yes")
    assert (code, "1 visits keep" in text) == (0, True)
    moved = row_of(visit)
    assert local_start(visit) == f"{agreed:%H:%M}"
    assert moved.ends_at - moved.starts_at == visit.ends_at - visit.starts_at
    assert (moved.local_date, moved.version) == (agreed.date(), visit.version + 1)
    assert moved.utc_offset_minutes == NINE.utcoffset() // timedelta(minutes=1)  # type: ignore[operator]
    assert "No future visit changes" in run("--yes")[1]


def test_list_changes_nothing(world: World) -> None:
    visit = booked_by_older_rules(world, NINE)
    _, text = run("--list")
    assert f"{NINE + HOUR:%Y-%m-%d %H:%M}" in text
    assert row_of(visit).version == visit.version


def test_change_is_in_history_and_told_to_patient_and_clinic(world: World) -> None:
    visit = booked_by_older_rules(world, NINE)
    Message.objects.all().delete()
    run("--yes")
    event = AppointmentEvent.objects.filter(appointment=visit).latest("id")
    assert (event.action, event.actor_kind, event.channel) == ("zone_change", "system", "command")
    told = {(message.template, message.channel) for message in Message.objects.filter(appointment=visit)}
    assert {("zone_changed", "sms"), ("zone_changed", "email"), ("zone_changed_visit", "in_app")} <= told
    sms = Message.objects.get(template="zone_changed", channel="sms")
    offset = (NINE + HOUR).isoformat()[-6:]
    assert f"10:00 (UTC{offset})" in sms.body
    readers = set(Message.objects.filter(template="zone_changed_visit").values_list("user__name", flat=True))
    assert readers == {"Olga", "Sam", "Petra"}


def test_adjacent_visits_move_without_being_in_each_other_s_way(world: World) -> None:
    visits = [booked_by_older_rules(world, NINE + step * HOUR, service=world.check_up) for step in (0, 1, 2)]
    code, _ = run("--yes")
    assert code == 0
    assert [local_start(visit) for visit in visits] == ["10:00", "11:00", "12:00"]


def test_visit_whose_time_is_taken_by_now_stays_and_the_command_fails(world: World) -> None:
    visit = booked_by_older_rules(world, NINE)
    world.book(NINE + HOUR, patient=world.pete)
    code, text = run("--yes")
    assert code == 1
    assert f"Appointment {visit.pk} stays" in text
    assert row_of(visit).starts_at == visit.starts_at


def test_visit_moved_by_raw_sql_has_no_agreed_time_and_is_left_out(world: World) -> None:
    visit = booked_by_older_rules(world, NINE)
    later = {name: getattr(visit, name) + HOUR for name in ("starts_at", "ends_at", "blocked_from", "blocked_until")}
    Appointment.objects.filter(pk=visit.pk).update(**later)
    assert list(zone_changes(now=timezone.now())) == []


def test_visit_without_a_recorded_offset_is_left_out_until_its_tables_are_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = world.book(NINE)
    Appointment.objects.filter(pk=visit.pk).update(utc_offset_minutes=None)
    assert "1 future visits have no recorded offset" in run("--yes")[1]
    assert row_of(visit).utc_offset_minutes is None
    # By the system's tables Riverside is an hour ahead.
    command = "clinic.clinic_setup.management.commands.zone_changes.system_zone"
    monkeypatch.setattr(command, lambda _name: ZoneInfo("Etc/GMT-2"))
    run("--unrecorded=system", "--yes")
    expected = (NINE.replace(tzinfo=None) + 2 * HOUR - NINE.utcoffset()).time()  # type: ignore[operator]
    assert local_start(visit) == f"{expected:%H:%M}"


def test_unrecorded_visit_of_the_locked_tables_only_gets_its_offset(world: World) -> None:
    visit = world.book(NINE)
    Appointment.objects.filter(pk=visit.pk).update(utc_offset_minutes=None)
    run("--unrecorded=locked", "--yes")
    assert row_of(visit).starts_at == visit.starts_at
    assert row_of(visit).utc_offset_minutes == NINE.utcoffset() // timedelta(minutes=1)  # type: ignore[operator]


def test_clinic_that_changes_its_zone_records_the_new_offsets(world: World) -> None:
    visit = world.book(NINE)
    url, body = "/api/v1/clinic", {"timezone": "Asia/Tokyo", "force": True}
    assert world.client(world.olga).patch(url, body).status_code == 200
    assert row_of(visit).utc_offset_minutes == 540
    assert list(zone_changes(now=timezone.now())) == []


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], None]:
    def differ(names: list[str]) -> None:
        monkeypatch.setattr(checks, "zones_that_differ", lambda now: names)

    return differ


def test_check_warns_if_a_clinic_s_zone_differs(world: World, tables: Callable[[list[str]], None]) -> None:
    tables(["America/Vancouver", "Europe/Berlin"])
    [message] = check_time_zone_tables(databases=["default"])
    assert (message.level, "Europe/Berlin" in message.msg) == (WARNING, True)


def test_check_only_informs_if_no_clinic_is_concerned(world: World, tables: Callable[[list[str]], None]) -> None:
    tables(["America/Vancouver"])
    [message] = check_time_zone_tables(databases=["default"])
    assert (message.level, "America/Vancouver" in message.msg) == (INFO, True)
    tables([])
    assert check_time_zone_tables(databases=["default"]) == []


def test_reported_zones_are_known_to_both_tables() -> None:
    for name in zones_that_differ(now=timezone.now()):
        assert is_time_zone(name)
        assert system_zone(name) is not None


def test_patient_of_another_language_is_told_in_it(world: World) -> None:
    Patient.objects.filter(pk=world.paula.patient.pk).update(language="de")
    booked_by_older_rules(world, NINE)
    Message.objects.all().delete()
    run("--yes")
    assert "behält seine Uhrzeit" in Message.objects.get(template="zone_changed", channel="sms").body
