"""Whether a database is as a backup says: its counts, numbers, claims and history."""

from collections.abc import Iterator
from datetime import datetime

from django.db import connection
from django.db.models import F, OuterRef, Subquery

from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.ops.backup.archive import Manifest
from clinic.scheduling.models import ClaimedCell

GAPS = """
SELECT h.clinic_id FROM stream_head h
LEFT JOIN (
  SELECT clinic_id, MIN(seq) AS first, MAX(seq) AS newest, COUNT(*) AS number FROM realtime_event GROUP BY clinic_id
) e ON e.clinic_id = h.clinic_id
WHERE e.newest <> h.seq OR e.number <> e.newest - e.first + 1
"""
Cells = frozenset[tuple[object, ...]]


def problems_of_rows(manifest: Manifest) -> Iterator[str]:
    """Of the rows as they were loaded, before anything else writes."""
    with connection.cursor() as cursor:
        for table, wanted in manifest.tables.items():
            cursor.execute(f"SELECT COUNT(*) FROM `{table}`")  # noqa: S608 - a table of ours
            (found,) = cursor.fetchone()
            if found != wanted:
                yield f"{table} has {found} rows, not {wanted}"
        cursor.execute("SELECT clinic_id, seq FROM stream_head")
        heads = {str(clinic): seq for clinic, seq in cursor.fetchall()}
        if heads != manifest.heads:
            yield "the newest numbers of the clinics differ"
        cursor.execute(GAPS)
        for (clinic,) in cursor.fetchall():
            yield f"the numbers of clinic {clinic} have a gap or do not end at its newest"


def problems_of_history() -> Iterator[str]:
    """A change made by raw SQL has no history, in the original too."""
    newest = AppointmentEvent.objects.filter(appointment_id=OuterRef("pk")).order_by("-id").values("to_status")[:1]
    told = Appointment.objects.annotate(told=Subquery(newest)).filter(told__isnull=False)
    if differing := told.exclude(told=F("status")).count():
        yield f"{differing} appointments have another status than their history says"


def future_cells(*, now: datetime) -> Cells:
    """Their columns but an automatic id: whatever the table has."""
    columns = [field.attname for field in ClaimedCell._meta.concrete_fields if not field.auto_created]
    return frozenset(ClaimedCell.objects.filter(starts_at__gte=now).values_list(*columns))


def problems_of_claims(loaded: Cells, claimed: Cells) -> Iterator[str]:
    """`claimed`: those of the active appointments and holds, as they were claimed anew."""
    if missing := len(claimed - loaded):
        yield f"{missing} cells of appointments and holds were not claimed"
    if surplus := len(loaded - claimed):
        yield f"{surplus} claimed cells belonged to no appointment or hold"
