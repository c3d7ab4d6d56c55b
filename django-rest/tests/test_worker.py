"""Real workers, as processes of their own, on a real database, with a provider that fails, and killed in between."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from clinic.common.transactions import in_one_transaction
from clinic.ops.maintenance import JOBS
from clinic.ops.management.commands.run_worker import NICER_BY
from clinic.ops.models import JobRun
from clinic.outbox.delivery import BATCH
from clinic.outbox.models import Channel, DeliveryCount, Message, State
from django.conf import settings
from mishaps import Fault, Mishap, Mishaps
from twilio_stand_in import TwilioStandIn

from .conftest import World

DJANGO = Path(__file__).resolve().parents[1]
PATIENCE_SECONDS = 60


@contextmanager
def worker(twilio: TwilioStandIn, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {**os.environ, **twilio.settings, "DB_NAME": str(settings.DATABASES["default"]["NAME"])}
    command = [sys.executable, "manage.py", "run_worker", "--idle=0.05", *arguments]
    process = subprocess.Popen(command, cwd=DJANGO, env=environment, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def queue(world: World, count: int) -> None:
    now = datetime.now(UTC) - timedelta(seconds=1)
    Message.objects.bulk_create(
        Message(
            clinic=world.clinic,
            channel=Channel.SMS,
            template="reminder",
            recipient=f"+4917{number:09}",
            body=f"number {number}",
            created_at=now,
            send_at=now,
            due_at=now,
        )
        for number in range(count)
    )


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_empty() -> bool:
    return not Message.objects.filter(due_at__isnull=False).exists()


@in_one_transaction
def hurry(*states: State) -> None:
    """What waits for its next attempt (queued), or for a dead worker's lease (sending), is due now."""
    Message.objects.filter(state__in=states, due_at__gt=datetime.now(UTC)).update(due_at=datetime.now(UTC))


def has_sent(twilio: TwilioStandIn, count: int) -> bool:
    return len(twilio.sent) > count or is_empty()


@pytest.fixture
def twilio() -> Iterator[TwilioStandIn]:
    with TwilioStandIn() as stand_in:
        yield stand_in


def test_two_workers_send_each_message_once(committed_world: World, twilio: TwilioStandIn) -> None:
    queue(committed_world, 200)
    with worker(twilio), worker(twilio):
        wait_until(is_empty)
    assert Counter(sms.body for sms in twilio.sent) == Counter(f"number {number}" for number in range(200))
    assert set(Message.objects.values_list("state", flat=True)) == {"sent"}
    assert DeliveryCount.objects.get(channel="sms", end="sent").count == 200


def test_sigterm_finishes_what_is_begun(committed_world: World, twilio: TwilioStandIn) -> None:
    twilio.answer_seconds = 0.05
    queue(committed_world, 300)
    with worker(twilio) as process:
        wait_until(lambda: len(twilio.sent) > 20)
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0
    states = Counter(Message.objects.values_list("state", flat=True))
    assert states[State.SENDING] == 0
    assert states[State.SENT] == len(twilio.sent) < 300


def test_a_worker_lets_the_api_go_first(committed_world: World, twilio: TwilioStandIn) -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    with worker(twilio) as process:
        wait_until(lambda: os.getpriority(os.PRIO_PROCESS, process.pid) == own + NICER_BY)
        group = Path(f"/proc/{process.pid}/autogroup")
        wait_until(lambda: not group.exists() or group.read_text().split()[-1] == str(NICER_BY))


def test_a_providers_silence_holds_up_only_what_is_behind_it(committed_world: World, twilio: TwilioStandIn) -> None:
    twilio.mishaps = Mishaps(0.02, {Mishap(Fault.SILENT): 1})
    queue(committed_world, 200)
    with worker(twilio):
        wait_until(lambda: len(twilio.sent) > 200 - 3 * BATCH)
        waiting = Message.objects.filter(state=State.SENDING).count()
        assert 0 < sum(twilio.mishaps.seen.values()) * BATCH >= waiting
        assert not Message.objects.filter(attempts=0).exists()


@pytest.mark.race
def test_killed_workers_and_a_failing_provider_lose_nothing(committed_world: World, twilio: TwilioStandIn) -> None:
    """What may come twice is what was on its way at a kill: at most one for each sender of the killed worker."""
    senders, kills = 4, 3
    twilio.mishaps.share, twilio.answer_seconds = 0.2, 0.02
    queue(committed_world, 250)
    chance = random.Random(7)
    with ExitStack() as workers:
        for _ in range(kills):
            victim = workers.enter_context(worker(twilio, f"--senders={senders}"))
            enough = len(twilio.sent) + 10
            wait_until(partial(has_sent, twilio, enough))
            time.sleep(chance.random() * 0.1)
            os.kill(victim.pid, signal.SIGKILL)
            victim.wait()
            hurry(State.QUEUED, State.SENDING)
        workers.enter_context(worker(twilio))
        workers.enter_context(worker(twilio))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_empty() and time.monotonic() < deadline:
            hurry(State.QUEUED)
            time.sleep(0.5)
    times = Counter(sms.body for sms in twilio.sent)
    assert set(times) == {f"number {number}" for number in range(250)}
    assert set(Message.objects.values_list("state", flat=True)) == {"sent"}
    repeated = sum(count - 1 for count in times.values())
    assert repeated <= kills * senders


def test_the_jobs_run_beside_the_messages_and_are_kept(committed_world: World, twilio: TwilioStandIn) -> None:
    with worker(twilio, "--every=1"):
        wait_until(lambda: JobRun.objects.filter(succeeded_at__isnull=False).count() == len(JOBS))
        first = JobRun.objects.earliest("started_at").started_at
        wait_until(lambda: JobRun.objects.earliest("started_at").started_at > first)
