"""The pulse of the writing side, which a stream that reads a replica follows.

A replica that has stopped following answers as quickly as ever, and always the same. So the worker updates one row once
a second, and when no new value arrives for a while, what the replica shows may be old. Only arrivals are timed, on this
process's own clock: no two clocks are compared.
"""

import asyncio
import logging
from datetime import datetime

from clinic_stream.errors import DatabaseUnavailable
from clinic_stream.feed import Feed
from clinic_stream.hub import Hub
from clinic_stream.staleness import Cause

logger = logging.getLogger(__name__)

STALE_SECONDS = 3.0
LOOK_SECONDS = 0.2


class PulseFollower:
    def __init__(self, feed: Feed, hub: Hub, *, stale_seconds: float = STALE_SECONDS) -> None:
        self._feed = feed
        self._hub = hub
        self._stale_seconds = stale_seconds
        self._value: datetime | None = None
        self._arrived_at: float | None = None
        self._is_stopping = False

    @property
    def age_seconds(self) -> float | None:
        """How long ago the newest pulse arrived; None before the first look."""
        return None if self._arrived_at is None else _monotonic() - self._arrived_at

    async def run(self) -> None:
        while not self._is_stopping:
            try:
                self._take(await self._feed.pulse())
            except DatabaseUnavailable:
                self._judge()  # The heads tell of an outage; what counts here is how long nothing arrived.
            except Exception:
                logger.exception("the pulse cannot be followed")
                self._judge()
            await asyncio.sleep(LOOK_SECONDS)

    def stop(self) -> None:
        self._is_stopping = True

    def _take(self, value: datetime | None) -> None:
        if self._arrived_at is None or value != self._value:
            self._value, self._arrived_at = value, _monotonic()
        self._judge()

    def _judge(self) -> None:
        is_old = (self.age_seconds or 0.0) > self._stale_seconds
        if is_old == self._hub.staleness.has(Cause.REPLICA):
            return
        if is_old:
            logger.warning("no pulse arrives: the replica has stopped following, or no worker runs")
            self._hub.mark_stale(Cause.REPLICA)
        else:
            logger.info("the pulse arrives again")
            self._hub.mark_fresh(Cause.REPLICA)


def _monotonic() -> float:
    return asyncio.get_running_loop().time()
