"""Several at once: jobs on connections of their own, and places where they meet."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, TypeVar

from clinic.appointments.lifecycle import ACTIVE_STATUSES
from clinic.appointments.models import Appointment
from django.db import connection

from testkit.clinic.world import World

R = TypeVar("R")


class Doorway:
    """Each waits there for the others a moment before the next step, and the most at once are counted."""

    def __init__(self, *, expected: int, patience_seconds: float) -> None:
        self.expected, self.patience_seconds = expected, patience_seconds
        self.inside = self.most = 0
        self.changed = threading.Condition()

    def pass_through(self, step: Callable[[], R]) -> R:
        with self.changed:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.most >= self.expected, timeout=self.patience_seconds)
        try:
            return step()
        finally:
            with self.changed:
                self.inside -= 1


def at_once(jobs: Sequence[Callable[[], Any]], *, connections: int = 20) -> list[Any]:
    """Run the jobs at the same time, on up to so many database connections. What each returned or raised, in order."""
    threads = min(len(jobs), connections)
    start = threading.Barrier(threads, timeout=30)
    outcomes: list[Any] = [None] * len(jobs)

    def work(first: int) -> None:
        try:
            connection.ensure_connection()
            start.wait()
            for index in range(first, len(jobs), threads):
                try:
                    outcomes[index] = jobs[index]()
                except Exception as error:
                    outcomes[index] = error
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        for worked in [pool.submit(work, first) for first in range(threads)]:
            worked.result()
    return outcomes


class Meanwhile:
    """Runs a job on a connection of its own, and waits for it a little: it may have to wait for us."""

    patience_seconds = 1.0

    def __init__(self, job: Callable[[], Any]) -> None:
        self.outcome: Any = None
        self._job = job
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self.outcome = self._job()
        except Exception as error:
            self.outcome = error
        finally:
            connection.close()

    def waits_for_nobody(self) -> None:
        """Where there is no lock, however slow the machine is."""
        self.patience_seconds = 30

    def begin(self) -> None:
        self._thread.start()
        self._thread.join(self.patience_seconds)

    def end(self) -> Any:
        self._thread.join(30)
        return self.outcome


@contextmanager
def no_overlaps(world: World) -> Iterator[None]:
    yield
    rows = Appointment.objects.filter(clinic=world.clinic, status__in=sorted(ACTIVE_STATUSES))
    blocked = sorted((row.practitioner_id, row.blocked_from, row.blocked_until) for row in rows)
    for (practitioner, _, until), (next_practitioner, begins, _) in pairwise(blocked):
        assert practitioner != next_practitioner or until <= begins
