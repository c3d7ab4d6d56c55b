"""Sam looks for Paula on the pages of patients, the waitlist and messages. No page needs a script."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.models import Appointment
from clinic.messaging.models import InboundMessage
from clinic.outbox.models import DeliveryChannel, Message, MessageState, OptOut
from clinic.people.models import Patient
from clinic.people.services.families import add_family_member
from clinic.scheduling.models import Clinic
from clinic.waitlist.models import WaitlistEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from testkit.clinic.incoming import write
from testkit.clinic.times import in_days
from testkit.clinic.waitlist import wait
from testkit.clinic.world import World, fresh

PAULAS = "+491701111111"


@pytest.fixture
def world(world: World) -> World:
    Patient.objects.filter(pk=world.paula.patient.pk).update(phone=PAULAS)
    return world


def at(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def desk(world: World) -> Client:
    return at(world.sam)


def text_of(response: Any, status: int = 200) -> str:
    assert response.status_code == status, response.content.decode()[:2000]
    return str(response.content.decode())


def page(desk: Client, path: str, status: int = 200, **query: Any) -> str:
    return text_of(desk.get(path, query), status)


def send(desk: Client, path: str, status: int = 200, **fields: Any) -> str:
    """The page that follows."""
    return text_of(desk.post(path, fields, follow=True), status)


def undo(world: World) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(undo_seconds=60)


def record(patient: Patient, more: str = "") -> str:
    return f"/patients/{patient.pk}{more}"


def test_list_shows_next_visit_missed_ones_and_alerts(world: World, desk: Client) -> None:
    Patient.objects.filter(pk=world.paula.patient.pk).update(alert="Allergic to penicillin")
    missed = world.book(in_days(-9)(9))
    Appointment.objects.filter(pk=missed.pk).update(status="no_show")
    world.book(in_days(3)(9, 30))
    shown = page(desk, "/patients")
    for words in ("Paula", "Pete", "Allergic to penicillin", "1 missed", "09:30", "No visit ahead"):
        assert words in shown


def test_search_is_a_form_and_a_fragment(world: World, desk: Client) -> None:
    assert "Pete" not in page(desk, "/patients", search="paul")
    fragment = page(desk, "/patients", search="0170 111", fragment="1")
    assert "Paula" in fragment
    assert "<html" not in fragment
    assert "Nobody is found" in page(desk, "/patients", search="zzz")


def test_list_has_pages_and_the_same_statements_for_many(world: World, desk: Client) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as seen:
            page(desk, "/patients")
        return len(seen)

    statements()
    few = statements()
    Patient.objects.bulk_create(Patient(clinic=world.clinic, name=f"P{number:03}") for number in range(40))
    assert "Page 1 of 2" in page(desk, "/patients")
    assert "P039" in page(desk, "/patients", page=2)
    assert statements() <= few + 1  # A full page is counted.


def test_record_shows_everything_and_alerts_first(world: World, desk: Client) -> None:
    Patient.objects.filter(pk=world.paula.patient.pk).update(alert="Allergic to penicillin")
    world.book(in_days(3)(9))
    wait(world)
    add_family_member(user=fresh(world.paula), name="Mia", now=timezone.now())
    write("Can I bring my dog?", sender=PAULAS)
    shown = page(desk, record(world.paula.patient))
    assert shown.index("Allergic to penicillin") < shown.index("Visits ahead")
    for words in ("Dr Petra", "Confirmed", "Can I bring my dog?", "Mia", "with anybody", 'href="tel:+491701111111"'):
        assert words in shown


def test_practitioner_sees_their_patients_and_no_messages(world: World) -> None:
    petra = at(world.petra)
    assert "Paula" not in page(petra, "/patients")
    page(petra, record(world.paula.patient), 404)
    world.book(in_days(3)(9))
    write("Can I bring my dog?", sender=PAULAS)
    shown = page(petra, record(world.paula.patient))
    assert "Can I bring my dog?" not in shown
    assert record(world.paula.patient, "/edit") not in shown
    page(petra, record(world.paula.patient, "/edit"), 403)
    page(petra, "/messages", 403)


def test_edit_saves_and_shows_refusals_beside_the_field(world: World, desk: Client) -> None:
    edit = record(world.paula.patient, "/edit")
    fields: dict[str, Any] = {
        "name": "Paula Berg",
        "phone": "0170 2222222",
        "alert": "Uses a wheelchair",
        "wants_sms": "on",
    }
    assert "Saved." in send(desk, edit, **fields)
    paula = Patient.objects.get(pk=world.paula.patient.pk)
    assert (paula.name, paula.phone, paula.alert) == ("Paula Berg", "+491702222222", "Uses a wheelchair")
    assert (paula.wants_sms, paula.wants_email) == (True, False)
    assert "not a phone" in send(desk, edit, **{**fields, "phone": "12"})


def test_edit_of_two_desks_overwrites_nothing_unseen(world: World, desk: Client) -> None:
    edit = record(world.paula.patient, "/edit")
    (seen,) = re.findall(r'name="seen" value="([^"]*)"', page(desk, edit))
    fields: dict[str, Any] = {
        "name": "Paula",
        "phone": PAULAS,
        "email": world.paula.patient.email,
        "version": 1,
        "seen": unescape(seen),
    }
    fields |= dict.fromkeys(("wants_sms", "wants_email", "wants_reminders"), "on")
    assert "Saved." in send(desk, edit, **fields, alert="Deaf")
    shown = send(desk, edit, **fields, alert="", birth_date="1985-06-14")
    assert "Somebody else saved this meanwhile" in shown
    assert Patient.objects.get(pk=world.paula.patient.pk).alert == "Deaf"


def test_new_patient(world: World, desk: Client) -> None:
    assert 'value="Gus"' in page(desk, "/patients/new", name="Gus")
    shown = send(desk, "/patients/new", name="Gus", phone="030 1234567", wants_sms="on")
    assert "Gus has a record now." in shown
    assert Patient.objects.get(name="Gus").phone == "+49301234567"


def test_merge_shows_what_moves_then_moves_it(world: World, desk: Client) -> None:
    other = Patient.objects.create(clinic=world.clinic, name="Paula Noted", phone=PAULAS, alert="Deaf")
    booked = world.book(in_days(3)(9))
    Appointment.objects.filter(pk=booked.pk).update(patient=other)
    merge = record(other, "/merge")
    assert "Paula" in page(desk, merge)
    assert "Pete" in page(desk, merge, search="pete")
    preview = page(desk, merge, into=world.paula.patient.pk)
    for words in ("1 visit", "The alert: Deaf", "This record goes", "cannot be undone"):
        assert words in preview
    assert Patient.objects.filter(pk=other.pk).exists()
    shown = send(desk, merge, into=world.paula.patient.pk)
    assert "Paula is one record now." in shown
    gone = page(desk, record(other), 404, fragment="1")
    assert "has become part of another one" in gone
    assert record(world.paula.patient) in gone
    assert "has become part of another one" in send(desk, merge, 404, into=world.paula.patient.pk)


def test_merge_of_visits_at_the_same_time_asks(world: World, desk: Client) -> None:
    other = Patient.objects.create(clinic=world.clinic, name="Paula Noted", phone=PAULAS)
    world.book(in_days(3)(9))
    twin = world.book(in_days(3)(9), practitioner=world.quentin, patient=world.pete)
    Appointment.objects.filter(pk=twin.pk).update(patient=other)
    merge = record(other, "/merge")
    asked = send(desk, merge, into=world.paula.patient.pk)
    assert "Keep both visits" in asked
    assert "09:00 · Dr Quentin" in asked
    assert "is one record now" in send(desk, merge, into=world.paula.patient.pk, allow_overlap="1")


def test_two_people_are_not_shown_as_one_any_more(world: World, desk: Client) -> None:
    other = Patient.objects.create(clinic=world.clinic, name="Paula", phone=PAULAS)
    assert "Possibly the same person" in page(desk, record(other))
    assert "They are two people" in send(desk, record(other, "/distinct"), other=world.paula.patient.pk)
    assert "Possibly the same person" not in page(desk, record(other))


def test_family_is_linked_and_unlinked(world: World, desk: Client) -> None:
    mia = Patient.objects.create(clinic=world.clinic, name="Mia", phone=PAULAS)
    shown = send(desk, record(mia, "/link"), other=world.paula.patient.pk)
    assert "books for them" in shown
    assert "is parted from the account" in send(desk, record(mia, "/unlink"), account=world.paula.pk)


def test_visit_is_moved_and_the_move_undone(world: World, desk: Client) -> None:
    undo(world)
    visit = world.book(in_days(3)(9))
    move = record(world.paula.patient, f"/visits/{visit.pk}/move")
    shown = page(desk, move)
    to = f"{world.petra.practitioner.pk}@{in_days(3)(11).isoformat()}"
    assert "11:00" in shown
    shown = send(desk, move, to=to, version=visit.version)
    assert "Moved." in shown
    assert Appointment.objects.get(pk=visit.pk).starts_at == in_days(3)(11)
    back = record(world.paula.patient, f"/visits/{visit.pk}/undo")
    assert back in shown
    assert "Undone." in send(desk, back, version=visit.version + 1)
    assert Appointment.objects.get(pk=visit.pk).starts_at == in_days(3)(9)


def test_time_that_was_taken_meanwhile_is_refused_in_words(world: World, desk: Client) -> None:
    visit = world.book(in_days(3)(9))
    world.book(in_days(3)(11), patient=world.pete)
    move = record(world.paula.patient, f"/visits/{visit.pk}/move")
    to = f"{world.petra.practitioner.pk}@{in_days(3)(11).isoformat()}"
    assert "This time has just been taken." in send(desk, move, to=to, version=visit.version)


def test_record_of_another_clinic_is_not_there(world: World) -> None:
    otto = at(world.otto)
    for more in ("", "/edit", "/merge"):
        page(otto, record(world.paula.patient, more), 404)


def test_patient_waits_is_offered_a_time_by_hand_and_accepts(world: World, desk: Client) -> None:
    undo(world)
    assert "Paula" in page(desk, "/waitlist/add", search="paula")
    fields: dict[str, Any] = {
        "patient": world.paula.patient.pk,
        "practitioner": world.petra.practitioner.pk,
        "first_date": f"{in_days(3)(9):%Y-%m-%d}",
        "last_date": f"{in_days(5)(9):%Y-%m-%d}",
        "part_of_day": "any",
        "priority": 3,
    }
    shown = send(desk, "/waitlist/add", **fields)
    assert "Paula waits." in shown
    assert "Priority 3" in shown
    entry = WaitlistEntry.objects.get()
    to = f"{world.petra.practitioner.pk}@{in_days(3)(8).isoformat()}"
    assert "08:00" in shown
    shown = send(desk, f"/waitlist/{entry.pk}/offer", to=to)
    assert "Offered to Paula" in shown
    assert "They accept" in shown
    token = entry.offers.get().token
    assert "Paula is booked." in send(desk, f"/waitlist/{entry.pk}/answer", offer=token, answer="accept")
    assert Appointment.objects.get().starts_at == in_days(3)(8)
    assert "Nobody waits" in page(desk, "/waitlist")


def test_offer_is_taken_back_declined_and_the_entry_removed(world: World, desk: Client) -> None:
    entry = wait(world, practitioner_id=world.petra.practitioner.pk)
    to = f"{world.petra.practitioner.pk}@{in_days(3)(8).isoformat()}"
    send(desk, f"/waitlist/{entry.pk}/offer", to=to)
    assert "is taken back" in send(desk, f"/waitlist/{entry.pk}/take-back")
    send(desk, f"/waitlist/{entry.pk}/offer", to=to)
    token = entry.offers.get(state="open").token
    assert "waits on" in send(desk, f"/waitlist/{entry.pk}/answer", offer=token, answer="decline")
    assert "off the waitlist" in send(desk, f"/waitlist/{entry.pk}/remove")
    assert "not possible any more" in send(desk, f"/waitlist/{entry.pk}/offer", to=to)


def test_sms_is_answered_and_the_answer_undone(world: World, desk: Client) -> None:
    undo(world)
    received = write("Can I bring my dog?", sender=PAULAS)
    shown = page(desk, "/messages", phone=PAULAS)
    assert "1 waits for an answer" in shown
    assert f'action="/messages/{received.pk}/reply"' in shown
    back = f"/messages?phone=%2B{PAULAS[1:]}"
    shown = send(desk, f"/messages/{received.pk}/reply", text="Yes, on a lead.", back=back)
    assert "Your reply is sent unless you undo it." in shown
    assert "answered by Sam" in shown
    assert Message.objects.get(kind="reply").recipient == PAULAS
    assert "The reply is not sent." in send(desk, f"/messages/{received.pk}/withdraw", back=back)
    assert "1 waits for an answer" in page(desk, "/messages", patient=world.paula.patient.pk)


def test_refused_reply_keeps_its_words(world: World, desk: Client) -> None:
    received = write("Can I bring my dog?", sender=PAULAS)
    back = f"/messages?phone=%2B{PAULAS[1:]}"
    shown = send(desk, f"/messages/{received.pk}/reply", text="x" * 613, back=back)
    assert "x" * 613 in shown
    OptOut.objects.create(channel=DeliveryChannel.SMS, recipient=PAULAS, source="reply", at=timezone.now())
    assert "wants no SMS" in send(desk, f"/messages/{received.pk}/reply", text="Yes.", back=back)


def test_sms_is_put_aside_and_a_failed_mail_sent_again(world: World, desk: Client) -> None:
    received = write("Can I bring my dog?", sender=PAULAS)
    assert "Put aside." in send(desk, f"/messages/{received.pk}/settle")
    assert InboundMessage.objects.get().settled_by == world.sam
    assert "waits for an answer again" in send(desk, f"/messages/{received.pk}/settle", waits="1")
    world.book(in_days(3)(9))
    mail = Message.objects.get(channel=DeliveryChannel.EMAIL, template="confirmed")
    Message.objects.filter(pk=mail.pk).update(state=MessageState.FAILED, due_at=None)
    assert "Send again" in page(desk, "/messages", patient=world.paula.patient.pk)
    assert "It is sent again." in send(desk, f"/messages/{mail.pk}/send-again")
    assert "on its way" in send(desk, f"/messages/{mail.pk}/send-again")


def test_back_leads_to_our_own_pages_alone(world: World, desk: Client) -> None:
    received = write("Can I bring my dog?", sender=PAULAS)
    for back in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        answer = desk.post(f"/messages/{received.pk}/settle", {"back": back})
        assert answer.headers["Location"] == "/messages"


def test_pages_in_german(world: World, desk: Client) -> None:
    for path in ("/patients", record(world.paula.patient), "/waitlist", "/messages"):
        text_of(desk.get(path, headers={"Accept-Language": "de"}))


def test_undo_is_offered_no_longer_than_the_window(world: World, desk: Client) -> None:
    undo(world)
    received = write("Can I bring my dog?", sender=PAULAS)
    send(desk, f"/messages/{received.pk}/reply", text="Yes.")
    session = desk.session
    session["undo"] = {**session["undo"], "until": (timezone.now() - timedelta(seconds=1)).timestamp()}
    session.save()
    assert "unless you undo it" not in page(desk, "/messages")


def test_family_is_linked_without_a_suggestion(world: World, desk: Client) -> None:
    noah = Patient.objects.create(clinic=world.clinic, name="Noah", phone="+491709999999")
    link = record(noah, "/link")
    assert link in page(desk, record(noah))
    found = page(desk, link, search="Paula")
    assert f'value="{world.paula.patient.pk}"' in found
    assert "Nobody is found" in page(desk, link, search="Noah")
    assert "books for them" in send(desk, link, other=world.paula.patient.pk)


def test_account_of_the_open_record_books_for_the_chosen_one(world: World, desk: Client) -> None:
    noah = Patient.objects.create(clinic=world.clinic, name="Noah")
    link = record(world.paula.patient, "/link")
    assert f'value="{noah.pk}"' in page(desk, link, search="Noah")
    assert "Paula’s account books for Noah now." in send(desk, link, other=noah.pk)


def test_two_records_without_an_account_are_not_linked(world: World, desk: Client) -> None:
    noah, mia = (Patient.objects.create(clinic=world.clinic, name=name) for name in ("Noah", "Mia"))
    assert "Neither record has an account" in send(desk, record(noah, "/link"), other=mia.pk)
