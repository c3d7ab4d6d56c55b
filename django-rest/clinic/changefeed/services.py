"""Upkeep of the feed. Numbers are given by triggers; here old ones go and the epoch is renewed."""

import secrets
from datetime import datetime

from django.db import connection
from django.db.models import OuterRef, Subquery

from clinic.changefeed.models import RealtimeEvent, StreamEpoch, StreamHead
from clinic.common.transactions import in_one_statement, in_one_transaction

PRUNE_BATCH = 5000


def prune_events(*, older_than: datetime) -> int:
    """Delete events recorded before the instant, in batches that block nobody for long. Returns how many.

    The heads stay, so a reader that comes back after longer sees the gap and takes a snapshot. So does the newest event
    of each clinic: its instant is the mark in the ids of a quiet clinic's readers.
    """
    deleted = 0
    head = StreamHead.objects.filter(clinic_id=OuterRef("clinic_id")).values("seq")
    old = RealtimeEvent.objects.filter(at__lt=older_than).exclude(seq=Subquery(head))
    while True:
        keys = list(old.values_list("clinic_id", "seq")[:PRUNE_BATCH])
        for clinic_id in {clinic_id for clinic_id, _ in keys}:
            seqs = [seq for event_clinic_id, seq in keys if event_clinic_id == clinic_id]
            # Events of a clinic age in the order of their numbers.
            deleted += _delete_events(clinic_id, up_to=max(seqs), older_than=older_than)
        if len(keys) < PRUNE_BATCH:
            return deleted


@in_one_statement
def _delete_events(clinic_id: int, *, up_to: int, older_than: datetime) -> int:
    return RealtimeEvent.objects.filter(clinic_id=clinic_id, seq__lte=up_to, at__lt=older_than).delete()[0]


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
