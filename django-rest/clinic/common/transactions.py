"""One transaction for one change, tried again when the database asks for it."""

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

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

    @wraps(service)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            with transaction.atomic():
                return service(*args, **kwargs)
        for attempt in range(1, TRIES + 1):
            try:
                with transaction.atomic():
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
