"""A tag names the state of something that has no version column, so that two people never overwrite each other."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import orjson
from django.db.models import Model
from rest_framework.request import Request

from clinic.common.errors import PreconditionFailed, StaleVersion


@dataclass(frozen=True, slots=True)
class Expected:
    """The state a change is based on; a tag of None: whatever is there."""

    tag: str | None = None
    by_if_match: bool = False

    def check(self, current: str) -> None:
        """Call under the lock. Raises StaleVersion, or PreconditionFailed where the tag came by If-Match."""
        if self.tag is None or self.tag == current:
            return
        raise (PreconditionFailed if self.by_if_match else StaleVersion)(extra={"current_version": current})


def tag_of(rows: Iterable[Model]) -> str:
    """The same for the same values in the same order, whatever their ids."""
    values = [
        [field.value_from_object(row) for field in row._meta.concrete_fields if not field.primary_key] for row in rows
    ]
    return hashlib.sha256(orjson.dumps(values)).hexdigest()[:16]


def expected_tag(request: Request, version: str | None) -> Expected:
    """`If-Match` wins over `version` in the body (RFC 9110, 13.1.1)."""
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return Expected(version)
    return Expected(header.strip().removeprefix("W/").strip('"'), by_if_match=True)
