"""Comparison of what REST, the stream and the database say about the same appointments. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Row = Mapping[str, Any]
Rows = Mapping[int, Row]

# Columns of the database under their names in the public form, with the form in which both are compared.
INSTANTS = {"starts_at": "start", "ends_at": "end", "created_at": "created_at", "updated_at": "updated_at"}
ALIKE = {
    "clinic_id": "clinic",
    "patient_id": "patient",
    "patient__name": "patient_name",
    "patient__email": "patient_email",
    "patient__phone": "patient_phone",
    "patient__phone_extension": "patient_phone_extension",
    "practitioner_id": "practitioner",
    "practitioner__name": "practitioner_name",
    "service_id": "service",
    "service__name": "service_name",
    "status": "status",
    "notes": "notes",
    "cancel_reason": "cancel_reason",
    "source": "source",
    "series_id": "series",
    "version": "version",
}
DATABASE_COLUMNS = ("id", *INSTANTS, *ALIKE)


@dataclass(frozen=True, slots=True)
class Difference:
    appointment_id: int
    text: str


def differences(*, rest: Rows, stream: Rows, database: Rows) -> list[Difference]:
    """By appointment, then by field. `database` rows have `DATABASE_COLUMNS`; the others are as they are published."""
    found: list[Difference] = []
    for appointment_id in sorted({*rest, *stream, *database}):
        sources = {"REST": rest, "the stream": stream, "the database": database}
        missing = [name for name, rows in sources.items() if appointment_id not in rows]
        if missing:
            found.append(Difference(appointment_id, f"missing in {' and '.join(missing)}"))
            continue
        published, row = rest[appointment_id], database[appointment_id]
        texts = [*_between_services(published, stream[appointment_id]), *_with_database(published, row)]
        found += [Difference(appointment_id, text) for text in texts]
    return found


def _between_services(rest: Row, stream: Row) -> Iterator[str]:
    for field in sorted({*rest, *stream}):
        if field not in rest or field not in stream or rest[field] != stream[field]:
            yield f"{field} differs between REST and the stream"


def _with_database(published: Row, row: Row) -> Iterator[str]:
    for columns, in_one_form in ((ALIKE, _unchanged), (INSTANTS, _milliseconds)):
        for column, field in columns.items():
            if in_one_form(published[field]) != in_one_form(row[column]):
                yield f"{field} differs between REST and the database"


def _unchanged(value: Any) -> Any:
    return value


def _milliseconds(value: datetime | str) -> int:
    instant = datetime.fromisoformat(value) if isinstance(value, str) else value
    return int(instant.timestamp() * 1000)


def lasting(rounds: list[list[Difference]]) -> list[Difference]:
    """Those of the newest round whose appointment differed in every round; others were being changed meanwhile."""
    ids = [{difference.appointment_id for difference in one} for one in rounds]
    return [difference for difference in rounds[-1] if all(difference.appointment_id in one for one in ids)]
