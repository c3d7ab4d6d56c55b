"""The feed and the claims as rows, and writing past every service: what anybody with a database client can do."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from clinic.accounts.models import Role, User
from clinic.appointments.models import Appointment
from clinic.changefeed.models import RealtimeEvent, StreamHead
from clinic.common.mysql.conditions import DEADLOCK, DUPLICATE_KEY
from clinic.scheduling.models import ClaimedCell, Clinic, Hold
from django.db import IntegrityError, OperationalError, connection

ACCOUNTS = 0
MYSQL_SIGNAL = 1644
CHECK_FAILED = {3819, 4025}  # MySQL's number, MariaDB's.


class Event(NamedTuple):
    entity: str
    entity_id: int
    kind: str


def sql(statement: str, *args: Any) -> int:
    """Returns the number of rows that were written."""
    with connection.cursor() as cursor:
        cursor.execute(statement, [as_stored(arg) for arg in args])
        return int(cursor.rowcount)


def select(statement: str, *args: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [as_stored(arg) for arg in args])
        return list(cursor.fetchall())


def as_stored(value: Any) -> Any:
    """The driver writes an instant's wall time and forgets its zone; columns hold UTC."""
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value


def head_of(clinic_id: int) -> int:
    return StreamHead.objects.get(pk=clinic_id).seq


class Feed:
    """The events of one clinic since this was made."""

    def __init__(self, clinic_id: int) -> None:
        self.clinic_id = clinic_id
        self.start = head_of(clinic_id)

    @property
    def events(self) -> list[Event]:
        """In order. Their numbers must follow each other up to the head."""
        rows = list(RealtimeEvent.objects.filter(clinic_id=self.clinic_id, seq__gt=self.start).order_by("seq"))
        assert [row.seq for row in rows] == list(range(self.start + 1, head_of(self.clinic_id) + 1))
        return [Event(row.entity, row.entity_id, row.kind) for row in rows]

    @property
    def of_rows(self) -> list[Event]:
        """Without those that only say that open times may be others."""
        return [event for event in self.events if event.entity != "schedule"]

    @property
    def of_time(self) -> list[Event]:
        """Without what anybody is told of it."""
        return [event for event in self.events if event.entity != "notification"]


def insert_copy(appointment: Appointment, *, later: timedelta, status: str = "confirmed") -> int:
    """A raw INSERT of the same appointment at another time. Returns its id."""
    moved = {"starts_at", "ends_at", "blocked_from", "blocked_until"}
    written = [field for field in Appointment._meta.concrete_fields if field.column != "id" and not field.generated]
    columns = [str(field.column) for field in written]
    values = {column: column for column in columns}
    values |= {column: f"{column} + INTERVAL {int(later.total_seconds())} SECOND" for column in moved}
    values |= {"status": f"'{status}'", "calendar_uid": "UUID()", "reference": "DEFAULT(reference)"}
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO appointment ({', '.join(columns)})"
            f" SELECT {', '.join(values[column] for column in columns)} FROM appointment WHERE id = %s",
            [appointment.pk],
        )
        return int(cursor.lastrowid or 0)


def make_hold(clinic: Clinic, practitioner: User, start: datetime, *, minutes: int = 30) -> Hold:
    end = start + timedelta(minutes=minutes)
    return Hold.objects.create(
        clinic=clinic,
        practitioner=practitioner.practitioner,
        token=secrets.token_urlsafe(32),
        starts_at=start,
        ends_at=end,
        blocked_from=start,
        blocked_until=end,
        expires_at=start,
        created_at=start - timedelta(days=7),
    )


def cells_of(owner: User) -> dict[datetime, tuple[int | None, int | None]]:
    """Each claimed five minutes of a practitioner or patient: by which appointment, by which hold."""
    is_patient = owner.role == Role.PATIENT
    kind, owner_id = ("patient", owner.patient.pk) if is_patient else ("practitioner", owner.practitioner.pk)
    cells = ClaimedCell.objects.filter(kind=kind, owner_id=owner_id)
    return {cell.starts_at: (cell.appointment_id, cell.hold_id) for cell in cells}


def every_five_minutes(start: datetime, end: datetime) -> list[datetime]:
    step = timedelta(minutes=5)
    return [start + step * index for index in range((end - start) // step)]


def insert(table: str, row: dict[str, Any]) -> str:
    """One statement of one's own, again after a deadlock, as who writes raw SQL has to."""
    names, places = ", ".join(row), ", ".join(["%s"] * len(row))
    while True:
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", list(row.values()))
        except (IntegrityError, OperationalError) as error:
            if error.args[0] == DUPLICATE_KEY:
                return "refused"
            if error.args[0] != DEADLOCK:
                raise
        else:
            return "inserted"
