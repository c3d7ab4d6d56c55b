"""Two workers side by side may deadlock in any step. Each step is then made again: none fails, all is done once.

The server names one of two that wait for each other, whichever it likes. So here every statement that locks meets a
deadlock the first time it is asked, in one step after another.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from clinic.changefeed.models import StreamPulse
from clinic.changefeed.services import beat_pulse
from clinic.common import clock, transactions
from clinic.common.mysql.conditions import DEADLOCK
from clinic.outbox.delivery import send_taken, take_due
from clinic.outbox.models import DeliveryChannel, DeliveryCount, Message, MessageState
from clinic.outbox.optouts import record_opt_out
from clinic.worker.jobs import JOBS, run_jobs
from clinic.worker.models import JobRun, WorkerProcess
from clinic.worker.processes import ClockWatch
from django.db import OperationalError, connection
from django.db.models import Model
from pytest_django.fixtures import Settings

from testkit.clinic.work_due import NOON, make_everything_due, make_everything_prunable, make_old_messages
from testkit.clinic.world import World

LOCKS = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE)\b|.* (FOR UPDATE|LOCK IN SHARE MODE)", re.IGNORECASE | re.DOTALL)
VALUES = re.compile(r"'(?:[^'\\]|\\.)*'")


class Deadlocks:
    """Refuses each locking statement once, whatever values are written in it, and undoes its transaction as the server
    does."""

    def __init__(self) -> None:
        self.refused: list[str] = []

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        statement = VALUES.sub("?", sql)
        if not LOCKS.match(sql) or statement in self.refused:
            return execute(sql, params, many, context)
        self.refused.append(statement)
        context["connection"].connection.rollback()
        raise OperationalError(DEADLOCK, "Deadlock found when trying to get lock; try restarting transaction")

    def sleep(self, _seconds: float) -> None:
        """Between two tries. Stands for the module `time` in `transactions`."""


@pytest.fixture
def deadlocks(committed_world: World, monkeypatch: pytest.MonkeyPatch) -> Deadlocks:
    """For `connection.execute_wrapper`."""
    obstacle = Deadlocks()
    monkeypatch.setattr(transactions, "time", obstacle)
    monkeypatch.setattr(transactions, "TRIES", 100)  # A step has many statements, and each is refused.
    return obstacle


def queue_sms(world: World, recipient: str) -> Message:
    at = clock.now() - timedelta(seconds=1)
    return Message.objects.create(
        clinic=world.clinic,
        channel=DeliveryChannel.SMS,
        template="reminder",
        recipient=recipient,
        fallback_recipient="paula@riverside.example",
        body="Hello",
        created_at=at,
        send_at=at,
        due_at=at,
    )


# The reminder is queued for the appointment of the next day, the dead letter is one that `make_everything_due` makes.
DONE = {
    "password mails queued": 1,
    "verification mails queued": 1,
    "missed appointments marked": 1,
    "undecided requests expired": 1,
    "reminders queued": 1,
    "dead letters reported": 1,
    "expired offers moved on": 1,
    "waitlist entries lapsed": 1,
    "expired holds released": 1,
    "old events pruned": 1,
    "past cells pruned": 2 * 6,
    "idempotency keys pruned": 1,
    "phone codes pruned": 1,
    "password links pruned": 1,
    "links of changed addresses pruned": 1,
    "attempt counts pruned": 1,
    "expired tokens pruned": 1,
    "ended sign-ins pruned": 1,
    "expired sessions pruned": 1,
    "ended workers pruned": 1,
    "old words of messages pruned": 1,
    "old notifications pruned": 1,
    "old incoming SMS pruned": 1,
}
READS_ONLY = {"one address for all sign-ins"}


def test_each_job_is_done_once_although_its_statements_deadlock(committed_world: World, deadlocks: Deadlocks) -> None:
    assert set(DONE) | READS_ONLY == set(JOBS)
    make_old_messages(committed_world)
    make_everything_due(committed_world)
    make_everything_prunable(committed_world)
    with connection.execute_wrapper(deadlocks):
        done = run_jobs(now=NOON)
    assert not JobRun.objects.exclude(error="").exists()
    assert done == DONE | dict.fromkeys(READS_ONLY, 0)
    assert JobRun.objects.filter(succeeded_at=NOON).count() == len(JOBS)
    assert len(deadlocks.refused) > len(JOBS)


def test_delivery_is_made_and_counted_once_although_its_statements_deadlock(
    committed_world: World, deadlocks: Deadlocks, settings: Settings, tmp_path: Path
) -> None:
    settings.SHARED = settings.SHARED.model_copy(update={"sms_folder": str(tmp_path)})
    unwanted = queue_sms(committed_world, "+491707654321")
    record_opt_out(DeliveryChannel.SMS, unwanted.recipient, source="patient", at=clock.now())
    sent = queue_sms(committed_world, "+491701234567")
    with connection.execute_wrapper(deadlocks):
        send_taken(take_due(now=clock.now()), now=clock.now())
    assert len(list(tmp_path.iterdir())) == 1
    sent.refresh_from_db()
    assert (sent.state, sent.attempts) == (MessageState.SENT, 1)
    assert Message.objects.filter(channel=DeliveryChannel.EMAIL).count() == 1, "in the place of what was unwanted"
    counted = DeliveryCount.objects.order_by("end").values_list("channel", "end", "count")
    assert list(counted) == [("sms", "failed", 1), ("sms", "sent", 1)]


def test_stopped_worker_gives_back_what_it_took_in_spite_of_a_deadlock(
    committed_world: World, deadlocks: Deadlocks
) -> None:
    message, now = queue_sms(committed_world, "+491701234567"), clock.now()
    with connection.execute_wrapper(deadlocks):
        send_taken(take_due(now=now), now=now, is_stopped=lambda: True)
    message.refresh_from_db()
    assert (message.state, message.attempts, message.due_at) == (MessageState.QUEUED, 0, now)


@pytest.mark.parametrize(
    ("report", "row"),
    [(lambda: ClockWatch().report(), WorkerProcess), (beat_pulse, StreamPulse)],
    ids=["clock", "pulse"],
)
def test_worker_reports_itself_in_spite_of_a_deadlock(
    deadlocks: Deadlocks, report: Callable[[], None], row: type[Model]
) -> None:
    with connection.execute_wrapper(deadlocks):
        report()
    assert deadlocks.refused
    assert row._default_manager.count() == 1
