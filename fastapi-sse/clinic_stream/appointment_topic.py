"""One audience's appointments."""

from collections.abc import Set
from dataclasses import replace
from datetime import datetime
from heapq import nsmallest
from typing import NamedTuple

from clinic_stream import frames
from clinic_stream.appointment import Appointment, in_order
from clinic_stream.audiences import AppointmentAudience
from clinic_stream.event_ids import EventId
from clinic_stream.events import MissedChanges, RowChange, RowChanges
from clinic_stream.frames import EventMembers, Frame
from clinic_stream.params import Mode
from clinic_stream.state import ClinicState
from clinic_stream.time_slices import ITEMS_PER_SLICE, give_way, in_slices
from clinic_stream.topics import ListTopic, Opening, TopicContext

# Requests for later days in one snapshot of snapshot mode, the nearest.
MAX_PENDING_BEYOND = 500


class PreparedRows(NamedTuple):
    """A topic's rows in a state that is about to take the place of its clinic's. `version` and `audience`: the topic as
    it was when this was made. `frame`: of very many changes, as readers will be told them."""

    version: int
    audience: AppointmentAudience
    rows: dict[int, Appointment]
    told: frozenset[int]
    frame: Frame | None


class AppointmentTopic(ListTopic[int]):
    __slots__ = ("audience", "rows")

    kind = "appointments"

    def __init__(self, clinic: TopicContext, audience: AppointmentAudience, now: datetime) -> None:
        super().__init__(clinic, now)
        self.audience = audience
        self.rows = clinic.state.visible_to(audience)

    def follow(self, changes: RowChanges, changed_at: datetime | None = None) -> None:
        """Move on with rows that changed in the clinic."""
        told = self._put_all(self.rows, list(changes.items()), self.clinic.state)
        if told:
            self._remember(told, changed_at)

    async def prepare(self, changes: RowChanges, state: ClinicState) -> PreparedRows:
        """The topic's rows in a state that differs by these changes, found in turns with everything else."""
        version, audience, rows = self.version, self.audience, self.rows
        if changes:
            rows = dict(rows)
        told: set[int] = set()
        async for some in in_slices(list(changes.items())):
            told |= self._put_all(rows, some, state)
        is_long = len(told) > ITEMS_PER_SLICE and self.is_read
        frame = await self._frame_in_turns(rows, told, state.event_id) if is_long else None
        return PreparedRows(version, audience, rows, frozenset(told), frame)

    async def _frame_in_turns(self, rows: dict[int, Appointment], told: Set[int], at: EventId) -> Frame:
        """Of many megabytes each step takes as long as a turn."""
        upserts = in_order(row for row_id, row in rows.items() if row_id in told)
        await give_way()
        encoded = [row.encoded(self.audience.view) for row in upserts]
        await give_way()
        frame = frames.change(encoded, sorted(told - rows.keys()), at=at)
        await give_way()
        frame.on_wire(is_gzipped=False, is_chunked=True)
        await give_way()
        return frame

    def is_current(self, prepared: PreparedRows | None) -> bool:
        """Whether the topic is still as it was when these rows were prepared."""
        return prepared is not None and (prepared.version, prepared.audience) == (self.version, self.audience)

    def show(self, prepared: PreparedRows) -> None:
        """Show the prepared rows. Requires: `is_current`."""
        self.rows = prepared.rows
        self._forget_frames()
        if prepared.told:
            self._remember(prepared.told)
        if prepared.frame is not None:
            self._changes[prepared.version] = prepared.frame

    def set_family(self, family: frozenset[int]) -> None:
        """Of the patient who looks: whose visits they see beside their own."""
        if family != self.audience.family:
            self.audience = replace(self.audience, family=family)
            self._forget_frames()
            self.look_again()

    def look_again(self) -> None:
        visible = self.clinic.state.visible_to(self.audience)
        told = {
            row_id for row_id in self.rows.keys() | visible.keys() if self._put(self.rows, row_id, visible.get(row_id))
        }
        if told:
            self._remember(told)

    def opening(self, last_id: EventId | None, mode: Mode, now: datetime) -> Opening:
        missed = self.clinic.state.missed_since(last_id, self.audience) if last_id else None
        if missed is not None and not missed.upserts and not missed.removes:
            return Opening(self.clinic.cursor, "nothing")
        if missed is not None and mode == "delta":
            return Opening(self._change(missed), "changes")
        return self.opening_snapshot(mode, now)

    async def _encode_rows(self, most: float) -> int:
        view, size = self.audience.view, 0
        async for rows in in_slices(list(self.rows.values())):
            size += sum(len(row.encoded(view)) for row in rows)
            if size > most:
                break
        return size

    def _whole(self, at: EventId, as_of: datetime, *, named: bool) -> Frame:
        view = self.audience.view
        rows, members = (self.rows.values(), frames.NO_MEMBERS) if named else self._nearest()
        return frames.snapshot(
            [row.encoded(view) for row in in_order(rows)], at=at, as_of=as_of, named=named, members=members
        )

    def _nearest(self) -> tuple[list[Appointment], EventMembers]:
        """Without most of the requests for later days, if those are very many; their number is told."""
        today = self.clinic.state.today
        first, last = self.audience.dates(today)
        rows: list[Appointment] = []
        beyond: list[Appointment] = []
        for row in self.rows.values():
            (rows if first <= row.local_date <= last else beyond).append(row)
        if self.audience.scope.kind == "patient" or len(beyond) <= MAX_PENDING_BEYOND:
            return rows + beyond, frames.NO_MEMBERS
        nearest = nsmallest(MAX_PENDING_BEYOND, beyond, key=lambda row: (abs(row.local_date - today), row.starts_at))
        return rows + nearest, {"more_pending": len(beyond) - len(nearest)}

    def _part(self, ids: Set[int]) -> Frame:
        if len(ids) > ITEMS_PER_SLICE:
            upserts = in_order(row for row_id, row in self.rows.items() if row_id in ids)  # Almost in order.
        else:
            upserts = in_order(self.rows[row_id] for row_id in ids & self.rows.keys())
        return self._change(MissedChanges(upserts, sorted(ids - self.rows.keys())))

    def _change(self, missed: MissedChanges) -> Frame:
        view = self.audience.view
        return frames.change([row.encoded(view) for row in missed.upserts], missed.removes, at=self.clinic.event_id)

    def _put_all(
        self, rows: dict[int, Appointment], changes: list[tuple[int, RowChange]], state: ClinicState
    ) -> set[int]:
        """Returns the ids of those in which a reader sees a difference."""
        told = set()
        for row_id, change in changes:
            row = change.after
            shown = row is not None and self.audience.shows(row, state.today)
            if self._put(rows, row_id, row if shown else None):
                told.add(row_id)
        return told

    def _put(self, rows: dict[int, Appointment], row_id: int, row: Appointment | None) -> bool:
        """Show a row, or hide it with None. Returns whether a reader sees a difference."""
        known = rows.get(row_id)
        if row is None:
            return rows.pop(row_id, None) is not None
        rows[row_id] = row
        if known is row:
            return False
        view = self.audience.view
        encoded = row.encoded(view)
        return known is None or known.encoded(view) != encoded
