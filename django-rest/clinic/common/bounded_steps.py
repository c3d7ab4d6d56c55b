"""Upkeep in steps, each short enough to hold up nobody, and all of them bounded."""

import time
from collections.abc import Callable


def in_bounded_steps(step: Callable[[], int], *, full: int, seconds: float | None) -> int:
    """Repeat `step` until it does less than `full`, or its time is over. Returns how much was done."""
    done, ends_at = 0, None if seconds is None else time.monotonic() + seconds
    while True:
        count = step()
        done += count
        if count < full or (ends_at is not None and time.monotonic() >= ends_at):
            return done
