"""Messages are written here, in the transaction of the change they tell, and sent later by the worker.

So nothing is told that was rolled back, nothing that was committed goes untold, and no request waits for a provider.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection
from django.db.models import Case, Exists, F, OuterRef, PositiveIntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Greatest

from clinic.common import clock
from clinic.common.many_rows import insert_many, new_row
from clinic.common.mysql.conditions import is_duplicate
from clinic.common.transactions import savepoint
from clinic.outbox.attachments import Attachment
from clinic.outbox.models import (
    ABOUT_VISIT,
    DeliveryChannel,
    Message,
    MessageKind,
    MessageState,
    MessageVisit,
    VisitVersion,
)
from clinic.outbox.unknown import IS_PERHAPS_SENT, PERHAPS_SENT
from clinic.outbox.wording_messages import OwnWords, word_messages

UNIQUE_KEY = "unique_key"
WRITTEN_AT_ONCE = 200
UNSENT = (MessageState.QUEUED, MessageState.HELD, MessageState.CANCELLED)


@dataclass(frozen=True, slots=True)
class About:
    """References of a message: ids, so that apps above this one need not be known here. `visit`: an appointment and its
    version as it is told; of a message about several the first, and `further_visits` are the others."""

    clinic_id: int | None
    user_id: int | None = None
    visit: VisitVersion | None = None
    further_visits: Sequence[VisitVersion] = ()
    offer_id: int | None = None
    received_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewMessage:
    """A message that is to be told.

    Its words are the clinic's own where it has some in this language (MessageTemplate), else those of
    `templates/messages/<template>.<channel>.txt`; there the first line is the subject of what has one.
    `fallback_recipient` gets a mail in the place of an SMS, if it cannot come: in the words of the template's mail.
    `secret` is for a message with a code or token in it: its words are blanked as soon as nothing more is to be done.

    `kind` is what it is for, `cause` which news of a visit. `send_at`: not before; until then it can be withdrawn.

    An in-app message needs `about.user_id`, and holds no secret: it stays.
    """

    about: About
    kind: MessageKind
    channel: DeliveryChannel
    template: str
    recipient: str
    context: dict[str, Any]
    send_at: datetime | None = None
    expires_at: datetime | None = None
    unique_key: str | None = None
    secret: bool = False
    fallback_recipient: str = ""
    language: str = "en"
    attachment: Attachment | None = None
    cause: str = ""
    step: str = ""

    def __post_init__(self) -> None:
        assert self.channel != DeliveryChannel.IN_APP or (self.about.user_id is not None and not self.secret)


def queue_message(new: NewMessage) -> Message | None:
    """Write one message; call inside the transaction of what it tells. None when `unique_key` was queued before.

    An in-app message that is due at once is there when the transaction commits, without the worker, and takes the
    clinic's next number: queue it after the change it tells.
    """
    assert connection.in_atomic_block
    message = compose_message(new, now=clock.now())
    word_messages([message])
    return message if _is_new(message) else None


def compose_message(new: NewMessage, *, now: datetime) -> Message:
    """As `queue_message`, but neither worded nor written: many go into the queue at once by `queue_messages`."""
    about, visit = new.about, new.about.visit
    columns = {
        "clinic_id": about.clinic_id,
        "user_id": about.user_id,
        "appointment_id": visit.appointment_id if visit is not None else None,
        "appointment_version": visit.version if visit is not None else None,
        "offer_id": about.offer_id,
        "received_id": about.received_id,
        "kind": new.kind,
        "cause": new.cause,
        "channel": new.channel,
        "template": new.template,
        "recipient": new.recipient,
        "fallback_recipient": new.fallback_recipient,
        "unique_key": new.unique_key,
        "language": new.language,
        "attachment": asdict(new.attachment) if new.attachment is not None else None,
        "secret": new.secret,
        "step": new.step,
        "created_at": now,
        "send_at": new.send_at or now,
        "due_at": new.send_at or now,
        "expires_at": new.expires_at,
    }
    message = new_row(Message, columns)
    message.context, message.further_visits = new.context, about.further_visits
    if new.channel == DeliveryChannel.IN_APP and message.send_at <= now:
        message.state, message.sent_at, message.due_at = MessageState.DELIVERED, now, None
    return message


def queue_messages(messages: Sequence[Message], own: OwnWords | None = None) -> None:
    """Put into words what was composed, and write it. As `word_messages` and `write_messages`."""
    word_messages(messages, own)
    write_messages(messages)


def write_messages(messages: Sequence[Message]) -> None:
    """Write what was composed and worded, in one statement for many; call inside the transaction of what they tell.
    What was queued before under the same key stays as it is. Notifications come last: they take the clinic's next
    number. One about several appointments needs a key."""
    assert connection.in_atomic_block
    in_order = sorted(messages, key=lambda message: message.channel == DeliveryChannel.IN_APP)
    # Not INSERT IGNORE: that would swallow every other refusal as well.
    insert_many(in_order, kept_by="unique_key", at_once=WRITTEN_AT_ONCE)
    _write_further_visits(in_order)


def withdraw_of_visits(
    appointment_ids: Collection[int],
    *,
    kinds: Collection[MessageKind] = ABOUT_VISIT,
    causes: Collection[str] | None = None,
    by_step: str = "",
) -> int:
    """Messages of these appointments that wait are not sent any more. Returns how many; one that a worker holds may go
    out, and is not tried again. A message about several is withdrawn if all of its appointments are named.

    Their keys are free again: what is called off and agreed again is told again. `by_step`: the step that makes them
    untrue; if it is undone, they are sent after all.
    """
    others = MessageVisit.objects.filter(message=OuterRef("pk")).exclude(appointment_id__in=appointment_ids)
    theirs = Message.objects.filter(~Exists(others), appointment_id__in=sorted(appointment_ids), kind__in=kinds)
    if causes is not None:
        theirs = theirs.filter(cause__in=causes)
    return _withdraw(theirs, by_step=by_step)


def replace_in_unsent(appointment_id: int, former: str, present: str) -> None:
    """In the words of messages about this appointment that may still be sent, or sent again. One query, and one for
    each message that holds the former text."""
    about = Q(appointment_id=appointment_id) | Q(visits__appointment_id=appointment_id)
    unsent = Message.objects.exclude(state__in=(MessageState.SENT, MessageState.DELIVERED)).filter(about)
    for message in unsent.filter(Q(body__contains=former) | Q(fallback_recipient__gt="")).distinct():
        message.body = message.body.replace(former, present)
        if message.instead is not None:
            message.instead = {name: text.replace(former, present) for name, text in message.instead.items()}
        message.save(update_fields=["body", "instead"])


def withdraw_of_offer(offer_id: int) -> int:
    """As `withdraw_of_visits`, for an offer of the waitlist."""
    return _withdraw(Message.objects.filter(offer_id=offer_id))


def withdraw_unsent(message_id: int) -> bool:
    """Withdraw one message. False, and nothing is changed, if it has gone out or is just being sent."""
    assert connection.in_atomic_block
    message = Message.objects.select_for_update().get(pk=message_id)
    was_tried = message.perhaps_sent or message.attempts > message.failures
    if message.state not in (MessageState.QUEUED, MessageState.HELD) or was_tried:
        return False
    return _withdraw(Message.objects.filter(pk=message_id)) > 0


def undo_messages_of(step: str, *, versions: Mapping[int, int], now: datetime) -> bool:
    """Withdraw the messages of a step that is undone, and queue again those it had withdrawn, which then tell of
    `versions`: as the appointments were before. Not reminders, which are queued anew when they are due.

    False, and nothing is changed, if one of its messages has gone out or is just being sent. Call with the step's
    appointments locked.
    """
    assert connection.in_atomic_block
    of_step = Message.objects.select_for_update().filter(step=step)
    if any(state not in UNSENT for state in of_step.values_list("state", flat=True)):
        return False
    _withdraw(Message.objects.filter(step=step))
    theirs = Message.objects.filter(withdrawn_by=step, state__in=(MessageState.CANCELLED, MessageState.SENDING))
    theirs = theirs.exclude(kind=MessageKind.REMINDER).exclude(expires_at__lte=now)
    ids = list(theirs.values_list("pk", flat=True))
    if ids:
        _queue_again(Message.objects.filter(pk__in=ids), versions, now=now)
    return True


def _queue_again(withdrawn: QuerySet[Message], versions: Mapping[int, int], *, now: datetime) -> None:
    of_each = [When(appointment_id=one, then=Value(version)) for one, version in versions.items()]
    MessageVisit.objects.filter(message__in=withdrawn).update(
        version=Case(*of_each, default=F("version"), output_field=PositiveIntegerField())
    )
    again: dict[str, Any] = {
        "withdrawn": False,
        "withdrawn_by": "",
        "appointment_version": Case(*of_each, default=F("appointment_version"), output_field=PositiveIntegerField()),
    }
    withdrawn.filter(state=MessageState.SENDING).update(**again)
    withdrawn.filter(state=MessageState.CANCELLED).update(
        **again, state=MessageState.QUEUED, due_at=Greatest("send_at", Value(now))
    )


def _withdraw(theirs: QuerySet[Message], *, by_step: str = "") -> int:
    waiting = theirs.filter(state__in=(MessageState.QUEUED, MessageState.HELD))
    # It may have gone out: such a message was not cancelled in time.
    withdrawn = waiting.exclude(IS_PERHAPS_SENT).update(
        withdrawn_by=by_step, state=MessageState.CANCELLED, due_at=None, unique_key=None
    )
    # In this order: what a worker takes in between is found here. `state` is assigned last, as the others depend on it.
    held_by_worker = Q(state=MessageState.SENDING)
    theirs.filter(state__in=(MessageState.QUEUED, MessageState.HELD, MessageState.SENDING)).update(
        withdrawn_by=by_step,
        withdrawn=True,
        unique_key=None,
        error=Case(
            When(~held_by_worker & IS_PERHAPS_SENT, then=Value(f"Withdrawn. {PERHAPS_SENT}")), default=F("error")
        ),
        due_at=Case(When(held_by_worker, then=F("due_at"))),
        state=Case(
            When(held_by_worker, then=Value(MessageState.SENDING)),
            When(IS_PERHAPS_SENT, then=Value(MessageState.DEAD)),
            default=Value(MessageState.CANCELLED),
        ),
    )
    return withdrawn


def resend(messages: QuerySet[Message], *, now: datetime) -> int:
    """Make failed messages due again, with all their attempts. Returns how many. Not those taken back, those whose time
    has passed, nor those without words: a secret, or one that is long past. Whether it is still true is the caller's
    to know."""
    again = messages.filter(state__in=[MessageState.FAILED, MessageState.DEAD], secret=False, withdrawn=False)
    again = again.exclude(expires_at__lte=now).exclude(body="")
    return again.update(
        state=MessageState.QUEUED,
        send_at=now,
        due_at=now,
        attempts=0,
        failures=0,
        error="",
        reported_at=None,
        sms_day=None,
        refusal="",
    )


def _write_further_visits(messages: Sequence[Message]) -> None:
    """Two statements if any of them is about several, else none."""
    several = {message.unique_key: message.further_visits for message in messages if message.further_visits}
    if not several:
        return
    # Not every server tells the ids of many rows that it has written.
    ids = dict(Message.objects.filter(unique_key__in=list(several)).values_list("unique_key", "pk"))
    visits = [
        MessageVisit(message_id=ids[key], appointment_id=visit.appointment_id, version=visit.version)
        for key, further in several.items()
        for visit in further
    ]
    MessageVisit.objects.bulk_create(visits, ignore_conflicts=True, batch_size=WRITTEN_AT_ONCE)


def _is_new(message: Message) -> bool:
    try:
        with savepoint():
            message.save(force_insert=True)
    except IntegrityError as error:
        if not is_duplicate(error, UNIQUE_KEY):
            raise
        return False
    return True
