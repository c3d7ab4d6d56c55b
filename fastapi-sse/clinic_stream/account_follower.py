"""Rights to see, kept current by the events of head 0, on connections of their own: no clinic delays a revocation.

While these events cannot be read nobody is admitted on rights that were read before: they may have ended since.
"""

import asyncio
import logging
from datetime import datetime, timedelta

from clinic_stream.clinic_queries import Head
from clinic_stream.errors import DatabaseUnavailable, Reason
from clinic_stream.feed import Feed
from clinic_stream.hub import Hub
from clinic_stream.poll_pace import PollPace
from clinic_stream.shared_reads import SharedReads
from clinic_stream.staleness import Cause
from clinic_stream.viewers import Registered, Right, Session, Sessions, Subject

logger = logging.getLogger(__name__)

# Access ends within a second of its revocation.
INTERVAL_SECONDS = 0.05
WITHOUT_LIVE_UPDATES_SECONDS = 0.5
RETRY_SECONDS = 0.2
# A head that has moved backwards may belong to a replica that is late: for this long it gives no rights back.
BACKWARDS_SECONDS = 2.0
# How old the last successful read may be for rights to count as verified.
VERIFIED_SECONDS = 1.0
# An answer that takes longer says too little of the database's clock.
MAX_CLOCK_DOUBT = timedelta(seconds=1)
MAX_CLOCK_SKEW_SECONDS = 5.0


class AccountFollower:
    def __init__(self, feed: Feed, hub: Hub, sessions: Sessions, shared: SharedReads, pace: PollPace) -> None:
        self._feed = feed
        self._hub = hub
        self._sessions = sessions
        self._shared = shared
        self._pace = pace
        self._interval = INTERVAL_SECONDS if hub.is_live else WITHOUT_LIVE_UPDATES_SECONDS
        self._head: Head | None = None
        self._backwards: Head | None = None
        self._backwards_since = 0.0
        self._reads = 0
        self._read_at: float | None = None
        self._sought: set[Subject] = set()
        self._looking_up = asyncio.Lock()
        self._is_stopping = False
        self._waited_for: asyncio.Future[None] | None = None
        self.clock_skew_seconds = 0.0  # This process's clock minus the database's.

    @property
    def is_current(self) -> bool:
        """Whether changes of accounts are being seen."""
        return self._read_at is not None and _monotonic() - self._read_at < VERIFIED_SECONDS + self._interval

    async def run(self) -> None:
        while not self._is_stopping:
            started_at = _monotonic()
            if await self._read_succeeds():
                self._note_read(started_at)
                await self._pace.sleep(self._interval)
            else:
                await asyncio.sleep(RETRY_SECONDS)

    def stop(self) -> None:
        self._is_stopping = True

    async def admits(self, viewer: Registered) -> bool:
        """Whether the viewer may see. One query when the user is new here, or would be refused; it is for all who come
        while the one before is under way. Waits as long as rights cannot be verified."""
        self._pace.want()
        if not self.is_current or not self._sessions.admit(viewer):
            await self._shared.until_read(("session", viewer.subject), lambda: self._verify(viewer))
        return self._sessions.admit(viewer)

    async def _verify(self, viewer: Registered) -> None:
        while not self.is_current:
            await self._next_read()
        if not self._sessions.admit(viewer):
            await self._look_up(viewer.subject)

    async def _next_read(self) -> None:
        """Return after the next successful read, for all who wait at the same time."""
        self._waited_for = self._waited_for or asyncio.get_running_loop().create_future()
        await asyncio.shield(self._waited_for)

    def _note_read(self, started_at: float) -> None:
        self._read_at = started_at
        self._hub.mark_fresh(Cause.ACCOUNTS)
        if self._waited_for is not None:
            self._waited_for.set_result(None)
            self._waited_for = None

    async def _read_succeeds(self) -> bool:
        try:
            asked_at = self._hub.clock()
            found = await self._feed.accounts_head()
            if found is not None:
                head, database_now = found
                self._compare_clocks(asked_at, database_now, self._hub.clock())
                await self._follow(head)
        except DatabaseUnavailable as error:
            self._lose(error.reason, str(error))
        except Exception as error:
            if not self._hub.staleness.has(Cause.ACCOUNTS):
                logger.exception("changes of accounts cannot be followed")
            self._lose(Reason.DEFECT, type(error).__name__)
        else:
            return found is not None  # None: a restore is under way.
        return False

    def _compare_clocks(self, asked_at: datetime, database_now: datetime, answered_at: datetime) -> None:
        """The database read its clock at some moment between the two others."""
        was_off = self.is_clock_off
        if answered_at - asked_at < MAX_CLOCK_DOUBT:
            self.clock_skew_seconds = (asked_at + (answered_at - asked_at) / 2 - database_now).total_seconds()
        if self.is_clock_off and not was_off:
            logger.error("this machine's clock is %.1f s away from the database's", self.clock_skew_seconds)

    @property
    def is_clock_off(self) -> bool:
        return abs(self.clock_skew_seconds) > MAX_CLOCK_SKEW_SECONDS

    def _lose(self, reason: Reason, message: str) -> None:
        if self.is_current:
            return  # One failure is no outage yet.
        if not self._hub.staleness.has(Cause.ACCOUNTS):
            logger.warning("changes of accounts cannot be read: %s", message)
        self._hub.mark_stale(Cause.ACCOUNTS, reason)

    async def _follow(self, head: Head) -> None:
        known = self._head
        if known is None or (head == known and head.mark == known.mark):
            self._head, self._backwards = head, None
            return
        known_ids = {one for one in self._sessions.subjects | self._hub.subjects if one.kind != "visit"}
        if head.epoch == known.epoch and head.seq < known.seq and self._has_to_wait():
            if head != self._backwards:
                self._reads += 1
                await self._refresh(known_ids, only_take=True)
                self._backwards = head
            return
        follows_on = head.epoch == known.epoch and head.seq > known.seq
        changed = await self._feed.session_changes(known) if follows_on else None
        self._reads += 1
        await self._refresh(known_ids if changed is None else known_ids & changed[1])
        self._head, self._backwards = head if changed is None else changed[0], None

    def _has_to_wait(self) -> bool:
        now = _monotonic()
        if self._backwards is None:
            self._backwards_since = now
        return now < self._backwards_since + BACKWARDS_SECONDS

    async def _refresh(self, subjects: set[Subject], *, only_take: bool = False) -> None:
        """Read the rights of these users and devices. `only_take`: from a database that may be late, so that it gives
        none back."""
        if not subjects:
            return
        found = await self._feed.rights(subjects)
        for subject in subjects:
            put = self._sessions.put_stricter if only_take else self._sessions.put
            put(subject, found.get(subject))
            self._hub.revoke(subject, self._sessions.admit)
            self._follow_family(found.get(subject))

    def _follow_family(self, session: Right | None) -> None:
        if isinstance(session, Session) and session.clinic_id is not None and session.patient_id is not None:
            family = self._sessions.family_of(session.user_id)
            self._hub.set_family(session.clinic_id, session.patient_id, family)

    async def _look_up(self, subject: Subject) -> None:
        """Together with everybody who waits by then: after a restart thousands come back at the same time."""
        self._sought.add(subject)
        async with self._looking_up:
            if subject not in self._sought:  # An earlier caller has looked this one up as well.
                return
            sought, self._sought = self._sought, set()
            try:
                await self._look_up_all(sought)
            except BaseException:
                self._sought |= sought
                raise

    async def _look_up_all(self, subjects: set[Subject]) -> None:
        while True:
            reads = self._reads
            found = await self._feed.rights(subjects)
            if reads == self._reads:  # Else a session event may have passed one of them by: look again.
                break
        for subject in subjects:
            self._sessions.put(subject, found.get(subject))
            self._follow_family(found.get(subject))


def _monotonic() -> float:
    return asyncio.get_running_loop().time()
