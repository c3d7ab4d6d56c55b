"""Each outcome of a message is one line in the log, with fields and without a word about its recipient."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clinic.messaging.services.statuses import note_status
from clinic.outbox import delivery
from clinic.outbox.backoff import MAX_ATTEMPTS
from clinic.outbox.delivery import deliver_due, send_taken, take_due
from clinic.outbox.models import DeliveryChannel, Message, MessageKind, MessageState
from clinic.outbox.services import About, NewMessage, queue_message
from django.db import OperationalError, transaction
from pydantic import SecretStr
from pytest_django.fixtures import Settings
from shared_config.log_formats import JsonFormatter

from testkit.clinic.world import World
from testkit.stand_ins.mishaps import Fault, Mishap, Mishaps
from testkit.stand_ins.twilio import TwilioStandIn

PHONE = "+491701234567"
FIELDS = {
    "clinic",
    "message_id",
    "kind",
    "channel",
    "provider",
    "outcome",
    "attempt",
    "milliseconds",
    "next_attempt_at",
    "error_code",
}


@pytest.fixture
def twilio(settings: Settings) -> Iterator[TwilioStandIn]:
    with TwilioStandIn() as stand_in:
        names = {name.lower(): value for name, value in stand_in.settings.items()}
        token = SecretStr(names.pop("twilio_auth_token"))
        settings.SHARED = settings.SHARED.model_copy(update={**names, "twilio_auth_token": token})
        yield stand_in


@pytest.fixture
def message(world: World) -> Message:
    queued = queue_message(
        NewMessage(
            about=About(clinic_id=world.clinic.pk),
            kind=MessageKind.CHANGE,
            channel=DeliveryChannel.SMS,
            template="phone_code",
            recipient=PHONE,
            context={"code": "123456", "clinic": world.clinic.name, "minutes": 10},
        )
    )
    assert queued is not None
    return queued


def change(message: Message, **columns: Any) -> None:
    Message.objects.filter(pk=message.pk).update(**columns)


def deliver() -> None:
    deliver_due(now=datetime.now(UTC) + timedelta(seconds=1))


def logged(caplog: pytest.LogCaptureFixture, message: Message) -> dict[str, Any]:
    """Fields of the one outcome of this message, as a line of JSON has them."""
    [record] = [record for record in caplog.records if hasattr(record, "fields") and record.name == "chairside.outbox"]
    line = JsonFormatter().format(record)
    stored = Message.objects.get(pk=message.pk)
    assert not any(secret in line for secret in (PHONE, PHONE[1:], "123456", stored.body or PHONE, "Riverside"))
    fields = {name: value for name, value in json.loads(line).items() if name in FIELDS}
    assert set(fields) == FIELDS
    assert (fields["message_id"], fields["clinic"], fields["kind"]) == (message.pk, message.clinic_id, "change")
    assert (fields["channel"], fields["provider"]) == ("sms", "twilio")
    return fields | {"level": record.levelname}


def test_sent_message_is_logged_with_its_attempt_and_duration(
    twilio: TwilioStandIn, message: Message, caplog: pytest.LogCaptureFixture
) -> None:
    twilio.answer_seconds = 0.05
    deliver()
    line = logged(caplog, message)
    assert (line["level"], line["outcome"], line["attempt"], line["error_code"]) == ("INFO", "sent", 1, None)
    assert 50 <= line["milliseconds"] < 5_000
    assert line["next_attempt_at"] is None


def test_failed_attempt_is_logged_with_the_next_one(
    twilio: TwilioStandIn, message: Message, caplog: pytest.LogCaptureFixture
) -> None:
    twilio.mishaps = Mishaps(1.0, {Mishap(Fault.TOO_MANY): 1})
    change(message, attempts=2, failures=2)
    deliver()
    line = logged(caplog, message)
    assert (line["level"], line["outcome"], line["attempt"]) == ("WARNING", "retried", 3)
    assert line["error_code"] == "twilio_20429"
    due_at = Message.objects.get(pk=message.pk).due_at
    assert due_at is not None
    assert line["next_attempt_at"] == due_at.isoformat(timespec="seconds")


def test_refused_message_is_logged_with_the_code_of_the_provider(
    twilio: TwilioStandIn, message: Message, caplog: pytest.LogCaptureFixture
) -> None:
    twilio.refused.add(PHONE)
    deliver()
    line = logged(caplog, message)
    assert (line["level"], line["outcome"], line["error_code"]) == ("WARNING", "failed", "twilio_21610")


def test_last_failed_attempt_is_logged_as_dead(
    twilio: TwilioStandIn, message: Message, caplog: pytest.LogCaptureFixture
) -> None:
    twilio.mishaps = Mishaps(1.0, {Mishap(Fault.ERROR): 1})
    change(message, attempts=MAX_ATTEMPTS - 1, failures=MAX_ATTEMPTS - 1)
    deliver()
    line = logged(caplog, message)
    assert (line["level"], line["outcome"], line["attempt"]) == ("ERROR", "dead", MAX_ATTEMPTS)
    assert (line["error_code"], line["next_attempt_at"]) == ("twilio_20500", None)


@pytest.mark.parametrize(
    ("columns", "outcome", "code"),
    [
        ({"withdrawn": True}, "cancelled", "withdrawn"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "dead", "too_late"),
        ({"attempts": delivery.MAX_KILLED + 1}, "dead", "no_attempt_ended"),
        ({"recipient": "+390612345678"}, "failed", "country"),
    ],
)
@pytest.mark.usefixtures("twilio")
def test_message_that_is_not_sent_at_all_is_logged_with_the_reason(
    message: Message, columns: dict[str, Any], outcome: str, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    change(message, **columns)
    deliver()
    line = logged(caplog, message)
    assert (line["outcome"], line["error_code"]) == (outcome, code)


@pytest.mark.usefixtures("twilio")
def test_outcome_that_cannot_be_stored_is_logged_as_lost(
    message: Message, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OperationalError(2006, "gone away")

    now = datetime.now(UTC) + timedelta(seconds=1)
    taken = take_due(now=now)
    monkeypatch.setattr(delivery, "_keep", refuse)
    send_taken(taken, now=now)
    assert logged(caplog, message)["outcome"] == "lost"


@pytest.mark.parametrize(
    ("status", "code", "outcome", "error_code"),
    [("delivered", "", "delivered", None), ("undelivered", "30003", "failed", "twilio_30003")],
)
@pytest.mark.usefixtures("twilio")
def test_report_of_the_provider_is_logged(
    message: Message,
    status: str,
    code: str,
    outcome: str,
    error_code: str | None,
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: Any,
) -> None:
    change(message, state=MessageState.SENT, provider_id="SM1", due_at=None)
    with django_capture_on_commit_callbacks(execute=True):
        note_status(provider_id="SM1", status=status, error_code=code, now=datetime.now(UTC))
    line = logged(caplog, message)
    assert (line["outcome"], line["error_code"], line["milliseconds"]) == (outcome, error_code, None)


@pytest.mark.usefixtures("twilio")
def test_report_that_is_rolled_back_is_not_logged(message: Message, caplog: pytest.LogCaptureFixture) -> None:
    change(message, state=MessageState.SENT, provider_id="SM1", due_at=None)
    with transaction.atomic():
        note_status(provider_id="SM1", status="delivered", error_code="", now=datetime.now(UTC))
        transaction.set_rollback(True)
    assert not [record for record in caplog.records if hasattr(record, "fields")]
