"""Event ids: `<epoch>.<clinic>.<seq>-<mark>`. Pure.

The mark is the microsecond at which the event with that number was recorded. A number alone can change its meaning: a
promoted replica that lacks the last commits gives the same numbers to other changes. The mark tells the two apart, in
every process and after every restart, because it stands in the database beside the number.
"""

import re
from datetime import datetime, timedelta
from typing import NamedTuple, Self

EVENT_ID = re.compile(r"([0-9A-Za-z]{1,32})\.([0-9]{1,18})\.([0-9]{1,18})-([0-9]{1,18})")
YEAR_1970 = datetime(1970, 1, 1)  # noqa: DTZ001  # Naive UTC, as the database has it.
MICROSECOND = timedelta(microseconds=1)

# The mark of a number without an event: 0, which nothing preceded, and one whose event is no longer kept.
NO_MARK = 0


def mark_of(at: datetime) -> int:
    """Microseconds since 1970 of an event's instant (naive UTC)."""
    return (at - YEAR_1970) // MICROSECOND


class EventId(NamedTuple):
    epoch: str
    clinic_id: int
    seq: int
    mark: int

    def __str__(self) -> str:
        return f"{self.epoch}.{self.clinic_id}.{self.seq}-{self.mark}"

    @classmethod
    def read(cls, text: str | None) -> Self | None:
        """None for anything else, also an id of an older version, without a mark: its reader starts with a snapshot."""
        found = EVENT_ID.fullmatch(text or "")
        return cls(found[1], int(found[2]), int(found[3]), int(found[4])) if found else None
