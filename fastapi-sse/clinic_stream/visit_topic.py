"""One visit, for whoever has its reference, without whom it is for; and how many are before it on the day."""

from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from clinic_stream import frames
from clinic_stream.appointment import Appointment, View
from clinic_stream.audiences import VisitAudience
from clinic_stream.event_ids import EventId
from clinic_stream.frames import EventMembers, Frame
from clinic_stream.params import Mode
from clinic_stream.topics import Opening, Snapshot, Topic, TopicContext


class VisitView(NamedTuple):
    row: bytes
    ahead: int | None
    number: int | None


class VisitTopic(Topic):
    """Told whole: it is small. Ends for everybody when the visit has another reference."""

    __slots__ = ("_shown", "_snapshots", "audience", "is_revoked")

    kind = "visit"

    def __init__(self, clinic: TopicContext, audience: VisitAudience, now: datetime) -> None:
        super().__init__(clinic, now)
        self.audience = audience
        self.is_revoked = False
        self._snapshots: dict[Mode, Snapshot] = {}
        self._shown = VisitView(b"", None, None)
        self._look()

    @property
    def row(self) -> Appointment | None:
        return self.clinic.visit(self.audience.visit_id)

    def follow(self, changed_at: datetime | None = None) -> None:
        if self._look():
            self._snapshots.clear()
            self._publish(changed_at)
        if self.is_revoked:
            self.wake_readers()

    def look_again(self) -> None:
        if self.clinic.knows_visit(self.audience.visit_id):
            self.follow()

    def since(self, version: int, mode: Mode, now: datetime) -> Frame:
        return self.snapshot(mode, now)

    def opening(self, last_id: EventId | None, mode: Mode, now: datetime) -> Opening:
        if last_id == self.clinic.event_id and last_id.seq > self.clinic.state.moved_at_seq:
            return Opening(self.clinic.cursor, "nothing")
        return Opening(self.snapshot(mode, now), "snapshot")

    def snapshot(self, mode: Mode, now: datetime) -> Frame:
        at, made = self.clinic.event_id, self._snapshots.get(mode)
        if made is None or made.at != at or not made.is_recent(now):
            frame = self._frame(at, now, named=mode == "delta")
            made = self._snapshots[mode] = Snapshot(self.version, at, now, frame)
        return made.frame

    def _look(self) -> bool:
        """Whether a reader sees a difference."""
        row = self.row
        if row is None or hash_of(row.reference) != self.audience.reference_hash:
            self.is_revoked = True
            return False
        former, self._shown = self._shown, self._shown_of(row)
        return former != self._shown

    def _shown_of(self, row: Appointment) -> VisitView:
        encoded = b"" if self.audience.is_number_alone else row.encoded(View.LINK)
        return VisitView(encoded, self.clinic.lines.ahead_of(row), self.clinic.lines.number_of(row.id))

    def _frame(self, at: EventId, now: datetime, *, named: bool) -> Frame:
        members: EventMembers = {"ahead": self._shown.ahead, "number": self._shown.number}
        if self.audience.is_number_alone:
            return frames.members_alone(members, at=at, as_of=now, named=named)
        return frames.snapshot([self._shown.row], at=at, as_of=now, named=named, members=members)


class QueueTopic(VisitTopic):
    __slots__ = ()

    kind = "queue"


def topic_of(clinic: TopicContext, audience: VisitAudience, now: datetime) -> VisitTopic:
    return (QueueTopic if audience.is_number_alone else VisitTopic)(clinic, audience, now)


def hash_of(reference: str) -> str:
    """As the ticket of a visit names its reference."""
    return sha256(f"visit {reference}".encode()).hexdigest()
