"""The operations that are measured: each request of the API beside the least that reads the same rows."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote

from django.db import connection

from benchmarks.big_clinic import ZONE, BigClinic, phone_of
from benchmarks.measuring import Operation

API = "/api/v1"

APPOINTMENT = """
    SELECT a.id, a.clinic_id, a.patient_id, p.name, p.email, p.phone, a.practitioner_id, d.name, a.service_id, s.name,
      s.color, a.starts_at, a.ends_at, a.local_date, a.status, a.attendance_confirmed_at, a.checked_in_at, a.arrived_at,
      a.called_at, a.requested_start, a.room, a.reference, a.request_note, a.notes,
      a.cancel_reason, a.source, a.series_id, a.version, a.created_at, a.updated_at
    FROM appointment a JOIN patient p ON p.id = a.patient_id JOIN practitioner d ON d.id = a.practitioner_id
      LEFT JOIN service s ON s.id = a.service_id
"""


def rows(cursor: Any, sql: str, values: tuple[Any, ...]) -> list[dict[str, Any]]:
    cursor.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def operations_on(big: BigClinic, today: date) -> list[Operation]:
    return [*_lists(big, today), *_slots(big, today), *_numbers(big, today), *_writes(big)]


def _lists(big: BigClinic, today: date) -> Iterator[Operation]:
    clinic_id = big.clinic.pk
    yield Operation(
        "list of 50",
        lambda _: f"{API}/appointments?page_size=50",
        lambda cursor, _: rows(
            cursor,
            f"{APPOINTMENT} JOIN (SELECT id FROM appointment WHERE clinic_id = %s AND is_active = 1"
            " ORDER BY starts_at, id LIMIT 50) AS page ON page.id = a.id ORDER BY a.starts_at, a.id",
            (clinic_id,),
        ),
        goal_ms=25,
    )
    yield Operation(
        "by_phone",
        lambda number: f"{API}/appointments/by_phone?phone={quote(_phone(big, number))}",
        lambda cursor, number: rows(
            cursor,
            f"{APPOINTMENT} WHERE p.clinic_id = %s AND p.phone = %s ORDER BY a.starts_at DESC, a.id DESC LIMIT 50",
            (clinic_id, _phone(big, number)),
        ),
        goal_ms=15,
    )
    yield Operation(
        "patients by part of a name",
        lambda number: f"{API}/patients?search={quote(_part_of_a_name(number))}",
        lambda cursor, number: _patients(cursor, (clinic_id, *_patterns(number))),
        goal_ms=25,
    )


# From what half the clinic has in its name to what nobody has.
PARTS = ("a", "an", "eter", "son", "Anna Maier", "clara.dorn.1", "Nobody")
PATIENTS_LIKE = "WHERE clinic_id = %s AND (name LIKE %s OR email LIKE %s OR phone LIKE %s)"


def _patients(cursor: Any, asked: tuple[Any, ...]) -> Any:
    """Counted only where there is more than a page."""
    found = rows(
        cursor,
        f"SELECT p.* FROM patient p JOIN (SELECT id FROM patient {PATIENTS_LIKE} ORDER BY name, id LIMIT 50) AS page"
        " ON page.id = p.id ORDER BY p.name, p.id",
        asked,
    )
    if len(found) == 50:
        rows(cursor, f"SELECT COUNT(*) FROM patient {PATIENTS_LIKE}", asked)
    return found


def _part_of_a_name(number: int) -> str:
    return PARTS[number % len(PARTS)]


def _patterns(number: int) -> tuple[str, str, str]:
    pattern = f"%{_part_of_a_name(number)}%"
    return pattern, pattern, pattern


def _slots(big: BigClinic, today: date) -> Iterator[Operation]:
    blocks = "SELECT * FROM working_block WHERE practitioner_id IN %s"
    cells = (
        "SELECT * FROM claimed_cell WHERE kind = 'practitioner' AND owner_id IN %s"
        " AND starts_at >= %s AND starts_at < %s"
    )
    everybody = [practitioner.pk for practitioner in big.practitioners]

    def read(ids: list[int], first: date, last: date) -> Callable[[Any], Any]:
        window = tuple(datetime.combine(day, time(), UTC) for day in (first, last + timedelta(days=1)))
        return lambda cursor: [rows(cursor, blocks, (ids,)), rows(cursor, cells, (ids, *window))]

    def one(number: int) -> int:
        return everybody[number % len(everybody)]

    week = today + timedelta(days=7), today + timedelta(days=13)
    days = big.days_from(today + timedelta(days=1), 20)
    yield Operation(
        "a practitioner's week of slots",
        lambda number: f"{API}/practitioners/{one(number)}/slots?from={week[0]}&to={week[1]}&service={big.service.pk}",
        lambda cursor, number: read([one(number)], *week)(cursor),
        goal_ms=15,
    )
    yield Operation(
        "any practitioner's slots of a day",
        lambda number: f"{API}/slots?service={big.service.pk}&from={days[number % 20]}&to={days[number % 20]}",
        lambda cursor, number: read(everybody, days[number % 20], days[number % 20])(cursor),
    )


def _numbers(big: BigClinic, today: date) -> Iterator[Operation]:
    clinic_id = big.clinic.pk

    def summary(cursor: Any, _: int) -> Any:
        called_off = ("cancelled", "rejected")
        return [
            rows(cursor, "SELECT COUNT(*) FROM appointment WHERE clinic_id = %s AND status = 'pending'", (clinic_id,)),
            rows(
                cursor,
                "SELECT status, COUNT(*) FROM appointment WHERE clinic_id = %s AND local_date = %s GROUP BY status",
                (clinic_id, today),
            ),
            rows(
                cursor,
                f"{APPOINTMENT} WHERE a.clinic_id = %s AND a.local_date = %s AND a.status NOT IN %s"
                " ORDER BY a.starts_at, a.id LIMIT 200",
                (clinic_id, today, called_off),
            ),
            rows(
                cursor,
                f"{APPOINTMENT} WHERE a.clinic_id = %s AND a.status IN ('pending', 'confirmed') AND a.starts_at >= %s"
                " ORDER BY a.starts_at, a.id LIMIT 1",
                (clinic_id, datetime.now(UTC)),
            ),
        ]

    yield Operation("summary", lambda _: f"{API}/appointments/summary", summary)
    yield Operation(
        "month statistics",
        lambda _: f"{API}/appointments/stats?groupBy=month&limit=12",
        lambda cursor, _: rows(
            cursor,
            "SELECT local_date, status, COUNT(*) FROM appointment WHERE clinic_id = %s"
            " GROUP BY local_date, status ORDER BY local_date DESC, status DESC LIMIT 2604",
            (clinic_id,),
        ),
    )


def _writes(big: BigClinic) -> Iterator[Operation]:
    """Bare, the same row is written by one statement, and read."""
    pending = _pending(big)
    days = big.days_from(big.first_free_day, 60)

    def place(number: int) -> tuple[int, datetime]:
        """A free time of its own for each number, spread over the practitioners."""
        practitioner = big.practitioners[number % len(big.practitioners)]
        slot = number // len(big.practitioners)
        start = datetime.combine(days[slot // 8], time(8), ZONE) + timedelta(minutes=60 * (slot % 8))
        return practitioner.pk, start

    def patient(number: int) -> int:
        return 1 + number % big.size.patients

    def insert(cursor: Any, number: int) -> Any:
        practitioner_id, start = place(number)
        start = start.astimezone(UTC) + timedelta(minutes=30)
        end, now = start + timedelta(minutes=30), datetime.now(UTC)
        cursor.execute(
            "INSERT INTO appointment (clinic_id, patient_id, practitioner_id, service_id, starts_at, ends_at,"
            " blocked_from, blocked_until, local_date, status, notes, cancel_reason, source, version, created_at,"
            " updated_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'confirmed', '', '', 'desk', 1, %s, %s)",
            (
                big.clinic.pk,
                patient(number),
                practitioner_id,
                big.service.pk,
                start,
                end,
                start,
                end,
                start.date(),
                now,
                now,
            ),
        )
        return rows(cursor, f"{APPOINTMENT} WHERE a.id = %s", (cursor.lastrowid,))

    def update(cursor: Any, number: int) -> Any:
        appointment_id = pending[2 * number + 1]
        cursor.execute("UPDATE appointment SET status = 'confirmed', version = 2 WHERE id = %s", (appointment_id,))
        return rows(cursor, f"{APPOINTMENT} WHERE a.id = %s", (appointment_id,))

    yield Operation(
        "book",
        lambda _: f"{API}/appointments",
        insert,
        method="POST",
        body=lambda number: {
            "patient": patient(number),
            "practitioner": place(number)[0],
            "service": big.service.pk,
            "start": place(number)[1].isoformat(),
        },
        expected=201,
        most_statements=20,
        goal_ms=40,
    )
    yield Operation(
        "confirm",
        lambda number: f"{API}/appointments/{pending[2 * number]}/confirm",
        update,
        method="POST",
        body=lambda _: {},
        most_statements=20,
    )


def _phone(big: BigClinic, number: int) -> str:
    return phone_of(1 + number * 7919 % big.size.patients)


def _pending(big: BigClinic) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM appointment WHERE status = 'pending' AND clinic_id = %s", (big.clinic.pk,))
        return [appointment_id for (appointment_id,) in cursor.fetchall()]
