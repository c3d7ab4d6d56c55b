"""The one loop: heads, then what is new, then the state. What it costs does not depend on how many are watching.

Each round asks for the heads of the watched clinics and of the accounts, in one query. A head is compared by
inequality: a larger one means new events; a smaller one, another epoch or a gap means the clinic is loaded again. While
the database is out of reach the streams stay open and are told so once; they catch up by themselves.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Coroutine

from clinic_stream.errors import DatabaseUnavailable
from clinic_stream.feed import ACCOUNTS, Feed, Head
from clinic_stream.hub import Hub
from clinic_stream.live_clinic import LiveClinic
from clinic_stream.topics import InboxTopic
from clinic_stream.viewers import Sessions, Viewer

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 1.0
# Without live updates only the right to see is followed.
ACCOUNTS_ONLY_SECONDS = 0.5
HOUSEKEEPING_SECONDS = 5.0
# How long a request waits for a database that is just coming up.
PATIENCE_SECONDS = 2.0
# A clinic that cannot be read for a reason of its own is tried again after this, and holds up no other.
TROUBLE_SECONDS = 5.0
# How often each clinic's window is compared with the database as a whole.
SWEEP_SECONDS = 60.0
# How long is believed what practitioner belongs to what clinic, and that there is none.
KNOWN_SECONDS = 60.0
UNKNOWN_SECONDS = 5.0
MOST_PRACTITIONERS = 10_000
# A sweep looks at this many inboxes, others each time: with thousands of readers it would hold up the loop.
SWEPT_INBOXES = 100


class Poller:
    def __init__(
        self,
        feed: Feed,
        hub: Hub,
        sessions: Sessions,
        *,
        interval_seconds: float,
        sweep_seconds: float = SWEEP_SECONDS,
    ) -> None:
        self._feed = feed
        self._hub = hub
        self._sessions = sessions
        self._interval = interval_seconds if hub.is_live else ACCOUNTS_ONLY_SECONDS
        self._accounts: Head | None = None
        self._account_reads = 0
        self._has_probed = False
        self._is_stopping = False
        self._read_at: float | None = None
        self._has_looked = asyncio.Event()
        self._under_way: dict[object, asyncio.Task[None]] = {}
        self._retry_at: dict[int, float] = {}
        self._lock = asyncio.Lock()
        self._sought: set[int] = set()
        self._looking_up = asyncio.Lock()
        self._sweep_seconds = sweep_seconds
        self._sweep_at: dict[int, float] = {}
        self._practitioners: dict[int, tuple[int | None, float]] = {}

    @property
    def lag_seconds(self) -> float | None:
        """How old the newest complete look at the database is; None when there has been none."""
        return None if self._read_at is None else _monotonic() - self._read_at

    @property
    def is_current(self) -> bool:
        lag = self.lag_seconds
        return lag is not None and not self._hub.is_stale and lag < LONGEST_PAUSE_SECONDS + 4 * self._interval

    async def run(self) -> None:
        """Outlives every error: a service whose one loop has died would show the past for ever."""
        pause = FIRST_PAUSE_SECONDS
        housekeeping_at = _monotonic()
        while not self._is_stopping:
            started_at = _monotonic()
            if started_at >= housekeeping_at:
                self._hub.drop_idle()
                housekeeping_at = started_at + HOUSEKEEPING_SECONDS
            if await self._round_succeeds():
                pause = FIRST_PAUSE_SECONDS
                await asyncio.sleep(max(0.0, started_at + self._interval - _monotonic()))
            else:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def wait_for_first_look(self, seconds: float) -> None:
        """Return when the database has been read, or after this time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._has_looked.wait()

    def stop(self) -> None:
        """To be told before `run` is cancelled: a cancellation can get lost inside the database driver."""
        self._is_stopping = True

    async def admits(self, viewer: Viewer) -> bool:
        """Whether the viewer may see. One query when the user is new here, or would be refused; it is for all
        who come while the one before is under way."""
        if not self._sessions.admit(viewer):
            await self._patiently(("session", viewer.user_id), lambda: self._look_up(viewer.user_id))
        return self._sessions.admit(viewer)

    async def clinic(self, clinic_id: int) -> LiveClinic | None:
        """The clinic's live state, loaded on first use; None when there is no such clinic."""
        if clinic_id not in self._hub.clinics:
            await self._patiently(("clinic", clinic_id), lambda: self._load(clinic_id))
        elif not self._hub.is_live:
            await self._catch_up_now(self._hub.clinics[clinic_id])
        clinic = self._hub.clinics.get(clinic_id)
        if clinic is not None:
            clinic.used_at = self._hub.clock()
        return clinic

    async def inbox(self, clinic_id: int, user_id: int) -> InboxTopic | None:
        """A user's notifications, loaded on first use; None when there is no such clinic."""
        clinic = await self.clinic(clinic_id)
        if clinic is None:
            return None
        topic = clinic.inbox(user_id, self._hub.clock())
        if not topic.is_loaded or not self._hub.is_live:
            await self._patiently(("inbox", clinic_id, user_id), lambda: self._load_inbox(clinic, user_id))
        return topic

    async def _load_inbox(self, clinic: LiveClinic, user_id: int) -> None:
        """The topic is in place by now: what comes after this look is in a later batch, and the newer look counts."""
        known = clinic.state
        head, inbox = await self._feed.inbox(known.clinic, user_id)
        if head is None or (head.epoch, known.clinic) != (clinic.state.epoch, clinic.state.clinic):
            raise DatabaseUnavailable("the clinic is being loaded again")
        clinic.take_inbox(user_id, inbox)

    async def clinic_of_practitioner(self, practitioner_id: int) -> LiveClinic | None:
        """None when there is no such practitioner. At most one query, and none where the clinic is live."""
        for clinic in self._hub.clinics.values():
            if practitioner_id in clinic.state.practitioner_ids:
                return await self.clinic(clinic.state.clinic.id)
        if self._practitioners.get(practitioner_id, (None, 0))[1] < _monotonic():
            await self._patiently(("practitioner", practitioner_id), lambda: self._find(practitioner_id))
        clinic_id = self._practitioners[practitioner_id][0]
        return None if clinic_id is None else await self.clinic(clinic_id)

    async def _find(self, practitioner_id: int) -> None:
        clinic_id = await self._feed.clinic_of_practitioner(practitioner_id)
        until = _monotonic() + (UNKNOWN_SECONDS if clinic_id is None else KNOWN_SECONDS)
        self._practitioners[practitioner_id] = clinic_id, until
        if len(self._practitioners) > MOST_PRACTITIONERS:
            del self._practitioners[next(iter(self._practitioners))]

    async def _round_succeeds(self) -> bool:
        started_at = _monotonic()
        try:
            await self._round()
        except DatabaseUnavailable as error:
            self._lose(str(error))
            return False
        except Exception as error:
            if not self._hub.is_stale:
                logger.exception("poll round failed")
            self._lose(type(error).__name__)
            return False
        if self._hub.is_stale or self._read_at is None:
            logger.info("database reached")
        self._read_at = started_at
        self._has_looked.set()
        self._hub.counts.polls.add(_monotonic() - started_at)
        self._hub.tell_stale(False)
        return True

    def _lose(self, reason: str) -> None:
        if not self._hub.is_stale:
            logger.warning("database out of reach: %s", reason)
        self._has_probed = False
        self._hub.tell_stale(True)

    async def _round(self) -> None:
        if not self._has_probed:
            await self._feed.probe()
            self._has_probed = True
        clinics = dict(self._hub.clinics) if self._hub.is_live else {}
        heads = await self._feed.heads([ACCOUNTS, *clinics])
        if ACCOUNTS in heads:
            await self._follow_accounts(heads[ACCOUNTS])
        behind = [clinic for clinic_id, clinic in clinics.items() if self._is_behind(clinic, heads.get(clinic_id))]
        catching_up = [self._catch_up_alone(clinic, heads[clinic.state.clinic.id]) for clinic in behind]
        # All of them end before the round does: two at the same clinic would count its events twice.
        for failure in await asyncio.gather(*catching_up, return_exceptions=True):
            if failure is not None:
                raise failure
        for clinic in clinics.values():
            clinic.lapse(self._hub.clock())
        await self._sweep_next(clinics)

    async def _sweep_next(self, clinics: dict[int, LiveClinic]) -> None:
        """Sweep one of the clinics whose turn it is, so that no round takes long."""
        now = _monotonic()
        self._sweep_at = {
            clinic_id: self._sweep_at.get(clinic_id, now + self._sweep_seconds * random.uniform(0.5, 1))  # noqa: S311
            for clinic_id in clinics
        }
        for clinic_id, clinic in clinics.items():
            if self._sweep_at[clinic_id] <= now:
                self._sweep_at[clinic_id] = now + self._sweep_seconds
                if not await self._sweep(clinic):
                    self._sweep_at[clinic_id] = now
                return

    async def _sweep(self, clinic: LiveClinic) -> bool:
        """Compare the whole window with the database. Returns whether it could be: both must be at one number."""
        state, now = clinic.state, self._hub.clock()
        readers = clinic.some_readers(SWEPT_INBOXES)
        head, found = await self._feed.sum_of(state, now, readers)
        clinic.lapse(now)
        if head != Head(state.epoch, state.seq):
            return False
        self._hub.counts.sweeps += 1
        if found != state.sum(readers):
            # A change that no event told of. It should not be possible: triggers were missing, or we are wrong.
            self._hub.counts.drift += 1
            logger.error("clinic %d differs from the database at number %d: loaded again", state.clinic.id, state.seq)
            await self._load_again(clinic)
        return True

    def _is_behind(self, clinic: LiveClinic, head: Head | None) -> bool:
        state = clinic.state
        # No head: a restore is under way. What is shown stays until there is something to show instead.
        if head is None or self._retry_at.get(state.clinic.id, 0) > _monotonic():
            return False
        return head != Head(state.epoch, state.seq) or self._hub.clock() >= state.rolls_at

    async def _catch_up_alone(self, clinic: LiveClinic, head: Head) -> None:
        clinic_id = clinic.state.clinic.id
        try:
            await self._catch_up(clinic, head)
        except DatabaseUnavailable:
            raise
        except Exception:
            logger.exception("clinic %d cannot be followed", clinic_id)
            self._retry_at[clinic_id] = _monotonic() + TROUBLE_SECONDS

    async def _catch_up(self, clinic: LiveClinic, head: Head) -> None:
        state = clinic.state
        if head.epoch == state.epoch and head.seq > state.seq and self._hub.clock() < state.rolls_at:
            batch = await self._feed.next_batch(state, clinic.recipients)
            if batch is not None:
                clinic.advance(batch)
                return
        await self._load_again(clinic)

    async def _load_again(self, clinic: LiveClinic) -> None:
        fresh = await self._feed.load(clinic.state.clinic.id, self._hub.clock(), clinic.recipients)
        if fresh is not None:
            clinic.replace(fresh)

    async def _catch_up_now(self, clinic: LiveClinic) -> None:
        async with self._lock:
            try:
                heads = await self._feed.heads([clinic.state.clinic.id])
                head = heads.get(clinic.state.clinic.id)
                if self._is_behind(clinic, head) and head is not None:
                    await self._catch_up(clinic, head)
            except DatabaseUnavailable:
                logger.warning("clinic %d is shown as it was last read", clinic.state.clinic.id)

    async def _load(self, clinic_id: int) -> None:
        state = await self._feed.load(clinic_id, self._hub.clock())
        if state is not None:
            self._hub.keep(state)

    async def _follow_accounts(self, head: Head) -> None:
        known = self._accounts
        if known is None or head == known:
            self._accounts = head
            return
        follows_on = head.epoch == known.epoch and head.seq > known.seq
        changed = await self._feed.session_changes(known.seq) if follows_on else None
        self._account_reads += 1
        known_ids = self._sessions.user_ids | self._hub.user_ids
        await self._refresh_sessions(known_ids if changed is None else known_ids & changed[1])
        self._accounts = Head(head.epoch, head.seq if changed is None else changed[0])

    async def _refresh_sessions(self, user_ids: set[int]) -> None:
        if not user_ids:
            return
        found = await self._feed.sessions(user_ids)
        for user_id in user_ids:
            self._sessions.put(user_id, found.get(user_id))
            self._hub.revoke(user_id, self._sessions.admit)

    async def _look_up(self, user_id: int) -> None:
        """Together with everybody who waits by then: after a restart thousands come back at the same time."""
        self._sought.add(user_id)
        async with self._looking_up:
            if user_id not in self._sought:  # Whoever was before has looked this user up as well.
                return
            sought, self._sought = self._sought, set()
            try:
                await self._look_up_all(sought)
            except BaseException:
                self._sought |= sought
                raise

    async def _look_up_all(self, user_ids: set[int]) -> None:
        if self._accounts is None:
            raise DatabaseUnavailable("the head of the accounts has not been read yet")
        while True:
            reads = self._account_reads
            found = await self._feed.sessions(user_ids)
            if reads == self._account_reads:  # Else a session event may have passed one of them by: look again.
                break
        for user_id in user_ids:
            self._sessions.put(user_id, found.get(user_id))

    async def _patiently(self, key: object, read: Callable[[], Coroutine[None, None, None]]) -> None:
        """Read once for all who ask at the same time, trying again for a moment while the database is away."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._until_read(key, read)
        except TimeoutError as error:
            raise DatabaseUnavailable("no answer in time") from error

    async def _until_read(self, key: object, read: Callable[[], Coroutine[None, None, None]]) -> None:
        while True:
            try:
                await asyncio.shield(self._shared(key, read))
            except DatabaseUnavailable:
                await asyncio.sleep(FIRST_PAUSE_SECONDS)
            else:
                return

    def _shared(self, key: object, read: Callable[[], Coroutine[None, None, None]]) -> asyncio.Task[None]:
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(read())
            task.add_done_callback(lambda done: self._finish(key, done))
        return task

    def _finish(self, key: object, done: asyncio.Task[None]) -> None:
        del self._under_way[key]
        if not done.cancelled():
            done.exception()  # Whoever asked may have left by now; then nobody else looks at it.


def _monotonic() -> float:
    return asyncio.get_running_loop().time()
