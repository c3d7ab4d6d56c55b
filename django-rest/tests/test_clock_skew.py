"""Processes whose own clock is wrong: what is due is decided by the database's clock, and the worker stops."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from clinic.appointments.models import Appointment
from clinic.common import clock
from clinic.outbox.models import DeliveryChannel, Message, MessageState
from clinic.worker.models import JobRun, WorkerProcess
from django.conf import settings
from django.db import connection
from rest_framework.test import APIClient

from testkit.clinic.monitoring import metric
from testkit.clinic.times import this_moment
from testkit.clinic.world import World, row_of
from testkit.shifted_clock import ShiftedClock
from testkit.stand_ins.twilio import TwilioStandIn

DJANGO = Path(__file__).resolve().parents[1]
HOUR = 3600
TIMEOUT_SECONDS = 60


@pytest.fixture
def hour_ahead(tmp_path: Path) -> ShiftedClock:
    return ShiftedClock(tmp_path, seconds=HOUR)


@pytest.fixture
def twilio() -> Iterator[TwilioStandIn]:
    with TwilioStandIn() as stand_in:
        yield stand_in


def environment_with(shifted: ShiftedClock) -> dict[str, str]:
    return {**os.environ, "DB_NAME": str(settings.DATABASES["default"]["NAME"]), **shifted.environment}


@contextmanager
def worker(shifted: ShiftedClock, twilio: TwilioStandIn) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "manage.py", "run_worker", "--idle=0.05", "--every=0.5"]
    environment = {**environment_with(shifted), **twilio.settings}
    process = subprocess.Popen(command, cwd=DJANGO, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def rounds_of_worker() -> int:
    """Distinct reports are one round each; the first is that of the stop."""
    seen = WorkerProcess.objects.values_list("seen_at", flat=True).first()
    _reports.add(seen)
    return len(_reports - {None})


_reports: set[datetime | None] = set()


def queue(world: World, body: str, *, due: timedelta, state: MessageState = MessageState.QUEUED) -> Message:
    now = datetime.now(UTC)
    return Message.objects.create(
        clinic=world.clinic,
        channel=DeliveryChannel.SMS,
        template="reminder",
        recipient="+491701234567",
        body=body,
        state=state,
        attempts=int(state is MessageState.SENDING),
        created_at=now,
        send_at=now,
        due_at=now + due,
    )


def test_worker_an_hour_ahead_stops_until_its_clock_is_right(
    committed_world: World, twilio: TwilioStandIn, hour_ahead: ShiftedClock
) -> None:
    world = committed_world
    start = this_moment() + timedelta(minutes=30)
    expected = world.book(start, outside_hours=True)
    asked = world.book(start, by=world.sam, practitioner=world.quentin, patient=world.pete, outside_hours=True)
    Appointment.objects.filter(pk=asked.pk).update(status="pending")
    Message.objects.all().delete()
    being_sent = queue(world, "leased by another worker", due=timedelta(minutes=2), state=MessageState.SENDING)
    later = queue(world, "due in half an hour", due=timedelta(minutes=30))
    due = queue(world, "due", due=timedelta(seconds=-1))
    _reports.clear()
    with worker(hour_ahead, twilio):
        wait_until(lambda: rounds_of_worker() >= 3)
        assert twilio.sent == []
        assert (row_of(expected).status, row_of(asked).status) == ("confirmed", "pending")
        assert Message.objects.get(pk=being_sent.pk).attempts == 1
        assert not JobRun.objects.exists()
        health = world.client(world.olga).get("/health").json()
        assert (health["status"], health["worker"]["stopped_by_clock"]) == ("degraded", 1)
        assert HOUR - 5 < health["worker"]["clock_skew_seconds"] < HOUR + 5
        name = WorkerProcess.objects.get().name
        assert HOUR - 5 < metric("chairside_worker_clock_skew_seconds", worker=name) < HOUR + 5

        hour_ahead.set_shift(0)
        wait_until(lambda: Message.objects.get(pk=due.pk).state == MessageState.SENT)
        wait_until(lambda: JobRun.objects.filter(succeeded_at__isnull=False).exists())
        assert [sms.body for sms in twilio.sent] == ["due"]
        wait_until(lambda: APIClient().get("/health").json()["status"] == "ok")
    assert Message.objects.get(pk=later.pk).state == MessageState.QUEUED
    assert (row_of(expected).status, row_of(asked).status) == ("confirmed", "pending")


def test_worker_once_with_a_wrong_clock_does_nothing(committed_world: World, hour_ahead: ShiftedClock) -> None:
    queue(committed_world, "due", due=timedelta(seconds=-1))
    done = subprocess.run(
        [sys.executable, "manage.py", "run_worker", "--once"],
        cwd=DJANGO,
        env=environment_with(hour_ahead),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "clock differs from the database's" in done.stderr
    assert Message.objects.get().attempts == 0


def test_process_an_hour_ahead_writes_instants_of_the_database(db: None, hour_ahead: ShiftedClock) -> None:
    script = (
        "from datetime import UTC, datetime; from clinic.common import clock;"
        "print(clock.now().timestamp(), datetime.now(UTC).timestamp(), clock.skew_seconds())"
    )
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", script],
        cwd=DJANGO,
        env=environment_with(hour_ahead),
        capture_output=True,
        text=True,
        check=True,
    )
    ours, its_own, skew = map(float, done.stdout.split())
    real = time.time()
    assert 0 <= real - ours < TIMEOUT_SECONDS
    assert its_own - ours == pytest.approx(HOUR, abs=2)
    assert skew == pytest.approx(HOUR, abs=2)


def test_now_is_the_databases_time(db: None) -> None:
    clock.measure_again()
    with connection.cursor() as cursor:
        before = clock.now()
        cursor.execute("SELECT UTC_TIMESTAMP(6)")
        (at_the_database,) = cursor.fetchone()
        after = clock.now()
    tolerance = timedelta(milliseconds=1)
    assert before - tolerance <= at_the_database <= after + tolerance


def test_health_of_a_right_clock_says_ok(world: World) -> None:
    assert world.client(world.olga).get("/health").json()["clock"] == {
        "skew_seconds": pytest.approx(0, abs=1),
        "off": False,
    }
    assert metric("chairside_clock_skew_seconds") == pytest.approx(0, abs=1)
