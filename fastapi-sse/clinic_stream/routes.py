"""The endpoints: each says what it takes, asks the layers below, and answers."""

from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Query, Request
from fastapi.security import HTTPBearer
from shared_config import StreamSettings
from starlette.responses import JSONResponse, Response

from clinic_stream import __version__, auth, errors
from clinic_stream.feed import Feed
from clinic_stream.hub import Clock, Hub
from clinic_stream.params import read_wanted
from clinic_stream.poller import Poller
from clinic_stream.state import EventId
from clinic_stream.stream import AppointmentStream, StreamResponse, farewell
from clinic_stream.viewers import Sessions, Viewer

router = APIRouter()

STREAM_DESCRIPTION = """\
Server-Sent Events. The first bytes come at once; every event's id is `<epoch>.<clinic>.<seq>`, and coming back with it
(`Last-Event-ID`, or `last_event_id` in the query) brings only what was missed.

- `mode=snapshot`: plain `message` events, `{"appointments": [...], "seq", "as_of"}`, at the start and again when what
  this viewer sees has changed.
- `mode=delta`: one `snapshot` event, then `change` events, `{"upserts": [...], "removes": [ids], "seq"}`.
- heartbeats: an `id` without data.
- control events: `token-expiring`, `expired`, `revoked`, `stale`, `fresh`, `drain`.

Owner and staff see their clinic, practitioners their own list, patients their own appointments without internal notes.
Without `from` and `to`: today and the next 7 days on the clinic's calendar, and everything pending; a patient: all of
their own in the live window (yesterday to 31 days ahead, and everything pending).
"""
EXAMPLE_ERROR = {"type": "client_error", "errors": [{"code": "not_authenticated", "detail": "…", "attr": None}]}


class Services:
    """What one process of this service is made of."""

    def __init__(self, settings: StreamSettings, clock: Clock) -> None:
        self.settings = settings
        self.sessions = Sessions()
        self.hub = Hub(
            clock=clock,
            heartbeat_seconds=settings.sse_heartbeat_seconds,
            is_live=settings.enable_real_time_updates,
        )
        self.feed = Feed(settings)
        interval_seconds = settings.sse_poll_interval_ms / 1000
        self.poller = Poller(self.feed, self.hub, self.sessions, interval_seconds=interval_seconds)
        self.is_draining = False

    @property
    def is_ready(self) -> bool:
        return self.poller.is_current and not self.is_draining


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    content = {"application/json": {"example": EXAMPLE_ERROR}}
    return {status: {"description": errors.MEANINGS[status], "content": content} for status in statuses}


def services_of(request: Request) -> Services:
    return cast(Services, request.app.state.services)


async def viewer_of(request: Request) -> Viewer:
    """The viewer that the request's token makes. Raises 401."""
    services = services_of(request)
    token = auth.read_bearer(request.headers.get("Authorization"))
    viewer = auth.read_token(token, services.settings)
    if not await services.poller.admits(viewer):
        raise errors.token_not_valid()
    return viewer


# Only tells the documentation of the header; `viewer_of` reads it, and answers in the one shape.
documented_bearer = Depends(HTTPBearer(auto_error=False))


@router.get(
    "/api/v1/sse/appointments",
    tags=["streams"],
    summary="Stream appointments",
    description=STREAM_DESCRIPTION,
    dependencies=[documented_bearer],
    response_class=Response,
    responses={
        200: {"description": "The stream.", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
        **_errors(400, 401, 403, 503),
    },
)
async def stream_appointments(
    request: Request,
    mode: Annotated[str | None, Query(description="snapshot (default) or delta")] = None,
    first: Annotated[str | None, Query(alias="from", description="first date, as 2026-11-20")] = None,
    last: Annotated[str | None, Query(alias="to", description="last date, 31 days from the first at most")] = None,
    practitioner: Annotated[str | None, Query(description="a practitioner's id")] = None,
    status: Annotated[list[str] | None, Query(description="one or more, repeated or with commas")] = None,
    last_event_id: Annotated[str | None, Query(description="where to go on; the header Last-Event-ID wins")] = None,
) -> Response:
    services = services_of(request)
    if not services.settings.enable_sse:
        raise errors.unavailable("Streams are switched off.", retry_seconds=60)
    if services.is_draining:
        return farewell()
    viewer = await viewer_of(request)
    scope = viewer.scope()
    wanted = read_wanted(mode=mode, first=first, last=last, practitioner=practitioner, status=status or ())
    clinic = await services.poller.clinic(scope.clinic_id)
    if clinic is None:
        raise errors.no_clinic()
    stream = AppointmentStream(
        hub=services.hub,
        clinic=clinic,
        audience=wanted.audience(scope, clinic.state.today),
        viewer=viewer,
        mode=wanted.mode,
        last_id=EventId.read(request.headers.get("Last-Event-ID") or last_event_id),
        admits=services.sessions.admit,
    )
    return StreamResponse(stream)


@router.get(
    "/api/v1/auth/test",
    tags=["streams"],
    summary="The viewer a token makes",
    dependencies=[documented_bearer],
    responses=_errors(401, 503),
)
async def show_viewer(request: Request) -> dict[str, Any]:
    viewer = await viewer_of(request)
    return {
        "user_id": viewer.user_id,
        "role": viewer.role,
        "clinic_id": viewer.clinic_id,
        "practitioner_id": viewer.practitioner_id,
        "patient_id": viewer.patient_id,
        "expires_at": viewer.expires_at,
    }


@router.get(
    "/api/v1/health",
    tags=["operations"],
    summary="How the service is",
    responses={503: {"description": "The database cannot be read, or the service is stopping. The same body."}},
)
async def show_health(request: Request) -> JSONResponse:
    services = services_of(request)
    clinics = services.hub.clinics.values()
    lag_seconds = services.poller.lag_seconds
    body = {
        "status": "ok" if services.is_ready else "unavailable",
        "service": services.settings.service_name,
        "version": __version__,
        "database": "ok" if services.poller.is_current else "unavailable",
        "cache": {
            "clinics": len(clinics),
            "topics": sum(len(clinic.topics) for clinic in clinics),
            "rows": sum(len(clinic.state.rows) for clinic in clinics),
        },
        "connections": len(services.hub.connections),
        "head_lag_seconds": None if lag_seconds is None else round(lag_seconds, 3),
    }
    return JSONResponse(body, status_code=200 if services.is_ready else 503)


@router.get("/livez", tags=["operations"], summary="The process is alive")
async def show_alive() -> dict[str, str]:
    return {"status": "ok"}


@router.get(
    "/readyz",
    tags=["operations"],
    summary="The published views can be read, and the service is not stopping",
    responses=_errors(503),
)
async def show_ready(request: Request) -> dict[str, str]:
    services = services_of(request)
    if services.is_draining:
        raise errors.unavailable("The service is stopping.")
    if not services.poller.is_current:
        raise errors.unavailable(errors.DATABASE_OUT_OF_REACH)
    return {"status": "ok"}
