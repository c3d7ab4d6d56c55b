"""Errors of the database as callers see them: always 503, under a name that says what to do."""

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from clinic.common.errors import (
    ChairsideError,
    DatabaseBusy,
    DatabaseFull,
    DatabaseNotReady,
    DatabaseReadOnly,
    OutcomeUnknown,
    TryAgain,
)
from clinic.common.mysql.conditions import LOCK_WAIT_TIMEOUT, TOO_SLOW_CODES, Condition, code_of, condition_of

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
REFUSALS: dict[Condition, type[TryAgain]] = {
    Condition.READ_ONLY: DatabaseReadOnly,
    Condition.CLUSTER_NOT_READY: DatabaseNotReady,
    Condition.DISK_FULL: DatabaseFull,
    Condition.TOO_MANY_CONNECTIONS: DatabaseBusy,
}


def refusal_for(error: BaseException, *, method: str) -> ChairsideError | None:
    """None for what is no error of the database's state, such as a wrong statement: a defect of ours."""
    condition = condition_of(error) if isinstance(error, DatabaseError) else None
    if condition is None and not isinstance(error, OperationalError | InterfaceError):
        return None
    if method not in SAFE_METHODS and getattr(connection, "may_have_changed", False):
        return OutcomeUnknown()
    if condition is not None:
        return REFUSALS[condition]()
    if code_of(error) == LOCK_WAIT_TIMEOUT:
        return TryAgain()
    if code_of(error) in TOO_SLOW_CODES:
        return TryAgain("The database took too long. Please try again in a moment.")
    return TryAgain("The database does not answer. Please try again in a moment.")
