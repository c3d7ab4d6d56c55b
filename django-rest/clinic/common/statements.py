"""Querysets whose SQL is made once for each shape, and asked again with other values.

Django takes longer to make the SQL of a queryset than the database to answer it. A `RememberingQuerySet` notes what it
is asked (`filter`, `order_by`, a slice …) and makes nothing of it before it is read. What was noted, without its
values, is its *shape*: of one shape, statements differ in their parameters alone. The first of a shape is made twice:
with its values, and with marks in their place that tell which parameter is which. The shape is remembered if the
marks, exchanged for the values, give exactly what was made with the values; if not, its statements are made each time.

So a queryset stays the one place that says who may see what. What cannot be noted (a subquery, an object, a lock) makes
an ordinary queryset of it. With `STATEMENTS_ARE_COMPARED`, as in the tests, whatever is asked again is compared with a
statement made afresh.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Any, Self, TypeVar, cast

from django.conf import settings
from django.core.exceptions import EmptyResultSet, FieldError, FullResultSet, ValidationError
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Manager, Model, Q, QuerySet
from django.db.models.expressions import BaseExpression
from django.db.models.query import FlatValuesListIterable, NamedValuesListIterable, ValuesIterable, ValuesListIterable
from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row", bound=Model)
Shape = tuple[Any, ...]
Sql = tuple[str, tuple[Any, ...]]

# More than the API has; each takes about ten kilobytes. With more, all are forgotten.
MOST_SHAPES = 1000
LONGEST_LIST = 200
# A value of exactly such a type becomes a parameter. What changes a text on its way changes its mark, too.
MARKS: dict[type, Callable[[int], Any]] = {
    int: lambda number: 30_011 + number,
    str: lambda number: f" %_\\'\"Éß{number}\n ",
    datetime: lambda number: datetime(2001, 1, 1, tzinfo=UTC) + timedelta(hours=number),
    date: lambda number: date(2001, 1, 1) + timedelta(days=number),
}
FILTERS = ("filter", "exclude")
PARTS = ("first", "part")
STEPS: dict[str, Callable[..., QuerySet[Any, Any]]] = {
    "filter": QuerySet.filter,
    "exclude": QuerySet.exclude,
    "annotate": QuerySet.annotate,
    "order_by": QuerySet.order_by,
    "select_related": QuerySet.select_related,
    "values": QuerySet.values,
    "values_list": QuerySet.values_list,
    "first": lambda rows: _part(rows if rows.ordered else rows.order_by("pk"), None, 1),
    "part": lambda rows, start, stop: _part(rows, start, stop),
}


def _part(rows: QuerySet[Any, Any], start: int | None, stop: int | None) -> QuerySet[Any, Any]:
    return QuerySet.__getitem__(rows, slice(start, stop))


class _UnnotedError(Exception):
    """A shape cannot be made of it."""


def _shape_of(value: Any, values: list[Any]) -> Any:
    """A type in the place of each parameter, whose value is appended to `values`."""
    kind = type(value)
    if kind in MARKS:
        if kind is int and not -(2**63) <= value < 2**63:
            raise _UnnotedError
        values.append(value)
        return kind
    if kind is bool or value is None or isinstance(value, Enum):
        return kind, value
    if kind is list or kind is tuple:
        if len(value) > LONGEST_LIST or len(set(value)) < len(value):  # Of equal ones a statement names one.
            raise _UnnotedError
        return kind, *[_shape_of(one, values) for one in value]
    if kind is Q:
        return kind, value.connector, value.negated, *[_shape_of_child(child, values) for child in value.children]
    raise _UnnotedError


def _shape_of_child(child: Any, values: list[Any]) -> Any:
    name, value = (None, child) if isinstance(child, Q) else child
    return name, _shape_of(value, values)


def _value_of(shape: Any, values: Iterator[Any]) -> Any:
    """The other way round."""
    if isinstance(shape, type):
        return next(values)
    kind, *parts = shape
    if kind is list or kind is tuple:
        return kind(_value_of(part, values) for part in parts)
    if kind is Q:
        connector, negated, *children = parts
        made = [(name, _value_of(child, values)) for name, child in children]
        condition = Q(*[value if name is None else (name, value) for name, value in made], _connector=connector)
        condition.negated = negated
        return condition
    return parts[0]


def _make(model: type[Model], shape: Shape, values: list[Any]) -> QuerySet[Any, Any]:
    rows: QuerySet[Any, Any] = QuerySet(model)
    rest = iter(values)
    for name, arguments, named in shape:
        if name in FILTERS:
            arguments = [_value_of(argument, rest) for argument in arguments]
            named = [(field, _value_of(value, rest)) for field, value in named]
        rows = STEPS[name](rows, *arguments, **dict(named))
    return rows


@dataclass(frozen=True, slots=True)
class Statement:
    compiler: SQLCompiler
    sql: str
    parameters: tuple[Any, ...]
    # Of each parameter, which value it is; None for one that stands as it is.
    places: tuple[int | None, ...]
    converters: dict[int, Any]

    def asked_with(self, values: list[Any], connection: BaseDatabaseWrapper) -> Sql:
        adapted = [_adapt(value, connection) for value in values]
        parameters = zip(self.places, self.parameters, strict=True)
        return self.sql, tuple(constant if place is None else adapted[place] for place, constant in parameters)


def _adapt(value: Any, connection: BaseDatabaseWrapper) -> Any:
    kind = type(value)
    if kind is datetime:
        return connection.ops.adapt_datetimefield_value(value)
    return connection.ops.adapt_datefield_value(value) if kind is date else value


def _learn(model: type[Model], shape: Shape, values: list[Any], using: str) -> Statement | None:
    """None where it cannot be told which parameter is which value, or there is no statement to make."""
    connection = connections[using]
    marks = [MARKS[type(value)](number) for number, value in enumerate(values)]
    try:
        compiler = _make(model, shape, marks).query.get_compiler(using=using)
        sql, parameters = compiler.as_sql()
        found = {_exactly(_adapt(mark, connection)): number for number, mark in enumerate(marks)}
        places = tuple(found.get(_exactly(parameter)) for parameter in parameters)
        statement = Statement(compiler, sql, tuple(parameters), places, _converters_of(compiler))
        if set(found.values()) <= set(places) and _is_as_made(statement, model, shape, values, using):
            return statement
    except (EmptyResultSet, FullResultSet, ValidationError, TypeError, ValueError, OverflowError):
        pass  # A mark that is no such value; or what is wrong with it is said when it is made.
    return None


def _converters_of(compiler: SQLCompiler) -> dict[int, Any]:
    assert compiler.select is not None
    converters: dict[int, Any] = compiler.get_converters([column for column, *_ in compiler.select])
    return converters


def _is_as_made(statement: Statement, model: type[Model], shape: Shape, values: list[Any], using: str) -> bool:
    sql, parameters = _make(model, shape, values).query.get_compiler(using=using).as_sql()
    asked_sql, asked = statement.asked_with(values, connections[using])
    return (sql, [*map(_exactly, parameters)]) == (asked_sql, [*map(_exactly, asked)])


def _exactly(value: Any) -> Any:
    """1, 1.0 and True are equal, but not the same."""
    return type(value), value


remembered: dict[tuple[type[Model], Shape], Statement | None] = {}


def _remember(model: type[Model], shape: Shape, values: list[Any], using: str) -> Statement | None:
    key = model, shape
    try:
        statement = remembered[key]
    except KeyError:
        if len(remembered) >= MOST_SHAPES:
            remembered.clear()
        statement = remembered[key] = _learn(model, shape, values, using)
    if statement is not None and settings.STATEMENTS_ARE_COMPARED:
        assert _is_as_made(statement, model, shape, values, using), statement.sql
    return statement


marked: dict[tuple[type[Model], Shape], bool] = {}


def _can_be_marked(model: type[Model], shape: Shape, values: list[Any]) -> bool:
    """Whether every value of this shape is as good as another. Where not, as with a text for a number, Django says of
    each what is wrong with it, at once."""
    key = model, shape
    if key not in marked:
        if len(marked) >= MOST_SHAPES:
            marked.clear()
        try:
            _make(model, shape, [MARKS[type(value)](number) for number, value in enumerate(values)])
        except (FieldError, ValidationError, TypeError, ValueError, OverflowError):
            marked[key] = False
        else:
            marked[key] = True
    return marked[key]


class _CompilerAgain(SQLCompiler):
    def __init__(self, statement: Statement, sql: Sql, connection: BaseDatabaseWrapper) -> None:
        self.__dict__.update(statement.compiler.__dict__)
        self.connection = connection
        self._sql = sql
        self._converters = statement.converters

    def as_sql(self, with_limits: bool = True, with_col_aliases: bool = False) -> Any:
        return self._sql

    def get_converters(self, expressions: Any) -> Any:
        return self._converters


class _QueryAgain:
    """Stands in for a queryset's query while the queryset is read."""

    def __init__(self, statement: Statement, values: list[Any]) -> None:
        self._statement = statement
        self._values = values

    def get_compiler(self, using: str) -> SQLCompiler:
        connection = connections[using]
        return _CompilerAgain(self._statement, self._statement.asked_with(self._values, connection), connection)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._statement.compiler.query, name)


class RememberingQuerySet(QuerySet[Row, Row]):
    """As long as it only notes, it has no query: `_made` is None. Whatever asks for one has it made, also Django itself
    by `_query`; then it is an ordinary queryset."""

    _made: Any
    # Not in the stubs.
    _db: str | None
    _hints: Any
    _for_write: bool
    _sticky_filter: bool
    _defer_next_filter: bool
    _iterable_class: Any
    _chain: Callable[[], Any]

    def __init__(self, model: Any = None, query: Any = None, using: str | None = None, hints: Any = None) -> None:
        super().__init__(model, query or cast(Any, True), using, hints)
        self._made = query
        self._steps: Shape = ()
        self._given: list[Any] = []

    def _build(self) -> None:
        if self._made is None:
            self._made = _make(self.model, self._steps, self._given).query

    @property
    def _query(self) -> Any:
        self._build()
        return self._made

    @_query.setter
    def _query(self, query: Any) -> None:
        self._made = query

    @property
    def query(self) -> Any:
        return QuerySet.query.fget(self)  # type: ignore[attr-defined]

    @query.setter
    def query(self, query: Any) -> None:
        QuerySet.query.fset(self, query)  # type: ignore[attr-defined]

    def filter(self, *conditions: Any, **named: Any) -> Self:
        return self._step("filter", *conditions, **named)

    def exclude(self, *conditions: Any, **named: Any) -> Self:
        return self._step("exclude", *conditions, **named)

    def complex_filter(self, filter_obj: Any) -> Self:
        """What the admin's choices are limited to."""
        return self.filter(filter_obj) if isinstance(filter_obj, Q) else self.filter(**filter_obj)

    def annotate(self, *unnamed: Any, **named: Any) -> Self:
        return self._step("annotate", *unnamed, **named)

    def order_by(self, *names: Any) -> Self:
        return self._step("order_by", *names)

    def select_related(self, *names: Any) -> Self:
        return self._step("select_related", *names)

    def values(self, *names: Any, **expressions: Any) -> Any:
        return self._step("values", *names, **expressions)._told((*names, *expressions), ValuesIterable)

    def values_list(self, *names: Any, flat: bool = False, named: bool = False) -> Any:
        rows = self._step("values_list", *names, flat=flat, named=named)
        told = NamedValuesListIterable if named else FlatValuesListIterable if flat else ValuesListIterable
        return rows._told(names, told)

    def first(self) -> Any:
        if any(name == "annotate" for name, *_ in self._steps):  # Not every one of these has a first.
            return super().first()
        return next(iter(self._step("first")), None)

    def count(self) -> int:
        if self._result_cache is not None or self._made is not None:
            return super().count()
        return QuerySet.count(self._chain())  # So that this one goes on noting.

    def __getitem__(self, part: Any) -> Any:
        if self._result_cache is not None or not isinstance(part, slice) or part.step is not None:
            return super().__getitem__(part)
        if (part.start or 0) < 0 or (part.stop or 0) < 0:
            return super().__getitem__(part)  # Says that this is nothing.
        return self._step("part", part.start, part.stop)

    def _told(self, names: tuple[str, ...], told: Any) -> Self:
        if self._made is None:
            self._fields, self._iterable_class = names, told
        return self

    def _step(self, name: str, /, *arguments: Any, **named: Any) -> Self:
        if self._made is None and not self._is_special:
            with suppress(_UnnotedError, TypeError):
                return self._with_step(name, arguments, named)
        self._build()
        return STEPS[name](self, *arguments, **named)  # type: ignore[return-value]

    @property
    def _is_special(self) -> bool:
        return bool(self._db or self._hints or self._for_write or self._sticky_filter or self._defer_next_filter)

    def _with_step(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Self:
        if self._steps and self._steps[-1][0] in PARTS:
            raise _UnnotedError
        values = self._given.copy()
        if name in FILTERS:
            shape = (
                name,
                tuple([_shape_of(argument, values) for argument in arguments]),
                tuple([(field, _shape_of(value, values)) for field, value in named.items()]),
            )
        else:
            _check_plain(name, arguments, named)
            shape = name, arguments, tuple(named.items())
        steps = (*self._steps, shape)
        if not _can_be_marked(self.model, steps, values):
            raise _UnnotedError
        clone = self._chain()
        clone._steps, clone._given = steps, values
        return cast(Self, clone)

    def _clone(self) -> Self:
        if self._made is not None:
            return super()._clone()  # type: ignore[misc, no-any-return]
        clone = self.__class__.__new__(self.__class__)
        clone.__dict__.update(self.__dict__, _result_cache=None, _prefetch_done=False)
        return clone

    def _fetch_all(self) -> None:
        if self._result_cache is None and self._made is None and not self._is_special:
            statement = _remember(self.model, self._steps, self._given, self.db)
            if statement is not None:
                self._made = _QueryAgain(statement, self._given)
                try:
                    super()._fetch_all()
                finally:
                    self._made = None
                return
        super()._fetch_all()


def _check_plain(name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Names and numbers are part of a shape as they are, and so are named expressions."""
    if name != "part" and len(set(arguments)) < len(arguments):
        raise _UnnotedError
    expressions = [value for value in named.values() if not isinstance(value, bool)]
    if not all(argument is None or type(argument) in (str, int) for argument in arguments):
        raise _UnnotedError
    if not all(isinstance(expression, BaseExpression) for expression in expressions):
        raise _UnnotedError


class RememberingManager(Manager[Row]):
    _hints: Any

    def get_queryset(self) -> QuerySet[Row]:
        return RememberingQuerySet(self.model, using=self._db, hints=self._hints)
