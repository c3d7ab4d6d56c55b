"""Many small clinics by raw SQL, and changes of them at a steady pace.

    python -m growth.small_clinics DATABASE CLINICS FIRST COUNT A_SECOND

writes one appointment after the other, each of another clinic; a line for each: the clinic, its sequence number, and
when COMMIT had returned. A process of its own, so that it takes nothing from whoever measures.
"""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from testkit.stream.database import Database, Server

ROWS_AT_ONCE = 1000
VISITS_EACH = 3
SLOT = timedelta(minutes=30)
SLOTS_A_DAY = 16
FIRST_VISIT = timedelta(days=2, hours=8)


def make(database: Database, count: int, *, already: int = 0, zone: str = "UTC") -> None:
    """Clinics `already + 1` to `count`: each with a practitioner, a patient, a service, and visits of tomorrow. Their
    ids are the clinic's."""
    numbers = range(already + 1, count + 1)
    now = datetime.now(UTC).replace(tzinfo=None)
    clinic = {
        "timezone": zone,
        "phone_region": "DE",
        "slot_minutes": 30,
        "hold_minutes": 5,
        "horizon_days": 90,
        "notice_minutes": 60,
        "cancellation_notice_minutes": 1440,
        "no_show_after_minutes": 15,
        "auto_confirm": False,
        "created_at": now,
    }
    insert(database, "clinic", [{"id": n, "name": f"Clinic {n}", "slug": f"clinic-{n}", **clinic} for n in numbers])
    practitioner = {"name": "Dr. Petra", "specialisation": "", "active": True}
    insert(database, "practitioner", [{"id": n, "clinic_id": n, **practitioner} for n in numbers])
    patient = {"name": "Anna", "email": "anna@example.org", "phone": "+4930123456", "created_at": now}
    insert(database, "patient", [{"id": n, "clinic_id": n, **patient} for n in numbers])
    service = {
        "name": "Check-up",
        "duration_minutes": 30,
        "buffer_before_minutes": 0,
        "buffer_after_minutes": 0,
        "color": "#2563eb",
        "active": True,
    }
    insert(database, "service", [{"id": n, "clinic_id": n, **service} for n in numbers])
    first = _midnight() + timedelta(days=1, hours=8)
    visits = [visit(n, first + slot * SLOT) for n in numbers for slot in range(VISITS_EACH)]
    insert(database, "appointment", visits)


def visit(clinic_id: int, starts_at: datetime) -> dict[str, Any]:
    """A row of the clinic's only practitioner and patient, in UTC."""
    now = datetime.now(UTC).replace(tzinfo=None)
    return {
        "clinic_id": clinic_id,
        "patient_id": clinic_id,
        "practitioner_id": clinic_id,
        "service_id": clinic_id,
        "starts_at": starts_at,
        "ends_at": starts_at + SLOT,
        "blocked_from": starts_at,
        "blocked_until": starts_at + SLOT,
        "local_date": starts_at.date(),
        "status": "confirmed",
        "notes": "",
        "cancel_reason": "",
        "source": "desk",
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }


def write(database: Database, clinics: int, first: int, count: int, a_second: float) -> None:
    """A free time for each number, of one clinic after the other."""
    connection = database.server.connect(database=database.name)
    cursor = connection.cursor()
    begins_at = time.monotonic() + 0.5
    for number in range(count):
        time.sleep(max(0.0, begins_at + number / a_second - time.monotonic()))
        round_, index = divmod(first + number, clinics)
        days, slot = divmod(round_, SLOTS_A_DAY)
        clinic_id = 1 + index
        row = visit(clinic_id, _midnight() + FIRST_VISIT + timedelta(days=days) + slot * SLOT)
        connection.begin()
        cursor.execute(_statement("appointment", row, 1), tuple(row.values()))
        cursor.execute("SELECT seq FROM stream_head WHERE clinic_id = %s", (clinic_id,))
        ((seq,),) = cursor.fetchall()
        connection.commit()
        print(clinic_id, seq, time.monotonic(), flush=True)


def insert(database: Database, table: str, rows: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        database.execute(_statement(table, some[0], len(some)), *(value for row in some for value in row.values()))


def _statement(table: str, row: dict[str, Any], count: int) -> str:
    places = f"({', '.join(['%s'] * len(row))})"
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES {', '.join([places] * count)}"


def _midnight() -> datetime:
    today: date = datetime.now(UTC).date()
    return datetime(today.year, today.month, today.day)  # noqa: DTZ001  # As the database has it.


if __name__ == "__main__":
    name, *numbers, pace = sys.argv[1:]
    clinics, first, count = map(int, numbers)
    write(Database.existing(Server.from_environment(), name), clinics, first, count, float(pace))
