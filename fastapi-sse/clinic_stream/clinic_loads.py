"""Live windows of clinics, of one or of several at one instant. Part of `feed`."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from clinic_stream.appointment import Clinic
from clinic_stream.appointment_queries import read_appointments_of, read_by_id, read_ids_in_windows
from clinic_stream.clinic_queries import (
    Head,
    clinic_of,
    leads_to,
    read_clinics,
    read_heads,
    read_inboxes,
    read_live_holds,
    read_marks,
    read_recent_events,
    read_schedules,
)
from clinic_stream.connection_pools import Cursor
from clinic_stream.errors import ClinicUnreadable
from clinic_stream.event_ids import EventId
from clinic_stream.events import SingleVisit
from clinic_stream.state import ClinicState
from clinic_stream.time_slices import fewer_collections, give_way

# A clinic with more rows is read by itself, so that small ones need not wait for it.
MAX_ROWS_TOGETHER = 1000


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """`readers`, `visits`: whose inboxes and which single visits are wanted, too. `known`: the event that the clinic
    should continue from."""

    clinic_id: int
    now: datetime
    readers: Collection[int] = ()
    visits: Collection[int] = ()
    known: EventId | None = None


# By clinic its state; None where there is no such clinic; or why it cannot be read.
LoadedStates = dict[int, ClinicState | ClinicUnreadable | None]


async def read_states(cursor: Cursor, loads: Sequence[LoadRequest]) -> LoadedStates:
    """Of different clinics. Of several, large ones are missing in the answer. Eight queries, another one for each 250
    rows, for each further date and where an event is known; two more for each hundred inboxes of a clinic, and one for
    its single visits."""
    by_clinic = {load.clinic_id: load for load in loads}
    heads = await read_heads(cursor, by_clinic)
    found: LoadedStates = dict.fromkeys(by_clinic)
    clinics: dict[int, Clinic] = {}
    for clinic_id, row in (await read_clinics(cursor, by_clinic)).items():
        try:
            clinics[clinic_id] = clinic_of(row)
        except ClinicUnreadable as error:
            found[clinic_id] = error
    begun = [load for load in loads if load.clinic_id in clinics and load.clinic_id in heads]
    if begun:
        states = await _begin(cursor, begun, clinics, heads)
        for clinic_id in await _add_rows(cursor, states, leaves_large=len(loads) > 1):
            del states[clinic_id], found[clinic_id]
        await _complete(cursor, states, [load for load in begun if load.clinic_id in states], heads)
        found.update(states)
    return found


async def _begin(
    cursor: Cursor, loads: Sequence[LoadRequest], clinics: dict[int, Clinic], heads: dict[int, Head]
) -> dict[int, ClinicState]:
    """Without their rows."""
    now = loads[0].now
    ids = [load.clinic_id for load in loads]
    holds = await read_live_holds(cursor, ids, now)
    recent = await read_recent_events(cursor, {one: heads[one] for one in ids}, now)
    schedules = await read_schedules(cursor, ids)
    states = {}
    for load in loads:
        await give_way()
        clinic, head = clinics[load.clinic_id], heads[load.clinic_id]
        states[clinic.id] = ClinicState(
            clinic=clinic,
            epoch=head.epoch,
            seq=head.seq,
            today=load.now.astimezone(clinic.zone).date(),
            rows=(),
            holds=holds[clinic.id],
            recent=recent[clinic.id],
            schedule=schedules[clinic.id],
        )
    return states


async def _add_rows(cursor: Cursor, states: dict[int, ClinicState], *, leaves_large: bool) -> Iterable[int]:
    """The clinics that have been left without rows."""
    row_ids = await read_ids_in_windows(cursor, {clinic_id: state.window for clinic_id, state in states.items()})
    large = [clinic_id for clinic_id, ids in row_ids.items() if leaves_large and len(ids) > MAX_ROWS_TOGETHER]
    small = {clinic_id: ids for clinic_id, ids in row_ids.items() if clinic_id not in large}
    clinics = [states[clinic_id].clinic for clinic_id in small]
    with fewer_collections(sum(map(len, small.values()))):
        async for clinic_id, rows in read_appointments_of(cursor, clinics, small):
            states[clinic_id].add(rows)
        for clinic_id in small:
            await states[clinic_id].arrange()
    return large


async def _complete(
    cursor: Cursor, states: dict[int, ClinicState], loads: Sequence[LoadRequest], heads: dict[int, Head]
) -> None:
    marks = await read_marks(cursor, [load.known for load in loads if load.known is not None])
    for load in loads:
        state = states[load.clinic_id]
        if load.known is not None:
            state.continues = leads_to(load.known, heads[load.clinic_id], marks.get(load.clinic_id))
        if load.readers:
            state.inboxes = await read_inboxes(cursor, state.clinic, state.seq, load.readers)
        if load.visits:
            found = await read_by_id(cursor, state.clinic, load.visits)
            state.visits = {visit_id: SingleVisit(found.get(visit_id), state.seq) for visit_id in load.visits}
