"""Faults of a provider: before it has taken a message, or after, so that only its answer is lost."""

import random
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self


class Fault(StrEnum):
    TOO_MANY = "429"
    ERROR = "500"
    CLOSED = "connection closed"
    SILENT = "no answer"


@dataclass(frozen=True, slots=True)
class Mishap:
    """`is_taken`: whether the message goes out all the same."""

    fault: Fault
    is_taken: bool = False


@dataclass
class Mishaps:
    """`share` of the calls meet one of `kinds`, which are drawn by their weights."""

    share: float = 0.0
    kinds: dict[Mishap, int] = field(default_factory=lambda: {Mishap(Fault.ERROR): 1})
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    seen: Counter[Mishap] = field(default_factory=Counter)
    calls: int = 0

    @classmethod
    def always(cls, mishap: Mishap) -> Self:
        return cls(share=1.0, kinds={mishap: 1})

    def draw(self) -> Mishap | None:
        self.calls += 1
        if self.chance.random() >= self.share:
            return None
        [mishap] = self.chance.choices(list(self.kinds), list(self.kinds.values()))
        self.seen[mishap] += 1
        return mishap
