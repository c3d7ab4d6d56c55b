"""Cost of upkeep: old events of many clinics, expired refresh tokens, and the bytes of a visit in the tables."""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.growth import small_clinics
from benchmarks.growth.curve import Column, Curve, Point, Settings
from testkit.stream.database import Database, Server
from tools.private_server import environment_of, throw_away_server

CLINICS = 1000
VISITS = 200
VISIT = timedelta(minutes=30)
YEARS_LATER = timedelta(days=800)
OF_A_VISIT = ("appointment", "appointment_event", "message", "message_visit")


def measure(sizes: Sequence[int], settings: Settings) -> Iterator[Point]:
    with throw_away_server() as server, tempfile.TemporaryDirectory() as folder:
        os.environ.update(environment_of(server), SMS_FOLDER=folder, EMAIL_FOLDER=folder)
        database = Database(Server.from_environment())
        os.environ.update(database.environment, DJANGO_SETTINGS_MODULE="config.settings")
        import django

        django.setup()
        visit = _of_a_visit(database)
        database.execute("SET SESSION max_recursive_iterations = 4294967295")
        for size in sizes:
            yield {"events": _events_pruned(database, size), "tokens": _tokens_pruned(database, size), **visit}
            visit = {}


def _events_pruned(database: Database, count: int) -> float:
    """A second, of `count` old events of a thousand clinics, whose newest events are gone."""
    database.execute(
        "INSERT IGNORE INTO stream_head (clinic_id, seq)"
        " WITH RECURSIVE numbers AS (SELECT 0 AS n UNION ALL SELECT n + 1 FROM numbers WHERE n < %s)"
        " SELECT 1000000 + n, 1000000000 FROM numbers",
        CLINICS - 1,
    )
    database.execute(
        "INSERT INTO realtime_event (clinic_id, seq, entity, entity_id, kind, at)"
        " WITH RECURSIVE numbers AS (SELECT 0 AS n UNION ALL SELECT n + 1 FROM numbers WHERE n < %s)"
        " SELECT 1000000 + n MOD %s, 1 + n DIV %s, 'appointment', n, 'update', '2020-01-01' + INTERVAL n SECOND"
        " FROM numbers",
        count - 1,
        CLINICS,
        CLINICS,
    )
    return _a_second("old events pruned", count)


def _tokens_pruned(database: Database, count: int) -> float:
    """A second, of a tenth as many expired tokens among others that live."""
    for expires_at, tokens in (("2030-01-01", count), ("2020-01-01", count // 10)):
        database.execute(
            "INSERT INTO token_blacklist_outstandingtoken (token, created_at, expires_at, jti)"
            " WITH RECURSIVE numbers AS (SELECT 0 AS n UNION ALL SELECT n + 1 FROM numbers WHERE n < %s)"
            " SELECT REPEAT('x', 300), '2019-12-01', %s, UUID() FROM numbers",
            tokens - 1,
            expires_at,
        )
    rate = _a_second("expired tokens pruned", count // 10)
    database.execute("DELETE FROM token_blacklist_outstandingtoken")
    return rate


def _a_second(job: str, rows: int) -> float:
    from clinic.worker.jobs import JOBS

    began, done = time.monotonic(), 0
    while done < rows:
        some = JOBS[job](datetime.now(UTC))
        if not some:
            raise AssertionError(f"{job}: {done} of {rows}")
        done += some
    return rows / (time.monotonic() - began)


def _of_a_visit(database: Database) -> dict[str, float | None]:
    """Bytes of one that the desk books for a patient with an account who is reminded of it."""
    from clinic.worker.jobs import JOBS, run_jobs

    small_clinics.make(database, 1)
    empty = _bytes_in(database)
    first = datetime.combine(datetime.now(UTC).date() + timedelta(days=10), datetime.min.time(), UTC)
    _book(first)
    for day in range(-2, VISITS // 40 + 1):
        run_jobs(now=first + timedelta(days=day, hours=2))
    database.execute(
        "UPDATE message SET state = IF(channel = 'in_app', 'delivered', 'sent'), due_at = NULL, sent_at = send_at"
    )
    new = (_bytes_in(database) - empty) / VISITS
    rows = database.value("SELECT COUNT(*) FROM message") / VISITS
    for name, job in JOBS.items():
        if name.startswith("old "):
            while job(datetime.now(UTC) + YEARS_LATER):
                pass
    old = (_bytes_in(database) - empty) / VISITS
    return {"messages": rows, "bytes_new": new, "bytes_old": old}


def _book(first: datetime) -> None:
    from clinic.accounts.models import User
    from clinic.appointments.actor import UserActor
    from clinic.appointments.services.booking import Booking, book_appointment
    from clinic.scheduling.models import Clinic

    people: dict[str, Any] = {
        name: User.objects.create(email=f"{name}@example.org", name=name.title(), role=role, clinic_id=1)
        for name, role in (("olga", "owner"), ("sam", "staff"), ("sue", "staff"), ("anna", "patient"))
    }
    from django.apps import apps

    apps.get_model("appointments", "Patient").objects.filter(pk=1).update(user=people["anna"], phone="+4915112345678")
    clinic, desk = Clinic.objects.get(pk=1), UserActor(people["sam"])
    for number in range(VISITS):
        day, slot = divmod(number, 40)
        start = first + timedelta(days=day) + slot * VISIT
        booking = Booking(
            patient_id=1,
            practitioner_id=1,
            start=start,
            service_id=None,
            notes="",
            outside_hours=True,
        )
        book_appointment(actor=desk, clinic=clinic, booking=booking, now=first - timedelta(days=8))


def _bytes_in(database: Database) -> int:
    for table in OF_A_VISIT:
        database.rows(f"OPTIMIZE TABLE {table}")
    places = ", ".join(["%s"] * len(OF_A_VISIT))
    return int(
        database.value(
            "SELECT SUM(data_length + index_length) FROM information_schema.tables"
            f" WHERE table_schema = %s AND table_name IN ({places})",
            database.name,
            *OF_A_VISIT,
        )
    )


CURVE = Curve(
    title="Retention",
    size_title="old events",
    sizes=(10_000, 100_000, 500_000),
    columns=(
        Column("events", "events pruned a second"),
        Column("tokens", "expired tokens pruned a second"),
        Column("messages", "messages of a visit"),
        Column("bytes_new", "bytes of a visit"),
        Column("bytes_old", "bytes of a visit, years later"),
    ),
    measure=measure,
    limit_seconds=1200,
)
