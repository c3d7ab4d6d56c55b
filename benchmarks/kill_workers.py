"""Two workers, a provider that fails, and kill -9 of one of them again and again: nothing may be lost.

    python benchmarks/kill_workers.py [--messages 2000] [--seconds 300] [--seed 1]

Half of the messages wait at the beginning, the others fall due one by one. Of what the provider has taken more than
once, each time must have its reason: the provider's answer was lost, or the worker was killed before it could keep it.
"""

import argparse
import random
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / part) for part in ("tools", "django-rest", "shared-config", "benchmarks")]

from mail_stand_in import MailStandIn, SentMail, open_mail_stand_in  # noqa: E402
from measuring import percentile  # noqa: E402
from mishaps import Fault, Mishap, Mishaps  # noqa: E402
from own_stack import own_stack, progress_on  # noqa: E402
from processes import Child, ToolError  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.progress import Progress  # noqa: E402
from run_stack import Stack  # noqa: E402
from twilio_stand_in import SentSms, TwilioStandIn  # noqa: E402

WORKERS = 2
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
WAITING = {"queued", "sending"}
LONGEST_LIFE_SECONDS = 6.0
# An answer that came longer before the kill was certainly read.
WINDOW_AT_MOST_SECONDS = 1.0
# From kill(2) until the process stands still, and what two clocks differ by.
TOLERANCE_SECONDS = 0.05
# Keeps when the database was told of an outcome, which the product has no column for.
KEPT = [
    "CREATE TABLE bench_kept (message_id BIGINT NOT NULL, state VARCHAR(10) NOT NULL, at DOUBLE NOT NULL)",
    "CREATE TRIGGER bench_kept AFTER UPDATE ON message FOR EACH ROW INSERT INTO bench_kept"
    " VALUES (NEW.id, NEW.state, UNIX_TIMESTAMP(SYSDATE(6)))",
]
COMMIT = "INSERT INTO bench_kept VALUES (0, '', 0)"

Sent = SentSms | SentMail


class Reason(StrEnum):
    """Why the provider has taken a message that the database does not know to be taken."""

    ANSWER_FAILED = "the provider took it, and its answer failed"
    KILLED_WAITING = "killed while the provider was answering"
    KILLED_BEFORE_UPDATE = "killed between the answer and the UPDATE"


@dataclass
class Providers:
    twilio: TwilioStandIn
    post: MailStandIn

    @property
    def sent(self) -> list[Sent]:
        return [*self.twilio.sent, *self.post.sent]

    @property
    def mishaps(self) -> Counter[Mishap]:
        return self.twilio.mishaps.seen + self.post.mishaps.seen

    @property
    def calls(self) -> int:
        return self.twilio.mishaps.calls + self.post.mishaps.calls


@dataclass
class Crew:
    """The workers. Each signs what it sends with a number of its own, so that it is known who was killed over what."""

    stack: Stack
    settings: dict[str, str]
    living: list[Child] = field(default_factory=list)
    killed_at: dict[str, float] = field(default_factory=dict)
    started: int = 0
    commit_seconds: list[float] = field(default_factory=list)

    def start(self) -> None:
        self.started += 1
        name = f"worker-{self.started}"
        worker = Child(
            name,
            self.stack.worker.command,
            folder=self.stack.worker.folder,
            log=self.stack.folder / "log" / f"{name}.log",
            record=self.stack.folder / "run" / f"{name}.pid",
            environment={**self.stack.environment, **self.settings, **_signature(self.started)},
        )
        self.living.append(worker)
        worker.start()

    def kill_one(self, chance: random.Random) -> None:
        victim = self.living.pop(chance.randrange(len(self.living)))
        if not victim.is_running:
            raise ToolError(f"{victim.name} ended by itself:\n{victim.log_tail()}")
        killed_at = time.time()
        victim.kill()
        self.killed_at[victim.name] = killed_at
        self.start()

    def stop(self) -> None:
        for worker in self.living:
            worker.ask_to_stop()
        for worker in self.living:
            worker.stop(20)


def _signature(number: int) -> dict[str, str]:
    return {"TWILIO_FROM": f"+1500{number:07}", "EMAIL_FROM": f"worker-{number}@riverside.example"}


def worker_of(sent: Sent) -> str:
    if isinstance(sent, SentMail):
        return sent.sender.partition("@")[0]
    return f"worker-{int(sent.sender.removeprefix('+1500'))}"


@dataclass
class Judged:
    messages: int
    states: Counter[str]
    never_taken: int = 0
    sent_only_in_name: int = 0
    repeats: int = 0
    reasons: Counter[Reason] = field(default_factory=Counter)
    without_reason: int = 0
    windows: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    waiting_seconds: float = 0.0
    still_waiting: int = 0

    @property
    def is_right(self) -> bool:
        all_sent = self.states == Counter({"sent": self.messages})
        return all_sent and not self.never_taken and not self.without_reason


def run(chosen: argparse.Namespace, console: Console) -> bool:
    chance = random.Random(chosen.seed)
    twilio_mishaps, post_mishaps = (Mishaps(FAILING, KINDS, random.Random(chance.random())) for _ in range(2))
    with (
        TwilioStandIn(ANSWER_SECONDS, twilio_mishaps) as twilio,
        open_mail_stand_in(post_mishaps, ANSWER_SECONDS) as post,
        own_stack({**twilio.settings, **post.settings}) as stack,
        progress_on(console) as progress,
    ):
        providers = Providers(twilio, post)
        queue_messages(chosen.messages, over_seconds=chosen.seconds)
        with crew_on(stack) as crew:
            done = progress.add_task("Messages done", total=chosen.messages)
            kill_for(chosen.seconds, crew, chance, progress, lambda: progress.update(done, completed=count_done()))
            settled = settle(chosen.settle, progress, lambda: progress.update(done, completed=count_done()))
        judged = judge(providers.sent, crew.killed_at)
    report(judged, providers, crew, chosen, settled, console)
    return judged.is_right


@contextmanager
def crew_on(stack: Stack) -> Iterator[Crew]:
    crew = Crew(stack, {})
    try:
        for _ in range(WORKERS):
            crew.start()
        yield crew
    finally:
        crew.stop()


def queue_messages(count: int, *, over_seconds: float) -> None:
    """As many mails as SMS, of one clinic. Half are due now, the others evenly until the end."""
    from clinic.outbox.models import Channel, Message
    from clinic.scheduling.models import Clinic
    from django.db import connection

    clinic = Clinic.objects.create(name="Riverside", slug="riverside", timezone="Europe/Berlin", phone_region="DE")
    now = datetime.now(UTC)
    messages = []
    for number in range(count):
        is_sms = number % 2 == 0
        wait = max(0.0, (2 * number / count - 1) * over_seconds)
        due_at = now + timedelta(seconds=wait)
        messages.append(
            Message(
                clinic=clinic,
                channel=Channel.SMS if is_sms else Channel.EMAIL,
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
        for statement in KEPT:
            cursor.execute(statement)


def kill_for(seconds: float, crew: Crew, chance: random.Random, progress: Progress, look: Callable[[], None]) -> None:
    killing = progress.add_task("Seconds of killing", total=int(seconds))
    began_at = time.monotonic()
    while (passed := time.monotonic() - began_at) < seconds:
        time.sleep(min(chance.uniform(0.5, LONGEST_LIFE_SECONDS), seconds - passed))
        crew.commit_seconds.append(seconds_of_a_commit())
        crew.kill_one(chance)
        look()
        progress.update(killing, completed=min(int(seconds), int(time.monotonic() - began_at)))


def seconds_of_a_commit() -> float:
    """What a statement takes that is a transaction of its own, as durable as an UPDATE's."""
    from django.db import connection

    began_at = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(COMMIT)
    return time.monotonic() - began_at


def settle(at_most_seconds: float, progress: Progress, look: Callable[[], None]) -> float:
    """The workers are left alone until nothing waits. Returns how long that took."""
    task = progress.add_task("Settling", total=None)
    began_at = time.monotonic()
    while count_waiting() and time.monotonic() - began_at < at_most_seconds:
        time.sleep(1)
        look()
    progress.update(task, total=1, completed=1)
    look()
    return time.monotonic() - began_at


def count_waiting() -> int:
    from clinic.outbox.models import Message

    return Message.objects.filter(due_at__isnull=False).count()


def count_done() -> int:
    from clinic.outbox.models import Message

    return Message.objects.filter(due_at__isnull=True).count()


def judge(sent: list[Sent], killed_at: dict[str, float]) -> Judged:
    from clinic.outbox.models import Message
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT message_id, MIN(at) FROM bench_kept WHERE state = 'sent' GROUP BY message_id")
        kept_at: dict[int, float] = dict(cursor.fetchall())
    rows = list(Message.objects.values_list("pk", "recipient", "channel", "state"))
    taken: dict[str, list[Sent]] = defaultdict(list)
    for one in sent:
        taken[one.recipient].append(one)
    judged = Judged(len(rows), Counter(state for *_, state in rows))
    judged.waiting_seconds = sum(one.answered_at - one.taken_at for one in sent if one.answered_at is not None)
    for message_id, recipient, channel, state in rows:
        calls = sorted(taken[recipient], key=lambda one: one.taken_at)
        kept = kept_at.get(message_id)
        judged.never_taken += not calls and state not in WAITING
        judged.still_waiting += state in WAITING
        judged.sent_only_in_name += not calls and kept is not None
        reasons = [reason for one in calls if (reason := reason_of(one, killed_at, kept)) is not None]
        repeats = max(0, len(calls) - 1)
        judged.repeats += repeats
        judged.reasons.update(reasons[:repeats])
        judged.without_reason += max(0, repeats - len(reasons))
        if kept is not None:
            answers = [one.answered_at for one in calls if one.answered_at is not None and one.answered_at <= kept]
            judged.windows[channel] += [kept - max(answers)] if answers else []
    return judged


def reason_of(sent: Sent, killed_at: dict[str, float], kept_at: float | None) -> Reason | None:
    """None of what the database has kept, or should have."""
    if sent.mishap is not None:
        return Reason.ANSWER_FAILED
    killed = killed_at.get(worker_of(sent))
    if killed is None:
        return None
    if sent.answered_at is None or sent.answered_at >= killed:
        return Reason.KILLED_WAITING
    was_kept = kept_at is not None and sent.answered_at <= kept_at <= killed + TOLERANCE_SECONDS
    is_in_window = killed - sent.answered_at <= WINDOW_AT_MOST_SECONDS
    return Reason.KILLED_BEFORE_UPDATE if is_in_window and not was_kept else None


def report(
    judged: Judged,
    providers: Providers,
    crew: Crew,
    chosen: argparse.Namespace,
    settled_seconds: float,
    console: Console,
) -> None:
    kills = len(crew.killed_at)
    # A kill meets one of the workers: what lasts s seconds is met by kills / workers / seconds * s of them.
    kills_a_second = kills / WORKERS / chosen.seconds
    windows = [window for of_channel in judged.windows.values() for window in of_channel]
    commit = statistics.mean(crew.commit_seconds)
    expected = {
        Reason.KILLED_WAITING: kills_a_second * judged.waiting_seconds,
        Reason.KILLED_BEFORE_UPDATE: kills_a_second * (sum(windows) + len(windows) * commit),
    }
    mishaps = providers.mishaps
    before = sum(count for mishap, count in mishaps.items() if not mishap.is_taken)
    after = sum(count for mishap, count in mishaps.items() if mishap.is_taken)
    rows = [
        ("messages", f"{judged.messages:,}"),
        ("kills, over", f"{kills}, {chosen.seconds:.0f} s"),
        ("then until nothing waited", f"{settled_seconds:.0f} s"),
        ("calls of the provider", f"{providers.calls:,}"),
        ("failed before it had taken the message", f"{before} ({_named(mishaps, is_taken=False)})"),
        ("failed after it had taken the message", f"{after} ({_named(mishaps, is_taken=True)})"),
        ("state at the end", ", ".join(f"{count:,} {state}" for state, count in judged.states.most_common())),
        ("waiting at the end (goal 0)", f"{judged.still_waiting}"),
        ("**lost: never taken by the provider** (goal 0)", f"{judged.never_taken}"),
        ("of these, kept as sent", f"{judged.sent_only_in_name}"),
        ("taken again", f"{judged.repeats}"),
        *((f"… {reason}", _beside(judged.reasons[reason], expected.get(reason))) for reason in Reason),
        ("**… without a reason** (goal 0)", f"{judged.without_reason}"),
        *((f"answer to UPDATE, {channel}", _quantiles(judged.windows[channel])) for channel in sorted(judged.windows)),
        ("UPDATE to the end of COMMIT, as tried beside it", _quantiles(crew.commit_seconds)),
    ]
    lines = ["| two workers, killed | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
    console.print("right" if judged.is_right else "WRONG", style="bold")


def _named(mishaps: Counter[Mishap], *, is_taken: bool) -> str:
    return ", ".join(
        f"{mishap.fault}: {count}" for mishap, count in mishaps.most_common() if mishap.is_taken == is_taken
    )


def _beside(count: int, expected: float | None) -> str:
    return str(count) if expected is None else f"{count} (expected {expected:.1f})"


def _quantiles(windows: list[float]) -> str:
    if len(windows) < 2:
        return ""
    times = [window * 1000 for window in windows]
    return f"p50 {percentile(times, 50):.1f} ms, p99 {percentile(times, 99):.1f} ms"


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill workers while a provider fails, and count.")
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=300, help="of killing")
    parser.add_argument("--settle", type=float, default=900, help="at most so many seconds without kills at the end")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    console = Console(width=120)
    try:
        return 0 if run(chosen, console) else 1
    except ToolError as problem:
        console.print(str(problem), markup=False)
        return 1


if __name__ == "__main__":
    sys.exit(main())
