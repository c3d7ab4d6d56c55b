from collections.abc import Mapping
from typing import Any

import orjson
from django.utils.functional import Promise
from rest_framework.renderers import BaseRenderer


def to_json(data: Any) -> bytes:
    """JSON as every answer is written. Raises TypeError for a type that no answer may hold."""
    return orjson.dumps(data, default=_plain)


def _plain(value: Any) -> str:
    """A translated text becomes one as late as this; dates, instants and UUIDs orjson knows."""
    if isinstance(value, Promise):
        return str(value)
    raise TypeError(f"An answer cannot hold a {type(value).__name__}.")


class OrjsonRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else to_json(data)
