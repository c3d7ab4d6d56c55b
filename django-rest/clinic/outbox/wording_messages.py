"""Messages are put into words when they are written: what the words are made of is not kept."""

from collections.abc import Collection, Mapping, Sequence

from django.template import TemplateDoesNotExist

from clinic.outbox.models import DeliveryChannel, Message, MessageTemplate
from clinic.outbox.words import Words, words_of

# By clinic, template, channel and language.
OwnWords = Mapping[tuple[int | None, str, str, str], Words]


def word_messages(messages: Sequence[Message], own: OwnWords | None = None) -> None:
    """One query, however many there are; none where the clinics' `own` words are given."""
    if own is None:
        clinics = {message.clinic_id for message in messages if message.clinic_id is not None}
        own = own_words(clinics, {message.template for message in messages}) if clinics else {}
    for message in messages:
        words = _words_by(message.channel, message, own)
        message.subject, message.body = words.subject, words.body
        if message.fallback_recipient and not message.secret:
            message.instead = _mail_instead(message, own)


def own_words(clinic_ids: Collection[int], templates: Collection[str]) -> OwnWords:
    """Words of these clinics in place of the standard ones. One query."""
    chosen = MessageTemplate.objects.filter(clinic_id__in=clinic_ids, template__in=templates)
    return {(row.clinic_id, row.template, row.channel, row.language): Words(row.subject, row.body) for row in chosen}


def _words_by(channel: str, message: Message, own: OwnWords) -> Words:
    chosen = own.get((message.clinic_id, message.template, channel, message.language))
    return words_of(message.template, channel, message.context, message.language, chosen)


def _mail_instead(message: Message, own: OwnWords) -> dict[str, str] | None:
    """None of what is told by SMS alone."""
    try:
        words = _words_by(DeliveryChannel.EMAIL, message, own)
    except TemplateDoesNotExist:
        return None
    return {"subject": words.subject, "body": words.body}
