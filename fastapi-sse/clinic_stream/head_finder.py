"""Heads that have moved, found at a cost that grows with the changes and not with the watched clinics.

Each look asks for the heads whose time of change is no older than the newest one seen, less a reach. A head becomes
visible later than its time says, as its transaction commits after it: the reach is short for most looks, and a few
times a second as long as a transaction of django-rest can last at all. Beside that a scan goes through all watched
clinics in slices: it finds whatever committed later still, and heads that are missing, moved backwards, or belong to
another history. All are compared at once where the database may be another one, or was out of reach.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from clinic_stream.clinic_queries import Head
from clinic_stream.feed import Feed
from clinic_stream.hub import Hub

# A transaction takes its clinic's number late, and commits within this time.
SHORT_REACH = timedelta(seconds=1)
LONG_REACH_EVERY_SECONDS = 0.25
# The scan completes at least so often; of few clinics, in one slice, every second.
SCAN_SECONDS = 2.0
SLICE_EVERY_SECONDS = 1.0
MAX_SLICE = 500


@dataclass(slots=True)
class MovedHeads:
    """`asked`: the clinics that were asked for by their ids; those that `heads` lacks have no head. `late`: those whose
    newest change is too old for any look by time."""

    heads: dict[int, Head]
    asked: set[int]
    late: set[int] = field(default_factory=set)


class HeadFinder:
    def __init__(self, feed: Feed, hub: Hub, *, reach: timedelta) -> None:
        self._feed = feed
        self._hub = hub
        self._reach = reach
        self._newest: datetime | None = None
        self._epoch: str | None = None
        self._connections = -1
        self._long_reach_at = 0.0
        # Rows of the last look, by its reach.
        self._moves: dict[timedelta, tuple[datetime, str]] = {}
        self._left: list[int] = []  # To be scanned before the next scan begins.
        self._slice_at = 0.0

    async def find(self, wanted: Collection[int], *, compares_all: bool = False) -> MovedHeads:
        """The heads that may have moved since the last time, and the wanted ones. One query; another one each where
        heads have moved, where some are wanted, and when it is time for a slice of the scan; as many as there are
        slices where all heads are compared."""
        now = _monotonic()
        found = MovedHeads({}, set())
        epoch = await self._look(now, found)
        if not self._hub.is_live:
            return found
        if wanted:
            await self._ask(wanted, found)
        if compares_all or self._may_be_another(epoch):
            self._left = list(self._hub.clinics)
            while self._left:
                await self._scan_slice(found)
            self._epoch, self._connections = epoch, self._feed.head_connections
        elif now >= self._slice_at:
            await self._scan_slice(found)
        return found

    async def _look(self, now: float, found: MovedHeads) -> str | None:
        """The epoch. Heads are read only where one of them has moved since the last look of this reach."""
        newest, reach = self._newest, self._next_reach(now)
        since = None if newest is None else newest - reach
        look = await self._feed.look(since)
        self._newest = look.newest or newest
        if since is not None and self._hub.is_live and self._moves.get(reach) != (since, look.moves):
            found.heads.update(await self._feed.changed_heads(since))
            self._moves[reach] = since, look.moves
        return look.epoch

    def _may_be_another(self, epoch: str | None) -> bool:
        return epoch != self._epoch or self._feed.head_connections != self._connections

    def _next_reach(self, now: float) -> timedelta:
        if self._newest is None or now < self._long_reach_at:
            return min(SHORT_REACH, self._reach)
        self._long_reach_at = now + LONG_REACH_EVERY_SECONDS
        return self._reach

    async def _ask(self, clinic_ids: Collection[int], found: MovedHeads) -> None:
        since = None if self._newest is None else self._newest - self._reach
        answer = await self._feed.heads(clinic_ids, since)
        found.asked.update(clinic_ids)
        found.heads.update(answer.heads)
        found.late.update(answer.earlier)

    async def _scan_slice(self, found: MovedHeads) -> None:
        self._left = self._left or list(self._hub.clinics)
        some, self._left = self._left[:MAX_SLICE], self._left[MAX_SLICE:]
        slices = 1 + len(self._hub.clinics) // MAX_SLICE
        self._slice_at = _monotonic() + min(SLICE_EVERY_SECONDS, SCAN_SECONDS / slices)
        if some:
            await self._ask(some, found)


def _monotonic() -> float:
    return asyncio.get_running_loop().time()
