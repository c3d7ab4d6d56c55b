"""The newest events of a clinic without a gap, and the rows they changed. Pure."""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from clinic_stream.appointment import VisibilityFacts
from clinic_stream.event_ids import NO_MARK
from clinic_stream.events import FeedEvent

LOG_LENGTH = 20_000
LOG_AGE = timedelta(hours=1)
# Entities that are neither appointments nor names shown by them.
TOUCH_NO_ROW = frozenset({"hold", "notification", "family", "schedule"})


class RowTouch(NamedTuple):
    """A row that an event changed, and its facts before; `before` is None when the window did not hold it."""

    row_id: int
    before: VisibilityFacts | None


class LogEntry(NamedTuple):
    """A past event. `touched` is None when only the database remembers what it did, as after a restart."""

    event: FeedEvent
    touched: tuple[RowTouch, ...] | None


class EventLog:
    """The events that lead to number `seq`. `mark` is that of the newest."""

    def __init__(self, recent: Iterable[FeedEvent], seq: int) -> None:
        tail = newest_without_gap(recent, seq)
        self.seq = seq
        self.mark = tail[-1].mark if tail else NO_MARK
        self._entries: deque[LogEntry] = deque((_remembered(event) for event in tail), maxlen=LOG_LENGTH)

    @property
    def events(self) -> Iterator[FeedEvent]:
        return (entry.event for entry in self._entries)

    def add(self, event: FeedEvent, touched: tuple[RowTouch, ...] | None) -> None:
        """The event with the next number."""
        self._entries.append(LogEntry(event, touched))
        self.seq, self.mark = event.seq, event.mark

    def drop_older_than(self, oldest: datetime) -> None:
        """One that is older stays: readers of a quiet clinic come back with its id."""
        while len(self._entries) > 1 and self._entries[1].event.at < oldest:
            self._entries.popleft()

    def after(self, seq: int, mark: int) -> Iterable[LogEntry] | None:
        """The entries that follow this event; None if it is not in the log with the same mark."""
        position = self._position_of(seq)
        if position is None or mark != self._mark_at(position):
            return None
        return islice(self._entries, position + 1, None)

    def denies(self, seq: int, mark: int | None) -> bool:
        """Whether another event than this one is known under the number."""
        position = self._position_of(seq)
        return mark is not None and position is not None and self._mark_at(position) != mark

    def instant_of(self, seq: int) -> datetime | None:
        """None for an event that is not in the log."""
        position = self._position_of(seq)
        return None if position is None or position < 0 else self._entries[position].event.at

    def _position_of(self, seq: int) -> int | None:
        """Where the log has the event with this number; -1 is before the first event of all."""
        position = len(self._entries) - 1 - (self.seq - seq)
        first = -1 if seq == 0 else 0
        return position if first <= position < len(self._entries) else None

    def _mark_at(self, position: int) -> int:
        return self._entries[position].event.mark if position >= 0 else NO_MARK


def newest_without_gap(events: Iterable[FeedEvent], seq: int) -> list[FeedEvent]:
    """The events, in order, that lead to number `seq` without a gap; empty if that one is not among them."""
    tail = list(events)
    for index in range(len(tail) - 1, -1, -1):
        if tail[index].seq != seq - (len(tail) - 1 - index):
            return tail[index + 1 :]
    return tail


def _remembered(event: FeedEvent) -> LogEntry:
    if event.entity == "appointment":
        # A row that was just made was not there before; of the others only the id is known.
        return LogEntry(event, (RowTouch(event.entity_id, None),) if event.kind == "insert" else None)
    return LogEntry(event, () if event.entity in TOUCH_NO_ROW else None)
