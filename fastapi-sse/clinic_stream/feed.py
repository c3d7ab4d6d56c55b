"""All SQL of this service: SELECT on the published live_* views, and nothing else.

Every connection is in autocommit: without it a connection would see one frozen snapshot for ever. Where several answers
must belong together (a clinic's head and rows, events and the rows they name) they are read in one consistent snapshot,
so what the stream shows under a sequence number is what the database held at exactly that commit.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from shared_config import StreamSettings
from shared_config.database_tls import requires_tls, ssl_context

from clinic_stream.errors import ClinicUnreadable, Reason
from clinic_stream.event_ids import NO_MARK, EventId, mark_of
from clinic_stream.inbox import NEWEST, Inbox, Notification
from clinic_stream.lanes import Cursor, Lane, Source
from clinic_stream.state import (
    COLUMNS,
    LOG_AGE,
    LOG_LENGTH,
    NULL,
    PENDING,
    Appointment,
    Batch,
    Clinic,
    ClinicState,
    Event,
    Hold,
    Sum,
    Window,
)
from clinic_stream.viewers import Session

ACCOUNTS = 0  # The head that counts changes of accounts stands beside those of the clinics, under this id.

# How long one statement may take. `stale` is due within two seconds of the first thing that goes wrong.
HEADS_SECONDS = 1.4
FOLLOW_SECONDS = 5.0
LOAD_SECONDS = 15.0
# How often the newest events themselves are compared, and not only their numbers.
PROOF_SECONDS = 1.0
MOST_IDS_A_QUERY = 500
MOST_INBOXES_A_QUERY = 100
# More missed events than this are not worth following one by one.
MOST_EVENTS_A_BATCH = 5_000

HEADS = "SELECT clinic_id, seq, epoch FROM live_head WHERE clinic_id IN %s"
HEADS_WITH_MARKS = (
    "SELECT clinic_id, seq, epoch, (SELECT at FROM live_event event"
    " WHERE event.clinic_id = head.clinic_id AND event.seq = head.seq) FROM live_head head WHERE clinic_id IN %s"
)
ACCOUNTS_HEAD = (
    "SELECT seq, epoch, UTC_TIMESTAMP(6), (SELECT at FROM live_event event"
    " WHERE event.clinic_id = head.clinic_id AND event.seq = head.seq) FROM live_head head WHERE clinic_id = %s"
)
# From a known event on: that it is there, under the same mark, proves that what follows continues the same history.
EVENTS = (
    "SELECT seq, entity, entity_id, kind, at FROM live_event WHERE clinic_id = %s AND seq >= %s ORDER BY seq LIMIT %s"
)
# And the newest one before them, for readers of a quiet clinic.
EVENT_AT = "SELECT at FROM live_event WHERE clinic_id = %s AND seq = %s"
RECENT_EVENTS = (
    "SELECT seq, entity, entity_id, kind, at FROM live_event WHERE clinic_id = %s AND seq > %s AND seq >= COALESCE("
    "(SELECT seq FROM live_event WHERE clinic_id = %s AND seq > %s AND at < %s ORDER BY seq DESC LIMIT 1), 0)"
    " ORDER BY seq"
)
CLINIC = "SELECT id, name, slug, timezone FROM live_clinic WHERE id = %s"
APPOINTMENTS = f"SELECT {', '.join(COLUMNS)} FROM live_appointment"  # noqa: S608
IN_WINDOW = " WHERE clinic_id = %s AND (local_date BETWEEN %s AND %s OR status = %s)"
APPOINTMENTS_IN_WINDOW = APPOINTMENTS + IN_WINDOW
APPOINTMENTS_BY_ID = APPOINTMENTS + " WHERE clinic_id = %s AND id IN %s"
APPOINTMENTS_NAMED_BY = {
    "patient": APPOINTMENTS_IN_WINDOW + " AND patient_id IN %s",
    "practitioner": APPOINTMENTS_IN_WINDOW + " AND practitioner_id IN %s",
    "service": APPOINTMENTS_IN_WINDOW + " AND service_id IN %s",
}
HOLDS = (
    "SELECT id, clinic_id, practitioner_id, starts_at, ends_at, expires_at, blocked_from, blocked_until FROM live_hold"
    " WHERE clinic_id = %s"
)
LIVE_HOLDS = HOLDS + " AND expires_at > %s"
HOLDS_BY_ID = HOLDS + " AND id IN %s"
PRACTITIONERS = "SELECT id FROM live_practitioner WHERE clinic_id = %s"
CLINIC_OF_PRACTITIONER = "SELECT clinic_id FROM live_practitioner WHERE id = %s"
NOTIFICATIONS = f"SELECT {', '.join(Notification._fields)} FROM live_notification"  # noqa: S608
# Each by an index of its own: read together, all that these users were ever told would be sorted.
OF_ONE = f"{NOTIFICATIONS} WHERE clinic_id = %s AND user_id = %s ORDER BY created_at DESC, id DESC LIMIT {NEWEST}"
UNREAD_COUNTS = (
    "SELECT user_id, COUNT(*) FROM live_notification WHERE clinic_id = %s AND user_id IN %s AND read_at IS NULL"
    " GROUP BY user_id"
)
SESSIONS = (
    "SELECT user_id, is_active, role, clinic_id, token_version, practitioner_id, patient_id, name FROM live_session"
    " WHERE user_id IN %s"
)
# One number for all rows, in any order: the same text is made of a row in `state`.
TEXTS = ", ".join(f"COALESCE({column}, '{NULL}')" for column in COLUMNS)
SUM_OF_APPOINTMENTS = (
    f"SELECT COUNT(*), COALESCE(BIT_XOR(CRC32(CONCAT_WS('|', {TEXTS}))), 0) FROM live_appointment{IN_WINDOW}"  # noqa: S608
)
PULSE = "SELECT at FROM live_pulse"
PROBES = tuple(
    f"SELECT 1 FROM live_{name} LIMIT 1"  # noqa: S608  # Names from this line.
    for name in ("head", "event", "clinic", "practitioner", "appointment", "hold", "session", "notification")
)


@dataclass(frozen=True, slots=True)
class Head:
    """How far a clinic's numbered history reaches. Another epoch: the numbers have started anew."""

    epoch: str
    seq: int
    mark: int | None = field(default=None, compare=False)  # Of the newest event, where it was read.


def lane_options(settings: StreamSettings) -> dict[str, Any]:
    """Arguments of `Lane`: the server, the account and TLS."""
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
        options = lane_options(settings)
        self.reads_replica = settings.reads_replica
        self.source = Source()

        def lane(size: int, seconds: float, *, is_queue: bool = False) -> Lane:
            return Lane(**options, source=self.source, size=size, seconds=seconds, is_queue=is_queue)

        self._heads = lane(1, HEADS_SECONDS)
        self._accounts = lane(2, HEADS_SECONDS)
        self._follow = lane(4, FOLLOW_SECONDS, is_queue=True)
        self._load = lane(4, LOAD_SECONDS, is_queue=True)
        self._trouble = lane(2, LOAD_SECONDS, is_queue=True)  # Clinics whose last read failed.
        self._sweep = lane(1, LOAD_SECONDS)
        self._probe = lane(1, HEADS_SECONDS)
        self._pulse = lane(1, HEADS_SECONDS)
        self._proved_connections = -1
        self._prove_at = 0.0

    @property
    def _lanes(self) -> list[Lane]:
        return [
            self._heads,
            self._accounts,
            self._follow,
            self._load,
            self._trouble,
            self._sweep,
            self._probe,
            self._pulse,
        ]

    async def open(self) -> None:
        """Needs no database yet: connections are made when first asked for."""
        for lane in self._lanes:
            await lane.open()

    async def close(self) -> None:
        for lane in self._lanes:
            await lane.close()

    async def probe(self) -> None:
        """Read one row of every view, so that a missing one or a missing right shows at once."""
        async with self._probe.cursor() as cursor:
            for query in (*PROBES, PULSE) if self.reads_replica else PROBES:
                await _select(cursor, query)

    async def heads(self, clinic_ids: Iterable[int], *, with_marks: bool = False) -> dict[int, Head]:
        """One query. The marks of the newest events come with it when asked for, after every new connection to the
        database, and once a second: the same number can stand for another event on another server."""
        async with self._heads.cursor() as cursor:
            now, connections = asyncio.get_running_loop().time(), self.source.connections
            if not with_marks and connections == self._proved_connections and now < self._prove_at:
                return await _heads(cursor, clinic_ids)
            heads = await _heads_with_marks(cursor, clinic_ids)
        self._proved_connections, self._prove_at = connections, now + PROOF_SECONDS
        return heads

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

    async def load(
        self,
        clinic_id: int,
        now: datetime,
        readers: Collection[int] = (),
        *,
        known: EventId | None = None,
        in_trouble: bool = False,
    ) -> ClinicState | None:
        """A clinic's live window at one instant, or None when there is no such clinic. Six queries, one more with the
        `known` event that it should continue from, and two for each hundred users whose inboxes are wanted too. Raises
        ClinicUnreadable."""
        lane = self._trouble if in_trouble else self._load
        async with lane.snapshot() as cursor:
            heads = await _heads(cursor, [clinic_id])
            clinics = await _select(cursor, CLINIC, clinic_id)
            if clinic_id not in heads or not clinics:
                return None
            state = await _load_state(cursor, _clinic(clinics[0]), heads[clinic_id], now)
            state.inboxes = await _inboxes(cursor, state.clinic, state.seq, readers)
            if known is not None:
                state.continues = await _leads_to(cursor, known, heads[clinic_id])
            return state

    async def next_batch(
        self, state: ClinicState, readers: Collection[int] = (), *, in_trouble: bool = False
    ) -> Batch | None:
        """The events after `state.seq` and the rows they name, at one instant; of inboxes those of `readers`, who are
        asked for when the instant is fixed: whoever comes after it reads what is newer.

        None when the clinic must be loaded again: our own event is not there any more or is another one, events are
        missing, too many, or change the clinic itself.
        """
        lane = self._trouble if in_trouble else self._follow
        async with lane.snapshot() as cursor:
            clinic_id = state.clinic.id
            events = await _events_after(cursor, state.event_id)
            if events is None:
                return None
            if any(event.entity == "clinic" for event in events):
                return None
            rows = await _named_appointments(cursor, state, events)
            holds = await _named_holds(cursor, clinic_id, events)
            named = _named(events, "notification") & set(readers)
            return Batch(events, rows, holds, await _inboxes(cursor, state.clinic, events[-1].seq, named))

    async def inbox(self, clinic: Clinic, user_id: int) -> tuple[Head | None, Inbox]:
        """The clinic's head, and the user's inbox at it. Three queries."""
        async with self._load.snapshot() as cursor:
            head = (await _heads(cursor, [clinic.id])).get(clinic.id)
            inboxes = await _inboxes(cursor, clinic, head.seq if head else 0, [user_id])
            return head, inboxes[user_id]

    async def clinic_of_practitioner(self, practitioner_id: int) -> int | None:
        """None when there is no such practitioner, or none who works there any more."""
        async with self._load.cursor() as cursor:
            rows = await _select(cursor, CLINIC_OF_PRACTITIONER, practitioner_id)
        return int(rows[0][0]) if rows else None

    async def sum_of(self, state: ClinicState, now: datetime, readers: Collection[int] = ()) -> tuple[Head | None, Sum]:
        """The clinic's head, and what its live window and these inboxes add up to at it. Four queries, whatever the
        number of rows, and two more where there is an inbox."""
        clinic_id = state.clinic.id
        async with self._sweep.snapshot() as cursor:
            heads = await _heads(cursor, [clinic_id])
            [(rows, rows_sum)] = await _select(cursor, SUM_OF_APPOINTMENTS, clinic_id, *state.window, PENDING)
            holds = [Hold(*row) for row in await _select(cursor, LIVE_HOLDS, clinic_id, _naive(now))]
            practitioner_ids = [row[0] for row in await _select(cursor, PRACTITIONERS, clinic_id)]
            head = heads.get(clinic_id)
            inboxes = await _inboxes(cursor, state.clinic, head.seq if head else 0, readers)
        return head, Sum(rows, int(rows_sum), frozenset(holds), frozenset(practitioner_ids), inboxes)

    async def session_changes(self, known: Head) -> tuple[Head, set[int]] | None:
        """The head after the events that follow the known one, and the users they concern. None when events are
        missing, the known one included."""
        async with self._accounts.cursor() as cursor:
            events = await _events_after(cursor, EventId(known.epoch, ACCOUNTS, known.seq, known.mark or NO_MARK))
        if events is None:
            return None
        last = events[-1]
        return Head(known.epoch, last.seq, last.mark), {event.entity_id for event in events}

    async def sessions(self, user_ids: Iterable[int]) -> dict[int, Session]:
        """Users that are missing in the answer do not exist."""
        found: dict[int, Session] = {}
        async with self._accounts.cursor() as cursor:
            for some in _in_chunks(user_ids):
                found.update({row[0]: _session(row) for row in await _select(cursor, SESSIONS, some)})
        return found


async def _select(cursor: Cursor, query: str, *args: object) -> Sequence[tuple[Any, ...]]:
    """Run one query. A tuple among the arguments stands for as many places in parentheses."""
    places = (f"({', '.join(['%s'] * len(arg))})" if isinstance(arg, tuple) else "%s" for arg in args)
    values = [value for arg in args for value in (arg if isinstance(arg, tuple) else (arg,))]
    await cursor.execute(query % tuple(places), values)
    return await cursor.fetchall()


async def _heads(cursor: Cursor, clinic_ids: Iterable[int]) -> dict[int, Head]:
    rows = await _select(cursor, HEADS, tuple(clinic_ids))
    return {clinic_id: Head(epoch, seq) for clinic_id, seq, epoch in rows}


async def _heads_with_marks(cursor: Cursor, clinic_ids: Iterable[int]) -> dict[int, Head]:
    rows = await _select(cursor, HEADS_WITH_MARKS, tuple(clinic_ids))
    return {clinic_id: Head(epoch, seq, mark_of(at) if at else NO_MARK) for clinic_id, seq, epoch, at in rows}


async def _leads_to(cursor: Cursor, known: EventId, head: Head) -> bool:
    """Whether the history that ends at this head contains the known event."""
    if head.epoch != known.epoch or head.seq < known.seq:
        return False
    found = await _select(cursor, EVENT_AT, known.clinic_id, known.seq)
    return (mark_of(found[0][0]) if found else NO_MARK) == known.mark


async def _load_state(cursor: Cursor, clinic: Clinic, head: Head, now: datetime) -> ClinicState:
    today = now.astimezone(clinic.zone).date()
    oldest_at = _naive(now - LOG_AGE)
    oldest_seq = head.seq - LOG_LENGTH
    first, last = Window.around(today)
    return ClinicState(
        clinic=clinic,
        epoch=head.epoch,
        seq=head.seq,
        today=today,
        rows=await _appointments(cursor, clinic.zone, APPOINTMENTS_IN_WINDOW, clinic.id, first, last, PENDING),
        holds=[Hold(*row) for row in await _select(cursor, LIVE_HOLDS, clinic.id, _naive(now))],
        recent=[
            Event(*row)
            for row in await _select(cursor, RECENT_EVENTS, clinic.id, oldest_seq, clinic.id, oldest_seq, oldest_at)
        ],
        practitioner_ids=[row[0] for row in await _select(cursor, PRACTITIONERS, clinic.id)],
    )


async def _events_after(cursor: Cursor, known: EventId) -> list[Event] | None:
    """The events that follow the known one; None unless that one is still there, without a gap, and not too many."""
    rows = await _select(cursor, EVENTS, known.clinic_id, known.seq, MOST_EVENTS_A_BATCH + 2)
    events = [Event(*row) for row in rows]
    own, following = (events[:1], events[1:]) if events and events[0].seq == known.seq else ([], events)
    if (own[0].mark if own else NO_MARK) != known.mark or len(following) > MOST_EVENTS_A_BATCH:
        return None
    return following if _follow_on(following, known.seq) else None


async def _named_appointments(cursor: Cursor, state: ClinicState, events: list[Event]) -> list[Appointment]:
    clinic, window = state.clinic, state.window
    rows: dict[int, Appointment] = {}
    for ids in _in_chunks(_named(events, "appointment")):
        found = await _appointments(cursor, clinic.zone, APPOINTMENTS_BY_ID, clinic.id, ids)
        rows.update({row.id: row for row in found})
    for entity, query in APPOINTMENTS_NAMED_BY.items():
        for ids in _in_chunks(_named(events, entity)):
            found = await _appointments(cursor, clinic.zone, query, clinic.id, *window, PENDING, ids)
            rows.update({row.id: row for row in found})
    return list(rows.values())


async def _named_holds(cursor: Cursor, clinic_id: int, events: list[Event]) -> list[Hold]:
    return [
        Hold(*row)
        for ids in _in_chunks(_named(events, "hold"))
        for row in await _select(cursor, HOLDS_BY_ID, clinic_id, ids)
    ]


async def _inboxes(cursor: Cursor, clinic: Clinic, seq: int, readers: Collection[int]) -> dict[int, Inbox]:
    """Also of who was told nothing. Two queries for each hundred."""
    inboxes = {}
    for user_ids in _in_chunks(readers, MOST_INBOXES_A_QUERY):
        rows: dict[int, list[Notification]] = {user_id: [] for user_id in user_ids}
        query = " UNION ALL ".join([f"({OF_ONE})"] * len(user_ids))
        for row in await _select(cursor, query, *(arg for user_id in user_ids for arg in (clinic.id, user_id))):
            rows[row[1]].append(Notification(*row))
        unread = dict(await _select(cursor, UNREAD_COUNTS, clinic.id, user_ids))
        for user_id in user_ids:
            inboxes[user_id] = Inbox.of(rows[user_id], unread.get(user_id, 0), seq=seq, zone=clinic.zone)
    return inboxes


async def _appointments(cursor: Cursor, zone: ZoneInfo, query: str, *args: object) -> list[Appointment]:
    return [Appointment(zone, *row) for row in await _select(cursor, query, *args)]


def _named(events: list[Event], entity: str) -> set[int]:
    return {event.entity_id for event in events if event.entity == entity}


def _follow_on(events: list[Event], seq: int) -> bool:
    """Whether nothing is missing: there is something, and it is numbered from `seq` without a gap."""
    return bool(events) and [event.seq for event in events] == list(range(seq + 1, seq + 1 + len(events)))


def _in_chunks(ids: Iterable[int], most: int = MOST_IDS_A_QUERY) -> list[tuple[int, ...]]:
    ordered = sorted(ids)
    return [tuple(ordered[start : start + most]) for start in range(0, len(ordered), most)]


def _clinic(row: tuple[Any, ...]) -> Clinic:
    clinic_id, name, slug, timezone = row
    try:
        zone = ZoneInfo(timezone)
    except (KeyError, ValueError, OSError) as error:  # Unknown, no name of a zone, or the name of a folder.
        raise ClinicUnreadable(f"clinic {clinic_id} is in an unknown time zone", Reason.TIME_ZONE) from error
    return Clinic(clinic_id, name, slug, zone)


def _session(row: tuple[Any, ...]) -> Session:
    user_id, is_active, *rest = row
    return Session(user_id, bool(is_active), *rest)


def _naive(at: datetime) -> datetime:
    """As the database has it."""
    return at.astimezone(UTC).replace(tzinfo=None)
