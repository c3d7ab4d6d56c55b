"""The owner's settings: every form by a browser without scripts; its refusals, and what others are shown."""

import json
import re
from datetime import time
from io import BytesIO
from typing import Any

import pytest
from clinic.accounts.models import Role, User
from clinic.appointments.models import Appointment
from clinic.clinic_setup.admin import offered_services as service_admin
from clinic.clinic_setup.admin import practitioners as practitioner_admin
from clinic.clinic_setup.serializers.schedules import BLOCK_FIELDS, EXCEPTION_FIELDS
from clinic.outbox.models import Message, MessageTemplate
from clinic.people.admin import accounts as account_admin
from clinic.portal.settings.closures import ClosureForm
from clinic.portal.settings.hours import BlockForm
from clinic.portal.settings.services import ServiceForm
from clinic.portal.settings.staff import MemberForm, PractitionerForm
from clinic.portal.settings.wordings import WordingForm
from clinic.portal.urls import SETTINGS
from clinic.scheduling.models import Clinic, Practitioner, ScheduleException, Service, WorkingBlock
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from testkit.clinic.answers import refusal
from testkit.clinic.pages import at_a_page, errors_of, form_of
from testkit.clinic.times import in_days
from testkit.clinic.world import World

INPUT = re.compile(r"<(input|select|textarea)\b[^>]*>(?:(.*?)</(?:select|textarea)>)?", re.DOTALL)


@pytest.fixture
def owner(world: World) -> Client:
    return at_a_page(world.olga)


PAGES_OF_OWNER = [reverse(pattern.name) for pattern in SETTINGS if "<" not in str(pattern.pattern)]


@pytest.mark.parametrize("url", PAGES_OF_OWNER)
def test_settings_are_for_the_owner_alone(world: World, url: str) -> None:
    answers = {
        name: at_a_page(getattr(world, name, None)).get(url, follow=False).status_code
        for name in ("olga", "sam", "petra", "paula", "nobody")
    }
    is_signpost = url == "/settings"
    assert answers == {
        "olga": 302 if is_signpost else 200,
        "sam": 302 if is_signpost else 403,
        "petra": 302 if is_signpost else 403,
        "paula": 302 if is_signpost else 403,
        "nobody": 302,
    }


def test_rows_of_another_clinic_are_not_found(world: World) -> None:
    off = ScheduleException.objects.create(
        clinic=world.clinic, start_date=in_days(9)(0).date(), end_date=in_days(9)(0).date()
    )
    otto = at_a_page(world.otto)
    urls = [
        reverse("settings-service", args=[world.check_up.pk]),
        reverse("settings-practitioner", args=[world.petra.practitioner.pk]),
        reverse("settings-hours-of", args=[world.petra.practitioner.pk]),
        reverse("settings-closure", args=[off.pk]),
        reverse("settings-member", args=[world.sam.pk]),
    ]
    assert {url: otto.get(url).status_code for url in urls} == dict.fromkeys(urls, 404)
    steps = [
        reverse("settings-service-active", args=[world.check_up.pk]),
        reverse("settings-practitioner-active", args=[world.petra.practitioner.pk]),
        reverse("settings-closure-remove", args=[off.pk]),
        reverse("settings-closure-visits", args=[off.pk]),
        reverse("settings-member-link", args=[world.sam.pk]),
        reverse("settings-member-active", args=[world.sam.pk]),
        reverse("settings-member-photo", args=[world.sam.pk]),
    ]
    assert {url: otto.post(url).status_code for url in steps} == dict.fromkeys(steps, 404)


# The clinic


def test_clinic_page_saves_what_changed(world: World, owner: Client) -> None:
    sent = form_of(owner, "/settings/clinic", name="Riverside Dental", phone="+49 30 123", language="de")
    assert owner.post("/settings/clinic", sent).status_code == 302
    clinic = Clinic.objects.get(pk=world.clinic.pk)
    assert (clinic.name, clinic.phone, clinic.language, clinic.version) == ("Riverside Dental", "+49 30 123", "de", 2)


def test_short_name_of_another_clinic_is_refused(world: World, owner: Client) -> None:
    refused = owner.post("/settings/clinic", form_of(owner, "/settings/clinic", slug="hillside"))
    assert "Another clinic has this short name." in errors_of(refused)
    assert owner.post("/settings/clinic", form_of(owner, "/settings/clinic", slug="riverside-2")).status_code == 302
    assert Clinic.objects.get(pk=world.clinic.pk).slug == "riverside-2"


def test_zone_with_visits_ahead_is_confirmed_first(world: World, owner: Client) -> None:
    world.book(in_days(2)(9))
    refused = owner.post("/settings/clinic", form_of(owner, "/settings/clinic", timezone="Europe/Lisbon"))
    assert "their time on the clinic’s clock changes" in errors_of(refused)
    sent = form_of(owner, "/settings/clinic", timezone="Europe/Lisbon", force="on")
    assert owner.post("/settings/clinic", sent).status_code == 302
    assert Clinic.objects.get(pk=world.clinic.pk).timezone == "Europe/Lisbon"


def test_change_saved_meanwhile_is_shown_beside_ones_own(world: World, owner: Client) -> None:
    sent = form_of(owner, "/settings/clinic", name="Mine")
    world.client(world.olga).patch("/api/v1/clinic", {"name": "Theirs"})
    stale = owner.post("/settings/clinic", sent)
    page = stale.content.decode()
    assert "Somebody else saved this meanwhile." in page
    assert "Saved meanwhile: Theirs" in page
    assert 'value="Mine"' in page
    again = {**sent, "version": stale.context["form"].stamp_version, "seen": stale.context["form"].stamp_seen}
    assert owner.post("/settings/clinic", again).status_code == 302
    assert Clinic.objects.get(pk=world.clinic.pk).name == "Mine"


def test_change_of_another_page_is_in_nobodys_way(world: World, owner: Client) -> None:
    sent = form_of(owner, "/settings/clinic", name="Mine")
    world.client(world.olga).patch("/api/v1/clinic", {"horizon_days": 33})
    assert owner.post("/settings/clinic", sent).status_code == 302
    clinic = Clinic.objects.get(pk=world.clinic.pk)
    assert (clinic.name, clinic.horizon_days) == ("Mine", 33)


# Policy and reminders


def test_policy_is_saved_from_its_sentences(world: World, owner: Client) -> None:
    sent = form_of(
        owner,
        "/settings/policy",
        cancellation_notice_minutes_0="2",
        cancellation_notice_minutes_1="1440",
        auto_confirm="True",
        patient_moves="request",
        sms_countries="de, at",
    )
    saved = owner.post("/settings/policy", sent)
    assert saved.status_code == 302, errors_of(saved)
    clinic = Clinic.objects.get(pk=world.clinic.pk)
    assert clinic.cancellation_notice_minutes == 2880
    assert (clinic.auto_confirm, clinic.patient_moves, clinic.sms_countries) == (True, "request", "AT,DE")


def test_policy_out_of_range_is_refused_in_words(world: World, owner: Client) -> None:
    sent = form_of(owner, "/settings/policy", notice_minutes_0="40", notice_minutes_1="1440", sms_countries="DE, XX")
    refused = errors_of(owner.post("/settings/policy", sent))
    assert "Between 0 minutes and 14 days." in refused
    assert "There is no country XX." in refused
    assert Clinic.objects.get(pk=world.clinic.pk).version == 1


def test_every_setting_of_a_clinic_stands_on_a_page(owner: Client) -> None:
    shown = {
        name
        for url in ("clinic", "policy", "reminders", "walls")
        for name in owner.get(f"/settings/{url}").context["form"].fields
    }
    shown |= {"reminder_minutes"} if "lead_1" in shown else set()
    settings = {field.name for field in Clinic._meta.concrete_fields} - {"id", "version", "created_at"}
    assert settings - shown == set()


def test_reminders_are_saved_as_typed(world: World, owner: Client) -> None:
    sent = form_of(
        owner,
        "/settings/reminders",
        lead_1_0="3",
        lead_1_1="1440",
        lead_3_0="2",
        lead_3_1="60",
        quiet_from="21:00",
        quiet_until="07:30",
    )
    saved = owner.post("/settings/reminders", sent)
    assert saved.status_code == 302, errors_of(saved)
    clinic = Clinic.objects.get(pk=world.clinic.pk)
    assert clinic.reminder_minutes == "4320,180,120"
    assert (clinic.quiet_from, clinic.quiet_until) == (time(21), time(7, 30))
    none = form_of(
        owner,
        "/settings/reminders",
        **{f"lead_{number}_0": "" for number in range(1, 6)},
        quiet_from="",
        quiet_until="",
    )
    assert owner.post("/settings/reminders", none).status_code == 302
    clinic.refresh_from_db()
    assert (clinic.reminder_minutes, clinic.quiet_from) == ("", None)


def test_quiet_hours_without_an_end_are_refused(owner: Client) -> None:
    refused = owner.post("/settings/reminders", form_of(owner, "/settings/reminders", quiet_from="21:00"))
    assert "Quiet hours have a beginning and an end." in errors_of(refused)


# Services


def test_service_is_added_and_changed(world: World, owner: Client) -> None:
    new = form_of(
        owner,
        "/settings/services/new",
        name="Filling",
        duration_minutes="45",
        practitioners=[world.petra.practitioner.pk],
    )
    assert owner.post("/settings/services/new", new).status_code == 302
    made = Service.objects.get(name="Filling")
    assert list(made.practitioners.all()) == [world.petra.practitioner]
    url = f"/settings/services/{made.pk}"
    assert owner.post(url, form_of(owner, url, duration_minutes="50", practitioners=[])).status_code == 302
    made.refresh_from_db()
    assert (made.duration_minutes, made.practitioners.count()) == (50, 0)
    assert "multiple of step size 5" in errors_of(owner.post(url, form_of(owner, url, duration_minutes="52")))


def test_service_with_visits_asks_what_becomes_of_them(world: World, owner: Client) -> None:
    kept = world.book(in_days(2)(9), service=world.check_up)
    cancelled = world.book(in_days(3)(9), service=world.check_up, patient=world.pete)
    url = f"/settings/services/{world.check_up.pk}/active"
    asked = owner.post(url)
    assert asked.context["conflicts"]["count"] == 2
    assert Service.objects.get(pk=world.check_up.pk).active
    done = owner.post(url, {f"visit-{kept.pk}": "keep", f"visit-{cancelled.pk}": "cancel"})
    assert done.status_code == 302
    assert not Service.objects.get(pk=world.check_up.pk).active
    assert statuses(kept, cancelled) == ["confirmed", "cancelled"]
    assert owner.post(url, {"active": "1"}).status_code == 302
    assert Service.objects.get(pk=world.check_up.pk).active


def statuses(*appointments: Appointment) -> list[str]:
    return [Appointment.objects.get(pk=one.pk).status for one in appointments]


# Staff


def test_new_account_is_invited_and_invited_again(world: World, owner: Client) -> None:
    sent = form_of(owner, "/settings/staff/invite", name="Tara Lind", email="tara@riverside.example", role="staff")
    assert owner.post("/settings/staff/invite", sent).status_code == 302
    tara = User.objects.get(name="Tara Lind")
    assert tara.role == Role.STAFF
    assert owner.post(f"/settings/staff/{tara.pk}/link").status_code == 302
    assert Message.objects.filter(template="invitation", recipient="tara@riverside.example").count() == 2


def test_address_of_another_account_is_refused(owner: Client, world: World) -> None:
    sent = form_of(owner, "/settings/staff/invite", name="Twin", email=str(world.sam.email), role="staff")
    refused = owner.post("/settings/staff/invite", sent)
    assert refused.status_code == 200
    assert refused.context["form"].errors["email"]


def test_role_changes_and_last_owner_stays(world: World, owner: Client) -> None:
    url = f"/settings/staff/{world.sam.pk}"
    assert owner.post(url, form_of(owner, url, role="owner")).status_code == 302
    assert User.objects.get(pk=world.sam.pk).role == Role.OWNER
    assert owner.post(url, form_of(owner, url, role="staff")).status_code == 302
    mine = f"/settings/staff/{world.olga.pk}"
    refused = owner.post(mine, form_of(owner, mine, role="staff"))
    assert "A clinic keeps at least one owner." in errors_of(refused)
    assert "A clinic keeps at least one owner." in owner.post(f"{mine}/active").content.decode()


def test_deactivated_account_signs_in_again_once_activated(world: World, owner: Client) -> None:
    url = f"/settings/staff/{world.sam.pk}/active"
    assert owner.post(url).status_code == 302
    assert not User.objects.get(pk=world.sam.pk).is_active
    assert owner.post(url, {"active": "1"}).status_code == 302
    assert User.objects.get(pk=world.sam.pk).is_active


def test_practitioner_is_added_and_leaves_with_decisions(world: World, owner: Client) -> None:
    new = form_of(owner, "/settings/practitioners/new", name="Dr Amara Osei", services=[world.check_up.pk])
    made = owner.post("/settings/practitioners/new", new)
    assert made.headers["Location"] == f"/settings/hours/{Practitioner.objects.get(name='Dr Amara Osei').pk}"
    moved = world.book(in_days(2)(9), service=world.check_up)
    cancelled = world.book(in_days(3)(9), patient=world.pete, service=world.check_up)
    url = f"/settings/practitioners/{world.petra.practitioner.pk}/active"
    asked = owner.post(url)
    rows = {row.appointment.pk: row for row in asked.context["conflicts"]["rows"]}
    to_quentin = rows[moved.pk].times[0][0]
    assert to_quentin.startswith(f"{world.quentin.practitioner.pk}@")
    sent = {f"visit-{moved.pk}": "move", f"to-{moved.pk}": to_quentin, "rest": "cancel"}
    assert owner.post(url, sent).status_code == 302
    moved.refresh_from_db()
    assert (moved.practitioner_id, moved.starts_at) == (world.quentin.practitioner.pk, in_days(2)(9))
    assert statuses(cancelled) == ["cancelled"]
    assert not Practitioner.objects.get(pk=world.petra.practitioner.pk).active


# Closures


def close(day: Any, **more: Any) -> dict[str, Any]:
    return {"who": "", "kind": "closed", "start_date": f"{day:%Y-%m-%d}", "end_date": "", "reason": "Holiday", **more}


def test_closure_without_visits_is_saved_and_undone(world: World, owner: Client) -> None:
    made = owner.post("/settings/closures", close(in_days(5)(0)))
    row = ScheduleException.objects.get()
    assert f"made={row.pk}" in made.headers["Location"]
    assert (row.practitioner, row.closed, row.reason) == (None, True, "Holiday")
    assert "Undo" in owner.get(made.headers["Location"]).content.decode()
    assert owner.post(f"/settings/closures/{row.pk}/remove").status_code == 302
    assert not ScheduleException.objects.exists()


def test_closure_with_visits_lists_them_and_does_what_is_decided(world: World, owner: Client) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(undo_seconds=60)
    day = in_days(5)
    moved, kept, cancelled = (
        world.book(day(9), service=world.check_up),
        world.book(day(10), patient=world.pete, practitioner=world.quentin),
        world.book(day(11), patient=world.pete),
    )
    asked = owner.post("/settings/closures", close(day(0)))
    conflicts = asked.context["conflicts"]
    assert conflicts["sentence"] == "Three visits are booked that day. Move, keep or cancel them."
    assert not ScheduleException.objects.exists()
    times = {row.appointment.pk: row.times for row in conflicts["rows"]}
    assert all(f"{day(0):%Y-%m-%d}" not in value for options in times.values() for value, _words in options)
    first_ones = [options[0][0] for options in times.values()]
    assert len(set(first_ones)) == 3
    half = owner.post("/settings/closures", close(day(0), **{f"visit-{moved.pk}": "keep"}))
    assert half.context["conflicts"]["undecided"]
    sent = close(
        day(0),
        decided="1",
        **{
            f"visit-{moved.pk}": "move",
            f"to-{moved.pk}": first_ones[0],
            f"visit-{kept.pk}": "keep",
            f"visit-{cancelled.pk}": "cancel",
        },
    )
    done = owner.post("/settings/closures", sent)
    row = ScheduleException.objects.get()
    assert done.headers["Location"] == f"/settings/closures/{row.pk}"
    assert statuses(moved, kept, cancelled) == ["confirmed", "confirmed", "cancelled"]
    moved.refresh_from_db()
    assert moved.starts_at.date() != day(9).date()
    page = owner.get(done.headers["Location"])
    assert [one["state"] for one in page.context["outcomes"]] == ["done", "kept", "done"]
    assert [one.appointment.pk for one in page.context["left"]] == [kept.pk]
    undone = owner.post(f"/settings/undo/{cancelled.pk}", {"back": done.headers["Location"]})
    assert undone.headers["Location"] == done.headers["Location"]
    assert statuses(cancelled) == ["confirmed"]
    left = owner.get(done.headers["Location"]).context["left"]
    assert {one.appointment.pk for one in left} == {kept.pk, cancelled.pk}
    later = {f"visit-{kept.pk}": "cancel"}
    assert owner.post(f"{done.headers['Location']}/visits", later).status_code == 302
    assert statuses(kept) == ["cancelled"]


def test_taken_time_is_refused_in_words_and_the_visit_stays(world: World, owner: Client) -> None:
    day, other = in_days(5), in_days(6)
    visit = world.book(day(9))
    world.book(other(9), patient=world.pete)
    sent = close(
        day(0),
        **{f"visit-{visit.pk}": "move", f"to-{visit.pk}": f"{world.petra.practitioner.pk}@{other(9).isoformat()}"},
        decided="1",
    )
    done = owner.post("/settings/closures", sent)
    page = owner.get(done.headers["Location"])
    assert [one["state"] for one in page.context["outcomes"]] == ["refused"]
    assert "This time has just been taken. Choose another one." in page.content.decode()
    assert [one.appointment.pk for one in page.context["left"]] == [visit.pk]


def test_absence_with_times_of_one_practitioner(world: World, owner: Client) -> None:
    day = in_days(5)
    world.book(day(9))
    sent = close(day(0), who=world.petra.practitioner.pk, kind="absent", start_local="13:00", end_local="15:00")
    assert owner.post("/settings/closures", sent).status_code == 302
    row = ScheduleException.objects.get()
    assert (row.practitioner, row.closed, row.start_local, row.end_local) == (
        world.petra.practitioner,
        True,
        time(13),
        time(15),
    )
    url = f"/settings/closures/{row.pk}"
    stale = form_of(owner, url, reason="Course")
    assert owner.post(url, form_of(owner, url, end_local="16:00")).status_code == 302
    shown = owner.post(url, stale)
    assert "Saved meanwhile: 16:00" in shown.content.decode()
    row.refresh_from_db()
    assert (row.end_local, row.reason) == (time(16), "Holiday")


def test_closure_that_ends_before_it_begins_is_refused(world: World, owner: Client) -> None:
    refused = owner.post("/settings/closures", close(in_days(5)(0), end_date=f"{in_days(4)(0):%Y-%m-%d}"))
    assert "The last day is before the first." in errors_of(refused)


def test_year_shows_closures_and_visits_in_few_statements(
    world: World, owner: Client, django_assert_max_num_queries: Any
) -> None:
    day = in_days(5)
    world.book(day(9))
    for _ in range(5):
        ScheduleException.objects.create(
            clinic=world.clinic, start_date=day(0).date(), end_date=day(0).date(), reason="Fair"
        )
    with django_assert_max_num_queries(14):
        page = owner.get(f"/settings/closures?year={day(0).year}")
    cell = re.search(rf'<a [^>]*data-date="{day(0):%Y-%m-%d}"[^>]*>', page.content.decode())
    assert cell is not None
    assert 'data-state="closed"' in cell[0]
    assert "Fair" in cell[0]
    assert "1 visit" in cell[0]


# Hours


def week(
    *rows: tuple[str, str, str], version: str = "", seen: str = "", initial: int = 0, **more: Any
) -> dict[str, Any]:
    sent: dict[str, Any] = {
        "form-TOTAL_FORMS": len(rows),
        "form-INITIAL_FORMS": initial,
        "version": version,
        "seen": seen,
        **more,
    }
    for number, (weekday, start, end) in enumerate(rows):
        sent |= {
            f"form-{number}-weekday": weekday,
            f"form-{number}-start_local": start,
            f"form-{number}-end_local": end,
        }
    return sent


def hours_of(user: User) -> list[tuple[int, time, time, int]]:
    return list(
        WorkingBlock.objects.filter(practitioner=user.practitioner)
        .order_by("weekday", "start_local")
        .values_list("weekday", "start_local", "end_local", "every_weeks")
    )


def test_week_is_saved_with_a_night_and_alternating_weeks(world: World, owner: Client) -> None:
    url = f"/settings/hours/{world.petra.practitioner.pk}"
    formset = owner.get(url).context["formset"]
    sent = week(("0", "08:00", "12:00"), ("4", "20:00", "04:00"), version=formset.stamp_version)
    sent |= {"form-1-every_weeks": "2", "form-1-valid_from": "2026-10-05"}
    saved = owner.post(url, sent)
    assert saved.status_code == 302, saved.content.decode()
    assert hours_of(world.petra) == [(0, time(8), time(12), 1), (4, time(20), time(4), 2)]


def test_hours_that_overlap_are_refused_in_words(world: World, owner: Client) -> None:
    url = f"/settings/hours/{world.petra.practitioner.pk}"
    refused = owner.post(url, week(("0", "08:00", "12:00"), ("0", "11:00", "15:00")))
    assert "Monday" in refused.content.decode()
    assert "overlap." in refused.content.decode()
    assert len(hours_of(world.petra)) == 7


def test_hours_saved_meanwhile_are_shown(world: World, owner: Client) -> None:
    url = f"/settings/hours/{world.petra.practitioner.pk}"
    formset = owner.get(url).context["formset"]
    seen = {"version": formset.stamp_version, "seen": formset.stamp_seen}
    WorkingBlock.objects.filter(practitioner=world.petra.practitioner, weekday__gt=0).delete()
    stale = owner.post(url, week(("2", "08:00", "12:00"), **seen))
    assert "Somebody else saved this meanwhile." in stale.content.decode()
    assert stale.context["formset"].saved_meanwhile
    assert len(hours_of(world.petra)) == 1


def test_closure_made_meanwhile_does_not_hold_up_the_hours(world: World, owner: Client) -> None:
    url = f"/settings/hours/{world.petra.practitioner.pk}"
    formset = owner.get(url).context["formset"]
    seen = {"version": formset.stamp_version, "seen": formset.stamp_seen}
    day = in_days(9)(0).date()
    ScheduleException.objects.create(
        clinic=world.clinic, practitioner=world.petra.practitioner, start_date=day, end_date=day
    )
    assert owner.post(url, week(("2", "08:00", "12:00"), **seen)).status_code == 302


def test_hours_with_visits_in_the_way_are_decided_on_the_page(world: World, owner: Client) -> None:
    visit = world.book(in_days(5)(9))
    url = f"/settings/hours/{world.petra.practitioner.pk}"
    weekday = in_days(5)(9).weekday()
    rows = [(str(number), "12:00" if number == weekday else "08:00", "18:00") for number in range(7)]
    asked = owner.post(url, week(*rows))
    [row] = asked.context["conflicts"]["rows"]
    assert row.appointment.pk == visit.pk
    in_the_morning = f"{world.petra.practitioner.pk}@{in_days(5)(9).isoformat()}"
    assert in_the_morning not in [value for value, _words in row.times]
    done = owner.post(url, {**week(*rows), f"visit-{visit.pk}": "move", f"to-{visit.pk}": row.times[0][0]})
    assert done.status_code == 302
    visit.refresh_from_db()
    assert visit.starts_at != in_days(5)(9)


def test_same_hours_for_several(world: World, owner: Client) -> None:
    both = [world.petra.practitioner.pk, world.quentin.practitioner.pk]
    saved = owner.post("/settings/hours/clinic", {**week(("1", "07:00", "15:00")), "for": both})
    assert saved.status_code == 302
    assert hours_of(world.petra) == hours_of(world.quentin) == [(1, time(7), time(15), 1)]
    assert "Choose for whom" in owner.post("/settings/hours/clinic", week(("1", "07:00", "15:00"))).content.decode()


def test_more_rows_without_scripts(world: World, owner: Client) -> None:
    url = f"/settings/hours/{world.petra.practitioner.pk}"
    page = owner.post(url, {**week(("1", "07:00", "15:00")), "more": "1"})
    assert page.context["formset"].total_form_count() >= 6
    assert len(hours_of(world.petra)) == 7


def test_pages_speak_german(owner: Client) -> None:
    page = owner.get("/settings/policy", headers={"Accept-Language": "de"}).content.decode()
    assert "Patienten können bis" in page
    refused = owner.post("/settings/closures", {"kind": "closed"}, headers={"Accept-Language": "de"})
    assert "Noch nicht gespeichert." in refused.content.decode()


# Messages

CONFIRMED = "/settings/messages/confirmed/sms/en"


def test_wording_is_saved_previewed_and_reset(world: World, owner: Client) -> None:
    assert "own words" not in owner.get("/settings/messages").content.decode()
    assert owner.post(CONFIRMED, form_of(owner, CONFIRMED, body="Until {when}, {patient}!")).status_code == 302
    assert MessageTemplate.objects.get().body == "Until {when}, {patient}!"
    assert "own words" in owner.get("/settings/messages").content.decode()
    shown = owner.post(f"{CONFIRMED}/preview", {"body": "Hello {patient}"}).json()
    assert shown == {"subject": "", "text": "Hello Robin Meyer", "html": "", "faults": []}
    assert owner.post(f"{CONFIRMED}/preview", {"body": "Hello {nobody}"}).json()["faults"]
    assert owner.post(f"{CONFIRMED}/standard").status_code == 302
    assert not MessageTemplate.objects.exists()


def test_unknown_placeholder_is_refused(owner: Client) -> None:
    refused = owner.post(CONFIRMED, form_of(owner, CONFIRMED, body="Hello {nobody}"))
    assert "{nobody} is not known here." in errors_of(refused)
    german = owner.post(f"{CONFIRMED}/preview", {"body": "Hallo {nobody}"}, headers={"Accept-Language": "de"}).json()
    assert german["faults"][0] == "{nobody} ist hier nicht bekannt."


def test_wording_saved_meanwhile_is_shown(world: World, owner: Client) -> None:
    stale = form_of(owner, CONFIRMED, body="Mine {when}")
    owner.post(CONFIRMED, form_of(owner, CONFIRMED, body="Theirs {when}"))
    page = owner.post(CONFIRMED, stale).content.decode()
    assert "Saved meanwhile: Theirs {when}" in page
    assert MessageTemplate.objects.get().body == "Theirs {when}"


def test_unknown_message_is_not_found(owner: Client) -> None:
    assert owner.get("/settings/messages/no-such/sms/en").status_code == 404


def test_seen_values_are_json(owner: Client) -> None:
    assert json.loads(owner.get("/settings/clinic").context["form"].stamp_seen)["slug"] == "riverside"


# The same over the API


def test_conflicts_of_a_closure_with_free_times(world: World, django_assert_max_num_queries: Any) -> None:
    day = in_days(5)
    visits = [
        world.book(day(9), service=world.check_up),
        world.book(day(10), patient=world.pete, service=world.check_up),
        world.book(day(9), patient=world.pete, practitioner=world.quentin),
    ]
    olga = world.client(world.olga)
    query = f"/api/v1/schedule-exceptions/conflicts?start_date={day(0):%Y-%m-%d}"
    with django_assert_max_num_queries(14):
        response = olga.get(query)
    assert response.status_code == 200, response.json()
    shown = response.json()
    assert shown["count"] == 3
    assert [row["id"] for row in shown["appointments"]] == [visits[0].pk, visits[2].pk, visits[1].pk]
    firsts = [(row["free_times"][0]["practitioner"], row["free_times"][0]["start"]) for row in shown["appointments"]]
    assert len(set(firsts)) == 3
    assert all(f"{day(0):%Y-%m-%d}" not in start for _who, start in firsts)
    away = f"{query}&closed=true&start=09:30&end=18:00&practitioner={world.petra.practitioner.pk}"
    assert [row["id"] for row in olga.get(away).json()["appointments"]] == [visits[1].pk]
    assert not ScheduleException.objects.exists()
    assert world.client(world.petra).get(query).status_code == 403


def test_owner_sets_somebodys_photo(world: World, owner: Client) -> None:
    picture = BytesIO()
    Image.new("RGB", (40, 40), "teal").save(picture, "PNG")
    url = f"/settings/staff/{world.sam.pk}/photo"
    saved = owner.post(url, {"photo": SimpleUploadedFile("sam.png", picture.getvalue(), "image/png")})
    assert saved.status_code == 302
    assert User.objects.get(pk=world.sam.pk).photo
    refused = owner.post(url, {"photo": SimpleUploadedFile("sam.png", b"no picture", "image/png")})
    assert refused.context["photo_form"].errors["photo"]
    assert world.client(world.olga).delete(f"/api/v1/staff/{world.sam.pk}/photo").json()["photo"] is None
    assert User.objects.get(pk=world.sam.pk).photo == ""


def test_link_goes_out_again_over_the_api(world: World) -> None:
    olga = world.client(world.olga)
    assert olga.post(f"/api/v1/staff/{world.sam.pk}/invite").status_code == 202
    assert Message.objects.filter(template="password_reset", recipient=world.sam.email).count() == 1
    User.objects.filter(pk=world.sam.pk).update(is_active=False)
    assert olga.post(f"/api/v1/staff/{world.sam.pk}/invite").status_code == 400


WORDING = "/api/v1/message-wordings/confirmed/sms/en"


def test_wording_is_set_read_and_reset_over_the_api(world: World) -> None:
    olga = world.client(world.olga)
    before = olga.get(WORDING).json()
    assert (before["is_own"], before["version"], before["subject"]) == (False, 0, "")
    assert before["body"].count("{") >= 1
    made = olga.put(WORDING, {"body": "Until {when}!", "version": 0}).json()
    assert (made["is_own"], made["body"], made["version"]) == (True, "Until {when}!", 1)
    olga.put(WORDING, {"body": "See you {when}!", "version": 1})
    stale = olga.put(WORDING, {"body": "Mine {when}", "version": 1})
    assert refusal(stale) == (409, "stale_version")
    assert stale.json()["errors"][0]
    assert olga.put(WORDING, {"body": "Hello {nobody}"}).status_code == 400
    shown = {
        (row["template"], row["channel"], row["language"]): row
        for row in olga.get("/api/v1/message-wordings").json()["results"]
    }
    assert shown["confirmed", "sms", "en"]["body"] == "See you {when}!"
    assert olga.delete(WORDING).status_code == 204
    assert olga.get(WORDING).json() == before
    assert olga.get("/api/v1/message-wordings/no-such/sms/en").status_code == 404
    assert world.client(world.otto).get(WORDING).json()["is_own"] is False


# The admin


def test_every_field_that_an_owner_changes_in_the_admin_has_its_place() -> None:
    """Those of the clinic itself: `test_every_setting_of_a_clinic_stands_on_a_page`."""
    steps = {"active", "is_active", "force", "appointments_ahead", "move_to", "clinic"}  # Buttons of the pages.
    same = {"offered_by": "practitioners", "offers": "services", "closed": "kind"}
    pages: dict[Any, set[Any]] = {
        ServiceForm: {*service_admin.OWN_FIELDS, "offered_by"},
        PractitionerForm: {*practitioner_admin.OWN_FIELDS, *practitioner_admin.OWNERS_QUESTIONS},
        BlockForm: {*BLOCK_FIELDS},
        ClosureForm: {*EXCEPTION_FIELDS},
        MemberForm: {*account_admin.PersonAdmin.fields},
        WordingForm: {"subject", "body"},
    }
    for form, fields in pages.items():
        names = {name for one in fields for name in ([one] if isinstance(one, str) else one)}
        assert {same.get(name, name) for name in names - steps} - set(form.base_fields) == set(), form.__name__
