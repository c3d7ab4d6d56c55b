"""Removal of old data in small steps: words and attachments of messages, notifications, incoming SMS.

The fact, the time, the way and the outcome of a message stay; history is never touched. Ids of these tables rise with
the time of their rows, so that old rows are at the beginning of the primary key and need no index of their own.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, Length

from clinic.common.bounded_steps import in_bounded_steps
from clinic.common.transactions import in_one_statement, in_one_transaction
from clinic.messaging.models import InboundMessage
from clinic.outbox.models import DeliveryChannel, Message, MessageState, MessageVisit
from clinic.worker.models import PruningMark

STEP_ROWS = 500


@dataclass(frozen=True, slots=True)
class PruneStep:
    """`looked_at`: less than `STEP_ROWS` means that there is no more."""

    looked_at: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """`step` removes what is older than an instant, of `STEP_ROWS` rows at most. `old`: all that it would remove."""

    name: str
    setting: str
    step: Callable[[datetime], "PruneStep"]
    old: Callable[[datetime], QuerySet[Message] | QuerySet[InboundMessage]]

    def older_than(self, now: datetime) -> datetime | None:
        """None: it is kept for ever."""
        days: int = getattr(settings.SHARED, self.setting)
        return now - timedelta(days=days) if days else None


def prune(kind: RetentionRule, *, now: datetime, seconds: float | None = None) -> int:
    """Returns of how many rows. `seconds`: no further step begins after them; the rest is for the next round."""
    older_than, removed = kind.older_than(now), 0
    if older_than is None:
        return 0

    def take_step() -> int:
        nonlocal removed
        step = kind.step(older_than)
        removed += step.removed
        return step.looked_at

    in_bounded_steps(take_step, full=STEP_ROWS, seconds=seconds)
    return removed


def _with_words(older_than: datetime) -> QuerySet[Message]:
    """Of messages that are done. Notifications are removed as a whole."""
    done = Message.objects.filter(created_at__lt=older_than, due_at__isnull=True).exclude(state=MessageState.HELD)
    has_words = ~Q(subject="") | ~Q(body="") | Q(attachment__isnull=False) | Q(instead__isnull=False)
    return done.filter(has_words).exclude(channel=DeliveryChannel.IN_APP)


@in_one_statement
def _forget_words(older_than: datetime) -> PruneStep:
    first, last, count = _next_ids("words of messages", older_than)
    if not count:
        return PruneStep()
    words = _with_words(older_than).filter(pk__range=(first, last))
    removed = words.update(subject="", body="", attachment=None, instead=None)
    _move_mark("words of messages", last)
    return PruneStep(count, removed)


def _notifications(older_than: datetime) -> QuerySet[Message]:
    return Message.objects.filter(channel=DeliveryChannel.IN_APP, created_at__lt=older_than, due_at__isnull=True)


def _remove_notifications(older_than: datetime) -> PruneStep:
    """The stream is told of each, so each clinic's are removed in a transaction of their own."""
    first, last, count = _next_ids("notifications", older_than)
    if not count:
        return PruneStep()
    ids: dict[int | None, list[int]] = defaultdict(list)
    old = _notifications(older_than).filter(pk__range=(first, last))
    for clinic_id, pk in old.values_list("clinic_id", "pk"):
        ids[clinic_id].append(pk)
    for of_clinic in ids.values():
        _remove_messages(of_clinic)
    _move_mark("notifications", last)
    return PruneStep(count, sum(map(len, ids.values())))


@in_one_transaction
def _remove_messages(ids: list[int]) -> None:
    MessageVisit.objects.filter(message_id__in=ids).delete()
    Message.objects.filter(pk__in=ids).delete()


def _incoming(older_than: datetime) -> QuerySet[InboundMessage]:
    return InboundMessage.objects.filter(received_at__lt=older_than)


@in_one_statement
def _remove_incoming(older_than: datetime) -> PruneStep:
    oldest = list(InboundMessage.objects.order_by("pk").values_list("pk", "received_at")[:STEP_ROWS])
    old = [pk for pk, received_at in oldest if received_at < older_than]
    if old:
        InboundMessage.objects.filter(pk__in=old).delete()
    return PruneStep(len(old), len(old))


def _next_ids(mark: str, older_than: datetime) -> tuple[int, int, int]:
    """First and last id of the next messages that are old enough, and how many they are."""
    up_to = PruningMark.objects.filter(name=mark).values_list("up_to", flat=True).first() or 0
    rows = Message.objects.filter(pk__gt=up_to).order_by("pk").values_list("pk", "created_at")[:STEP_ROWS]
    ids = []
    for pk, created_at in rows:
        if created_at >= older_than:
            break
        ids.append(pk)
    return (ids[0], ids[-1], len(ids)) if ids else (0, 0, 0)


@in_one_statement
def _move_mark(name: str, up_to: int) -> None:
    PruningMark.objects.update_or_create(name=name, defaults={"up_to": up_to})


WORDS = RetentionRule("words of messages", "keep_message_words_days", _forget_words, _with_words)
NOTIFICATIONS = RetentionRule("notifications", "keep_notifications_days", _remove_notifications, _notifications)
INCOMING = RetentionRule("incoming SMS", "keep_incoming_sms_days", _remove_incoming, _incoming)
KINDS = (WORDS, NOTIFICATIONS, INCOMING)


@dataclass(frozen=True, slots=True)
class PruneForecast:
    kind: RetentionRule
    older_than: datetime | None
    rows: int
    words_bytes: int


def expected(*, now: datetime) -> Iterator[PruneForecast]:
    """Sizes of all that a complete run would remove. Reads every old row."""
    for kind in KINDS:
        older_than = kind.older_than(now)
        if older_than is None:
            yield PruneForecast(kind, None, 0, 0)
            continue
        old = kind.old(older_than)
        words = old.aggregate(bytes=Coalesce(Sum(Length(F("body"))), 0))["bytes"]
        yield PruneForecast(kind, older_than, old.count(), words)
