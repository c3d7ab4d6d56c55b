"""Two workers, providers that fail, and `kill -9` of one of the workers again and again: no message may be lost.

Half of the messages wait at the beginning, the others fall due one by one. Each repeat of a message needs its reason:
the provider's answer was lost, or the worker was killed before it could store it. MESSAGES, SECONDS (of killing) and
SEED choose another run.
"""

import logging
import os
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from clinic.outbox.models import DeliveryChannel, Message
from clinic.scheduling.models import Clinic
from django.db import connection
from pytest_django import DjangoDbBlocker
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.measuring import percentile
from testkit.stand_ins.mail import open_mail_stand_in
from testkit.stand_ins.mishaps import Fault, Mishap, Mishaps
from testkit.stand_ins.twilio import TwilioStandIn

from .django_here import django_led_to
from .prepared_stack import prepared_stack
from .worker_crew import WORKERS, Crew, Providers, running_crew
from .worker_verdict import COMMIT, OUTCOME_TIMES, Reason, Verdict, judge

IS_BRIEF = bool(os.environ.get("BRIEF"))
MESSAGES = int(os.environ.get("MESSAGES") or (200 if IS_BRIEF else 2000))
SECONDS = float(os.environ.get("SECONDS") or (30 if IS_BRIEF else 300))
SEED = int(os.environ.get("SEED") or 1)
# Leases of killed workers end after two minutes, and what failed several times is tried again after some more.
SETTLE_SECONDS = 900.0
ANSWER_SECONDS = 0.1
FAILING = 0.2
# How often they are drawn. A call without an answer costs a sender eight seconds.
KINDS = {
    Mishap(Fault.TOO_MANY): 4,
    Mishap(Fault.ERROR): 3,
    Mishap(Fault.CLOSED): 3,
    Mishap(Fault.SILENT): 1,
    Mishap(Fault.ERROR, is_taken=True): 2,
    Mishap(Fault.CLOSED, is_taken=True): 2,
    Mishap(Fault.SILENT, is_taken=True): 1,
}
MAX_LIFE_SECONDS = 6.0


def test_killed_workers_lose_no_message_and_repeat_none_without_reason(django_db_blocker: DjangoDbBlocker) -> None:
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # Six lines for each mail.
    console = Console(width=120)
    chance = random.Random(SEED)
    twilio_mishaps, post_mishaps = (Mishaps(FAILING, KINDS, random.Random(chance.random())) for _ in range(2))
    columns = (TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        TwilioStandIn(ANSWER_SECONDS, twilio_mishaps) as twilio,
        open_mail_stand_in(post_mishaps, ANSWER_SECONDS) as post,
        prepared_stack({**twilio.settings, **post.settings}) as stack,
        django_led_to(stack.environment, django_db_blocker),
        Progress(*columns, console=console) as progress,
    ):
        providers = Providers(twilio, post)
        queue_messages()
        with running_crew(stack) as crew:
            done = progress.add_task("Messages done", total=MESSAGES)
            kill_workers(crew, chance, progress, lambda: progress.update(done, completed=count(waiting=False)))
            settled_seconds = settle(progress, lambda: progress.update(done, completed=count(waiting=False)))
        verdict = judge(providers.sent, crew.killed_at)
    report(verdict, providers, crew, settled_seconds, console)
    assert verdict.states == {"sent": MESSAGES}
    assert (verdict.never_taken, verdict.without_reason) == (0, 0)


def queue_messages() -> None:
    """As many mails as SMS, of one clinic. Half are due now, the others evenly until the end of the killing."""
    clinic = Clinic.objects.create(name="Riverside", slug="riverside", timezone="Europe/Berlin", phone_region="DE")
    now = datetime.now(UTC)
    messages = []
    for number in range(MESSAGES):
        is_sms = number % 2 == 0
        due_at = now + timedelta(seconds=max(0.0, (2 * number / MESSAGES - 1) * SECONDS))
        messages.append(
            Message(
                clinic=clinic,
                channel=DeliveryChannel.SMS if is_sms else DeliveryChannel.EMAIL,
                template="reminder",
                recipient=f"+49170{number:07}" if is_sms else f"patient.{number}@mail.example",
                subject="" if is_sms else "A reminder",
                body=f"Riverside: a reminder, number {number}.",
                created_at=now,
                send_at=due_at,
                due_at=due_at,
            )
        )
    Message.objects.bulk_create(messages, batch_size=500)
    with connection.cursor() as cursor:
        for statement in OUTCOME_TIMES:
            cursor.execute(statement)


def kill_workers(crew: Crew, chance: random.Random, progress: Progress, look: Callable[[], None]) -> None:
    killing = progress.add_task("Seconds of killing", total=int(SECONDS))
    began_at = time.monotonic()
    while (passed := time.monotonic() - began_at) < SECONDS:
        time.sleep(min(chance.uniform(0.5, MAX_LIFE_SECONDS), SECONDS - passed))
        crew.commit_seconds.append(seconds_of_a_commit())
        crew.kill_one(chance)
        look()
        progress.update(killing, completed=min(int(SECONDS), int(time.monotonic() - began_at)))


def seconds_of_a_commit() -> float:
    """Cost of a statement that is a transaction of its own, as durable as an UPDATE's."""
    began_at = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(COMMIT)
    return time.monotonic() - began_at


def settle(progress: Progress, look: Callable[[], None]) -> float:
    """Leave the workers alone until no message waits. Returns how long that took."""
    task = progress.add_task("Settling", total=None)
    began_at = time.monotonic()
    while count(waiting=True) and time.monotonic() - began_at < SETTLE_SECONDS:
        time.sleep(1)
        look()
    progress.update(task, total=1, completed=1)
    look()
    return time.monotonic() - began_at


def count(*, waiting: bool) -> int:
    return Message.objects.filter(due_at__isnull=not waiting).count()


def report(verdict: Verdict, providers: Providers, crew: Crew, settled_seconds: float, console: Console) -> None:
    kills = len(crew.killed_at)
    # A kill meets one of the workers: what lasts s seconds is met by kills / workers / seconds * s of them.
    kills_a_second = kills / WORKERS / SECONDS
    windows = [window for of_channel in verdict.windows.values() for window in of_channel]
    commit = statistics.mean(crew.commit_seconds)
    expected = {
        Reason.KILLED_WAITING: kills_a_second * verdict.waiting_seconds,
        Reason.KILLED_BEFORE_UPDATE: kills_a_second * (sum(windows) + len(windows) * commit),
    }
    mishaps = providers.mishaps
    before = sum(number for mishap, number in mishaps.items() if not mishap.is_taken)
    after = sum(number for mishap, number in mishaps.items() if mishap.is_taken)
    rows = [
        ("messages", f"{verdict.messages:,}"),
        ("kills, over", f"{kills}, {SECONDS:.0f} s"),
        ("then until nothing waited", f"{settled_seconds:.0f} s"),
        ("calls of the provider", f"{providers.calls:,}"),
        ("failed before it had taken the message", f"{before} ({_named(mishaps, is_taken=False)})"),
        ("failed after it had taken the message", f"{after} ({_named(mishaps, is_taken=True)})"),
        ("state at the end", ", ".join(f"{number:,} {state}" for state, number in verdict.states.most_common())),
        ("waiting at the end (goal 0)", f"{verdict.still_waiting}"),
        ("**lost: never taken by the provider** (goal 0)", f"{verdict.never_taken}"),
        ("of these, kept as sent", f"{verdict.sent_only_in_name}"),
        ("taken again", f"{verdict.repeats}"),
        *((f"… {reason}", _beside(verdict.reasons[reason], expected.get(reason))) for reason in Reason),
        ("**… without a reason** (goal 0)", f"{verdict.without_reason}"),
        *((f"answer to UPDATE, {channel}", _quantiles(times)) for channel, times in sorted(verdict.windows.items())),
        ("UPDATE to the end of COMMIT, as tried beside it", _quantiles(crew.commit_seconds)),
    ]
    lines = ["| two workers, killed | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _named(mishaps: Counter[Mishap], *, is_taken: bool) -> str:
    return ", ".join(
        f"{mishap.fault}: {number}" for mishap, number in mishaps.most_common() if mishap.is_taken == is_taken
    )


def _beside(number: int, expected: float | None) -> str:
    return str(number) if expected is None else f"{number} (expected {expected:.1f})"


def _quantiles(windows: list[float]) -> str:
    if len(windows) < 2:
        return ""
    times = [window * 1000 for window in windows]
    return f"p50 {percentile(times, 50):.1f} ms, p99 {percentile(times, 99):.1f} ms"
