import logging
import os
import signal
import threading
import time
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, close_old_connections, connection

from clinic.accounts.contacts import send_requested_verifications
from clinic.accounts.passwords import send_requested_links
from clinic.common import clock
from clinic.common.mysql.base import time_limits_lifted
from clinic.common.restore_marker import SENTENCE, is_marked
from clinic.outbox.delivery import send_taken, take_due
from clinic.outbox.models import Message
from clinic.worker.jobs import DUE, UPKEEP, run_jobs
from clinic.worker.pace import Pace
from clinic.worker.processes import ClockWatch
from clinic.worker.pulse import beating_pulse

PASSWORD_MAILS_EVERY = 2
MIN_CPU_SHARE = 0.05
log = logging.getLogger("chairside.worker")


@dataclass(frozen=True, slots=True)
class Sending:
    """`batch`: messages that a sender takes at once. `pace` is shared by all senders."""

    senders: int
    batch: int
    pace: Pace
    looking: threading.Lock = field(default_factory=threading.Lock)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError("at least 1")
    return number


class Command(BaseCommand):
    help = "Send messages as they fall due and do, every minute, what is due then. Any number may run side by side."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="run each job once, send what is due, and end")
        parser.add_argument("--every", type=float, default=60, help="seconds between two rounds of jobs")
        parser.add_argument("--idle", type=float, default=1, help="seconds to wait when no message is due")
        shared = settings.SHARED
        parser.add_argument(
            "--senders", type=_positive, default=shared.worker_senders, help="messages that are sent at the same time"
        )
        parser.add_argument(
            "--batch", type=_positive, default=shared.worker_batch, help="messages that a sender takes at once"
        )
        parser.add_argument(
            "--cpu-share", type=float, default=shared.worker_cpu_share, help="of a core, for all senders together"
        )
        parser.add_argument(
            "--niceness", type=int, default=shared.worker_niceness, help="how far others go first: 0 to 19"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        clock_watch = ClockWatch()
        sending = Sending(options["senders"], options["batch"], Pace(max(MIN_CPU_SHARE, options["cpu_share"])))
        with suppress(DatabaseError), connection.cursor() as cursor:  # Where it is away, the worker waits for it.
            if is_marked(cursor):
                raise CommandError(SENTENCE)
        if options["once"]:
            if clock_watch.is_off():
                raise CommandError("Nothing is done: this machine's clock differs from the database's.")
            run_jobs(now=clock.now())
            with _senders(sending, stop, clock_watch, idle_seconds=None):
                return
        _let_others_go_first(options["niceness"])
        with (
            beating_pulse(),
            _jobs_every(options["every"], stop, clock_watch),
            _senders(sending, stop, clock_watch, idle_seconds=options["idle"]),
        ):
            stop.wait()


def _let_others_go_first(niceness: int) -> None:
    """People wait for answers of the services, and for the worker hardly. By `nice`; and where Linux shares its time
    between sessions first, which is usual outside of containers, by the whole session's, if it is this process's own
    (sched(7), the autogroup feature)."""
    if not niceness:
        return
    os.nice(niceness)
    if os.getsid(0) == os.getpid():
        with suppress(OSError):  # Not everywhere, and not for everybody.
            Path("/proc/self/autogroup").write_text(str(niceness))


@contextmanager
def _senders(
    sending: Sending, stop: threading.Event, clock_watch: ClockWatch, *, idle_seconds: float | None
) -> Iterator[None]:
    """In the end each finishes the message that it is sending. `idle_seconds` None: they end when nothing is due."""
    senders = [
        threading.Thread(target=_send_until, args=(sending, stop, clock_watch, idle_seconds), name=f"sender-{number}")
        for number in range(sending.senders)
    ]
    for sender in senders:
        sender.start()
    try:
        yield
    finally:
        for sender in senders:
            sender.join()


@contextmanager
def _jobs_every(seconds: float, stop: threading.Event, clock_watch: ClockWatch) -> Iterator[None]:
    """In threads of their own, so that no message waits for a long job. Rounds never overlap, and one that was missed
    is not made up for: each looks at all that is due. Timed by a clock that cannot be set."""
    rounds = [
        threading.Thread(target=_run_rounds, args=(seconds, stop, partial(_run_round, clock_watch)), name="jobs"),
        # Reminders do not wait for what only tidies up.
        threading.Thread(target=_run_rounds, args=(seconds, stop, partial(_run_upkeep, clock_watch)), name="upkeep"),
        # Between the rounds: somebody waits for these. One query if nobody does.
        threading.Thread(
            target=_run_rounds,
            args=(PASSWORD_MAILS_EVERY, stop, partial(_queue_password_mails, clock_watch)),
            name="password-mails",
        ),
    ]
    for each in rounds:
        each.start()
    try:
        yield
    finally:
        stop.set()
        for each in rounds:
            each.join()


def _run_rounds(seconds: float, stop: threading.Event, run_round: Callable[[], None]) -> None:
    while not stop.is_set():
        began = time.monotonic()
        try:
            run_round()
        except Exception:  # Whatever it was: the next round is due all the same.
            log.exception("a round of jobs failed")
        stop.wait(max(0.0, began + seconds - time.monotonic()))
    connection.close()


def _run_round(clock_watch: ClockWatch) -> None:
    close_old_connections()
    with suppress(DatabaseError):  # It is away: each job says so.
        clock.measure_again()
    if not clock_watch.is_off():
        with time_limits_lifted():
            run_jobs(now=clock.now(), jobs=DUE)
    clock_watch.report()


def _run_upkeep(clock_watch: ClockWatch) -> None:
    close_old_connections()
    if not clock_watch.is_off():
        with time_limits_lifted():
            run_jobs(now=clock.now(), jobs=UPKEEP)


def _queue_password_mails(clock_watch: ClockWatch) -> None:
    close_old_connections()
    if not clock_watch.is_off():
        send_requested_links(now=clock.now())
        send_requested_verifications(now=clock.now())


def _send_until(sending: Sending, stop: threading.Event, clock_watch: ClockWatch, idle_seconds: float | None) -> None:
    """Each sender takes and sends for itself, so that a provider's silence holds up one alone. Only one at a time looks
    for what is due, and waits there if it is nothing: many that idle ask no more than one."""
    while not stop.is_set():
        with sending.looking:
            stop.wait(sending.pace.rest_seconds())
            now = clock.now()
            messages = [] if stop.is_set() or clock_watch.is_off() else _take(now, sending.batch)
            if not messages:
                if idle_seconds is None:
                    break
                stop.wait(idle_seconds)
        _send(messages, now, stop)
    connection.close()


def _take(now: datetime, limit: int) -> list[Message]:
    close_old_connections()
    try:
        return take_due(now=now, limit=limit)
    except Exception:  # The database is away: what is due stays due.
        log.exception("messages could not be taken")
        return []


def _send(messages: list[Message], now: datetime, stop: threading.Event) -> None:
    try:
        send_taken(messages, now=now, is_stopped=stop.is_set)
    except Exception:  # The database is away: what was not sent is due again when its lease ends.
        log.exception("messages could not be sent")
