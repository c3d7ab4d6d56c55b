"""The queries of `feed` for what belongs to a clinic: of one clinic or of several, as many queries either way."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from clinic_stream.appointment import Clinic
from clinic_stream.connection_pools import Cursor, in_chunks, select
from clinic_stream.errors import ClinicUnreadable, Reason
from clinic_stream.event_ids import NO_MARK, EventId, mark_of
from clinic_stream.event_log import LOG_AGE, LOG_LENGTH
from clinic_stream.events import FeedEvent
from clinic_stream.inbox import NEWEST, Inbox, InboxItem
from clinic_stream.schedule import ClinicSchedule
from clinic_stream.taken_intervals import Hold

MAX_INBOXES_A_QUERY = 100

HEADS = "SELECT clinic_id, seq, epoch FROM live_head WHERE clinic_id IN %s"
CLINICS = "SELECT id, name, slug, timezone FROM live_clinic WHERE id IN %s"
EVENT_AT = "SELECT clinic_id, at FROM live_event WHERE clinic_id = %s AND seq = %s"
# And the newest one before them, for readers of a quiet clinic.
RECENT_EVENTS = (
    "SELECT clinic_id, seq, entity, entity_id, kind, at FROM live_event WHERE clinic_id = %s AND seq > %s"
    " AND seq >= COALESCE((SELECT seq FROM live_event WHERE clinic_id = %s AND seq > %s AND at < %s"
    " ORDER BY seq DESC LIMIT 1), 0)"
)
HOLDS = (
    "SELECT id, clinic_id, practitioner_id, starts_at, ends_at, expires_at, blocked_from, blocked_until FROM live_hold"
)
LIVE_HOLDS = f"{HOLDS} WHERE clinic_id IN %s AND expires_at > %s"
HOLDS_BY_ID = f"{HOLDS} WHERE clinic_id = %s AND id IN %s"
PRACTITIONERS = "SELECT clinic_id, id FROM live_practitioner WHERE clinic_id IN %s"
OFFERS = "SELECT clinic_id, service_id, practitioner_id FROM live_offer WHERE clinic_id IN %s"
NOTIFICATIONS = f"SELECT {', '.join(InboxItem._fields)} FROM live_notification"  # noqa: S608
# Each by an index of its own: read together, all that these users were ever told would be sorted.
OF_ONE = f"{NOTIFICATIONS} WHERE clinic_id = %s AND user_id = %s ORDER BY created_at DESC, id DESC LIMIT {NEWEST}"
UNREAD_COUNTS = (
    "SELECT user_id, COUNT(*) FROM live_notification WHERE clinic_id = %s AND user_id IN %s AND read_at IS NULL"
    " GROUP BY user_id"
)
SCHEDULE_VERSIONS = "SELECT clinic_id, schedule_version FROM live_schedule WHERE clinic_id IN %s"


@dataclass(frozen=True, slots=True)
class Head:
    """How far a clinic's numbered history reaches. Another epoch: the numbers have started anew."""

    epoch: str
    seq: int
    mark: int | None = field(default=None, compare=False)  # Of the newest event, where it was read.


async def read_heads(cursor: Cursor, clinic_ids: Iterable[int]) -> dict[int, Head]:
    """Without their marks. One query."""
    rows = await select(cursor, HEADS, tuple(clinic_ids))
    return {clinic_id: Head(epoch, seq) for clinic_id, seq, epoch in rows}


async def read_clinics(cursor: Cursor, clinic_ids: Iterable[int]) -> dict[int, tuple[Any, ...]]:
    """Rows of live_clinic. One query."""
    return {row[0]: row for row in await select(cursor, CLINICS, tuple(clinic_ids))}


async def read_live_holds(cursor: Cursor, clinic_ids: Iterable[int], now: datetime) -> defaultdict[int, list[Hold]]:
    """Those that have not expired. One query."""
    found: defaultdict[int, list[Hold]] = defaultdict(list)
    for row in await select(cursor, LIVE_HOLDS, tuple(clinic_ids), naive(now)):
        found[row[1]].append(Hold(*row))
    return found


async def read_schedules(cursor: Cursor, clinic_ids: Collection[int]) -> dict[int, ClinicSchedule]:
    """Three queries."""
    ids = tuple(clinic_ids)
    versions = dict(await select(cursor, SCHEDULE_VERSIONS, ids))
    practitioners: defaultdict[int, list[int]] = defaultdict(list)
    for clinic_id, practitioner_id in await select(cursor, PRACTITIONERS, ids):
        practitioners[clinic_id].append(practitioner_id)
    offers: defaultdict[int, list[tuple[int, int | None]]] = defaultdict(list)
    for clinic_id, *offer in await select(cursor, OFFERS, ids):
        offers[clinic_id].append((offer[0], offer[1]))
    return {one: ClinicSchedule.of(versions.get(one, 0), practitioners[one], offers[one]) for one in ids}


async def read_recent_events(
    cursor: Cursor, heads: Mapping[int, Head], now: datetime
) -> defaultdict[int, list[FeedEvent]]:
    """The newest events, in order. One query, which finds those of each clinic by their key."""
    args: list[object] = []
    for clinic_id, head in heads.items():
        oldest_seq = head.seq - LOG_LENGTH
        args += [clinic_id, oldest_seq, clinic_id, oldest_seq, naive(now - LOG_AGE)]
    found: defaultdict[int, list[FeedEvent]] = defaultdict(list)
    query = f"{' UNION ALL '.join([RECENT_EVENTS] * len(heads))} ORDER BY clinic_id, seq"
    for clinic_id, *event in await select(cursor, query, *args):
        found[clinic_id].append(FeedEvent(*event))
    return found


async def read_marks(cursor: Cursor, known: Collection[EventId]) -> dict[int, int]:
    """By clinic the mark that the event with this number has now. One query; none where nothing is known."""
    if not known:
        return {}
    query = " UNION ALL ".join([EVENT_AT] * len(known))
    rows = await select(cursor, query, *(part for one in known for part in (one.clinic_id, one.seq)))
    return {clinic_id: mark_of(at) for clinic_id, at in rows}


async def read_inboxes(cursor: Cursor, clinic: Clinic, seq: int, readers: Collection[int]) -> dict[int, Inbox]:
    """Also of users without notifications. Two queries for each hundred."""
    inboxes = {}
    for user_ids in in_chunks(readers, MAX_INBOXES_A_QUERY):
        rows: dict[int, list[InboxItem]] = {user_id: [] for user_id in user_ids}
        query = " UNION ALL ".join([f"({OF_ONE})"] * len(user_ids))
        for row in await select(cursor, query, *(arg for user_id in user_ids for arg in (clinic.id, user_id))):
            rows[row[1]].append(InboxItem(*row))
        unread = dict(await select(cursor, UNREAD_COUNTS, clinic.id, user_ids))
        for user_id in user_ids:
            inboxes[user_id] = Inbox.of(rows[user_id], unread.get(user_id, 0), seq=seq, zone=clinic.zone)
    return inboxes


def clinic_of(row: tuple[Any, ...]) -> Clinic:
    """Raises ClinicUnreadable."""
    clinic_id, name, slug, timezone = row
    try:
        zone = ZoneInfo(timezone)
    except (KeyError, ValueError, OSError) as error:  # Unknown, no name of a zone, or the name of a folder.
        raise ClinicUnreadable(f"clinic {clinic_id} is in an unknown time zone", Reason.TIME_ZONE) from error
    return Clinic(clinic_id, name, slug, zone)


def leads_to(known: EventId, head: Head, mark: int | None) -> bool:
    """Whether the history that ends at this head contains the known event; `mark`: the one its number has now."""
    return head.epoch == known.epoch and head.seq >= known.seq and (mark or NO_MARK) == known.mark


def naive(at: datetime) -> datetime:
    """As the database has it."""
    return at.astimezone(UTC).replace(tzinfo=None)
