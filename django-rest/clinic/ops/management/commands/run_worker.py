import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections
from django.utils import timezone

from clinic.ops.maintenance import run_jobs


class Command(BaseCommand):
    help = "Do what is due every minute: expired holds, old events, past cells, old keys and tokens."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="run each job once and end")
        parser.add_argument("--every", type=float, default=60, help="seconds between two rounds")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        while not stop.is_set():
            close_old_connections()
            run_jobs(now=timezone.now())
            if options["once"]:
                break
            stop.wait(options["every"])  # A signal ends the wait; a round that has begun is finished.
