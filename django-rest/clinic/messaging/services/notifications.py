from datetime import datetime

from clinic.accounts.models import User
from clinic.common.transactions import in_one_transaction
from clinic.messaging.queries import get_notification_for, notifications_visible_to
from clinic.outbox.models import Message

# Each is an event of its own, and the clinic's number is locked until they are all written.
READ_BATCH = 200


@in_one_transaction
def mark_read(*, user: User, notification_id: int, now: datetime) -> Message:
    """Again, it stays as it was. Raises NotFound."""
    notification = get_notification_for(user, notification_id, lock=True)
    if notification.read_at is None:
        notification.read_at = now
        notification.save(update_fields=["read_at"])
    return notification


def mark_all_read(*, user: User, now: datetime) -> int:
    """All that are there by now, in batches that block nobody for long. Returns how many were not read yet."""
    marked = 0
    while batch := _mark_batch_read(user, now):
        marked += batch
    return marked


@in_one_transaction
def _mark_batch_read(user: User, now: datetime) -> int:
    unread = notifications_visible_to(user).filter(read_at__isnull=True, sent_at__lte=now).order_by("pk")
    # Every row first, then the clinic's number: in turns, two who do this would wait for each other.
    ids = list(unread.select_for_update().values_list("pk", flat=True)[:READ_BATCH])
    return Message.objects.filter(pk__in=ids).update(read_at=now) if ids else 0
