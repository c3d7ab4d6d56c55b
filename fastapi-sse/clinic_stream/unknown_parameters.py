"""No name of a query or body is ignored: a route accepts the parameters that its documentation declares, and no others.

A stream is opened past the framework (`main.DirectRoutes`); every other route of the API has `refuse_unknown` as a
dependency.
"""

from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import Request
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from shared_config.nearest import suggestion

from clinic_stream import errors

REPEATABLE = frozenset({"status"})
OTHER_SPELLINGS = {"last_event_id": "lastEventId"}
CREDENTIALS = frozenset({"ticket"})
MAX_BODY_BYTES = 4096


@dataclass(frozen=True, slots=True)
class AcceptedParameters:
    """The parameters of one route, and whether it takes a token."""

    parameters: frozenset[str]
    takes_token: bool

    def check(self, request: Request) -> None:
        """Raises 400 for an unknown or repeated parameter. A request without credentials is left to its 401."""
        names = [name for name, _ in request.query_params.multi_items()]
        wrong = next((name for name in names if name not in self.parameters or _is_repeated(name, names)), None)
        if wrong is None or (self.takes_token and not self._has_credentials(request)):
            return
        if wrong in self.parameters:
            raise errors.repeated_parameter(wrong, names.count(wrong))
        raise errors.unknown_field(wrong, suggestion(wrong, self.parameters, kind="parameter"))

    def _has_credentials(self, request: Request) -> bool:
        tickets = CREDENTIALS & self.parameters
        return "Authorization" in request.headers or any(request.query_params.get(name) for name in tickets)


def _is_repeated(name: str, names: list[str]) -> bool:
    return name not in REPEATABLE and names.count(name) > 1


def parameters_of(route: APIRoute) -> AcceptedParameters:
    declared: dict[str, Any] = route.openapi_extra or {}
    documented = {one["name"] for one in declared.get("parameters", []) if one["in"] == "query"}
    documented |= {other for name, other in OTHER_SPELLINGS.items() if name in documented}
    read = {one.alias for one in route.dependant.query_params}
    is_secured = any(isinstance(one.dependency, HTTPBearer) for one in route.dependencies)
    return AcceptedParameters(frozenset(documented | read), takes_token=is_secured or "security" in declared)


async def refuse_unknown(request: Request) -> None:
    """The dependency of every route of the API but the streams'."""
    route = request.scope["route"]
    parameters_of(route).check(request)
    await _refuse_body(request)


async def _refuse_body(request: Request) -> None:
    """No route reads one. Empty, or an empty object, it says nothing."""
    if "Content-Length" not in request.headers and "Transfer-Encoding" not in request.headers:
        return
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            break
    if body.strip() not in (b"", b"{}"):
        raise errors.unknown_field(_first_name(body), "This request takes no body.")


def _first_name(body: bytes) -> str:
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "body"
    return next(iter(sent), "body") if isinstance(sent, dict) else "body"
