"""The taken time of each practitioner, put together once for all topics that show it."""

from collections.abc import Iterable

from clinic_stream.clinic_availability import TakenDays, taken_days
from clinic_stream.state import ClinicState
from clinic_stream.taken_intervals import TakenInterval
from clinic_stream.time_slices import give_way


class TakenIntervalCache:
    def __init__(self, state: ClinicState) -> None:
        self._state = state
        self._taken: dict[int, list[TakenInterval]] = {}
        self._days: dict[int, TakenDays] = {}

    def of(self, practitioner_id: int) -> list[TakenInterval]:
        if practitioner_id not in self._taken:
            self._taken[practitioner_id] = self._state.taken_of(practitioner_id)
        return self._taken[practitioner_id]

    def days_of(self, practitioner_id: int) -> TakenDays:
        """The same as JSON, by day."""
        if practitioner_id not in self._days:
            taken, zone = self.of(practitioner_id), self._state.clinic.zone
            self._days[practitioner_id] = taken_days(practitioner_id, taken, zone)
        return self._days[practitioner_id]

    def forget(self, practitioner_ids: Iterable[int]) -> None:
        """Their time has changed."""
        for practitioner_id in practitioner_ids:
            self._taken.pop(practitioner_id, None)
            self._days.pop(practitioner_id, None)

    async def put_together(self, practitioner_ids: Iterable[int]) -> None:
        """In turns with everything else."""
        for practitioner_id in practitioner_ids:
            if practitioner_id not in self._days:
                self.days_of(practitioner_id)
                await give_way()

    def has_all_of(self, other: "TakenIntervalCache") -> bool:
        return self._taken.keys() >= other._taken.keys() and self._days.keys() >= other._days.keys()

    async def in_state(self, fresh: ClinicState) -> "TakenIntervalCache":
        """The same practitioners' in another state."""
        times = TakenIntervalCache(fresh)
        await times.put_together(list(self._days))
        for practitioner_id in list(self._taken):
            times.of(practitioner_id)
            await give_way()
        return times
