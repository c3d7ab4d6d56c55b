"""The people of the tests. Everybody's password is PASSWORD."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from zoneinfo import ZoneInfo

import migrated
import pytest
from clinic.accounts.models import Role, User
from clinic.accounts.services import issue_tokens
from clinic.appointments.actor import Actor
from clinic.appointments.lifecycle import ACTIVE_STATUSES
from clinic.appointments.models import Appointment, Series
from clinic.appointments.recurrence import Frequency, Rule
from clinic.appointments.services.booking import Booking, book_appointment
from clinic.appointments.services.series import OnConflict, SeriesBooking, book_series
from clinic.ops.probes import NEVER, OK, PROBES
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic, Practitioner, Service, ServicePractitioner, WorkingBlock
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.cache import cache as remembered
from django.db import connection
from django.test import override_settings
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

PASSWORD = "correct horse battery staple"
NEW_PASSWORD = "incorrect mule, fresh cheese"
RIVERSIDE_ZONE = ZoneInfo("Europe/Berlin")
APPOINTMENTS = "/api/v1/appointments"

At = Callable[..., datetime]


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
            actor=Actor.by_user(fresh(by or self.sam)),
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
            actor=Actor.by_user(fresh(by or self.sam)),
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
    return User.objects.select_related("clinic", "practitioner", "patient").get(pk=user.pk)


def make_world() -> World:
    clinic = Clinic.objects.create(
        name="Riverside",
        slug="riverside",
        timezone="Europe/Berlin",
        phone_region="DE",
        max_pending_per_phone=100,  # Many a test has more requests than a patient would.
    )
    hillside = Clinic.objects.create(name="Hillside", slug="hillside", timezone="Europe/London", phone_region="GB")

    def person(name: str, role: Role, at: Clinic = clinic) -> User:
        user = User(email=f"{name.lower()}@{at.slug}.example", name=name, role=role, clinic=at)
        user.password = _password_hash(settings.PASSWORD_HASHERS[0])
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
        WorkingBlock.objects.bulk_create(
            WorkingBlock(practitioner=practitioner, weekday=weekday, start_local=time(8), end_local=time(18))
            for weekday in range(7)
        )
    for user in (world.paula, world.pete):
        Patient.objects.create(clinic=clinic, user=user, name=user.name, email=user.email, phone="+491701234567")
    return world


@cache
def _password_hash(_hasher: str) -> str:
    """PASSWORD, hashed once per hasher."""
    return make_password(PASSWORD)


PRODUCTION_HASHERS = settings.PASSWORD_HASHERS


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """The test database is a copy of a migrated one, where there is one to copy."""
    creation: Any = connection.creation  # Its stubs know less than it has.
    migrate_it = creation.create_test_db

    def create(**options: Any) -> str:
        if migrated.COPY not in os.environ:
            return str(migrate_it(**options))
        name: str = creation._get_test_db_name()
        creation._create_test_db(verbosity=0, autoclobber=True)
        connection.close()
        settings.DATABASES[connection.alias]["NAME"] = connection.settings_dict["NAME"] = name
        migrated.fill(name)
        return name

    creation.create_test_db = create


@pytest.fixture(scope="session", autouse=True)
def _settings_for_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with override_settings(
        # Argon2 is slow on purpose. Tests of hashing take `production_hashing`.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        STATEMENTS_ARE_COMPARED=True,
        MEDIA_ROOT=tmp_path_factory.mktemp("media"),
        # Every test client would read the whole folder that `make run` has collected.
        STATIC_ROOT=tmp_path_factory.mktemp("static"),
    ):
        yield


@pytest.fixture
def production_hashing() -> Iterator[None]:
    """Passwords are hashed as on a real server. Must come before `world` in a test's arguments."""
    with override_settings(PASSWORD_HASHERS=PRODUCTION_HASHERS):
        yield


# Not for every test: those without a world keep no files, and a folder for each costs as much as the test.
@pytest.fixture
def _own_media_folder(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def world(db: None, _own_media_folder: None) -> World:
    # A test that commits empties every table at its end, the feed's own too.
    _start_numbering()
    _wait_for_the_probes()
    return make_world()


@pytest.fixture
def tomorrow_at() -> At:
    """An instant of tomorrow, Riverside's wall time."""
    return in_days(1)


def in_days(days: int) -> At:
    day: date = datetime.now(UTC).astimezone(RIVERSIDE_ZONE).date() + timedelta(days=days)

    def at(hour: int, minute: int = 0) -> datetime:
        return datetime.combine(day, time(hour, minute), RIVERSIDE_ZONE)

    return at


def this_moment() -> datetime:
    """Now, on the five minutes before: what the desk books for somebody who walks in."""
    now = datetime.now(UTC).astimezone(RIVERSIDE_ZONE)
    return now.replace(minute=now.minute - now.minute % 5, second=0, microsecond=0)


def row_of(appointment: Appointment) -> Appointment:
    """The appointment as it stands in the database now."""
    return Appointment.objects.get(pk=appointment.pk)


def code_of(response: Any) -> str:
    """The code of a refusal, which must have the one shape and its type."""
    body = response.json()
    kind = {4: {"client_error", "validation_error"}, 5: {"server_error"}}[response.status_code // 100]
    assert body["type"] in kind
    assert body["errors"]
    assert all({"code", "detail", "attr"} == set(error) for error in body["errors"])
    return str(body["errors"][0]["code"])


def attr_of(response: Any) -> str | None:
    attr: str | None = response.json()["errors"][0]["attr"]
    return attr


def refusal(response: Any) -> tuple[int, str]:
    return response.status_code, code_of(response)


@pytest.fixture
def committed_world(transactional_db: None, _own_media_folder: None) -> Iterator[World]:
    """For tests with several connections: rows that are really committed. The flush that ends such a test also
    empties the feed's own tables, so its numbering starts anew."""
    _start_numbering()
    _wait_for_the_probes()
    yield make_world()
    _empty_what_numbers_its_deletes()


def _start_numbering() -> None:
    remembered.clear()  # What is remembered by these numbers is of another test.
    with connection.cursor() as cursor:
        cursor.execute("INSERT IGNORE INTO stream_head (clinic_id, seq) VALUES (0, 0)")
        cursor.execute("INSERT IGNORE INTO stream_epoch (id, epoch) VALUES (1, 'testtesttesttest')")


def _wait_for_the_probes() -> None:
    """The process's own probes report for a second that a request met a deadlock, also one of an earlier test."""
    deadline = monotonic() + 10
    while PROBES.state is not NEVER and PROBES.reason() != OK and monotonic() < deadline:
        sleep(0.02)


def _empty_what_numbers_its_deletes() -> None:
    """The flush deletes tables in any order; a trigger that finds its stream head gone refuses."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT event_object_table FROM information_schema.triggers"
            " WHERE trigger_schema = DATABASE() AND event_manipulation = 'DELETE'"
        )
        tables = [table for (table,) in cursor.fetchall()]
        cursor.execute("SET FOREIGN_KEY_CHECKS = 0")
        for table in tables:
            cursor.execute(f"DELETE FROM `{table}`")  # noqa: S608 - the tables' own names
        cursor.execute("SET FOREIGN_KEY_CHECKS = 1")


def at_once(jobs: Sequence[Callable[[], Any]], *, connections: int = 20) -> list[Any]:
    """Run the jobs at the same time, on up to so many database connections. What each returned or raised, in order."""
    threads = min(len(jobs), connections)
    start = threading.Barrier(threads, timeout=30)
    outcomes: list[Any] = [None] * len(jobs)

    def work(first: int) -> None:
        try:
            connection.ensure_connection()
            start.wait()
            for index in range(first, len(jobs), threads):
                try:
                    outcomes[index] = jobs[index]()
                except Exception as error:
                    outcomes[index] = error
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        for worked in [pool.submit(work, first) for first in range(threads)]:
            worked.result()
    return outcomes


class Meanwhile:
    """Runs a job on a connection of its own, and waits for it a little: it may have to wait for us."""

    patience_seconds = 1.0

    def __init__(self, job: Callable[[], Any]) -> None:
        self.outcome: Any = None
        self._job = job
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self.outcome = self._job()
        except Exception as error:
            self.outcome = error
        finally:
            connection.close()

    def waits_for_nobody(self) -> None:
        """Where there is no lock, however slow the machine is."""
        self.patience_seconds = 30

    def begin(self) -> None:
        self._thread.start()
        self._thread.join(self.patience_seconds)

    def end(self) -> Any:
        self._thread.join(30)
        return self.outcome


@contextmanager
def no_overlaps(world: World) -> Iterator[None]:
    yield
    rows = Appointment.objects.filter(clinic=world.clinic, status__in=sorted(ACTIVE_STATUSES))
    blocked = sorted((row.practitioner_id, row.blocked_from, row.blocked_until) for row in rows)
    for (practitioner, _, until), (next_practitioner, begins, _) in pairwise(blocked):
        assert practitioner != next_practitioner or until <= begins
