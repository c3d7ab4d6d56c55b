"""A user's notifications: the newest, how many are unread, and what a reader of them is told."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from clinic_stream.audiences import AppointmentAudience, AvailabilityAudience, InboxAudience, RecordScope
from clinic_stream.event_ids import EventId
from clinic_stream.events import EventBatch, FeedEvent, MissedChanges
from clinic_stream.inbox import NEWEST, Inbox, InboxItem
from clinic_stream.inbox_topic import InboxTopic
from clinic_stream.live_clinic import LiveClinic
from clinic_stream.params import Mode
from clinic_stream.state import ClinicState
from clinic_stream.topics import TOPIC_LINGER
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testkit.stream.rows import BERLIN, NOON, event, event_id, state

PAULA, PETE = 31, 32
SOON = NOON + timedelta(minutes=1)


def notification(row_id: int, user_id: int = PAULA, *, is_read: bool = False, **changed: Any) -> InboxItem:
    """The higher the id, the newer."""
    at = NOON.replace(tzinfo=None) + timedelta(seconds=row_id)
    values: dict[str, Any] = {
        "kind": "offer",
        "title": f"Number {row_id}",
        "body": "…",
        "appointment_id": None,
        "created_at": at,
        "read_at": at if is_read else None,
    }
    return InboxItem(row_id, user_id, **{**values, **changed})


def inbox(*rows: InboxItem, seq: int = 100) -> Inbox:
    unread = sum(row.read_at is None for row in rows)
    return Inbox.of(rows, unread, seq=seq, zone=BERLIN)


def told(seq: int, user_id: int = PAULA) -> FeedEvent:
    return event(seq, user_id, "refresh", entity="notification")


def paulas(*rows: InboxItem) -> tuple[LiveClinic, InboxTopic]:
    """A clinic, with a topic on what Paula was told."""
    clinic = LiveClinic(state(), NOON)
    topic = clinic.inbox(PAULA, NOON)
    clinic.take_inbox(PAULA, inbox(*rows))
    return clinic, topic


def body(frame: bytes) -> dict[str, Any]:
    [line] = [line for line in frame.decode().split("\n") if line.startswith("data: ")]
    return dict(json.loads(line[6:]))


def ids_in(frame: bytes) -> list[int]:
    return [row["id"] for row in body(frame)["notifications"]]


def test_the_newest_come_first() -> None:
    made = inbox(notification(1), notification(3), notification(2))
    assert list(made.rows) == [3, 2, 1]
    assert list(inbox(notification(4), notification(5, created_at=notification(4).created_at)).rows) == [5, 4]


def test_only_the_newest_are_shown_and_all_that_are_unread_counted() -> None:
    made = inbox(*(notification(number) for number in range(NEWEST + 7)))
    assert (len(made.rows), min(made.rows), made.unread_count) == (NEWEST, 7, NEWEST + 7)


def test_two_that_show_the_same_are_equal_whenever_they_were_read() -> None:
    assert inbox(notification(1), seq=5) == inbox(notification(1), seq=9)
    assert inbox(notification(1)) != inbox(notification(1, is_read=True))
    assert inbox() != Inbox({}, 1, seq=100)


@pytest.mark.parametrize("mode", ["snapshot", "delta"])
def test_reader_is_told_everything_first(mode: Mode) -> None:
    _, topic = paulas(notification(1), notification(2, is_read=True))
    opening = topic.opening(None, mode, NOON)
    assert (ids_in(opening.frame), opening.result) == ([2, 1], "snapshot")
    assert (body(opening.frame)["unread_count"], body(opening.frame)["seq"]) == (1, 100)


def test_reading_is_one_upsert() -> None:
    clinic, topic = paulas(notification(1), notification(2))
    clinic.advance(
        EventBatch([told(101)], [], inboxes={PAULA: inbox(notification(1, is_read=True), notification(2), seq=101)})
    )
    change = body(topic.since(topic.version - 1, "delta", NOON))
    assert [(row["id"], row["read_at"] is None) for row in change.pop("upserts")] == [(1, False)]
    assert change == {"removes": [], "unread_count": 1, "seq": 101}


def test_rows_that_newer_ones_push_out_are_removed() -> None:
    rows = [notification(number) for number in range(NEWEST)]
    clinic, topic = paulas(*rows)
    newer = inbox(*rows, notification(NEWEST), seq=101)
    clinic.advance(EventBatch([told(101)], [], inboxes={PAULA: newer}))
    change = body(topic.since(topic.version - 1, "delta", NOON))
    assert ([row["id"] for row in change["upserts"]], change["removes"]) == ([NEWEST], [0])
    assert change["unread_count"] == NEWEST + 1


def test_reading_what_is_too_old_to_be_shown_tells_the_count() -> None:
    clinic, topic = paulas(notification(1))
    clinic.advance(EventBatch([told(101)], [], inboxes={PAULA: Inbox(topic.inbox.rows, 0, seq=101)}))
    assert body(topic.since(topic.version - 1, "delta", NOON)) == {
        "upserts": [],
        "removes": [],
        "unread_count": 0,
        "seq": 101,
    }


def test_messages_to_others_make_no_version() -> None:
    clinic, topic = paulas(notification(1))
    version = topic.version
    clinic.advance(EventBatch([told(101, PETE)], []))
    assert topic.version == version
    assert clinic.state.inboxes.keys() == {PAULA}


def test_unused_topic_is_not_kept() -> None:
    clinic, topic = paulas(notification(1))
    other = clinic.inbox(PETE, NOON + TOPIC_LINGER)
    clinic.drop_idle_topics(NOON + TOPIC_LINGER + timedelta(seconds=1))
    assert clinic.topics == {InboxAudience(1, PETE): other}
    assert (set(clinic.recipients), clinic.state.inboxes) == ({PETE}, {})
    clinic.take_inbox(PAULA, inbox(notification(1)))
    assert clinic.state.inboxes == {}
    assert clinic.inbox(PAULA, NOON) is not topic


@pytest.mark.parametrize("seen", ["inbox", "appointments", "availability"])
def test_topic_that_is_asked_for_stays_until_its_reader_comes(seen: str) -> None:
    clinic = LiveClinic(state(), NOON)

    def ask(at: Any) -> object:
        if seen == "inbox":
            return clinic.inbox(PAULA, at)
        return (
            clinic.topic(AppointmentAudience(RecordScope(1)), at)
            if seen == "appointments"
            else clinic.availability(AvailabilityAudience(1, 2), at)
        )

    topic = ask(NOON)
    assert ask(NOON + TOPIC_LINGER) is topic
    clinic.drop_idle_topics(NOON + TOPIC_LINGER + timedelta(seconds=1))
    assert list(clinic.topics.values()) == [topic]


def test_an_older_look_does_not_undo_a_newer_one() -> None:
    """It was read before a batch of events, and came after it."""
    clinic = LiveClinic(state(), NOON)
    topic = clinic.inbox(PAULA, NOON)
    clinic.advance(EventBatch([told(101)], [], inboxes={PAULA: inbox(notification(2), seq=101)}))
    clinic.take_inbox(PAULA, inbox(notification(1), seq=100))
    assert list(topic.inbox.rows) == [2]


def test_look_that_came_while_the_clinic_was_loaded_again_is_kept() -> None:
    clinic, topic = paulas(notification(1))
    asyncio.run(clinic.replace(state(seq=100)))
    assert (list(topic.inbox.rows), list(clinic.state.inboxes)) == ([1], [PAULA])
    asyncio.run(clinic.replace(state(seq=100, inboxes={PAULA: inbox(notification(2))})))
    assert (list(topic.inbox.rows), list(clinic.state.inboxes[PAULA].rows)) == ([2], [2])


# Coming back


@pytest.mark.parametrize(
    ("since", "result"),
    [
        (event_id(101), "nothing"),
        (event_id(100), "nothing"),
        (event_id(99), "snapshot"),
        (event_id(90), "snapshot"),
        (event_id(102), "snapshot"),
        (event_id(101, epoch="another"), "snapshot"),
        (event_id(101, clinic_id=2), "snapshot"),
    ],
)
@pytest.mark.parametrize("mode", ["snapshot", "delta"])
def test_returning_reader_gets_all_if_the_inbox_may_have_changed(since: EventId, result: str, mode: Mode) -> None:
    recent = [event(99, 5, entity="hold"), told(100), told(101, PETE)]
    clinic = LiveClinic(state(seq=101, recent=recent), NOON)
    topic = clinic.inbox(PAULA, NOON)
    clinic.take_inbox(PAULA, inbox(notification(1), seq=101))
    opening = topic.opening(since, mode, NOON)
    assert opening.result == result
    assert (opening.frame is clinic.cursor) is (result == "nothing")


def test_with_the_clinic_s_zone_all_that_is_shown_has_changed() -> None:
    clinic = LiveClinic(state(seq=101, recent=[event(101, 1, "refresh", entity="clinic")]), NOON)
    assert clinic.state.is_news_to(PAULA, event_id(100))


def test_readers_of_appointments_do_not_hear_of_it() -> None:
    restarted = state(seq=103, recent=[event(100, 5, entity="hold"), told(101), told(102), told(103)])
    for scope in (RecordScope(1), RecordScope(1, "practitioner", 11), RecordScope(1, "patient", 21)):
        assert restarted.missed_since(event_id(100), AppointmentAudience(scope)) == MissedChanges([], [])


# State + events = fresh state

writes = st.one_of(
    st.tuples(st.just("tell"), st.sampled_from([PAULA, PETE])),
    st.tuples(st.sampled_from(["read", "unread", "delete"]), st.integers(0, 80)),
    st.tuples(st.just("tell many"), st.sampled_from([PAULA, PETE])),
)


class FakeDatabase:
    """The database's answers. The one stand-in in these tests."""

    def __init__(self) -> None:
        self.rows: dict[int, InboxItem] = {}
        self.events: list[FeedEvent] = []
        self._numbers = iter(range(1_000_000))

    def write(self, kind: str, target: int) -> None:
        if kind.startswith("tell"):
            for _ in range(20 if kind == "tell many" else 1):
                row_id = next(self._numbers)
                self.rows[row_id] = notification(row_id, target)
                self._log(target)
        elif target in self.rows:
            user_id = self.rows[target].user_id
            if kind == "delete":
                del self.rows[target]
            else:
                self.rows[target] = notification(target, user_id, is_read=kind == "read")
            self._log(user_id)

    def inbox_of(self, user_id: int) -> Inbox:
        rows = [row for row in self.rows.values() if row.user_id == user_id]
        return inbox(*rows, seq=len(self.events))

    def fresh_state(self, *readers: int) -> ClinicState:
        inboxes = {user_id: self.inbox_of(user_id) for user_id in readers}
        return state(seq=len(self.events), recent=self.events, inboxes=inboxes)

    def batch_after(self, seq: int, readers: set[int]) -> EventBatch:
        events = self.events[seq:]
        named = {event.entity_id for event in events} & readers
        return EventBatch(events, [], inboxes={user_id: self.inbox_of(user_id) for user_id in named})

    def _log(self, user_id: int) -> None:
        self.events.append(told(len(self.events) + 1, user_id))


class FakeReader:
    def __init__(self, topic: InboxTopic, mode: Mode) -> None:
        self.topic, self.mode, self.version = topic, mode, topic.version
        self.shown: dict[int, Any] = {}
        self.unread_count = -1
        self.last_id: EventId | None = None
        self.apply(topic.opening(None, mode, NOON).frame)

    def catch_up(self) -> None:
        if self.version != self.topic.version:
            self.apply(self.topic.since(self.version, self.mode, NOON))
            self.version = self.topic.version

    def come_back(self, topic: InboxTopic) -> None:
        self.topic, self.version = topic, topic.version
        self.apply(topic.opening(self.last_id, self.mode, NOON).frame)

    def apply(self, frame: bytes) -> None:
        lines = dict(line.split(": ", 1) for line in frame.decode().split("\n") if ": " in line)
        self.last_id = EventId.read(lines.get("id")) or self.last_id
        if lines.get("event") == "heartbeat":
            return
        given = json.loads(lines["data"])
        self.unread_count = given["unread_count"]
        if "notifications" in given:
            self.shown = {}
        for row in given.get("notifications", given.get("upserts")):
            self.shown[row["id"]] = row
        for row_id in given.get("removes", ()):
            self.shown.pop(row_id, None)


@pytest.mark.parametrize("mode", ["snapshot", "delta"])
@pytest.mark.parametrize("restarted", [False, True], ids=["the same process", "restarted"])
@given(st.lists(st.tuples(st.lists(writes, min_size=1, max_size=5), st.booleans()), max_size=8))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_reader_ends_with_what_is_so_however_slow_and_whenever_away(
    restarted: bool, mode: Mode, rounds: list[tuple[list[tuple[str, int]], bool]]
) -> None:
    database = FakeDatabase()
    clinic = LiveClinic(database.fresh_state(), NOON)
    topic = clinic.inbox(PAULA, NOON)
    clinic.take_inbox(PAULA, database.inbox_of(PAULA))
    reader = FakeReader(topic, mode)
    for number, (of_round, reads) in enumerate(rounds):
        for write in of_round:
            database.write(*write)
        if database.events[clinic.state.seq :]:
            clinic.advance(database.batch_after(clinic.state.seq, set(clinic.recipients)))
        if restarted and number % 3 == 1:
            clinic = LiveClinic(database.fresh_state(PAULA), NOON)
            topic = clinic.inbox(PAULA, NOON)
            topic.look_again()
            reader.come_back(topic)
        elif reads:
            reader.catch_up()
    reader.catch_up()
    fresh = database.inbox_of(PAULA)
    assert (reader.shown, reader.unread_count) == (
        {row_id: json.loads(row) for row_id, row in fresh.rows.items()},
        fresh.unread_count,
    )
    assert clinic.state.inboxes.keys() <= {PAULA}
