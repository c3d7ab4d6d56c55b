"""Every clinic that is looked at, and everyone who looks: who may come in, who has to leave, and when."""

import asyncio
import random
import secrets
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Self

from clinic_stream import frames
from clinic_stream.closing_events import REPLACED, REVOKED, ClosingEvent
from clinic_stream.connections import Connection
from clinic_stream.counters import Counters
from clinic_stream.frames import Frame
from clinic_stream.live_clinic import LiveClinic
from clinic_stream.params import Mode
from clinic_stream.staleness import Cause, Staleness, Trouble
from clinic_stream.state import ClinicState, Dormant
from clinic_stream.ticker import Ticker
from clinic_stream.topics import Topic
from clinic_stream.viewers import AnyViewer, Registered, Subject

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
    per_user: int = 0  # And by visit, for those who look by its reference.
    # Public streams and those of visits by link, which anybody gets who asks for a time, of `total`: the rest is for
    # signed-in users and walls.
    anonymous: int = 0
    # Public streams, beside those of signed-in users: neither takes the other's places behind one address.
    anonymous_per_address: int = 0

    def shared_by(self, replicas: int) -> Self:
        """Share of one replica, rounded up: the gateway spreads new streams evenly, and no replica asks the others."""
        return replace(
            self,
            total=-(-self.total // replicas),
            per_address=-(-self.per_address // replicas),
            per_user=-(-self.per_user // replicas),
            anonymous=-(-self.anonymous // replicas),
            anonymous_per_address=-(-self.anonymous_per_address // replicas),
        )


class Hub:
    def __init__(
        self,
        *,
        clock: Clock,
        heartbeat_seconds: float,
        is_live: bool,
        limits: Limits = Limits(),  # Frozen.
    ) -> None:
        self.clock = clock
        self.heartbeat_seconds = heartbeat_seconds
        self.is_live = is_live
        self.staleness = Staleness()  # Of the whole service; each clinic has its own.
        self.clinics: dict[int, LiveClinic] = {}
        # Clinics that have not been loaded although somebody asked, because they cannot be read.
        self.unreadable: dict[int, Trouble] = {}
        self._dormant: dict[int, Dormant] = {}
        self.counts = Counters()
        self.ticker = Ticker()
        self.limits = limits
        self._connections: dict[str, Connection] = {}
        self._by_subject: defaultdict[Subject, dict[str, Connection]] = defaultdict(dict)
        self._signed_in_by_address: Counter[str] = Counter()
        self._anonymous_by_address: Counter[str] = Counter()
        self._anonymous = 0
        # An id means nothing to another replica, or after a restart.
        self._id_prefix = f"{secrets.token_hex(4)}-"
        self._numbers = count(1)
        self._waiting = 0
        self.drain_begins = asyncio.Event()

    @property
    def connections(self) -> list[Connection]:
        return list(self._connections.values())

    @property
    def has_readers(self) -> bool:
        """Also such as wait for their content."""
        return bool(self._connections or self._waiting)

    @property
    def subjects(self) -> set[Subject]:
        return set(self._by_subject)

    def is_own(self, connection_id: str) -> bool:
        """Whether this replica gave the id; the stream may have ended."""
        return connection_id.startswith(self._id_prefix)

    def find(self, connection_id: str) -> Connection | None:
        """None also for one that is about to end."""
        connection = self._connections.get(connection_id)
        return connection if connection is not None and connection.closing_event is None else None

    def keep(self, state: ClinicState) -> LiveClinic:
        """Follow a clinic from now on that is not in memory."""
        assert state.clinic.id not in self.clinics, "its readers would be left behind"
        self.unreadable.pop(state.clinic.id, None)
        dormant = self._dormant.pop(state.clinic.id, None)
        if dormant is not None:
            dormant.draw_boundary_in(state)
        clinic = self.clinics[state.clinic.id] = LiveClinic(state, self.clock(), self._count_delivery, clock=self.clock)
        return clinic

    def limit_reached_by(self, address: str, *, is_anonymous: bool = False) -> str | None:
        """The limit that leaves no room for one more from this address."""
        if 0 < self.limits.total <= len(self._connections) + self._waiting:
            return "total"
        if is_anonymous and 0 < self.limits.anonymous <= self._anonymous:
            return "anonymous"
        per_address = self.limits.anonymous_per_address if is_anonymous else self.limits.per_address
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
        viewer: AnyViewer | None,
        *,
        mode: Mode,
        address: str = "",
        is_gzipped: bool = False,
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
            is_gzipped=is_gzipped,
            is_chunked=is_chunked,
        )
        topic.stragglers.add(connection)
        self._connections[connection_id] = connection
        self._count_in(address, is_anonymous=not isinstance(viewer, Registered))
        if viewer is not None:
            self._make_room_for(viewer)
            self._by_subject[viewer.subject][connection_id] = connection
        self.counts.opened[topic.kind] += 1
        self.ticker.add(connection.next_deadline, connection)
        if self.drain_begins.is_set():
            connection.end(drained())
        return connection

    def leave(self, connection: Connection) -> None:
        connection.topic.left_at = connection.topic.clinic.used_at = self.clock()
        connection.topic.stragglers.discard(connection)
        del self._connections[connection.id]
        self._count_out(connection.address, is_anonymous=not isinstance(connection.viewer, Registered))
        if connection.viewer is not None:
            of_subject = self._by_subject[connection.viewer.subject]
            of_subject.pop(connection.id)
            if not of_subject:
                del self._by_subject[connection.viewer.subject]
        self.counts.closed[connection.closing_event.reason if connection.closing_event else "left"] += 1

    def revoke(self, subject: Subject, admits: Callable[[Registered], bool]) -> None:
        """End the streams of a subject whose viewer is no longer admitted."""
        for connection in list(self._by_subject.get(subject, {}).values()):
            if isinstance(connection.viewer, Registered) and not admits(connection.viewer):
                connection.end(REVOKED)

    def set_family(self, clinic_id: int, patient_id: int, family: frozenset[int]) -> None:
        """Of the account whose own record this is. Its streams go on, with the visits of these records."""
        clinic = self.clinics.get(clinic_id)
        if clinic is not None:
            clinic.set_family(patient_id, family)

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

    def drop_idle(self, clinic_ids: Iterable[int] | None = None) -> None:
        """Forget what nobody has looked at for a while, of these clinics; by default of all."""
        now = self.clock()
        for clinic_id in list(self.clinics) if clinic_ids is None else clinic_ids:
            clinic = self.clinics.get(clinic_id)
            if clinic is not None:
                self._drop_if_idle(clinic_id, clinic, now)
        for clinic_id, trouble in list(self.unreadable.items()):
            if now - trouble.since > CLINIC_LINGER:
                del self.unreadable[clinic_id]

    def _drop_if_idle(self, clinic_id: int, clinic: LiveClinic, now: datetime) -> None:
        clinic.drop_idle_topics(now)
        if not clinic.topics and now - clinic.used_at > CLINIC_LINGER:
            del self.clinics[clinic_id]
            self._dormant[clinic_id] = Dormant.of(clinic.state)

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

    def _make_room_for(self, viewer: AnyViewer) -> None:
        of_subject = self._by_subject.get(viewer.subject, {})
        if not 0 < self.limits.per_user <= len(of_subject):
            return
        staying = [one for one in of_subject.values() if one.closing_event is None]
        if self.limits.per_user <= len(staying):
            staying[0].end(REPLACED)  # They stand in the order they came.

    def _count_delivery(self, changed_at: datetime) -> None:
        self.counts.commit_to_send.add((self.clock() - changed_at.replace(tzinfo=UTC)).total_seconds())


def drained() -> ClosingEvent:
    """Each with a moment of its own to come back at."""
    return ClosingEvent("drain", frames.drain(random.randint(*DRAIN_RETRY_MS)))  # noqa: S311  # Spreads load.


def overloaded() -> Frame:
    return frames.overloaded(random.randint(*OVERLOADED_RETRY_MS))  # noqa: S311  # Spreads load.
