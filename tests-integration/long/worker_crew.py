"""Worker processes that are killed, and the providers that they send through."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from testkit.stand_ins.mail import MailStandIn, SentMail
from testkit.stand_ins.mishaps import Mishap
from testkit.stand_ins.twilio import SentSms, TwilioStandIn
from tools.processes import Child, ToolError
from tools.run_stack import Stack

WORKERS = 2

Sent = SentSms | SentMail


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
    """The workers. Each sends under a number of its own, which tells whose kill a repeated message is due to."""

    stack: Stack
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
            environment={**self.stack.environment, **_signature(self.started)},
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


@contextmanager
def running_crew(stack: Stack) -> Iterator[Crew]:
    crew = Crew(stack)
    try:
        for _ in range(WORKERS):
            crew.start()
        yield crew
    finally:
        crew.stop()


def _signature(number: int) -> dict[str, str]:
    return {"TWILIO_FROM": f"+1500{number:07}", "EMAIL_FROM": f"worker-{number}@riverside.example"}


def worker_of(sent: Sent) -> str:
    if isinstance(sent, SentMail):
        return sent.sender.partition("@")[0]
    return f"worker-{int(sent.sender.removeprefix('+1500'))}"
