"""Upkeep of the feed. Numbers are given by triggers; here old ones go and the epoch is renewed."""

import secrets
from datetime import datetime

from django.db import connection
from django.db.models import Exists, OuterRef

from clinic.changefeed.models import RealtimeEvent, StreamEpoch, StreamHead
from clinic.common.bounded_steps import in_bounded_steps
from clinic.common.transactions import in_one_statement, in_one_transaction

# A condition of more pairs is a join to MariaDB, and no longer a look into the primary key.
PRUNE_BATCH = 900


def prune_events(*, older_than: datetime, seconds: float | None = None) -> int:
    """Delete events recorded before the instant, the oldest first, in steps that block nobody for long. Returns how
    many. `seconds`: no further step begins after them.

    The heads stay, so a reader that comes back after longer sees the gap and takes a snapshot. So does the newest event
    of each clinic: its instant is the mark in the ids of a quiet clinic's readers.
    """
    return in_bounded_steps(lambda: _prune_some(older_than), full=PRUNE_BATCH, seconds=seconds)


@in_one_statement
def _prune_some(older_than: datetime) -> int:
    """Chosen without locks: heads belong to whoever books."""
    is_newest = Exists(StreamHead.objects.filter(clinic_id=OuterRef("clinic_id"), seq=OuterRef("seq")))
    old = RealtimeEvent.objects.filter(at__lt=older_than).exclude(is_newest).order_by("at")
    keys = list(old.values_list("clinic_id", "seq")[:PRUNE_BATCH])
    if not keys:
        return 0
    pairs = ", ".join(["(%s, %s)"] * len(keys))
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM realtime_event WHERE (clinic_id, seq) IN ({pairs})",  # noqa: S608 - places alone
            [number for key in keys for number in key],
        )
    return len(keys)


@in_one_statement
def beat_pulse() -> None:
    """Note that the writing side lives, by the database's clock. One statement; takes no number."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO stream_pulse (id, at) VALUES (1, UTC_TIMESTAMP(6))"
            " ON DUPLICATE KEY UPDATE at = UTC_TIMESTAMP(6)"
        )


@in_one_transaction
def renew_epoch() -> str:
    """Sequence numbers may repeat from here on (restore, reset): every reader starts from a snapshot."""
    epoch = secrets.token_hex(8)
    StreamEpoch.objects.update_or_create(id=1, defaults={"epoch": epoch})
    return epoch
