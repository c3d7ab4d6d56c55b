"""Every clinic that is looked at, and everyone who looks: who may come in, who has to leave, and when."""

import asyncio
import random
import secrets
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Self

from clinic_stream import frames
from clinic_stream.connections import REPLACED, REVOKED, Connection, Goodbye
from clinic_stream.counts import Counts
from clinic_stream.frames import Frame
from clinic_stream.live_clinic import LiveClinic
from clinic_stream.params import Mode
from clinic_stream.staleness import Cause, Staleness, Trouble
from clinic_stream.state import ClinicState, Dormant
from clinic_stream.ticker import Ticker
from clinic_stream.topics import Topic
from clinic_stream.viewers import Viewer

Clock = Callable[[], datetime]

# How long a clinic that nobody looks at is kept in memory.
CLINIC_LINGER = timedelta(minutes=5)
DRAIN_RETRY_MS = (500, 3000)
OVERLOADED_RETRY_MS = (5_000, 15_000)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many streams may stand side by side; 0 is as many as there are."""

    total: int = 0
    # Streams of signed-in users.
    per_address: int = 0
    per_user: int = 0
    # Public streams, of `total`: the rest is for signed-in users.
    anonymous: int = 0
    # Public streams, beside those of signed-in users: neither takes the other's places behind one address.
    anonymous_per_address: int = 0

    def shared_by(self, workers: int) -> Self:
        """One worker's part, rounded up: the kernel deals newcomers out evenly, and nobody has to ask the others."""
        return replace(
            self,
            total=-(-self.total // workers),
            per_address=-(-self.per_address // workers),
            per_user=-(-self.per_user // workers),
            anonymous=-(-self.anonymous // workers),
            anonymous_per_address=-(-self.anonymous_per_address // workers),
        )


class Hub:
    def __init__(
        self,
        *,
        clock: Clock,
        heartbeat_seconds: float,
        is_live: bool,
        limits: Limits = Limits(),  # Frozen.
        worker: int = 0,
    ) -> None:
        self.clock = clock
        self.heartbeat_seconds = heartbeat_seconds
        self.is_live = is_live
        self.staleness = Staleness()  # Of the whole service; each clinic has its own.
        self.clinics: dict[int, LiveClinic] = {}
        # Clinics that have not been loaded although somebody asked, because they cannot be read.
        self.unreadable: dict[int, Trouble] = {}
        self._dormant: dict[int, Dormant] = {}
        self.counts = Counts()
        self.ticker = Ticker()
        self._limits = limits
        self._connections: dict[str, Connection] = {}
        self._by_user: defaultdict[int, dict[str, Connection]] = defaultdict(dict)
        self._signed_in_by_address: Counter[str] = Counter()
        self._anonymous_by_address: Counter[str] = Counter()
        self._anonymous = 0
        # So that an id says which worker has the connection, and means nothing after a restart.
        self._id_prefix = f"{worker}-{secrets.token_hex(4)}-"
        self._numbers = count(1)
        self._waiting = 0
        self.drain_begins = asyncio.Event()

    @property
    def connections(self) -> list[Connection]:
        return list(self._connections.values())

    @property
    def user_ids(self) -> set[int]:
        return set(self._by_user)

    def find(self, connection_id: str) -> Connection | None:
        """None also for one that is about to end."""
        connection = self._connections.get(connection_id)
        return connection if connection is not None and connection.goodbye is None else None

    def keep(self, state: ClinicState) -> None:
        """Follow a clinic from now on that is not in memory."""
        assert state.clinic.id not in self.clinics, "its readers would be left behind"
        self.unreadable.pop(state.clinic.id, None)
        dormant = self._dormant.pop(state.clinic.id, None)
        if dormant is not None:
            dormant.draw_boundary_in(state)
        self.clinics[state.clinic.id] = LiveClinic(state, self.clock(), self._told, clock=self.clock)

    def limit_reached_by(self, address: str, *, is_anonymous: bool = False) -> str | None:
        """The limit that leaves no room for one more from this address."""
        if 0 < self._limits.total <= len(self._connections) + self._waiting:
            return "total"
        if is_anonymous and 0 < self._limits.anonymous <= self._anonymous:
            return "anonymous"
        per_address = self._limits.anonymous_per_address if is_anonymous else self._limits.per_address
        if 0 < per_address <= self._by_address(is_anonymous)[address]:
            return "anonymous_address" if is_anonymous else "address"
        return None

    @contextmanager
    def waiting(self, address: str, *, is_anonymous: bool) -> Iterator[None]:
        """Count a stream that is open and has no connection yet."""
        self._waiting += 1
        self._count_in(address, is_anonymous=is_anonymous)
        try:
            yield
        finally:
            self._waiting -= 1
            self._count_out(address, is_anonymous=is_anonymous)

    def next_id(self) -> str:
        return f"{self._id_prefix}{next(self._numbers)}"

    def enter(
        self,
        connection_id: str,
        topic: Topic,
        viewer: Viewer | None,
        *,
        mode: Mode,
        address: str = "",
        is_packed: bool = False,
        is_chunked: bool = True,
    ) -> Connection:
        """Over a user's limit, the oldest of them has to make room."""
        connection = Connection(
            self,
            connection_id,
            topic,
            viewer,
            mode=mode,
            address=address,
            is_packed=is_packed,
            is_chunked=is_chunked,
        )
        topic.apart.add(connection)
        self._connections[connection_id] = connection
        self._count_in(address, is_anonymous=viewer is None)
        if viewer is not None:
            self._make_room_for(viewer)
            self._by_user[viewer.user_id][connection_id] = connection
        self.counts.opened[topic.kind] += 1
        self.ticker.add(connection.next_deadline, connection)
        if self.drain_begins.is_set():
            connection.end(drained())
        return connection

    def leave(self, connection: Connection) -> None:
        connection.topic.left_at = connection.topic.clinic.used_at = self.clock()
        connection.topic.apart.discard(connection)
        del self._connections[connection.id]
        self._count_out(connection.address, is_anonymous=connection.viewer is None)
        if connection.viewer is not None:
            of_user = self._by_user[connection.viewer.user_id]
            of_user.pop(connection.id)
            if not of_user:
                del self._by_user[connection.viewer.user_id]
        self.counts.closed[connection.goodbye.reason if connection.goodbye else "left"] += 1

    def revoke(self, user_id: int, admits: Callable[[Viewer], bool]) -> None:
        """End the streams of a user whose viewer is no longer admitted."""
        for connection in list(self._by_user.get(user_id, {}).values()):
            if connection.viewer is not None and not admits(connection.viewer):
                connection.end(REVOKED)

    @property
    def is_stale(self) -> bool:
        return self.staleness.is_stale

    def mark_stale(self, cause: Cause, reason: str = "") -> None:
        """Tell all readers, unless they have been told."""
        if self.staleness.mark_stale(cause, self.clock(), reason):
            self._wake_all()

    def mark_fresh(self, *causes: Cause) -> None:
        """Tell all readers, unless there are other troubles left."""
        if self.staleness.mark_fresh(causes):
            self._wake_all()

    def mark_unreadable(self, clinic_id: int, reason: str) -> None:
        """Note that a clinic which is not in memory cannot be loaded."""
        known = self.unreadable.get(clinic_id)
        self.unreadable[clinic_id] = Trouble(Cause.UNREADABLE, known.since if known else self.clock(), reason)

    @property
    def stale_clinics(self) -> dict[int, list[Trouble]]:
        """The troubles of each clinic that cannot be followed."""
        in_memory = {key: clinic.staleness.troubles for key, clinic in self.clinics.items() if clinic.is_stale}
        return {**{key: [trouble] for key, trouble in self.unreadable.items()}, **in_memory}

    def _wake_all(self) -> None:
        for connection in self.connections:
            connection.wake()

    def drain(self, seconds: float) -> None:
        """End every stream at a random moment of this time, so that readers do not come back all at once."""
        self.drain_begins.set()
        loop = asyncio.get_running_loop()
        for connection in self.connections:
            loop.call_later(random.random() * seconds, connection.end, drained())  # noqa: S311  # Spreads load.

    def drop_idle(self) -> None:
        """Forget what nobody has looked at for a while."""
        now = self.clock()
        for clinic_id, clinic in list(self.clinics.items()):
            clinic.drop_idle_topics(now)
            if not clinic.topics and now - clinic.used_at > CLINIC_LINGER:
                del self.clinics[clinic_id]
                self._dormant[clinic_id] = Dormant.of(clinic.state)
        for clinic_id, trouble in list(self.unreadable.items()):
            if now - trouble.since > CLINIC_LINGER:
                del self.unreadable[clinic_id]

    def close(self) -> None:
        self.ticker.stop()

    def _by_address(self, is_anonymous: bool) -> Counter[str]:
        return self._anonymous_by_address if is_anonymous else self._signed_in_by_address

    def _count_in(self, address: str, *, is_anonymous: bool) -> None:
        self._by_address(is_anonymous)[address] += 1
        self._anonymous += is_anonymous

    def _count_out(self, address: str, *, is_anonymous: bool) -> None:
        self._anonymous -= is_anonymous
        by_address = self._by_address(is_anonymous)
        by_address[address] -= 1
        if not by_address[address]:
            del by_address[address]

    def _make_room_for(self, viewer: Viewer) -> None:
        of_user = self._by_user.get(viewer.user_id, {})
        if not 0 < self._limits.per_user <= len(of_user):
            return
        staying = [one for one in of_user.values() if one.goodbye is None]
        if self._limits.per_user <= len(staying):
            staying[0].end(REPLACED)  # They stand in the order they came.

    def _told(self, changed_at: datetime) -> None:
        self.counts.commit_to_send.add((self.clock() - changed_at.replace(tzinfo=UTC)).total_seconds())


def drained() -> Goodbye:
    """Each with a moment of its own to come back at."""
    return Goodbye("drain", frames.drain(random.randint(*DRAIN_RETRY_MS)))  # noqa: S311  # Spreads load.


def overloaded() -> Frame:
    return frames.overloaded(random.randint(*OVERLOADED_RETRY_MS))  # noqa: S311  # Spreads load.
