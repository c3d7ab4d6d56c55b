"""Working hours in the form that the slot engine takes."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Q

from clinic.scheduling.models import (
    Clinic,
    ScheduleException,
    WorkingBlock,
)
from clinic.scheduling.working_hours import Block, DayException, Hours, days_later


def hours_of(clinic: Clinic, practitioner_ids: Sequence[int], first_date: date, last_date: date) -> dict[int, Hours]:
    """For starts on these days. One query for any number of practitioners."""
    if not practitioner_ids:
        return {}
    with connection.cursor() as cursor:
        ids, (first, last) = tuple(practitioner_ids), hours_days(first_date, last_date)
        cursor.execute(HOURS, [ids, clinic.pk, ids, last, first])
        return hours_from(cursor.fetchall(), practitioner_ids)


# In one statement, as a booking reads them while others wait for it. Parameters: the practitioners, the clinic, the
# practitioners again, the last of `hours_days`, the first.
HOURS = """
SELECT practitioner_id, weekday, every_weeks, start_local, end_local, valid_from, valid_until, NULL AS closed
FROM working_block WHERE practitioner_id IN %s
UNION ALL
SELECT practitioner_id, NULL, NULL, start_local, end_local, start_date, end_date, closed
FROM schedule_exception WHERE clinic_id = %s AND (practitioner_id IS NULL OR practitioner_id IN %s)
AND start_date <= %s AND end_date >= %s
"""


def hours_days(first_date: date, last_date: date) -> tuple[date, date]:
    """From a day before to two after: a shift may begin the evening before, and a treatment end on the next day."""
    return days_later(first_date, -1), days_later(last_date, 2)


def hours_from(rows: Iterable[Sequence[Any]], practitioner_ids: Collection[int]) -> dict[int, Hours]:
    """From the rows of `HOURS`."""
    blocks: dict[int, list[Block]] = defaultdict(list)
    exceptions: list[DayException] = []
    for owner_id, weekday, every_weeks, start, end, first, last, closed in rows:
        if weekday is not None:
            blocks[owner_id].append(Block(int(weekday), start, end, first, last, every_weeks))
        else:
            exceptions.append(DayException(first, last, owner_id, bool(closed), start, end))
    return {
        practitioner_id: Hours(
            blocks.get(practitioner_id, []),
            [exception for exception in exceptions if exception.practitioner_id in (None, practitioner_id)],
        )
        for practitioner_id in practitioner_ids
    }


def blocks_of(practitioner_ids: Sequence[int]) -> dict[int, list[Block]]:
    """Weekly hours by practitioner. One query."""
    blocks: dict[int, list[Block]] = defaultdict(list)
    for block in WorkingBlock.objects.filter(practitioner_id__in=practitioner_ids):
        blocks[block.practitioner_id].append(
            Block(
                block.weekday,
                block.start_local,
                block.end_local,
                block.valid_from,
                block.valid_until,
                block.every_weeks,
            )
        )
    return blocks


def exceptions_around(
    clinic: Clinic, practitioner_ids: Sequence[int], first_date: date, last_date: date
) -> list[tuple[ScheduleException, DayException]]:
    """The whole clinic's and these practitioners', from a day before the dates to two after. One query."""
    rows = ScheduleException.objects.filter(
        Q(practitioner__isnull=True) | Q(practitioner_id__in=practitioner_ids),
        clinic_id=clinic.pk,
        start_date__lte=days_later(last_date, 2),
        end_date__gte=days_later(first_date, -1),
    )
    return [
        (
            row,
            DayException(row.start_date, row.end_date, row.practitioner_id, row.closed, row.start_local, row.end_local),
        )
        for row in rows
    ]
