"""One transaction for one change, tried again when the database asks for it."""

import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction

from clinic.common.errors import ChairsideError, ChangedMeanwhile, TryAgain
from clinic.common.mysql.conditions import DEADLOCK, LOCK_WAIT_TIMEOUT

P = ParamSpec("P")
R = TypeVar("R")

TRIES = 4
TOKEN_BYTES = 16
MAX_ROUNDS_AT_THE_END = 10

AtEnd = Callable[[list[Any]], None]


def in_one_transaction(service: Callable[P, R]) -> Callable[P, R]:
    """Run a service in a transaction of its own, or inside the one that is open.

    A deadlock or ChangedMeanwhile rolls everything back, so only the outermost call can try again: up to three times,
    with jitter.
    A lock that cannot be had in time is `TryAgain` (503 with Retry-After). Details of a refusal are read when the
    transaction is over (`ChairsideError.explain`).
    """

    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with savepoint():
            return _to_its_end(service, *args, **kwargs)

    return _again_after_a_deadlock(wraps(service)(run))


def in_open_transaction(service: Callable[P, R]) -> Callable[P, R]:
    """The same without a savepoint where another service has opened the transaction, which saves two statements. That
    one must fail with it: what was written before an error is not undone by itself."""
    in_its_own = in_one_transaction(service)

    @wraps(service)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return service(*args, **kwargs) if _running.services else in_its_own(*args, **kwargs)

    return run


def in_one_statement(service: Callable[P, R]) -> Callable[P, R]:
    """The same for a service that is one statement, or a few that may be repeated: the database makes a transaction of
    each without being asked to, which saves two questions of three."""
    return _again_after_a_deadlock(service)


def _again_after_a_deadlock(service: Callable[P, R]) -> Callable[P, R]:
    @wraps(service)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return service(*args, **kwargs) if connection.in_atomic_block else run_again(*args, **kwargs)
        except ChairsideError as refusal:
            if not _running.services:  # The transaction is over: nobody waits for what is read now.
                refusal.explain()
            raise

    def run_again(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(1, TRIES + 1):
            try:
                return service(*args, **kwargs)
            except (OperationalError, ChangedMeanwhile) as error:
                _check_may_run_again(error, attempt)
                time.sleep(random.uniform(0.005, 0.02) * 2**attempt)  # noqa: S311 - jitter
        raise AssertionError("unreachable")

    return run


def _check_may_run_again(error: OperationalError | ChangedMeanwhile, attempt: int) -> None:
    """Raises the error, or TryAgain."""
    if isinstance(error, ChangedMeanwhile):
        if attempt == TRIES:
            raise error
        return
    code = error.args[0] if error.args else None
    if code == LOCK_WAIT_TIMEOUT or (code == DEADLOCK and attempt == TRIES):
        raise TryAgain from error
    if code != DEADLOCK:
        raise error


class _Running(threading.local):
    """The outermost service of this thread: how deep its calls are, and what it does last in its transaction."""

    def __init__(self) -> None:
        self.services = 0
        self.token = ""
        self.at_end: list[tuple[AtEnd, Any]] = []


_running = _Running()


def transaction_token() -> str:
    """One random word for all that the outermost service writes in this transaction. Outside of any service: a new one
    each time."""
    if not _running.services:
        return secrets.token_urlsafe(TOKEN_BYTES)
    _running.token = _running.token or secrets.token_urlsafe(TOKEN_BYTES)
    return _running.token


@contextmanager
def savepoint() -> Iterator[None]:
    """Undo what is written inside if it raises, and forget what it left for the end. A service that goes on after an
    error of a part puts that part in here, and not in `transaction.atomic`."""
    before = len(_running.at_end)
    try:
        with transaction.atomic():
            yield
    except BaseException:
        del _running.at_end[before:]
        raise


def finish_with(finish: AtEnd, item: Any) -> None:
    """Call `finish` once with all such items, in order, as the last thing the outermost service does in its
    transaction; without the items of a savepoint that was undone. Outside of any service: at once.

    What finishing leaves for the end is done in a further round."""
    if _running.services:
        _running.at_end.append((finish, item))
    else:
        finish([item])


def _to_its_end(service: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    if not _running.services:
        _running.token, _running.at_end = "", []
    _running.services += 1
    try:
        result = service(*args, **kwargs)
        if _running.services == 1:
            _finish()
        return result
    finally:
        _running.services -= 1


def _finish() -> None:
    for _ in range(MAX_ROUNDS_AT_THE_END):
        if not _running.at_end:
            return
        waiting, _running.at_end = _running.at_end, []
        for finish in dict.fromkeys(finish for finish, _ in waiting):
            finish([item for one, item in waiting if one == finish])
    raise RuntimeError(f"Finishing leaves more to finish after {MAX_ROUNDS_AT_THE_END} rounds.")
