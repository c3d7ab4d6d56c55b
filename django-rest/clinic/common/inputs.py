from functools import cache
from typing import Any

from rest_framework.serializers import Serializer


def read(kind: type[Serializer[Any]], parameters: Any) -> dict[str, Any]:
    """What a query says, validated by one serializer for all requests: making one copies each of its fields.
    Only for a `kind` that looks at nothing but what it is given. Raises ValidationError."""
    return dict(_reader(kind).run_validation(parameters))


@cache
def _reader(kind: type[Serializer[Any]]) -> Serializer[Any]:
    return kind()
