"""Messages from the transaction that writes them to a mail server and a stand-in of Twilio's API."""

import asyncio
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from clinic.outbox.backoff import FIRST_PAUSE, MAX_ATTEMPTS
from clinic.outbox.delivery import BATCH, LEASE, MOST_KILLED, deliver_due, send_taken, take_due
from clinic.outbox.models import Channel, Message, OptOut, State
from clinic.outbox.optouts import record_opt_out
from clinic.outbox.services import About, cancel_messages, queue_message, resend
from django.core.management import call_command
from django.db import connection, transaction
from pydantic import SecretStr
from pytest_django.fixtures import Settings

from .conftest import World, at_once

PAULAS = "paula@riverside.example"
# Longer than the channels wait, where a test says so.
SILENT_SECONDS = 0.6
WAIT_TIMEOUT_SECONDS = 0.2


def queue(world: World, *, channel: Channel = Channel.SMS, recipient: str = "+491701234567", **given: Any) -> Message:
    message = queue_message(
        about=About(clinic_id=world.clinic.pk),
        channel=channel,
        template="phone_code",
        recipient=recipient,
        context={"code": "123456", "clinic": world.clinic.name, "minutes": 10},
        **given,
    )
    assert message is not None
    return message


def queue_mail(world: World, recipient: str = PAULAS, **given: Any) -> Message:
    """As a template would make it; each mail of the product is tested with what sends it."""
    message = queue(world, **given)
    message.channel, message.recipient = Channel.EMAIL, recipient
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


def test_what_is_rolled_back_is_never_told(world: World) -> None:
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


def test_what_waits_for_an_appointment_can_be_taken_back(world: World) -> None:
    message = queue(world)
    other = queue(world)
    Message.objects.filter(pk=message.pk).update(appointment_id=7)
    assert cancel_messages(appointment_id=7, templates=["phone_code"]) == 1
    assert (kept(message).state, kept(message).due_at, kept(other).state) == ("cancelled", None, "queued")
    assert deliver() == 1


# Mail


@dataclass
class Post:
    """A mail server that keeps what it gets, and can refuse."""

    mails: list[Envelope] = field(default_factory=list)
    answer: str = "250 OK"
    # How the connection goes on once a mail is there: "answered", "silent" or "closed".
    end: str = "answered"

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        self.mails.append(envelope)
        if self.end == "silent":
            await asyncio.sleep(SILENT_SECONDS)
        if self.end == "closed":
            server.transport.abort()
        return "250 kept"


@pytest.fixture
def post(settings: Settings) -> Iterator[Post]:
    post = Post()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(post, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", port, False
    settings.EMAIL_IS_CONFIGURED = True
    settings.DEFAULT_FROM_EMAIL = "Riverside <desk@riverside.example>"
    yield post
    controller.stop()


def test_a_mail_arrives_once(world: World, post: Post) -> None:
    message = queue_mail(world)
    assert (deliver(), deliver(after=LEASE * 2)) == (1, 0)
    (mail,) = post.mails
    assert mail.rcpt_tos == [PAULAS]
    assert isinstance(mail.content, bytes)
    assert b"Subject: Your visit" in mail.content
    assert b"From: Riverside <desk@riverside.example>" in mail.content
    sent = kept(message)
    assert (sent.state, sent.attempts, sent.error, sent.due_at) == ("sent", 1, "", None)
    assert sent.provider_id.encode() in mail.content
    assert sent.provider_id.endswith("@riverside.example>")
    assert sent.sent_at is not None


def test_a_mail_that_is_refused_for_good_is_not_tried_again(world: World, post: Post) -> None:
    post.answer = "550 no such mailbox"
    message = queue_mail(world)
    deliver()
    assert (kept(message).state, kept(message).error) == ("failed", "550 no such mailbox")
    assert deliver(after=timedelta(days=2)) == 0


def test_a_mail_that_is_refused_for_now_is_tried_again_later(world: World, post: Post) -> None:
    post.answer = "451 greylisted"
    message = queue_mail(world)
    deliver()
    waiting = kept(message)
    assert (waiting.state, waiting.attempts) == ("queued", 1)
    assert "greylisted" in waiting.error
    assert deliver() == 0
    post.answer = "250 OK"
    deliver(after=timedelta(minutes=1))
    assert (kept(message).state, kept(message).attempts, len(post.mails)) == ("sent", 2, 1)


def test_who_never_gets_through_is_given_up(world: World, post: Post) -> None:
    post.answer = "451 busy"
    message = queue_mail(world, secret=True)
    for day in range(1, MAX_ATTEMPTS + 1):
        assert kept(message).body
        assert deliver(after=timedelta(days=day)) == 1
    assert (kept(message).state, kept(message).body) == ("dead", "")
    assert deliver(after=timedelta(days=MAX_ATTEMPTS + 30)) == 0


def test_a_mail_server_that_is_away_stops_nothing(world: World, post: Post, settings: Settings) -> None:
    settings.EMAIL_PORT = 9
    mail, note = queue_mail(world), queue(world)
    Message.objects.filter(pk=note.pk).update(channel=Channel.IN_APP)
    assert deliver() == 2
    assert (kept(mail).state, kept(note).state) == ("queued", "delivered")


def test_a_name_cannot_write_a_header_of_its_own(world: World, post: Post) -> None:
    message = queue_mail(world)
    Message.objects.filter(pk=message.pk).update(subject="Hello\r\nBcc: eve@example.org")
    deliver()
    assert post.mails == []
    assert "Header" in kept(message).error


@pytest.mark.parametrize("address", ["", "no address", "paula@riverside.example, eve@example.org"])
def test_a_bad_address_stops_nothing(world: World, post: Post, address: str) -> None:
    bad, good = queue_mail(world, address), queue_mail(world)
    assert deliver() == 2
    assert (kept(bad).state, kept(good).state) == ("failed", "sent")


def test_without_a_mail_server_the_log_says_so(world: World, settings: Settings) -> None:
    settings.EMAIL_IS_CONFIGURED = False
    message = queue_mail(world)
    deliver()
    assert (kept(message).state, kept(message).error) == ("failed", "No e-mail server is configured (EMAIL_HOST).")


# SMS


class Twilio(ThreadingHTTPServer):
    """A stand-in that speaks the part of Twilio's API that sends a message."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.status = 201
        # "answered", "silent" or "closed".
        self.end = "answered"
        self.body: dict[str, object] = {"sid": "SM123", "status": "queued"}
        super().__init__(("127.0.0.1", 0), _TwilioHandler)


class _TwilioHandler(BaseHTTPRequestHandler):
    server: Twilio

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked.append(dict(parse_qsl(form)) | {"path": self.path})
        if self.server.end == "silent":
            time.sleep(SILENT_SECONDS)
        if self.server.end != "answered":
            self.close_connection = True
            return
        body = orjson.dumps(self.server.body)
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def twilio(settings: Settings) -> Iterator[Twilio]:
    server = Twilio()
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    settings.SHARED = settings.SHARED.model_copy(
        update={
            "twilio_account_sid": "AC1",
            "twilio_auth_token": SecretStr("made up"),
            "twilio_from": "+15005550006",
            "twilio_base_url": f"http://127.0.0.1:{server.server_port}",
        }
    )
    yield server
    server.shutdown()
    server.server_close()


def test_an_sms_goes_to_twilio_and_its_code_is_forgotten(world: World, twilio: Twilio) -> None:
    message = queue(world, secret=True)
    deliver()
    (asked,) = twilio.asked
    assert asked["path"] == "/2010-04-01/Accounts/AC1/Messages.json"
    assert (asked["To"], asked["From"]) == ("+491701234567", "+15005550006")
    assert asked["Body"].startswith("123456")
    sent = kept(message)
    assert (sent.state, sent.provider_id, sent.body) == ("sent", "SM123", "")


def test_a_number_that_twilio_refuses_is_not_tried_again(world: World, twilio: Twilio) -> None:
    twilio.status, twilio.body = 400, {"code": 21211, "message": "Invalid 'To' Phone Number", "status": "400"}
    message = queue(world)
    deliver()
    assert kept(message).state == "failed"
    assert kept(message).error.startswith("Twilio 21211: ")


# RFC 9457, which Twilio answers in where it is new.
PROBLEM: dict[str, object] = {"type": "https://twilio.example/problem", "title": "Not to be sent", "status": 400}


@pytest.mark.parametrize(
    ("code", "error"), [(21211, "Twilio 21211: Not to be sent"), (21610, "Twilio 21610: Not to be sent")]
)
def test_a_refusal_in_its_new_form_is_understood(world: World, twilio: Twilio, code: int, error: str) -> None:
    twilio.status, twilio.body = 400, PROBLEM | {"code": code}
    message = queue(world)
    deliver()
    assert (kept(message).state, kept(message).error) == ("failed", error)
    assert OptOut.objects.exists() == (code == 21610)


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_twilio_out_of_order_is_tried_again(
    world: World, twilio: Twilio, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    twilio.status, twilio.body = status, {"code": 20429, "message": "later", "status": str(status)}
    message = queue(world)
    deliver()
    assert (kept(message).state, kept(message).attempts) == ("queued", 1)
    assert kept(message).error == "Twilio 20429: Unable to create record: later"


def test_what_is_sent_leaves_no_line_in_the_log(world: World, twilio: Twilio, caplog: pytest.LogCaptureFixture) -> None:
    queue(world)
    deliver()
    assert (len(twilio.asked), caplog.records) == (1, [])


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


def test_nothing_is_sent_before_its_time(world: World, twilio: Twilio) -> None:
    queue(world, send_at=datetime.now(UTC) + timedelta(hours=1))
    assert (deliver(), deliver(after=timedelta(hours=2))) == (0, 1)


def test_what_comes_too_late_is_not_sent(world: World, twilio: Twilio) -> None:
    message = queue(world, expires_at=datetime.now(UTC) + timedelta(minutes=10))
    deliver(after=timedelta(minutes=11))
    assert (kept(message).state, kept(message).error, twilio.asked) == ("dead", "Not sent: its time has passed.", [])


def test_the_worker_that_is_killed_leaves_its_messages_to_the_next(world: World, twilio: Twilio) -> None:
    message = queue(world)
    take_due(now=datetime.now(UTC) + timedelta(seconds=1), limit=BATCH)  # And was never heard of again.
    assert (kept(message).state, deliver()) == ("sending", 0)
    assert deliver(after=LEASE * 2) == 1
    assert (kept(message).state, kept(message).attempts) == ("sent", 2)


def test_who_is_told_to_stop_gives_back_what_is_not_begun(world: World, twilio: Twilio) -> None:
    messages = [queue(world) for _ in range(3)]
    now = datetime.now(UTC) + timedelta(seconds=1)
    send_taken(take_due(now=now), now=now, is_stopped=lambda: len(twilio.asked) == 1)
    assert [(kept(one).state, kept(one).attempts) for one in messages] == [("sent", 1), ("queued", 0), ("queued", 0)]
    assert deliver_due(now=now) == 2


def test_what_is_late_of_a_lease_is_given_back(world: World, twilio: Twilio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it ends, and another takes it: nothing is sent by two."""
    message = queue(world)
    now = datetime.now(UTC) + timedelta(seconds=1)
    taken = take_due(now=now)
    monkeypatch.setattr("clinic.outbox.delivery.BEGUN_WITHIN_SECONDS", -1)
    send_taken(taken, now=now)
    assert (kept(message).state, twilio.asked) == ("queued", [])


def test_a_message_that_kills_its_workers_is_given_up(world: World, twilio: Twilio) -> None:
    message = queue(world)
    for attempt in range(1, MOST_KILLED + 1):
        assert take_due(now=datetime.now(UTC) + LEASE * 2 * attempt, limit=BATCH)
    deliver(after=timedelta(days=1))
    assert (kept(message).state, twilio.asked) == ("dead", [])


def test_killed_workers_make_no_pause_longer(world: World, twilio: Twilio) -> None:
    message = queue(world)
    for kill in range(1, MOST_KILLED):
        assert take_due(now=datetime.now(UTC) + LEASE * 2 * kill, limit=BATCH)
    twilio.status, twilio.body = 500, {"code": 20500, "message": "later", "status": "500"}
    deliver(after=timedelta(days=1))
    waiting = kept(message)
    assert (waiting.state, waiting.failures) == ("queued", 1)
    assert waiting.due_at is not None
    assert waiting.due_at <= datetime.now(UTC) + timedelta(days=1) + FIRST_PAUSE


def test_a_worker_that_lost_its_lease_does_not_overwrite_the_other(world: World, twilio: Twilio) -> None:
    message = queue(world)
    twilio.status, twilio.body = 400, {"code": 21211, "message": "bad", "status": "400"}

    def overtake(*_: Any) -> None:
        Message.objects.filter(pk=message.pk).update(attempts=5, state=State.SENDING)

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
def test_of_many_workers_each_message_is_sent_by_one(committed_world: World, twilio: Twilio) -> None:
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


def test_the_worker_sends_what_is_due(committed_world: World, twilio: Twilio, own_signals: None) -> None:
    with transaction.atomic():
        messages = [queue(committed_world, recipient=f"+4917012345{number:02}") for number in range(BATCH + 1)]
    call_command("run_worker", "--once")
    assert {kept(message).state for message in messages} == {"sent"}


# Taken back, while a worker has it


def taken_of_an_appointment(world: World, now: datetime) -> tuple[Message, list[Message]]:
    message = queue(world, unique_key="reminder:7")
    Message.objects.filter(pk=message.pk).update(appointment_id=7)
    return message, take_due(now=now)


def test_withdrawn_message_of_a_killed_worker_is_not_called_cancelled(world: World, twilio: Twilio) -> None:
    message, _ = taken_of_an_appointment(world, datetime.now(UTC) + timedelta(seconds=1))
    assert cancel_messages(appointment_id=7, templates=["phone_code"]) == 0
    assert deliver(after=LEASE * 2) == 1
    assert (kept(message).state, kept(message).unique_key, twilio.asked) == ("dead", None, [])
    assert kept(message).error == "Withdrawn. An earlier attempt may have reached the recipient."


def test_withdrawn_message_given_back_after_a_kill_is_not_called_cancelled(world: World, twilio: Twilio) -> None:
    now = datetime.now(UTC) + timedelta(seconds=1)
    message, _ = taken_of_an_appointment(world, now)
    later = now + LEASE
    send_taken(take_due(now=later), now=later, is_stopped=lambda: True)
    assert (kept(message).state, kept(message).attempts) == ("queued", 1)
    assert cancel_messages(appointment_id=7, templates=["phone_code"]) == 0
    assert (kept(message).state, kept(message).unique_key, twilio.asked) == ("dead", None, [])


def test_result_of_a_send_wins_over_a_withdrawal_by_another_worker(world: World, twilio: Twilio) -> None:
    """The first worker was frozen through its lease; meanwhile the message was withdrawn and closed by the second."""
    now = datetime.now(UTC) + timedelta(seconds=1)
    message, taken = taken_of_an_appointment(world, now)
    cancel_messages(appointment_id=7, templates=["phone_code"])
    assert deliver(after=LEASE * 2) == 1
    send_taken(taken, now=now)
    assert (kept(message).state, kept(message).error, len(twilio.asked)) == ("sent", "", 1)


def test_what_a_worker_has_and_has_not_begun_can_be_taken_back(
    world: World, twilio: Twilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC) + timedelta(seconds=1)
    message, taken = taken_of_an_appointment(world, now)
    cancel_messages(appointment_id=7, templates=["phone_code"])
    monkeypatch.setattr("clinic.outbox.delivery.FRESH_SECONDS", -1)
    send_taken(taken, now=now)
    assert (kept(message).state, twilio.asked) == ("cancelled", [])


def test_what_went_out_in_spite_of_being_taken_back_is_kept_as_sent(world: World, twilio: Twilio) -> None:
    now = datetime.now(UTC) + timedelta(seconds=1)
    message, taken = taken_of_an_appointment(world, now)
    cancel_messages(appointment_id=7, templates=["phone_code"])
    send_taken(taken, now=now)
    assert (kept(message).state, len(twilio.asked)) == ("sent", 1)


def test_what_was_taken_back_while_it_failed_is_not_tried_again(world: World, twilio: Twilio) -> None:
    twilio.status, twilio.body = 429, {"code": 20429, "message": "later", "status": "429"}
    now = datetime.now(UTC) + timedelta(seconds=1)
    message, taken = taken_of_an_appointment(world, now)
    cancel_messages(appointment_id=7, templates=["phone_code"])
    send_taken(taken, now=now)
    assert kept(message).state == "queued"
    deliver(after=timedelta(days=1))
    assert (kept(message).state, len(twilio.asked)) == ("cancelled", 1)


# Without a clear answer

MAY_HAVE_ARRIVED = "Withdrawn. An earlier attempt may have reached the recipient."


def cancel(message: Message) -> str:
    """Its state, after it was called off and the worker has looked again."""
    Message.objects.filter(pk=message.pk).update(appointment_id=7)
    cancel_messages(appointment_id=7, templates=["phone_code"])
    deliver(after=timedelta(days=1))
    return kept(message).state


@pytest.fixture
def impatient(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.EMAIL_TIMEOUT = WAIT_TIMEOUT_SECONDS
    monkeypatch.setattr("clinic.outbox.channels.sms.TIMEOUT_SECONDS", WAIT_TIMEOUT_SECONDS)


@pytest.mark.parametrize(("end", "status"), [("silent", 201), ("closed", 201), ("answered", 500), ("answered", 504)])
def test_cancelled_sms_without_a_clear_answer_may_have_arrived(
    world: World, twilio: Twilio, impatient: None, end: str, status: int
) -> None:
    twilio.end, twilio.status = end, status
    message = queue(world)
    deliver()
    assert (kept(message).state, kept(message).perhaps_sent, len(twilio.asked)) == ("queued", True, 1)
    assert cancel(message) == "dead"
    assert (kept(message).error, len(twilio.asked)) == (MAY_HAVE_ARRIVED, 1)


@pytest.mark.parametrize("end", ["silent", "closed"])
def test_cancelled_mail_without_a_clear_answer_may_have_arrived(
    world: World, post: Post, impatient: None, end: str
) -> None:
    post.end = end
    message = queue_mail(world)
    deliver()
    assert (kept(message).state, kept(message).perhaps_sent, len(post.mails)) == ("queued", True, 1)
    assert cancel(message) == "dead"
    assert (kept(message).error, len(post.mails)) == (MAY_HAVE_ARRIVED, 1)


def test_sms_called_off_during_a_time_out_may_have_arrived(world: World, twilio: Twilio, impatient: None) -> None:
    twilio.end = "silent"
    now = datetime.now(UTC) + timedelta(seconds=1)
    message, taken = taken_of_an_appointment(world, now)
    cancel_messages(appointment_id=7, templates=["phone_code"])
    send_taken(taken, now=now)
    deliver(after=timedelta(days=1))
    assert (kept(message).state, kept(message).error, len(twilio.asked)) == ("dead", MAY_HAVE_ARRIVED, 1)


def test_cancelled_sms_that_was_refused_for_now_is_cancelled(world: World, twilio: Twilio) -> None:
    twilio.status, twilio.body = 429, {"code": 20429, "message": "later", "status": "429"}
    message = queue(world)
    deliver()
    assert cancel(message) == "cancelled"


def test_cancelled_messages_without_a_connection_are_cancelled(
    world: World, post: Post, twilio: Twilio, settings: Settings
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


def test_message_sent_again_by_hand_still_may_have_arrived(world: World, twilio: Twilio, impatient: None) -> None:
    twilio.end = "silent"
    message = queue(world)
    Message.objects.filter(pk=message.pk).update(failures=MAX_ATTEMPTS - 1, attempts=MAX_ATTEMPTS - 1)
    deliver()
    assert kept(message).state == "dead"
    assert resend(Message.objects.all(), now=datetime.now(UTC)) == 1
    assert cancel(message) == "dead"


# Who wants no SMS


def refuse_as_unsubscribed(twilio: Twilio) -> None:
    body: dict[str, object] = {"code": 21610, "message": "Attempt to send to unsubscribed recipient", "status": "400"}
    twilio.status, twilio.body = 400, body


def test_who_has_said_stop_to_twilio_is_told_by_mail(world: World, twilio: Twilio) -> None:
    refuse_as_unsubscribed(twilio)
    message = queue(world, fallback_recipient=PAULAS)
    deliver()
    assert kept(message).state == "failed"
    assert kept(message).error.startswith("Twilio 21610: ")
    assert OptOut.objects.get().recipient == message.recipient
    mail = Message.objects.get(channel=Channel.EMAIL)
    assert (mail.recipient, mail.body, mail.template) == (PAULAS, message.body, message.template)


def test_whose_number_is_wrong_is_told_by_mail_as_well(world: World, twilio: Twilio) -> None:
    twilio.status, twilio.body = 400, {"code": 21211, "message": "Invalid 'To' Phone Number", "status": "400"}
    message = queue(world, fallback_recipient=PAULAS)
    deliver()
    assert (kept(message).state, OptOut.objects.exists()) == ("failed", False)
    assert Message.objects.get(channel=Channel.EMAIL).recipient == PAULAS


def test_what_was_taken_back_while_it_was_refused_goes_no_other_way(world: World, twilio: Twilio) -> None:
    refuse_as_unsubscribed(twilio)
    queue(world, fallback_recipient=PAULAS)
    now = datetime.now(UTC) + timedelta(seconds=1)
    taken = take_due(now=now)
    Message.objects.update(withdrawn=True)
    send_taken(taken, now=now)
    assert not Message.objects.filter(channel=Channel.EMAIL).exists()


def test_whose_opt_out_is_known_is_not_asked_for_again(world: World, twilio: Twilio) -> None:
    refuse_as_unsubscribed(twilio)
    queue(world)
    deliver()
    second = queue(world)
    deliver()
    assert len(twilio.asked) == 1
    assert (kept(second).state, kept(second).error) == ("failed", "The phone's owner wants no SMS.")
    assert not Message.objects.filter(channel=Channel.EMAIL).exists()


def test_who_says_stop_meanwhile_gets_none_of_what_is_not_begun(
    world: World, twilio: Twilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = queue(world)
    now = datetime.now(UTC) + timedelta(seconds=1)
    taken = take_due(now=now)
    record_opt_out(Channel.SMS, message.recipient, source="patient", at=now)
    monkeypatch.setattr("clinic.outbox.delivery.FRESH_SECONDS", -1)
    send_taken(taken, now=now)
    assert (kept(message).state, twilio.asked) == ("failed", [])


def test_a_code_is_never_sent_another_way(world: World, twilio: Twilio) -> None:
    refuse_as_unsubscribed(twilio)
    queue(world, secret=True, fallback_recipient=PAULAS)
    deliver()
    assert not Message.objects.filter(channel=Channel.EMAIL).exists()


def test_twilio_is_told_where_to_report(world: World, twilio: Twilio, settings: Settings) -> None:
    settings.SHARED = settings.SHARED.model_copy(update={"public_url": "https://clinic.example"})
    queue(world)
    deliver()
    assert twilio.asked[0]["StatusCallback"] == "https://clinic.example/api/v1/twilio/status"
