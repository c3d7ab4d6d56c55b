"""Work on many clinics or rows, one of which may fail without stopping the others."""

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from django.db import DatabaseError, connection

from clinic.common.errors import ChairsideError

T = TypeVar("T")
log = logging.getLogger("chairside.worker")


class PartlyFailed(Exception):  # noqa: N818 - some of it was done
    """`done`: the number of what was done for the other items. Each failure is in the log."""

    def __init__(self, done: int, failed: int, first: Exception) -> None:
        code = first.code if isinstance(first, ChairsideError) else str(first)
        super().__init__(f"{failed} failed, the first with {type(first).__name__}: {code}")
        self.done = done


def sum_isolated(items: Iterable[T], work: Callable[[T], int]) -> int:
    """Total of `work(item)`. `work` brings its own transaction. Raises PartlyFailed after all items; but the
    database's own error at once where the connection is gone."""
    done, problems = 0, list[Exception]()
    for item in items:
        try:
            done += work(item)
        except Exception as problem:
            if isinstance(problem, DatabaseError) and not connection.is_usable():
                raise
            _log(item, problem)
            problems.append(problem)
    if problems:
        raise PartlyFailed(done, len(problems), problems[0])
    return done


def _log(item: object, problem: Exception) -> None:
    name = f"{type(item).__name__} {getattr(item, 'pk', '')}".strip()
    if isinstance(problem, ChairsideError):
        log.warning("left out: %s: %s", name, problem.code)
    else:
        log.error("left out: %s", name, exc_info=problem)
