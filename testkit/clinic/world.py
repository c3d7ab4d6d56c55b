"""The people of the tests. Everybody's password is PASSWORD."""

import pickle
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from itertools import count
from typing import Any

from clinic.accounts.models import Role, User
from clinic.accounts.services import issue_tokens
from clinic.appointments.actor import UserActor
from clinic.appointments.calendar_uids import new_calendar_uid
from clinic.appointments.models import Appointment, Series
from clinic.appointments.recurrence import Frequency, Rule
from clinic.appointments.references import new_reference
from clinic.appointments.services.booking import Booking, book_appointment
from clinic.appointments.services.series import OnConflict, SeriesBooking, book_series
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic, Practitioner, Service, ServicePractitioner, WorkingBlock
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.db.models import Model
from rest_framework.test import APIClient

from testkit.clinic.times import this_moment

PASSWORD = "correct horse battery staple"
NEW_PASSWORD = "incorrect mule, fresh cheese"


@dataclass
class World:
    """Riverside: Olga owns it, Sam works at the desk, Petra and Quentin treat, Paula and Pete are patients.
    Otto owns Hillside, another clinic of the same deployment."""

    clinic: Clinic
    olga: User
    sam: User
    petra: User
    quentin: User
    paula: User
    pete: User
    hillside: Clinic
    otto: User
    check_up: Service

    def client(self, user: User | None = None) -> APIClient:
        client = APIClient()
        if user is not None:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(user=fresh(user)).access}")
        return client

    def book(
        self,
        start: datetime,
        *,
        by: User | None = None,
        patient: User | None = None,
        practitioner: User | None = None,
        service: Service | None = None,
        now: datetime | None = None,
        notes: str = "",
        outside_hours: bool = False,
    ) -> Appointment:
        return book_appointment(
            actor=UserActor(fresh(by or self.sam)),
            clinic=self.clinic,
            booking=Booking(
                patient_id=(patient or self.paula).patient.pk,
                practitioner_id=(practitioner or self.petra).practitioner.pk,
                start=start,
                service_id=service.pk if service else None,
                notes=notes,
                outside_hours=outside_hours,
            ),
            now=now or start - timedelta(days=7),
        )

    def book_series(self, start: datetime, *, count: int = 3, by: User | None = None) -> Series:
        """Paula's with Petra, every week."""
        booking = SeriesBooking(
            patient_id=self.paula.patient.pk,
            practitioner_id=self.petra.practitioner.pk,
            first_date=start.date(),
            start_local=start.time(),
            rule=Rule(Frequency.WEEKLY, count=count),
            service_id=self.check_up.pk,
        )
        series, _ = book_series(
            actor=UserActor(fresh(by or self.sam)),
            clinic=self.clinic,
            booking=booking,
            on_conflict=OnConflict.FAIL,
            now=start - timedelta(days=7),
        )
        return series

    def book_now(self, **more: Any) -> Appointment:
        """An appointment that begins at this moment, whatever the hour is."""
        return self.book(this_moment(), outside_hours=True, **more)


def fresh(user: User) -> User:
    rows = User.objects.filter(pk=user.pk).select_related("clinic", "practitioner", "patient")
    found: User | None = rows.first()
    assert found is not None, f"{user.pk} is deleted"
    return found


def make_world() -> World:
    """Made by the models once in a process and per hasher. Later the same rows are inserted again, ids included, which
    takes a fifth of the time."""
    hasher = settings.PASSWORD_HASHERS[0]
    if hasher not in _first_worlds:
        world = _make_first_world()
        _first_worlds[hasher] = _FirstWorld(pickle.dumps(world), _inserts_of(world))
        return world
    first = _first_worlds[hasher]
    with connection.cursor() as cursor:
        now = datetime.now(UTC)
        for statement, values in first.inserts:
            cursor.execute(statement, [now if isinstance(value, datetime) else value for value in values])
    again: World = pickle.loads(first.pickled)  # noqa: S301 - our own
    return again


@dataclass(frozen=True)
class _FirstWorld:
    pickled: bytes
    inserts: list[tuple[str, list[Any]]]


_first_worlds: dict[str, _FirstWorld] = {}


# In the order in which they refer to each other.
_CLINIC_OF: dict[type[Model], str] = {
    Clinic: "pk",
    User: "clinic",
    Service: "clinic",
    Practitioner: "clinic",
    ServicePractitioner: "service__clinic",
    WorkingBlock: "practitioner__clinic",
    Patient: "clinic",
}


def _inserts_of(world: World) -> list[tuple[str, list[Any]]]:
    inserts = []
    for model, clinic in _CLINIC_OF.items():
        fields = model._meta.concrete_fields
        columns = ", ".join(f"`{field.column}`" for field in fields)
        ids = list(
            model._base_manager.filter(**{f"{clinic}__in": [world.clinic.pk, world.hillside.pk]})
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        table = model._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {columns} FROM `{table}` WHERE `{model._meta.pk.column}` IN %s", [ids])
            rows = cursor.fetchall()
        row = f"({', '.join(['%s'] * len(fields))})"
        inserts.append(
            (
                f"INSERT INTO `{table}` ({columns}) VALUES {', '.join([row] * len(rows))}",
                [value for values in rows for value in values],
            )
        )
    return inserts


def _make_first_world() -> World:
    """No two rows have the same id, so that an id of another table finds nothing by chance."""
    ids = count(1001)
    clinic = Clinic.objects.create(
        pk=next(ids),
        name="Riverside",
        slug="riverside",
        timezone="Europe/Berlin",
        phone_region="DE",
        max_pending_per_phone=100,  # Many a test has more requests than a patient would.
        undo_seconds=0,  # Most tests look at once what was told; those of the undo window set it.
    )
    hillside = Clinic.objects.create(
        pk=next(ids), name="Hillside", slug="hillside", timezone="Europe/London", phone_region="GB"
    )

    def person(name: str, role: Role, at: Clinic = clinic) -> User:
        user = User(pk=next(ids), email=f"{name.lower()}@{at.slug}.example", name=name, role=role, clinic=at)
        user.password = _password_hash(settings.PASSWORD_HASHERS[0])
        user.save(force_insert=True)
        return user

    world = World(
        clinic=clinic,
        olga=person("Olga", Role.OWNER),
        sam=person("Sam", Role.STAFF),
        petra=person("Petra", Role.PRACTITIONER),
        quentin=person("Quentin", Role.PRACTITIONER),
        paula=person("Paula", Role.PATIENT),
        pete=person("Pete", Role.PATIENT),
        hillside=hillside,
        otto=person("Otto", Role.OWNER, hillside),
        check_up=Service.objects.create(
            pk=next(ids), clinic=clinic, name="Check-up", duration_minutes=30, color="#16a34a"
        ),
    )
    for user in (world.petra, world.quentin):
        practitioner = Practitioner.objects.create(pk=next(ids), clinic=clinic, user=user, name=f"Dr {user.name}")
        ServicePractitioner.objects.create(service=world.check_up, practitioner=practitioner)
        WorkingBlock.objects.bulk_create(
            WorkingBlock(practitioner=practitioner, weekday=weekday, start_local=time(8), end_local=time(18))
            for weekday in range(7)
        )
    for user in (world.paula, world.pete):
        Patient.objects.create(
            pk=next(ids), clinic=clinic, user=user, name=user.name, email=str(user.email), phone="+491701234567"
        )
    return world


@cache
def _password_hash(_hasher: str) -> str:
    """PASSWORD, hashed once per hasher."""
    return make_password(PASSWORD)


def copy_of(world: World) -> World:
    copy: World = pickle.loads(pickle.dumps(world))  # noqa: S301 - our own
    return copy


def row_of(appointment: Appointment) -> Appointment:
    """The appointment as it stands in the database now."""
    return Appointment.objects.get(pk=appointment.pk)


def as_new(appointment: Appointment) -> Appointment:
    """The row, to be written once more as another appointment."""
    appointment.pk, appointment.calendar_uid, appointment.reference = None, new_calendar_uid(), new_reference()
    return appointment
