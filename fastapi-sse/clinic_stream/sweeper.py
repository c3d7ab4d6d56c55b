"""The sweep: each clinic's window is compared with the database as a whole, in a lane of its own."""

import asyncio
import logging
import random
from datetime import UTC, datetime

from clinic_stream.errors import DatabaseUnavailable
from clinic_stream.feed import Feed, Head
from clinic_stream.following import ClinicFollower
from clinic_stream.hub import Hub
from clinic_stream.live_clinic import LiveClinic
from clinic_stream.state import Sum

logger = logging.getLogger(__name__)

# How often each clinic is compared.
SWEEP_SECONDS = 60.0
LOOK_SECONDS = 0.02
# After a sweep that could not be done: the database was away, or writes went on all the time.
RETRY_SECONDS = 0.05
# A sweep looks at this many inboxes, others each time: with thousands of readers it would take long.
SWEPT_INBOXES = 100


class Sweeper:
    def __init__(self, feed: Feed, hub: Hub, follower: ClinicFollower, *, sweep_seconds: float = SWEEP_SECONDS) -> None:
        self._feed = feed
        self._hub = hub
        self._follower = follower
        self._sweep_seconds = sweep_seconds
        self._due_at: dict[int, float] = {}
        self._is_stopping = False

    async def run(self) -> None:
        while not self._is_stopping:
            await asyncio.sleep(LOOK_SECONDS)
            if (clinic := self._next_due()) is not None:
                await self._sweep_one(clinic)

    def stop(self) -> None:
        self._is_stopping = True

    def sweep_all(self) -> None:
        """Compare every clinic that is in memory now, one after the other."""
        self._due_at.update(dict.fromkeys(self._hub.clinics, 0.0))

    def _next_due(self) -> LiveClinic | None:
        now = _monotonic()
        self._due_at = {
            clinic_id: self._due_at.get(clinic_id, now + self._sweep_seconds * random.uniform(0.5, 1))  # noqa: S311
            for clinic_id in self._hub.clinics
        }
        for clinic_id, clinic in self._hub.clinics.items():
            if self._due_at[clinic_id] <= now and not self._hub.is_stale:
                return clinic
        return None

    async def _sweep_one(self, clinic: LiveClinic) -> None:
        clinic_id = clinic.state.clinic.id
        try:
            is_done = await self._sweep(clinic)
        except DatabaseUnavailable as error:
            logger.warning("clinic %d could not be compared with the database: %s", clinic_id, error)
            self._hub.counts.failed_sweeps += 1
            is_done = True
        except Exception:
            logger.exception("clinic %d could not be compared with the database", clinic_id)
            self._hub.counts.failed_sweeps += 1
            is_done = True
        self._due_at[clinic_id] = _monotonic() + (self._sweep_seconds if is_done else RETRY_SECONDS)

    async def _sweep(self, clinic: LiveClinic) -> bool:
        """Compare the whole window with the database. Returns whether it could be: both must be at one number."""
        readers = clinic.some_readers(SWEPT_INBOXES)
        head, found = await self._feed.sum_of(clinic.state, self._hub.clock(), readers)
        # From here on nothing is awaited, so nothing moves: what moved meanwhile is left out on both sides.
        state, now = clinic.state, self._hub.clock()
        clinic.lapse(now)
        if self._follower.is_busy_with(clinic) or head != Head(state.epoch, state.seq) or now >= state.rolls_at:
            return False
        kept = [
            user_id for user_id, inbox in state.inboxes.items() if user_id in found.inboxes and inbox.seq <= head.seq
        ]
        self._hub.counts.sweeps += 1
        if _of(found, kept, now) != state.sum(kept):
            # A change that no event told of. It should not be possible: triggers were missing, or we are wrong.
            self._hub.counts.drift += 1
            logger.error("clinic %d differs from the database at number %d: loaded again", state.clinic.id, state.seq)
            self._follower.reload(clinic)
        return True


def _of(found: Sum, user_ids: list[int], now: datetime) -> Sum:
    """With these inboxes, and without the holds that have expired."""
    at = now.astimezone(UTC).replace(tzinfo=None)
    return found._replace(
        holds=frozenset(hold for hold in found.holds if hold.expires_at > at),
        inboxes={user_id: found.inboxes[user_id] for user_id in user_ids},
    )


def _monotonic() -> float:
    return asyncio.get_running_loop().time()
