"""Around the services: raw SQL, bulk updates, rows that somebody saves. And the worker, and time."""

from datetime import date, timedelta

from clinic.appointments.calendar_uids import new_calendar_uid
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment
from clinic.appointments.references import new_reference
from clinic.common.instants import local_date_of, zone_of
from clinic.scheduling.models import Hold
from clinic.worker.jobs import CELLS_KEPT_FOR, JOBS
from django.db import connection

from ..walk import CELL, NOBODY, Walk, weighted

# The database's clock tells the age of events, and it is not the walk's.
OF_ANOTHER_CLOCK = {"old events pruned"}


def send_the_worker(walk: Walk) -> None:
    for name, job in JOBS.items():
        if name not in OF_ANOTHER_CLOCK:
            walk.service(lambda job=job: job(walk.now))  # type: ignore[misc]
    walk.cells_pruned_before = walk.now - CELLS_KEPT_FOR


def let_minutes_pass(walk: Walk) -> None:
    walk.now += timedelta(minutes=walk.random.randint(1, 40))


def let_hours_pass(walk: Walk) -> None:
    walk.now += timedelta(hours=walk.random.randint(1, 12))


def hold_in_sql(walk: Walk) -> None:
    start = walk.start()
    end = start + timedelta(minutes=walk.among(30, 45))
    row = Hold(
        clinic=walk.world.clinic,
        practitioner_id=walk.practitioner_id(),
        token=f"hold {walk.number()}",
        starts_at=start,
        ends_at=end,
        blocked_from=start,
        blocked_until=end,
        expires_at=walk.now + timedelta(minutes=5),
        created_at=walk.now,
    )
    walk.around_services(row.save)


def release_in_sql(walk: Walk) -> None:
    """Whosever it is: the one that keeps the time of an offer too."""
    hold_id = walk.one_of(sorted(walk.state.holds), NOBODY)
    walk.around_services(Hold.objects.filter(pk=hold_id).delete)


def update_a_status(walk: Walk) -> None:
    status, appointment_id = walk.among(*Status), walk.appointment_id()
    _sql(walk, "UPDATE appointment SET status = %s WHERE id = %s", status.value, appointment_id)


def update_a_day_in_bulk(walk: Walk) -> None:
    rows = Appointment.objects.filter(local_date=walk.start().date(), deleted_at__isnull=True)
    status = walk.among(Status.CANCELLED, Status.CONFIRMED)
    walk.around_services(lambda: rows.update(status=status))


def update_a_time(walk: Walk) -> None:
    appointment_id, cells = walk.appointment_id(), walk.random.randint(-12, 12)
    if appointment_id == NOBODY:
        return
    start = walk.state.appointments[appointment_id]["starts_at"] + cells * CELL
    columns = ("starts_at", "ends_at", "blocked_from", "blocked_until")
    moved = ", ".join(f"{column} = {column} + INTERVAL {cells * 5} MINUTE" for column in columns)
    day = local_date_of(start, zone_of(walk.clinic().timezone))
    _sql(walk, f"UPDATE appointment SET {moved}, local_date = %s WHERE id = %s", day, appointment_id)  # noqa: S608


def insert_a_copy(walk: Walk) -> None:
    row = Appointment.objects.filter(pk=walk.appointment_id()).first()
    if row is not None:
        row.pk, row.status, row.practitioner_id = None, Status.CONFIRMED, walk.practitioner_id()
        row.calendar_uid, row.reference = new_calendar_uid(), new_reference()
        row.patient_id, row.allow_overlap = walk.among(row.patient_id, walk.patient_id()), walk.perhaps(0.2)
        walk.around_services(row.save)


def update_a_patient(walk: Walk) -> None:
    patient_id, appointment_id = walk.patient_id(), walk.appointment_id()
    _sql(walk, "UPDATE appointment SET patient_id = %s WHERE id = %s", patient_id, appointment_id)


def update_a_mark(walk: Walk) -> None:
    _sql(walk, "UPDATE appointment SET allow_overlap = NOT allow_overlap WHERE id = %s", walk.appointment_id())


def delete_a_row(walk: Walk) -> None:
    _sql(walk, "DELETE FROM appointment WHERE id = %s", walk.appointment_id())


def _sql(walk: Walk, statement: str, *values: int | str | date) -> None:
    def write() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)

    walk.around_services(write)


STEPS = weighted(
    (send_the_worker, 4),
    (let_minutes_pass, 5),
    (let_hours_pass, 1),
    (hold_in_sql, 2),
    (release_in_sql, 1),
    (update_a_status, 3),
    (update_a_day_in_bulk, 1),
    (update_a_time, 3),
    (insert_a_copy, 3),
    (update_a_patient, 1),
    (update_a_mark, 1),
    (delete_a_row, 1),
)
