"""Reads of the database: SELECT on the published live_* views, and nothing else.

Every connection is in autocommit: without it a connection would see one frozen snapshot for ever. Where several answers
must belong together (a clinic's head and rows, events and the rows they name) they are read in one consistent snapshot,
so what the stream shows under a sequence number is what the database held at exactly that commit.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson
from shared_config import LOCK_WAIT_SECONDS, StreamSettings
from shared_config.database_tls import requires_tls, ssl_context

from clinic_stream.appointment import Appointment, Clinic
from clinic_stream.appointment_queries import IDS_NAMED_BY, read_by_id, read_ids_named_by, read_sums
from clinic_stream.clinic_loads import LoadedStates, LoadRequest, read_states
from clinic_stream.clinic_queries import (
    HOLDS_BY_ID,
    Head,
    read_heads,
    read_inboxes,
    read_live_holds,
    read_schedules,
)
from clinic_stream.connection_pools import ConnectionPool, Cursor, ServerIdentity, in_chunks
from clinic_stream.connection_pools import select as _select
from clinic_stream.event_ids import NO_MARK, EventId, mark_of
from clinic_stream.events import EventBatch, FeedEvent, WindowChecksum
from clinic_stream.inbox import Inbox
from clinic_stream.schedule import Named
from clinic_stream.state import ClinicState
from clinic_stream.taken_intervals import Hold
from clinic_stream.viewers import Device, Right, Session, Subject

ACCOUNTS = 0  # The head that counts changes of accounts stands beside those of the clinics, under this id.

# How long one statement may take. `stale` is due within two seconds of the first thing that goes wrong.
HEADS_SECONDS = 1.4
FOLLOW_SECONDS = 5.0
LOAD_SECONDS = 15.0
# More missed events or named rows than this are not worth following one by one.
MAX_EVENTS_A_BATCH = 5_000
MAX_ROWS_A_BATCH = 2_000

MARK = "(SELECT at FROM live_event event WHERE event.clinic_id = head.clinic_id AND event.seq = head.seq)"
# One document: of rows, the driver takes 15 µs for each. With the newest event's instant, and whether the newest change
# is earlier than another one.
HEADS_WITH_MARKS = (
    f"SELECT JSON_ARRAYAGG(JSON_ARRAY(clinic_id, seq, epoch, {MARK}, COALESCE(changed_at < %s, 1)))"  # noqa: S608
    " FROM live_head head WHERE clinic_id IN %s"
)
CHANGED_HEADS = "SELECT JSON_ARRAYAGG(JSON_ARRAY(clinic_id, seq, epoch)) FROM live_head WHERE changed_at >= %s"
# The epoch; the time of the newest change, where one of the future, left by a clock that went wrong, counts as one of
# now; and of the heads with a change since an instant something that differs when one of them has moved.
LOOK = (
    "SELECT (SELECT epoch FROM live_head WHERE clinic_id = %s),"
    " (SELECT LEAST(changed_at, UTC_TIMESTAMP(6)) FROM live_head WHERE changed_at IS NOT NULL"
    " ORDER BY changed_at DESC LIMIT 1),"
    " (SELECT CONCAT(COUNT(*), ' ', COALESCE(SUM(seq), 0)) FROM live_head WHERE changed_at >= %s)"
)
ACCOUNTS_HEAD = f"SELECT seq, epoch, UTC_TIMESTAMP(6), {MARK} FROM live_head head WHERE clinic_id = %s"  # noqa: S608
# From a known event on: that it is there, under the same mark, proves that what follows continues the same history.
EVENTS = (
    "SELECT seq, entity, entity_id, kind, at FROM live_event WHERE clinic_id = %s AND seq >= %s ORDER BY seq LIMIT %s"
)
CLINIC_OF: dict[Named, str] = {
    "practitioner": "SELECT clinic_id FROM live_practitioner WHERE id = %s",
    "service": "SELECT DISTINCT clinic_id FROM live_offer WHERE service_id = %s",
}
SESSIONS = (
    "SELECT user_id, is_active, role, clinic_id, token_version, practitioner_id, patient_id, name FROM live_session"
    " WHERE user_id IN %s"
)
DEVICES = "SELECT device_id, clinic_id, kind, shows_names, version, name FROM live_device WHERE device_id IN %s"
FAMILIES = "SELECT user_id, patient_id FROM live_family WHERE user_id IN %s"
ENDED_SIGN_INS = "SELECT user_id, sign_in FROM live_ended_sign_in WHERE user_id IN %s"
PULSE = "SELECT at FROM live_pulse"
PROBES = tuple(
    f"SELECT 1 FROM live_{name} LIMIT 1"  # noqa: S608  # Names from this line.
    for name in (
        "head",
        "event",
        "clinic",
        "practitioner",
        "offer",
        "schedule",
        "appointment",
        "hold",
        "session",
        "family",
        "ended_sign_in",
        "device",
        "notification",
    )
)


class ScannedHeads(NamedTuple):
    """`earlier`: the clinics without a change since the instant."""

    heads: dict[int, Head]
    earlier: set[int]


class HeadsLook(NamedTuple):
    """`epoch` is None while there is no head of the accounts, `newest` before the first change. `moves` differs when a
    head has moved, for the same `since`."""

    epoch: str | None
    newest: datetime | None
    moves: str


def pool_options(settings: StreamSettings) -> dict[str, Any]:
    """Arguments of `ConnectionPool`: the server, the account and TLS."""
    options = {
        "host": settings.sse_db_host or settings.db_host,
        "port": settings.sse_db_port or settings.db_port,
        "db": settings.db_name,
        "user": settings.sse_db_user,
        "password": settings.sse_db_password.get_secret_value(),
        "charset": "utf8mb4",
        "ssl": ssl_context(settings),
    }
    return {"options": options, "requires_tls": requires_tls(settings)}


class Feed:
    def __init__(self, settings: StreamSettings) -> None:
        options = pool_options(settings)
        self.reads_replica = settings.reads_replica
        self.server = ServerIdentity()
        # How much later than it took its number a transaction of django-rest may commit.
        self.latest_commit = timedelta(seconds=settings.db_idle_transaction_seconds + LOCK_WAIT_SECONDS)

        def pool(size: int, seconds: float, *, is_queue: bool = False) -> ConnectionPool:
            return ConnectionPool(**options, server=self.server, size=size, seconds=seconds, is_queue=is_queue)

        self._heads = pool(1, HEADS_SECONDS)
        self._accounts = pool(2, HEADS_SECONDS)
        self._follow = pool(4, FOLLOW_SECONDS, is_queue=True)
        self._load = pool(4, LOAD_SECONDS, is_queue=True)
        self._trouble = pool(2, LOAD_SECONDS, is_queue=True)  # Clinics whose last read failed.
        self._sweep = pool(1, LOAD_SECONDS)
        self._probe = pool(1, HEADS_SECONDS)
        self._pulse = pool(1, HEADS_SECONDS)

    @property
    def pools(self) -> dict[str, ConnectionPool]:
        return {
            "heads": self._heads,
            "accounts": self._accounts,
            "follow": self._follow,
            "load": self._load,
            "trouble": self._trouble,
            "sweep": self._sweep,
            "probe": self._probe,
            "pulse": self._pulse,
        }

    async def open(self) -> None:
        """Needs no database yet: connections are made when first asked for."""
        for pool in self.pools.values():
            await pool.open()

    async def close(self) -> None:
        for pool in self.pools.values():
            await pool.close()

    async def probe(self) -> None:
        """Read one row of every view, so that a missing one or a missing right shows at once."""
        async with self._probe.cursor() as cursor:
            for query in (*PROBES, PULSE) if self.reads_replica else PROBES:
                await _select(cursor, query)

    @property
    def head_connections(self) -> int:
        """How many connections the heads have been read on so far: a new one may lead to another database."""
        return self._heads.connections

    async def head(self, clinic_id: int) -> Head | None:
        """Without its mark."""
        async with self._heads.cursor() as cursor:
            return (await read_heads(cursor, [clinic_id])).get(clinic_id)

    async def look(self, since: datetime | None) -> HeadsLook:
        """One row, however many heads have a change since then."""
        async with self._heads.cursor() as cursor:
            [row] = await _select(cursor, LOOK, ACCOUNTS, since)
        return HeadsLook(*row)

    async def changed_heads(self, since: datetime) -> dict[int, Head]:
        """Those with a change since then, without their marks. One query."""
        async with self._heads.cursor() as cursor:
            [(document,)] = await _select(cursor, CHANGED_HEADS, since)
        return {one: Head(epoch, seq) for one, seq, epoch in orjson.loads(document or "[]") if one != ACCOUNTS}

    async def heads(self, clinic_ids: Collection[int], since: datetime | None) -> ScannedHeads:
        """With their marks: the same number can stand for another event on another server. One query."""
        async with self._heads.cursor() as cursor:
            [(document,)] = await _select(cursor, HEADS_WITH_MARKS, since, tuple(clinic_ids))
        rows = orjson.loads(document or "[]")
        earlier = {row[0] for row in rows if row[4]} if since is not None else set()
        return ScannedHeads({one: Head(epoch, seq, _mark(at)) for one, seq, epoch, at, _ in rows}, earlier)

    async def accounts_head(self) -> tuple[Head, datetime] | None:
        """With the database's clock."""
        async with self._accounts.cursor() as cursor:
            rows = await _select(cursor, ACCOUNTS_HEAD, ACCOUNTS)
        if not rows:
            return None
        seq, epoch, now, at = rows[0]
        return Head(epoch, seq, mark_of(at) if at else NO_MARK), now.replace(tzinfo=UTC)

    async def pulse(self) -> datetime | None:
        """When the writing side last wrote its pulse, as this server has it."""
        async with self._pulse.cursor() as cursor:
            rows = await _select(cursor, PULSE)
        return rows[0][0] if rows else None

    async def load(self, loads: Sequence[LoadRequest], *, in_trouble: bool = False) -> LoadedStates:
        """Live windows at one instant. See `read_states`."""
        pool = self._trouble if in_trouble else self._load
        async with pool.snapshot() as cursor:
            return await read_states(cursor, loads)

    async def next_batch(
        self, state: ClinicState, readers: Collection[int] = (), *, in_trouble: bool = False
    ) -> EventBatch | None:
        """The events after `state.seq` and the rows they name, at one instant; of inboxes those of `readers`, who are
        asked for when the instant is fixed: whoever comes after it reads what is newer.

        None when the clinic must be loaded again: our own event is not there any more or is another one, events are
        missing, change the clinic itself, or name too much.
        """
        pool = self._trouble if in_trouble else self._follow
        async with pool.snapshot() as cursor:
            clinic_id = state.clinic.id
            events = await _events_after(cursor, state.event_id)
            if events is None:
                return None
            if any(event.entity == "clinic" for event in events):
                return None
            rows = await _named_appointments(cursor, state, events)
            if rows is None:
                return None
            holds = await _named_holds(cursor, clinic_id, events)
            named = _named(events, "notification") & set(readers)
            schedules = await read_schedules(cursor, [clinic_id]) if _named(events, "schedule") else {}
            inboxes = await read_inboxes(cursor, state.clinic, events[-1].seq, named)
            return EventBatch(events, rows, holds, inboxes, schedules.get(clinic_id))

    async def inbox(self, clinic: Clinic, user_id: int) -> tuple[Head | None, Inbox]:
        """The clinic's head, and the user's inbox at it. Three queries."""
        async with self._load.snapshot() as cursor:
            head = (await read_heads(cursor, [clinic.id])).get(clinic.id)
            inboxes = await read_inboxes(cursor, clinic, head.seq if head else 0, [user_id])
            return head, inboxes[user_id]

    async def visit(self, clinic: Clinic, visit_id: int) -> tuple[Head | None, Appointment | None]:
        """The clinic's head, and the visit at it. Two queries."""
        async with self._load.snapshot() as cursor:
            head = (await read_heads(cursor, [clinic.id])).get(clinic.id)
            found = await read_by_id(cursor, clinic, [visit_id])
            return head, found.get(visit_id)

    async def clinic_of(self, named: Named, row_id: int) -> int | None:
        """None when there is no such clinic, practitioner or service, or it is active no more."""
        async with self._load.cursor() as cursor:
            rows = await _select(cursor, CLINIC_OF[named], row_id)
        return int(rows[0][0]) if rows else None

    async def sums_of(
        self, states: Collection[ClinicState], now: datetime, readers: Mapping[int, Collection[int]]
    ) -> dict[int, tuple[Head | None, WindowChecksum]]:
        """By clinic its head, and what its live window and the inboxes of these readers add up to at it. Six queries,
        whatever the number of clinics and rows, and two more for each clinic with an inbox."""
        windows = {state.clinic.id: state.window for state in states}
        found: dict[int, tuple[Head | None, WindowChecksum]] = {}
        async with self._sweep.snapshot() as cursor:
            heads = await read_heads(cursor, windows)
            sums = await read_sums(cursor, windows)
            holds = await read_live_holds(cursor, windows, now)
            schedules = await read_schedules(cursor, windows)
            for state in states:
                one = state.clinic.id
                seq = heads[one].seq if one in heads else 0
                inboxes = await read_inboxes(cursor, state.clinic, seq, readers.get(one, ()))
                found[one] = heads.get(one), WindowChecksum(*sums[one], frozenset(holds[one]), schedules[one], inboxes)
        return found

    async def session_changes(self, known: Head) -> tuple[Head, set[Subject]] | None:
        """The head after the events that follow the known one, and the users and devices they concern. None when events
        are missing, the known one included."""
        async with self._accounts.cursor() as cursor:
            events = await _events_after(cursor, EventId(known.epoch, ACCOUNTS, known.seq, known.mark or NO_MARK))
        if events is None:
            return None
        last = events[-1]
        return Head(known.epoch, last.seq, last.mark), {
            Subject("device" if event.entity == "device" else "user", event.entity_id) for event in events
        }

    async def rights(self, subjects: Iterable[Subject]) -> dict[Subject, Right]:
        """Of users and devices; what is missing in the answer does not exist."""
        by_kind: defaultdict[str, list[int]] = defaultdict(list)
        for subject in subjects:
            by_kind[subject.kind].append(subject.id)
        users = await self._sessions(by_kind["user"]) if by_kind["user"] else {}
        devices = await self._devices(by_kind["device"]) if by_kind["device"] else {}
        found: dict[Subject, Right] = {Subject("user", row_id): session for row_id, session in users.items()}
        return {**found, **{Subject("device", row_id): device for row_id, device in devices.items()}}

    async def _devices(self, device_ids: Iterable[int]) -> dict[int, Device]:
        async with self._accounts.cursor() as cursor:
            rows = [row for some in in_chunks(device_ids) for row in await _select(cursor, DEVICES, some)]
        return {row[0]: Device(row[0], row[1], row[2], bool(row[3]), row[4], row[5]) for row in rows}

    async def _sessions(self, user_ids: Iterable[int]) -> dict[int, Session]:
        """With their families, and the sign-ins of theirs that have ended. Users that are missing in the answer do not
        exist. Three queries for each 500."""
        found: dict[int, Session] = {}
        async with self._accounts.cursor() as cursor:
            for some in in_chunks(user_ids):
                rows = await _select(cursor, SESSIONS, some)
                families: defaultdict[int, set[int]] = defaultdict(set)
                for user_id, patient_id in await _select(cursor, FAMILIES, some):
                    families[user_id].add(patient_id)
                ended: defaultdict[int, set[str]] = defaultdict(set)
                for user_id, sign_in in await _select(cursor, ENDED_SIGN_INS, some):
                    ended[user_id].add(sign_in)
                found.update({row[0]: _session(row, families[row[0]], ended[row[0]]) for row in rows})
        return found


def _mark(at: str | None) -> int:
    """Of an instant in a document."""
    return mark_of(datetime.fromisoformat(at)) if at else NO_MARK


async def _events_after(cursor: Cursor, known: EventId) -> list[FeedEvent] | None:
    """The events that follow the known one; None unless that one is still there, without a gap, and not too many."""
    rows = await _select(cursor, EVENTS, known.clinic_id, known.seq, MAX_EVENTS_A_BATCH + 2)
    events = [FeedEvent(*row) for row in rows]
    own, following = (events[:1], events[1:]) if events and events[0].seq == known.seq else ([], events)
    if (own[0].mark if own else NO_MARK) != known.mark or len(following) > MAX_EVENTS_A_BATCH:
        return None
    return following if _follow_on(following, known.seq) else None


async def _named_appointments(cursor: Cursor, state: ClinicState, events: list[FeedEvent]) -> list[Appointment] | None:
    """None when they are too many to be followed."""
    clinic_id, window = state.clinic.id, state.window
    row_ids = _named(events, "appointment") | state.visits_named_by(events)
    for entity in IDS_NAMED_BY:
        if named := _named(events, entity):
            row_ids.update(await read_ids_named_by(cursor, clinic_id, window, entity, named))
    if len(row_ids) > MAX_ROWS_A_BATCH:
        return None
    return list((await read_by_id(cursor, state.clinic, row_ids)).values())


async def _named_holds(cursor: Cursor, clinic_id: int, events: list[FeedEvent]) -> list[Hold]:
    return [
        Hold(*row)
        for ids in in_chunks(_named(events, "hold"))
        for row in await _select(cursor, HOLDS_BY_ID, clinic_id, ids)
    ]


def _named(events: list[FeedEvent], entity: str) -> set[int]:
    return {event.entity_id for event in events if event.entity == entity}


def _follow_on(events: list[FeedEvent], seq: int) -> bool:
    """Whether nothing is missing: there is something, and it is numbered from `seq` without a gap."""
    return bool(events) and [event.seq for event in events] == list(range(seq + 1, seq + 1 + len(events)))


def _session(row: tuple[Any, ...], family: set[int], ended: set[str]) -> Session:
    user_id, is_active, *rest = row
    return replace(Session(user_id, bool(is_active), *rest), family=frozenset(family), ended=frozenset(ended))
