"""Figures of the health endpoints and the metrics."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection

from clinic.accounts.sign_in_addresses import sign_in_spread
from clinic.common import clock
from clinic.common.mysql.conditions import code_of
from clinic.outbox.counting import LIMITED
from clinic.outbox.queries import outbox_state
from clinic.scheduling.queries.clinics import clinics_in_unknown_zones
from clinic.worker.job_runs import BACKUP
from clinic.worker.models import JobRun
from clinic.worker.processes import running_workers

# A worker begins a round every minute.
LATE_AFTER = timedelta(minutes=3)
# Our own processes are limited to less while they are idle; longer ones hold up changes of the schema.
OLD_TRANSACTION_SECONDS = 30
MAX_CLINICS_NAMED = 20
MAY_NOT_SEE = frozenset({1044, 1142, 1227})


def server_version() -> str:
    """Raises DatabaseError."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        return str(cursor.fetchone()[0])


@dataclass(frozen=True, slots=True)
class ConnectionCount:
    """Of all sessions with the database server."""

    open: int
    limit: int


def database_connections() -> ConnectionCount:
    """Two queries. Raises DatabaseError."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Threads_connected'")
        (_, number) = cursor.fetchone()
        cursor.execute("SELECT @@max_connections")
        (limit,) = cursor.fetchone()
    return ConnectionCount(int(number), int(limit))


def transaction_health() -> dict[str, Any] | None:
    """Transactions of all sessions with the server; None where our user may not see them (PROCESS)."""
    query = (
        "SELECT COALESCE(MAX(TIMESTAMPDIFF(SECOND, trx_started, NOW())), 0),"
        " COALESCE(SUM(trx_started < NOW() - INTERVAL %s SECOND), 0) FROM information_schema.innodb_trx"
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute(query, [OLD_TRANSACTION_SECONDS])
            oldest, old = cursor.fetchone()
    except DatabaseError as error:
        if code_of(error) in MAY_NOT_SEE:
            return None
        raise
    return {"oldest_seconds": int(oldest), "old": int(old)}


def outbox_health(*, now: datetime) -> dict[str, Any]:
    state = outbox_state(now=now)
    return {
        "due": sum(state.due.values()),
        "oldest_due_seconds": round(state.oldest_due_seconds, 3),
        "retrying": sum(state.retrying.values()),
        "held": state.held,
        "sms_limited": state.ended.get(("sms", LIMITED), 0),
        "oldest_undelivered_seconds": round(state.oldest_undelivered_seconds, 3),
    }


def worker_health(*, now: datetime) -> dict[str, Any]:
    runs = list(JobRun.objects.all())
    last = max((run.started_at for run in runs if run.name != BACKUP), default=None)
    skews: list[float] = [worker.clock_skew_seconds for worker in running_workers(now=now)]
    largest: float = max(skews, key=abs, default=0.0)
    return {
        "last_round_at": last,
        "late": last is None or now - last > LATE_AFTER,
        "failing": [run.name for run in runs if run.error],
        "clock_skew_seconds": round(largest, 3) if skews else None,
        "stopped_by_clock": sum(abs(skew) > clock.MAX_SKEW_SECONDS for skew in skews),
    }


def sign_in_health(*, now: datetime) -> dict[str, Any]:
    spread = sign_in_spread(now=now)
    return {
        "accounts": spread.accounts,
        "addresses": spread.addresses,
        "share_one_address": spread.shares_one_address,
    }


def time_zone_health() -> dict[str, Any]:
    """Two queries, three if there are any."""
    lost = clinics_in_unknown_zones()
    count = lost.count()
    named = list(lost.values("id", "slug")[:MAX_CLINICS_NAMED]) if count else []
    return {"unknown": count, "clinics": named}


def clock_health() -> dict[str, Any]:
    """Of this process. No query."""
    return {"skew_seconds": round(clock.skew_seconds(), 3), "off": clock.is_off()}
