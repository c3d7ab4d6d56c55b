"""The outermost layer: paths without a trailing slash, an id and a time for every answer, one line in the log."""

import logging
import random
import re
import time

from shared_config.log_formats import request_id_of_this_context
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clinic_stream import errors
from clinic_stream.access_log import count_request, route_of, who_asks
from clinic_stream.stream import OPENED

logger = logging.getLogger("clinic_stream.access")

# Asked every few seconds by whoever watches over the service: a line each would bury the rest.
PROBES = frozenset({"/livez", "/readyz", "/api/v1/health", "/health", "/metrics"})
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestContext:
    """Plain ASGI. A stream runs here, outside every other layer, and writes straight to the server."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # No redirect for a slash at the end: it would cost a round trip, and EventSource its headers.
        scope["path"] = scope["path"].rstrip("/") or "/"
        answer = _Answer(scope, send)
        await self._answer(scope, receive, answer)
        if OPENED in scope:
            ended = await scope[OPENED].run(scope, receive, send)
            answer.log(f"stream closed ({ended['reason']})", ended)

    async def _answer(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            await self._app(scope, receive, answer.send)
        except Exception:
            # The application's own handler has answered, unless the error arose outside of it.
            logger.exception("unexpected error")
            if answer.status is None:
                await errors.unexpected().response()(scope, receive, answer.send)
        answer.log("answered")


class _Answer:
    """The state of one answer; adds its headers when it starts."""

    def __init__(self, scope: Scope, send: Send) -> None:
        given = Headers(scope=scope).get("x-request-id", "")
        self.status: int | None = None
        self._id = given if REQUEST_ID.fullmatch(given) else f"{random.getrandbits(128):032x}"  # No secret.
        self._method = scope["method"] if scope["method"] in METHODS else "OTHER"
        self._scope: Scope | None = scope
        # Known when the answer starts: the route's template, never the path, which may be anything.
        self._request: dict[str, object] = {"method": self._method, "route": "-"}
        self._is_probe = scope["path"] in PROBES
        self._send = send
        self._started_at = time.perf_counter()
        request_id_of_this_context.set(self._id)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and self._scope is not None:
            self.status = message["status"]
            seconds = time.perf_counter() - self._started_at
            route = route_of(self._scope)
            self._request = {"method": self._method, "route": route, **who_asks(self._scope)}
            count_request(self._scope, self._method, route, message["status"], seconds)
            self._scope = None
            message["headers"] = [
                *message.get("headers", ()),
                (b"x-request-id", self._id.encode()),
                (b"x-process-time", b"%.6f" % seconds),
                (b"x-content-type-options", b"nosniff"),
                (b"x-route", route.encode()),
            ]
        await self._send(message)

    def log(self, what: str, more: dict[str, object] | None = None) -> None:
        seconds = time.perf_counter() - self._started_at
        fields = {**self._request, "status": self.status, "milliseconds": round(seconds * 1000, 1), **(more or {})}
        level = logging.DEBUG if self._is_probe and self.status == 200 else logging.INFO
        user, address = fields.get("user"), fields.get("address", "-")
        message = "%s %s %s %s in %.1f ms user=%s from=%s"
        values = (fields["method"], fields["route"], what, self.status, seconds * 1000, user, address)
        logger.log(level, message, *values, extra={"fields": fields})


class Cors(CORSMiddleware):
    """Starlette's, but its refusal of a preflight has the shape of every other error."""

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code != 400:
            return response
        refusal = errors.Problem(400, "cors_refused", "This origin, method or header is not allowed here.").response()
        for name in ("access-control-allow-origin", "vary"):
            if name in response.headers:
                refusal.headers[name] = response.headers[name]
        return refusal
