"""What has to be done every minute. Each job reads what is due from the database, so nothing is lost while no worker
runs, and can run twice or beside itself without harm."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db import DatabaseError
from django.db.models import F
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from clinic.accounts.passwords import prune_password_tokens, send_requested_links
from clinic.accounts.refresh_families import prune_families
from clinic.accounts.sign_in_addresses import sign_in_spread
from clinic.appointments.services.clock import expire_requests, mark_missed
from clinic.changefeed.services import prune_events
from clinic.common.errors import TryAgain
from clinic.common.idempotency import KEPT_FOR as IDEMPOTENCY_KEYS_KEPT_FOR
from clinic.common.idempotency import prune_idempotency_keys
from clinic.common.isolation import PartlyFailed
from clinic.common.limits import prune_attempts
from clinic.common.transactions import in_one_statement, in_one_transaction
from clinic.messaging.services.dead_letters import report_dead_letters
from clinic.messaging.services.reminders import queue_due_reminders
from clinic.ops.models import JobRun
from clinic.ops.workers import prune_workers
from clinic.people.services.phone_codes import prune_phone_codes
from clinic.scheduling.services import prune_cells, release_expired_holds
from clinic.waitlist.services.answers import move_on_expired_offers
from clinic.waitlist.services.entries import lapse_entries

EVENTS_KEPT_FOR = timedelta(days=7)
CELLS_KEPT_FOR = timedelta(days=2)
PHONE_CODES_KEPT_FOR = timedelta(days=1)
PASSWORD_LINKS_KEPT_FOR = timedelta(days=1)
WORKERS_KEPT_FOR = timedelta(days=1)

Job = Callable[[datetime], int]
log = logging.getLogger("chairside.worker")


@in_one_transaction
def _prune_tokens(now: datetime) -> int:
    return OutstandingToken.objects.filter(expires_at__lte=now).delete()[0]


@in_one_statement
def _prune_sessions(now: datetime) -> int:
    return Session.objects.filter(expire_date__lt=now).delete()[0]


def _warn_of_one_address(now: datetime) -> int:
    spread = sign_in_spread(now=now)
    if not spread.shares_one_address:
        return 0
    log.warning(
        "All %d accounts that signed in within a day came from one address. If a proxy stands in front, add it to "
        "TRUSTED_PROXIES: limits and lock-outs count by address.",
        spread.accounts,
    )
    return 1


JOBS: dict[str, Job] = {
    "password mails queued": lambda now: send_requested_links(now=now),
    "missed appointments marked": lambda now: mark_missed(now=now),
    "undecided requests expired": lambda now: expire_requests(now=now),
    "reminders queued": lambda now: queue_due_reminders(now=now),
    "dead letters reported": lambda now: report_dead_letters(now=now),
    # Before the holds: the time of an offer goes to the next before anybody else sees it free.
    "expired offers moved on": lambda now: move_on_expired_offers(now=now),
    "waitlist entries lapsed": lambda now: lapse_entries(now=now),
    "expired holds released": lambda now: release_expired_holds(now=now),
    "old events pruned": lambda now: prune_events(older_than=now - EVENTS_KEPT_FOR),
    "past cells pruned": lambda now: prune_cells(older_than=now - CELLS_KEPT_FOR),
    "idempotency keys pruned": lambda now: prune_idempotency_keys(older_than=now - IDEMPOTENCY_KEYS_KEPT_FOR),
    "phone codes pruned": lambda now: prune_phone_codes(older_than=now - PHONE_CODES_KEPT_FOR),
    "password links pruned": lambda now: prune_password_tokens(older_than=now - PASSWORD_LINKS_KEPT_FOR),
    "attempt counts pruned": lambda now: prune_attempts(now=now),
    "one address for all sign-ins": _warn_of_one_address,
    "expired tokens pruned": _prune_tokens,
    "ended sign-ins pruned": lambda now: prune_families(now=now),
    "expired sessions pruned": _prune_sessions,
    "ended workers pruned": lambda now: prune_workers(older_than=now - WORKERS_KEPT_FOR),
}


def run_jobs(*, now: datetime) -> dict[str, int]:
    """Run each job once, and keep when it ran. One that fails, as a whole or for one clinic, is logged and does not
    stop the others. Returns what each did."""
    done: dict[str, int] = {}
    for name, job in JOBS.items():
        began, error = time.monotonic(), ""
        try:
            done[name] = job(now)
        except PartlyFailed as problem:
            done[name] = problem.done
            log.warning("%s: %s", name, problem)
            error = str(problem)
        except Exception as problem:
            log.exception("%s: failed", name)
            error = f"{type(problem).__name__}: {problem}"
        if done.get(name):
            log.info("%s: %s", name, done[name])
        _keep_run(name, now=now, seconds=time.monotonic() - began, did=done.get(name, 0), error=error)
    return done


def _keep_run(name: str, *, now: datetime, seconds: float, did: int, error: str) -> None:
    ran = {"started_at": now, "seconds": seconds, "did": did, "error": error[:300]}
    with suppress(DatabaseError, TryAgain):  # It is away: then the jobs have failed as well, and were logged.
        _store_run(name, ran, now=now)


@in_one_statement
def _store_run(name: str, ran: dict[str, Any], *, now: datetime) -> None:
    ended = {"failures": F("failures") + 1} if ran["error"] else {"succeeded_at": now}
    if not JobRun.objects.filter(name=name).update(**ran, **ended):
        first = {"failures": 1} if ran["error"] else {"succeeded_at": now}
        JobRun.objects.bulk_create([JobRun(name=name, **ran, **first)], ignore_conflicts=True)
