"""What is to be told is written here, in the transaction of the change it tells, and sent later by the worker.

So nothing is told that was rolled back, nothing that was committed goes untold, and no request waits for a provider.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.template import TemplateDoesNotExist

from clinic.common import clock
from clinic.outbox.attachments import Attachment
from clinic.outbox.models import Channel, Message, MessageTemplate, State
from clinic.outbox.unknown import IS_PERHAPS_SENT, PERHAPS_SENT
from clinic.outbox.words import Words, words_of

DUPLICATE_KEY = 1062
WRITTEN_AT_ONCE = 200
# Clinic, template, channel, language.
OfKind = tuple[int | None, str, str, str]


@dataclass(frozen=True, slots=True)
class About:
    """What a message belongs to, for the log: ids, so that apps above this one need not be known here."""

    clinic_id: int | None
    user_id: int | None = None
    appointment_id: int | None = None


def queue_message(
    *,
    about: About,
    channel: Channel,
    template: str,
    recipient: str,
    context: dict[str, Any],
    send_at: datetime | None = None,
    expires_at: datetime | None = None,
    unique_key: str | None = None,
    secret: bool = False,
    fallback_recipient: str = "",
    language: str = "en",
    attachment: Attachment | None = None,
) -> Message | None:
    """Write one message; call inside the transaction of what it tells. None when `unique_key` was queued before.

    Its words are the clinic's own where it has some in this language (MessageTemplate), else those of
    `templates/messages/<template>.<channel>.txt`; there the first line is the subject of what has one.
    `fallback_recipient` gets a mail in the place of an SMS, if it cannot come: in the words of the template's mail.
    `secret` is for a message with a code or token in it: its words are blanked as soon as nothing more is to be done.

    An in-app message needs `about.user_id`, and holds no secret: it stays. One that is due at once is there when the
    transaction commits, without the worker, and takes the clinic's next number: queue it after the change it tells.
    """
    assert connection.in_atomic_block
    message = compose_message(
        about=about,
        channel=channel,
        template=template,
        recipient=recipient,
        context=context,
        send_at=send_at,
        expires_at=expires_at,
        unique_key=unique_key,
        secret=secret,
        fallback_recipient=fallback_recipient,
        language=language,
        attachment=attachment,
        now=clock.now(),
    )
    _put_into_words([message])
    return message if _is_new(message) else None


def compose_message(
    *,
    about: About,
    channel: Channel,
    template: str,
    recipient: str,
    context: dict[str, Any],
    now: datetime,
    send_at: datetime | None = None,
    expires_at: datetime | None = None,
    unique_key: str | None = None,
    secret: bool = False,
    fallback_recipient: str = "",
    language: str = "en",
    attachment: Attachment | None = None,
) -> Message:
    """As `queue_message`, but neither worded nor written: many go into the queue at once by `queue_messages`."""
    assert channel != Channel.IN_APP or (about.user_id is not None and not secret)
    message = Message(
        clinic_id=about.clinic_id,
        user_id=about.user_id,
        appointment_id=about.appointment_id,
        channel=channel,
        template=template,
        recipient=recipient,
        fallback_recipient=fallback_recipient,
        unique_key=unique_key,
        language=language,
        attachment=asdict(attachment) if attachment is not None else None,
        secret=secret,
        created_at=now,
        send_at=send_at or now,
        due_at=send_at or now,
        expires_at=expires_at,
    )
    message.context = context
    if channel == Channel.IN_APP and message.send_at <= now:
        message.state, message.sent_at, message.due_at = State.DELIVERED, now, None
    return message


def queue_messages(messages: Sequence[Message]) -> None:
    """Write what was composed, in one statement for many; call inside the transaction of what they tell. What was
    queued before under the same key stays as it is. Notifications come last: they take the clinic's next number."""
    assert connection.in_atomic_block
    in_order = sorted(messages, key=lambda message: message.channel == Channel.IN_APP)
    _put_into_words(in_order)
    # Not INSERT IGNORE: that would swallow every other refusal as well.
    Message.objects.bulk_create(
        in_order, update_conflicts=True, update_fields=["unique_key"], batch_size=WRITTEN_AT_ONCE
    )


def cancel_messages(
    *, appointment_id: int | None = None, appointment_ids: Collection[int] = (), templates: Collection[str]
) -> int:
    """What waits for these appointments is not sent any more. Returns how many; one that a worker holds may go out, and
    is not tried again.

    Its key is free again: what is called off and agreed again is told again.
    """
    concerned = {*appointment_ids, *([] if appointment_id is None else [appointment_id])}
    return _take_back(Message.objects.filter(appointment_id__in=sorted(concerned), template__in=templates))


def cancel_messages_by_key(unique_keys: Collection[str]) -> int:
    """The same for those that were queued under these keys."""
    return _take_back(Message.objects.filter(unique_key__in=sorted(unique_keys)))


def _take_back(theirs: QuerySet[Message]) -> int:
    waiting = theirs.filter(state__in=(State.QUEUED, State.HELD))
    # It may have gone out: such a message was not cancelled in time.
    taken_back = waiting.exclude(IS_PERHAPS_SENT).update(state=State.CANCELLED, due_at=None, unique_key=None)
    # In this order: what a worker takes in between is found here. `state` is assigned last, as the others depend on it.
    held_by_worker = Q(state=State.SENDING)
    theirs.filter(state__in=(State.QUEUED, State.HELD, State.SENDING)).update(
        withdrawn=True,
        unique_key=None,
        error=Case(
            When(~held_by_worker & IS_PERHAPS_SENT, then=Value(f"Withdrawn. {PERHAPS_SENT}")), default=F("error")
        ),
        due_at=Case(When(held_by_worker, then=F("due_at"))),
        state=Case(
            When(held_by_worker, then=Value(State.SENDING)),
            When(IS_PERHAPS_SENT, then=Value(State.DEAD)),
            default=Value(State.CANCELLED),
        ),
    )
    return taken_back


def resend(messages: QuerySet[Message], *, now: datetime) -> int:
    """What failed or was given up is due again, with all its attempts. Returns how many. Not what was taken back or
    whose time has passed, nor what held a secret, whose words are gone. Whether it is still true is the caller's to
    know."""
    again = messages.filter(state__in=[State.FAILED, State.DEAD], secret=False, withdrawn=False)
    again = again.exclude(expires_at__lte=now)
    return again.update(
        state=State.QUEUED,
        send_at=now,
        due_at=now,
        attempts=0,
        failures=0,
        error="",
        reported_at=None,
        sms_day=None,
        refusal="",
    )


def _is_new(message: Message) -> bool:
    try:
        with transaction.atomic():
            message.save(force_insert=True)
    except IntegrityError as error:
        if message.unique_key is None or error.args[0] != DUPLICATE_KEY:
            raise
        return False
    return True


def _put_into_words(messages: Sequence[Message]) -> None:
    """One query, however many there are."""
    own = _own_words(messages)
    for message in messages:
        words = _words_by(message.channel, message, own)
        message.subject, message.body = words.subject, words.body
        if message.fallback_recipient and not message.secret:
            message.instead = _mail_instead(message, own)


def _words_by(channel: str, message: Message, own: dict[OfKind, Words]) -> Words:
    chosen = own.get((message.clinic_id, message.template, channel, message.language))
    return words_of(message.template, channel, message.context, message.language, chosen)


def _mail_instead(message: Message, own: dict[OfKind, Words]) -> dict[str, str] | None:
    """Said now: what the words are made of is not kept. None of what is told by SMS alone."""
    try:
        return asdict(_words_by(Channel.EMAIL, message, own))
    except TemplateDoesNotExist:
        return None


def _own_words(messages: Sequence[Message]) -> dict[OfKind, Words]:
    clinics = {message.clinic_id for message in messages if message.clinic_id is not None}
    if not clinics:
        return {}
    chosen = MessageTemplate.objects.filter(
        clinic_id__in=clinics, template__in={message.template for message in messages}
    )
    return {(row.clinic_id, row.template, row.channel, row.language): Words(row.subject, row.body) for row in chosen}
