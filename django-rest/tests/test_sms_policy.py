"""Countries, types of numbers and daily limits hold for each SMS, whichever door it leaves by."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import Action
from clinic.appointments.services.decisions import take
from clinic.common import clock
from clinic.common.errors import Throttled
from clinic.messaging.services.dead_letters import report_dead_letters
from clinic.outbox import delivery
from clinic.outbox.channels.failures import RefusedForNow
from clinic.outbox.delivery import LEASE, deliver_due, send_taken, take_due
from clinic.outbox.models import DeliveryChannel, Message, MessageKind, MessageState
from clinic.outbox.services import About, NewMessage, compose_message, queue_messages
from clinic.outbox.services import resend as send_again
from clinic.outbox.sms_gate import admit_message
from clinic.people.models import Patient
from clinic.people.services import phone_codes
from clinic.people.services.phone_codes import CODES_BY_CLINIC, CODES_BY_PHONE, send_phone_code
from clinic.scheduling.models import Clinic
from django.db import transaction
from pytest_django.fixtures import Settings

from testkit.clinic.answers import attr_of, refusal
from testkit.clinic.concurrency import at_once
from testkit.clinic.monitoring import health, metric
from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh

from .test_clinic_policy_api import patch

PHONE, ANOTHER, BRITISH, PREMIUM = "+491701234567", "+491707654321", "+447400123456", "+499001234567"
MAIL = "paula@riverside.example"
# Noon in Berlin.
NOON = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _sms_are_files(settings: Settings, tmp_path: Path) -> None:
    settings.SMS_IS_CONFIGURED = True
    settings.SHARED = settings.SHARED.model_copy(update={"sms_folder": str(tmp_path / "sms")})


def policy(world: World, **columns: Any) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(**columns)


def queue(
    world: World, count: int = 1, *, phone: str = PHONE, at: datetime = NOON, clinic: Clinic | None = None, **more: Any
) -> None:
    messages = [
        compose_message(
            NewMessage(
                about=About((clinic or world.clinic).pk),
                kind=MessageKind.ACCOUNT,
                channel=DeliveryChannel.SMS,
                template="phone_code",
                recipient=phone,
                context={"code": "123456", "clinic": world.clinic.name, "minutes": 10},
                **more,
            ),
            now=at,
        )
        for _ in range(count)
    ]
    with transaction.atomic():
        queue_messages(messages)


def deliver(at: datetime = NOON) -> None:
    while deliver_due(now=at):
        pass


def sent(phone: str = PHONE, **of: Any) -> int:
    return Message.objects.filter(channel="sms", state="sent", recipient=phone, **of).count()


def ends(**of: Any) -> list[tuple[str, str]]:
    """State and refusal of each SMS."""
    return sorted(Message.objects.filter(channel="sms", **of).values_list("state", "refusal"))


def mails() -> list[str]:
    return list(Message.objects.filter(channel="email").values_list("recipient", flat=True))


# Countries and types


@pytest.mark.parametrize(("phone", "reason"), [(BRITISH, "country"), (PREMIUM, "number_type")])
def test_sms_to_a_number_without_sms_fails_with_its_reason_and_goes_by_mail(
    world: World, phone: str, reason: str
) -> None:
    queue(world, phone=phone)
    queue(world, phone=phone, fallback_recipient=MAIL)
    deliver()
    assert ends() == [("failed", reason)] * 2
    assert set(Message.objects.filter(channel="sms").values_list("error", flat=True)) != {""}
    assert mails() == [MAIL]


def test_named_country_gets_sms(world: World) -> None:
    policy(world, sms_countries="gb, FR")
    queue(world, phone=BRITISH)
    queue(world, phone=PHONE)
    deliver()
    assert ends(recipient=BRITISH) == [("sent", "")]
    assert ends(recipient=PHONE) == [("failed", "country")]


def test_country_of_another_clinic_is_its_own(world: World) -> None:
    queue(world, phone=BRITISH, clinic=world.hillside)
    deliver()
    assert sent(BRITISH) == 1


def test_reminder_for_a_number_without_sms_is_queued_as_mail(world: World) -> None:
    Patient.objects.filter(pk=world.paula.patient.pk).update(phone=BRITISH)
    world.book(in_days(3)(9), now=clock.now())
    assert ends() == []
    assert set(mails()) == {world.paula.email}


def test_desk_is_told_of_a_number_without_sms(world: World) -> None:
    queue(world, phone=BRITISH, at=clock.now())
    deliver(clock.now() + timedelta(seconds=1))
    report_dead_letters(now=clock.now())
    [note] = Message.objects.filter(template="dead_letter", user=world.sam)
    assert "this country" in note.body


# Limits


def test_number_gets_ten_sms_a_day_and_the_rest_by_mail(world: World) -> None:
    queue(world, 13, fallback_recipient=MAIL)
    queue(world, phone=ANOTHER)
    queue(world, clinic=Clinic.objects.create(name="Lakeside", slug="lakeside", phone_region="DE"))
    deliver()
    assert ends(clinic=world.clinic, recipient=PHONE) == [("failed", "phone_limit")] * 3 + [("sent", "")] * 10
    assert mails() == [MAIL] * 3
    assert sent(ANOTHER) == 1
    assert sent() == 11


def test_next_day_of_the_clinic_is_fresh(world: World) -> None:
    policy(world, max_sms_per_phone=2)
    queue(world, 3)
    deliver()
    eve, midnight = NOON + timedelta(hours=11, minutes=59), NOON + timedelta(hours=12)
    queue(world, 1, at=eve)
    deliver(eve)
    assert sent() == 2
    queue(world, 3, at=midnight)
    deliver(midnight)
    assert sent() == 4


def test_clinic_sends_no_more_than_its_limit_a_day(world: World) -> None:
    policy(world, max_sms_per_day=3)
    for number in range(5):
        queue(world, phone=f"+49170123456{number}")
    queue(world, phone=BRITISH, clinic=world.hillside)
    deliver()
    assert ends(clinic=world.clinic) == [("failed", "clinic_limit")] * 2 + [("sent", "")] * 3
    assert sent(BRITISH) == 1


def test_limit_that_is_raised_has_room_at_once(world: World) -> None:
    policy(world, max_sms_per_phone=1)
    queue(world, 20)
    deliver()
    policy(world, max_sms_per_phone=3)
    assert send_again(Message.objects.filter(state=MessageState.FAILED), now=NOON) == 19
    deliver()
    assert sent() == 3


def test_sms_that_is_tried_again_counts_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Message) -> str:
        raise RefusedForNow("later")

    policy(world, max_sms_per_phone=1)
    queue(world)
    with monkeypatch.context() as patched:
        patched.setitem(delivery.CHANNELS, "sms", refuse)
        for minutes in (0, 5, 10):
            deliver(NOON + timedelta(minutes=minutes))
    deliver(NOON + timedelta(hours=2))
    assert ends() == [("sent", "")]


def test_refused_sms_of_a_killed_worker_stays_refused(world: World) -> None:
    policy(world, max_sms_per_phone=1)
    queue(world)
    deliver()
    queue(world)
    [message] = take_due(now=NOON)
    assert admit_message(message, now=NOON) == "phone_limit"  # The worker is killed here.
    later = NOON + LEASE
    send_taken(take_due(now=later), now=later)
    assert sent() == 1


@pytest.mark.race
def test_two_workers_at_once_send_no_more_than_the_limit(committed_world: World) -> None:
    policy(committed_world, max_sms_per_phone=7)
    queue(committed_world, 40)
    at_once([lambda: deliver_due(now=NOON, limit=4)] * 12, connections=6)
    assert ends() == [("failed", "phone_limit")] * 33 + [("sent", "")] * 7


def test_codes_take_at_most_half_of_a_limit(world: World) -> None:
    queue(world, 8, secret=True)
    deliver()
    assert sent() == 5
    queue(world, 8)
    deliver()
    assert sent() == 10
    policy(world, max_sms_per_day=14)
    queue(world, 9, phone=ANOTHER, secret=True)
    deliver()
    assert sent(ANOTHER) == 2


# Loops


def test_thirty_bookings_and_cancellations_send_no_more_than_the_limit(world: World) -> None:
    now = clock.now()
    for number in range(30):
        by = world.paula if number % 2 else world.sam
        appointment = world.book(in_days(3)(9), by=by, now=now)
        deliver(now + timedelta(seconds=1))
        take(Action.CANCEL, appointment, actor=UserActor(fresh(by)), now=now)
    deliver(now + timedelta(seconds=1))
    assert sent() == 10
    told = Message.objects.exclude(channel="in_app").exclude(state="cancelled")
    limited = told.filter(channel="sms").exclude(state="sent")
    assert set(limited.values_list("state", "refusal")) == {("failed", "phone_limit")}
    assert limited.count() > 10
    for message in limited:
        same = told.filter(channel="email", appointment=message.appointment_id, template=message.template)
        assert same.exists()


# Messages to the clinic


def test_desk_is_told_of_each_number_once_a_day(world: World) -> None:
    policy(world, max_sms_per_phone=1)
    now = clock.now()
    for _ in range(3):
        queue(world, 2, at=now, secret=True)
        queue(world, 2, phone=ANOTHER, at=now, fallback_recipient=MAIL)
        deliver(now)
        report_dead_letters(now=now)
    notes = Message.objects.filter(template="sms_limit", user=world.sam)
    assert sorted(note.subject for note in notes) == [
        f"Limit of SMS reached: {PHONE}",
        f"Limit of SMS reached: {ANOTHER}",
    ]
    assert all("No more than 1 SMS a day" in note.body for note in notes)
    assert not Message.objects.filter(template="dead_letter").exists()


def test_desk_is_told_of_the_limit_of_the_clinic_once_a_day(world: World) -> None:
    policy(world, max_sms_per_day=1, language="de")
    now = clock.now()
    for number in range(4):
        queue(world, phone=f"+49170123456{number}", at=now)
        deliver(now)
        report_dead_letters(now=now)
    [note] = Message.objects.filter(template="sms_limit", user=world.sam)
    assert note.subject == "SMS-Grenze erreicht"


def test_limited_sms_are_counted_in_health_and_metrics(world: World) -> None:
    policy(world, max_sms_per_phone=1)
    queue(world, 3)
    deliver()
    assert metric("chairside_deliveries_total", channel="sms", end="limited") == 2
    assert health(world)["outbox"]["sms_limited"] == 2


# Codes for phones


def code(world: World, *, phone: str = PHONE, address: str = "192.0.2.1") -> Callable[[], None]:
    return lambda: send_phone_code(clinic=world.clinic, phone=phone, address=address, now=NOON)


def is_admitted(ask: Callable[[], None]) -> bool:
    try:
        ask()
    except Throttled:
        return False
    return True


@pytest.mark.race
def test_codes_asked_for_at_once_are_all_counted(committed_world: World) -> None:
    asked = [lambda: is_admitted(code(committed_world))] * 12
    assert sum(at_once(asked, connections=6)) == CODES_BY_PHONE.most
    assert Message.objects.count() == CODES_BY_PHONE.most


def test_codes_of_a_clinic_are_limited_over_all_numbers_and_addresses(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phone_codes, "CODES_BY_CLINIC", replace(CODES_BY_CLINIC, most=6))
    asked = [code(world, phone=f"+49170{number:07}", address=f"192.0.2.{number}") for number in range(7)]
    assert [is_admitted(ask) for ask in asked] == [True] * 6 + [False]
    send_phone_code(clinic=world.hillside, phone=BRITISH, address="192.0.2.250", now=NOON)


@pytest.mark.parametrize("phone", [BRITISH, PREMIUM])
def test_code_for_a_number_without_sms_is_refused_known_or_not(world: World, phone: str) -> None:
    def ask() -> Any:
        return world.client().post("/api/v1/public/phone-codes", {"phone": phone, "clinic": "riverside"})

    unknown = ask()
    Patient.objects.filter(pk=world.paula.patient.pk).update(phone=phone)
    known = ask()
    assert refusal(known) == refusal(unknown) == (400, "invalid")
    assert attr_of(known) == "phone"


# Settings


@pytest.mark.parametrize(
    ("given", "shown", "kept"),
    [(["fr", "DE", "DE"], ["DE", "FR"], "DE,FR"), ("at, de", ["AT", "DE"], "AT,DE"), ([], [], "")],
)
def test_owner_names_countries(world: World, given: Any, shown: list[str], kept: str) -> None:
    assert patch(world, sms_countries=given).json()["sms_countries"] == shown
    assert Clinic.objects.get(pk=world.clinic.pk).sms_countries == kept


@pytest.mark.parametrize(
    ("body", "code", "attr"),
    [
        ({"sms_countries": ["DE", "ZZ"]}, "invalid_choice", "sms_countries"),
        ({"sms_countries": "Germany"}, "max_length", "sms_countries.0"),
        ({"sms_countries": None}, "null", "sms_countries"),
        ({"max_sms_per_phone": 0}, "min_value", "max_sms_per_phone"),
        ({"max_sms_per_phone": 1001}, "max_value", "max_sms_per_phone"),
        ({"max_sms_per_day": 30_001}, "max_value", "max_sms_per_day"),
    ],
    ids=str,
)
def test_impossible_setting_is_refused(world: World, body: dict[str, Any], code: str, attr: str) -> None:
    response = patch(world, **body)
    assert (refusal(response), attr_of(response)) == ((400, code), attr)
