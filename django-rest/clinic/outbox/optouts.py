"""Who wants no SMS. What they are to be told goes by mail, where an address is known."""

from collections.abc import Iterable
from datetime import datetime

from django.utils import translation
from django.utils.translation import gettext as _

from clinic.outbox.models import Channel, Message, OptOut, State
from clinic.outbox.words import Words

FALLBACK_KEY = "instead-of"


def is_opted_out(channel: str, recipient: str) -> bool:
    return OptOut.objects.filter(channel=channel, recipient=recipient).exists()


def opted_out_of(phones: Iterable[str]) -> set[str]:
    """Those of them whose owners want no SMS. One query."""
    found = OptOut.objects.filter(channel=Channel.SMS, recipient__in=list(phones))
    return set(found.values_list("recipient", flat=True))


def record_opt_out(channel: str, recipient: str, *, source: str, at: datetime) -> None:
    """A second time changes nothing."""
    OptOut.objects.get_or_create(channel=channel, recipient=recipient, defaults={"source": source, "at": at})


def lift_opt_out(channel: str, recipient: str) -> bool:
    """Whether there was one."""
    return OptOut.objects.filter(channel=channel, recipient=recipient).delete()[0] > 0


def write_instead(message: Message, *, now: datetime) -> None:
    """The mail that goes out in the place of an SMS. Call in the transaction that keeps why the SMS did not.

    A code proves a phone and goes nowhere else. Done twice, it is written once.
    """
    if not message.fallback_recipient or message.secret:
        return
    words = _words_of(message)
    instead = Message(
        clinic_id=message.clinic_id,
        channel=Channel.EMAIL,
        template=message.template,
        recipient=message.fallback_recipient,
        user_id=message.user_id,
        appointment_id=message.appointment_id,
        unique_key=f"{FALLBACK_KEY}:{message.pk}",
        subject=words.subject,
        body=words.body,
        language=message.language,
        state=State.QUEUED,
        created_at=now,
        send_at=now,
        due_at=now,
        expires_at=message.expires_at,
    )
    Message.objects.bulk_create([instead], ignore_conflicts=True)


def _words_of(message: Message) -> Words:
    """What is told by SMS alone says the same by mail, under a subject."""
    if message.instead is not None:
        return Words(**message.instead)
    clinic = message.clinic.name if message.clinic is not None else "Chairside"
    with translation.override(message.language):
        return Words(_("A message from %(clinic)s") % {"clinic": clinic}, message.body)
