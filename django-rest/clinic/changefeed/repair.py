"""After a restore that lost triggers or views: make them again, and set right what was written without them.

Nothing else may write meanwhile: statements that make triggers end a transaction, so there is none around this.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from clinic.appointments.lifecycle import ACTIVE_STATUSES
from clinic.appointments.models import Appointment
from clinic.changefeed.checks import missing_triggers, missing_views
from clinic.changefeed.definitions import defined_by_migrations
from clinic.changefeed.models import StreamHead
from clinic.changefeed.services import renew_epoch
from clinic.scheduling.models import FIVE_MINUTES, CellKind, ClaimedCell, Clinic, Hold
from clinic.scheduling.slots import CELL

ACCOUNTS = 0


@dataclass(frozen=True)
class Repair:
    made: list[str]
    # Claimed twice, by what was written while no trigger refused it.
    overlapping_cells: int


def repair_feed(*, now: datetime) -> Repair:
    """Make what is missing. Claims of the past stay forgotten; every dashboard starts from a fresh snapshot."""
    made = make_triggers()
    overlapping = repair_rows(now=now)
    return Repair([*make_views(), *made], overlapping)


def repair_rows(*, now: datetime) -> int:
    """Claims, heads and epoch. Requires: all triggers. Returns how many cells were claimed twice."""
    with transaction.atomic():
        overlapping = _claim_anew(now)
        heads = (ACCOUNTS, *Clinic.objects.values_list("pk", flat=True))
        StreamHead.objects.bulk_create([StreamHead(clinic_id=pk) for pk in heads], ignore_conflicts=True)
    renew_epoch()
    return overlapping


def make_views() -> list[str]:
    views = defined_by_migrations(connection).views
    with connection.cursor() as cursor:
        missing = missing_views(cursor, frozenset(views))
        for name in missing:
            cursor.execute(views[name])
    return missing


def make_triggers() -> list[str]:
    """All of them where one is missing: triggers of a table run in the order of their making, the feed's last."""
    triggers = defined_by_migrations(connection).triggers
    with connection.cursor() as cursor:
        missing = missing_triggers(cursor, frozenset(triggers))
        for name, statement in triggers.items() if missing else ():
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
            cursor.execute(statement)
    return missing


def _claim_anew(now: datetime) -> int:
    ClaimedCell.objects.all().delete()
    cells = [*_cells_of_appointments(now), *_cells_of_holds(now)]
    # The first one keeps what two have claimed.
    ClaimedCell.objects.bulk_create(cells, ignore_conflicts=True, batch_size=1000)
    return len(cells) - ClaimedCell.objects.count()


def _cells_of_appointments(now: datetime) -> Iterator[ClaimedCell]:
    """Of practitioners and, unless it may overlap, of the patient."""
    rows = Appointment.objects.filter(status__in=ACTIVE_STATUSES, blocked_until__gt=now).order_by("pk")
    for row in rows.iterator():
        claims = {(CellKind.PRACTITIONER, row.practitioner_id): _starts(row.blocked_from, row.blocked_until)}
        if not row.allow_overlap:
            claims[CellKind.PATIENT, row.patient_id] = _starts(row.starts_at, row.ends_at)
        for (kind, owner_id), starts in claims.items():
            for start in starts:
                yield ClaimedCell(kind=kind, owner_id=owner_id, starts_at=start, appointment_id=row.pk)


def _cells_of_holds(now: datetime) -> Iterator[ClaimedCell]:
    for row in Hold.objects.filter(blocked_until__gt=now).order_by("pk").iterator():
        for start in _starts(row.blocked_from, row.blocked_until):
            yield ClaimedCell(kind=CellKind.PRACTITIONER, owner_id=row.practitioner_id, starts_at=start, hold_id=row.pk)


def _starts(start: datetime, end: datetime) -> list[datetime]:
    """Of all cells that are touched: raw SQL may start a visit between two."""
    first = start - timedelta(minutes=start.minute % FIVE_MINUTES, seconds=start.second, microseconds=start.microsecond)
    return [first + CELL * index for index in range(-((first - end) // CELL))]
