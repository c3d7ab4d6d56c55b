"""The loops that follow the database. What they cost does not depend on how many are watching.

Loops run side by side, each with its own connections: the heads (here; `head_finder` finds those that moved, and
`following` reads what is new), the accounts (`accounts`), the sweep (`sweeper`) and, on a replica, the pulse (`pulse`).
A head is compared by inequality: a larger one means new events; a smaller one, another event under the same number,
another epoch or a gap means the clinic is loaded again. While the database or a clinic cannot be read the streams stay
open and are told so once; they catch up by themselves.
"""

import asyncio
import contextlib
import logging

from clinic_stream.account_follower import AccountFollower
from clinic_stream.clinic_follower import ClinicFollower, load_visit
from clinic_stream.clinic_loader import ClinicLoader
from clinic_stream.clinic_loads import LoadRequest
from clinic_stream.errors import ClinicUnreadable, DatabaseUnavailable, Reason
from clinic_stream.feed import Feed
from clinic_stream.head_finder import HeadFinder
from clinic_stream.hub import Hub
from clinic_stream.inbox_topic import InboxTopic
from clinic_stream.live_clinic import LiveClinic
from clinic_stream.poll_pace import PollPace
from clinic_stream.pulse import PulseFollower
from clinic_stream.schedule import Named
from clinic_stream.shared_reads import SharedReads
from clinic_stream.staleness import Cause
from clinic_stream.sweeper import SWEEP_SECONDS, Sweeper
from clinic_stream.viewers import Registered, Sessions, VisitViewer

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.1
MAX_PAUSE_SECONDS = 0.5
# Without live updates only whether the database can be read.
WITHOUT_LIVE_UPDATES_SECONDS = 0.5
HOUSEKEEPING_SECONDS = 5.0
MAX_TIDIED_A_ROUND = 100
# How long is believed what practitioner or service belongs to what clinic, and that there is none.
KNOWN_SECONDS = 60.0
UNKNOWN_SECONDS = 5.0
MAX_FOUND = 10_000


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
        self._pace = PollPace(hub)
        self.accounts = AccountFollower(feed, hub, sessions, self._shared, self._pace)
        self._loader = ClinicLoader(feed)
        self.follower = ClinicFollower(feed, hub, self._loader)
        self._finder = HeadFinder(feed, hub, reach=feed.latest_commit)
        self._pulse = PulseFollower(feed, hub) if feed.reads_replica else None
        self._sweeper = Sweeper(feed, hub, self.follower, sweep_seconds=sweep_seconds)
        self._probing: asyncio.Task[None] | None = None
        self._has_probed = False
        self.views_problem: Reason | None = None
        self._is_stopping = False
        self._server_changes = 0
        self._read_at: float | None = None
        self._has_looked = asyncio.Event()
        self._next_look: asyncio.Future[None] | None = None
        self._untidied: list[int] = []
        self._tidy_at = 0.0
        self._lock = asyncio.Lock()
        self._found: dict[tuple[Named, int], tuple[int | None, float]] = {}

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
            await self._loader.stop()

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

    async def admits(self, viewer: Registered) -> bool:
        """Whether the viewer may see. Waits until that can be verified."""
        return await self.accounts.admits(viewer)

    async def clinic(self, clinic_id: int) -> LiveClinic | None:
        """The clinic's live state, loaded on first use; None when there is no such clinic. Waits until it can be read,
        and so do `inbox` and `clinic_of`: whoever asks sets the limit."""
        was_followed = self._pace.want()
        if clinic_id not in self._hub.clinics:
            await self._shared.until_read(("clinic", clinic_id), lambda: self._load(clinic_id))
        elif not self._hub.is_live:
            await self._catch_up_now(self._hub.clinics[clinic_id])
        elif not was_followed:
            await self._wait_until_followed(self._hub.clinics[clinic_id])
        clinic = self._hub.clinics.get(clinic_id)
        if clinic is not None:
            clinic.used_at = self._hub.clock()
        return clinic

    async def _wait_until_followed(self, clinic: LiveClinic) -> None:
        """While nobody read, the clinic may have moved on. Return when it is at its head, or known to be in trouble."""
        self.follower.look_at(clinic)
        while self.follower.is_unsettled(clinic) and not (clinic.is_stale or self._hub.is_stale):
            self._next_look = self._next_look or asyncio.get_running_loop().create_future()
            await asyncio.shield(self._next_look)

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

    async def visit(self, viewer: VisitViewer) -> LiveClinic | None:
        """The clinic with this visit in its state; None when there is no such clinic. Costs nothing for a visit of the
        live window."""
        clinic = await self.clinic(viewer.clinic_id)
        if clinic is None:
            return None
        visit_id = viewer.visit_id
        if not clinic.knows_visit(visit_id):
            await self._shared.until_read(
                ("visit", viewer.clinic_id, visit_id), lambda: load_visit(self._feed, clinic, visit_id)
            )
        return clinic

    async def clinic_of(self, named: Named, row_id: int) -> LiveClinic | None:
        """The clinic that this row belongs to; None when there is none. At most one query, none where it is live; a
        clinic itself is not looked for, but loaded, together with others."""
        if named == "clinic":
            return await self._clinic_itself(row_id)
        for clinic in self._hub.clinics.values():
            if clinic.has(named, row_id):
                return await self.clinic(clinic.state.clinic.id)
        if self._found.get((named, row_id), (None, 0))[1] < _monotonic():
            await self._shared.until_read(("clinic of", named, row_id), lambda: self._find(named, row_id))
        clinic_id = self._found[named, row_id][0]
        return None if clinic_id is None else await self.clinic(clinic_id)

    async def _clinic_itself(self, clinic_id: int) -> LiveClinic | None:
        if self._found.get(("clinic", clinic_id), (None, 0))[1] >= _monotonic():
            return None  # There was none a moment ago.
        clinic = await self.clinic(clinic_id)
        if clinic is None:
            self._note_found("clinic", clinic_id, None)
        return clinic

    async def _find(self, named: Named, row_id: int) -> None:
        self._note_found(named, row_id, await self._feed.clinic_of(named, row_id))

    def _note_found(self, named: Named, row_id: int, clinic_id: int | None) -> None:
        until = _monotonic() + (UNKNOWN_SECONDS if clinic_id is None else KNOWN_SECONDS)
        self._found[named, row_id] = clinic_id, until
        if len(self._found) > MAX_FOUND:
            del self._found[next(iter(self._found))]

    async def _follow_heads(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._is_stopping:
            started_at = _monotonic()
            self._tidy(started_at)
            is_read = await self._round_succeeds()
            if self._next_look is not None:
                self._next_look.set_result(None)
                self._next_look = None
            if is_read:
                pause = FIRST_PAUSE_SECONDS
                await self._pace.sleep(max(0.0, started_at + self._interval - _monotonic()))
            else:
                await asyncio.sleep(pause)
                pause = min(2 * pause, MAX_PAUSE_SECONDS)

    def _tidy(self, now: float) -> None:
        """Forget idle clinics and topics: of thousands some in each round."""
        if now >= self._tidy_at:
            self._untidied = list(self._hub.clinics)
            self._tidy_at = now + HOUSEKEEPING_SECONDS
            self._hub.drop_idle(())
        if self._untidied:
            some, self._untidied = self._untidied[:MAX_TIDIED_A_ROUND], self._untidied[MAX_TIDIED_A_ROUND:]
            self._hub.drop_idle(some)

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
        was_lost = self._hub.staleness.has(Cause.DATABASE)
        found = await self._finder.find(self.follower.wanted(), compares_all=was_lost)
        if self._server_changes != self._feed.server.changes:
            logger.warning("the database's address leads to another server: every clinic is compared with it")
            self._server_changes = self._feed.server.changes
            self._sweeper.sweep_all()
        if not self._has_probed and self._probing is None:
            self._probing = asyncio.create_task(self._probe())
        if self._hub.is_live:
            self.follower.follow(found)

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
            load = LoadRequest(clinic_id, self._hub.clock())
            state = await self._loader.load(load, in_trouble=clinic_id in self._hub.unreadable)
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
            clinic = self._hub.keep(state)
            self.follower.watch(clinic)
            self._sweeper.watch(clinic)

    def _note_unreadable(self, clinic_id: int, reason: Reason, message: str) -> None:
        if clinic_id not in self._hub.unreadable:
            logger.warning("clinic %d cannot be loaded: %s", clinic_id, message)
        self._hub.mark_unreadable(clinic_id, reason)

    async def _catch_up_now(self, clinic: LiveClinic) -> None:
        async with self._lock:
            try:
                if (head := await self._feed.head(clinic.state.clinic.id)) is not None:
                    await self.follower.catch_up(clinic, head)
            except DatabaseUnavailable:
                logger.warning("clinic %d is shown as it was last read", clinic.state.clinic.id)


def _monotonic() -> float:
    return asyncio.get_running_loop().time()
