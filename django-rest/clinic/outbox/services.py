"""What is to be told is written here, in the transaction of the change it tells, and sent later by the worker.

So nothing is told that was rolled back, nothing that was committed goes untold, and no request waits for a provider.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils import timezone

from clinic.outbox.models import Channel, Message, State

DUPLICATE_KEY = 1062


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
) -> Message | None:
    """Write one message; call inside the transaction of what it tells. None when `unique_key` was queued before.

    Its words come from `templates/messages/<template>.<channel>.txt`; of a mail the first line is the subject.
    `fallback_recipient` gets a mail in the place of an SMS, if its phone wants none.
    `secret` is for a message with a code or token in it: its words are blanked as soon as nothing more is to be done.

    An in-app message needs `about.user_id`, and holds no secret: it stays. One that is due at once is there when the
    transaction commits, without the worker, and takes the clinic's next number: queue it after the change it tells.
    """
    assert connection.in_atomic_block
    assert channel != Channel.IN_APP or (about.user_id is not None and not secret)
    now = timezone.now()
    subject, body = _words(template, channel, context)
    message = Message(
        clinic_id=about.clinic_id,
        user_id=about.user_id,
        appointment_id=about.appointment_id,
        channel=channel,
        template=template,
        recipient=recipient,
        fallback_recipient=fallback_recipient,
        unique_key=unique_key,
        subject=subject,
        body=body,
        secret=secret,
        created_at=now,
        send_at=send_at or now,
        due_at=send_at or now,
        expires_at=expires_at,
    )
    if channel == Channel.IN_APP and message.send_at <= now:
        message.state, message.sent_at, message.due_at = State.DELIVERED, now, None
    return message if _is_new(message) else None


def cancel_messages(*, appointment_id: int, templates: list[str]) -> int:
    """What waits for this appointment is not sent any more. Returns how many; one that a worker holds goes out."""
    waiting = Message.objects.filter(
        appointment_id=appointment_id, template__in=templates, state=State.QUEUED, due_at__isnull=False
    )
    return waiting.update(state=State.CANCELLED, due_at=None)


def resend(messages: QuerySet[Message], *, now: datetime) -> int:
    """What was given up, refused or taken back is due again, with all its attempts. Returns how many. Not what held a
    secret, whose words are gone, nor what a worker has."""
    again = messages.filter(state__in=[State.FAILED, State.DEAD, State.CANCELLED], secret=False)
    return again.update(state=State.QUEUED, due_at=now, attempts=0, expires_at=None, error="")


def _is_new(message: Message) -> bool:
    try:
        with transaction.atomic():
            message.save(force_insert=True)
    except IntegrityError as error:
        if message.unique_key is None or error.args[0] != DUPLICATE_KEY:
            raise
        return False
    return True


def _words(template: str, channel: Channel, context: dict[str, Any]) -> tuple[str, str]:
    text = render_to_string(f"messages/{template}.{channel}.txt", context).strip()
    if channel == Channel.SMS:
        return "", text
    subject, _, body = text.partition("\n")
    # A name in a subject must not begin a header of its own.
    return " ".join(subject.split())[:200], body.strip()
