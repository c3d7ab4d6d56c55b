"""The worker's rounds: many small clinics with nothing due, fifty reminders for each of them, and nothing due again."""

import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from benchmarks.costs import cpu_seconds
from benchmarks.growth import small_clinics
from benchmarks.growth.curve import Column, Curve, Point, Settings
from testkit.stream.database import Database, Server
from tools.private_server import PrivateServer, environment_of, throw_away_server

VISITS_EACH = 50
VISIT = timedelta(minutes=5)
# So long ahead nobody is reminded yet; the reminder of a day ahead is due; and was queued.
LEAD, EARLIER = timedelta(hours=20), timedelta(days=10)


def measure(sizes: Sequence[int], settings: Settings) -> Iterator[Point]:
    with throw_away_server() as server, tempfile.TemporaryDirectory() as folder:
        os.environ.update(environment_of(server), SMS_FOLDER=folder, EMAIL_FOLDER=folder)
        database = Database(Server.from_environment())
        os.environ.update(database.environment, DJANGO_SETTINGS_MODULE="config.settings")
        import django

        django.setup()
        first = datetime.combine(datetime.now(UTC).date() + timedelta(days=2), datetime.min.time(), UTC)
        made = 0
        for size in sizes:
            small_clinics.make(database, size, already=made)
            _add_visits(made, size, first)
            made = max(made, size)
            yield _measure(server, size, first)


def _measure(server: PrivateServer, clinics: int, first: datetime) -> Point:
    from clinic.common.mysql.base import time_limits_lifted
    from clinic.outbox.models import Message

    _run(server, first - EARLIER)  # What the first round finds to tidy up is not of interest.
    point = {f"ahead_{name}": value for name, value in _run(server, first - EARLIER).items()}
    written = _run(server, first - LEAD)
    reminders = Message.objects.filter(template="reminder").exclude(channel="in_app").count()
    assert reminders >= clinics * VISITS_EACH, reminders
    point |= {f"write_{name}": value for name, value in written.items()}
    point |= {f"again_{name}": value for name, value in _run(server, first - LEAD).items()}
    with time_limits_lifted():
        Message.objects.all()._raw_delete("default")
    return point


def _run(server: PrivateServer, now: datetime) -> dict[str, float | None]:
    """One round of all jobs, in this process, and as long as it takes: as the worker does."""
    from clinic.common.mysql.base import time_limits_lifted
    from clinic.worker.jobs import run_jobs
    from django.db import connection

    statements = 0

    def count(execute: Callable[..., object], *arguments: object) -> object:
        nonlocal statements
        statements += 1
        return execute(*arguments)

    own, database, began = _own_cpu(), cpu_seconds(server.child.pid), time.monotonic()
    with connection.execute_wrapper(count), time_limits_lifted():
        run_jobs(now=now)
    return {
        "statements": statements,
        "cpu": _own_cpu() - own,
        "database_cpu": cpu_seconds(server.child.pid) - database,
        "seconds": time.monotonic() - began,
    }


def _own_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _add_visits(made: int, size: int, first: datetime) -> None:
    """Fifty patients of each clinic, every other with an account, and a visit of each."""
    from clinic.accounts.models import User
    from clinic.appointments.models import Appointment
    from django.apps import apps

    patient_model = apps.get_model("appointments", "Patient")
    for clinic_id in range(made + 1, size + 1):
        numbers = range(1_000_000 + clinic_id * 100, 1_000_000 + clinic_id * 100 + VISITS_EACH)
        users = [
            User(id=n, email=f"p{n}@example.org", name="Pat", role="patient", clinic_id=clinic_id)
            for n in numbers
            if n % 2
        ]
        User.objects.bulk_create(users)
        patient_model.objects.bulk_create(
            patient_model(
                id=n,
                clinic_id=clinic_id,
                user_id=n if n % 2 else None,
                name="Pat",
                email=f"p{n}@example.org",
                phone=f"+49151{n:08}",
            )
            for n in numbers
        )
        Appointment.objects.bulk_create(
            Appointment(
                clinic_id=clinic_id,
                practitioner_id=clinic_id,
                patient_id=n,
                starts_at=start,
                ends_at=start + VISIT,
                blocked_from=start,
                blocked_until=start + VISIT,
                local_date=start.date(),
                status="confirmed",
                source="desk",
                created_at=first - EARLIER,
                updated_at=first - EARLIER,
            )
            for index, n in enumerate(numbers)
            for start in [first + index * VISIT]
        )


CURVE = Curve(
    title="Rounds of the worker",
    size_title="clinics",
    sizes=(7, 107, 1007),
    columns=(
        Column("ahead_statements", "nothing due: statements"),
        Column("ahead_cpu", "nothing due: CPU s of the worker"),
        Column("ahead_seconds", "nothing due: seconds"),
        Column("write_cpu", "50 reminders a clinic: CPU s of the worker", 15),
        Column("write_database_cpu", "50 reminders a clinic: CPU s of the database"),
        Column("write_seconds", "50 reminders a clinic: seconds"),
        Column("again_statements", "all reminded: statements"),
        Column("again_cpu", "all reminded: CPU s of the worker"),
        Column("again_database_cpu", "all reminded: CPU s of the database"),
    ),
    measure=measure,
    limit_seconds=1200,
)
