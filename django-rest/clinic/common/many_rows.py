"""Many rows in one INSERT. Django prepares each value of each row anew; here equal columns are written once, and most
values are what the driver takes."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import DEFERRED, Field, Model

Row = TypeVar("Row", bound=Model)
AS_THEY_ARE = frozenset({str, int, bool, float, type(None)})


def new_row(model: type[Row], columns: Mapping[str, Any]) -> Row:
    """A new row with these columns, by their names in the database, and the defaults of all others. Costs a third of
    the constructor's keywords."""
    return model(*{**_defaults_of(model), **columns}.values())


@cache
def _defaults_of(model: type[Model]) -> dict[str, Any]:
    """In the order of the constructor."""
    fields = model._meta.concrete_fields
    return {field.attname: DEFERRED if field.generated else field.get_default() for field in fields}


def insert_many(rows: Sequence[Model], *, kept_by: str, at_once: int = 200) -> None:
    """Write new rows of one model, in one statement for each `at_once`. A row that is there under the same unique
    column `kept_by` stays as it is; any other refusal is an error. Ids are not told."""
    for start in range(0, len(rows), at_once):
        _insert(rows[start : start + at_once], kept_by)


def _insert(rows: Sequence[Model], kept_by: str) -> None:
    options = rows[0]._meta
    fields = [field for field in options.local_concrete_fields if not (field.primary_key or field.generated)]
    connection.ensure_connection()
    names, places, varying = [], [], []
    for field in fields:
        values = [row.__dict__[field.attname] for row in rows]
        names.append(connection.ops.quote_name(str(field.column)))
        if all(value is values[0] for value in values):
            [value] = _prepared(field, values[:1])
            places.append(_literal(value))
        else:
            places.append("%s")
            varying.append(_prepared(field, values))
    row = f"({', '.join(places)})"
    table, key = connection.ops.quote_name(options.db_table), connection.ops.quote_name(kept_by)
    statement = (
        f"INSERT INTO {table} ({', '.join(names)}) VALUES {', '.join([row] * len(rows))}"  # noqa: S608 - our names
        f" ON DUPLICATE KEY UPDATE {key} = {key}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [value for of_row in zip(*varying, strict=True) for value in of_row])


def _prepared(field: "Field[Any, Any]", values: list[Any]) -> list[Any]:
    """As the driver takes them. Equal ones are prepared once, where they are the same object."""
    if AS_THEY_ARE.issuperset(map(type, values)):
        return values
    known: dict[int, Any] = {}
    prepared = []
    for value in values:
        if type(value) not in AS_THEY_ARE:
            if id(value) not in known:
                known[id(value)] = field.get_db_prep_save(value, connection)
            value = known[id(value)]
        prepared.append(value)
    return prepared


def _literal(value: Any) -> str:
    """Safe within a statement that has parameters."""
    literal: bytes = connection.connection.literal(value)
    return literal.decode().replace("%", "%%")
