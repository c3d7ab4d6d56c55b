"""Visits of one patient that overlap stay as they are, and the later-created of two is marked. All others claim their
patient's time. May be repeated: it marks and claims what is missing."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

from django.db import migrations, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

PATIENTS_AT_ONCE = 500
ROWS_AT_ONCE = 20_000
CELL_MINUTES = 5

# One pass over the active visits; no comparison of each with each.
WITH_OVERLAPS = """
    SELECT DISTINCT patient_id FROM (
      SELECT patient_id, starts_at, MAX(ends_at) OVER (
        PARTITION BY patient_id ORDER BY starts_at, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS former_end
      FROM appointment WHERE is_active = 1
    ) AS visit
    WHERE starts_at - INTERVAL 5 MINUTE < former_end
    ORDER BY patient_id
"""
FIRST_CELL = """
    (starts_at - INTERVAL MOD(MINUTE(starts_at), 5) MINUTE - INTERVAL SECOND(starts_at) SECOND
      - INTERVAL MICROSECOND(starts_at) MICROSECOND)
"""
TO_CLAIM = "is_active = 1 AND allow_overlap = 0 AND ends_at > UTC_TIMESTAMP()"
LONGEST = f"SELECT MAX(TIMESTAMPDIFF(MINUTE, starts_at, ends_at)) FROM appointment WHERE {TO_CLAIM}"
CLAIM = f"""
    INSERT IGNORE INTO claimed_cell (kind, owner_id, starts_at, appointment_id)
    WITH RECURSIVE step AS (SELECT 0 AS number UNION ALL SELECT number + 1 FROM step WHERE number < %s)
    SELECT 'patient', patient_id, {FIRST_CELL} + INTERVAL 5 * number MINUTE, id
    FROM appointment JOIN step ON {FIRST_CELL} + INTERVAL 5 * number MINUTE < ends_at
    WHERE {TO_CLAIM} AND id >= %s AND id < %s
"""


def mark_and_claim(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    mark_overlaps(apps, schema_editor.connection)
    claim_time_of_patients(schema_editor.connection)


def mark_overlaps(apps: StateApps, connection: BaseDatabaseWrapper) -> None:
    appointments = apps.get_model("appointments", "Appointment").objects
    with connection.cursor() as cursor:
        cursor.execute(WITH_OVERLAPS)
        patient_ids = [patient_id for (patient_id,) in cursor.fetchall()]
    for first in range(0, len(patient_ids), PATIENTS_AT_ONCE):
        visits = appointments.filter(patient_id__in=patient_ids[first : first + PATIENTS_AT_ONCE], is_active=1)
        marks = defaultdict(list)
        for visit in later_ones(visits.order_by("created_at", "pk")):
            marks[visit.clinic_id].append(visit.pk)
        for visit_ids in marks.values():
            with transaction.atomic(using=connection.alias):  # Each clinic's feed by itself.
                appointments.filter(pk__in=visit_ids).update(allow_overlap=True)


def later_ones(visits: Any) -> Iterator[Any]:
    """Visits in the order of their creation that overlap one before them, and are not marked yet."""
    of_patients = defaultdict(list)
    for visit in visits:
        of_patients[visit.patient_id].append(visit)
    for of_one in of_patients.values():
        found = {later.pk: later for earlier, later in combinations(of_one, 2) if share_a_cell(earlier, later)}
        yield from (visit for visit in found.values() if not visit.allow_overlap)


def share_a_cell(one: Any, other: Any) -> bool:
    return bool(first_cell(one.starts_at) < other.ends_at and first_cell(other.starts_at) < one.ends_at)


def first_cell(at: datetime) -> datetime:
    return at - timedelta(minutes=at.minute % CELL_MINUTES, seconds=at.second, microseconds=at.microsecond)


def claim_time_of_patients(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute(LONGEST)
        (longest,) = cursor.fetchone()
        if longest is None:
            return
        cursor.execute("SELECT MIN(id), MAX(id) FROM appointment")
        first, last = cursor.fetchone()
        for start in range(first, last + 1, ROWS_AT_ONCE):
            cursor.execute(CLAIM, [longest // CELL_MINUTES + 1, start, start + ROWS_AT_ONCE])


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("appointments", "0019_patients_claim_cells")]
    operations = [migrations.RunPython(mark_and_claim, migrations.RunPython.noop)]
