"""Paula answers from her phone. Twilio signs what it tells us; whoever cannot is told nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import urlencode

import pytest
from clinic.appointments.actor import UserActor
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.messaging.models import InboundMessage
from clinic.outbox.models import DeliveryChannel, Message, MessageKind, MessageState, OptOut
from clinic.outbox.optouts import is_opted_out
from clinic.outbox.services import About, NewMessage, queue_message
from clinic.outbox.sms_gate import admit_sms
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic
from clinic.waitlist.models import WaitlistOffer
from clinic.waitlist.services.entries import Wishes, join_waitlist
from pydantic import SecretStr
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient
from twilio.request_validator import RequestValidator

from testkit.clinic.answers import code_of
from testkit.clinic.concurrency import at_once
from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh, row_of

PAULAS = "+491701111111"
PETES = "+491702222222"
OURS = "+15005550006"
ADDRESS = "https://clinic.example"
WEBHOOK = "/api/v1/twilio/webhook"
STATUS = "/api/v1/twilio/status"
FORM = "application/x-www-form-urlencoded"
SIGNER = RequestValidator("made up")
NINE = in_days(3)(9)
numbers = count(1)

Say = Callable[..., Any]


@pytest.fixture(autouse=True)
def _twilio(settings: Settings) -> None:
    settings.SHARED = settings.SHARED.model_copy(
        update={
            "twilio_account_sid": "AC1",
            "twilio_auth_token": SecretStr("made up"),
            "twilio_from": OURS,
            "public_url": ADDRESS,
        }
    )


def _with_phones(world: World) -> World:
    Patient.objects.filter(pk=world.paula.patient.pk).update(phone=PAULAS)
    Patient.objects.filter(pk=world.pete.patient.pk).update(phone=PETES)
    return world


@pytest.fixture
def booked(world: World) -> Appointment:
    return _with_phones(world).book(NINE)


def post(path: str, fields: dict[str, str], *, signature: str | None = None, raise_exception: bool = True) -> Any:
    signature = SIGNER.compute_signature(f"{ADDRESS}{path}", fields) if signature is None else signature
    body = urlencode(fields)
    client = APIClient(raise_request_exception=raise_exception)
    return client.post(path, body, content_type=FORM, HTTP_X_TWILIO_SIGNATURE=signature)


def sms(text: str, *, sender: str = PAULAS, sid: str | None = None, **more: str) -> dict[str, str]:
    sid = sid or f"SM{next(numbers):032d}"
    return {"MessageSid": sid, "AccountSid": "AC1", "From": sender, "To": OURS, "Body": text, **more}


def say(text: str, **more: Any) -> str:
    """The answer."""
    response = post(WEBHOOK, sms(text, **more))
    assert (response.status_code, response["Content-Type"]) == (200, "text/xml; charset=utf-8"), response.content
    return str(response.content.decode())


def lines_of(appointment: Appointment) -> list[tuple[str, str, str]]:
    lines = AppointmentEvent.objects.filter(appointment_id=appointment.pk).order_by("id")
    return [(line.action, line.actor_kind, line.channel) for line in lines[1:]]


@pytest.mark.parametrize("text", ["CONFIRM {}", "yes {}", "YES", "Ja!"])
def test_yes_is_the_promise_to_come(booked: Appointment, text: str) -> None:
    answer = say(text.format(booked.pk))
    assert "<Message>Thank you. We expect you on" in answer
    assert row_of(booked).attendance_confirmed_at is not None
    assert lines_of(booked) == [("attend", "patient_sms", "sms")]
    logged = InboundMessage.objects.get()
    assert (logged.appointment_id, logged.clinic_id, logged.outcome) == (booked.pk, booked.clinic_id, "done")


@pytest.mark.parametrize("text", ["YES", "NO"])
def test_answer_about_a_visit_holds_its_link_which_the_desk_is_not_shown(booked: Appointment, text: str) -> None:
    assert f"{ADDRESS}/a/{booked.reference}</Message>" in say(text)
    assert f"{ADDRESS}/a/{booked.reference}</Message>" in say(f"{text} {booked.pk}")


@pytest.mark.parametrize("text", ["HELP", "Is there parking?"])
def test_answer_about_no_visit_holds_no_link(booked: Appointment, text: str) -> None:
    assert "/a/" not in say(text)


@pytest.mark.parametrize("text", ["CANCEL {}", "no {}", "NO", "Absagen"])
def test_no_cancels(booked: Appointment, text: str) -> None:
    assert "is cancelled." in say(text.format(booked.pk))
    assert row_of(booked).status == "cancelled"
    assert lines_of(booked) == [("cancel", "patient_sms", "sms")]


def test_message_gives_no_reason_where_none_was_given(booked: Appointment) -> None:
    Clinic.objects.update(language="de")
    say("NEIN")
    told = Message.objects.filter(template__in=["cancelled", "cancelled_by_patient"])
    assert {message.channel for message in told} == {"email", "in_app"}
    assert not any("Grund" in message.body or "SMS" in message.body for message in told)


def test_said_twice_it_is_done_once(booked: Appointment) -> None:
    first, second = say("YES"), say("YES")
    assert first == second
    assert lines_of(booked) == [("attend", "patient_sms", "sms")]
    say("NO")
    assert "is cancelled." in say(f"NO {booked.pk}")
    assert len(lines_of(booked)) == 2


def test_a_message_that_is_delivered_again_does_nothing_more(booked: Appointment) -> None:
    first = say("NO", sid="SM7")
    assert say("NO", sid="SM7") == first
    assert say("YES", sid="SM7") == first
    assert InboundMessage.objects.count() == 1
    assert len(lines_of(booked)) == 1


@pytest.mark.race
def test_a_message_that_is_delivered_eight_times_at_once_is_done_once(committed_world: World) -> None:
    booked = _with_phones(committed_world).book(NINE)
    answers = at_once([lambda: say("NO", sid="SM8")] * 8)
    assert len(set(answers)) == 1
    assert "is cancelled." in answers[0]
    assert lines_of(booked) == [("cancel", "patient_sms", "sms")]


def test_the_number_must_be_the_patients(booked: Appointment) -> None:
    foreign = say(f"CANCEL {booked.pk}", sender=PETES)
    nothing = say("CANCEL 999999", sender=PETES)
    assert foreign == nothing
    assert row_of(booked).status == "confirmed"
    assert "no upcoming appointment" in say("CANCEL", sender="+491709876543")


def test_several_appointments_are_asked_about(world: World, booked: Appointment) -> None:
    other = world.book(NINE + timedelta(hours=2))
    answer = say("CANCEL")
    assert f"NO {booked.pk} (" in answer
    assert f"NO {other.pk} (" in answer
    assert {row_of(one).status for one in (booked, other)} == {"confirmed"}
    assert InboundMessage.objects.get().outcome == "asked back"
    say(f"NO {other.pk}")
    assert (row_of(booked).status, row_of(other).status) == ("confirmed", "cancelled")


def test_too_late_to_cancel_is_said(world: World, booked: Appointment) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(cancellation_notice_minutes=7 * 24 * 60)
    assert "too late to cancel" in say("NO")
    assert row_of(booked).status == "confirmed"
    assert InboundMessage.objects.get().outcome == "too_late_to_cancel"


def test_unknown_answer_changes_nothing(booked: Appointment) -> None:
    assert "Please reply CONFIRM" in say("I might be late 😅 <b>&")
    assert "Please reply CONFIRM" in say("")
    assert lines_of(booked) == []


def test_spoken_text_is_escaped_in_the_answer(world: World, booked: Appointment) -> None:
    world.petra.practitioner.name = "Dr <Petra> & Co"
    world.petra.practitioner.save(update_fields=["name"])
    assert "Dr &lt;Petra&gt; &amp; Co" in say("YES")


# A request is not an appointment yet


def test_a_request_is_promised_nothing(world: World) -> None:
    asked = _with_phones(world).book(NINE, by=world.paula)
    assert "is not decided yet" in say(f"CONFIRM {asked.pk}")
    assert "is not decided yet" in say("YES")
    assert row_of(asked).status == "pending"
    assert "Your request for" in (answer := say("NO"))
    assert "is withdrawn." in answer
    assert row_of(asked).status == "cancelled"


def test_yes_means_what_is_agreed_and_no_may_mean_either(world: World, booked: Appointment) -> None:
    asked = world.book(NINE + timedelta(hours=2), by=world.paula)
    assert f"NO {asked.pk} (" in say("NO")
    say("YES")
    assert row_of(booked).attendance_confirmed_at is not None
    assert row_of(asked).attendance_confirmed_at is None


@pytest.mark.parametrize("ends_as", ["cancelled", "rejected"])
def test_confirmed_attendance_does_not_outlive_a_cancellation(world: World, ends_as: str) -> None:
    by = world.sam if ends_as == "cancelled" else world.paula
    booked = _with_phones(world).book(NINE, by=by)
    say(f"CONFIRM {booked.pk}")
    action = {"cancelled": "cancel", "rejected": "reject"}[ends_as]
    assert world.client(world.sam).post(f"/api/v1/appointments/{booked.pk}/{action}").status_code == 200
    answer = say(f"CONFIRM {booked.pk}")
    assert "expect" not in answer
    assert ("is cancelled." if ends_as == "cancelled" else "cannot be changed by SMS") in answer


# Plain replies, in the words that people use


@pytest.mark.parametrize(
    "text",
    ["Yes please", "Yep", "👍", "“YES”", "(yes)", "Confirmed", "Ja gerne", "ＹＥＳ", "y\u200bes", "Yes\nPaula Smith"],
)
def test_plain_yes_confirms_attendance(booked: Appointment, text: str) -> None:
    assert "We expect you on" in say(text)
    assert row_of(booked).attendance_confirmed_at is not None


@pytest.mark.parametrize(
    "text",
    ["No thanks", "Nope", "Cancel please", "can't make it", "Nein danke", "stornieren", "No\n\nSent from my iPhone"],
)
def test_plain_no_cancels(booked: Appointment, text: str) -> None:
    assert "is cancelled." in say(text)
    assert row_of(booked).status == "cancelled"


@pytest.mark.parametrize("text", ["yes but later", "no problem, I'll come", "Ja, aber später", "Yes?", "NO 12:30"])
def test_ambiguous_reply_goes_to_the_desk(booked: Appointment, text: str) -> None:
    assert "The clinic will read your message." in say(text)
    assert lines_of(booked) == []
    notes = Message.objects.filter(template="sms_received", body__endswith=text)
    assert notes.count() == 2


def test_assumed_signature_is_shown_to_the_desk_as_well(booked: Appointment) -> None:
    say("Yes\nUnknown Writer")
    assert row_of(booked).attendance_confirmed_at is not None
    assert Message.objects.filter(template="sms_received").count() == 2


def test_signature_with_the_patients_name_is_not(booked: Appointment) -> None:
    say(f"Yes\n{booked.patient.name.lower()}")
    assert row_of(booked).attendance_confirmed_at is not None
    assert not Message.objects.filter(template="sms_received").exists()


@pytest.mark.parametrize("text", ["Stop please", "please stop", "Keine SMS mehr"])
def test_stop_with_courtesy_stops_messages_and_says_so(booked: Appointment, text: str) -> None:
    assert "You get no more SMS" in say(text)
    assert is_opted_out(DeliveryChannel.SMS, PAULAS)
    assert row_of(booked).status == "confirmed"


# The sender's number in other forms


@pytest.mark.parametrize(
    ("stored", "sender"),
    [
        ("+525512345678", "+5215512345678"),
        ("+5215512345678", "+525512345678"),
        ("+525512345678", "whatsapp:+5215512345678"),
        (PAULAS, f"whatsapp:{PAULAS}"),
        ("+5511987654321", "whatsapp:+551187654321"),
    ],
)
def test_sender_is_found_by_national_number(booked: Appointment, stored: str, sender: str) -> None:
    Patient.objects.filter(pk=booked.patient_id).update(phone=stored)
    Clinic.objects.update(sms_countries="DE,MX,BR")
    assert "is cancelled." in say("NO", sender=sender)
    assert row_of(booked).status == "cancelled"


def test_stop_from_another_form_of_the_number_stops_the_stored_one(booked: Appointment) -> None:
    Patient.objects.filter(pk=booked.patient_id).update(phone="+525512345678")
    Clinic.objects.update(sms_countries="MX")
    # WhatsApp's messages are not the provider's to answer.
    assert "You get no more SMS" in say("STOP", sender="whatsapp:+5215512345678")
    assert is_opted_out(DeliveryChannel.SMS, "+525512345678")
    assert "You get SMS from us again" in say("START", sender="whatsapp:+5215512345678")
    assert not is_opted_out(DeliveryChannel.SMS, "+525512345678")


# Offers of the waitlist


@pytest.fixture
def offered(world: World) -> WaitlistOffer:
    """Paula waits for Petra's time at three, which Pete gives back."""
    return offer_at_three(_with_phones(world), world.paula.patient)


def offer_at_three(world: World, patient: Patient) -> WaitlistOffer:
    start = NINE + timedelta(hours=6)
    taken = world.book(start, patient=world.pete)
    join_waitlist(
        actor=UserActor(fresh(world.sam)),
        clinic=world.clinic,
        patient_id=patient.pk,
        wishes=Wishes(first_date=NINE.date(), last_date=NINE.date(), practitioner_id=taken.practitioner_id),
        now=datetime.now(UTC),
    )
    assert world.client(world.sam).post(f"/api/v1/appointments/{taken.pk}/cancel").status_code == 200
    return WaitlistOffer.objects.get(entry__patient=patient, state="open")


def state_of_offer(offer: WaitlistOffer) -> str:
    return WaitlistOffer.objects.get(pk=offer.pk).state


@pytest.mark.parametrize("text", ["YES", "Yes please", "ACCEPT", "accept {}", "Annehmen", "I'll take it"])
def test_offer_is_accepted_by_sms(world: World, offered: WaitlistOffer, text: str) -> None:
    assert "We expect you on" in say(text.format(offered.pk))
    assert state_of_offer(offered) == "accepted"
    booked = Appointment.objects.get(patient=world.paula.patient, starts_at=offered.starts_at)
    assert (booked.status, booked.source) == ("confirmed", "waitlist")
    line = AppointmentEvent.objects.get(appointment_id=booked.pk)
    assert (line.action, line.actor_kind, line.channel) == ("create", "patient_sms", "sms")
    assert InboundMessage.objects.get().appointment_id == booked.pk
    # The answer says it: no second SMS.
    assert not Message.objects.filter(template="confirmed", channel="sms", appointment_id=booked.pk).exists()
    assert Message.objects.filter(template="confirmed", channel="email", appointment_id=booked.pk).exists()


@pytest.mark.parametrize("text", ["NO", "No thanks", "DECLINE", "decline {}", "ablehnen"])
def test_offer_is_declined_by_sms(world: World, offered: WaitlistOffer, text: str) -> None:
    assert "goes to somebody else" in say(text.format(offered.pk))
    assert state_of_offer(offered) == "declined"
    assert not Appointment.objects.filter(patient=world.paula.patient).exists()


@pytest.mark.parametrize(("text", "word"), [("YES", "ACCEPT"), ("NO", "DECLINE")])
def test_plain_word_beside_an_appointment_is_asked_back(
    booked: Appointment, offered: WaitlistOffer, text: str, word: str
) -> None:
    answer = say(text)
    assert f"{word} {offered.pk} (" in answer
    assert f"{'CONFIRM' if text == 'YES' else 'NO'} {booked.pk} (" in answer
    assert (lines_of(booked), state_of_offer(offered)) == ([], "open")
    assert "is cancelled." in say(f"NO {booked.pk}")
    assert "We expect you on" in say(f"ACCEPT {offered.pk}")


def test_late_answer_to_an_offer_changes_no_other_appointment(booked: Appointment, offered: WaitlistOffer) -> None:
    WaitlistOffer.objects.update(expires_at=datetime.now(UTC) - timedelta(minutes=1))
    answer = say("NO")
    assert "no longer kept" in answer
    assert f"NO {booked.pk} (" in answer
    assert "no longer kept" in say("ACCEPT")
    assert lines_of(booked) == []


def test_offer_of_another_patient_is_not_found(offered: WaitlistOffer) -> None:
    assert "not offered a time" in say(f"ACCEPT {offered.pk}", sender=PETES)
    assert state_of_offer(offered) == "open"


def test_word_for_offers_confirms_no_appointment(booked: Appointment) -> None:
    assert "not offered a time" in say("accept")
    assert lines_of(booked) == []
    assert Message.objects.filter(template="sms_received").count() == 2


def test_two_offers_are_told_apart(world: World, offered: WaitlistOffer) -> None:
    WaitlistOffer.objects.filter(pk=offered.pk).update(state="open")
    other = WaitlistOffer.objects.get(pk=offered.pk)
    other.pk, other.token = None, "another"
    other.save()
    answer = say("ACCEPT")
    assert f"ACCEPT {offered.pk} (" in answer
    assert f"ACCEPT {other.pk} (" in answer
    assert {state_of_offer(offered), state_of_offer(other)} == {"open"}


def test_offer_that_clashes_by_now_is_refused_in_words(world: World, offered: WaitlistOffer) -> None:
    world.book(offered.starts_at, practitioner=world.quentin, patient=world.paula)
    assert "another appointment at that time" in say("ACCEPT")
    assert state_of_offer(offered) == "open"


# View of the desk


def test_unknown_answer_is_shown_to_the_desk(world: World, booked: Appointment) -> None:
    say("I am 10 minutes late")
    logged = InboundMessage.objects.get()
    assert (logged.clinic_id, logged.outcome) == (world.clinic.pk, "not understood")
    notes = Message.objects.filter(template="sms_received")
    assert {note.user for note in notes} == {world.olga, world.sam}
    assert {(note.subject, note.body) for note in notes} == {
        (f"{world.paula.patient.name} wrote an SMS", f"From {PAULAS}: I am 10 minutes late")
    }


@pytest.mark.parametrize(
    ("text", "sender"), [("hello", "+491709876543"), ("", PAULAS), ("STOP", PAULAS), ("HELP", PAULAS)]
)
def test_texts_by_strangers_are_shown_and_understood_ones_are_not(booked: Appointment, text: str, sender: str) -> None:
    say(text, sender=sender)
    assert not Message.objects.filter(template="sms_received").exists()
    assert InboundMessage.objects.get().clinic_id == (booked.clinic_id if sender == PAULAS else None)


def test_sharers_of_a_phone_are_named(world: World, booked: Appointment) -> None:
    Patient.objects.filter(pk=world.pete.patient.pk).update(phone=PAULAS)
    other = world.book(NINE + timedelta(hours=2), patient=world.pete)
    answer = say("NO")
    assert f"NO {booked.pk} ({world.paula.patient.name}, " in answer
    assert f"NO {other.pk} ({world.pete.patient.name}, " in answer


@pytest.mark.parametrize("signed_by_owner", [True, False])
def test_family_member_who_signs_acts_on_their_own_visit_only(
    world: World, booked: Appointment, signed_by_owner: bool
) -> None:
    Patient.objects.filter(pk=world.pete.patient.pk).update(phone=PAULAS)
    signer = world.paula if signed_by_owner else world.pete
    answer = say(f"No\n{signer.patient.name}")
    assert row_of(booked).status == ("cancelled" if signed_by_owner else "confirmed")
    assert signed_by_owner or f"NO {booked.pk} (" in answer


def test_every_answer_is_in_its_readers_language(world: World, booked: Appointment) -> None:
    Patient.objects.filter(pk=world.paula.patient.pk).update(language="de")
    for text, answer in (("Hilfe", "Bitte antworten Sie"), ("was?", "Bitte antworten Sie"), ("NEIN 999999", "Nummer")):
        assert answer in say(text)


# STOP and START


def test_stop_and_start(booked: Appointment) -> None:
    assert "<Message>" not in say("STOP")
    assert is_opted_out(DeliveryChannel.SMS, PAULAS)
    say("Stop")
    assert OptOut.objects.count() == 1
    say("START")
    assert not is_opted_out(DeliveryChannel.SMS, PAULAS)
    assert row_of(booked).status == "confirmed"


def test_a_word_that_the_provider_does_not_know_is_answered(booked: Appointment) -> None:
    assert "You get no more SMS" in say("Stopp")
    assert is_opted_out(DeliveryChannel.SMS, PAULAS)
    assert "<Message>" not in say("Stopp", OptOutType="STOP")


def test_the_provider_says_what_it_took_for_an_opt_out(booked: Appointment) -> None:
    say("CANCEL", OptOutType="STOP")
    assert is_opted_out(DeliveryChannel.SMS, PAULAS)
    assert row_of(booked).status == "cancelled"


# Senders other than Twilio


@pytest.mark.parametrize("path", [WEBHOOK, STATUS])
@pytest.mark.parametrize("signature", ["", "nonsense", "A" * 28])
def test_forged_token_is_refused(booked: Appointment, path: str, signature: str) -> None:
    response = post(path, sms(f"CANCEL {booked.pk}", MessageStatus="delivered"), signature=signature)
    assert (response.status_code, code_of(response)) == (403, "permission_denied")
    assert row_of(booked).status == "confirmed"
    assert not InboundMessage.objects.exists()


def test_a_signature_of_another_message_or_address_is_none(booked: Appointment) -> None:
    fields = sms("YES")
    for signed in (
        SIGNER.compute_signature(f"{ADDRESS}{WEBHOOK}", {**fields, "Body": "NO"}),
        SIGNER.compute_signature(f"https://elsewhere.example{WEBHOOK}", fields),
        RequestValidator("another secret").compute_signature(f"{ADDRESS}{WEBHOOK}", fields),
    ):
        assert post(WEBHOOK, fields, signature=signed).status_code == 403
    assert lines_of(booked) == []


def test_another_account_is_refused(booked: Appointment) -> None:
    response = post(WEBHOOK, sms("NO", AccountSid="AC2"))
    assert response.status_code == 403
    assert row_of(booked).status == "confirmed"


def test_without_a_provider_nobody_is_believed(booked: Appointment, settings: Settings) -> None:
    settings.SHARED = settings.SHARED.model_copy(update={"twilio_auth_token": None})
    assert post(WEBHOOK, sms("NO")).status_code == 403


def test_the_query_and_the_slash_are_part_of_what_is_signed(booked: Appointment) -> None:
    for path in (f"{WEBHOOK}/", f"{WEBHOOK}?from=twilio"):
        assert post(path, sms("YES")).status_code == 200
    fields = sms("YES")
    signature = SIGNER.compute_signature(f"{ADDRESS}{WEBHOOK}", fields)
    assert post(f"{WEBHOOK}?from=twilio", fields, signature=signature).status_code == 403


@pytest.mark.parametrize("missing", ["MessageSid", "From", "To", "AccountSid"])
def test_signed_and_malformed_token_is_named_as_such(booked: Appointment, missing: str) -> None:
    fields = sms("NO")
    del fields[missing]
    response = post(WEBHOOK, fields)
    assert (response.status_code, code_of(response)) == (400, "required")
    assert row_of(booked).status == "confirmed"


# Delivery reports


@pytest.fixture
def sent(world: World) -> Message:
    message = queue_message(
        NewMessage(
            about=About(clinic_id=world.clinic.pk),
            kind=MessageKind.ACCOUNT,
            channel=DeliveryChannel.SMS,
            template="phone_code",
            recipient=PAULAS,
            context={"code": "1", "clinic": "Riverside", "minutes": 10},
            fallback_recipient="paula@riverside.example",
        )
    )
    assert message is not None
    Message.objects.filter(pk=message.pk).update(state=MessageState.SENT, due_at=None, provider_id="SM42")
    return message


def report(status: str, *, sid: str = "SM42", **more: str) -> int:
    answer = post(STATUS, {"MessageSid": sid, "MessageStatus": status, "AccountSid": "AC1", **more})
    return int(answer.status_code)


def state_of(message: Message) -> str:
    return Message.objects.get(pk=message.pk).state


def test_outcome_of_a_message_is_kept(sent: Message) -> None:
    for status in ("queued", "sending", "sent", "a new word"):
        assert (report(status), state_of(sent)) == (204, "sent")
    assert (report("delivered"), state_of(sent)) == (204, "delivered")
    # Reports come in any order.
    assert (report("sent"), report("failed"), state_of(sent)) == (204, 204, "delivered")


def test_undelivered_message_goes_by_mail(sent: Message) -> None:
    assert report("undelivered", ErrorCode="30003") == 204
    failed = Message.objects.get(pk=sent.pk)
    assert (failed.state, failed.error) == ("failed", "Twilio 30003: undelivered")
    report("failed")
    mail = Message.objects.exclude(pk=sent.pk).get()
    assert (mail.channel, mail.recipient, mail.state) == ("email", "paula@riverside.example", "queued")
    assert (mail.subject, mail.body) == ("A message from Riverside", failed.body)
    assert not OptOut.objects.exists()


def test_mail_in_place_of_an_sms_is_kept_until_the_sms_has_come(sent: Message) -> None:
    words = {"subject": "A reminder", "body": "Dear Paula"}
    Message.objects.filter(pk=sent.pk).update(instead=words)
    report("sent")
    assert Message.objects.get(pk=sent.pk).instead == words
    report("delivered")
    arrived = Message.objects.get(pk=sent.pk)
    assert (arrived.state, arrived.instead, arrived.body) == ("delivered", None, sent.body)


def test_outdated_message_goes_no_other_way(sent: Message, booked: Appointment) -> None:
    Message.objects.filter(pk=sent.pk).update(cause="confirmed", appointment_id=booked.pk)
    Appointment.objects.filter(pk=booked.pk).update(status="cancelled")
    report("undelivered", ErrorCode="30003")
    assert state_of(sent) == "failed"
    assert not Message.objects.filter(unique_key__startswith="instead-of").exists()


def test_mail_in_place_of_an_sms_is_in_its_readers_language(sent: Message) -> None:
    Message.objects.filter(pk=sent.pk).update(language="de")
    report("undelivered", ErrorCode="30003")
    mail = Message.objects.exclude(pk=sent.pk).get()
    assert (mail.subject, mail.language) == ("Eine Nachricht von Riverside", "de")


def test_a_report_of_an_opt_out_is_remembered(sent: Message) -> None:
    report("failed", ErrorCode="21610")
    assert is_opted_out(DeliveryChannel.SMS, PAULAS)


def test_a_report_about_nothing_of_ours_changes_nothing(sent: Message) -> None:
    assert report("failed", sid="SM-of-somebody-else") == 204
    assert state_of(sent) == "sent"


def test_the_log_keeps_when_it_came(booked: Appointment) -> None:
    say("YES")
    assert datetime.now(UTC) - InboundMessage.objects.get().received_at < timedelta(minutes=1)


# Limits


def test_two_programs_that_answer_each_other_come_to_an_end(booked: Appointment) -> None:
    answers = [say("I am on holiday.") for _ in range(14)]
    assert ["<Message>" in answer for answer in answers] == [True] * 10 + [False] * 4
    assert InboundMessage.objects.filter(answer="", answer_refusal="phone_limit").count() == 4
    assert Message.objects.filter(template="sms_limit").values("user").distinct().count() == 2
    assert Message.objects.filter(template="sms_limit").count() == 2


def test_word_at_the_limit_has_its_effect_without_an_answer(booked: Appointment) -> None:
    Clinic.objects.update(max_sms_per_phone=1)
    say("HELP")
    assert "<Message>" not in say("NO")
    assert row_of(booked).status == "cancelled"
    assert InboundMessage.objects.get(intent="cancel").outcome == "done"


def test_answers_and_messages_count_together(booked: Appointment) -> None:
    Clinic.objects.update(max_sms_per_phone=3)
    assert ["<Message>" in say("HELP") for _ in range(2)] == [True, True]
    now = datetime.now(UTC)
    assert admit_sms(clinic=booked.clinic, phone=PAULAS, countries=frozenset({"DE"}), now=now) is None
    assert "<Message>" not in say("HELP")


def test_unknown_sender_is_answered_three_times_a_day(world: World) -> None:
    answers = [say("CONFIRM", sender="+491705550001") for _ in range(5)]
    assert ["<Message>" in answer for answer in answers] == [True] * 3 + [False] * 2


@pytest.mark.parametrize("sender", ["+33612345678", "+499001234567", "83300", "RIVERSIDE"])
def test_number_without_sms_is_not_answered(world: World, sender: str) -> None:
    assert "<Message>" not in say("CONFIRM", sender=sender)


@pytest.mark.parametrize(("text", "status"), [("YES", 503), ("NO", 503), ("HELP", 503), ("STOP", 200)])
def test_sms_to_a_clinic_in_an_unknown_time_zone_is_503_and_stop_still_counts(
    booked: Appointment, text: str, status: int
) -> None:
    Clinic.objects.filter(pk=booked.clinic_id).update(timezone="US/Gone")
    response = post(WEBHOOK, sms(text), raise_exception=False)
    assert response.status_code == status
    if status == 503:
        assert code_of(response) == "time_zone_unknown"
    assert OptOut.objects.exists() == (text == "STOP")
