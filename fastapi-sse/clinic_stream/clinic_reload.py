"""A freshly loaded state takes the place of a clinic's own, in turns with everything else.

Only rows that differ concern anybody. All that takes long is made beforehand, while the clinic's readers are still
shown the former state; then everybody is moved to the new one at once.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date

from clinic_stream.appointment_topic import AppointmentTopic, PreparedRows
from clinic_stream.audiences import RecordScope, dates_or_default
from clinic_stream.events import RowChange, RowChanges
from clinic_stream.state import ClinicState
from clinic_stream.time_slices import in_slices

ByScope = dict[RecordScope, dict[int, RowChange]]


async def compared(former: ClinicState, fresh: ClinicState) -> dict[int, RowChange]:
    """The rows that topics have to look at, by id: those that differ, and those of days that began or ended. A row that
    is equal stays the object it was, and with it its encoded bytes."""
    changes: dict[int, RowChange] = {}
    async for rows in in_slices(list(fresh.rows.values())):
        for row in rows:
            known = former.rows.get(row.id)
            if known is not None and known == row:
                fresh.rows[row.id] = known
            else:
                changes[row.id] = RowChange(known, row)
    async for ids in in_slices(list(former.rows)):
        changes |= {row_id: RowChange(former.rows[row_id], None) for row_id in ids if row_id not in fresh.rows}
    for day in _default_days(former.today) ^ _default_days(fresh.today):
        for row in fresh.rows_on(day):
            changes.setdefault(row.id, RowChange(row, row))
    return changes


async def split(changes: RowChanges, clinic_id: int) -> ByScope:
    """By the scopes that the rows were or are in."""
    by_scope: defaultdict[RecordScope, dict[int, RowChange]] = defaultdict(dict)
    async for some in in_slices(list(changes.items())):
        for row_id, change in some:
            for scope in scopes_of(change, clinic_id):
                by_scope[scope][row_id] = change
    return by_scope


async def prepared_rows_of(
    topics: Callable[[], Iterable[AppointmentTopic]], changes: ByScope, fresh: ClinicState
) -> dict[AppointmentTopic, PreparedRows]:
    """Of all topics that there are when this is done."""
    prepared: dict[AppointmentTopic, PreparedRows] = {}
    while pending := [topic for topic in topics() if not topic.is_current(prepared.get(topic))]:
        async for some in in_slices(pending, size=1):
            for topic in some:
                prepared[topic] = await topic.prepare(_concerning(topic, changes), fresh)
    return prepared


def _concerning(topic: AppointmentTopic, changes: ByScope) -> RowChanges:
    scope = topic.audience.scope
    concerning: RowChanges = changes.get(scope, {})
    for patient_id in topic.audience.family:
        concerning = {**concerning, **changes.get(scope._replace(id=patient_id), {})}
    return concerning


def scopes_of(change: RowChange, clinic_id: int) -> set[RecordScope]:
    """The scopes that a changed row was or is in."""
    scopes = {RecordScope(clinic_id)}
    for row in change:
        if row is not None:
            scopes.add(RecordScope(clinic_id, "practitioner", row.practitioner_id))
            scopes.add(RecordScope(clinic_id, "patient", row.patient_id))
    return scopes


def practitioners_of(changes: Iterable[RowChange]) -> set[int]:
    return {row.practitioner_id for change in changes for row in change if row is not None}


def _default_days(today: date) -> set[date]:
    first, last = dates_or_default(None, None, today)
    return {date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1)}
