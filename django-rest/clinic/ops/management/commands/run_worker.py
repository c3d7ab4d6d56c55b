import logging
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor as JobThread
from apscheduler.schedulers.background import BackgroundScheduler
from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections
from django.utils import timezone

from clinic.ops.maintenance import run_jobs
from clinic.outbox.delivery import deliver_due

# Most of sending is waiting for a provider.
SENDERS = 8
log = logging.getLogger("chairside.worker")


class Command(BaseCommand):
    help = "Send messages as they fall due and do, every minute, what is due then. Any number may run side by side."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="run each job once, send what is due, and end")
        parser.add_argument("--every", type=float, default=60, help="seconds between two rounds of jobs")
        parser.add_argument("--idle", type=float, default=1, help="seconds to wait when no message is due")
        parser.add_argument("--senders", type=int, default=SENDERS, help="messages that are sent at the same time")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        with ThreadPoolExecutor(options["senders"], "sender") as senders:
            if options["once"]:
                run_jobs(now=timezone.now())
                while _deliver(senders):
                    pass
                return
            with _jobs_every(options["every"]):
                # A signal ends the wait; a batch that has begun is finished.
                while not stop.is_set():
                    if not _deliver(senders):
                        stop.wait(options["idle"])


@contextmanager
def _jobs_every(seconds: float) -> Iterator[None]:
    """In a thread of their own, so that no message waits for a long job. Rounds never overlap, and one that was missed
    is not made up for: each looks at all that is due."""
    scheduler = BackgroundScheduler(timezone=UTC, executors={"default": JobThread(1)})
    first = datetime.now(UTC)
    scheduler.add_job(_run_round, "interval", seconds=seconds, next_run_time=first, coalesce=True, max_instances=1)
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=True)


def _run_round() -> None:
    close_old_connections()
    run_jobs(now=timezone.now())


def _deliver(senders: Executor) -> int:
    close_old_connections()
    try:
        return deliver_due(now=timezone.now(), senders=senders)
    except Exception:  # The database is away: what is due stays due.
        log.exception("messages could not be sent")
        return 0
