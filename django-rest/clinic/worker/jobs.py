"""Jobs of every minute. Each reads its due rows from the database, so nothing is lost while no worker
runs, and can run twice or beside itself without harm."""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from clinic.accounts.contacts import prune_contact_changes, send_requested_verifications
from clinic.accounts.passwords import prune_password_tokens, send_requested_links
from clinic.accounts.refresh_families import prune_families
from clinic.accounts.sign_in_addresses import sign_in_spread
from clinic.appointments.services.clock import expire_requests, mark_missed
from clinic.changefeed.services import prune_events
from clinic.common.bounded_steps import in_bounded_steps
from clinic.common.idempotency import KEPT_FOR as IDEMPOTENCY_KEYS_KEPT_FOR
from clinic.common.idempotency import prune_idempotency_keys
from clinic.common.isolation import PartlyFailed
from clinic.common.limits import prune_attempts
from clinic.common.transactions import in_one_statement, in_one_transaction
from clinic.messaging.services.dead_letters import report_dead_letters
from clinic.messaging.services.reminders import queue_due_reminders
from clinic.people.services.phone_codes import prune_phone_codes
from clinic.scheduling.services import prune_cells, release_expired_holds
from clinic.waitlist.services.answers import move_on_expired_offers
from clinic.waitlist.services.entries import lapse_entries
from clinic.worker.job_runs import keep_run
from clinic.worker.processes import prune_workers
from clinic.worker.retention import INCOMING, NOTIFICATIONS, WORDS, prune

EVENTS_KEPT_FOR = timedelta(days=7)
CELLS_KEPT_FOR = timedelta(days=2)
PHONE_CODES_KEPT_FOR = timedelta(days=1)
PASSWORD_LINKS_KEPT_FOR = timedelta(days=1)
WORKERS_KEPT_FOR = timedelta(days=1)
# Of a job in one round.
MAX_SECONDS = 5.0
STEP_TOKENS = 500

Job = Callable[[datetime], int]
log = logging.getLogger("chairside.worker")


def _prune_tokens(now: datetime) -> int:
    return in_bounded_steps(lambda: _prune_some_tokens(now), full=STEP_TOKENS, seconds=MAX_SECONDS)


@in_one_transaction
def _prune_some_tokens(now: datetime) -> int:
    """By the index of their end, the oldest first."""
    expired = OutstandingToken.objects.filter(expires_at__lte=now).order_by("expires_at")
    ids = list(expired.values_list("pk", flat=True)[:STEP_TOKENS])
    if ids:
        BlacklistedToken.objects.filter(token_id__in=ids).delete()
        OutstandingToken.objects.filter(pk__in=ids).delete()
    return len(ids)


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


# People wait for these jobs.
DUE: dict[str, Job] = {
    "password mails queued": lambda now: send_requested_links(now=now),
    "verification mails queued": lambda now: send_requested_verifications(now=now),
    "missed appointments marked": lambda now: mark_missed(now=now),
    "undecided requests expired": lambda now: expire_requests(now=now),
    "reminders queued": lambda now: queue_due_reminders(now=now),
    "dead letters reported": lambda now: report_dead_letters(now=now),
    # Before the holds: the time of an offer goes to the next before anybody else sees it free.
    "expired offers moved on": lambda now: move_on_expired_offers(now=now),
    "waitlist entries lapsed": lambda now: lapse_entries(now=now),
    "expired holds released": lambda now: release_expired_holds(now=now),
}
# Upkeep, which no reader waits for: the worker runs it apart, and each job ends within its time, whatever is left.
UPKEEP: dict[str, Job] = {
    "old events pruned": lambda now: prune_events(older_than=now - EVENTS_KEPT_FOR, seconds=MAX_SECONDS),
    "past cells pruned": lambda now: prune_cells(older_than=now - CELLS_KEPT_FOR, seconds=MAX_SECONDS),
    "idempotency keys pruned": lambda now: prune_idempotency_keys(older_than=now - IDEMPOTENCY_KEYS_KEPT_FOR),
    "phone codes pruned": lambda now: prune_phone_codes(older_than=now - PHONE_CODES_KEPT_FOR),
    "password links pruned": lambda now: prune_password_tokens(older_than=now - PASSWORD_LINKS_KEPT_FOR),
    "links of changed addresses pruned": lambda now: prune_contact_changes(older_than=now - PASSWORD_LINKS_KEPT_FOR),
    "attempt counts pruned": lambda now: prune_attempts(now=now),
    "one address for all sign-ins": _warn_of_one_address,
    "expired tokens pruned": _prune_tokens,
    "ended sign-ins pruned": lambda now: prune_families(now=now),
    "expired sessions pruned": _prune_sessions,
    "ended workers pruned": lambda now: prune_workers(older_than=now - WORKERS_KEPT_FOR),
    "old words of messages pruned": lambda now: prune(WORDS, now=now, seconds=MAX_SECONDS),
    "old notifications pruned": lambda now: prune(NOTIFICATIONS, now=now, seconds=MAX_SECONDS),
    "old incoming SMS pruned": lambda now: prune(INCOMING, now=now, seconds=MAX_SECONDS),
}
JOBS = DUE | UPKEEP


def run_jobs(*, now: datetime, jobs: Mapping[str, Job] | None = None) -> dict[str, int]:
    """Run each job once (without `jobs`, all), and keep when it ran. One that fails, as a whole or for one clinic, is
    logged and does not stop the others. Returns what each did."""
    done: dict[str, int] = {}
    for name, job in (JOBS if jobs is None else jobs).items():
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
        keep_run(name, now=now, seconds=time.monotonic() - began, did=done.get(name, 0), error=error)
    return done
