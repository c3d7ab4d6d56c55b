"""The names that an operation accepts: those that its documentation declares (`extend_schema`), and no others.

So no view lists its names a second time, and none can read a name that the document does not have.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.serializers import BaseSerializer, Serializer
from rest_framework.views import APIView

CHANGES = frozenset({"PATCH", "PUT"})

AnySerializer = Serializer[Any]


@dataclass(frozen=True, slots=True)
class Accepted:
    """`body` is None where no body is read. `answer` is what a row looks like that is sent back with a change."""

    query: frozenset[str]
    body: AnySerializer | None
    answer: AnySerializer | None


def accepted_by(view: APIView, method: str) -> Accepted:
    """Of a method that the view has."""
    kind: Any = type(view)
    return _accepted(kind, method)


@cache
def _accepted(kind: Any, method: str) -> Accepted:
    view = kind()
    # As the framework's own generator has it.
    view.request, view.args, view.kwargs = None, (), {}
    declared = getattr(getattr(kind, method.lower()), "kwargs", {}).get("schema")
    if declared is None:
        return Accepted(frozenset(_paging(view, method)), None, None)
    schema = declared()
    schema.view, schema.method = view, method
    query = {name for one in schema.get_override_parameters() for name in _names_of(one)}
    answer = schema.get_response_serializers() if method in CHANGES and hasattr(view, "get") else None
    return Accepted(
        frozenset(query | set(_paging(view, method))), _serializer(schema.get_request_serializer()), _answer(answer)
    )


def _paging(view: APIView, method: str) -> Iterator[str]:
    paginator = getattr(view, "paginator", None) if method == "GET" else None
    if paginator is not None:
        yield from (paginator.page_query_param, paginator.page_size_query_param, paginator.after_query_param)


def _names_of(parameter: Any) -> Collection[str]:
    if isinstance(parameter, OpenApiParameter):
        return [parameter.name] if parameter.location == OpenApiParameter.QUERY else []
    serializer = _serializer(parameter)
    return [] if serializer is None else list(serializer.fields)


def _serializer(declared: Any) -> AnySerializer | None:
    """Of a class, an instance, or one by its media type."""
    if isinstance(declared, Mapping):
        declared = next(iter(declared.values()))
    made = declared() if isinstance(declared, type) and issubclass(declared, BaseSerializer) else declared
    return made if isinstance(made, Serializer) else None


def _answer(declared: Any) -> AnySerializer | None:
    if isinstance(declared, Mapping):
        declared = declared.get(200)
    return _serializer(declared.response if isinstance(declared, OpenApiResponse) else declared)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A name in a body that its serializer does not have. `path` leads to the object it stands in."""

    path: tuple[str | int, ...]
    name: str
    known: Collection[str]

    @property
    def attr(self) -> str:
        return ".".join(map(str, (*self.path, self.name)))


def unknown_in(data: Any, serializer: AnySerializer, path: tuple[str | int, ...] = ()) -> Iterator[Unknown]:
    """All levels. What is no object where one is expected is left to the serializer."""
    if not isinstance(data, Mapping):
        return
    fields = {name: field for name, field in serializer.fields.items() if not field.read_only}
    for name, value in data.items():
        if name not in fields:
            yield Unknown(path, str(name), fields)
            continue
        field: Any = fields[name]
        if isinstance(field, Serializer):
            yield from unknown_in(value, field, (*path, name))
        elif isinstance(getattr(field, "child", None), Serializer) and isinstance(value, list):
            for index, one in enumerate(value):
                yield from unknown_in(one, field.child, (*path, name, index))


def computed_fields(answer: AnySerializer) -> frozenset[str]:
    """Fields of an answer that come from other rows, or from several columns: never compared."""
    own: frozenset[str] = getattr(answer, "computed", frozenset())
    return own | {
        name
        for name, field in answer.fields.items()
        if type(field).__name__ == "SerializerMethodField" or "." in str(field.source)
    }
