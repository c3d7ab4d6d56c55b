"""The booking page without its scripts: links and forms do all but the live part."""

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl

import pytest
from clinic.accounts.models import User
from clinic.appointments.models import Appointment, Source
from clinic.people.models import FamilyMember, PhoneCode
from clinic.scheduling.models import Clinic, Hold, WaitlistMode
from clinic.waitlist.models import WaitlistEntry
from django.test import Client
from django.utils import timezone

from testkit.clinic.pages import sent_code, text_of
from testkit.clinic.times import At, in_days
from testkit.clinic.world import World

PAGE = "/book/riverside"
GUS = {"name": "Gus Guest", "phone": "+49 170 1234567", "email": "gus@example.org"}


@pytest.fixture
def guest() -> Client:
    return Client(enforce_csrf_checks=True, headers={"Accept": "text/html"})


def signed_in(user: User, *, checks_csrf: bool = False) -> Client:
    client = Client(enforce_csrf_checks=checks_csrf, headers={"Accept": "text/html"})
    client.force_login(user)
    return client


def links_to(response: Any, name: str) -> list[str]:
    return [unescape(href) for href in re.findall(rf'<a class="{name}"[^>]* href="([^"#]+)', response.content.decode())]


def start_at(at: datetime, world: World, **more: Any) -> dict[str, Any]:
    return {**GUS, "start": at.isoformat(), "service": world.check_up.pk, "send": "book", **more}


def test_guest_books_by_links_and_one_form(world: World, guest: Client) -> None:
    first = guest.get(PAGE)
    assert first.status_code == 200
    assert "Check-up" in text_of(first)
    times = links_to(first, "tp-time")
    assert times
    chosen = guest.get(PAGE + times[0])
    you = chosen.content.decode().partition('id="you"')[2]
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)"', you))
    assert form["start"]
    done = guest.post(PAGE, {**form, **GUS, "note": "I am afraid of needles", "send": "book"})
    assert "Your request is with the clinic" in text_of(done)
    visit = Appointment.objects.get()
    assert (visit.source, visit.patient.name, visit.service) == (Source.GUEST, "Gus Guest", world.check_up)
    assert visit.request_note == "I am afraid of needles"


def test_page_needs_no_cookie_and_sets_none_in_a_frame(world: World, guest: Client, tomorrow_at: At) -> None:
    assert not guest.get(PAGE + "?embed=1").cookies
    done = guest.post(PAGE + "?embed=1", start_at(tomorrow_at(9), world))
    assert "Your request is with the clinic" in text_of(done)
    assert not done.cookies


def test_second_click_books_nothing_more(world: World, guest: Client, tomorrow_at: At) -> None:
    pages = [text_of(guest.post(PAGE, start_at(tomorrow_at(9), world))) for _ in (1, 2)]
    assert pages[0] == pages[1]
    assert Appointment.objects.count() == 1


def test_lost_time_is_said_with_the_nearest(world: World, guest: Client, tomorrow_at: At) -> None:
    for practitioner in (world.petra.practitioner, world.quentin.practitioner):
        world.client(world.sam).post(
            "/api/v1/appointments",
            {
                "patient": (world.paula if practitioner == world.petra.practitioner else world.pete).patient.pk,
                "practitioner": practitioner.pk,
                "start": tomorrow_at(9).isoformat(),
            },
        )
    response = guest.post(PAGE, start_at(tomorrow_at(9), world))
    assert response.status_code == 409
    assert "Somebody else has just taken this time" in text_of(response)
    near = links_to(response, "tp-time")[:3]
    assert [datetime.fromisoformat(dict(parse_qsl(href.lstrip("?")))["start"]) for href in near] == [
        tomorrow_at(8),
        tomorrow_at(8, 30),
        tomorrow_at(9, 30),
    ]
    # The typed text is still there.
    assert 'value="Gus Guest"' in response.content.decode()


def test_expired_hold_leads_back_to_the_times(world: World, guest: Client, tomorrow_at: At) -> None:
    held = world.client().post(
        "/api/v1/holds", {"clinic": "riverside", "service": world.check_up.pk, "start": tomorrow_at(9).isoformat()}
    )
    Hold.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    response = guest.post(PAGE, start_at(tomorrow_at(9), world, hold=held.json()["token"]))
    assert response.status_code == 409
    assert "no longer held for you" in text_of(response)
    assert not Appointment.objects.exists()


def test_time_held_for_something_else_is_let_go(world: World, guest: Client, tomorrow_at: At) -> None:
    held = world.client().post(
        "/api/v1/holds", {"clinic": "riverside", "service": world.check_up.pk, "start": tomorrow_at(9).isoformat()}
    )
    response = guest.post(PAGE, start_at(tomorrow_at(10), world, hold=held.json()["token"]))
    assert response.status_code == 409
    assert not Hold.objects.exists()
    assert not Appointment.objects.exists()


def test_held_time_is_booked(world: World, guest: Client, tomorrow_at: At) -> None:
    held = world.client().post(
        "/api/v1/holds", {"clinic": "riverside", "service": world.check_up.pk, "start": tomorrow_at(9).isoformat()}
    )
    guest.post(PAGE, start_at(tomorrow_at(9), world, hold=held.json()["token"]))
    assert Appointment.objects.get().starts_at == tomorrow_at(9)
    assert not Hold.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": ""}, "Tell the clinic who is coming."),
        ({"phone": ""}, "The clinic needs a number to reach you."),
        ({"phone": "12"}, "This is not a phone number."),
        ({"email": "gus"}, "This is not an e-mail address."),
        ({"start": ""}, "Choose"),
    ],
)
def test_refusal_is_a_sentence_with_a_remedy(
    world: World, guest: Client, tomorrow_at: At, wrong: dict[str, str], sentence: str
) -> None:
    response = guest.post(PAGE, start_at(tomorrow_at(9), world, **wrong))
    assert sentence in text_of(response)
    assert not Appointment.objects.exists()


def test_code_is_asked_for_only_where_the_clinic_requires_it(world: World, guest: Client, tomorrow_at: At) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(guests_verify_phone=True)
    asked = guest.post(PAGE, start_at(tomorrow_at(9), world, code=""))
    assert "Code from the SMS" in text_of(asked)
    wrong = guest.post(PAGE, start_at(tomorrow_at(9), world, code="000000"))
    assert "This code is wrong or too old" in text_of(wrong)
    code = sent_code()
    done = guest.post(PAGE, start_at(tomorrow_at(9), world, code=code))
    assert "Your request is with the clinic" in text_of(done)


def test_parent_books_for_the_family(world: World, tomorrow_at: At) -> None:
    parent = signed_in(world.paula)
    for hour, who in ((8, {"patient": str(world.paula.patient.pk)}), (9, {"patient": "new", "new_name": "Mia Miller"})):
        done = parent.post(PAGE, start_at(tomorrow_at(hour), world, **who))
        assert done.status_code == 200
    assert "Mia Miller" in text_of(parent.get(PAGE))
    mia = Appointment.objects.get(starts_at=tomorrow_at(9)).patient
    assert mia.name == "Mia Miller"
    parent.post(PAGE, start_at(tomorrow_at(10), world, patient=str(mia.pk)))
    names = Appointment.objects.order_by("starts_at").values_list("patient__name", flat=True)
    assert list(names) == [world.paula.patient.name, "Mia Miller", "Mia Miller"]


def test_patient_books_for_nobody_elses_family(world: World, tomorrow_at: At) -> None:
    stranger = str(world.pete.patient.pk)
    response = signed_in(world.paula).post(PAGE, start_at(tomorrow_at(9), world, patient=stranger))
    assert response.status_code == 200
    assert not Appointment.objects.exists()


def test_signed_in_patients_form_is_checked_for_forgery(world: World, tomorrow_at: At) -> None:
    client = signed_in(world.paula, checks_csrf=True)
    body = start_at(tomorrow_at(9), world, patient=str(world.paula.patient.pk))
    assert client.post(PAGE, body).status_code == 403
    page = client.get(PAGE).content.decode()
    token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[0]
    assert client.post(PAGE, {**body, "csrfmiddlewaretoken": token}).status_code == 200
    assert Appointment.objects.count() == 1


@pytest.mark.parametrize("path", ["/book/riverside", "/book/riverside?embed", "/status?clinic=riverside"])
def test_form_of_another_site_is_refused(world: World, guest: Client, tomorrow_at: At, path: str) -> None:
    form = {"start": tomorrow_at(9).isoformat(), "name": "Gus Guest", "phone": "+49 170 1234567", "send": "code"}
    refused = guest.post(path, form, headers={"Sec-Fetch-Site": "cross-site"})
    assert refused.status_code == 403
    assert not Appointment.objects.exists()
    assert not PhoneCode.objects.exists()
    assert guest.post(path, form, headers={"Sec-Fetch-Site": "same-origin"}).status_code in (200, 400, 409)


def test_frame_signs_in_no_user(world: World, tomorrow_at: At) -> None:
    response = signed_in(world.paula).get(PAGE + "?embed=1")
    assert world.paula.name not in text_of(response)


def test_page_stands_in_frames_of_named_sites_alone(world: World, guest: Client) -> None:
    def ancestors(path: str) -> tuple[str, str | None]:
        response = guest.get(path)
        policy = response.headers["Content-Security-Policy"]
        return re.findall(r"frame-ancestors ([^;]+)", policy)[0], response.headers.get("X-Frame-Options")

    assert ancestors(PAGE + "?embed=1") == ("'none'", "DENY")
    Clinic.objects.filter(pk=world.clinic.pk).update(embed_origins="https://www.example.org,https://dentist.example")
    assert ancestors(PAGE + "?embed=1") == ("https://www.example.org https://dentist.example", None)
    assert ancestors(PAGE) == ("'none'", "DENY")


def test_guest_waits_where_nothing_suits(world: World, guest: Client) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(waitlist_mode=WaitlistMode.OFFER)
    page = guest.get(PAGE)
    assert "Be told when a time becomes free" in text_of(page)
    wish = {
        **GUS,
        "action": "wait",
        "service": world.check_up.pk,
        "first_date": f"{in_days(2)(0):%Y-%m-%d}",
        "last_date": f"{in_days(9)(0):%Y-%m-%d}",
        "part_of_day": "morning",
    }
    asked = guest.post(PAGE, {**wish, "code": "", "send": "code"})
    assert "Code from the SMS" in text_of(asked)
    code = sent_code()
    done = guest.post(PAGE, {**wish, "code": code, "send": "wait"})
    assert "You are on the waitlist" in text_of(done)
    entry = WaitlistEntry.objects.get()
    assert (entry.patient.name, entry.part_of_day, entry.service) == ("Gus Guest", "morning", world.check_up)


def test_page_of_no_clinic_is_not_there(world: World, guest: Client) -> None:
    assert guest.get("/book/nowhere").status_code == 404
    assert guest.get(f"/book/{world.clinic.pk}").status_code == 404


def test_number_of_statements_is_the_same_for_any_number_of_people(
    world: World, guest: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        world.clinic.practitioners.create(name=f"Dr {number}").services.add(world.check_up)
    with django_assert_max_num_queries(14):
        guest.get(PAGE)


def test_page_speaks_german(world: World, guest: Client) -> None:
    page = guest.get(PAGE, headers={"Accept-Language": "de"})
    assert "Termin buchen" in text_of(page)


def test_owner_finds_link_and_frame_of_the_page_in_the_settings(world: World) -> None:
    page = unescape(signed_in(world.olga).get("/settings/clinic").content.decode())
    assert 'value="http://testserver/book/riverside"' in page
    assert '<iframe src="http://testserver/book/riverside?embed=1"' in page


@pytest.mark.parametrize(("days", "members"), [(9, 1), (500, 0)], ids=["accepted", "refused"])
def test_new_family_member_is_added_with_an_accepted_wish_alone(world: World, days: int, members: int) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(waitlist_mode=WaitlistMode.OFFER)
    wish = {
        "action": "wait",
        "patient": "new",
        "new_name": "Mia Miller",
        "first_date": f"{in_days(2)(0):%Y-%m-%d}",
        "last_date": f"{in_days(days)(0):%Y-%m-%d}",
        "part_of_day": "any",
    }
    assert signed_in(world.paula).post(PAGE, wish).status_code == 200
    assert (FamilyMember.objects.count(), WaitlistEntry.objects.count()) == (members, members)
