"""Pure: how long a process rests, so that it takes no more than its share of a core from others."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

Clock = Callable[[], float]
# Idle time is not saved up for longer than this.
MAX_CREDIT_SECONDS = 0.1


@dataclass
class Pace:
    """`share`: of a core, of all threads together. Clocks: seconds, of the wall and of this process's computing."""

    share: float
    wall: Clock = time.monotonic
    cpu: Clock = time.process_time
    _computed: float = field(init=False)
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._computed, self._began = self.cpu(), self.wall()

    def rest_seconds(self) -> float:
        """From now until what was computed is within the share."""
        computed, now = self.cpu(), self.wall()
        ahead = (computed - self._computed) / self.share - (now - self._began)
        if ahead < -MAX_CREDIT_SECONDS:
            self._computed, self._began = computed, now - MAX_CREDIT_SECONDS
        return max(0.0, ahead)
