"""One timer for everything that has a deadline, instead of one timer each."""

import asyncio
from heapq import heappop, heappush
from itertools import count
from typing import Protocol

# Deadlines this close together ring as one.
GRAIN_SECONDS = 0.02


class Timed(Protocol):
    def ring(self, now: float) -> float | None:
        """Do what is due. Returns the next deadline, in the event loop's time, or None when there is none."""


class Ticker:
    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timed]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, when: float, timed: Timed) -> None:
        heappush(self._heap, (when, next(self._order), timed))
        if self._timer is None or when < self._timer.when():
            self._set_timer()

    def stop(self) -> None:
        self._heap.clear()
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._heap:
            self._timer = asyncio.get_running_loop().call_at(self._heap[0][0], self._ring)

    def _ring(self) -> None:
        now = asyncio.get_running_loop().time() + GRAIN_SECONDS
        again = []
        while self._heap and self._heap[0][0] <= now:
            timed = heappop(self._heap)[2]
            when = timed.ring(now)
            if when is not None:
                again.append((when, timed))
        for when, timed in again:
            heappush(self._heap, (when, next(self._order), timed))
        self._timer = None
        self._set_timer()
