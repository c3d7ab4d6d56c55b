"""The loops that follow the database. What they cost does not depend on how many are watching.

Loops run side by side, each with its own connections: the heads of the watched clinics (here; `following` reads what is
new), the accounts (`accounts`), the sweep (`sweeper`) and, on a replica, the pulse (`pulse`). A head is compared by
inequality: a larger one means new events; a smaller one, another event under the same number, another epoch or a gap
means the clinic is loaded again. While the database or a clinic
cannot be read the streams stay open and are told so once; they catch up by themselves.
"""

import asyncio
import contextlib
import logging

from clinic_stream.accounts import AccountFollower
from clinic_stream.errors import ClinicUnreadable, DatabaseUnavailable, Reason
from clinic_stream.feed import ACCOUNTS, Feed
from clinic_stream.following import ClinicFollower
from clinic_stream.hub import Hub
from clinic_stream.live_clinic import LiveClinic
from clinic_stream.pulse import PulseFollower
from clinic_stream.sharing import SharedReads
from clinic_stream.staleness import Cause
from clinic_stream.sweeper import SWEEP_SECONDS, Sweeper
from clinic_stream.topics import InboxTopic
from clinic_stream.viewers import Sessions, Viewer

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 0.5
# Without live updates only whether the database can be read.
WITHOUT_LIVE_UPDATES_SECONDS = 0.5
HOUSEKEEPING_SECONDS = 5.0
# How long is believed what practitioner belongs to what clinic, and that there is none.
KNOWN_SECONDS = 60.0
UNKNOWN_SECONDS = 5.0
MOST_PRACTITIONERS = 10_000


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
        self._interval = interval_seconds if hub.is_live else WITHOUT_LIVE_UPDATES_SECONDS
        self._shared = SharedReads()
        self.accounts = AccountFollower(feed, hub, sessions, self._shared)
        self.follower = ClinicFollower(feed, hub)
        self._pulse = PulseFollower(feed, hub) if feed.reads_replica else None
        self._sweeper = Sweeper(feed, hub, self.follower, sweep_seconds=sweep_seconds)
        self._probing: asyncio.Task[None] | None = None
        self._has_probed = False
        self.views_problem: Reason | None = None
        self._is_stopping = False
        self._source_changes = 0
        self._read_at: float | None = None
        self._has_looked = asyncio.Event()
        self._lock = asyncio.Lock()
        self._practitioners: dict[int, tuple[int | None, float]] = {}

    @property
    def lag_seconds(self) -> float | None:
        """How old the newest complete look at the heads is; None when there has been none."""
        return None if self._read_at is None else _monotonic() - self._read_at

    @property
    def pulse_age_seconds(self) -> float | None:
        """How long ago the worker's newest pulse arrived; None where no replica is read."""
        return None if self._pulse is None else self._pulse.age_seconds

    @property
    def is_current(self) -> bool:
        lag = self.lag_seconds
        is_recent = lag is not None and lag < 1.0 + 4 * self._interval
        return is_recent and self._has_probed and not self._hub.is_stale

    @property
    def state(self) -> str:
        """`ok`, or why the database cannot be followed: a `Reason`, or `starting`."""
        if self.is_current:
            return "ok"
        reasons = [trouble.reason for trouble in self._hub.staleness.troubles if trouble.reason]
        if not reasons and self.views_problem is not None:
            reasons = [self.views_problem]
        if reasons:
            return str(reasons[0])
        return "starting" if self._read_at is None or not self._has_probed else str(Reason.TIMEOUT)

    async def run(self) -> None:
        """Outlives every error: a service whose loops have died would show the past for ever."""
        loops = [self.accounts.run(), self._follow_heads()]
        if self._hub.is_live:
            loops.append(self._sweeper.run())
        if self._pulse is not None:
            loops.append(self._pulse.run())
        tasks = [asyncio.create_task(loop) for loop in loops]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            if self._probing is not None:
                self._probing.cancel()
            await self.follower.stop()

    async def wait_for_first_look(self, seconds: float) -> None:
        """Return when the database has been read, or after this time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._has_looked.wait()

    def stop(self) -> None:
        """To be told before `run` is cancelled: a cancellation can get lost inside the database driver."""
        self._is_stopping = True
        self.accounts.stop()
        self._sweeper.stop()
        if self._pulse is not None:
            self._pulse.stop()

    async def admits(self, viewer: Viewer) -> bool:
        """Whether the viewer may see. Waits until that can be verified."""
        return await self.accounts.admits(viewer)

    async def clinic(self, clinic_id: int) -> LiveClinic | None:
        """The clinic's live state, loaded on first use; None when there is no such clinic. Waits until it can be read,
        and so do `inbox` and `clinic_of_practitioner`: whoever asks sets the limit."""
        if clinic_id not in self._hub.clinics:
            await self._shared.until_read(("clinic", clinic_id), lambda: self._load(clinic_id))
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
            await self._shared.until_read(("inbox", clinic_id, user_id), lambda: self._load_inbox(clinic, user_id))
        return topic

    async def _load_inbox(self, clinic: LiveClinic, user_id: int) -> None:
        """The topic is in place by now: what comes after this look is in a later batch, and the newer look counts."""
        known, history = clinic.state, clinic.history
        head, inbox = await self._feed.inbox(known.clinic, user_id)
        if head is None or (head.epoch, known.clinic, history) != (
            clinic.state.epoch,
            clinic.state.clinic,
            clinic.history,
        ):
            raise DatabaseUnavailable("the clinic is being loaded again")
        clinic.take_inbox(user_id, inbox)

    async def clinic_of_practitioner(self, practitioner_id: int) -> LiveClinic | None:
        """None when there is no such practitioner. At most one query, and none where the clinic is live."""
        for clinic in self._hub.clinics.values():
            if practitioner_id in clinic.state.practitioner_ids:
                return await self.clinic(clinic.state.clinic.id)
        if self._practitioners.get(practitioner_id, (None, 0))[1] < _monotonic():
            await self._shared.until_read(("practitioner", practitioner_id), lambda: self._find(practitioner_id))
        clinic_id = self._practitioners[practitioner_id][0]
        return None if clinic_id is None else await self.clinic(clinic_id)

    async def _find(self, practitioner_id: int) -> None:
        clinic_id = await self._feed.clinic_of_practitioner(practitioner_id)
        until = _monotonic() + (UNKNOWN_SECONDS if clinic_id is None else KNOWN_SECONDS)
        self._practitioners[practitioner_id] = clinic_id, until
        if len(self._practitioners) > MOST_PRACTITIONERS:
            del self._practitioners[next(iter(self._practitioners))]

    async def _follow_heads(self) -> None:
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

    async def _round_succeeds(self) -> bool:
        started_at = _monotonic()
        try:
            await self._round()
        except DatabaseUnavailable as error:
            self._lose(error.reason, str(error))
            return False
        except Exception as error:
            if not self._hub.staleness.has(Cause.DATABASE):
                logger.exception("poll round failed")
            self._lose(Reason.DEFECT, type(error).__name__)
            return False
        if self._hub.staleness.has(Cause.DATABASE) or self._read_at is None:
            logger.info("database reached")
            self._sweeper.sweep_all()  # It may be another one, or a restored one.
        self._read_at = started_at
        self._has_looked.set()
        self._hub.counts.polls.add(_monotonic() - started_at)
        self._hub.mark_fresh(Cause.DATABASE)
        return True

    def _lose(self, reason: Reason, message: str) -> None:
        if not self._hub.staleness.has(Cause.DATABASE):
            logger.warning("database out of reach: %s", message)
        self._has_probed = False
        self._hub.mark_stale(Cause.DATABASE, reason)

    async def _round(self) -> None:
        clinics = dict(self._hub.clinics) if self._hub.is_live else {}
        heads = await self._feed.heads([ACCOUNTS, *clinics], with_marks=self.follower.wants_marks)
        if self._source_changes != self._feed.source.changes:
            logger.warning("the database's address leads to another server: every clinic is compared with it")
            self._source_changes = self._feed.source.changes
            self._sweeper.sweep_all()
        if not self._has_probed and self._probing is None:
            self._probing = asyncio.create_task(self._probe())
        self.follower.follow(clinics, heads)

    async def _probe(self) -> None:
        """Read one row of every view, so that a missing one or a missing right shows before somebody needs it."""
        try:
            await self._feed.probe()
            self._has_probed = True
            self.views_problem = None
        except DatabaseUnavailable as error:
            self.views_problem = error.reason
            await asyncio.sleep(FIRST_PAUSE_SECONDS)
        finally:
            self._probing = None

    async def _load(self, clinic_id: int) -> None:
        """Unless somebody else, who waited for less long after a failure, has loaded it meanwhile: whoever reads that
        one would hear of no change any more."""
        if clinic_id in self._hub.clinics:
            return
        try:
            state = await self._feed.load(clinic_id, self._hub.clock(), in_trouble=clinic_id in self._hub.unreadable)
        except DatabaseUnavailable as error:
            if not self._hub.is_stale:
                self._note_unreadable(clinic_id, error.reason, str(error))
            raise
        except Exception as error:
            if clinic_id not in self._hub.unreadable:
                logger.exception("clinic %d cannot be loaded", clinic_id)
            self._note_unreadable(clinic_id, Reason.DEFECT, type(error).__name__)
            raise ClinicUnreadable(f"clinic {clinic_id} cannot be loaded", Reason.DEFECT) from error
        if state is not None:
            self._hub.keep(state)

    def _note_unreadable(self, clinic_id: int, reason: Reason, message: str) -> None:
        if clinic_id not in self._hub.unreadable:
            logger.warning("clinic %d cannot be loaded: %s", clinic_id, message)
        self._hub.mark_unreadable(clinic_id, reason)

    async def _catch_up_now(self, clinic: LiveClinic) -> None:
        async with self._lock:
            try:
                heads = await self._feed.heads([clinic.state.clinic.id])
                if (head := heads.get(clinic.state.clinic.id)) is not None:
                    await self.follower.catch_up(clinic, head)
            except DatabaseUnavailable:
                logger.warning("clinic %d is shown as it was last read", clinic.state.clinic.id)


def _monotonic() -> float:
    return asyncio.get_running_loop().time()
