"""Messages from the transaction that writes them to a mail server and a stand-in of Twilio's API."""

import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from clinic.outbox.backoff import FIRST_PAUSE, MAX_ATTEMPTS
from clinic.outbox.delivery import BATCH, LEASE, MAX_KILLED, deliver_due, send_taken, take_due
from clinic.outbox.models import DeliveryChannel, Message, MessageKind, MessageState, OptOut
from clinic.outbox.optouts import record_opt_out
from clinic.outbox.services import About, NewMessage, queue_message, resend, withdraw_of_visits
from django.core.management import call_command
from django.db import connection, transaction
from pydantic import SecretStr
from pytest_django.fixtures import Settings

from testkit.clinic.concurrency import at_once
from testkit.clinic.world import World
from testkit.stand_ins.mail import MailStandIn, open_mail_stand_in
from testkit.stand_ins.mishaps import Fault, Mishap, Mishaps
from testkit.stand_ins.twilio import ACCOUNT, NUMBER, SECRET, TwilioStandIn

PAULAS = "paula@riverside.example"
WAIT_TIMEOUT_SECONDS = 0.2


def queue(
    world: World, *, channel: DeliveryChannel = DeliveryChannel.SMS, recipient: str = "+491701234567", **given: Any
) -> Message:
    message = queue_message(
        NewMessage(
            about=About(clinic_id=world.clinic.pk),
            kind=MessageKind.CHANGE,
            channel=channel,
            template="phone_code",
            recipient=recipient,
            context={"code": "123456", "clinic": world.clinic.name, "minutes": 10},
            **given,
        )
    )
    assert message is not None
    return message


def queue_mail(world: World, recipient: str = PAULAS, **given: Any) -> Message:
    """As a template would make it; each mail of the product is tested with what sends it."""
    message = queue(world, **given)
    message.channel, message.recipient = DeliveryChannel.EMAIL, recipient
    message.subject, message.body = "Your visit", "Dear Paula,\n\nsee you soon: ärztehaus.\n"
    message.save()
    return message


def deliver(*, after: timedelta = timedelta(seconds=1)) -> int:
    return deliver_due(now=datetime.now(UTC) + after)


def kept(message: Message) -> Message:
    return Message.objects.get(pk=message.pk)


# Writing


def test_a_message_is_written_with_its_words(world: World) -> None:
    message = kept(queue(world))
    assert (message.state, message.attempts, message.clinic) == ("queued", 0, world.clinic)
    assert message.body.startswith("123456 is your code for Riverside")
    assert message.due_at == message.send_at == message.created_at


def test_rolled_back_change_is_never_told(world: World) -> None:
    with transaction.atomic():
        queue(world)
        transaction.set_rollback(True)
    assert not Message.objects.exists()


def test_the_same_thing_is_queued_once(world: World) -> None:
    queue(world, unique_key="reminder:1:24h")
    with pytest.raises(AssertionError):
        queue(world, unique_key="reminder:1:24h")
    queue(world, unique_key="reminder:1:3h")
    queue(world)
    queue(world)
    assert Message.objects.count() == 4


def test_queued_message_of_an_appointment_can_be_withdrawn(world: World) -> None:
    message = queue(world)
    other = queue(world)
    Message.objects.filter(pk=message.pk).update(appointment_id=7)
    assert withdraw_of_visits([7]) == 1
    assert (kept(message).state, kept(message).due_at, kept(other).state) == ("cancelled", None, "queued")
    assert deliver() == 1


# Mail


@pytest.fixture
def post(settings: Settings) -> Iterator[MailStandIn]:
    with open_mail_stand_in() as post:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", post.port, False
        settings.EMAIL_IS_CONFIGURED = True
        settings.DEFAULT_FROM_EMAIL = "Riverside <desk@riverside.example>"
        yield post


def test_a_mail_arrives_once(world: World, post: MailStandIn) -> None:
    message = queue_mail(world)
    assert (deliver(), deliver(after=LEASE * 2)) == (1, 0)
    (mail,) = post.sent
    assert mail.recipient == PAULAS
    assert b"Subject: Your visit" in mail.content
    assert b"From: Riverside <desk@riverside.example>" in mail.content
    sent = kept(message)
    assert (sent.state, sent.attempts, sent.error, sent.due_at) == ("sent", 1, "", None)
    assert sent.provider_id.encode() in mail.content
    assert sent.provider_id.endswith("@riverside.example>")
    assert sent.sent_at is not None


def test_file_of_a_mail_is_kept_until_the_mail_is_sent(world: World, post: MailStandIn) -> None:
    message = queue_mail(world)
    message.attachment = {"name": "visit.ics", "content_type": "text/calendar", "text": "BEGIN:VCALENDAR"}
    message.save()
    post.recipient_answer = "451 greylisted"
    deliver()
    assert kept(message).attachment == message.attachment
    post.recipient_answer = "250 OK"
    deliver(after=timedelta(minutes=1))
    assert b"visit.ics" in post.sent[0].content
    assert (kept(message).state, kept(message).attachment) == ("sent", None)
    assert kept(message).body == message.body


def test_a_mail_that_is_refused_for_good_is_not_tried_again(world: World, post: MailStandIn) -> None:
    post.recipient_answer = "550 no such mailbox"
    message = queue_mail(world)
    deliver()
    assert (kept(message).state, kept(message).error) == ("failed", "550 no such mailbox")
    assert deliver(after=timedelta(days=2)) == 0


def test_a_mail_that_is_refused_for_now_is_tried_again_later(world: World, post: MailStandIn) -> None:
    post.recipient_answer = "451 greylisted"
    message = queue_mail(world)
    deliver()
    waiting = kept(message)
    assert (waiting.state, waiting.attempts) == ("queued", 1)
    assert "greylisted" in waiting.error
    assert deliver() == 0
    post.recipient_answer = "250 OK"
    deliver(after=timedelta(minutes=1))
    assert (kept(message).state, kept(message).attempts, len(post.sent)) == ("sent", 2, 1)


def test_message_that_never_gets_through_is_given_up(world: World, post: MailStandIn) -> None:
    post.recipient_answer = "451 busy"
    message = queue_mail(world, secret=True)
    for day in range(1, MAX_ATTEMPTS + 1):
        assert kept(message).body
        assert deliver(after=timedelta(days=day)) == 1
    assert (kept(message).state, kept(message).body) == ("dead", "")
    assert deliver(after=timedelta(days=MAX_ATTEMPTS + 30)) == 0


def test_a_mail_server_that_is_away_stops_nothing(world: World, post: MailStandIn, settings: Settings) -> None:
    settings.EMAIL_PORT = 9
    mail, note = queue_mail(world), queue(world)
    Message.objects.filter(pk=note.pk).update(channel=DeliveryChannel.IN_APP)
    assert deliver() == 2
    assert (kept(mail).state, kept(note).state) == ("queued", "delivered")


def test_a_name_cannot_write_a_header_of_its_own(world: World, post: MailStandIn) -> None:
    message = queue_mail(world)
    Message.objects.filter(pk=message.pk).update(subject="Hello\r\nBcc: eve@example.org")
    deliver()
    assert post.sent == []
    assert "Header" in kept(message).error


@pytest.mark.parametrize("address", ["", "no address", "paula@riverside.example, eve@example.org"])
def test_a_bad_address_stops_nothing(world: World, post: MailStandIn, address: str) -> None:
    bad, good = queue_mail(world, address), queue_mail(world)
    assert deliver() == 2
    assert (kept(bad).state, kept(good).state) == ("failed", "sent")


def test_without_a_mail_server_the_log_says_so(world: World, settings: Settings) -> None:
    settings.EMAIL_IS_CONFIGURED = False
    message = queue_mail(world)
    deliver()
    assert (kept(message).state, kept(message).error) == ("failed", "No e-mail server is configured (EMAIL_HOST).")


# SMS


@pytest.fixture
def twilio(settings: Settings) -> Iterator[TwilioStandIn]:
    with TwilioStandIn() as twilio:
        settings.SHARED = settings.SHARED.model_copy(
            update={
                "twilio_account_sid": ACCOUNT,
                "twilio_auth_token": SecretStr(SECRET),
                "twilio_from": NUMBER,
                "twilio_base_url": twilio.settings["TWILIO_BASE_URL"],
            }
        )
        yield twilio


def test_an_sms_goes_to_twilio_and_its_code_is_forgotten(world: World, twilio: TwilioStandIn) -> None:
    message = queue(world, secret=True)
    deliver()
    (asked,) = twilio.asked
    assert asked["path"] == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert (asked["To"], asked["From"]) == ("+491701234567", NUMBER)
    assert asked["Body"].startswith("123456")
    sent = kept(message)
    assert (sent.state, sent.provider_id, sent.body) == ("sent", twilio.sent[0].sid, "")


def test_a_number_that_twilio_refuses_is_not_tried_again(world: World, twilio: TwilioStandIn) -> None:
    twilio.answer = 400, {"code": 21211, "message": "Invalid 'To' Phone Number", "status": "400"}
    message = queue(world)
    deliver()
    assert kept(message).state == "failed"
    assert kept(message).error.startswith("Twilio 21211: ")


# RFC 9457, which Twilio answers in where it is new.
PROBLEM: dict[str, object] = {"type": "https://twilio.example/problem", "title": "Not to be sent", "status": 400}


@pytest.mark.parametrize(
    ("code", "error"), [(21211, "Twilio 21211: Not to be sent"), (21610, "Twilio 21610: Not to be sent")]
)
def test_a_refusal_in_its_new_form_is_understood(world: World, twilio: TwilioStandIn, code: int, error: str) -> None:
    twilio.answer = 400, PROBLEM | {"code": code}
    message = queue(world)
    deliver()
    assert (kept(message).state, kept(message).error) == ("failed", error)
    assert OptOut.objects.exists() == (code == 21610)


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_twilio_out_of_order_is_tried_again(
    world: World, twilio: TwilioStandIn, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    twilio.answer = status, {"code": 20429, "message": "later", "status": str(status)}
    message = queue(world)
    deliver()
    assert (kept(message).state, kept(message).attempts) == ("queued", 1)
    assert kept(message).error == "Twilio 20429: Unable to create record: later"


def test_sending_leaves_one_line_in_the_log(
    world: World, twilio: TwilioStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    queue(world)
    deliver()
    assert (len(twilio.asked), [record.name for record in caplog.records]) == (1, ["chairside.outbox"])


def test_without_twilio_an_sms_is_a_file(world: World, settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "sms"
    settings.SHARED = settings.SHARED.model_copy(update={"twilio_account_sid": None, "sms_folder": str(folder)})
    message = queue(world, secret=True)
    deliver()
    assert kept(message).state == "sent"
    [file] = folder.iterdir()
    assert file.name == kept(message).provider_id
    to, _, text = file.read_text().partition("\n\n")
    assert to == "To: +491701234567"
    assert "123456" in text


def test_without_a_provider_the_log_says_so(world: World, settings: Settings) -> None:
    settings.SHARED = settings.SHARED.model_copy(update={"twilio_account_sid": None})
    message = queue(world, secret=True)
    deliver()
    assert kept(message).state == "failed"
    assert kept(message).error.startswith("No SMS provider is configured")
    assert kept(message).body == ""


# When


def test_nothing_is_sent_before_its_time(world: World, twilio: TwilioStandIn) -> None:
    queue(world, send_at=datetime.now(UTC) + timedelta(hours=1))
    assert (deliver(), deliver(after=timedelta(hours=2))) == (0, 1)


def test_message_that_is_too_late_is_not_sent(world: World, twilio: TwilioStandIn) -> None:
    message = queue(world, expires_at=datetime.now(UTC) + timedelta(minutes=10))
    deliver(after=timedelta(minutes=11))
    assert (kept(message).state, kept(message).error, twilio.asked) == ("dead", "Not sent: its time has passed.", [])


def test_the_worker_that_is_killed_leaves_its_messages_to_the_next(world: World, twilio: TwilioStandIn) -> None:
    message = queue(world)
    take_due(now=datetime.now(UTC) + timedelta(seconds=1), limit=BATCH)  # And was never heard of again.
    assert (kept(message).state, deliver()) == ("sending", 0)
    assert deliver(after=LEASE * 2) == 1
    assert (kept(message).state, kept(message).attempts) == ("sent", 2)


def test_stopped_worker_gives_back_unbegun_messages(world: World, twilio: TwilioStandIn) -> None:
    messages = [queue(world) for _ in range(3)]
    now = datetime.now(UTC) + timedelta(seconds=1)
    send_taken(take_due(now=now), now=now, is_stopped=lambda: len(twilio.asked) == 1)
    assert [(kept(one).state, kept(one).attempts) for one in messages] == [("sent", 1), ("queued", 0), ("queued", 0)]
    assert deliver_due(now=now) == 2


def test_late_lease_is_given_back(world: World, twilio: TwilioStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it ends, and another takes it: nothing is sent by two."""
    message = queue(world)
    now = datetime.now(UTC) + timedelta(seconds=1)
    taken = take_due(now=now)
    monkeypatch.setattr("clinic.outbox.delivery.BEGUN_WITHIN_SECONDS", -1)
    send_taken(taken, now=now)
    assert (kept(message).state, twilio.asked) == ("queued", [])


def test_a_message_that_kills_its_workers_is_given_up(world: World, twilio: TwilioStandIn) -> None:
    message = queue(world)
    for attempt in range(1, MAX_KILLED + 1):
        assert take_due(now=datetime.now(UTC) + LEASE * 2 * attempt, limit=BATCH)
    deliver(after=timedelta(days=1))
    assert (kept(message).state, twilio.asked) == ("dead", [])


def test_killed_workers_make_no_pause_longer(world: World, twilio: TwilioStandIn) -> None:
    message = queue(world)
    for kill in range(1, MAX_KILLED):
        assert take_due(now=datetime.now(UTC) + LEASE * 2 * kill, limit=BATCH)
    twilio.answer = 500, {"code": 20500, "message": "later", "status": "500"}
    deliver(after=timedelta(days=1))
    waiting = kept(message)
    assert (waiting.state, waiting.failures) == ("queued", 1)
    assert waiting.due_at is not None
    assert waiting.due_at <= datetime.now(UTC) + timedelta(days=1) + FIRST_PAUSE


def test_a_worker_that_lost_its_lease_does_not_overwrite_the_other(world: World, twilio: TwilioStandIn) -> None:
    message = queue(world)
    twilio.answer = 400, {"code": 21211, "message": "bad", "status": "400"}

    def overtake(*_: Any) -> None:
        Message.objects.filter(pk=message.pk).update(attempts=5, state=MessageState.SENDING)

    with connection.execute_wrapper(_before_the_result(overtake)):
        deliver()
    assert (kept(message).state, kept(message).attempts, kept(message).error) == ("sending", 5, "")


def _before_the_result(act: Callable[[], None]) -> Callable[..., Any]:
    """Run `act` once, just before the statement that keeps an outcome."""
    acted = False

    def wrapper(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal acted
        if not acted and sql.startswith("UPDATE") and "`provider_id` =" in sql:
            acted = True
            act()
        return execute(sql, params, many, context)

    return wrapper


@pytest.mark.race
def test_of_many_workers_each_message_is_sent_by_one(committed_world: World, twilio: TwilioStandIn) -> None:
    with transaction.atomic():
        for number in range(60):
            queue(committed_world, recipient=f"+4917012345{number:02}")
    now = datetime.now(UTC) + timedelta(seconds=1)
    taken = at_once([lambda: deliver_due(now=now, limit=5)] * 24, connections=6)
    assert sum(taken) == len(twilio.asked) == 60
    assert set(Message.objects.values_list("state", "attempts")) == {("sent", 1)}


@pytest.fixture
def own_signals() -> Iterator[None]:
    """The worker answers to signals; afterwards they are pytest's again."""
    former = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in former.items():
        signal.signal(number, handler)


def test_the_worker_sends_what_is_due(committed_world: World, twilio: TwilioStandIn, own_signals: None) -> None:
    with transaction.atomic():
        messages = [queue(committed_world, recipient=f"+4917012345{number:02}") for number in range(BATCH + 1)]
    call_command("run_worker", "--once")
    assert {kept(message).state for message in messages} == {"sent"}


# Taken back, while a worker has it


def taken_of_an_appointment(world: World, now: datetime) -> tuple[Message, list[Message]]:
    message = queue(world, unique_key="reminder:7")
    Message.objects.filter(pk=message.pk).update(appointment_id=7)
    return message, take_due(now=now)


def test_withdrawn_message_of_a_killed_worker_is_not_called_cancelled(world: World, twilio: TwilioStandIn) -> None:
    message, _ = taken_of_an_appointment(world, datetime.now(UTC) + timedelta(seconds=1))
    assert withdraw_of_visits([7]) == 0
    assert deliver(after=LEASE * 2) == 1
    assert (kept(message).state, kept(message).unique_key, twilio.asked) == ("dead", None, [])
    assert kept(message).error == "Withdrawn. An earlier attempt may have reached the recipient."


def test_withdrawn_message_given_back_after_a_kill_is_not_called_cancelled(world: World, twilio: TwilioStandIn) -> None:
    now = datetime.now(UTC) + timedelta(seconds=1)
    message, _ = taken_of_an_appointment(world, now)
    later = now + LEASE
    send_taken(take_due(now=later), now=later, is_stopped=lambda: True)
    assert (kept(message).state, kept(message).attempts) == ("queued", 1)
    assert withdraw_of_visits([7]) == 0
    assert (kept(message).state, kept(message).unique_key, twilio.asked) == ("dead", None, [])


def test_result_of_a_send_wins_over_a_withdrawal_by_another_worker(world: World, twilio: TwilioStandIn) -> None:
    """The first worker was frozen through its lease; meanwhile the message was withdrawn and closed by the second."""
    now = datetime.now(UTC) + timedelta(seconds=1)
    message, taken = taken_of_an_appointment(world, now)
    withdraw_of_visits([7])
    assert deliver(after=LEASE * 2) == 1
    send_taken(taken, now=now)
    assert (kept(message).state, kept(message).error, len(twilio.asked)) == ("sent", "", 1)


def test_claimed_message_that_is_not_begun_can_be_withdrawn(
    world: World, twilio: TwilioStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC) + timedelta(seconds=1)
    message, taken = taken_of_an_appointment(world, now)
    withdraw_of_visits([7])
    monkeypatch.setattr("clinic.outbox.delivery.FRESH_SECONDS", -1)
    send_taken(taken, now=now)
    assert (kept(message).state, twilio.asked) == ("cancelled", [])


def test_message_sent_in_spite_of_its_withdrawal_is_kept_as_sent(world: World, twilio: TwilioStandIn) -> None:
    now = datetime.now(UTC) + timedelta(seconds=1)
    message, taken = taken_of_an_appointment(world, now)
    withdraw_of_visits([7])
    send_taken(taken, now=now)
    assert (kept(message).state, len(twilio.asked)) == ("sent", 1)


def test_message_withdrawn_while_it_failed_is_not_tried_again(world: World, twilio: TwilioStandIn) -> None:
    twilio.answer = 429, {"code": 20429, "message": "later", "status": "429"}
    now = datetime.now(UTC) + timedelta(seconds=1)
    message, taken = taken_of_an_appointment(world, now)
    withdraw_of_visits([7])
    send_taken(taken, now=now)
    assert kept(message).state == "queued"
    deliver(after=timedelta(days=1))
    assert (kept(message).state, len(twilio.asked)) == ("cancelled", 1)


# Without a clear answer

MAY_HAVE_ARRIVED = "Withdrawn. An earlier attempt may have reached the recipient."


def always(fault: Fault) -> Mishaps:
    """The message goes out; its sender does not learn it."""
    return Mishaps.always(Mishap(fault, is_taken=True))


def cancel(message: Message) -> str:
    """Its state, after it was called off and the worker has looked again."""
    Message.objects.filter(pk=message.pk).update(appointment_id=7)
    withdraw_of_visits([7])
    deliver(after=timedelta(days=1))
    return kept(message).state


@pytest.fixture
def impatient(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.EMAIL_TIMEOUT = WAIT_TIMEOUT_SECONDS
    monkeypatch.setattr("clinic.outbox.channels.sms.TIMEOUT_SECONDS", WAIT_TIMEOUT_SECONDS)


@pytest.mark.parametrize("end", [Fault.SILENT, Fault.CLOSED, 500, 504])
def test_cancelled_sms_without_a_clear_answer_may_have_arrived(
    world: World, twilio: TwilioStandIn, impatient: None, end: Fault | int
) -> None:
    if isinstance(end, Fault):
        twilio.mishaps = always(end)
    else:
        twilio.answer = end, {}
    message = queue(world)
    deliver()
    assert (kept(message).state, kept(message).perhaps_sent, len(twilio.asked)) == ("queued", True, 1)
    assert cancel(message) == "dead"
    assert (kept(message).error, len(twilio.asked)) == (MAY_HAVE_ARRIVED, 1)


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.CLOSED])
def test_cancelled_mail_without_a_clear_answer_may_have_arrived(
    world: World, post: MailStandIn, impatient: None, fault: Fault
) -> None:
    post.mishaps = always(fault)
    message = queue_mail(world)
    deliver()
    assert (kept(message).state, kept(message).perhaps_sent, len(post.sent)) == ("queued", True, 1)
    assert cancel(message) == "dead"
    assert (kept(message).error, len(post.sent)) == (MAY_HAVE_ARRIVED, 1)


def test_sms_called_off_during_a_time_out_may_have_arrived(
    world: World, twilio: TwilioStandIn, impatient: None
) -> None:
    twilio.mishaps = always(Fault.SILENT)
    now = datetime.now(UTC) + timedelta(seconds=1)
    message, taken = taken_of_an_appointment(world, now)
    withdraw_of_visits([7])
    send_taken(taken, now=now)
    deliver(after=timedelta(days=1))
    assert (kept(message).state, kept(message).error, len(twilio.asked)) == ("dead", MAY_HAVE_ARRIVED, 1)


def test_cancelled_sms_that_was_refused_for_now_is_cancelled(world: World, twilio: TwilioStandIn) -> None:
    twilio.answer = 429, {"code": 20429, "message": "later", "status": "429"}
    message = queue(world)
    deliver()
    assert cancel(message) == "cancelled"


def test_cancelled_messages_without_a_connection_are_cancelled(
    world: World, post: MailStandIn, twilio: TwilioStandIn, settings: Settings
) -> None:
    settings.EMAIL_PORT = 9
    settings.SHARED = settings.SHARED.model_copy(update={"twilio_base_url": "http://127.0.0.1:9"})
    messages = [queue(world), queue_mail(world)]
    deliver()
    assert [kept(message).error.partition(":")[0] for message in messages] == [
        "ConnectionError",
        "ConnectionRefusedError",
    ]
    assert [cancel(message) for message in messages] == ["cancelled", "cancelled"]


def test_message_sent_again_by_hand_still_may_have_arrived(
    world: World, twilio: TwilioStandIn, impatient: None
) -> None:
    twilio.mishaps = always(Fault.SILENT)
    message = queue(world)
    Message.objects.filter(pk=message.pk).update(failures=MAX_ATTEMPTS - 1, attempts=MAX_ATTEMPTS - 1)
    deliver()
    assert kept(message).state == "dead"
    assert resend(Message.objects.all(), now=datetime.now(UTC)) == 1
    assert cancel(message) == "dead"


# Patients without SMS


def refuse_as_unsubscribed(twilio: TwilioStandIn) -> None:
    body: dict[str, object] = {"code": 21610, "message": "Attempt to send to unsubscribed recipient", "status": "400"}
    twilio.answer = 400, body


def test_stop_said_to_twilio_leads_to_a_mail(world: World, twilio: TwilioStandIn) -> None:
    refuse_as_unsubscribed(twilio)
    message = queue(world, fallback_recipient=PAULAS)
    deliver()
    assert kept(message).state == "failed"
    assert kept(message).error.startswith("Twilio 21610: ")
    assert OptOut.objects.get().recipient == message.recipient
    mail = Message.objects.get(channel=DeliveryChannel.EMAIL)
    assert (mail.recipient, mail.body, mail.template) == (PAULAS, message.body, message.template)


def test_wrong_number_is_told_by_mail_as_well(world: World, twilio: TwilioStandIn) -> None:
    twilio.answer = 400, {"code": 21211, "message": "Invalid 'To' Phone Number", "status": "400"}
    message = queue(world, fallback_recipient=PAULAS)
    deliver()
    assert (kept(message).state, OptOut.objects.exists()) == ("failed", False)
    assert Message.objects.get(channel=DeliveryChannel.EMAIL).recipient == PAULAS


def test_message_withdrawn_while_it_was_refused_goes_no_other_way(world: World, twilio: TwilioStandIn) -> None:
    refuse_as_unsubscribed(twilio)
    queue(world, fallback_recipient=PAULAS)
    now = datetime.now(UTC) + timedelta(seconds=1)
    taken = take_due(now=now)
    Message.objects.update(withdrawn=True)
    send_taken(taken, now=now)
    assert not Message.objects.filter(channel=DeliveryChannel.EMAIL).exists()


def test_known_opt_out_is_not_asked_for_again(world: World, twilio: TwilioStandIn) -> None:
    refuse_as_unsubscribed(twilio)
    queue(world)
    deliver()
    second = queue(world)
    deliver()
    assert len(twilio.asked) == 1
    assert (kept(second).state, kept(second).error) == ("failed", "The phone's owner wants no SMS.")
    assert not Message.objects.filter(channel=DeliveryChannel.EMAIL).exists()


def test_stop_said_meanwhile_ends_unbegun_messages(
    world: World, twilio: TwilioStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = queue(world)
    now = datetime.now(UTC) + timedelta(seconds=1)
    taken = take_due(now=now)
    record_opt_out(DeliveryChannel.SMS, message.recipient, source="patient", at=now)
    monkeypatch.setattr("clinic.outbox.delivery.FRESH_SECONDS", -1)
    send_taken(taken, now=now)
    assert (kept(message).state, twilio.asked) == ("failed", [])


def test_a_code_is_never_sent_another_way(world: World, twilio: TwilioStandIn) -> None:
    refuse_as_unsubscribed(twilio)
    queue(world, secret=True, fallback_recipient=PAULAS)
    deliver()
    assert not Message.objects.filter(channel=DeliveryChannel.EMAIL).exists()


def test_twilio_is_told_where_to_report(world: World, twilio: TwilioStandIn, settings: Settings) -> None:
    settings.SHARED = settings.SHARED.model_copy(update={"public_url": "https://clinic.example"})
    queue(world)
    deliver()
    assert twilio.asked[0]["StatusCallback"] == "https://clinic.example/api/v1/twilio/status"
