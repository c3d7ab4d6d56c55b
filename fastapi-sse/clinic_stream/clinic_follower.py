"""Every watched clinic, kept at its head: one task a clinic at a time, so that a slow one delays no other.

A clinic is written to by its task alone: two that read the same events would count them twice. Whoever finds that a
clinic has to be loaded again asks for it here (`reload`).
"""

import asyncio
import logging
from datetime import UTC
from itertools import islice

from clinic_stream.clinic_loader import ClinicLoader
from clinic_stream.clinic_loads import LoadRequest
from clinic_stream.clinic_queries import Head
from clinic_stream.deadlines import Deadlines
from clinic_stream.errors import ClinicUnreadable, DatabaseUnavailable, Reason
from clinic_stream.events import SingleVisit
from clinic_stream.feed import Feed
from clinic_stream.head_finder import MovedHeads
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
MAX_VISIT_READS = 5
# Of thousands of clinics with a midnight in common, so many are begun with in one round.
MAX_DEADLINES_A_ROUND = 100
MAX_WANTED_A_ROUND = 500
# The troubles that end when a clinic is at its head.
FOLLOWED = (Cause.HEAD_MISSING, Cause.HEAD_BACKWARDS, Cause.BEHIND, Cause.UNREADABLE)


class FollowTask:
    """One task that reads what is new in a clinic."""

    __slots__ = ("started_at", "task")

    def __init__(self, task: asyncio.Task[None], started_at: float) -> None:
        self.task = task
        self.started_at = started_at


class ClinicFollower:
    def __init__(self, feed: Feed, hub: Hub, loader: ClinicLoader) -> None:
        self._feed = feed
        self._loader = loader
        self._hub = hub
        self._attempts: dict[int, FollowTask] = {}
        self._retry_at: dict[int, float] = {}
        self._pauses: dict[int, float] = {}
        self._to_reload: set[int] = set()
        self._backwards_since: dict[int, float] = {}
        # Clinics that are not known to be at their head: looked at in each round. In the order of their turns.
        self._unsettled: dict[int, None] = {}
        # Midnights, and expiries of holds.
        self._deadlines = Deadlines()

    def wanted(self) -> list[int]:
        """The clinics whose heads, with their marks, the next round needs: of very many some, others each time."""
        for clinic_id in [one for one in self._unsettled if one not in self._hub.clinics]:
            del self._unsettled[clinic_id]
        some = list(islice(self._unsettled, MAX_WANTED_A_ROUND))
        for clinic_id in some:
            self._unsettled[clinic_id] = self._unsettled.pop(clinic_id)
        return some

    def follow(self, found: MovedHeads) -> None:
        """Start to read the clinics that are behind these heads. Waits for none of them."""
        for clinic_id, head in found.heads.items():
            clinic = self._hub.clinics.get(clinic_id)
            if clinic is not None and (clinic_id in self._unsettled or self._is_behind(clinic, head)):
                self._hub.counts.late_heads += clinic_id in found.late and clinic_id not in self._unsettled
                self._follow_one(clinic, head)
        for clinic_id in found.asked - found.heads.keys():
            if clinic_id in self._hub.clinics:
                self._follow_one(self._hub.clinics[clinic_id], None)
        self._meet_deadlines()

    def watch(self, clinic: LiveClinic) -> None:
        """Note when time alone will change the clinic next. To be called when its state has changed."""
        state = clinic.state
        lapses_at = state.lapses_at
        at = state.rolls_at if lapses_at is None else min(state.rolls_at, lapses_at.replace(tzinfo=UTC))
        self._deadlines.set(state.clinic.id, at)

    def reload(self, clinic: LiveClinic) -> None:
        """Load the clinic again, although its head has not moved."""
        self._to_reload.add(clinic.state.clinic.id)
        self.look_at(clinic)

    def look_at(self, clinic: LiveClinic) -> None:
        """Ask for its head in the next round."""
        self._unsettled[clinic.state.clinic.id] = None

    def _meet_deadlines(self) -> None:
        now = self._hub.clock()
        for clinic_id in self._deadlines.pop_due(now, MAX_DEADLINES_A_ROUND):
            clinic = self._hub.clinics.get(clinic_id)
            if clinic is None:
                continue
            clinic.lapse(now)
            if clinic.state.rolls_at <= now:
                self.look_at(clinic)  # Its next deadline is set when it has been loaded.
            else:
                self.watch(clinic)

    def is_unsettled(self, clinic: LiveClinic) -> bool:
        """Whether it is not known to be at its head."""
        return clinic.state.clinic.id in self._unsettled

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
        self.look_at(clinic)
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
            self._unsettled.pop(clinic_id, None)
            clinic.mark_fresh(*FOLLOWED)

    def _start(self, clinic: LiveClinic, head: Head) -> None:
        clinic_id = clinic.state.clinic.id
        task = asyncio.create_task(self._attempt(clinic, head))
        self._attempts[clinic_id] = FollowTask(task, _monotonic())
        task.add_done_callback(lambda _: self._attempts.pop(clinic_id))

    def _is_behind(self, clinic: LiveClinic, head: Head) -> bool:
        state = clinic.state
        return (
            (head.seq, head.epoch) != (state.seq, state.epoch)
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
                self.watch(clinic)
                self._backwards_since.pop(clinic_id, None)
                return
        await self._load_again(clinic)

    async def _load_again(self, clinic: LiveClinic) -> None:
        state, clinic_id = clinic.state, clinic.state.clinic.id
        is_repair = clinic_id in self._to_reload
        load = LoadRequest(clinic_id, self._hub.clock(), clinic.recipients, clinic.visit_ids, state.event_id)
        fresh = await self._loader.load(load, in_trouble=clinic.is_stale)
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
        await clinic.replace(fresh, is_repair=is_repair)
        self.watch(clinic)
        for user_id in clinic.unread_inboxes:
            await self._load_inbox(clinic, user_id)
        for visit_id in clinic.unread_visits:
            await load_visit(self._feed, clinic, visit_id)

    async def _load_inbox(self, clinic: LiveClinic, user_id: int) -> None:
        """For a reader who came while the clinic was loaded."""
        _, inbox = await self._feed.inbox(clinic.state.clinic, user_id)
        clinic.take_inbox(user_id, inbox)


async def load_visit(feed: Feed, clinic: LiveClinic, visit_id: int) -> None:
    """Read one visit into the clinic's state, at its number or a later one. Two queries, again if it has moved on."""
    for _ in range(MAX_VISIT_READS):
        known, history = clinic.state, clinic.history
        head, row = await feed.visit(known.clinic, visit_id)
        is_same = head is not None and (head.epoch, history) == (clinic.state.epoch, clinic.history)
        if head is not None and is_same and head.seq >= clinic.state.seq:
            clinic.take_visit(visit_id, SingleVisit(row, head.seq))
            return
    raise DatabaseUnavailable("the clinic moves on faster than a visit can be read", Reason.BEHIND)


def _monotonic() -> float:
    return asyncio.get_running_loop().time()
