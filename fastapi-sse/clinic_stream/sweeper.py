"""The sweep: each clinic's window is compared with the database as a whole, on a connection of its own.

Those that are due at the same time are compared together, fifty small ones by six queries.
"""

import asyncio
import logging
import random
from datetime import UTC, datetime
from heapq import heappop, heappush

from clinic_stream.appointment import sum_up
from clinic_stream.clinic_follower import ClinicFollower
from clinic_stream.clinic_queries import Head
from clinic_stream.errors import DatabaseUnavailable
from clinic_stream.events import WindowChecksum
from clinic_stream.feed import Feed
from clinic_stream.hub import Hub
from clinic_stream.live_clinic import LiveClinic
from clinic_stream.time_slices import give_way, in_slices

logger = logging.getLogger(__name__)

# How often each clinic is compared.
SWEEP_SECONDS = 60.0
LOOK_SECONDS = 0.02
MAX_CLINICS_TOGETHER = 50
MAX_ROWS_TOGETHER = 2_000
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
        self._heap: list[tuple[float, int]] = []
        self._is_stopping = False

    async def run(self) -> None:
        while not self._is_stopping:
            await asyncio.sleep(LOOK_SECONDS)
            if clinics := self._pop_due():
                await self._sweep_all_of(clinics)

    def stop(self) -> None:
        self._is_stopping = True

    def watch(self, clinic: LiveClinic) -> None:
        """Compare this one from now on, as long as it is in memory."""
        delay = self._sweep_seconds * random.uniform(0.5, 1)  # noqa: S311  # Spreads load.
        self._set_due(clinic.state.clinic.id, _monotonic() + delay)

    def sweep_all(self) -> None:
        """Compare every clinic that is in memory now, some after the others."""
        for clinic_id in self._hub.clinics:
            self._set_due(clinic_id, 0.0)

    def _set_due(self, clinic_id: int, at: float) -> None:
        self._due_at[clinic_id] = at
        heappush(self._heap, (at, clinic_id))

    def _pop_due(self) -> list[LiveClinic]:
        """The clinics that are due, the earliest first, as many as are compared together."""
        now, rows = _monotonic(), 0
        due: list[LiveClinic] = []
        while self._heap and self._heap[0][0] <= now and not self._hub.is_stale:
            at, clinic_id = self._heap[0]
            clinic = self._hub.clinics.get(clinic_id)
            if clinic is not None and self._due_at.get(clinic_id) == at:
                rows += len(clinic.state.rows)
                if due and (len(due) == MAX_CLINICS_TOGETHER or rows > MAX_ROWS_TOGETHER):
                    break
                due.append(clinic)
            elif clinic is None:
                self._due_at.pop(clinic_id, None)
            heappop(self._heap)
        return due

    async def _sweep_all_of(self, clinics: list[LiveClinic]) -> None:
        try:
            undone = await self._sweep(clinics)
        except DatabaseUnavailable as error:
            logger.warning("%d clinics could not be compared with the database: %s", len(clinics), error)
            self._hub.counts.failed_sweeps += len(clinics)
            undone = set()
        except Exception:
            logger.exception("%d clinics could not be compared with the database", len(clinics))
            self._hub.counts.failed_sweeps += len(clinics)
            undone = set()
        for clinic in clinics:
            clinic_id = clinic.state.clinic.id
            self._set_due(clinic_id, _monotonic() + (RETRY_SECONDS if clinic_id in undone else self._sweep_seconds))

    async def _sweep(self, clinics: list[LiveClinic]) -> set[int]:
        """Compare whole windows with the database. Returns the clinics that could not be compared, as they moved."""
        states = [clinic.state for clinic in clinics]
        for state in states:
            async for rows in in_slices(list(state.rows.values())):
                sum_up(rows)  # Each row's own checksum is made once.
        readers = {clinic.state.clinic.id: clinic.some_readers(SWEPT_INBOXES) for clinic in clinics}
        sums = await self._feed.sums_of(states, self._hub.clock(), readers)
        undone = set()
        for clinic in clinics:
            clinic_id = clinic.state.clinic.id
            if not self._compare(clinic, *sums[clinic_id]):
                undone.add(clinic_id)
            await give_way()
        return undone

    def _compare(self, clinic: LiveClinic, head: Head | None, found: WindowChecksum) -> bool:
        """Whether it could be done: both must be at one number. Nothing is awaited, so nothing moves; what moved
        meanwhile is left out on both sides."""
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


def _of(found: WindowChecksum, user_ids: list[int], now: datetime) -> WindowChecksum:
    """With these inboxes, and without the holds that have expired."""
    at = now.astimezone(UTC).replace(tzinfo=None)
    return found._replace(
        holds=frozenset(hold for hold in found.holds if hold.expires_at > at),
        inboxes={user_id: found.inboxes[user_id] for user_id in user_ids},
    )


def _monotonic() -> float:
    return asyncio.get_running_loop().time()
