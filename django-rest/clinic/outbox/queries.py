"""How the outbox is: for health and metrics."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from clinic.outbox.models import DeliveryCount, Message


@dataclass(frozen=True, slots=True)
class OutboxState:
    """`due`: how many should have been taken by now, by channel. `oldest_due_seconds`: how late the first is."""

    due: dict[str, int]
    waiting: dict[str, int]
    oldest_due_seconds: float
    ended: dict[tuple[str, str], int]


def outbox_state(*, now: datetime) -> OutboxState:
    """Three queries, over what is not done yet."""
    due = Message.objects.filter(due_at__lte=now)
    oldest = due.aggregate(oldest=Min("due_at"))["oldest"]
    return OutboxState(
        due=dict(due.order_by().values_list("channel").annotate(count=Count("pk"))),
        waiting=dict(
            Message.objects.filter(due_at__gt=now).order_by().values_list("channel").annotate(count=Count("pk"))
        ),
        oldest_due_seconds=max(0.0, (now - oldest).total_seconds()) if oldest else 0.0,
        ended=Counter({(row.channel, row.end): row.count for row in DeliveryCount.objects.all()}),
    )
