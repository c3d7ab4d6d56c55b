"""One row by its id."""

from typing import TypeVar

from django.db.models import Model, QuerySet

from clinic.common.errors import NotFound

Row = TypeVar("Row", bound=Model)


def one_of(rows: QuerySet[Row], row_id: int, name: str) -> Row:
    """Raises NotFound."""
    row = rows.filter(pk=row_id).first()
    if row is None:
        raise NotFound(f"There is no such {name}.")
    return row
