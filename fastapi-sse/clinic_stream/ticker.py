"""One timer for everything that has a deadline, instead of one timer each."""

import asyncio
import logging
from heapq import heappop, heappush
from itertools import count
from typing import Protocol

logger = logging.getLogger(__name__)

# Deadlines this close together are met as one.
GRAIN_SECONDS = 0.02
NEVER = float("inf")
# While deadlines are met, new ones wait for the end of the round.
TICKING = float("-inf")


class Timed(Protocol):
    def on_tick(self, now: float) -> float | None:
        """Do what is due. Returns the next deadline, in the event loop's time, or None when there is none."""


class Ticker:
    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timed]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None
        # Kept here: for a time that has passed, uvloop gives a handle that does not know it.
        self._timer_at = NEVER

    def add(self, when: float, timed: Timed) -> None:
        heappush(self._heap, (when, next(self._order), timed))
        if when < self._timer_at:
            self._set_timer()

    def stop(self) -> None:
        self._heap.clear()
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at = self._heap[0][0] if self._heap else NEVER
        if self._heap:
            self._timer = asyncio.get_running_loop().call_at(self._timer_at, self._tick)

    def _tick(self) -> None:
        self._timer, self._timer_at = None, TICKING
        now = asyncio.get_running_loop().time() + GRAIN_SECONDS
        again = []
        while self._heap and self._heap[0][0] <= now:
            timed = heappop(self._heap)[2]
            try:
                when = timed.on_tick(now)
            except Exception:  # Of one reader: without the timer, all would lose their heartbeats.
                logger.exception("a deadline could not be met")
                continue
            if when is not None:
                again.append((when, timed))
        for when, timed in again:
            heappush(self._heap, (when, next(self._order), timed))
        self._set_timer()
