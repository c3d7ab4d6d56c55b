"""Today on a wall: a team's day without notes and contact data, or a waiting room without full names."""

from collections.abc import Set
from datetime import datetime

from clinic_stream import frames
from clinic_stream.appointment import Appointment
from clinic_stream.audiences import WallAudience
from clinic_stream.event_ids import EventId
from clinic_stream.events import RowChanges
from clinic_stream.frames import Frame
from clinic_stream.instants import in_zone, said
from clinic_stream.json_bytes import kept_json
from clinic_stream.params import Mode
from clinic_stream.topics import ListTopic, Opening, TopicContext
from clinic_stream.waiting_lines import arrival_of, is_waiting


class WallTopic(ListTopic[int]):
    """Today's rows, as JSON."""

    __slots__ = ("audience", "rows")

    kind = "wall"

    def __init__(self, clinic: TopicContext, audience: WallAudience, now: datetime) -> None:
        super().__init__(clinic, now)
        self.audience = audience
        self.rows = self._visible()

    def follow(self, changes: RowChanges, changed_at: datetime | None = None) -> None:
        self._put({row_id: self._shown(change.after) for row_id, change in changes.items()}, changed_at)

    def look_again(self, changed_at: datetime | None = None) -> None:
        """Compare everything: a number or the day may be another one."""
        visible = self._visible()
        self._put({row_id: visible.get(row_id) for row_id in self.rows.keys() | visible.keys()}, changed_at)

    def opening(self, last_id: EventId | None, mode: Mode, now: datetime) -> Opening:
        if last_id == self.clinic.event_id and last_id.seq > self.clinic.state.moved_at_seq:
            return Opening(self.clinic.cursor, "nothing")
        return self.opening_snapshot(mode, now)

    def _put(self, found: dict[int, bytes | None], changed_at: datetime | None) -> None:
        told = {row_id for row_id, row in found.items() if self.rows.get(row_id) != row}
        for row_id in told:
            row = found[row_id]
            if row is None:
                del self.rows[row_id]
            else:
                self.rows[row_id] = row
        if told:
            self._remember(told, changed_at)

    def _visible(self) -> dict[int, bytes]:
        shown = {row.id: self._shown(row) for row in self.clinic.state.rows_on(self.clinic.state.today)}
        return {row_id: row for row_id, row in shown.items() if row is not None}

    def _shown(self, row: Appointment | None) -> bytes | None:
        today = self.clinic.state.today
        if row is None or row.local_date != today or row.deleted_at is not None:
            return None
        if self.audience.kind == "team":
            return _team_row(row)
        if not is_waiting(row, today) or arrival_of(row, today) is None:
            return None
        number = None if self.audience.shows_names else self.clinic.lines.number_of(row.id)
        return _waiting_row(row, number)

    async def _encode_rows(self, most: float) -> int:
        return sum(map(len, self.rows.values()))

    def _whole(self, at: EventId, as_of: datetime, *, named: bool) -> Frame:
        rows = [self.rows[row_id] for row_id in sorted(self.rows)]
        members = {"kind": self.audience.kind, "date": self.clinic.state.today}
        return frames.snapshot(rows, at=at, as_of=as_of, named=named, of="visits", members=members)

    def _part(self, ids: Set[int]) -> Frame:
        upserts = [self.rows[row_id] for row_id in sorted(ids & self.rows.keys())]
        members = {"kind": self.audience.kind, "date": self.clinic.state.today}
        return frames.change(upserts, sorted(ids - self.rows.keys()), at=self.clinic.event_id, members=members)


def _team_row(row: Appointment) -> bytes:
    return kept_json(
        {
            "id": row.id,
            "patient_name": row.patient_name,
            "practitioner": row.practitioner_id,
            "practitioner_name": row.practitioner_name,
            "service_name": row.service_name,
            "service_color": row.service_color,
            "start": in_zone(row.starts_at, row.zone).isoformat(timespec="seconds"),
            "end": in_zone(row.ends_at, row.zone).isoformat(timespec="seconds"),
            "status": row.status,
            "arrived_at": said(row.arrived_at, row.zone),
            "checked_in_at": said(row.checked_in_at, row.zone),
            "called_at": said(row.called_at, row.zone),
            "room": row.room,
        }
    )


def _waiting_row(row: Appointment, number: int | None) -> bytes:
    """`number`: in place of the name."""
    return kept_json(
        {
            "id": row.id,
            "name": short_name(row.patient_name) if number is None else None,
            "number": number,
            "waiting_since": said(arrival_of(row, row.local_date), row.zone),
            "called_at": said(row.called_at, row.zone),
            "room": row.room,
        }
    )


def short_name(name: str) -> str:
    """First name and initial: `Anna M.`"""
    first, *others = name.split() or [""]
    return f"{first} {others[-1][0]}." if others else first
