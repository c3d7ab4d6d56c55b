"""The people of the tests. Everybody's password is PASSWORD."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from clinic.accounts.models import Role, User
from clinic.accounts.services import issue_tokens
from clinic.appointments.actor import Actor
from clinic.appointments.models import Appointment, Patient
from clinic.appointments.services.booking import Booking, book_appointment
from clinic.scheduling.models import Clinic, Practitioner, Service, ServicePractitioner, WorkingBlock
from django.contrib.auth.hashers import make_password
from django.db import connection
from rest_framework.test import APIClient

PASSWORD = "correct horse battery staple"


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
    ) -> Appointment:
        return book_appointment(
            actor=Actor.by_user(fresh(by or self.sam)),
            clinic=self.clinic,
            booking=Booking(
                patient_id=(patient or self.paula).patient.pk,
                practitioner_id=(practitioner or self.petra).practitioner.pk,
                start=start,
                service_id=service.pk if service else None,
            ),
            now=now or start - timedelta(days=7),
        )


def fresh(user: User) -> User:
    return User.objects.select_related("clinic", "practitioner", "patient").get(pk=user.pk)


def make_world() -> World:
    clinic = Clinic.objects.create(name="Riverside", slug="riverside", timezone="Europe/Berlin", phone_region="DE")
    hillside = Clinic.objects.create(name="Hillside", slug="hillside", timezone="Europe/London", phone_region="GB")

    def person(name: str, role: Role, at: Clinic = clinic) -> User:
        user = User(email=f"{name.lower()}@{at.slug}.example", name=name, role=role, clinic=at)
        user.password = _password_hash()
        user.save()
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
        check_up=Service.objects.create(clinic=clinic, name="Check-up", duration_minutes=30, color="#16a34a"),
    )
    for user in (world.petra, world.quentin):
        practitioner = Practitioner.objects.create(clinic=clinic, user=user, name=f"Dr {user.name}")
        ServicePractitioner.objects.create(service=world.check_up, practitioner=practitioner)
        for weekday in range(7):
            WorkingBlock.objects.create(
                practitioner=practitioner, weekday=weekday, start_local=time(8), end_local=time(18)
            )
    for user in (world.paula, world.pete):
        Patient.objects.create(clinic=clinic, user=user, name=user.name, email=user.email, phone="+491701234567")
    return world


@cache
def _password_hash() -> str:
    """Argon2 is slow on purpose; one hash serves everybody."""
    return make_password(PASSWORD)


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def tomorrow_at() -> Callable[[int, int], datetime]:
    """An instant of tomorrow, Riverside's wall time."""
    return in_days(1)


def in_days(days: int) -> Callable[[int, int], datetime]:
    zone = ZoneInfo("Europe/Berlin")
    day: date = datetime.now(UTC).astimezone(zone).date() + timedelta(days=days)

    def at(hour: int, minute: int = 0) -> datetime:
        return datetime.combine(day, time(hour, minute), zone)

    return at


@pytest.fixture
def committed_world(transactional_db: None) -> Iterator[World]:
    """For tests with several connections: rows that are really committed. The flush that ends such a test also
    empties the feed's own tables, so its numbering starts anew."""
    _start_numbering()
    yield make_world()


def _start_numbering() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT IGNORE INTO stream_head (clinic_id, seq) VALUES (0, 0)")
        cursor.execute("INSERT IGNORE INTO stream_epoch (id, epoch) VALUES (1, 'testtesttesttest')")
