"""Appointments as CSV (RFC 4180: CRLF, quotes doubled; UTF-8 with its mark), in pieces: any number of rows costs the
same memory.
"""

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any

from clinic.appointments.lists import AppointmentList
from clinic.appointments.presentation import ShownAppointment
from clinic.common.cursors import beyond_row

ROWS_AT_ONCE = 1000
# A spreadsheet takes a cell that begins with one of these for a formula, and would run what a patient typed as a name.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
# Without it Excel takes UTF-8 for the machine's own code page.
BYTE_ORDER_MARK = "\ufeff"


def csv_pieces(rows: Iterator[dict[str, Any]], columns: list[str]) -> Iterator[str]:
    """The header and then some rows at a time. Text that a spreadsheet would run gets a `'` in front."""
    text = StringIO()
    text.write(BYTE_ORDER_MARK)
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow(columns)
    for number, row in enumerate(rows, start=1):
        lines.writerow([_cell(row[column]) for column in columns])
        if number % ROWS_AT_ONCE == 0:
            yield _taken(text)
    yield _taken(text)


def in_chunks(appointments: AppointmentList) -> Iterator[ShownAppointment]:
    """Every row of a list, a chunk at a time.

    Each chunk begins after the last row of the one before, so no query is slower than the first, none stays open
    while a slow reader takes its time, and neither side ever holds more than a chunk.
    """
    rest = appointments
    while chunk := rest.rows(slice(ROWS_AT_ONCE)):
        yield from chunk
        if len(chunk) < ROWS_AT_ONCE:
            return
        rest = appointments.filter(beyond_row(chunk[-1], appointments.order))


def _cell(value: Any) -> Any:
    is_formula = isinstance(value, str) and value.startswith(FORMULA_STARTS)
    return f"'{value}" if is_formula else value


def _taken(text: StringIO) -> str:
    piece = text.getvalue()
    text.seek(0)
    text.truncate()
    return piece
