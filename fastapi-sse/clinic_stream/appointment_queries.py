"""The queries of `feed` for appointments: ids first, each by an index of its own, then rows by their ids.

One condition over dates and statuses would leave the choice of an index to what the database believes of all clinics
together. Each answer is one JSON document, which C reads: of one column for each field, the driver reads 30 µs a row.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

import orjson

from clinic_stream.appointment import COLUMNS, CONFIRMED, NULL, PENDING, Appointment, Clinic
from clinic_stream.appointment_documents import RowReader
from clinic_stream.connection_pools import Cursor, in_chunks, select
from clinic_stream.time_slices import give_way
from clinic_stream.window import LiveWindow

# A part of a window, which takes a few milliseconds to read: the event loop waits for no more than that.
ROWS_A_QUERY = 250

# The rows that `LiveWindow.keeps`, and the condition of `awaits_answer`.
IDS_IN_WINDOW = (
    "SELECT id FROM live_appointment WHERE clinic_id = %s AND local_date BETWEEN %s AND %s"
    " UNION SELECT id FROM live_appointment WHERE clinic_id = %s AND status = %s"
    " UNION SELECT id FROM live_appointment WHERE clinic_id = %s AND requested_start IS NOT NULL AND status = %s"
)
ALL_IDS_IN_WINDOW = f"SELECT %s, JSON_ARRAYAGG(id) FROM ({IDS_IN_WINDOW}) found"  # noqa: S608
# The same of several clinics with one window: a plan for all, where one for each would take most of the time.
IDS_IN_WINDOWS = (
    "SELECT clinic_id, id FROM live_appointment WHERE clinic_id IN %s AND local_date BETWEEN %s AND %s"
    " UNION SELECT clinic_id, id FROM live_appointment WHERE clinic_id IN %s AND status = %s"
    " UNION SELECT clinic_id, id FROM live_appointment WHERE clinic_id IN %s AND requested_start IS NOT NULL"
    " AND status = %s"
)
ALL_IDS_IN_WINDOWS = f"SELECT clinic_id, JSON_ARRAYAGG(id) FROM ({IDS_IN_WINDOWS}) found GROUP BY clinic_id"  # noqa: S608
# By an index of the column, over all times; most of them have few rows.
IDS_NAMED_BY = {
    entity: f"SELECT JSON_ARRAYAGG(id) FROM live_appointment WHERE clinic_id = %s AND {entity}_id IN %s"  # noqa: S608
    " AND (local_date BETWEEN %s AND %s OR status = %s OR (requested_start IS NOT NULL AND status = %s))"
    for entity in ("patient", "practitioner", "service")
}
APPOINTMENTS = f"SELECT {', '.join(COLUMNS)} FROM live_appointment"  # noqa: S608
APPOINTMENTS_BY_ID = (
    f"SELECT JSON_ARRAYAGG(JSON_ARRAY({', '.join(COLUMNS)})) FROM live_appointment"  # noqa: S608
    " WHERE clinic_id = %s AND id IN %s"
)
APPOINTMENTS_OF_CLINICS = (
    f"SELECT clinic_id, JSON_ARRAYAGG(JSON_ARRAY({', '.join(COLUMNS)})) FROM live_appointment"  # noqa: S608
    " WHERE id IN %s GROUP BY clinic_id"
)
# One number for all rows, in any order: the same text is made of a row in `appointment`.
TEXTS = ", ".join(f"COALESCE({column}, '{NULL}')" for column in COLUMNS)
SUM = f"COUNT(*), COALESCE(BIT_XOR(CRC32(CONCAT_WS('|', {TEXTS}))), 0)"
JOINED = "known JOIN live_appointment ON live_appointment.id = known.found_id"
SUM_IN_WINDOW = f"SELECT %s, {SUM} FROM (SELECT id AS found_id FROM ({IDS_IN_WINDOW}) found) {JOINED}"  # noqa: S608
SUM_IN_WINDOWS = (
    f"SELECT clinic_id, {SUM} FROM (SELECT id AS found_id FROM ({IDS_IN_WINDOWS}) found) {JOINED}"  # noqa: S608
    " GROUP BY clinic_id"
)


async def read_ids_in_windows(cursor: Cursor, windows: Mapping[int, LiveWindow]) -> dict[int, list[int]]:
    """By clinic, in order. One query for each window that differs: at one instant there are three dates at most."""
    rows = await _select_of_all(cursor, ALL_IDS_IN_WINDOW, ALL_IDS_IN_WINDOWS, windows)
    found: dict[int, list[int]] = {clinic_id: [] for clinic_id in windows}
    found.update({clinic_id: sorted(orjson.loads(document)) for clinic_id, document in rows if document})
    return found


async def read_ids_named_by(
    cursor: Cursor, clinic_id: int, window: LiveWindow, entity: str, named: Collection[int]
) -> list[int]:
    """Of rows in the window that show one of these names. One query for each 500 names."""
    found: list[int] = []
    for some in in_chunks(named):
        found += await _ids(cursor, IDS_NAMED_BY[entity], clinic_id, some, *window, PENDING, CONFIRMED)
    return found


async def read_appointments(
    cursor: Cursor, clinic: Clinic, row_ids: Collection[int]
) -> AsyncIterator[list[Appointment]]:
    """In parts, each of one query."""
    reader = RowReader(clinic.zone)
    for some in in_chunks(row_ids, ROWS_A_QUERY):
        [(document,)] = await select(cursor, APPOINTMENTS_BY_ID, clinic.id, some)
        await give_way()
        yield reader.read(document)


async def read_by_id(cursor: Cursor, clinic: Clinic, row_ids: Collection[int]) -> dict[int, Appointment]:
    """One query for each 250."""
    return {row.id: row async for rows in read_appointments(cursor, clinic, row_ids) for row in rows}


async def read_appointments_of(
    cursor: Cursor, clinics: Collection[Clinic], row_ids: Mapping[int, Collection[int]]
) -> AsyncIterator[tuple[int, list[Appointment]]]:
    """In parts, each of one clinic. One query for each 250 rows, whichever clinics they belong to."""
    if len(clinics) == 1:  # Without a group, which the database would sort.
        [clinic] = clinics
        async for rows in read_appointments(cursor, clinic, row_ids[clinic.id]):
            yield clinic.id, rows
        return
    readers = {clinic.id: RowReader(clinic.zone) for clinic in clinics}
    for some in in_chunks((row_id for of_one in row_ids.values() for row_id in of_one), ROWS_A_QUERY):
        for clinic_id, document in await select(cursor, APPOINTMENTS_OF_CLINICS, some):
            await give_way()
            yield clinic_id, readers[clinic_id].read(document)


async def read_sums(cursor: Cursor, windows: Mapping[int, LiveWindow]) -> dict[int, tuple[int, int]]:
    """By clinic the number and the checksum of the rows in its window. One query for each window that differs."""
    rows = await _select_of_all(cursor, SUM_IN_WINDOW, SUM_IN_WINDOWS, windows)
    found = dict.fromkeys(windows, (0, 0))
    found.update({clinic_id: (count, int(checksum)) for clinic_id, count, checksum in rows})
    return found


async def _select_of_all(
    cursor: Cursor, of_one: str, of_several: str, windows: Mapping[int, LiveWindow]
) -> list[tuple[Any, ...]]:
    by_window: defaultdict[LiveWindow, list[int]] = defaultdict(list)
    for clinic_id, window in windows.items():
        by_window[window].append(clinic_id)
    rows: list[tuple[Any, ...]] = []
    for window, clinic_ids in by_window.items():
        if len(clinic_ids) == 1:
            rows += await select(cursor, of_one, clinic_ids[0], *_in_window(clinic_ids[0], window))
        else:
            rows += await select(cursor, of_several, *_in_window(tuple(clinic_ids), window))
    return rows


def _in_window(clinic_id: object, window: LiveWindow) -> tuple[object, ...]:
    return clinic_id, *window, clinic_id, PENDING, clinic_id, CONFIRMED


async def _ids(cursor: Cursor, query: str, *args: object) -> list[int]:
    [(document,)] = await select(cursor, query, *args)
    return sorted(orjson.loads(document)) if document else []
