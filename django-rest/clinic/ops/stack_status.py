"""State of a running stack: both services, database, worker, queues, and the same rows in REST, stream and database."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.checks import run_checks
from django.core.checks.messages import WARNING
from django.db import DatabaseError, InterfaceError

from clinic.accounts.models import Role, User
from clinic.accounts.tokens import access_token_for
from clinic.appointments.lifecycle import Status
from clinic.appointments.queries import appointments_visible_to
from clinic.common import clock
from clinic.common.instants import local_date_of, zone_of
from clinic.health.queries import outbox_health, server_version, transaction_health, worker_health
from clinic.ops.row_comparison import DATABASE_COLUMNS, Difference, Row, differences, lasting
from clinic.ops.service_calls import NoAnswerError, first_message, get_json, get_pages
from clinic.scheduling.models import Clinic
from clinic.scheduling.queries.clinics import own_clinic_of
from clinic.worker.processes import running_workers

# Days that the stream shows without `from` and `to`.
LIVE_DAYS = 7
ROUNDS, ROUND_SECONDS = 4, 1.0
MAX_CLINICS = 20
MAX_LAG_SECONDS = 2.0
MAX_DUE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the status. Without `problems` all is well; `notes` are no problem and worth knowing."""

    name: str
    summary: str
    problems: Sequence[str] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the services are reached, without a path."""

    api: str
    stream: str


def stack_status(addresses: Addresses, *, clinics: Sequence[Clinic] | None = None) -> Iterator[Finding]:
    """Findings in order, each as soon as it is known. `clinics`: those whose rows are compared; None is the first
    `MAX_CLINICS`."""
    yield _service("django-rest", addresses.api)
    yield _service("fastapi-sse", addresses.stream)
    try:
        yield _database()
        yield _worker()
        yield _queues()
        chosen = Clinic.objects.order_by("id")[:MAX_CLINICS] if clinics is None else clinics
        for clinic in chosen:
            yield _rows(addresses, clinic)
        if clinics is None and (left := Clinic.objects.count() - MAX_CLINICS) > 0:
            yield Finding("rows", f"{left} more clinics are not compared; --clinic names one")
        yield _following(addresses)
    except (DatabaseError, InterfaceError) as error:
        yield Finding("database", _place(), [f"The database does not answer: {error}"])


def _service(name: str, address: str) -> Finding:
    try:
        answer = get_json(f"{address}/readyz")
    except NoAnswerError as error:
        return Finding(name, address, [str(error)])
    version = answer.body.get("version", "?")
    if answer.status == 200:
        return Finding(name, f"ready, version {version}, {address}")
    return Finding(name, address, [f"Not ready: the database is {answer.body.get('database', answer.status)!r}."])


def _place() -> str:
    return f"{settings.SHARED.db_host}:{settings.SHARED.db_port}"


def _database() -> Finding:
    version = server_version()
    transactions = transaction_health()
    messages = run_checks(databases=["default"])
    problems = [f"{message.msg} {message.hint or ''}".strip() for message in messages if message.level > WARNING]
    notes = [f"{message.msg} {message.hint or ''}".strip() for message in messages if message.level == WARNING]
    if transactions is not None and transactions["old"]:
        notes.append(f"{transactions['old']} open transactions, the oldest for {transactions['oldest_seconds']} s.")
    return Finding("database", f"{version}, {_place()}", problems, notes)


def _worker() -> Finding:
    now = clock.now()
    health, count = worker_health(now=now), len(running_workers(now=now))
    problems = []
    if health["late"]:
        problems.append("No round has begun for three minutes: no worker runs, or it hangs.")
    if health["failing"]:
        problems.append(f"The last run of these jobs failed: {', '.join(health['failing'])}.")
    if health["stopped_by_clock"]:
        problems.append(f"{health['stopped_by_clock']} workers stopped because their clocks are wrong.")
    last = health["last_round_at"]
    summary = "no round yet" if last is None else f"last round {_ago(now - last)} ago"
    return Finding("worker", f"{summary}, {count} seen within three minutes", problems)


def _queues() -> Finding:
    health = outbox_health(now=clock.now())
    summary = f"{health['due']} messages due, {health['retrying']} retried, {health['held']} held"
    problems: list[str] = []
    notes: list[str] = []
    if health["oldest_due_seconds"] > MAX_DUE_SECONDS:
        problems.append(f"The oldest has been due for {_ago(timedelta(seconds=health['oldest_due_seconds']))}.")
    if health["held"]:
        notes.append("A restore holds messages: manage.py release_messages lists them.")
    return Finding("queues", summary, problems, notes)


def _following(addresses: Addresses) -> Finding:
    """How the stream follows the database; asked after the comparison, so that there was something to follow."""
    owner = _signable_users().filter(role=Role.OWNER).first()
    token = None if owner is None else str(access_token_for(owner))
    try:
        health = get_json(f"{addresses.stream}/api/v1/health", token=token).body
    except NoAnswerError as error:
        return Finding("lag", "unknown", [str(error)])
    problems: list[str] = []
    notes: list[str] = []
    lag, stale, skew = health.get("head_lag_seconds"), health.get("stale") or {}, health.get("clock") or {}
    if lag is not None and lag > MAX_LAG_SECONDS:
        problems.append(f"The stream last looked at the database {lag:.1f} s ago.")
    if stale.get("service") or stale.get("clinics"):
        causes = ", ".join(stale.get("causes") or {}) or "no cause named"
        # A clinic that was just removed stays in memory for a while after its last reader.
        is_seen = stale.get("service") or health.get("connections")
        (problems if is_seen else notes).append(f"The stream says that what it shows may be old: {causes}.")
    if skew.get("off"):
        problems.append(f"The stream's clock is {skew.get('skew_seconds')} s off.")
    shown = "not known" if lag is None else f"{lag * 1000:.0f} ms"
    return Finding("lag", f"{shown} behind the database, {health.get('connections', '?')} connections", problems, notes)


def _rows(addresses: Addresses, clinic: Clinic) -> Finding:
    viewer = _signable_users().filter(clinic=clinic).order_by("role").first()
    if viewer is None:
        return Finding("rows", f"{clinic.name}: not compared", notes=["There is no owner or staff to read as."])
    rounds: list[list[Difference]] = []
    try:
        while len(rounds) < ROUNDS:
            if rounds:
                time.sleep(ROUND_SECONDS)
            database = _rows_of_database(viewer)
            rest = _rows_of_rest(addresses, viewer)
            stream = _rows_of_stream(addresses, viewer)
            rounds.append(differences(rest=rest, stream=stream, database=database))
            if not (found := lasting(rounds)):
                summary = f"{clinic.name}: {len(database)} appointments are the same in REST, stream and database"
                return Finding("rows", summary)
    except NoAnswerError as error:
        return Finding("rows", f"{clinic.name}: not compared", [str(error)])
    count = len({difference.appointment_id for difference in found})
    problems = [f"Appointment {difference.appointment_id}: {difference.text}." for difference in found]
    return Finding("rows", f"{clinic.name}: {count} of {len(database)} appointments differ", problems)


def _signable_users() -> Any:
    """People who see all of a clinic. A token is made for them here, no sign-in takes place and nothing is written."""
    users = User.objects.filter(role__in=(Role.OWNER, Role.STAFF), is_active=True, clinic__isnull=False)
    return users.select_related("clinic").order_by("id")


def _rows_of_database(viewer: User) -> dict[int, Row]:
    first, last = _live_dates(viewer)
    visible = appointments_visible_to(viewer)
    in_days = visible.filter(local_date__gte=first, local_date__lte=last).values(*DATABASE_COLUMNS)
    pending = visible.filter(status=Status.PENDING).values(*DATABASE_COLUMNS)
    return {row["id"]: row for row in (*in_days, *pending)}


def _rows_of_rest(addresses: Addresses, viewer: User) -> dict[int, Row]:
    first, last = _live_dates(viewer)
    url, token = f"{addresses.api}/api/v1/appointments", str(access_token_for(viewer))
    days = {"scope": "all", "from": first.isoformat(), "to": last.isoformat()}
    rows = [*get_pages(url, token=token, **days), *get_pages(url, token=token, status=Status.PENDING)]
    return {row["id"]: row for row in rows}


def _rows_of_stream(addresses: Addresses, viewer: User) -> dict[int, Row]:
    url = f"{addresses.stream}/api/v1/sse/appointments?mode=snapshot"
    message = first_message(url, token=str(access_token_for(viewer)))
    return {row["id"]: row for row in message["appointments"]}


def _live_dates(viewer: User) -> tuple[Any, Any]:
    today = local_date_of(clock.now(), zone_of(own_clinic_of(viewer).timezone))
    return today, today + timedelta(days=LIVE_DAYS)


def _ago(age: timedelta) -> str:
    seconds = round(age.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
