"""The worker processes that run, and whether their clocks are right: for health, metrics and the worker itself."""

import logging
import os
import socket
from datetime import datetime, timedelta

from django.db import DatabaseError

from clinic.common import clock
from clinic.common.errors import TryAgain
from clinic.common.transactions import in_one_statement, in_one_transaction
from clinic.worker.models import WorkerProcess

# A worker reports itself each minute.
SEEN_WITHIN = timedelta(minutes=3)
log = logging.getLogger("chairside.worker")


class ClockWatch:
    """Says whether this worker may work. One whose clock is off stops, and resumes when the clock is right."""

    def __init__(self) -> None:
        self._name = f"{socket.gethostname()}:{os.getpid()}"[:80]
        self._was_off = False
        self._measure()

    def is_off(self) -> bool:
        """No query while the clock is right; each change is logged and reported."""
        if self._was_off:
            self._measure()
        is_off = clock.is_off()
        if is_off != self._was_off:
            self._was_off = is_off
            if is_off:
                log.error("This worker's clock differs from the database's by %.1f s: stopped.", clock.skew_seconds())
            else:
                log.warning("This worker's clock is right again: resumed.")
            self.report()
        return is_off

    def report(self) -> None:
        """Four queries."""
        try:
            _keep_worker(self._name)
        except (DatabaseError, TryAgain):
            log.warning("The state of this worker could not be stored.")

    def _measure(self) -> None:
        """The database's clock may be the one that was set."""
        try:
            clock.measure_again()
        except DatabaseError:
            log.warning("The database's clock could not be read.")


@in_one_transaction
def _keep_worker(name: str) -> None:
    row = {"seen_at": clock.now(), "clock_skew_seconds": clock.skew_seconds()}
    WorkerProcess.objects.update_or_create(name=name, defaults=row)


def running_workers(*, now: datetime) -> list[WorkerProcess]:
    return list(WorkerProcess.objects.filter(seen_at__gt=now - SEEN_WITHIN))


@in_one_statement
def prune_workers(*, older_than: datetime) -> int:
    return WorkerProcess.objects.filter(seen_at__lt=older_than).delete()[0]
