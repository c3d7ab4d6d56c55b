"""Limits on how often something may be tried, counted in the database: one count for all processes and machines.

Every limit of the API and the pages is a `Limit` beside the view or service that it guards, and is counted here: by
`limit_address` or a view's `address_limit`, by `limit_user`, or by any other subject. `docs/concepts/access.md` lists
all. What guards the machine and not a person is elsewhere: connections (`config.server`), queues for a practitioner's
time (`scheduling.claim_queue`), photos decoded at once (`accounts.photos`).

A window begins with the first attempt and ends after `within`; so whoever waits for as long as they are told gets in.
Call outside of the transaction of what is limited, or a refusal would roll its own count back.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from clinic.common import clock
from clinic.common.addresses import client_address
from clinic.common.errors import Throttled
from clinic.common.models import AttemptCount
from clinic.common.transactions import in_one_statement


@dataclass(frozen=True, slots=True)
class Limit:
    scope: str
    most: int
    within: timedelta


@dataclass(frozen=True, slots=True)
class Attempts:
    """`started_at`: of the window, known where the limit is exceeded."""

    number: int
    started_at: datetime

    def exceed(self, limit: Limit) -> bool:
        return self.number > limit.most

    def seconds_left(self, limit: Limit, *, now: datetime) -> int:
        """Until the window ends, at least one."""
        return max(1, int((self.started_at + limit.within - now).total_seconds()) + 1)


def limit_attempts(limit: Limit, subject: str, *, now: datetime, detail: str | None = None) -> None:
    """Count one attempt. Raises Throttled when there were too many. `detail`: in words of its own."""
    attempts = count_attempt(limit, subject, now=now)
    if attempts.exceed(limit):
        raise Throttled(detail, wait_seconds=attempts.seconds_left(limit, now=now))


def limit_user(limit: Limit, user_id: int, *, now: datetime) -> None:
    """Count one attempt of the user. Raises Throttled when there were too many."""
    limit_attempts(limit, f"user:{user_id}", now=now)


def limit_address(limit: Limit, request: Request | HttpRequest) -> None:
    """Count one attempt of the client's address. Raises Throttled when there were too many."""
    if settings.SHARED.enable_rate_limits:
        limit_attempts(limit, client_address(request), now=clock.now())


# Assigned in this order, so that each still sees the former `expires_at`.
# LAST_INSERT_ID() hands the number out with the statement.
COUNT = """
    INSERT INTO attempt_count (scope, subject, attempts, started_at, expires_at) VALUES {rows}
    ON DUPLICATE KEY UPDATE
      attempts = LAST_INSERT_ID(IF(expires_at <= VALUES(started_at), 1, attempts + 1)),
      started_at = IF(expires_at <= VALUES(started_at), VALUES(started_at), started_at),
      expires_at = IF(expires_at <= VALUES(started_at), VALUES(expires_at), expires_at)
"""
COUNT_ROW = "(%s, %s, LAST_INSERT_ID(1), %s, %s)"


@in_one_statement
def count_attempt(limit: Limit, subject: str, *, now: datetime) -> Attempts:
    """Count one attempt, and return how many there were in this window with it. One statement, a second one if there
    were too many."""
    attempts = Attempts(_count({limit: subject}, now=now), now)
    if not attempts.exceed(limit):
        return attempts
    row = AttemptCount.objects.filter(pk=(limit.scope, _hash(subject))).first()
    return attempts if row is None else replace(attempts, started_at=row.started_at)


def is_exceeded(limit: Limit, subject: str, *, now: datetime) -> bool:
    """Count one attempt, and say whether there were too many. For what is refused without a word."""
    return count_attempt(limit, subject, now=now).exceed(limit)


@in_one_statement
def note_attempts(subjects: Mapping[Limit, str], *, now: datetime) -> None:
    """Count one attempt of each, for limits of which the number is read elsewhere. One statement."""
    _count(subjects, now=now)


def _count(subjects: Mapping[Limit, str], *, now: datetime) -> int:
    """Returns the number of a single one."""
    values: list[Any] = []
    for limit in sorted(subjects, key=lambda each: each.scope):  # One order of locks.
        at, until = map(connection.ops.adapt_datetimefield_value, (now, now + limit.within))
        values += [limit.scope, _hash(subjects[limit]), at, until]
    with connection.cursor() as cursor:
        cursor.execute(COUNT.format(rows=", ".join([COUNT_ROW] * len(subjects))), values)
        return int(cursor.lastrowid)


def was_attempted(limit: Limit, subject: str, *, now: datetime) -> bool:
    return AttemptCount.objects.filter(pk=(limit.scope, _hash(subject)), expires_at__gt=now).exists()


def count_subjects(limit: Limit, *, now: datetime) -> int:
    """Subjects with an attempt in a window that is still open."""
    return AttemptCount.objects.filter(scope=limit.scope, expires_at__gt=now).count()


@in_one_statement
def forget_attempts(limit: Limit, subject: str) -> None:
    AttemptCount.objects.filter(pk=(limit.scope, _hash(subject))).delete()


@in_one_statement
def take_back_attempt(limit: Limit, subject: str) -> None:
    row = AttemptCount.objects.filter(pk=(limit.scope, _hash(subject)), attempts__gt=0)
    row.update(attempts=F("attempts") - 1)


@in_one_statement
def prune_attempts(*, now: datetime) -> int:
    return AttemptCount.objects.filter(expires_at__lte=now).delete()[0]


def _hash(subject: str) -> str:
    # An e-mail or address is nobody's business here, and any text fits.
    return hashlib.sha256(subject.encode()).hexdigest()


class ByAddress(BaseThrottle):
    """A view's `address_limit`, for each address that asks. One address may stand for many people.

    A method that the view does not have is no attempt: its answer is 405, however often."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        limit: Limit | None = getattr(view, "address_limit", None)
        if limit is not None and request.method in view.allowed_methods:
            limit_address(limit, request)
        return True
