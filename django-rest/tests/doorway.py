"""Where two meet in a race test: between what they read and what they write."""

import threading
from collections.abc import Callable
from typing import TypeVar

R = TypeVar("R")


class Doorway:
    """Each waits there for the others a moment before the next step, and the most at once are counted."""

    def __init__(self, *, expected: int, patience_seconds: float) -> None:
        self.expected, self.patience_seconds = expected, patience_seconds
        self.inside = self.most = 0
        self.changed = threading.Condition()

    def pass_through(self, step: Callable[[], R]) -> R:
        with self.changed:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.most >= self.expected, timeout=self.patience_seconds)
        try:
            return step()
        finally:
            with self.changed:
                self.inside -= 1
