"""Messages that were due when a backup was restored: held until an operator releases or drops them."""

from datetime import datetime

from django.db.models import QuerySet

from clinic.common.transactions import in_one_transaction
from clinic.outbox.models import Message, MessageState
from clinic.outbox.unknown import IS_PERHAPS_SENT, PERHAPS_SENT

DROPPED = "Discarded by an operator after a restore."


@in_one_transaction
def hold_due(*, now: datetime) -> int:
    """Hold each message that a worker would send now or was sending. Returns how many. Their end stays: one whose time
    has passed by its release is not sent."""
    due = Message.objects.filter(state=MessageState.QUEUED, due_at__lte=now) | Message.objects.filter(
        state=MessageState.SENDING
    )
    return due.update(state=MessageState.HELD, due_at=None)


def held_messages() -> QuerySet[Message]:
    return Message.objects.filter(state=MessageState.HELD).order_by("send_at", "pk")


@in_one_transaction
def release_held(*, now: datetime) -> int:
    """Returns how many are due now."""
    return Message.objects.filter(state=MessageState.HELD).update(state=MessageState.QUEUED, due_at=now)


@in_one_transaction
def drop_held() -> int:
    """Returns how many are never sent. Their keys stay: no job queues the same thing again."""
    held = held_messages().order_by()
    held.filter(secret=True).update(body="")
    perhaps_sent = held.filter(IS_PERHAPS_SENT)
    dead = perhaps_sent.update(state=MessageState.DEAD, withdrawn=True, error=f"{DROPPED} {PERHAPS_SENT}")
    return dead + held.update(state=MessageState.CANCELLED, error=DROPPED)
