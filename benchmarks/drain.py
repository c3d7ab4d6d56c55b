"""A day's reminders of a big clinic: how soon they are written, sent, and what that does to who books meanwhile.

    python -m benchmarks.drain [--messages 50000] [--seconds 40]

Appointments of tomorrow are written in bulk; their reminders by the worker's own job, one SMS each. One `run_worker`
with its defaults then sends them to a provider that answers in 5 ms, while somebody books over HTTP ten times a second.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from benchmarks.costs import client_core, cpu_seconds, pin, resident_bytes
from benchmarks.measuring import Client, percentile
from benchmarks.own_stack import own_stack, progress_on, start_api
from tools.processes import ToolError
from tools.run_stack import Stack

if TYPE_CHECKING:
    from benchmarks.big_clinic import BigClinic

ANSWER_SECONDS = 0.005
BOOK_EVERY_SECONDS = 0.1
WARM_UP = 30
# Starts that are due the reminder of a day before, and not that of three hours before.
FIRST_START, LAST_START = timedelta(hours=6), timedelta(hours=23)
STEP = timedelta(minutes=30)
TIMEOUT_SECONDS = 1200

GOAL_A_SECOND = 200
GOAL_GROWTH = 0.15
GOAL_SLOWER = 1.5


@dataclass
class Drained:
    messages: int
    write_seconds: float = 0.0
    again_seconds: float = 0.0
    seconds: float = 0.0
    sent: int = 0
    cpu_seconds: float = 0.0
    # How many were sent, and the worker's resident bytes by then.
    sizes: list[tuple[int, int]] = field(default_factory=list)
    quiet_ms: list[float] = field(default_factory=list)
    busy_ms: list[float] = field(default_factory=list)

    @property
    def a_second(self) -> float:
        return self.sent / self.seconds

    def bytes_at(self, share: float) -> int:
        return next(size for sent, size in self.sizes if sent >= share * self.messages)

    @property
    def growth(self) -> float:
        return self.bytes_at(1.0) / self.bytes_at(0.1) - 1

    @property
    def slower(self) -> float:
        return percentile(self.busy_ms, 95) / percentile(self.quiet_ms, 95)

    @property
    def is_right(self) -> bool:
        return self.a_second > GOAL_A_SECOND and self.growth < GOAL_GROWTH and self.slower < GOAL_SLOWER


def run(chosen: argparse.Namespace, console: Console) -> Drained:
    with provider() as settings, own_stack(settings) as stack, progress_on(console) as progress:
        drained = Drained(chosen.messages)
        big = make_clinic(chosen.messages, progress)
        write_reminders(drained, progress)
        book = paced_bookings(big, stack)
        warming = progress.add_task("Booking in quiet", total=WARM_UP + chosen.seconds / BOOK_EVERY_SECONDS)
        for number in range(int(WARM_UP + chosen.seconds / BOOK_EVERY_SECONDS)):
            took = book()
            progress.advance(warming)
            if number >= WARM_UP:
                drained.quiet_ms.append(took)
        drain(drained, stack, book, progress)
    return drained


@contextmanager
def provider() -> Iterator[dict[str, str]]:
    """A process of its own, so that it takes nothing from who books. Its settings."""
    command = [sys.executable, "-m", "testkit.stand_ins.twilio", f"--answer-seconds={ANSWER_SECONDS}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            settings: dict[str, str] = json.loads(process.stdout.readline())
            pin(process.pid, client_core())
            yield settings
        finally:
            process.stdin.close()


def make_clinic(count: int, progress: Progress) -> "BigClinic":
    from benchmarks.big_clinic import Size, make_big_clinic

    writing = progress.add_task("Writing the clinic", total=2 * count)
    today = datetime.now().astimezone().date()
    big = make_big_clinic(Size(appointments=500, patients=50), lambda _: None, today=today)
    write_appointments(count, big.clinic.pk, big.service.pk, partial(progress.advance, writing))
    # Not the days that are reminded of.
    big.first_free_day += timedelta(days=5)
    return big


def paced_bookings(big: "BigClinic", stack: Stack) -> Callable[[], float]:
    """Returns what books the next free time over HTTP, at its own pace, and says how many milliseconds it took."""
    from benchmarks.big_clinic import PASSWORD
    from benchmarks.bookings import booking_of

    start_api(stack)
    client = Client(stack.api_port)
    client.sign_in(str(big.owner.email), PASSWORD)
    next_at, number = time.monotonic(), 0

    def book() -> float:
        nonlocal next_at, number
        booking = booking_of(big, number)
        assert booking.start is not None
        body = {
            "patient": booking.patient_id,
            "practitioner": booking.practitioner_id,
            "service": booking.service_id,
            "start": booking.start.isoformat(),
        }
        number += 1
        time.sleep(max(0.0, next_at - time.monotonic()))
        next_at = time.monotonic() + BOOK_EVERY_SECONDS
        status, answer, took = client.ask("POST", "/api/v1/appointments", body)
        if status != 201:
            raise ToolError(f"booking: {status} {answer[:500]!r}")
        return took

    return book


def write_appointments(count: int, clinic_id: int, service_id: int, advance: Callable[[int], None]) -> None:
    """Confirmed, each of a patient of its own who has a phone and no account."""
    from clinic.appointments.models import Appointment
    from clinic.people.models import Patient
    from clinic.scheduling.models import Practitioner
    from django.db import connection

    from benchmarks.big_clinic import ROWS_AT_ONCE, without_triggers

    now = datetime.now(UTC)
    first = (now + FIRST_START).replace(minute=0, second=0, microsecond=0)
    starts = [first + number * STEP for number in range((LAST_START - FIRST_START) // STEP)]
    Practitioner.objects.bulk_create(
        Practitioner(clinic_id=clinic_id, name=f"Dr of tomorrow {number}") for number in range(count // len(starts) + 1)
    )
    practitioners = list(Practitioner.objects.filter(name__startswith="Dr of tomorrow").order_by("pk"))
    first_patient = 1000
    with without_triggers("appointment"):
        for begin in range(0, count, ROWS_AT_ONCE):
            numbers = range(begin, min(begin + ROWS_AT_ONCE, count))
            Patient.objects.bulk_create(
                Patient(pk=first_patient + number, clinic_id=clinic_id, name="Robin Meyer", phone=f"+49171{number:07}")
                for number in numbers
            )
            Appointment.objects.bulk_create(
                Appointment(
                    clinic_id=clinic_id,
                    patient_id=first_patient + number,
                    practitioner=practitioners[number // len(starts)],
                    service_id=service_id,
                    starts_at=(start := starts[number % len(starts)]),
                    ends_at=start + STEP,
                    blocked_from=start,
                    blocked_until=start + STEP,
                    local_date=start.date(),
                    status="confirmed",
                    source="desk",
                    created_at=now - timedelta(days=7),
                    updated_at=now - timedelta(days=7),
                )
                for number in numbers
            )
            advance(2 * len(numbers))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE appointment, patient")
        cursor.fetchall()


def write_reminders(drained: Drained, progress: Progress) -> None:
    """By the job that the worker runs every minute; and once more, when nothing is left to be written."""
    from clinic.messaging.services.reminders import queue_due_reminders

    task = progress.add_task("Writing the reminders", total=2)
    began_at = time.monotonic()
    written = queue_due_reminders(now=datetime.now(UTC))
    drained.write_seconds = time.monotonic() - began_at
    progress.advance(task)
    if written < drained.messages:
        raise ToolError(f"Only {written} of {drained.messages} reminders were written.")
    began_at = time.monotonic()
    queue_due_reminders(now=datetime.now(UTC))
    drained.again_seconds = time.monotonic() - began_at
    progress.advance(task)


def drain(drained: Drained, stack: Stack, book: Callable[[], float], progress: Progress) -> None:
    task = progress.add_task("Sending", total=drained.messages)
    before = count_sent()
    stack.worker.start()
    process_id = int(stack.worker.record.read_text().split()[0])
    began_at = looked_at = 0.0
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while (sent := count_sent() - before) < drained.messages:
        if not stack.worker.is_running or time.monotonic() > deadline:
            raise ToolError(f"{sent} were sent. The worker's log ends with:\n{stack.worker.log_tail()}")
        if sent and not began_at:
            began_at, drained.sent, drained.cpu_seconds = time.monotonic(), -sent, -cpu_seconds(process_id)
        if sent:
            drained.sizes.append((sent, resident_bytes(process_id)))
        progress.update(task, completed=sent)
        looked_at = time.monotonic() + 1
        while time.monotonic() < looked_at:
            took = book()
            if sent:
                drained.busy_ms.append(took)
    drained.sizes.append((sent, resident_bytes(process_id)))
    drained.seconds = time.monotonic() - began_at
    drained.cpu_seconds += cpu_seconds(process_id)
    drained.sent += sent
    progress.update(task, completed=drained.messages)


def count_sent() -> int:
    from clinic.outbox.models import DeliveryCount

    return sum(DeliveryCount.objects.filter(channel="sms", end="sent").values_list("count", flat=True))


def report(drained: Drained, console: Console) -> None:
    from django.conf import settings

    senders = settings.SHARED.worker_senders

    def megabytes(share: float) -> str:
        return f"{drained.bytes_at(share) / 1e6:.1f}"

    quiet, busy = ([f"{percentile(times, p):.1f}" for p in (50, 95)] for times in (drained.quiet_ms, drained.busy_ms))
    rows = [
        ("reminders", f"{drained.messages:,}", ""),
        ("written", f"{drained.write_seconds:.1f} s: {drained.messages / drained.write_seconds:,.0f} a second", ""),
        ("looked for again, none left", f"{drained.again_seconds:.2f} s", ""),
        (f"sent by one worker, {senders} senders", f"{drained.a_second:.0f} a second", f"> {GOAL_A_SECOND}"),
        ("CPU of the worker for each", f"{drained.cpu_seconds / drained.sent * 1000:.1f} ms", ""),
        ("memory, 10, 50, 100 % sent", f"{megabytes(0.1)}, {megabytes(0.5)}, {megabytes(1.0)} MB", ""),
        ("growth from 10 to 100 %", f"{drained.growth:.1%}", f"< {GOAL_GROWTH:.0%}"),
        (f"booking in quiet ({len(drained.quiet_ms)})", f"p50 {quiet[0]} ms, p95 {quiet[1]} ms", ""),
        (f"booking meanwhile ({len(drained.busy_ms)})", f"p50 {busy[0]} ms, p95 {busy[1]} ms", ""),
        ("p95 times", f"{drained.slower:.2f}", f"< {GOAL_SLOWER}"),
    ]
    lines = ["| a day's reminders | | goal |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
    console.print("right" if drained.is_right else "WRONG", style="bold")


def main() -> int:
    parser = argparse.ArgumentParser(description="Write and send a day's reminders, while somebody books.")
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--seconds", type=int, default=40, help="of bookings in quiet")
    chosen = parser.parse_args()
    console = Console(width=120)
    try:
        drained = run(chosen, console)
    except ToolError as problem:
        console.print(str(problem), markup=False)
        return 1
    report(drained, console)
    return 0 if drained.is_right else 1


if __name__ == "__main__":
    sys.exit(main())
