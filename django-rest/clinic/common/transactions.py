"""One transaction for one change, tried again when the database asks for it."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction

from clinic.common.errors import TryAgain

P = ParamSpec("P")
R = TypeVar("R")

DEADLOCK = 1213
LOCK_WAIT_TIMEOUT = 1205
TRIES = 4


def in_one_transaction(service: Callable[P, R]) -> Callable[P, R]:
    """Run a service in a transaction of its own, or inside the one that is open.

    A deadlock rolls everything back, so only the outermost call can try again: up to three times, with jitter.
    A lock that cannot be had in time is `TryAgain` (503 with Retry-After).
    """

    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with transaction.atomic():
            return _to_its_end(service, *args, **kwargs)

    return _again_after_a_deadlock(wraps(service)(run))


def in_one_statement(service: Callable[P, R]) -> Callable[P, R]:
    """The same for a service that is one statement, or a few that may be repeated: the database makes a transaction of
    each without being asked to, which saves two questions of three."""
    return _again_after_a_deadlock(service)


def _again_after_a_deadlock(service: Callable[P, R]) -> Callable[P, R]:
    @wraps(service)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            return service(*args, **kwargs)
        for attempt in range(1, TRIES + 1):
            try:
                return service(*args, **kwargs)
            except OperationalError as error:
                code = error.args[0] if error.args else None
                if code == LOCK_WAIT_TIMEOUT or (code == DEADLOCK and attempt == TRIES):
                    raise TryAgain from error
                if code != DEADLOCK:
                    raise
                time.sleep(random.uniform(0.005, 0.02) * 2**attempt)  # noqa: S311 - jitter
        raise AssertionError("unreachable")

    return run


class _Running(threading.local):
    services = 0


@dataclass(frozen=True, eq=False, slots=True)
class _Waiting:
    """Stands among what Django does after the commit: it forgets there what a savepoint has undone."""

    finish: Callable[[list[Any]], None]
    item: Any

    def __call__(self) -> None: ...


_running = _Running()


def finish_with(finish: Callable[[list[Any]], None], item: Any) -> None:
    """Have `finish` called once with all such items, in order, as the last thing the outermost service does in its
    transaction. What a savepoint has undone by then is not among them. Outside of any service: at once."""
    if _running.services:
        transaction.on_commit(_Waiting(finish, item))
    else:
        finish([item])


def _to_its_end(service: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    _running.services += 1
    try:
        result = service(*args, **kwargs)
        if _running.services == 1:
            _finish()
        return result
    finally:
        _running.services -= 1


def _finish() -> None:
    waiting = [entry[1] for entry in connection.run_on_commit if isinstance(entry[1], _Waiting)]
    if not waiting:
        return
    connection.run_on_commit = [entry for entry in connection.run_on_commit if not isinstance(entry[1], _Waiting)]
    for finish in dict.fromkeys(work.finish for work in waiting):
        finish([work.item for work in waiting if work.finish == finish])
