"""Additions to the generated OpenAPI document: each error of an operation, one version of a path."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework.permissions import AllowAny

from clinic.common.accepted import accepted_by
from clinic.common.errors import (
    Ambiguous,
    ChairsideError,
    InvalidRequest,
    KeyReused,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    ReadOnly,
    RepeatedParameter,
    RequestTooLarge,
    StaleVersion,
    TryAgain,
    UnknownField,
)

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
                    "code": {"type": "string", "description": "stable; `components/examples` has one of each"},
                    "detail": {"type": "string", "description": "a sentence for people; it may change"},
                    "attr": {"type": "string", "nullable": True, "description": "the input at fault; null: none alone"},
                },
            },
        },
        # The next thing to do, if that helps.
        "say": {"type": "string", "description": "of `chat/…`: the refusal as a sentence for the patient"},
        "current": {
            "type": "object",
            "additionalProperties": True,
            "description": "`stale_version`: the row as it is now, as a `GET` shows it",
        },
        "current_version": {
            "oneOf": [{"type": "integer"}, {"type": "string"}],
            "description": "`stale_version`: its version; of weekly hours a text",
        },
        "nearest": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/NearestSlot"},
            "description": "`slot_taken`: the nearest open slots, three at most",
        },
        "allowed": {
            "type": "array",
            "items": {"type": "string"},
            "description": "`transition_not_allowed`: the actions that are possible now",
        },
        "appointments": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/AppointmentInTheWay"},
            "description": "those that stand in the way; `count` is of all",
        },
        "count": {"type": "integer", "description": "how many `appointments` there are, listed or not"},
        "conflicts": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/SeriesDateOutput"},
            "description": "`series_conflict`: the dates that cannot be booked, and why",
        },
    },
    "additionalProperties": True,
}


def _instant(description: str) -> dict[str, Any]:
    return {"type": "string", "format": "date-time", "description": description}


# Parts of an error that no view answers by itself.
ERROR_PARTS: dict[str, dict[str, Any]] = {
    "NearestSlot": {
        "type": "object",
        "required": ["start", "end", "practitioner"],
        "properties": {
            "start": _instant("in the clinic's zone"),
            "end": _instant("in the clinic's zone"),
            "practitioner": {"type": "integer", "description": "whose time it is"},
        },
    },
    "AppointmentInTheWay": {
        "type": "object",
        "required": ["id", "patient", "patient_name", "practitioner", "practitioner_name", "start", "end", "status"],
        "properties": {
            "id": {"type": "integer", "description": "the appointment's"},
            "patient": {"type": "integer", "description": "the patient's id"},
            "patient_name": {"type": "string", "description": "the patient's"},
            "practitioner": {"type": "integer", "description": "the practitioner's id"},
            "practitioner_name": {"type": "string", "description": "the practitioner's"},
            "start": _instant("in the clinic's zone"),
            "end": _instant("in the clinic's zone"),
            "status": {"type": "string", "description": "its present status"},
            "code": {"type": "string", "description": "`cannot_move`: why this one cannot be moved"},
        },
        "additionalProperties": True,
    },
}


# Fields that a body needs beyond those that its serializer requires: one of several sets.
NEEDED_FIELDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "AppointmentInputRequest": (("start",), ("date", "time"), ("hold",)),
    "GuestBookingInputRequest": (("start",), ("date", "time"), ("hold",)),
    "ChatHoldInputRequest": (("start",), ("date", "time")),
    "HoldInputRequest": (("start",), ("date", "time")),
    "RescheduleInputRequest": (("start",), ("date", "time")),
}


IDEMPOTENCY_KEY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description="the same answer again")
IF_MATCH = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description="the ETag the change is based on")

LENIENT_PATH = "/api/v1/twilio/"

Method = TypeVar("Method", bound=Callable[..., Any])


def answers(*errors: type[ChairsideError] | str) -> Callable[[Method], Method]:
    """Say which refusals of its own a view's method answers, an error class or a code of FRAMEWORK_ERRORS. What every
    method of its kind answers, the document knows by itself."""

    def remember(method: Method) -> Method:
        method.answers = errors  # type: ignore[attr-defined]
        return method

    return remember


# Errors of the framework itself: code, status, sentence.
FRAMEWORK_ERRORS = {
    "parse_error": (400, "The body is not JSON: unexpected end of data: line 1 column 2 (char 1)"),
    "token_not_valid": (401, "Given token not valid for any token type"),
    "no_active_account": (401, "No active account with this name and password."),
    "not_authenticated": (401, "Authentication credentials were not provided."),
    "unsupported_media_type": (415, 'Unsupported media type "text/plain" in request.'),
    "throttled": (429, "Request was throttled. Expected available in 30 seconds."),
}


class ChairsideSchema(AutoSchema):
    """Adds the refusals to each operation."""

    def get_summary(self) -> str | None:
        """Views that share their methods say it as a class."""
        summary: str | None = super().get_summary() or getattr(self.view, "summary", None)
        return summary

    def get_request_serializer(self) -> Any:
        """A view that declares no body takes none."""
        return None

    def get_auth(self) -> list[dict[str, Any]]:
        """A read that needs no token says so, also where the permission lets everybody read and few write."""
        ways = super().get_auth()
        return [*ways, {}] if self._is_open() and {} not in ways else ways

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is not None:
            refusals: dict[int, set[str]] = defaultdict(set)
            for status, code in self._refusals(operation):
                refusals[status].add(code)
            for status, codes in sorted(refusals.items()):
                operation["responses"].setdefault(str(status), _refusal(sorted(codes)))
        return operation

    def _refusals(self, operation: dict[str, Any]) -> Iterator[tuple[int, str]]:
        """Status and code of what the operation may answer."""
        names = {parameter["name"] for parameter in operation.get("parameters", [])}
        has_body = "requestBody" in operation
        declared = getattr(getattr(self.view, self.method.lower()), "answers", ())
        for error in (*self._framework_errors(has_body), *self._own_errors(names, has_body), *declared):
            yield (FRAMEWORK_ERRORS[error][0], error) if isinstance(error, str) else (error.status, error.code)

    def _framework_errors(self, has_body: bool) -> Iterator[str]:
        if self.view.get_authenticators():
            yield "token_not_valid"
        if not self._is_open():
            yield "not_authenticated"
        if has_body:
            yield from ("parse_error", "unsupported_media_type")
        if self.view.get_throttles():
            yield "throttled"

    def _own_errors(self, parameters: set[str], has_body: bool) -> Iterator[type[ChairsideError]]:
        yield TryAgain
        if has_body:
            yield RequestTooLarge
        if has_body or parameters:
            yield InvalidRequest
        if getattr(self.view, "is_strict", False):
            yield from self._strict_errors(has_query=bool(accepted_by(self.view, self.method).query))
        if has_body or "{" in self.path or {"clinic", "page"} & parameters:
            yield NotFound
        if not self._is_open():
            yield PermissionDenied
        if "Idempotency-Key" in parameters:
            yield KeyReused
        if "If-Match" in parameters:
            yield from (StaleVersion, PreconditionFailed)

    def _strict_errors(self, *, has_query: bool) -> Iterator[type[ChairsideError]]:
        yield UnknownField
        if has_query:
            yield RepeatedParameter
        if accepted_by(self.view, self.method).body is not None:
            yield Ambiguous
        if accepted_by(self.view, self.method).answer is not None:
            yield ReadOnly

    def _is_open(self) -> bool:
        return any(
            isinstance(permission, AllowAny) or (self.method == "GET" and getattr(permission, "everybody_reads", False))
            for permission in self.view.get_permissions()
        )


def _refusal(codes: list[str]) -> dict[str, Any]:
    examples = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    return {
        "description": ", ".join(codes),
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}, "examples": examples}},
    }


def drop_unversioned_copies(endpoints: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """`/api/…` repeats `/api/v1/…`: the document shows the versioned paths, and the tokens' where they stand."""
    shown = []
    for endpoint in endpoints:
        path: str = endpoint[0]
        is_token = path.removeprefix("/api/").removeprefix("v1/").startswith("token")
        if path.startswith("/api/v1/") != is_token or not path.startswith("/api/"):
            shown.append(endpoint)
    return shown


def add_errors(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    components = result.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas |= {"Error": ERROR_SCHEMA, **ERROR_PARTS}
    for name, alternatives in NEEDED_FIELDS.items():
        schemas[name]["anyOf"] = [{"required": list(fields)} for fields in alternatives]
    components["examples"] = dict(sorted(dict(_examples()).items()))
    return result


def close_request_bodies(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """No field beside those that are named, but in what others send."""
    schemas = result["components"]["schemas"]
    open_bodies = {
        content["schema"].get("$ref", "").rpartition("/")[2]
        for path, methods in result["paths"].items()
        if path.startswith(LENIENT_PATH)
        for operation in methods.values()
        for content in operation.get("requestBody", {}).get("content", {}).values()
    }
    for name, schema in schemas.items():
        if name.endswith("Request") and name not in open_bodies and "properties" in schema:
            schema["additionalProperties"] = False
    return result


def _examples() -> Iterator[tuple[str, dict[str, Any]]]:
    for code, (status, detail) in FRAMEWORK_ERRORS.items():
        yield code, _example(status, code, detail, None)
    for error in reversed(list(_subclasses(ChairsideError))):
        yield error.code, _example(error.status, error.code, error.detail, error.attr)


def _example(status: int, code: str, detail: str, attr: str | None) -> dict[str, Any]:
    is_validation = status == 400 and code != "parse_error"
    kind = "validation_error" if is_validation else "client_error" if status < 500 else "server_error"
    return {"value": {"type": kind, "errors": [{"code": code, "detail": detail, "attr": attr}]}}


def _subclasses(kind: type[ChairsideError]) -> Iterator[type[ChairsideError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _subclasses(child)
