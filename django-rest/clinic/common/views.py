"""The base of every view of the API: no name of a body or query is ignored.

`initial` runs before each method, after authentication, permission and throttling.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, TypeVar, cast

import orjson
from django.conf import settings
from django.db.models import Model
from django.utils.module_loading import import_string
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.views import APIView
from shared_config.nearest import suggestion

from clinic.common.accepted import Accepted, Unknown, accepted_by, computed_fields, unknown_in
from clinic.common.errors import (
    InvalidRequest,
    PreconditionFailed,
    ReadOnly,
    RepeatedParameter,
    StaleVersion,
    UnknownField,
)
from clinic.common.renderers import to_json

Row = TypeVar("Row", bound=Model)


# No docstring: the OpenAPI document would show it with each operation that has none of its own.
class StrictNames:
    # False only where others decide what they send.
    is_strict: ClassVar[bool] = True

    def initial(self: Any, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        method = "GET" if request.method == "HEAD" else str(request.method)
        if self.is_strict and method != "OPTIONS" and hasattr(self, method.lower()):
            _rewrite()(self, request)
            refuse_unknown_names(self, request, accepted_by(self, method))


class ApiView(StrictNames, APIView):
    pass


class ApiListView(StrictNames, ListAPIView[Row]):
    # Ends with the id: no two rows are equal in it. Its names are part of every cursor. No docstring of the class: each
    # list would have it as its description in the API's document.
    order: ClassVar[tuple[str, ...]]


@cache
def _rewrite() -> Callable[[APIView, Request], None]:
    """Names of older front ends become the main API's before they are checked."""
    rewrite: Callable[[APIView, Request], None] = import_string(settings.REQUEST_REWRITE)
    return rewrite


def row_shown_by(view: APIView, request: Request) -> dict[str, Any]:
    """The row that a request changes, as `GET` answers it."""
    shown = view.get(request, *view.args, **view.kwargs).data  # type: ignore[attr-defined]
    row: dict[str, Any] = orjson.loads(to_json(shown))
    return row


def refuse_unknown_names(view: APIView, request: Request, accepted: Accepted) -> None:
    """Raises ValidationError with every unknown name, StaleVersion, PreconditionFailed, ReadOnly."""
    _check_query(request, accepted.query)
    if request.method in ("GET", "HEAD"):
        return
    if accepted.body is None:
        _check_no_body(request.data)
        return
    extra = list(unknown_in(request.data, accepted.body))
    sent_back = [one for one in extra if accepted.answer is not None and answer_with(accepted.answer, one) is not None]
    if unknown := [one for one in extra if one not in sent_back]:
        raise ValidationError({one.attr: [_detail(UnknownField, suggestion(one.name, one.known))] for one in unknown})
    if sent_back:
        check_sent_back(view, request, accepted.answer, sent_back)


def _check_query(request: Request, known: frozenset[str]) -> None:
    wrong: dict[str, list[ErrorDetail]] = {}
    for name, values in request.query_params.lists():
        if name not in known:
            wrong[name] = [_detail(UnknownField, suggestion(name, known, kind="parameter"))]
        elif len(values) > 1:
            wrong[name] = [_detail(RepeatedParameter, f"`{name}` is given {len(values)} times.")]
    if wrong:
        raise ValidationError(wrong)


def _check_no_body(data: Any) -> None:
    if not data:
        return
    names = [str(name) for name in data] if isinstance(data, Mapping) else ["body"]
    raise ValidationError({name: [_detail(UnknownField, "This request takes no body.")] for name in names})


def _detail(error: type[InvalidRequest], sentence: str) -> ErrorDetail:
    return ErrorDetail(sentence, error.code)


def answer_with(answer: Any, field: Unknown) -> Any:
    """The part of an answer that has a field of this name in this place; None: the answer has none."""
    for step in field.path:
        if not isinstance(step, int):
            inner = answer.fields.get(step)
            answer = getattr(inner, "child", inner)
        if not hasattr(answer, "fields"):
            return None
    return answer if field.name in answer.fields else None


def check_sent_back(view: APIView, request: Request, answer: Any, fields: Iterable[Unknown]) -> None:
    """Read-only fields of an answer may be sent back as they are. Raises StaleVersion or PreconditionFailed if the row
    has changed since, ReadOnly if the client has changed the field."""
    current = row_shown_by(view, request)
    for field in fields:
        sent, row = _places(request.data, current, field.path)
        if field.name in computed_fields(answer_with(answer, field)):
            continue
        if isinstance(row, Mapping) and (field.name not in row or is_same(sent[field.name], row[field.name])):
            continue
        _refuse_if_stale(request, current)
        raise ReadOnly(f"`{field.name}` cannot be changed here.", attr=field.attr)


def _places(sent: Any, row: Any, path: Iterable[str | int]) -> tuple[Any, Any]:
    """The object at this path of the body, and that of the row; in a list, the one with the same id."""
    for step in path:
        sent = sent[step]
        if isinstance(step, int):
            row = next((one for one in row or () if one.get("id") == sent.get("id")), None)
        else:
            row = row.get(step) if isinstance(row, Mapping) else None
    return sent, row


def _refuse_if_stale(request: Request, current: Mapping[str, Any]) -> None:
    header = request.headers.get("If-Match", "").removeprefix("W/").strip('"')
    version, sent = current.get("version"), cast(Mapping[str, Any], request.data)
    given = header or str(sent.get("version", version))
    if given not in ("*", str(version)):
        error = PreconditionFailed if header else StaleVersion
        raise error(extra={"current_version": version, "current": current})


def is_same(sent: Any, shown: Any) -> bool:
    """As JSON, or as an instant in another notation."""
    if sent == shown:
        return True
    instants = [_instant(one) for one in (sent, shown) if isinstance(one, str)]
    return len(instants) == 2 and instants[0] is not None and instants[0] == instants[1]


def _instant(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else None
