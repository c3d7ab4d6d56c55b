"""Every watched clinic, kept at its head: one task a clinic at a time, so that a slow one delays no other.

A clinic is written to by its task alone: two that read the same events would count them twice. Whoever finds that a
clinic has to be loaded again asks for it here (`reload`).
"""

import asyncio
import logging
from collections.abc import Mapping

from clinic_stream.errors import ClinicUnreadable, DatabaseUnavailable, Reason
from clinic_stream.feed import Feed, Head
from clinic_stream.hub import Hub
from clinic_stream.live_clinic import LiveClinic
from clinic_stream.staleness import Cause

logger = logging.getLogger(__name__)

# A read that takes longer than this makes its clinic stale while it goes on.
BEHIND_SECONDS = 1.0
FIRST_RETRY_SECONDS = 0.1
MAX_RETRY_SECONDS = 5.0
# For a reason of the database's it may end at any moment; one of the clinic's own needs a change.
MAX_RETRY_OF_DATABASE_SECONDS = 0.5
# A head that has moved backwards may belong to a replica that is late. If it has not come back after this, the numbers
# behind it are lost, and the clinic is loaded again.
BACKWARDS_SECONDS = 2.0
# The troubles that end when a clinic is at its head.
FOLLOWED = (Cause.HEAD_MISSING, Cause.HEAD_BACKWARDS, Cause.BEHIND, Cause.UNREADABLE)


class Attempt:
    """One task that reads what is new in a clinic."""

    __slots__ = ("started_at", "task")

    def __init__(self, task: asyncio.Task[None], started_at: float) -> None:
        self.task = task
        self.started_at = started_at


class ClinicFollower:
    def __init__(self, feed: Feed, hub: Hub) -> None:
        self._feed = feed
        self._hub = hub
        self._attempts: dict[int, Attempt] = {}
        self._retry_at: dict[int, float] = {}
        self._pauses: dict[int, float] = {}
        self._to_reload: set[int] = set()
        self._backwards_since: dict[int, float] = {}

    @property
    def wants_marks(self) -> bool:
        """Whether a head has moved backwards: only the mark of its event tells which history it belongs to."""
        return bool(self._backwards_since)

    def follow(self, clinics: Mapping[int, LiveClinic], heads: Mapping[int, Head]) -> None:
        """Start to read the clinics that are behind these heads. Waits for none of them."""
        for clinic_id, clinic in clinics.items():
            self._follow_one(clinic, heads.get(clinic_id))
            clinic.lapse(self._hub.clock())

    def reload(self, clinic: LiveClinic) -> None:
        """Load the clinic again, although its head has not moved."""
        self._to_reload.add(clinic.state.clinic.id)

    def is_busy_with(self, clinic: LiveClinic) -> bool:
        return clinic.state.clinic.id in self._attempts

    async def stop(self) -> None:
        tasks = [attempt.task for attempt in self._attempts.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def catch_up(self, clinic: LiveClinic, head: Head) -> None:
        """Read once what leads to the head. Only while no attempt is under way."""
        if self._is_behind(clinic, head):
            await self._read(clinic, head)

    def _follow_one(self, clinic: LiveClinic, head: Head | None) -> None:
        clinic_id = clinic.state.clinic.id
        attempt = self._attempts.get(clinic_id)
        now = _monotonic()
        if attempt is not None:
            if now - attempt.started_at > BEHIND_SECONDS:
                clinic.mark_stale(Cause.BEHIND)
            return
        if head is None:  # A restore is under way: what is shown stays until there is something to show instead.
            clinic.mark_stale(Cause.HEAD_MISSING)
            return
        if not self._is_behind(clinic, head):
            self._note_followed(clinic, head)
            return
        if self._has_to_wait_for(clinic, head):
            clinic.mark_stale(Cause.HEAD_BACKWARDS)
            return
        if self._hub.is_stale:  # Once the service is fresh, this clinic is not yet.
            clinic.mark_stale(Cause.BEHIND)
        if self._retry_at.get(clinic_id, 0) <= now:
            self._start(clinic, head)

    def _note_followed(self, clinic: LiveClinic, head: Head) -> None:
        """A number that has come back counts once its mark has come back, too."""
        clinic_id = clinic.state.clinic.id
        if clinic_id not in self._backwards_since or head.mark is not None:
            self._backwards_since.pop(clinic_id, None)
            clinic.mark_fresh(*FOLLOWED)

    def _start(self, clinic: LiveClinic, head: Head) -> None:
        clinic_id = clinic.state.clinic.id
        task = asyncio.create_task(self._attempt(clinic, head))
        self._attempts[clinic_id] = Attempt(task, _monotonic())
        task.add_done_callback(lambda _: self._attempts.pop(clinic_id))

    def _is_behind(self, clinic: LiveClinic, head: Head) -> bool:
        state = clinic.state
        return (
            head != Head(state.epoch, state.seq)
            or (head.mark is not None and head.mark != state.mark)
            or state.clinic.id in self._to_reload
            or self._hub.clock() >= state.rolls_at
        )

    def _has_to_wait_for(self, clinic: LiveClinic, head: Head) -> bool:
        """Whether the head has moved backwards a moment ago: then the same history may still come back."""
        state, now = clinic.state, _monotonic()
        if head.epoch != state.epoch or head.seq >= state.seq or state.denies(head.seq, head.mark):
            return False
        return now < self._backwards_since.setdefault(state.clinic.id, now) + BACKWARDS_SECONDS

    async def _attempt(self, clinic: LiveClinic, head: Head) -> None:
        clinic_id = clinic.state.clinic.id
        try:
            await self._read(clinic, head)
        except DatabaseUnavailable as error:
            self._fail(clinic, error.reason, str(error))
        except Exception as error:
            if not clinic.staleness.has(Cause.UNREADABLE):
                logger.exception("clinic %d cannot be followed", clinic_id)
            self._fail(clinic, Reason.DEFECT, type(error).__name__)
        else:
            self._retry_at.pop(clinic_id, None)
            self._pauses.pop(clinic_id, None)
            if clinic.is_stale:
                logger.info("clinic %d is followed again", clinic_id)
                clinic.mark_fresh(*FOLLOWED)

    def _fail(self, clinic: LiveClinic, reason: Reason, message: str) -> None:
        clinic_id = clinic.state.clinic.id
        if not clinic.staleness.has(Cause.UNREADABLE):
            logger.warning("clinic %d cannot be read: %s", clinic_id, message)
        is_its_own = reason in {Reason.DEFECT, Reason.TIME_ZONE, Reason.CLINIC_MISSING}
        most = MAX_RETRY_SECONDS if is_its_own else MAX_RETRY_OF_DATABASE_SECONDS
        pause = self._pauses.get(clinic_id, FIRST_RETRY_SECONDS)
        self._retry_at[clinic_id] = _monotonic() + min(pause, most)
        self._pauses[clinic_id] = min(2 * pause, MAX_RETRY_SECONDS)
        clinic.mark_stale(Cause.UNREADABLE, reason)

    async def _read(self, clinic: LiveClinic, head: Head) -> None:
        state, clinic_id = clinic.state, clinic.state.clinic.id
        if (
            head.epoch == state.epoch
            and head.seq > state.seq
            and clinic_id not in self._to_reload
            and self._hub.clock() < state.rolls_at
        ):
            batch = await self._feed.next_batch(state, clinic.recipients, in_trouble=clinic.is_stale)
            if batch is not None:
                clinic.advance(batch)
                self._backwards_since.pop(clinic_id, None)
                return
        await self._load_again(clinic)

    async def _load_again(self, clinic: LiveClinic) -> None:
        state, clinic_id = clinic.state, clinic.state.clinic.id
        is_repair = clinic_id in self._to_reload
        fresh = await self._feed.load(
            clinic_id, self._hub.clock(), clinic.recipients, known=state.event_id, in_trouble=clinic.is_stale
        )
        if fresh is None:
            raise ClinicUnreadable(f"clinic {clinic_id} has no row, or no head", Reason.CLINIC_MISSING)
        if self._has_to_wait_for(clinic, Head(fresh.epoch, fresh.seq, fresh.mark)):
            clinic.mark_stale(Cause.HEAD_BACKWARDS)
            raise DatabaseUnavailable(f"number {fresh.seq} is older than number {state.seq}", Reason.BEHIND)
        if fresh.epoch == state.epoch and not fresh.continues:
            self._hub.counts.lost_histories += 1
            logger.error(
                "clinic %d had another history up to number %d: loaded again at number %d",
                clinic_id,
                state.seq,
                fresh.seq,
            )
        self._backwards_since.pop(clinic_id, None)
        self._to_reload.discard(clinic_id)
        clinic.replace(fresh, is_repair=is_repair)
        for user_id in clinic.unread_inboxes:
            await self._load_inbox(clinic, user_id)

    async def _load_inbox(self, clinic: LiveClinic, user_id: int) -> None:
        """For a reader who came while the clinic was loaded."""
        _, inbox = await self._feed.inbox(clinic.state.clinic, user_id)
        clinic.take_inbox(user_id, inbox)


def _monotonic() -> float:
    return asyncio.get_running_loop().time()
