"""How the outbox is: for health and metrics."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, QuerySet

from clinic.outbox.models import DeliveryCount, Message, State


@dataclass(frozen=True, slots=True)
class OutboxState:
    """By channel: `due` should have been taken by now, `waiting` is of a later time, `retrying` has failed and is tried
    again. `oldest_due_seconds`: how late the first is; `oldest_undelivered_seconds`: how long ago the first that is not
    done should have gone out, which grows through all attempts."""

    due: dict[str, int]
    waiting: dict[str, int]
    retrying: dict[str, int]
    oldest_due_seconds: float
    oldest_undelivered_seconds: float
    ended: dict[tuple[str, str], int]
    # By a restore, until an operator releases them.
    held: int


def outbox_state(*, now: datetime) -> OutboxState:
    """Six queries, over what is not done yet."""
    open_ = Message.objects.filter(due_at__isnull=False).order_by()
    oldest = open_.aggregate(due=Min("due_at"), send=Min("send_at"))
    return OutboxState(
        due=_by_channel(open_.filter(due_at__lte=now)),
        waiting=_by_channel(open_.filter(send_at__gt=now)),
        retrying=_by_channel(open_.filter(failures__gt=0)),
        oldest_due_seconds=_seconds_since(oldest["due"], now),
        oldest_undelivered_seconds=_seconds_since(oldest["send"], now),
        ended=Counter({(row.channel, row.end): row.count for row in DeliveryCount.objects.all()}),
        held=Message.objects.filter(state=State.HELD).count(),
    )


def _by_channel(messages: QuerySet[Message]) -> dict[str, int]:
    return dict(messages.values_list("channel").annotate(count=Count("pk")))


def _seconds_since(oldest: datetime | None, now: datetime) -> float:
    return max(0.0, (now - oldest).total_seconds()) if oldest is not None else 0.0
