from functools import cache
from typing import Any

from rest_framework.serializers import BaseSerializer, Serializer


def validated(serializer: BaseSerializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def read(kind: type[Serializer[Any]], parameters: Any) -> dict[str, Any]:
    """The query's values, validated by one serializer for all requests: making one copies each of its fields.
    Only for a `kind` that looks at nothing but what it is given. Raises ValidationError."""
    return dict(_reader(kind).run_validation(parameters))


@cache
def _reader(kind: type[Serializer[Any]]) -> Serializer[Any]:
    return kind()
