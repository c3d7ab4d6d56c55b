"""The live window: yesterday to 31 days ahead on the clinic's calendar, and all that awaits an answer. Pure."""

from datetime import date, timedelta
from typing import NamedTuple, Self

from clinic_stream.appointment import VisibilityColumns, awaits_answer

DAYS_BEHIND = 1
DAYS_AHEAD = 31
MAX_RANGE_DAYS = 31


class LiveWindow(NamedTuple):
    first: date
    last: date

    @classmethod
    def around(cls, today: date) -> Self:
        return cls(today - timedelta(days=DAYS_BEHIND), today + timedelta(days=DAYS_AHEAD))

    def keeps(self, row: VisibilityColumns) -> bool:
        return awaits_answer(row) or self.first <= row.local_date <= self.last
