"""Patients who want no SMS. Their messages go by mail, where an address is known."""

from collections.abc import Iterable
from datetime import datetime

from django.utils import translation
from django.utils.translation import gettext as _

from clinic.outbox.models import DeliveryChannel, Message, MessageState, MessageVisit, OptOut
from clinic.outbox.queries import further_visits_of
from clinic.outbox.words import Words

FALLBACK_KEY = "instead-of"


def is_opted_out(channel: str, recipient: str) -> bool:
    return OptOut.objects.filter(channel=channel, recipient=recipient).exists()


def opted_out_of(phones: Iterable[str]) -> set[str]:
    """Those of them whose owners want no SMS. One query."""
    found = OptOut.objects.filter(channel=DeliveryChannel.SMS, recipient__in=list(phones))
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
        channel=DeliveryChannel.EMAIL,
        template=message.template,
        kind=message.kind,
        cause=message.cause,
        recipient=message.fallback_recipient,
        user_id=message.user_id,
        appointment_id=message.appointment_id,
        appointment_version=message.appointment_version,
        offer_id=message.offer_id,
        received_id=message.received_id,
        unique_key=f"{FALLBACK_KEY}:{message.pk}",
        subject=words.subject,
        body=words.body,
        language=message.language,
        state=MessageState.QUEUED,
        created_at=now,
        send_at=now,
        due_at=now,
        expires_at=message.expires_at,
    )
    Message.objects.bulk_create([instead], ignore_conflicts=True)
    _copy_further_visits(message, instead)


def _copy_further_visits(message: Message, instead: Message) -> None:
    further = further_visits_of(message)
    if not further:
        return
    written = Message.objects.get(unique_key=instead.unique_key)
    copies = [
        MessageVisit(message=written, appointment_id=visit.appointment_id, version=visit.version) for visit in further
    ]
    MessageVisit.objects.bulk_create(copies, ignore_conflicts=True)


def _words_of(message: Message) -> Words:
    """A message that is told by SMS alone says the same by mail, under a subject."""
    if message.instead is not None:
        return Words(**message.instead)
    clinic = message.clinic.name if message.clinic is not None else "Chairside"
    with translation.override(message.language):
        return Words(_("A message from %(clinic)s") % {"clinic": clinic}, message.body)
