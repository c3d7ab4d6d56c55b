"""Turns a request of an older front end into the main API's terms, before the names are checked."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.http import QueryDict
from rest_framework.request import Request
from rest_framework.views import APIView

from clinic.accounts.requests import viewer_of
from clinic.common.errors import Ambiguous
from clinic.common.views import row_shown_by
from clinic.compat.queries import own_record_of, service_named
from clinic.compat.table import BY_OPERATION, CHANGES, PARTIAL_PUTS, Operation, RequestPart, Rewrite, ValueReading
from clinic.people.identities import patient_ids_of
from clinic.scheduling.queries.clinics import get_clinic_for

PREFIX = re.compile(r"^api/(v1/)?")
ID = re.compile(r"<[^>]+>")
EMPTY = (None, "")


def rewrite(view: APIView, request: Request) -> None:
    """Changes `request.data` and `request.query_params`. Raises Ambiguous, InvalidRequest."""
    operation = operation_of(request)
    rewrites = BY_OPERATION.get(operation)
    older = _OlderRequest(view, request, operation)
    if rewrites is not None and request.query_params.keys() & rewrites[RequestPart.QUERY].keys():
        older.rewrite_query(rewrites[RequestPart.QUERY])
    if request.method == "GET" or not isinstance(request.data, dict):
        return
    if rewrites is not None and request.data.keys() & rewrites[RequestPart.BODY].keys():
        older.rewrite_body(rewrites[RequestPart.BODY])
    if operation in PARTIAL_PUTS:
        older.fill_in(PARTIAL_PUTS[operation])


def operation_of(request: Request) -> Operation:
    match = request.resolver_match
    route = "" if match is None else str(match.route)
    return "GET" if request.method == "HEAD" else str(request.method), ID.sub("{}", PREFIX.sub("", route))


@dataclass
class _OlderRequest:
    view: APIView
    request: Request
    operation: Operation

    def rewrite_query(self, rewrites: Mapping[str, Rewrite]) -> None:
        given = self.request.query_params
        kept = QueryDict(mutable=True)
        for name, values in given.lists():
            if name not in rewrites:
                kept.setlist(name, values)
        for new, names in self._by_meaning(rewrites, given).items():
            filled = [name for name in names if given.getlist(name) != [""] or name == new]
            if len(filled) > 1:
                raise _ambiguous(filled)
            for name in filled:
                values = given.getlist(name)
                kept.setlist(new, [self._read(rewrites.get(name), name, value) for value in values])
                self._remember(new, name)
        self.request._request.GET = kept  # type: ignore[assignment]

    def rewrite_body(self, rewrites: Mapping[str, Rewrite]) -> None:
        given: dict[str, Any] = self.request.data  # type: ignore[assignment]
        kept = {name: value for name, value in given.items() if name not in rewrites}
        for new, names in self._by_meaning(rewrites, given).items():
            kept.pop(new, None)
            name = self._one_of([one for one in names if _is_given(rewrites.get(one), given[one])])
            if name is not None:
                kept[new] = self._read(rewrites.get(name), name, given[name])
                self._remember(new, name)
        self._set_data(kept)

    def fill_in(self, names: Iterable[str]) -> None:
        """Fields that a `PUT` leaves out stay as they are."""
        given: dict[str, Any] = self.request.data  # type: ignore[assignment]
        missing = [name for name in names if name not in given]
        if missing:
            self._set_data({**given, **{name: self._current[name] for name in missing}})

    @cached_property
    def _current(self) -> Mapping[str, Any]:
        return row_shown_by(self.view, self.request)

    def _set_data(self, data: dict[str, Any]) -> None:
        self.request._full_data = data  # type: ignore[attr-defined]

    def _remember(self, new: str, old: str) -> None:
        """An error names the field as it was sent."""
        names: dict[str, str] = self.request._request.__dict__.setdefault("older_names", {})
        names[new] = old

    def _by_meaning(self, rewrites: Mapping[str, Rewrite], given: Iterable[str]) -> dict[str, list[str]]:
        """The names given for each of the main API's names, its own among them."""
        found: dict[str, list[str]] = {}
        for name in given:
            if name in rewrites:
                found.setdefault(rewrites[name].new, []).append(name)
        for new, names in found.items():
            if new in given and new not in names:
                names.insert(0, new)
        return found

    def _one_of(self, names: list[str]) -> str | None:
        """The one that is given. Of a row that is sent back as a whole: the one that was changed."""
        if len(names) > 1 and self.operation[0] in ("PATCH", "PUT"):
            given: dict[str, Any] = self.request.data  # type: ignore[assignment]
            names = [name for name in names if given[name] != self._current.get(name)]
        if len(names) > 1:
            raise _ambiguous(names)
        return names[0] if names else None

    def _read(self, found: Rewrite | None, name: str, value: Any) -> Any:
        reading = ValueReading.SAME if found is None else found.reading
        if reading is ValueReading.SERVICE_NAME:
            if self.operation in CHANGES and value == self._current.get("service_name"):
                return self._current["service"]
            return service_named(get_clinic_for(viewer_of(self.request)), value, attr=name)
        if reading is ValueReading.OWN_PATIENT:
            viewer = viewer_of(self.request)
            return own_record_of(viewer, value, records=() if viewer is None else patient_ids_of(viewer), attr=name)
        return value


def _is_given(found: Rewrite | None, value: Any) -> bool:
    return found is None or not found.drops_empty or value not in EMPTY


def _ambiguous(names: list[str]) -> Ambiguous:
    return Ambiguous(f"Send one of {' and '.join(f'`{name}`' for name in names)}.", attr=names[-1])
