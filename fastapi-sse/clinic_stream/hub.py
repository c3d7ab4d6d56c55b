"""Topics and connections: encode once, send to all.

A *topic* is one audience's view of one clinic. It knows the rows it shows, and numbers its versions; a change that does
not alter one byte of what it shows makes no version. A frame is encoded once a version, when the first connection asks.

A *connection* has no queue. It knows the version it has told its reader, and when it can write it takes whatever leads
from there to the newest one: skipping is safe, because a snapshot is absolute and so is every upsert.
"""

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from clinic_stream import frames
from clinic_stream.params import Mode
from clinic_stream.state import (
    Appointment,
    Audience,
    Batch,
    Change,
    Changes,
    ClinicState,
    EventId,
    Missed,
    Scope,
    in_order,
)
from clinic_stream.ticker import Ticker
from clinic_stream.viewers import Viewer

Clock = Callable[[], datetime]

# A connection more versions behind than this gets a snapshot instead of the sum of its changes.
HISTORY_LENGTH = 64
# New readers share one snapshot for this long, so a thousand that come back together cost one encoding.
SNAPSHOT_AGE = timedelta(seconds=1)
# How long what nobody looks at is kept: most who leave come back at once, with a new token.
TOPIC_LINGER = timedelta(seconds=30)
CLINIC_LINGER = timedelta(minutes=5)
WARNING_SECONDS = 30


class Snapshot(NamedTuple):
    at: EventId
    as_of: datetime
    frame: bytes


class Topic:
    __slots__ = (
        "_changes",
        "_history",
        "_snapshots",
        "audience",
        "clinic",
        "connections",
        "left_at",
        "rows",
        "version",
    )

    def __init__(self, clinic: "LiveClinic", audience: Audience, now: datetime) -> None:
        self.clinic = clinic
        self.audience = audience
        self.rows = clinic.state.visible_to(audience)
        self.version = 0
        self.connections: set[Connection] = set()
        self.left_at = now
        self._history: deque[frozenset[int]] = deque(maxlen=HISTORY_LENGTH)
        self._snapshots: dict[Mode, Snapshot] = {}
        self._changes: dict[int, bytes] = {}

    def follow(self, changes: Changes) -> None:
        """Move on with rows that changed in the clinic."""
        today = self.clinic.state.today
        told: set[int] = set()
        for row_id, change in changes.items():
            shown = change.after is not None and self.audience.shows(change.after, today)
            if self._put(row_id, change.after if shown else None):
                told.add(row_id)
        self._publish(told)

    def look_again(self) -> None:
        """Compare everything: the clinic's state was loaded anew, or its date changed."""
        visible = self.clinic.state.visible_to(self.audience)
        told = {row_id for row_id in self.rows.keys() | visible.keys() if self._put(row_id, visible.get(row_id))}
        self._publish(told)

    def snapshot(self, mode: Mode, now: datetime) -> bytes:
        at = self.clinic.event_id
        made = self._snapshots.get(mode)
        if made is None or made.at != at or now - made.as_of > SNAPSHOT_AGE:
            view = self.audience.view
            encoded = [row.encoded(view) for row in in_order(self.rows.values())]
            frame = frames.snapshot(encoded, at=at, as_of=now, named=mode == "delta")
            made = self._snapshots[mode] = Snapshot(at, now, frame)
        return made.frame

    def since(self, version: int, mode: Mode, now: datetime) -> bytes:
        """What leads from an older version to this one."""
        behind = self.version - version
        if mode == "snapshot" or behind > len(self._history):
            return self.snapshot(mode, now)
        if version not in self._changes:
            told = set().union(*islice(self._history, len(self._history) - behind, None))
            upserts = in_order(self.rows[row_id] for row_id in told & self.rows.keys())
            self._changes[version] = self._change(Missed(upserts, sorted(told - self.rows.keys())))
        return self._changes[version]

    def opening(self, last_id: EventId | None, mode: Mode, now: datetime) -> bytes:
        """What a reader who was last told `last_id` has to be told first."""
        missed = self.clinic.state.missed_since(last_id, self.audience) if last_id else None
        if missed is not None and not missed.upserts and not missed.removes:
            return self.clinic.cursor
        if missed is not None and mode == "delta":
            return self._change(missed)
        return self.snapshot(mode, now)

    def _change(self, missed: Missed) -> bytes:
        view = self.audience.view
        return frames.change([row.encoded(view) for row in missed.upserts], missed.removes, at=self.clinic.event_id)

    def _put(self, row_id: int, row: Appointment | None) -> bool:
        """Show a row, or hide it with None. Returns whether a reader sees a difference."""
        known = self.rows.get(row_id)
        if row is None:
            return self.rows.pop(row_id, None) is not None
        self.rows[row_id] = row
        view = self.audience.view
        return known is None or (known is not row and known.encoded(view) != row.encoded(view))

    def _publish(self, told: set[int]) -> None:
        if not told:
            return
        self.version += 1
        self._history.append(frozenset(told))
        self._snapshots.clear()
        self._changes.clear()
        for connection in self.connections:
            connection.wake()


class LiveClinic:
    """A clinic that somebody looks at: its state, and the topics on it."""

    def __init__(self, state: ClinicState, now: datetime) -> None:
        self.state = state
        self.used_at = now
        self.topics: dict[Audience, Topic] = {}
        self._by_scope: defaultdict[Scope, list[Topic]] = defaultdict(list)
        self._cursor: tuple[EventId, bytes] | None = None

    @property
    def event_id(self) -> EventId:
        return self.state.event_id

    @property
    def cursor(self) -> bytes:
        """The heartbeat, encoded once a sequence number."""
        if self._cursor is None or self._cursor[0] != self.event_id:
            self._cursor = self.event_id, frames.cursor(self.event_id)
        return self._cursor[1]

    def topic(self, audience: Audience, now: datetime) -> Topic:
        self.used_at = now
        topic = self.topics.get(audience)
        if topic is None:
            topic = self.topics[audience] = Topic(self, audience, now)
            self._by_scope[audience.scope].append(topic)
        return topic

    def advance(self, batch: Batch) -> None:
        changes = self.state.apply(batch)
        for scope, of_scope in self._split(changes).items():
            for topic in self._by_scope[scope]:
                topic.follow(of_scope)

    def replace(self, fresh: ClinicState) -> None:
        self.state = self.state.adopt(fresh)
        for topic in self.topics.values():
            topic.look_again()

    def drop_idle_topics(self, now: datetime) -> None:
        for audience, topic in list(self.topics.items()):
            if not topic.connections and now - topic.left_at > TOPIC_LINGER:
                del self.topics[audience]
                self._by_scope[audience.scope].remove(topic)
                if not self._by_scope[audience.scope]:
                    del self._by_scope[audience.scope]

    def _split(self, changes: Changes) -> dict[Scope, dict[int, Change]]:
        # A thousand patients' topics need not look at each other's rows.
        split: defaultdict[Scope, dict[int, Change]] = defaultdict(dict)
        for row_id, change in changes.items():
            for scope in scopes_of(change, self.state.clinic.id) & self._by_scope.keys():
                split[scope][row_id] = change
        return split


class Connection:
    """What one reader has been told, and what it has yet to be."""

    __slots__ = (
        "_awake",
        "_expires_at",
        "_fixed_cursor",
        "_heartbeat_at",
        "_heartbeat_due",
        "_heartbeat_seconds",
        "_told_stale",
        "_version",
        "_waiter",
        "_warned",
        "_warning_due",
        "ending",
        "hub",
        "is_over",
        "mode",
        "topic",
        "viewer",
    )

    def __init__(self, hub: "Hub", topic: Topic, viewer: Viewer, mode: Mode) -> None:
        now = asyncio.get_running_loop().time()
        self.hub = hub
        self.topic = topic
        self.viewer = viewer
        self.mode = mode
        self.ending: bytes | None = None
        self.is_over = False  # The goodbye has been taken.
        self._version = topic.version
        # Without live updates the reader stays where it began, so that its id tells what it has seen.
        self._fixed_cursor = None if hub.is_live else topic.clinic.cursor
        self._told_stale = False
        self._expires_at = now + viewer.expires_at - hub.clock().timestamp()
        self._heartbeat_seconds = hub.heartbeat_seconds
        self._heartbeat_at = now + hub.heartbeat_seconds
        self._heartbeat_due = False
        self._warned = False
        self._warning_due = False
        self._awake = True
        self._waiter: asyncio.Future[None] | None = None

    @property
    def next_deadline(self) -> float:
        token_at = self._expires_at if self._warned else self._expires_at - WARNING_SECONDS
        return min(self._heartbeat_at, token_at)

    def ring(self, now: float) -> float | None:
        if self.ending is not None:
            return None
        if now >= self._expires_at:
            self.end(frames.EXPIRED)
            return None
        if not self._warned and now >= self._expires_at - WARNING_SECONDS:
            self._warned = self._warning_due = True
        if now >= self._heartbeat_at:
            self._heartbeat_due = True
            self._heartbeat_at = now + self._heartbeat_seconds
        self.wake()
        return self.next_deadline

    def end(self, frame: bytes) -> None:
        """Say goodbye with this frame; the first goodbye counts."""
        if self.ending is None:
            self.ending = frame
            self.wake()

    def wake(self) -> None:
        self._awake = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def woken(self) -> None:
        """Return when there may be something to take."""
        if not self._awake:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        self._awake = False

    def take(self) -> bytes:
        """Everything the reader has yet to be told, empty when there is nothing."""
        if self.ending is not None:
            self.is_over = True
            return self.ending  # And nothing else: the reader may have lost the right to it.
        parts = []
        if self._version != self.topic.version and self._fixed_cursor is None:
            parts.append(self.topic.since(self._version, self.mode, self.hub.clock()))
            self._version = self.topic.version
        if self._told_stale != self.hub.is_stale:
            self._told_stale = self.hub.is_stale
            parts.append(frames.STALE if self._told_stale else frames.FRESH)
        if self._heartbeat_due:
            self._heartbeat_due = False
            parts.append(self._fixed_cursor or self.topic.clinic.cursor)
        if self._warning_due:
            self._warning_due = False
            parts.append(frames.token_expiring(self._expires_at - asyncio.get_running_loop().time()))
        return parts[0] if len(parts) == 1 else b"".join(parts)


class Hub:
    """Every clinic that is looked at, and everyone who looks."""

    def __init__(self, *, clock: Clock, heartbeat_seconds: float, is_live: bool) -> None:
        self.clock = clock
        self.heartbeat_seconds = heartbeat_seconds
        self.is_live = is_live
        self.is_stale = False
        self.clinics: dict[int, LiveClinic] = {}
        self._by_user: defaultdict[int, set[Connection]] = defaultdict(set)
        self._ticker = Ticker()
        self._is_draining = False

    @property
    def connections(self) -> list[Connection]:
        return [connection for connections in self._by_user.values() for connection in connections]

    @property
    def user_ids(self) -> set[int]:
        return set(self._by_user)

    def enter(self, topic: Topic, viewer: Viewer, mode: Mode) -> Connection:
        connection = Connection(self, topic, viewer, mode)
        topic.connections.add(connection)
        self._by_user[viewer.user_id].add(connection)
        self._ticker.add(connection.next_deadline, connection)
        if self._is_draining:
            connection.end(drain_frame())
        return connection

    def leave(self, connection: Connection) -> None:
        now = self.clock()
        connection.topic.left_at = connection.topic.clinic.used_at = now
        connection.topic.connections.discard(connection)
        of_user = self._by_user[connection.viewer.user_id]
        of_user.discard(connection)
        if not of_user:
            del self._by_user[connection.viewer.user_id]

    def revoke(self, user_id: int, admits: Callable[[Viewer], bool]) -> None:
        """End the streams of a user whose viewer is no longer admitted."""
        for connection in self._by_user.get(user_id, ()):
            if not admits(connection.viewer):
                connection.end(frames.REVOKED)

    def tell_stale(self, is_stale: bool) -> None:
        if self.is_stale != is_stale:
            self.is_stale = is_stale
            for connection in self.connections:
                connection.wake()

    def drain(self, seconds: float) -> None:
        """End every stream at a random moment of this time, so that readers do not come back all at once."""
        self._is_draining = True
        loop = asyncio.get_running_loop()
        for connection in self.connections:
            loop.call_later(random.random() * seconds, connection.end, drain_frame())  # noqa: S311  # Spreads load.

    def drop_idle(self) -> None:
        """Forget what nobody has looked at for a while."""
        now = self.clock()
        for clinic_id, clinic in list(self.clinics.items()):
            clinic.drop_idle_topics(now)
            if not clinic.topics and now - clinic.used_at > CLINIC_LINGER:
                del self.clinics[clinic_id]

    def close(self) -> None:
        self._ticker.stop()


def drain_frame() -> bytes:
    """Each with a moment of its own to come back at."""
    return frames.drain(random.randint(500, 3000))  # noqa: S311  # Spreads load, guards nothing.


def scopes_of(change: Change, clinic_id: int) -> set[Scope]:
    """The scopes that a changed row was or is in."""
    scopes = {Scope(clinic_id)}
    for row in change:
        if row is not None:
            scopes.add(Scope(clinic_id, "practitioner", row.practitioner_id))
            scopes.add(Scope(clinic_id, "patient", row.patient_id))
    return scopes
