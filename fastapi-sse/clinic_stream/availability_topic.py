"""A practitioner's taken time."""

from datetime import datetime, timedelta

from clinic_stream import frames
from clinic_stream.audiences import AvailabilityAudience
from clinic_stream.event_ids import EventId
from clinic_stream.frames import Frame
from clinic_stream.instants import in_zone, start_of
from clinic_stream.params import Mode
from clinic_stream.taken_intervals import TakenInterval
from clinic_stream.topics import Opening, Snapshot, Topic, TopicContext


class AvailabilityTopic(Topic):
    """A practitioner's taken time over some days: for everybody, so it holds nothing about anybody."""

    __slots__ = ("_snapshot", "_taken", "audience")

    kind = "availability"

    def __init__(self, clinic: TopicContext, audience: AvailabilityAudience, now: datetime) -> None:
        super().__init__(clinic, now)
        self.audience = audience
        self._taken = self._shown()
        self._snapshot: Snapshot | None = None

    def follow(self, changed_at: datetime | None = None) -> None:
        """Look at what is taken now."""
        taken = self._shown()
        if taken != self._taken:
            self._taken = taken
            self._snapshot = None
            self._publish(changed_at)

    def look_again(self) -> None:
        self.follow()

    def since(self, version: int, mode: Mode, now: datetime) -> Frame:
        return self.snapshot(now)

    def opening(self, last_id: EventId | None, mode: Mode, now: datetime) -> Opening:
        # A hold that lapses moves no number: an id from before that may stand for more than is taken now.
        if last_id == self.clinic.event_id and last_id.seq > self.clinic.state.moved_at_seq:
            return Opening(self.clinic.cursor, "nothing")
        return Opening(self.snapshot(now), "snapshot")

    def snapshot(self, now: datetime) -> Frame:
        at, made = self.clinic.event_id, self._snapshot
        if made is None or made.at != at or not made.is_recent(now):
            made = self._snapshot = Snapshot(self.version, at, now, self._frame(at, now))
        return made.frame

    def _frame(self, at: EventId, now: datetime) -> Frame:
        state = self.clinic.state
        zone = state.clinic.zone
        return frames.availability(
            [(in_zone(starts, zone).isoformat(), in_zone(ends, zone).isoformat()) for starts, ends in self._taken],
            practitioner_id=self.audience.practitioner_id,
            dates=self.audience.dates(state.today),
            at=at,
            as_of=now,
        )

    def _shown(self) -> list[TakenInterval]:
        state = self.clinic.state
        first, last = self.audience.dates(state.today)
        begins = start_of(first, state.clinic.zone).replace(tzinfo=None)
        ends = start_of(last + timedelta(days=1), state.clinic.zone).replace(tzinfo=None)
        taken = self.clinic.taken_of(self.audience.practitioner_id)
        return [interval for interval in taken if interval.ends_at > begins and interval.starts_at < ends]
