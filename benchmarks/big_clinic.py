"""A clinic group to measure on: 200,000 appointments of 50 practitioners and 20,000 patients, by the day of today.

Written in bulk, without the triggers, and then given the cells that the triggers would have written.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from clinic.accounts.models import Role, User
from clinic.appointments.lifecycle import ACTIVE_STATUSES
from clinic.appointments.models import Appointment
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic, Practitioner, Service, ServicePractitioner, WorkingBlock
from django.db import connection, transaction

SLUG = "riverside-group"
ZONE = ZoneInfo("Europe/Berlin")
SLOT = timedelta(minutes=30)
FIRST_HOUR, SLOTS_A_DAY = 8, 18
FUTURE_DAYS = 40
ROWS_AT_ONCE = 2000
PASSWORD = "a benchmark's own"

FIRST_NAMES = (
    "Anna Ben Clara David Elif Farid Greta Hamza Ida Jonas Kira Lukas Mina Noah Olga Paul Rosa Samir Tilda Wen"
)
LAST_NAMES = (
    "Albers Berg Celik Dorn Ebert Falk Graf Haas Iqbal Jung Kaya Lang Maier Nowak Otto Peters Roth Sommer Vogt Wolf"
)


ACTIVE = tuple(sorted(status.value for status in ACTIVE_STATUSES))
CELLS = """
    INSERT INTO claimed_cell (kind, owner_id, starts_at, appointment_id)
    SELECT %s, {owner_id}, starts_at + INTERVAL 5 * cell MINUTE, id FROM appointment
    JOIN (SELECT 0 AS cell UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5) AS cells
    WHERE status IN %s
"""


@dataclass(frozen=True)
class Size:
    appointments: int = 200_000
    patients: int = 20_000
    practitioners: int = 50


@dataclass
class BigClinic:
    clinic: Clinic
    owner: User
    practitioners: list[Practitioner]
    service: Service
    size: Size
    # After the last booked day every slot is open.
    first_free_day: date = field(default_factory=date.today)

    def days_from(self, first: date, count: int) -> list[date]:
        return _days(first, count, step=1)


def find_big_clinic() -> BigClinic | None:
    """The one that an earlier run has left."""
    clinic = Clinic.objects.filter(slug=SLUG).first()
    if clinic is None:
        return None
    owner, service = User.objects.get(clinic=clinic), Service.objects.get(clinic=clinic)
    patients = Patient.objects.count()
    size = Size(Appointment.objects.count(), patients, Practitioner.objects.count())
    return _with_free_days(BigClinic(clinic, owner, list(Practitioner.objects.order_by("pk")), service, size))


def make_big_clinic(size: Size, advance: Callable[[int], None], *, today: date) -> BigClinic:
    """`advance` is told of each number of rows written."""
    big = _make_clinic(size)
    dice = random.Random(20)
    _write(Patient, _patients(big, dice), advance)
    with without_triggers("appointment"):
        _write(Appointment, _appointments(big, dice, today), advance)
    with connection.cursor() as cursor:
        for kind in ("practitioner", "patient"):
            cursor.execute(CELLS.format(owner_id=f"{kind}_id"), (kind, ACTIVE))
        cursor.execute("ANALYZE TABLE appointment, patient, claimed_cell")
        cursor.fetchall()
    return _with_free_days(big)


def repeat_history(appointments: int) -> None:
    """More past, until there are so many appointments: copies of all of them, each time some years earlier."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*), DATEDIFF(MAX(local_date), MIN(local_date)) + 1, MAX(id) FROM appointment")
        made, span, last_id = cursor.fetchone()
        cursor.execute(COPIED_COLUMNS)
        columns = [column for (column,) in cursor.fetchall()]
        shift = 0
        with without_triggers("appointment"):
            while made < appointments:
                shift += span
                values = ", ".join(_earlier(column, shift) for column in columns)
                copy = f"INSERT INTO appointment ({', '.join(columns)}) SELECT {values} FROM appointment"
                cursor.execute(f"{copy} WHERE id <= %s LIMIT %s", [last_id, min(ROWS_COPIED, appointments - made)])
                made += cursor.rowcount
        cursor.execute("ANALYZE TABLE appointment")
        cursor.fetchall()


# Of each statement, so that it stays within the limits of time.
ROWS_COPIED = 50_000
COPIED_COLUMNS = """
SELECT column_name FROM information_schema.columns
WHERE table_schema = DATABASE() AND table_name = 'appointment' AND COALESCE(generation_expression, '') = ''
AND column_name NOT IN ('id', 'reference', 'calendar_uid')
"""


def _earlier(column: str, days: int) -> str:
    if column.endswith(("_at", "_date")) or column.startswith("blocked_"):
        return f"{column} - INTERVAL {days:d} DAY"
    if column == "status":
        return "CASE WHEN status IN ('pending', 'confirmed', 'checked_in') THEN 'completed' ELSE status END"
    return column


def _with_free_days(big: BigClinic) -> BigClinic:
    last: date = Appointment.objects.order_by("-local_date").values_list("local_date", flat=True)[0]
    big.first_free_day = last + timedelta(days=1)
    return big


def _make_clinic(size: Size) -> BigClinic:
    clinic = Clinic.objects.create(
        name="Riverside Group", slug=SLUG, timezone=ZONE.key, phone_region="DE", horizon_days=180
    )
    owner = User.objects.create_user("owner@riverside.example", PASSWORD, name="Olga", role=Role.OWNER, clinic=clinic)
    service = Service.objects.create(clinic=clinic, name="Check-up", duration_minutes=30)
    practitioners = [
        Practitioner.objects.create(clinic=clinic, name=f"Dr {number:02} {LAST_NAMES.split()[number % 20]}")
        for number in range(size.practitioners)
    ]
    ServicePractitioner.objects.bulk_create(
        ServicePractitioner(service=service, practitioner=practitioner) for practitioner in practitioners
    )
    WorkingBlock.objects.bulk_create(
        WorkingBlock(practitioner=practitioner, weekday=weekday, start_local=start, end_local=end)
        for practitioner in practitioners
        for weekday in range(7)
        for start, end in ((time(8), time(12)), (time(12), time(17)))
    )
    return BigClinic(clinic, owner, practitioners, service, size)


def phone_of(number: int) -> str:
    """Every tenth patient shares the phone of the one before."""
    return f"+49170{number - (number % 10 == 9):07}"


def _patients(big: BigClinic, dice: random.Random) -> Iterator[Patient]:
    first, last = FIRST_NAMES.split(), LAST_NAMES.split()
    for number in range(1, big.size.patients + 1):
        name = f"{dice.choice(first)} {dice.choice(last)}"
        email = f"{name.lower().replace(' ', '.')}.{number}@mail.example"
        yield Patient(pk=number, clinic=big.clinic, name=name, email=email, phone=phone_of(number))


def _appointments(big: BigClinic, dice: random.Random, today: date) -> Iterator[Appointment]:
    """Four in five slots of the weeks ahead, and the past as far back as the rest reaches, newest first."""
    made = 0
    now = datetime.now(UTC)
    past = _days(today - timedelta(days=1), big.size.appointments // big.size.practitioners, step=-1)
    for day in [*_days(today, FUTURE_DAYS, step=1), *past]:
        booked: set[tuple[int, int]] = set()  # A patient is in one place at a time.
        for practitioner in big.practitioners:
            for slot in range(SLOTS_A_DAY):
                if dice.random() < 0.2:
                    continue
                if made == big.size.appointments:
                    return
                made += 1
                patient_id = dice.randint(1, big.size.patients)
                while (patient_id, slot) in booked:
                    patient_id = dice.randint(1, big.size.patients)
                booked.add((patient_id, slot))
                yield _appointment(big, dice, practitioner, patient_id, day, slot, now)


def _appointment(
    big: BigClinic,
    dice: random.Random,
    practitioner: Practitioner,
    patient_id: int,
    day: date,
    slot: int,
    now: datetime,
) -> Appointment:
    start = (datetime.combine(day, time(FIRST_HOUR), ZONE) + slot * SLOT).astimezone(UTC)
    past = ("completed", "no_show", "cancelled", "rejected"), (80, 6, 12, 2)
    ahead = ("confirmed", "pending", "cancelled"), (80, 10, 10)
    statuses, weights = past if start < now else ahead
    created_at = start - timedelta(days=dice.randrange(1, 40))
    return Appointment(
        clinic=big.clinic,
        patient_id=patient_id,
        practitioner=practitioner,
        service=big.service,
        starts_at=start,
        ends_at=start + SLOT,
        blocked_from=start,
        blocked_until=start + SLOT,
        local_date=day,
        status=dice.choices(statuses, weights)[0],
        notes="Lower left, second visit." if dice.random() < 0.3 else "",
        source="desk",
        created_at=created_at,
        updated_at=created_at,
    )


def _write(model: Any, rows: Iterator[Any], advance: Callable[[int], None]) -> None:
    while batch := list(islice(rows, ROWS_AT_ONCE)):
        with transaction.atomic():
            model.objects.bulk_create(batch)
        advance(len(batch))


@contextmanager
def without_triggers(table: str) -> Iterator[None]:
    """They come back as they were, and in their order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()"
            " AND event_object_table = %s ORDER BY event_manipulation, action_order",
            (table,),
        )
        statements = []
        for (name,) in cursor.fetchall():
            cursor.execute(f"SHOW CREATE TRIGGER {name}")
            statements.append(cursor.fetchone()[2])
            cursor.execute(f"DROP TRIGGER {name}")
        yield
        for statement in statements:
            cursor.execute(statement)


def _days(first: date, count: int, *, step: int) -> list[date]:
    days: list[date] = []
    day = first
    while len(days) < count:
        days.append(day)
        day += timedelta(days=step)
    return days
