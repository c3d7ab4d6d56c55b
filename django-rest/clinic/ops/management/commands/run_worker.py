import logging
import signal
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections
from django.utils import timezone

from clinic.ops.maintenance import run_jobs
from clinic.outbox.delivery import deliver_due

log = logging.getLogger("chairside.worker")


class Command(BaseCommand):
    help = "Send messages as they fall due and do, every minute, what is due then. Any number may run side by side."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="run each job once, send what is due, and end")
        parser.add_argument("--every", type=float, default=60, help="seconds between two rounds of jobs")
        parser.add_argument("--idle", type=float, default=1, help="seconds to wait when no message is due")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        next_round = time.monotonic()
        # A signal ends the wait; a round or batch that has begun is finished.
        while not stop.is_set():
            close_old_connections()
            if time.monotonic() >= next_round:
                run_jobs(now=timezone.now())
                next_round = time.monotonic() + options["every"]
            sent = _deliver()
            if not sent and options["once"]:
                break
            if not sent:
                stop.wait(options["idle"])


def _deliver() -> int:
    try:
        return deliver_due(now=timezone.now())
    except Exception:  # The database is away: what is due stays due.
        log.exception("messages could not be sent")
        return 0
