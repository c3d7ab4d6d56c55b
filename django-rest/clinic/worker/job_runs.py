"""When each job ran last and how it ended, for health, metrics and the admin."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import DatabaseError
from django.db.models import F

from clinic.common.errors import TryAgain
from clinic.common.transactions import in_one_statement
from clinic.worker.models import JobRun

# No job of the worker's: an operator's, who is to be told when it has stopped.
BACKUP = "backup made"


def keep_run(name: str, *, now: datetime, seconds: float, did: int, error: str) -> None:
    """`error`: empty if it succeeded. Nothing is kept while the database is away."""
    ran = {"started_at": now, "seconds": seconds, "did": did, "error": error[:300]}
    with suppress(DatabaseError, TryAgain):
        _store_run(name, ran, now=now)


@in_one_statement
def _store_run(name: str, ran: dict[str, Any], *, now: datetime) -> None:
    ended = {"failures": F("failures") + 1} if ran["error"] else {"succeeded_at": now}
    if not JobRun.objects.filter(name=name).update(**ran, **ended):
        first = {"failures": 1} if ran["error"] else {"succeeded_at": now}
        JobRun.objects.bulk_create([JobRun(name=name, **ran, **first)], ignore_conflicts=True)
