"""The taken time of all who work at a clinic, or offer a service: for everybody, so it holds nothing about anybody."""

from collections import defaultdict
from collections.abc import Iterable, Set
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from clinic_stream import frames
from clinic_stream.audiences import ClinicAvailabilityAudience
from clinic_stream.event_ids import EventId
from clinic_stream.frames import EventMembers, Frame
from clinic_stream.instants import in_zone, local_date
from clinic_stream.json_bytes import kept_json
from clinic_stream.params import Mode
from clinic_stream.taken_intervals import TakenInterval
from clinic_stream.topics import ListTopic, Opening, TopicContext

# Each day on which something is taken, as JSON.
TakenDays = dict[date, bytes]


class ClinicAvailabilityTopic(ListTopic[str]):
    """A row for each practitioner and day on which something is taken."""

    __slots__ = ("_members", "audience", "rows")

    kind = "availability"

    def __init__(self, clinic: TopicContext, audience: ClinicAvailabilityAudience, now: datetime) -> None:
        super().__init__(clinic, now)
        self.audience = audience
        self.rows = self._rows_of(self.practitioner_ids)
        self._members = self._members_now()

    @property
    def practitioner_ids(self) -> list[int]:
        return self.clinic.state.schedule.offering(self.audience.service_id)

    def follow(self, practitioner_ids: Iterable[int], changed_at: datetime | None = None) -> None:
        """Look at what is taken of these practitioners' time now."""
        concerned = set(practitioner_ids).intersection(self.practitioner_ids)
        if concerned:
            former = {row_id for row_id in self.rows if _practitioner_in(row_id) in concerned}
            self._put(former, self._rows_of(concerned), changed_at)

    def look_again(self, changed_at: datetime | None = None) -> None:
        """Compare everything, the schedule too."""
        self._put(set(self.rows), self._rows_of(self.practitioner_ids), changed_at)

    def opening(self, last_id: EventId | None, mode: Mode, now: datetime) -> Opening:
        # A hold that lapses moves no number: an id from before that may stand for more than is taken now.
        if last_id == self.clinic.event_id and last_id.seq > self.clinic.state.moved_at_seq:
            return Opening(self.clinic.cursor, "nothing")
        return self.opening_snapshot(mode, now)

    def _put(self, former: Set[str], found: dict[str, bytes], changed_at: datetime | None) -> None:
        told = {row_id for row_id in former | found.keys() if self.rows.get(row_id) != found.get(row_id)}
        members = self._members_now()
        if not told and members == self._members:
            return
        self._members = members
        for row_id in told - found.keys():
            del self.rows[row_id]
        self.rows |= {row_id: found[row_id] for row_id in told & found.keys()}
        self._remember(told, changed_at)

    def _rows_of(self, practitioner_ids: Iterable[int]) -> dict[str, bytes]:
        first, last = self.audience.dates(self.clinic.state.today)
        return {
            _row_id(practitioner_id, day): row
            for practitioner_id in practitioner_ids
            for day, row in self.clinic.taken_days_of(practitioner_id).items()
            if first <= day <= last
        }

    def _members_now(self) -> EventMembers:
        state = self.clinic.state
        first, last = self.audience.dates(state.today)
        return {
            "clinic": state.clinic.id,
            "service": self.audience.service_id,
            "from": first,
            "to": last,
            "practitioners": self.practitioner_ids,
            "schedule_version": state.schedule.version,
        }

    async def _encode_rows(self, most: float) -> int:
        return sum(map(len, self.rows.values()))

    def _whole(self, at: EventId, as_of: datetime, *, named: bool) -> Frame:
        rows = [self.rows[row_id] for row_id in sorted(self.rows)]
        return frames.snapshot(rows, at=at, as_of=as_of, named=named, of="days", members=self._members)

    def _part(self, ids: Set[str]) -> Frame:
        upserts = [self.rows[row_id] for row_id in sorted(ids & self.rows.keys())]
        removes = sorted(ids - self.rows.keys())
        return frames.change(upserts, removes, at=self.clinic.event_id, members=self._members)


def taken_days(practitioner_id: int, taken: Iterable[TakenInterval], zone: ZoneInfo) -> TakenDays:
    """Each day of the clinic's calendar with what is taken on it. What goes on over midnight stands on both days."""
    by_day: defaultdict[date, list[dict[str, str]]] = defaultdict(list)
    for starts_at, ends_at in taken:
        shown = {"start": in_zone(starts_at, zone).isoformat(), "end": in_zone(ends_at, zone).isoformat()}
        day, last = local_date(starts_at, zone), local_date(ends_at - timedelta(microseconds=1), zone)
        while day <= last:
            by_day[day].append(shown)
            day += timedelta(days=1)
    return {
        day: kept_json({"id": _row_id(practitioner_id, day), "practitioner": practitioner_id, "date": day, "taken": of})
        for day, of in by_day.items()
    }


def _row_id(practitioner_id: int, day: date) -> str:
    return f"{practitioner_id}/{day}"


def _practitioner_in(row_id: str) -> int:
    return int(row_id.split("/")[0])
