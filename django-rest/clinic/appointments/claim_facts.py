"""Facts for a claim of time, in one statement: others wait for the claim's locks meanwhile."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from clinic.appointments.lifecycle import ACTIVE_STATUSES, Status
from clinic.appointments.slot_assignment import ClaimFacts, PatientVisit, SlotRequest, TakenTime
from clinic.appointments.workload import Workload, surrounding_days
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic
from clinic.scheduling.queries.hours import HOURS, hours_days, hours_from
from clinic.scheduling.slots import CELL
from clinic.scheduling.working_hours import Interval

# A visit that is over was work; one that was called off is not.
TIME_SPENT = sorted(status.value for status in {*ACTIVE_STATUSES, Status.COMPLETED, Status.NO_SHOW})


class FactRow(NamedTuple):
    """One fact. `owner_id` is the practitioner's, of a visit the patient's."""

    fact: str
    owner_id: int
    number: int | None
    every_weeks: int | None
    start_local: Any
    end_local: Any
    first_date: Any
    last_date: Any
    flag: int | None
    first_at: datetime | None
    last_at: datetime | None
    visit_id: int | None
    hold_id: int | None
    expires_at: datetime | None


HOURS_ROWS = f"""
SELECT 'hours', practitioner_id, weekday, every_weeks, start_local, end_local, valid_from, valid_until, closed,
  NULL, NULL, NULL, NULL, NULL
FROM ({HOURS}) AS hours
"""  # noqa: S608 - our own
TAKEN_ROWS = """
SELECT 'taken', cell.owner_id, NULL, NULL, NULL, NULL, NULL, NULL, hold.kept_for_undo,
  MIN(cell.starts_at), MAX(cell.starts_at), cell.appointment_id, cell.hold_id, hold.expires_at
FROM claimed_cell AS cell LEFT JOIN hold ON hold.id = cell.hold_id
WHERE cell.kind = 'practitioner' AND ({times})
GROUP BY cell.owner_id, cell.appointment_id, cell.hold_id, hold.kept_for_undo, hold.expires_at
"""
TIME = "cell.owner_id IN %s AND cell.starts_at >= %s AND cell.starts_at < %s"
# No visit is longer than a day: a constraint of the database.
VISIT_ROWS = """
SELECT 'visit', patient_id, NULL, NULL, NULL, NULL, NULL, NULL, allow_overlap, starts_at, ends_at, id, NULL, NULL
FROM appointment
WHERE patient_id IN %s AND is_active = 1
  AND starts_at > %s - INTERVAL 1 DAY AND starts_at < %s AND ends_at > %s
"""
WORKLOAD_ROWS = """
SELECT 'workload', practitioner.id,
  (SELECT CAST(SUM(TIMESTAMPDIFF(SECOND, starts_at, ends_at)) AS SIGNED) FROM appointment
   WHERE practitioner_id = practitioner.id AND local_date BETWEEN %s AND %s AND status IN %s),
  NULL, NULL, NULL, NULL, NULL, NULL,
  (SELECT created_at FROM appointment WHERE practitioner_id = practitioner.id ORDER BY created_at DESC LIMIT 1),
  NULL, NULL, NULL, NULL
FROM practitioner WHERE id IN %s
"""
# By name and phone as well: each request of a guest may have a record of its own.
REPEATED_ROWS = """
SELECT 'repeated', practitioner_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, appointment.id, NULL, NULL
FROM appointment JOIN patient ON patient.id = appointment.patient_id
WHERE practitioner_id IN %s AND starts_at = %s AND is_active = 1
  AND (patient.id = %s OR (patient.clinic_id = %s AND patient.phone <> '' AND patient.phone = %s AND patient.name = %s))
"""


def read_claim_facts(clinic: Clinic, requests: Sequence[SlotRequest], *, person: Patient | None = None) -> ClaimFacts:
    """Facts for requests of one clinic, in one statement for any number of dates, practitioners and patients.

    Call inside the claim, when its practitioners are locked. `person` is the patient of a request that names no
    practitioner.
    """
    if not requests:
        return ClaimFacts({})
    practitioner_ids = sorted({one for request in requests for one in request.practitioner_ids})
    parts = [
        *_hours_part(clinic, requests, practitioner_ids),
        _taken_part(requests),
        *_visit_part(requests),
        *_choice_parts(requests[0], person),
    ]
    statement = " UNION ALL ".join(sql for sql, _ in parts)
    with connection.cursor() as cursor:
        cursor.execute(statement, [value for _, values in parts for value in values])
        rows = [FactRow(*row) for row in cursor.fetchall()]
    return _facts_from(rows, practitioner_ids)


Part = tuple[str, Sequence[Any]]


def _hours_part(clinic: Clinic, requests: Sequence[SlotRequest], practitioner_ids: Collection[int]) -> list[Part]:
    days = [request.place.local_date for request in requests if request.rules is not None]
    if not days:
        return []
    ids, (first, last) = tuple(practitioner_ids), hours_days(min(days), max(days))
    return [(HOURS_ROWS, (ids, clinic.pk, ids, last, first))]


def _taken_part(requests: Sequence[SlotRequest]) -> Part:
    owners: dict[Interval, set[int]] = defaultdict(set)
    for request in requests:
        owners[request.place.blocked].update(request.practitioner_ids)
    values = [
        value
        for interval, owner_ids in owners.items()
        for value in (tuple(sorted(owner_ids)), _written(interval.start), _written(interval.end))
    ]
    return TAKEN_ROWS.format(times=" OR ".join([TIME] * len(owners))), values


def _visit_part(requests: Sequence[SlotRequest]) -> list[Part]:
    of_patients = [request for request in requests if request.patient_id is not None]
    if not of_patients:
        return []
    first = _written(min(request.place.starts_at for request in of_patients))
    last = _written(max(request.place.ends_at for request in of_patients))
    return [(VISIT_ROWS, (tuple({request.patient_id for request in of_patients}), first, last, first))]


def _choice_parts(request: SlotRequest, person: Patient | None) -> list[Part]:
    if request.is_named:
        return []
    ids = tuple(request.practitioner_ids)
    parts: list[Part] = [(WORKLOAD_ROWS, (*surrounding_days(request.place.local_date), tuple(TIME_SPENT), ids))]
    if person is not None:
        start = _written(request.place.starts_at)
        parts.append((REPEATED_ROWS, (ids, start, person.pk or 0, person.clinic_id, person.phone, person.name)))
    return parts


def _facts_from(rows: Sequence[FactRow], practitioner_ids: Collection[int]) -> ClaimFacts:
    found: dict[str, list[FactRow]] = defaultdict(list)
    for row in rows:
        found[row.fact].append(row)
    return ClaimFacts(
        hours=hours_from((row[1:9] for row in found["hours"]), practitioner_ids),
        taken=[_taken_time(row) for row in found["taken"]],
        visits=[_visit(row) for row in found["visit"]],
        workloads=[
            Workload(row.owner_id, timedelta(seconds=int(row.number or 0)), row.first_at) for row in found["workload"]
        ],
        is_repeated=bool(found["repeated"]),
    )


def _taken_time(row: FactRow) -> TakenTime:
    assert row.first_at is not None
    assert row.last_at is not None
    return TakenTime(
        row.owner_id,
        Interval(row.first_at, row.last_at + CELL),
        visit_id=row.visit_id,
        hold_id=row.hold_id,
        expires_at=row.expires_at,
        kept_for_undo=bool(row.flag),
    )


def _visit(row: FactRow) -> PatientVisit:
    assert row.first_at is not None
    assert row.last_at is not None
    assert row.visit_id is not None
    return PatientVisit(row.visit_id, row.owner_id, Interval(row.first_at, row.last_at), may_overlap=bool(row.flag))


def _written(at: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(at)
