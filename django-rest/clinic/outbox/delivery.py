"""Due messages are sent: by any number of workers, each message by one of them at a time.

A sender takes a few by `SKIP LOCKED` and marks them with a lease, all in one short transaction; it sends them outside
of any, one after another. A worker that is killed leaves its leases behind, and when they end another one takes over.
So a message is sent twice in one case alone: the worker is killed between the provider's answer and the statement that
stores it. A result that the database cannot take at once is held in memory and stored as soon as it can be.
"""

import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import F
from django.utils.module_loading import import_string

from clinic.common import clock
from clinic.common.errors import TryAgain
from clinic.common.transactions import in_one_statement, in_one_transaction
from clinic.outbox.backoff import pause_after
from clinic.outbox.channels import email, in_app, push, sms
from clinic.outbox.channels.failures import (
    NOT_TAKEN,
    CannotBeDelivered,
    NoClearAnswer,
    NotReached,
    RefusedForNow,
    WantsNoSms,
    code_of,
)
from clinic.outbox.counting import LIMITED, count_ends
from clinic.outbox.models import DeliveryChannel, Message, MessageState
from clinic.outbox.optouts import opted_out_of, record_opt_out, write_instead
from clinic.outbox.outcome_log import LOST, RETRIED, log_outcome
from clinic.outbox.sms_gate import admit_message
from clinic.outbox.sms_numbers import LIMITS, REASONS, SmsRefusal
from clinic.outbox.unknown import PERHAPS_SENT, was_perhaps_sent

# Few, so that one without an answer holds up few and a kill leaves few behind.
BATCH = 10
LEASE = timedelta(minutes=2)
# Messages not begun by then are given back: each channel gives up on its provider well within the rest of the lease.
BEGUN_WITHIN_SECONDS = 60
# Messages begun later than this are checked again for a withdrawal or refusal meanwhile.
FRESH_SECONDS = 0.2
# How long a known result waits for the database, and how often it is offered. A worker that is told to stop waits less.
RESULT_KEPT_SECONDS = 600.0
RESULT_KEPT_SECONDS_WHEN_STOPPED = 3.0
STORE_PAUSE_SECONDS = 0.25
# One that kills its workers is soon left alone.
MAX_KILLED = 8
# An answer of a provider may be long.
ERROR_LENGTH = 500

# Statuses in which the result of an attempt that another worker overtook still counts.
NOT_SENT = (MessageState.QUEUED, MessageState.SENDING, MessageState.CANCELLED, MessageState.DEAD)

CHANNELS = {
    DeliveryChannel.EMAIL.value: email.send,
    DeliveryChannel.SMS.value: sms.send,
    DeliveryChannel.IN_APP.value: in_app.send,
    DeliveryChannel.PUSH.value: push.send,
}
TOO_LATE = "Not sent: its time has passed."
# Providers whose error is a sentence.
PLAIN = (RefusedForNow, NotReached, NoClearAnswer)
log = logging.getLogger("chairside.outbox")

# Messages whose result this process knows and could not store yet.
_unstored: set[int] = set()


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    state: MessageState
    due_at: datetime | None = None
    provider_id: str = ""
    error: str = ""
    code: str = ""
    is_unwanted: bool = False
    is_unknown: bool = False
    refusal: SmsRefusal | None = None


def never() -> bool:
    return False


def deliver_due(*, now: datetime, limit: int = BATCH, is_stopped: Callable[[], bool] = never) -> int:
    """Send a few of what is due. Returns how many were taken: 0 when nothing waits. One that fails stops none."""
    messages = take_due(now=now, limit=limit)
    send_taken(messages, now=now, is_stopped=is_stopped)
    return len(messages)


def send_taken(messages: list[Message], *, now: datetime, is_stopped: Callable[[], bool] = never) -> None:
    """Send what `take_due` took at `now`. Messages not begun when `is_stopped`, or too late, are given back."""
    ends: Counter[tuple[str, str]] = Counter()
    began = looked = time.monotonic()
    for place, message in enumerate(messages):
        if is_stopped() or time.monotonic() - began > BEGUN_WITHIN_SECONDS:
            _give_back(messages[place:], now=now)
            break
        if time.monotonic() - looked > FRESH_SECONDS:
            looked = time.monotonic()
            _look_again(messages[place:])
        ends[_deliver(message, now=now, is_stopped=is_stopped)] += 1
    for (channel, end), count in sorted(ends.items()):
        count_ends(channel, end, count)


@in_one_statement
def _give_back(messages: list[Message], *, now: datetime) -> None:
    taken = Message.objects.filter(
        pk__in=[message.pk for message in messages], state=MessageState.SENDING, due_at=now + LEASE
    )
    taken.update(state=MessageState.QUEUED, due_at=now, attempts=F("attempts") - 1)


def _deliver(message: Message, *, now: datetime, is_stopped: Callable[[], bool]) -> tuple[str, str]:
    """Its channel, and how this attempt ended."""
    began = time.monotonic()
    outcome = _send(message, now=now)
    seconds = time.monotonic() - began
    try:
        _store(message, outcome, is_stopped=is_stopped)
    except Exception:  # When the lease ends, another attempt is made.
        log.exception("message %s: the result of its delivery was lost", message.pk)
        log_outcome(message, LOST, code=outcome.code, seconds=seconds)
        return message.channel, LOST
    name = RETRIED if outcome.due_at is not None else outcome.state.value
    log_outcome(message, name, code=outcome.code, seconds=seconds, next_attempt_at=outcome.due_at)
    if outcome.refusal in LIMITS:
        return message.channel, LIMITED
    return message.channel, "later" if outcome.due_at is not None else outcome.state.value


def _store(message: Message, outcome: DeliveryOutcome, *, is_stopped: Callable[[], bool]) -> None:
    """Until the database takes it, or for too long. Storing twice, after a lost reply, changes nothing."""
    began = time.monotonic()
    _unstored.add(message.pk)
    try:
        while True:
            try:
                return _keep(message, outcome)
            except (DatabaseError, TryAgain) as problem:
                limit = RESULT_KEPT_SECONDS_WHEN_STOPPED if is_stopped() else RESULT_KEPT_SECONDS
                if connection.in_atomic_block or time.monotonic() - began > limit:
                    raise
                log.warning("message %s: its result cannot be stored yet: %s", message.pk, type(problem).__name__)
                connection.close()
                time.sleep(STORE_PAUSE_SECONDS)
    finally:
        _unstored.discard(message.pk)


@in_one_transaction
def take_due(*, now: datetime, limit: int = BATCH) -> list[Message]:
    """For `send_taken`, and for nobody else until the lease ends. Four queries."""
    waiting = Message.objects.select_for_update(skip_locked=True).filter(due_at__lte=now).order_by("due_at", "pk")
    if unstored := sorted(_unstored):
        waiting = waiting.exclude(pk__in=unstored)
    messages = list(waiting.prefetch_related("clinic")[:limit])
    taken = Message.objects.filter(pk__in=[message.pk for message in messages])
    taken.update(state=MessageState.SENDING, due_at=now + LEASE, attempts=F("attempts") + 1)
    for message in messages:
        message.attempts += 1
    _see_what_is_untrue(messages)
    _see_who_wants_none(messages)
    return messages


def _see_what_is_untrue(messages: list[Message]) -> None:
    """Also where raw SQL has changed an appointment: services withdraw what they make untrue."""
    untrue = set(import_string(settings.UNTRUE_MESSAGES)(messages))
    if untrue:
        Message.objects.filter(pk__in=untrue).update(withdrawn=True)
    for message in messages:
        message.withdrawn = message.withdrawn or message.pk in untrue


def _look_again(messages: list[Message]) -> None:
    mine = Message.objects.filter(pk__in=[message.pk for message in messages])
    withdrawn = set(mine.filter(withdrawn=True).values_list("pk", flat=True))
    for message in messages:
        message.withdrawn = message.pk in withdrawn
    _see_who_wants_none(messages)


def _see_who_wants_none(messages: list[Message]) -> None:
    opted_out = opted_out_of(message.recipient for message in messages if message.channel == DeliveryChannel.SMS)
    for message in messages:
        message.is_unwanted = message.channel == DeliveryChannel.SMS and message.recipient in opted_out


def _send(message: Message, *, now: datetime) -> DeliveryOutcome:
    return _not_to_be_sent(message, now=now) or _not_admitted(message, now=now) or _send_now(message, now=now)


def _not_to_be_sent(message: Message, *, now: datetime) -> DeliveryOutcome | None:
    is_perhaps_sent = was_perhaps_sent(message)
    if message.withdrawn and is_perhaps_sent:
        return DeliveryOutcome(MessageState.DEAD, error=f"Withdrawn. {PERHAPS_SENT}", code="withdrawn")
    if message.withdrawn:
        return DeliveryOutcome(MessageState.CANCELLED, code="withdrawn")
    if message.expires_at is not None and message.expires_at <= now:
        error = f"Too late. {PERHAPS_SENT}" if is_perhaps_sent else TOO_LATE
        return DeliveryOutcome(MessageState.DEAD, error=error, code="too_late")
    if message.attempts - message.failures > MAX_KILLED:  # Its worker was killed each time.
        return DeliveryOutcome(MessageState.DEAD, error="Given up: no attempt came to an end.", code="no_attempt_ended")
    if message.is_unwanted:
        return DeliveryOutcome(
            MessageState.FAILED, error="The phone's owner wants no SMS.", code="opted_out", is_unwanted=True
        )
    return None


def _not_admitted(message: Message, *, now: datetime) -> DeliveryOutcome | None:
    if message.channel != DeliveryChannel.SMS:
        return None
    try:
        refusal = admit_message(message, now=now)
    except (DatabaseError, TryAgain) as error:
        problem = NotReached(f"Not counted: {type(error).__name__}", code="not_counted")
        return _try_again(message, problem, now=now)
    if refusal is None:
        return None
    return DeliveryOutcome(MessageState.FAILED, error=REASONS[refusal], code=refusal.value, refusal=refusal)


def _send_now(message: Message, *, now: datetime) -> DeliveryOutcome:
    try:
        provider_id = CHANNELS[message.channel](message)
    except WantsNoSms as refusal:
        return DeliveryOutcome(MessageState.FAILED, error=str(refusal), code=refusal.code, is_unwanted=True)
    except CannotBeDelivered as refusal:
        return DeliveryOutcome(MessageState.FAILED, error=str(refusal), code=refusal.code)
    except Exception as error:
        return _try_again(message, error, now=now)
    return DeliveryOutcome(
        MessageState.DELIVERED if message.channel == DeliveryChannel.IN_APP else MessageState.SENT,
        provider_id=provider_id,
    )


def _try_again(message: Message, error: Exception, *, now: datetime) -> DeliveryOutcome:
    pause = pause_after(message.failures + 1, jitter=random.random())  # noqa: S311 - jitter
    said = str(error) if isinstance(error, PLAIN) else f"{type(error).__name__}: {error}"
    is_unknown, code = not isinstance(error, NOT_TAKEN), code_of(error)
    if pause is None:
        return DeliveryOutcome(MessageState.DEAD, error=said, code=code, is_unknown=is_unknown)
    return DeliveryOutcome(MessageState.QUEUED, due_at=now + pause, error=said, code=code, is_unknown=is_unknown)


def _keep(message: Message, outcome: DeliveryOutcome) -> None:
    if outcome.state is MessageState.FAILED:
        _keep_refusal(message, outcome)
    else:
        _keep_outcome(message, outcome)


@in_one_transaction
def _keep_refusal(message: Message, outcome: DeliveryOutcome) -> None:
    if _keep_outcome(message, outcome):
        now = clock.now()
        if outcome.is_unwanted:
            record_opt_out(message.channel, message.recipient, source="provider", at=now)
        if not Message.objects.filter(pk=message.pk, withdrawn=True).exists():
            write_instead(message, now=now)


@in_one_statement
def _keep_outcome(message: Message, outcome: DeliveryOutcome) -> int:
    """Returns 0 where the lease ended, and another worker has this message now. What was sent is kept as sent even
    then: it is not sent once more, and nothing that came later makes it unsent."""
    kept: dict[str, object] = {
        "state": outcome.state,
        "due_at": outcome.due_at,
        "provider_id": outcome.provider_id,
        "error": outcome.error[:ERROR_LENGTH],
        "refusal": outcome.refusal or "",
    }
    if outcome.due_at is not None:
        kept["failures"] = message.failures + 1
    if outcome.is_unknown or was_perhaps_sent(message):
        kept["perhaps_sent"] = True
    if outcome.state in (MessageState.SENT, MessageState.DELIVERED):
        kept["sent_at"] = clock.now()
    if message.secret and outcome.due_at is None:
        kept["body"] = ""
    if outcome.state is MessageState.SENT and message.attachment is not None:
        kept["attachment"] = None  # A mail that was sent is never sent again.
    own = Message.objects.filter(pk=message.pk)
    stored = own.filter(state=MessageState.SENDING, attempts=message.attempts).update(**kept)
    if not stored and outcome.state is MessageState.SENT:
        return own.filter(state__in=NOT_SENT).update(**kept)
    return stored
