"""Messages that may have reached their recipient although no result says so: none of them is ever called cancelled."""

from django.db.models import F, Q

from clinic.outbox.models import Message

PERHAPS_SENT = "An earlier attempt may have reached the recipient."
# Of messages that no worker has.
IS_PERHAPS_SENT = Q(perhaps_sent=True) | Q(attempts__gt=F("failures"))


def was_perhaps_sent(message: Message) -> bool:
    """Of one that a worker has, before this attempt: one had no clear answer, or no end that was stored."""
    return message.perhaps_sent or message.attempts - 1 > message.failures
