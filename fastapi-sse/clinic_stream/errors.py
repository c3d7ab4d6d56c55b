# ruff: noqa: N818 - an error is named as the user would say it
"""The one shape of every error, the same as the REST API's."""

from enum import StrEnum
from typing import Any

import orjson
from starlette.responses import Response

MEANINGS = {
    400: "A parameter is wrong or unknown, or asks for dates that the stream does not keep.",
    401: "No token, or one that is not valid (any more).",
    403: "This account has no list to stream, or may not look at this.",
    404: "There is no such thing, or it is not yours.",
    503: "The database cannot be reached, or streams are switched off. See Retry-After.",
}


VALIDATION_CODES = frozenset({"invalid", "range_not_live", "range_too_large", "unknown_field", "repeated_parameter"})


class Problem(Exception):
    """An answer other than the one asked for. `code` is stable, `detail` is for people, `attr` names the parameter."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        attr: str | None = None,
        headers: dict[str, str] | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.detail = detail
        self.attr = attr
        self.headers = headers or {}
        self.reason = reason or code  # For the metrics; no part of the answer.

    def body(self) -> dict[str, Any]:
        return {
            "type": self._type(),
            "errors": [{"code": self.code, "detail": self.detail, "attr": self.attr}],
        }

    def response(self) -> Response:
        return Response(
            orjson.dumps(self.body()),
            status_code=self.status,
            headers=self.headers,
            media_type="application/json",
        )

    def _type(self) -> str:
        if self.status >= 500:
            return "server_error"
        return "validation_error" if self.code in VALIDATION_CODES else "client_error"


def not_authenticated() -> Problem:
    return _unauthorized("not_authenticated", "Authentication credentials were not provided.")


def token_not_valid(reason: str | None = None) -> Problem:
    # One answer for every defect: who guesses tokens learns nothing from it.
    return _unauthorized("token_not_valid", "The token is invalid or has expired.", reason)


def _unauthorized(code: str, detail: str, reason: str | None = None) -> Problem:
    return Problem(401, code, detail, headers={"WWW-Authenticate": "Bearer"}, reason=reason)


def permission_denied(detail: str) -> Problem:
    return Problem(403, "permission_denied", detail)


def not_found() -> Problem:
    return Problem(404, "not_found", "Not found.")


def range_too_large(most_bytes: int | float) -> Problem:
    return Problem(
        400,
        "range_too_large",
        f"In snapshot mode each change would send more than {most_bytes / 1e6:.0f} MB again. Ask for `mode=delta`,"
        " which sends what changed, or for fewer days (`from`, `to`), one `practitioner` or some `status`.",
        attr="mode",
    )


def invalid(attr: str, detail: str) -> Problem:
    return Problem(400, "invalid", detail, attr=attr)


def unknown_field(attr: str, detail: str) -> Problem:
    return Problem(400, "unknown_field", detail, attr=attr)


def repeated_parameter(attr: str, times: int) -> Problem:
    return Problem(400, "repeated_parameter", f"`{attr}` is given {times} times.", attr=attr)


def unavailable(detail: str, *, retry_seconds: int = 2) -> Problem:
    return Problem(503, "service_unavailable", detail, headers={"Retry-After": str(retry_seconds)})


def no_clinic() -> Problem:
    return Problem(403, "no_clinic", "This account belongs to no clinic, so there is no list to stream.")


def of_status(status: int, method: str, headers: dict[str, str]) -> Problem:
    """Refusals by the framework itself."""
    if status == 404:
        return not_found()
    if status == 405:
        return Problem(405, "method_not_allowed", f'Method "{method}" not allowed.', headers=headers)
    return Problem(
        status, "parse_error" if status < 500 else "error", MEANINGS.get(status, "Refused."), headers=headers
    )


def unexpected() -> Problem:
    return Problem(500, "error", "A server error occurred.")


DATABASE_OUT_OF_REACH = "The database cannot be reached at the moment."


class Reason(StrEnum):
    """Why the database, or one clinic in it, could not be read. Stable: health and metrics name them."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    TOO_MANY_CONNECTIONS = "too_many_connections"
    METADATA_LOCK = "metadata_lock"
    SLOW = "slow_query"
    ACCESS_DENIED = "access_denied"
    NO_TLS = "no_tls"
    VIEWS_MISSING = "views_missing"
    BEHIND = "behind"
    NOT_READY = "not_ready"
    TIME_ZONE = "time_zone"
    CLINIC_MISSING = "clinic_missing"
    DEFECT = "defect"


class DatabaseUnavailable(Exception):
    """The published views could not be read. Trying again later is the answer to it."""

    def __init__(self, message: str, reason: Reason = Reason.UNREACHABLE) -> None:
        super().__init__(message)
        self.reason = reason


class ClinicUnreadable(DatabaseUnavailable):
    """One clinic could not be read for a reason of its own; the others can."""
