"""Pure: when a message that could not be sent is tried again."""

from datetime import timedelta

# About a day, with the pauses below: a mail server may be away for a night.
MAX_ATTEMPTS = 40
FIRST_PAUSE = timedelta(seconds=15)
MAX_PAUSE = timedelta(hours=1)


def pause_after(failures: int, *, jitter: float) -> timedelta | None:
    """How long to wait after so many failures, doubling from 15 s up to an hour; None when it is given up.

    `jitter` is 0 to 1 and takes up to half of the pause away, so that what failed together does not come back together.
    """
    if failures >= MAX_ATTEMPTS:
        return None
    pause = min(FIRST_PAUSE * (1 << failures - 1), MAX_PAUSE)
    return pause * (1 - jitter / 2)
