"""A version names the state of something, so that two people who change it never overwrite each other.

A row counts its own in a column; what is made of several rows is known by a hash of their values. Either is the ETag
of an answer, and comes back as `version` in a body or by `If-Match` (RFC 9110, 13.1.1).
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from django.db.models import F, Model, QuerySet
from rest_framework import serializers
from rest_framework.request import Request

from clinic.common.errors import InvalidRequest, PreconditionFailed, StaleVersion
from clinic.common.models import Versioned

# A version fits into ten digits.
ETAG = re.compile(r'(?:W/)?"([0-9]{1,10})"|([0-9]{1,10})')


@dataclass(frozen=True, slots=True)
class Expected:
    """The version a change is based on; None: whatever is there."""

    version: int | str | None = None
    by_if_match: bool = False

    def check(self, current: int | str) -> None:
        """Call under the lock. Raises StaleVersion, or PreconditionFailed where the version came by If-Match."""
        if self.version is None or self.version == current:
            return
        raise (PreconditionFailed if self.by_if_match else StaleVersion)(extra={"current_version": current})


ANY_VERSION = Expected()


class VersionInput(serializers.Serializer[Any]):
    """The state that a change is based on; without it, any state is changed."""

    version = serializers.IntegerField(required=False, min_value=1, help_text="that of the row as it was shown")


def expected_version(request: Request, version: int | None) -> Expected:
    """Of a row. `If-Match` wins over `version` in the body. Raises InvalidRequest."""
    header = _if_match(request)
    if header is None:
        return Expected(version)
    tag = ETAG.fullmatch(header)
    if tag is None:
        raise InvalidRequest('If-Match is the ETag of a former answer, such as "3".', attr="If-Match")
    return Expected(int(tag[1] or tag[2]), by_if_match=True)


def expected_tag(request: Request, version: str | None) -> Expected:
    """As `expected_version`, of what has no column for it."""
    header = _if_match(request)
    return Expected(version) if header is None else Expected(header.removeprefix("W/").strip('"'), by_if_match=True)


def _if_match(request: Request) -> str | None:
    header = request.headers.get("If-Match")
    return None if header is None or header.strip() == "*" else header.strip()


def etag(version: int | str) -> dict[str, str]:
    return {"ETag": f'"{version}"'}


@contextmanager
def current_on_conflict(show: Callable[[], Any]) -> Iterator[None]:
    """A late click is shown the current state."""
    try:
        yield
    except (StaleVersion, PreconditionFailed) as error:
        error.extra["current"] = show()
        raise


def write_changes(row: Versioned, changes: Mapping[str, Any], *, touched: bool = False) -> None:
    """Call with the row locked. A change of nothing writes nothing, unless what is shown with it is `touched`."""
    if not changes and not touched:
        return
    for name, value in changes.items():
        setattr(row, name, value)
    row.version += 1
    row.save(update_fields=[*changes, "version"])


def raise_versions(rows: QuerySet[Any]) -> None:
    """Something that is shown with these rows has changed."""
    rows.update(version=F("version") + 1)


def tag_of(rows: Iterable[Model]) -> str:
    """The same for the same values in the same order, whatever their ids and versions."""
    values = [
        [
            field.value_from_object(row)
            for field in row._meta.concrete_fields
            if not field.primary_key and field.name != "version"
        ]
        for row in rows
    ]
    return hashlib.sha256(orjson.dumps(values)).hexdigest()[:16]
