"""The application: start-up, the error shape, shutdown."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from shared_config import VERSION, StreamSettings
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from clinic_stream import browser, connection_routes, errors, event_schemas, probes, stream_routes
from clinic_stream.access_log import ROUTE
from clinic_stream.docs import add_documentation
from clinic_stream.hub import Clock
from clinic_stream.middleware import Cors, RequestContext
from clinic_stream.services import Services
from clinic_stream.stream_routes import STREAMS, Endpoint
from clinic_stream.unknown_parameters import AcceptedParameters, parameters_of, refuse_unknown

CORS_HEADERS = [
    "Authorization",
    "Cache-Control",
    "Content-Type",
    "Last-Event-ID",
    "X-Request-ID",
    "X-Requested-With",
    # Added to every request by the tracing of a front end (W3C Trace Context and Baggage, Sentry).
    "baggage",
    "sentry-trace",
    "traceparent",
    "tracestate",
]
EXPOSED_HEADERS = ["Retry-After", "X-Connection-ID", "X-Process-Time", "X-Request-ID"]
PREFLIGHT_SECONDS = 600
FIRST_LOOK_SECONDS = 3.0
# The framework would look for a set-up of OpenTelemetry with each request; measurements are in /metrics.
WITHOUT_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}


class StreamApp(FastAPI):
    """Outside of all that the frameworks add, so that a stream is opened through few layers and runs in one."""

    def openapi(self) -> dict[str, Any]:
        return event_schemas.completed(super().openapi())

    def build_middleware_stack(self) -> ASGIApp:
        services: Services = self.state.services
        accepted = {
            route.path: parameters_of(route) for route in stream_routes.router.routes if isinstance(route, APIRoute)
        }
        return RequestContext(
            Cors(
                DirectRoutes(STREAMS, accepted, super().build_middleware_stack()),
                allow_origins=services.settings.allowed_origins,
                allow_methods=["GET", "POST", "DELETE"],
                allow_headers=CORS_HEADERS,
                allow_credentials=True,
                expose_headers=EXPOSED_HEADERS,
                max_age=PREFLIGHT_SECONDS,
            )
        )


class DirectRoutes:
    """GET of these paths goes straight to its endpoint: a third of what it costs to open a stream is on the other way.

    They are routes of the application as well, which documents them and answers every other method.
    """

    def __init__(
        self, endpoints: Mapping[str, Endpoint], accepted: Mapping[str, AcceptedParameters], app: ASGIApp
    ) -> None:
        self._endpoints = endpoints
        self._accepted = accepted
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoints.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        if endpoint is None:
            await self._app(scope, receive, send)
            return
        scope[ROUTE] = scope["path"]
        request = Request(scope, receive, send)
        try:
            self._accepted[scope["path"]].check(request)
            response = await endpoint(request)
        except errors.Problem as problem:
            response = problem.response()
        except errors.DatabaseUnavailable as error:
            response = await _answer_database_unavailable(request, error)
        await response(scope, receive, send)


def create_app(settings: StreamSettings, *, clock: Clock = lambda: datetime.now(UTC)) -> FastAPI:
    """The service, not started: it needs no database until it is asked something."""
    app = _build_app(lifespan=_lifespan)
    app.state.services = Services(settings, clock)
    return app


def openapi_document() -> dict[str, Any]:
    """The text of /openapi.json; needs no settings."""
    return _build_app().openapi()


def _build_app(**options: Any) -> FastAPI:
    app = StreamApp(
        title="Chairside stream",
        version=VERSION,
        description="Live appointments over Server-Sent Events, checked against the tokens of the REST API.",
        servers=event_schemas.SERVERS,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        telemetry=WITHOUT_TELEMETRY,
        **options,
    )
    for router in (stream_routes.router, connection_routes.router):
        app.include_router(router, dependencies=[Depends(refuse_unknown)])
    app.include_router(probes.router)
    probes.answer_head(app)
    app.include_router(browser.router)
    add_documentation(app)
    app.add_exception_handler(errors.Problem, _answer_problem)
    app.add_exception_handler(errors.DatabaseUnavailable, _answer_database_unavailable)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_exception_handler(RequestValidationError, _answer_validation_error)
    app.add_exception_handler(Exception, _answer_unexpected)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    await services.feed.open()
    polling = asyncio.create_task(services.poller.run())
    # Before the port is open: who came back at once after a restart would be refused for a moment.
    await services.poller.wait_for_first_look(FIRST_LOOK_SECONDS)
    try:
        yield
    finally:
        services.poller.stop()
        polling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await polling
        services.hub.close()
        await services.feed.close()


async def _answer_problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, errors.Problem)
    return problem.response()


async def _answer_database_unavailable(request: Request, error: Exception) -> Response:
    return errors.unavailable(errors.DATABASE_OUT_OF_REACH).response()


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return errors.of_status(error.status_code, request.method, dict(error.headers or {})).response()


async def _answer_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    return errors.invalid(str(first["loc"][-1]), str(first["msg"])).response()


async def _answer_unexpected(request: Request, error: Exception) -> Response:
    return errors.unexpected().response()
