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
from clinic.outbox.delivery import BATCH
from clinic.outbox.models import DeliveryChannel, DeliveryCount, Message, MessageState
from clinic.worker.jobs import JOBS
from clinic.worker.management.commands.run_worker import Command
from clinic.worker.models import JobRun
from django.conf import settings as django_settings
from django.core.management.base import CommandError
from pytest_django.fixtures import Settings

from testkit.clinic.world import World
from testkit.stand_ins.mishaps import Fault, Mishap, Mishaps
from testkit.stand_ins.twilio import TwilioStandIn

DJANGO = Path(__file__).resolve().parents[1]
TIMEOUT_SECONDS = 60


@contextmanager
def worker(twilio: TwilioStandIn, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {**os.environ, **twilio.settings, "DB_NAME": str(django_settings.DATABASES["default"]["NAME"])}
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
            channel=DeliveryChannel.SMS,
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
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_empty() -> bool:
    return not Message.objects.filter(due_at__isnull=False).exists()


@in_one_transaction
def hurry(*states: MessageState) -> None:
    """Make messages due now that wait for their next attempt (queued), or for a dead worker's lease (sending)."""
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
        # A batch is counted after its last message is sent.
        wait_until(lambda: DeliveryCount.objects.filter(channel="sms", end="sent", count__gte=200).exists())
    assert Counter(sms.body for sms in twilio.sent) == Counter(f"number {number}" for number in range(200))
    assert set(Message.objects.values_list("state", flat=True)) == {"sent"}
    assert DeliveryCount.objects.get(channel="sms", end="sent").count == 200


def test_sigterm_finishes_what_is_begun(committed_world: World, twilio: TwilioStandIn) -> None:
    twilio.answer_seconds = 0.05
    queue(committed_world, 300)
    with worker(twilio) as process:
        wait_until(lambda: len(twilio.sent) > 20)
        process.terminate()
        assert process.wait(TIMEOUT_SECONDS) == 0
    states = Counter(Message.objects.values_list("state", flat=True))
    assert states[MessageState.SENDING] == 0
    assert states[MessageState.SENT] == len(twilio.sent) < 300


@pytest.mark.parametrize(("arguments", "niceness"), [((), 10), (("--niceness=3",), 3)])
def test_a_worker_lets_the_api_go_first(
    committed_world: World, twilio: TwilioStandIn, arguments: tuple[str, ...], niceness: int
) -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    with worker(twilio, *arguments) as process:
        wait_until(lambda: os.getpriority(os.PRIO_PROCESS, process.pid) == own + niceness)
        group = Path(f"/proc/{process.pid}/autogroup")
        wait_until(lambda: not group.exists() or group.read_text().split()[-1] == str(niceness))


def test_senders_take_no_more_messages_than_a_batch_each(committed_world: World, twilio: TwilioStandIn) -> None:
    twilio.answer_seconds = 0.2
    queue(committed_world, 30)
    most = 0
    with worker(twilio, "--senders=2", "--batch=3"):
        while not is_empty():
            most = max(most, Message.objects.filter(state=MessageState.SENDING).count())
            assert len(twilio.sent) <= 30
            time.sleep(0.02)
    assert 3 < most <= 2 * 3


def test_options_of_the_worker_are_those_of_the_settings_unless_given(settings: Settings) -> None:
    chosen = {"worker_senders": 3, "worker_batch": 4, "worker_cpu_share": 0.2, "worker_niceness": 5}
    settings.SHARED = settings.SHARED.model_copy(update=chosen)
    parser = Command().create_parser("manage.py", "run_worker")
    options = vars(parser.parse_args([]))
    assert {name: options[name.removeprefix("worker_")] for name in chosen} == chosen
    assert parser.parse_args(["--senders=7"]).senders == 7
    with pytest.raises(CommandError, match="--batch: at least 1"):
        parser.parse_args(["--batch=0"])


def test_a_providers_silence_holds_up_only_what_is_behind_it(committed_world: World, twilio: TwilioStandIn) -> None:
    twilio.mishaps = Mishaps(0.02, {Mishap(Fault.SILENT): 1})
    queue(committed_world, 200)
    with worker(twilio):
        wait_until(lambda: len(twilio.sent) > 200 - 3 * BATCH)
        waiting = Message.objects.filter(state=MessageState.SENDING).count()
        assert 0 < sum(twilio.mishaps.seen.values()) * BATCH >= waiting
        assert not Message.objects.filter(attempts=0).exists()


@pytest.mark.race
def test_killed_workers_and_a_failing_provider_lose_nothing(committed_world: World, twilio: TwilioStandIn) -> None:
    """Messages that may come twice were on their way at a kill: at most one for each sender of the killed worker."""
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
            hurry(MessageState.QUEUED, MessageState.SENDING)
        workers.enter_context(worker(twilio))
        workers.enter_context(worker(twilio))
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not is_empty() and time.monotonic() < deadline:
            hurry(MessageState.QUEUED)
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
