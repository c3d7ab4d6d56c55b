"""Lists of which a page is read from one end of an index, however long they are.

A filter alone does not decide how a page is found: the database might walk through millions of rows in the order that
was asked for, or sort them. So a list names its index, which begins with what is filtered by, and goes on with the
order. Where no index has both, the list consists of *parts* that have: each gives its first rows, and the first of
those are the page's.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Model, Q, QuerySet

from clinic.common.pagination import MAX_COUNT, Pages

Shown = TypeVar("Shown")
Row = TypeVar("Row", bound=Model)
Sql = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Part:
    """Rows in the order of an index; without one they are few, and sorted. `counted`: the column that tells them apart
    where they are only counted."""

    rows: QuerySet[Any, Any]
    index: str | None = None
    counted: str = "pk"

    @property
    def counting(self) -> QuerySet[Any, Any]:
        """In the order of the index, where the same values stand together."""
        order = () if self.counted == "pk" else (self.counted,)
        return self.rows.order_by(*order).values_list(self.counted, flat=True)


@dataclass(frozen=True, slots=True)
class IndexedList(Generic[Shown]):
    """An ordered list. `parts` together are all rows, each once. `order` ends with the id, which has the sign of the
    column before it. `counted` are the same rows by other indexes, if that is faster than `parts`; None: counting
    would read all. `fetch` reads rows by their ids, in the order of these."""

    model: type[Model]
    parts: tuple[Part, ...]
    order: tuple[str, ...]
    fetch: Callable[[list[int]], list[Shown]]
    counted: tuple[Part, ...] | None = ()

    def filter(self, condition: Q) -> "IndexedList[Shown]":
        return replace(self, parts=tuple(replace(part, rows=part.rows.filter(condition)) for part in self.parts))

    def rows(self, part: slice) -> list[Shown]:
        """Two queries: ids from an index, then their rows by their keys."""
        return self.fetch(self._ids(part))

    def count_up_to(self, most: int) -> int:
        """One query, which reads no further."""
        if self.counted is None:
            return most
        parts = self.counted or self.parts
        pieces = _pieces((part.counting[:most], part.index) for part in parts)
        if not pieces:
            return 0
        sql, values = _union(pieces)
        sql = pieces[0][0] if len(pieces) == 1 else f"{sql} LIMIT {most:d}"
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM ({sql}) AS counted", values)  # noqa: S608 - the ORM's own SQL
            return int(cursor.fetchone()[0])

    def _ids(self, part: slice) -> list[int]:
        first, stop = part.start or 0, part.stop
        columns = ("pk", *(name.removeprefix("-") for name in self.order[:-1]))
        several = len(self.parts) > 1
        begins = 0 if several else first
        pieces = _pieces(
            (one.rows.values_list(*columns).order_by(*self.order)[begins:stop], one.index) for one in self.parts
        )
        if not pieces:
            return []
        sql, values = self._merged(pieces, first, stop) if several else pieces[0]
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return [row[0] for row in cursor.fetchall()]

    def _merged(self, pieces: Collection[Sql], first: int, stop: int) -> Sql:
        """The id is the first column, and the last one of the order."""
        places = [*range(2, len(self.order) + 1), 1]
        order = ", ".join(
            f"{place} {'DESC' if name.startswith('-') else 'ASC'}"
            for name, place in zip(self.order, places, strict=True)
        )
        union, values = _union(pieces)
        return f"{union} ORDER BY {order} LIMIT {stop - first:d} OFFSET {first:d}", values


class IndexedPages(Pages):
    """Of an `IndexedList`."""

    def in_whole_order(self, rows: IndexedList[Any], view: Any) -> tuple[IndexedList[Any], tuple[str, ...]]:
        return rows, rows.order

    def read_rows(self, rows: IndexedList[Any], part: slice) -> list[Any]:
        return rows.rows(part)

    def count_rows(self, rows: IndexedList[Any]) -> int:
        return rows.count_up_to(MAX_COUNT + 1)


def in_order_of(ids: Sequence[int], rows: QuerySet[Row, Row]) -> list[Row]:
    """The rows with these ids, in their order. One query, none for no ids. Deleted ones are missing."""
    found = {row.pk: row for row in rows.filter(pk__in=list(ids)).order_by()} if ids else {}
    return [found[row_id] for row_id in ids if row_id in found]


def sql_of(rows: QuerySet[Any, Any]) -> Sql:
    """The statement that reads a queryset. Raises EmptyResultSet where nothing can be found."""
    sql, values = rows.query.sql_with_params()
    return sql, tuple(values)


def _pieces(statements: Iterable[tuple[QuerySet[Any, Any], str | None]]) -> list[Sql]:
    """Without those that can find nothing."""
    pieces = []
    for rows, index in statements:
        with suppress(EmptyResultSet):
            pieces.append(_by_index(rows, index))
    return pieces


def _union(pieces: Collection[Sql]) -> Sql:
    return " UNION ALL ".join(f"({sql})" for sql, _ in pieces), tuple(value for _, some in pieces for value in some)


def _by_index(rows: QuerySet[Any, Any], index: str | None) -> Sql:
    """Both servers take the hint, and neither forgets it for a plan that looks cheaper."""
    sql, values = sql_of(rows)
    if index is None:
        return sql, values
    table = f"FROM `{rows.model._meta.db_table}` "
    assert sql.count(table) == 1, sql
    # In the order of the index: what is joined is looked up for each row.
    sql = sql.replace(" INNER JOIN ", " STRAIGHT_JOIN ")
    return sql.replace(table, f"{table}FORCE INDEX (`{index}`) "), values
