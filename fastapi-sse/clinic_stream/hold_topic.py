"""The live holds of a clinic."""

from collections.abc import Set
from datetime import datetime

from clinic_stream import frames
from clinic_stream.audiences import HoldAudience
from clinic_stream.event_ids import EventId
from clinic_stream.frames import EventMembers, Frame
from clinic_stream.params import Mode
from clinic_stream.taken_intervals import Hold
from clinic_stream.topics import ListTopic, Opening, TopicContext


class HoldTopic(ListTopic[int]):
    """The live holds of a clinic, or of one practitioner, and its schedule's number, for the people who work there."""

    __slots__ = ("audience", "rows", "schedule_version")

    kind = "holds"

    def __init__(self, clinic: TopicContext, audience: HoldAudience, now: datetime) -> None:
        super().__init__(clinic, now)
        self.audience = audience
        self.rows = self._visible()
        self.schedule_version = clinic.state.schedule.version

    def follow(self, changed_at: datetime | None = None) -> None:
        """Look at the holds there are now, and at the schedule."""
        former, self.rows = self.rows, self._visible()
        known, self.schedule_version = self.schedule_version, self.clinic.state.schedule.version
        told = {
            hold_id for hold_id in former.keys() | self.rows.keys() if former.get(hold_id) != self.rows.get(hold_id)
        }
        if told or self.schedule_version != known:
            self._remember(told, changed_at)

    def look_again(self) -> None:
        self.follow()

    def opening(self, last_id: EventId | None, mode: Mode, now: datetime) -> Opening:
        # A hold that lapses moves no number: an id from before that may stand for more holds than there are now.
        if last_id == self.clinic.event_id and last_id.seq > self.clinic.state.moved_at_seq:
            return Opening(self.clinic.cursor, "nothing")
        return self.opening_snapshot(mode, now)

    def _visible(self) -> dict[int, Hold]:
        return {hold.id: hold for hold in self.clinic.state.holds.values() if self.audience.shows(hold)}

    async def _encode_rows(self, most: float) -> int:
        return 0  # They are few.

    def _whole(self, at: EventId, as_of: datetime, *, named: bool) -> Frame:
        rows = [hold.encoded(self.clinic.state.clinic.zone) for hold in self.rows.values()]
        return frames.snapshot(rows, at=at, as_of=as_of, named=named, of=self.kind, members=self._members)

    def _part(self, ids: Set[int]) -> Frame:
        zone = self.clinic.state.clinic.zone
        upserts = [hold.encoded(zone) for hold_id, hold in self.rows.items() if hold_id in ids]
        return frames.change(upserts, sorted(ids - self.rows.keys()), at=self.clinic.event_id, members=self._members)

    @property
    def _members(self) -> EventMembers:
        return {"schedule_version": self.schedule_version}
