"""Paula writes an SMS that a person has to read; Sam answers it, or puts it aside."""

from datetime import timedelta
from typing import Any

import pytest
from clinic.common.limits import Limit
from clinic.messaging import conversations as reading
from clinic.messaging import views
from clinic.messaging.models import InboundMessage
from clinic.outbox.delivery import deliver_due
from clinic.outbox.models import DeliveryChannel, Message, MessageState, OptOut
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from testkit.clinic.answers import refusal
from testkit.clinic.concurrency import at_once
from testkit.clinic.incoming import PAULAS, write
from testkit.clinic.times import in_days
from testkit.clinic.world import World

PETES = "+491702222222"
MESSAGES = "/api/v1/messages"


@pytest.fixture
def world(world: World) -> World:
    """Each with a phone of their own."""
    Patient.objects.filter(pk=world.paula.patient.pk).update(phone=PAULAS)
    Patient.objects.filter(pk=world.pete.patient.pk).update(phone=PETES)
    return world


def conversations(world: World, **query: Any) -> Any:
    response = world.client(world.sam).get(f"{MESSAGES}/conversations", query)
    assert response.status_code == 200, response.json()
    return response.json()


def names(world: World, **query: Any) -> list[list[str]]:
    return [[one["name"] for one in found["patients"]] for found in conversations(world, **query)["conversations"]]


def reply(world: World, received: InboundMessage, text: str = "Yes.") -> Any:
    return world.client(world.sam).post(f"{MESSAGES}/{received.pk}/reply", {"text": text})


def test_sms_that_nobody_understood_waits_for_the_desk(world: World) -> None:
    write("Can I bring my dog?")
    write("CONFIRM", sender=PETES)
    found = conversations(world)
    assert [(one["phone"], one["waiting"]) for one in found["conversations"]] == [(PAULAS, 1), (PETES, 0)]
    assert (found["waiting"], found["before"]) == (1, None)
    last = found["conversations"][0]["last"]
    assert (last["direction"], last["body"], last["waits"]) == ("received", "Can I bring my dog?", True)


def test_longest_wait_is_first_and_then_the_latest(world: World) -> None:
    world.book(in_days(3)(9), patient=world.pete)
    first, second = write("Hello?", sender=PETES), write("Can I bring my dog?")
    InboundMessage.objects.filter(pk=first.pk).update(received_at=timezone.now() - timedelta(hours=1))
    assert names(world) == [["Pete"], ["Paula"]]
    world.client(world.sam).post(f"{MESSAGES}/{first.pk}/settle")
    assert names(world) == [["Paula"], ["Pete"]]
    assert second.for_desk


def test_reply_is_an_sms_to_the_sender_and_settles_what_waits(world: World) -> None:
    write("Hello?")
    received = write("Can I bring my dog?")
    answer = reply(world, received, "Yes, on a lead.")
    assert answer.status_code == 201
    assert (answer.json()["direction"], answer.json()["body"]) == ("sent", "Yes, on a lead.")
    message = Message.objects.get(kind="reply")
    assert (message.channel, message.recipient, message.body) == (DeliveryChannel.SMS, PAULAS, "Yes, on a lead.")
    assert conversations(world)["waiting"] == 0
    lines = world.client(world.sam).get(f"{MESSAGES}/conversation", {"phone": PAULAS}).json()
    assert [line["body"] for line in lines] == ["Yes, on a lead.", "Can I bring my dog?", "Hello?"]
    assert [line["settled_by"] for line in lines] == ["", "Sam", "Sam"]
    of_paula = world.client(world.sam).get(f"{MESSAGES}/conversation", {"patient": world.paula.patient.pk}).json()
    assert [line["id"] for line in of_paula] == [line["id"] for line in lines]


def test_reply_stands_after_what_it_answers_though_its_clock_is_behind(world: World) -> None:
    received = write("Can I bring my dog?")
    for text in ("Yes.", "On a lead."):
        reply(world, received, text)
    Message.objects.filter(kind="reply").update(created_at=received.received_at - timedelta(milliseconds=5))
    lines = world.client(world.sam).get(f"{MESSAGES}/conversation", {"phone": PAULAS}).json()
    assert [line["body"] for line in lines] == ["On a lead.", "Yes.", "Can I bring my dog?"]
    [conversation] = conversations(world)["conversations"]
    assert conversation["last"]["body"] == "On a lead."


def test_reply_waits_for_the_undo_window_and_can_be_withdrawn(world: World) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(undo_seconds=60)
    received, desk = write("Can I bring my dog?"), world.client(world.sam)
    reply(world, received)
    assert deliver_due(now=timezone.now()) == 0
    answer = desk.delete(f"{MESSAGES}/{received.pk}/reply")
    assert (answer.status_code, answer.json()["waits"]) == (200, True)
    assert Message.objects.get(kind="reply").state == MessageState.CANCELLED
    assert reply(world, received).status_code == 201
    assert Message.objects.filter(kind="reply").exclude(state=MessageState.CANCELLED).count() == 1
    Message.objects.filter(kind="reply").update(state=MessageState.SENT)
    assert refusal(desk.delete(f"{MESSAGES}/{received.pk}/reply")) == (409, "undo_over")


def test_same_words_twice_are_one_reply(world: World) -> None:
    received = write("Can I bring my dog?")
    assert reply(world, received).json()["id"] == reply(world, received).json()["id"]
    assert reply(world, received, "On a lead.").status_code == 201
    assert Message.objects.filter(kind="reply").count() == 2


def test_two_replies_at_once_are_one(committed_world: World) -> None:
    world = committed_world
    Patient.objects.filter(pk=world.paula.patient.pk).update(phone=PAULAS)
    received = write("Can I bring my dog?")
    answers = at_once([lambda: reply(world, received)] * 4)
    assert {answer.status_code for answer in answers} == {201}
    assert Message.objects.filter(kind="reply").count() == 1


def test_phone_that_wants_no_sms_gets_no_reply(world: World) -> None:
    received = write("Can I bring my dog?")
    OptOut.objects.create(channel=DeliveryChannel.SMS, recipient=PAULAS, source="reply", at=timezone.now())
    assert refusal(reply(world, received)) == (409, "phone_wants_no_sms")
    assert conversations(world)["waiting"] == 1


def test_number_of_another_country_gets_no_reply(world: World) -> None:
    received = write("Can I bring my dog?")
    Clinic.objects.filter(pk=world.clinic.pk).update(sms_countries="FR")
    assert refusal(reply(world, received)) == (409, "phone_gets_no_sms")


@pytest.mark.parametrize("text", ["", "   ", "x" * 613])
def test_reply_needs_words_that_fit(world: World, text: str) -> None:
    assert reply(world, write("Can I bring my dog?"), text).status_code == 400


def test_replies_are_limited(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "REPLIES", Limit("sms reply", 2, timedelta(hours=1)))
    received = write("Can I bring my dog?")
    assert [reply(world, received, f"{number}").status_code for number in range(3)] == [201, 201, 429]


def test_sms_is_put_aside_and_waits_again(world: World) -> None:
    received, desk = write("Can I bring my dog?"), world.client(world.sam)
    for _ in range(2):
        answer = desk.post(f"{MESSAGES}/{received.pk}/settle")
        assert (answer.status_code, answer.json()["settled_by"]) == (200, "Sam")
    assert conversations(world)["waiting"] == 0
    assert desk.delete(f"{MESSAGES}/{received.pk}/settle").json()["waits"]
    assert conversations(world)["waiting"] == 1


def test_family_with_one_phone_has_one_conversation(world: World) -> None:
    Patient.objects.create(clinic=world.clinic, name="Ann", phone=PAULAS)
    write("Can I bring my dog?")
    world.book(in_days(3)(9))
    assert names(world) == [["Ann", "Paula"]]


def test_search_finds_also_who_was_never_written_to(world: World) -> None:
    write("Can I bring my dog?")
    assert names(world, search="pe") == [["Pete"]]
    assert names(world, search="0170 1111111") == [["Paula"]]


def test_older_conversations_are_on_the_next_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "RECENT_READ", 2)
    for number in range(5):
        phone = f"+4917033333{number}"
        Patient.objects.create(clinic=world.clinic, name=f"P{number}", phone=phone)
        received = write("CONFIRM", sender=phone)
        InboundMessage.objects.filter(pk=received.pk).update(received_at=timezone.now() - timedelta(hours=9 - number))
    seen: list[str] = []
    query: dict[str, Any] = {}
    while True:
        page = conversations(world, **query)
        seen += [one["phone"][-1] for one in page["conversations"]]
        if page["before"] is None:
            break
        query = {"before": page["before"]}
    assert seen == ["4", "3", "2", "1", "0"]


def test_conversations_take_the_same_statements_for_few_and_many(world: World) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as seen:
            conversations(world)
        return len(seen)

    world.book(in_days(3)(9))
    write("Can I bring my dog?")
    few = statements()
    for number in range(20):
        phone = f"+49170333330{number}"
        Patient.objects.create(clinic=world.clinic, name=f"P{number}", phone=phone)
        write("Hello?", sender=phone)
    assert statements() == few <= 13


def test_message_that_failed_is_sent_again(world: World) -> None:
    world.book(in_days(3)(9))
    message = Message.objects.filter(channel=DeliveryChannel.EMAIL, template="confirmed").get()
    again = f"{MESSAGES}/{message.pk}/send-again"
    assert refusal(world.client(world.sam).post(again)) == (409, "not_sent_again")
    Message.objects.filter(pk=message.pk).update(state=MessageState.FAILED, due_at=None)
    (line,) = [one for one in conversation(world) if one["id"] == message.pk]
    assert line["can_send_again"]
    assert world.client(world.sam).post(again).json()["state"] == "queued"


def conversation(world: World) -> Any:
    return world.client(world.sam).get(f"{MESSAGES}/conversation", {"patient": world.paula.patient.pk}).json()


def test_strangers_clinic_reads_and_answers_nothing(world: World) -> None:
    received = write("Can I bring my dog?")
    otto = world.client(world.otto)
    assert otto.get(f"{MESSAGES}/conversations").json()["conversations"] == []
    assert otto.get(f"{MESSAGES}/conversation", {"phone": PAULAS}).json() == []
    assert refusal(otto.get(f"{MESSAGES}/conversation", {"patient": world.paula.patient.pk})) == (404, "not_found")
    assert refusal(otto.post(f"{MESSAGES}/{received.pk}/reply", {"text": "Yes."})) == (404, "not_found")


def test_conversation_is_of_a_patient_or_a_phone(world: World) -> None:
    assert refusal(world.client(world.sam).get(f"{MESSAGES}/conversation")) == (400, "ambiguous")
