import json
from collections.abc import Mapping
from typing import IO, Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

# Of all our bodies the deepest has four levels. Whatever later walks through a body relies on a limit.
MAX_DEPTH = 32


class StrictJSONParser(BaseParser):
    """JSON as RFC 8259 has it: UTF-8, no NaN, no name twice in one object, at most 32 levels.

    An empty body is an empty object, as for `POST …/confirm`.
    """

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = stream.read()
        if not body.strip():
            return {}
        try:
            parsed = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not JSON: {error}") from None
        if _depth_of(parsed) > MAX_DEPTH:
            raise ParseError(f"The body is nested deeper than {MAX_DEPTH} levels.")
        _refuse_repeated_names(body)
        return parsed


def _depth_of(parsed: Any) -> int:
    """Level by level, without recursion; stops beyond the limit."""
    level, depth = [parsed], 0
    while depth <= MAX_DEPTH:
        level = [one for one in level if isinstance(one, dict | list)]
        if not level:
            break
        depth += 1
        level = [child for one in level for child in (one.values() if isinstance(one, dict) else one)]
    return depth


def _refuse_repeated_names(body: bytes) -> None:
    # Numbers are read by nobody here, so they stay text: a long one costs nothing.
    json.loads(body, object_pairs_hook=_without_repeated_names, parse_int=str, parse_float=str)


def _without_repeated_names(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ParseError("The body has one name twice in one object.")
