"""The next deadline of each clinic, by the wall clock. Pure.

A deadline may be too early, never too late: whoever meets it looks what is due, and sets the next one.
"""

from datetime import datetime
from heapq import heappop, heappush


class Deadlines:
    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int]] = []
        self._at: dict[int, datetime] = {}

    def set(self, clinic_id: int, at: datetime) -> None:
        """Unless an earlier one is known."""
        known = self._at.get(clinic_id)
        if known is None or at < known:
            self._at[clinic_id] = at
            heappush(self._heap, (at, clinic_id))

    def pop_due(self, now: datetime, most: int) -> list[int]:
        """At most so many of the clinics whose deadline has come, the earliest first. They have none from now on."""
        due: list[int] = []
        while self._heap and self._heap[0][0] <= now and len(due) < most:
            at, clinic_id = heappop(self._heap)
            if self._at.get(clinic_id) == at:  # Else an earlier one has taken its place.
                del self._at[clinic_id]
                due.append(clinic_id)
        return due
