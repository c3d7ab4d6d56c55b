"""Pages of a patient's account, as a browser without scripts uses them."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from clinic.accounts.models import ContactClaim, User
from clinic.appointments.models import Appointment
from clinic.people.models import FamilyMember, Patient
from clinic.people.services.families import add_family_member
from clinic.scheduling.models import Clinic, Hold
from clinic.waitlist.models import WaitlistEntry
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from testkit.clinic.times import in_days
from testkit.clinic.world import NEW_PASSWORD, PASSWORD, World, fresh

SIGN_UP = {"name": "Nora Lind", "email": "nora@example.org", "phone": "", "password": PASSWORD, "clinic": "riverside"}


def page_of(user: User) -> Client:
    page = Client()
    page.post("/sign-in", {"username": user.email, "password": PASSWORD})
    return page


def text_of(page: Client, path: str) -> str:
    return re.sub(r"\s+", " ", page.get(path).content.decode())


def starts_in(text: str) -> list[str]:
    return re.findall(r'name="start" value="([^"]+)"', text)


@pytest.fixture
def paula(world: World) -> Client:
    return page_of(world.paula)


def test_sign_up_leads_to_ones_visits_and_asks_for_the_mails_link(world: World) -> None:
    page = Client()
    answer = page.post("/sign-up", SIGN_UP)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/me")
    text = text_of(page, "/me")
    assert "Confirm nora@example.org" in text
    assert Patient.objects.get(name="Nora Lind").user == User.objects.get(name="Nora Lind")


def test_sign_up_answers_alike_for_an_address_that_somebody_has(world: World) -> None:
    answers = [
        Client().post("/sign-up", {**SIGN_UP, "email": email})
        for email in ("nora@example.org", "paula@riverside.example")
    ]
    assert len({(one.status_code, one.headers["Location"]) for one in answers}) == 1
    assert world.paula.email == fresh(world.paula).email


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"name": ""}, "This is needed."),
        ({"email": "nora"}, "This is not an e-mail address."),
        ({"password": "short"}, "too short"),
        ({"phone": "12"}, "phone number"),
    ],
)
def test_refused_sign_up_says_why_and_makes_no_account(world: World, changed: dict[str, str], sentence: str) -> None:
    answer = Client().post("/sign-up", SIGN_UP | changed)
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert not User.objects.filter(name="Nora Lind").exists()


def test_patient_signs_in_to_their_visits(world: World) -> None:
    answer = Client().post("/sign-in", {"username": world.paula.email, "password": PASSWORD})
    assert answer.headers["Location"] == "/me"


def test_visits_of_oneself_and_the_family_stand_in_order(world: World, paula: Client) -> None:
    world.book(in_days(9)(9))
    member = add_family_member(user=world.paula, name="Mia Novak", now=datetime.now(UTC))
    mias = world.book(in_days(8)(9))
    Appointment.objects.filter(pk=mias.pk).update(patient_id=member.patient_id)
    world.book(in_days(7)(9), patient=world.pete)
    text = text_of(paula, "/me")
    first = re.search(r'patient-card me-visit[^>]*data-id="(\d+)"', text)
    assert first is not None
    assert int(first[1]) == mias.pk
    assert text.count("me-visit-head") == 2
    assert "for Mia Novak" in text


def test_many_visits_cost_no_further_statements(
    world: World, paula: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for day in range(7, 14):
        world.book(in_days(day)(9))
    with django_assert_max_num_queries(20):
        paula.get("/me")


def test_visit_is_promised_moved_and_cancelled(world: World, paula: Client) -> None:
    visit = world.book(in_days(9)(9))
    paula.post(f"/me/visits/{visit.pk}/promise", {"version": visit.version})
    visit.refresh_from_db()
    assert visit.attendance_confirmed_at is not None
    starts = starts_in(text_of(paula, f"/me/visits/{visit.pk}/move?date={in_days(10)(9):%Y-%m-%d}"))
    assert paula.post(f"/me/visits/{visit.pk}/move", {"start": starts[0], "version": visit.version}).status_code == 302
    visit.refresh_from_db()
    assert visit.starts_at == datetime.fromisoformat(starts[0])
    assert paula.post(f"/me/visits/{visit.pk}/cancel", {"version": visit.version}).status_code == 302
    visit.refresh_from_db()
    assert visit.status == "cancelled"


def test_too_late_to_cancel_is_said_with_a_way_on(world: World, paula: Client) -> None:
    visit = world.book(in_days(9)(9))
    Clinic.objects.filter(pk=world.clinic.pk).update(cancellation_notice_minutes=30 * 24 * 60)
    answer = paula.post(f"/me/visits/{visit.pk}/cancel")
    assert "Please call the clinic." in answer.content.decode()


def test_booking_again_has_service_practitioner_and_person_chosen(world: World, paula: Client) -> None:
    visit = world.book(in_days(9)(9), service=world.check_up)
    Appointment.objects.filter(pk=visit.pk).update(status="cancelled")
    again = re.findall(r'href="(/me/book\?[^"]+)"', text_of(paula, "/me"))
    address = again[0].replace("&amp;", "&")
    assert f"service={world.check_up.pk}" in address
    starts = starts_in(text_of(paula, f"{address}&date={in_days(9)(9):%Y-%m-%d}"))
    assert paula.post(address, {"start": starts[0]}).headers["Location"] == "/me"
    booked = Appointment.objects.latest("pk")
    assert (booked.service, booked.practitioner_id) == (world.check_up, world.petra.practitioner.pk)
    assert (booked.patient_id, booked.status) == (world.paula.patient.pk, "pending")


def test_time_that_somebody_else_took_is_said(world: World, paula: Client) -> None:
    address = f"/me/book?practitioner={world.petra.practitioner.pk}"
    starts = starts_in(text_of(paula, f"{address}&date={in_days(9)(9):%Y-%m-%d}"))
    world.book(datetime.fromisoformat(starts[0]), patient=world.pete)
    answer = paula.post(f"{address}&date={in_days(9)(9):%Y-%m-%d}", {"start": starts[0]}).content.decode()
    assert "This time has just been taken." in answer


def test_refused_booking_lets_its_held_time_go(world: World, paula: Client) -> None:
    world.book(in_days(9)(9), practitioner=world.quentin)
    body = {"practitioner": world.petra.practitioner.pk, "start": in_days(9)(9).isoformat()}
    held = world.client(world.paula).post("/api/v1/holds", body).json()
    address = f"/me/book?practitioner={world.petra.practitioner.pk}"
    refused = paula.post(address, {"start": body["start"], "hold": held["token"]})
    assert 'id="refusal"' in refused.content.decode()
    assert not Hold.objects.exists()


def test_visit_is_cancelled_in_german_by_the_right_word(world: World, paula: Client) -> None:
    world.book(in_days(9)(9))
    text = paula.get("/me", headers={"Accept-Language": "de"}).content.decode()
    assert ">Absagen</a>" in text


def test_waitlist_opens_with_the_choices_of_the_booking(world: World, paula: Client) -> None:
    petra = world.petra.practitioner.pk
    (link,) = re.findall(r'id="wait" href="([^"]+)"', text_of(paula, f"/me/book?practitioner={petra}"))
    assert f'<option value="{petra}" selected>' in text_of(paula, link.replace("&amp;", "&"))


def test_waitlist_is_joined_and_left(world: World, paula: Client) -> None:
    dates = {"first_date": f"{in_days(8)(9):%Y-%m-%d}", "last_date": f"{in_days(9)(9):%Y-%m-%d}"}
    assert paula.post("/me/waitlist/add", {**dates, "part_of_day": "morning"}).status_code == 302
    (entry,) = WaitlistEntry.objects.filter(patient=world.paula.patient)
    paula.post(f"/me/waitlist/{entry.pk}/leave")
    entry.refresh_from_db()
    assert entry.state == "withdrawn"


def test_family_is_added_corrected_and_removed(world: World, paula: Client) -> None:
    paula.post("/me/family/add", {"name": "Mia Novak", "birth_date": "2019-04-30"})
    (member,) = FamilyMember.objects.filter(user=world.paula)
    paula.post(f"/me/family/{member.patient_id}/edit", {"name": "Mia Nováková", "birth_date": "2019-04-30"})
    assert "Mia Nováková" in text_of(paula, "/me/family")
    paula.post(f"/me/family/{member.patient_id}/remove")
    assert not FamilyMember.objects.filter(user=world.paula).exists()


def test_preferences_and_contact_data_are_changed(world: World, paula: Client) -> None:
    paula.post("/me/preferences", {"language": "de", "wants_email": "on"})
    record = Patient.objects.get(user=world.paula)
    assert (record.language, record.wants_email, record.wants_sms, record.wants_reminders) == ("de", True, False, False)
    changed = {"name": world.paula.name, "email": "paula@elsewhere.example", "phone": world.paula.phone or ""}
    assert "takes your password" in paula.post("/me/profile", changed).content.decode()
    assert paula.post("/me/profile", {**changed, "password": PASSWORD}).status_code == 302
    assert ContactClaim.objects.filter(user=world.paula, value="paula@elsewhere.example").exists()


def test_new_password_keeps_this_page_and_ends_every_other(world: World, paula: Client) -> None:
    other = page_of(world.paula)
    assert (
        "not your password"
        in paula.post("/me/password", {"old_password": "wrong", "new_password": NEW_PASSWORD}).content.decode()
    )
    assert paula.post("/me/password", {"old_password": PASSWORD, "new_password": NEW_PASSWORD}).status_code == 302
    assert paula.get("/me").status_code == 200
    assert other.get("/me").status_code == 302


def test_active_sign_ins_are_shown_and_ended(world: World, paula: Client) -> None:
    other = Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"})
    other.post("/sign-in", {"username": world.paula.email, "password": PASSWORD})
    text = text_of(paula, "/me/account")
    assert "Firefox · Linux" in text
    assert "This one" in text
    (end,) = re.findall(r'action="(/me/sign-ins/\w+/end)"', text)
    paula.post(end)
    assert other.get("/me").status_code == 302
    assert paula.get("/me").status_code == 200


def test_sign_out_everywhere_ends_this_page_as_well(world: World, paula: Client) -> None:
    other = page_of(world.paula)
    paula.post("/me/sign-out-everywhere")
    assert [page.get("/me").status_code for page in (paula, other)] == [302, 302]


def test_phone_is_confirmed_by_a_code(world: World) -> None:
    page = Client()
    page.post("/sign-up", {**SIGN_UP, "phone": "+491701234567"})
    assert page.post("/me/verify/code").headers["Location"] == "/me/verify/phone"
    assert "wrong, or too old" in page.post("/me/verify/phone", {"code": "000000"}).content.decode()


def test_past_visits_stand_apart(world: World, paula: Client) -> None:
    visit = world.book(in_days(9)(9))
    past = datetime.now(UTC) - timedelta(days=3)
    Appointment.objects.filter(pk=visit.pk).update(status="cancelled", updated_at=past)
    text = text_of(paula, "/me")
    assert "No visit is ahead" in text
    assert "Past visits" in text
