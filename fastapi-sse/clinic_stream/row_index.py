"""Where the rows of a live window are, by practitioner, by patient and by day. Pure.

Lists of ids, as most are short: a set for each patient would take more memory than the rows' own columns.
"""

from collections.abc import Callable, Hashable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Generic, TypeVar

from clinic_stream.appointment import Appointment, awaits_answer

if TYPE_CHECKING:
    from _typeshed import SupportsRichComparison

KeyT = TypeVar("KeyT", bound=Hashable)


class Column(Generic[KeyT]):
    """The ids of the rows that have each value in one column."""

    __slots__ = ("_ids",)

    def __init__(self) -> None:
        self._ids: dict[KeyT, list[int]] = {}

    def __getitem__(self, key: KeyT) -> list[int]:
        return self._ids.get(key, [])

    def __iter__(self) -> Iterator[KeyT]:
        return iter(self._ids)

    def sort(self, key: KeyT, order: "Callable[[int], SupportsRichComparison]") -> None:
        self._ids[key].sort(key=order)

    def add(self, key: KeyT, row_id: int) -> None:
        ids = self._ids.get(key)
        if ids is None:
            self._ids[key] = [row_id]
        else:
            ids.append(row_id)

    def remove(self, key: KeyT, row_id: int) -> None:
        ids = self._ids[key]
        ids.remove(row_id)
        if not ids:
            del self._ids[key]


class RowIndex:
    __slots__ = ("awaiting", "by_date", "by_patient", "by_practitioner")

    def __init__(self) -> None:
        self.by_practitioner: Column[int] = Column()
        self.by_patient: Column[int] = Column()
        self.by_date: Column[date] = Column()
        self.awaiting: set[int] = set()

    def put(self, former: Appointment | None, row: Appointment | None) -> None:
        """The row in place of its former version; None is no row."""
        if former is not None:
            self._move(former, row)
        elif row is not None:
            self.by_practitioner.add(row.practitioner_id, row.id)
            self.by_patient.add(row.patient_id, row.id)
            self.by_date.add(row.local_date, row.id)
        if row is not None and awaits_answer(row):
            self.awaiting.add(row.id)
        elif former is not None:
            self.awaiting.discard(former.id)

    def _move(self, former: Appointment, row: Appointment | None) -> None:
        row_id = former.id
        if row is None or row.practitioner_id != former.practitioner_id:
            self.by_practitioner.remove(former.practitioner_id, row_id)
            if row is not None:
                self.by_practitioner.add(row.practitioner_id, row_id)
        if row is None or row.patient_id != former.patient_id:
            self.by_patient.remove(former.patient_id, row_id)
            if row is not None:
                self.by_patient.add(row.patient_id, row_id)
        if row is None or row.local_date != former.local_date:
            self.by_date.remove(former.local_date, row_id)
            if row is not None:
                self.by_date.add(row.local_date, row_id)
