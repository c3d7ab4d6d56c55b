"""What the generated OpenAPI document needs beyond the views: one error shape, one version of each path."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse

ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "errors"],
    "properties": {
        "type": {"type": "string", "enum": ["validation_error", "client_error", "server_error"]},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "detail", "attr"],
                "properties": {
                    "code": {"type": "string", "description": "stable; listed in the README"},
                    "detail": {"type": "string"},
                    "attr": {"type": "string", "nullable": True},
                },
            },
        },
    },
    "additionalProperties": True,
}


def refusal(description: str) -> OpenApiResponse:
    """A refusal worth naming among an operation's responses, in the one shape."""
    return OpenApiResponse({"$ref": "#/components/schemas/Error"}, description=description)


class ChairsideSchema(AutoSchema):
    """Tags operations by the word after `/api/v1/`."""

    def get_tags(self) -> list[str]:
        words = [word for word in self.path.split("/") if word not in {"", "api", "v1"}]
        return [words[0]]


def drop_unversioned_copies(endpoints: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """`/api/…` repeats `/api/v1/…`: the document shows the versioned paths, and the tokens' where they stand."""
    shown = []
    for endpoint in endpoints:
        path: str = endpoint[0]
        is_token = path.removeprefix("/api/").removeprefix("v1/").startswith("token")
        if path.startswith("/api/v1/") != is_token or not path.startswith("/api/"):
            shown.append(endpoint)
    return shown


def add_error_responses(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = ERROR_SCHEMA
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"].setdefault(
                "default",
                {
                    "description": "Any error",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                },
            )
    return result
