"""How the outbox is: for health and metrics."""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q, QuerySet

from clinic.outbox.models import DeliveryCount, Message, MessageKind, MessageState, MessageVisit, VisitVersion


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
        held=Message.objects.filter(unsettled_since__isnull=False, state=MessageState.HELD).count(),
    )


def further_visits_of(message: Message) -> list[VisitVersion]:
    """Of a message about several appointments: the others than its first. One query."""
    return [VisitVersion(one.appointment_id, one.version) for one in MessageVisit.objects.filter(message=message)]


def times_told(appointment_ids: Collection[int], *, now: datetime, within: timedelta) -> dict[int, list[datetime]]:
    """When patients were told, or will be, of these visits: the moments within this time of `now`. Messages of the day
    and offers do not count. Two queries."""
    sent = Q(state__in=(MessageState.SENT, MessageState.DELIVERED), sent_at__gt=now - within)
    waits = Q(state__in=(MessageState.QUEUED, MessageState.SENDING), send_at__lt=now + within)
    in_time = Q(expires_at=None) | Q(expires_at__gt=now)
    told = Message.objects.filter(sent | waits & in_time, kind__in=(MessageKind.CHANGE, MessageKind.REMINDER))
    moments: dict[int, list[datetime]] = defaultdict(list)
    columns = ("sent_at", "send_at")
    of_first = told.filter(appointment_id__in=appointment_ids).values_list("appointment_id", *columns)
    of_others = told.filter(visits__appointment_id__in=appointment_ids).values_list("visits__appointment_id", *columns)
    for appointment_id, sent_at, send_at in [*of_first, *of_others]:
        moments[appointment_id].append(sent_at or max(send_at, now))
    return moments


def _by_channel(messages: QuerySet[Message]) -> dict[str, int]:
    return dict(messages.values_list("channel").annotate(count=Count("pk")))


def _seconds_since(oldest: datetime | None, now: datetime) -> float:
    return max(0.0, (now - oldest).total_seconds()) if oldest is not None else 0.0
