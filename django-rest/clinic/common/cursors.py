"""Keyset cursors: the place of a row in an ordered queryset, as a text for `after=`.

What is added or removed elsewhere does not move a cursor, so following it shows every row once.
"""

import base64
import binascii
import zlib
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import orjson
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Field, Model, Q

from clinic.common.errors import InvalidRequest
from clinic.common.instants import is_within_calendar

MAX_CURSOR_LENGTH = 2000


def cursor_of(row: Any, names: Sequence[str]) -> str:
    """The place right after this row."""
    values = [_value(row, name.removeprefix("-")) for name in names]
    document = orjson.dumps([_order_mark(names), *values], default=_as_text, option=orjson.OPT_PASSTHROUGH_DATETIME)
    return base64.urlsafe_b64encode(document).decode().rstrip("=")


def beyond(rows: Any, names: Sequence[str], cursor: str) -> Q:
    """The condition that a row comes after the cursor. Empty for an empty cursor. Raises InvalidRequest."""
    if not cursor:
        return Q()
    return _behind(names, _read(cursor, names, rows.model))


def beyond_row(row: Any, names: Sequence[str]) -> Q:
    """The condition that a row comes after this one."""
    return _behind(names, [_value(row, name.removeprefix("-")) for name in names])


def _behind(names: Sequence[str], values: Sequence[Any]) -> Q:
    condition = Q()
    for name, value in reversed(list(zip(names, values, strict=True))):
        column, sign = name.removeprefix("-"), "lt" if name.startswith("-") else "gt"
        nearer = Q(**{f"{column}__{sign}": value})
        if not condition:
            condition = nearer
            continue
        # The first part says nothing new: by it the database begins at the right place of an index.
        condition = Q(**{f"{column}__{sign}e": value}) & (nearer | (Q(**{column: value}) & condition))
    return condition


def _value(row: Any, name: str) -> Any:
    if hasattr(row, name):  # Flat rows name a column of another table as the ORM does.
        return getattr(row, name)
    value = row
    for step in name.split("__"):
        value = getattr(value, step)
    return value


def _as_text(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no part of a cursor")


def _order_mark(names: Sequence[str]) -> int:
    """A cursor of another order is none of this one."""
    return zlib.crc32(",".join(names).encode())


def _read(cursor: str, names: Sequence[str], model: type[Model]) -> list[Any]:
    try:
        if len(cursor) > MAX_CURSOR_LENGTH:
            raise ValueError
        mark, *values = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
        if mark != _order_mark(names) or len(values) != len(names) or None in values:
            raise ValueError
        return [_typed(_field(model, name.removeprefix("-")), value) for name, value in zip(names, values, strict=True)]
    except (ValueError, TypeError, binascii.Error, ValidationError, FieldDoesNotExist, OverflowError):
        raise InvalidRequest("This is no cursor of this list. Begin with an empty `after`.", attr="after") from None


def _field(model: Any, name: str) -> "Field[Any, Any]":
    for step in name.split("__")[:-1]:
        model = model._meta.get_field(step).related_model
    last = name.split("__")[-1]
    field: Field[Any, Any] = model._meta.pk if last == "pk" else model._meta.get_field(last)
    return field


def _typed(field: "Field[Any, Any]", value: Any) -> Any:
    """A value that the database can compare with the column. Raises ValueError, TypeError and ValidationError."""
    typed = field.to_python(value)
    is_comparable = True
    if isinstance(typed, int):
        is_comparable = -(2**63) <= typed < 2**63
    elif isinstance(typed, str):
        is_ascii_column = getattr(field, "db_collation", None) == "ascii_bin"
        is_comparable = "\0" not in typed and (typed.isascii() or not is_ascii_column)
    elif isinstance(typed, datetime):
        is_comparable = typed.tzinfo is not None and is_within_calendar(typed)
    if not is_comparable:
        raise ValueError
    return typed
