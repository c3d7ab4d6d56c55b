"""The endpoints: each says what it takes, asks the layers below, and answers."""

from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.security import HTTPBearer
from pydantic import BaseModel
from shared_config import counted_address
from starlette.responses import Response

from clinic_stream import documents, errors
from clinic_stream.access import Caller, caller_of_stream, owner_of, viewer_of
from clinic_stream.access_log import client_address
from clinic_stream.connections import REVOKED, Connection
from clinic_stream.event_ids import EventId
from clinic_stream.opening import answer_in_time
from clinic_stream.params import Mode, Wanted, read_wanted
from clinic_stream.services import Services, services_of
from clinic_stream.stream import Stream, StreamResponse, accepts_gzip, come_back_later, farewell
from clinic_stream.strict import OTHER_SPELLINGS
from clinic_stream.topics import Topic
from clinic_stream.viewers import Viewer

router = APIRouter()

Endpoint = Callable[[Request], Awaitable[Response]]

STREAM_DESCRIPTION = """\
Server-Sent Events. The first bytes come at once; every event's id is `<epoch>.<clinic>.<seq>-<mark>`
(opaque to clients), and coming back with it (`Last-Event-ID`, or `last_event_id` in the query) brings only what was
missed. An id that does not stand for a known event any more, as after a failover that lost commits, brings everything.

- `mode=snapshot`: plain `message` events, `{"appointments": [...], "seq", "as_of"}`, at the start and again when what
  this viewer sees has changed.
- `mode=delta`: one `snapshot` event, then `change` events, `{"upserts": [...], "removes": [ids], "seq"}`.
- `heartbeat` events, `{"seq"}`: they move the cursor, and say that the connection stands.
- control events: `token-expiring`, `expired`, `revoked`, `replaced`, `stale`, `fresh`, `drain`.

Owner and staff see their clinic, practitioners their own list, patients their own appointments without internal notes.
Without `from` and `to`: today and the next 7 days on the clinic's calendar, and everything pending; a patient: all of
their own in the live window (yesterday to 31 days ahead, and everything pending).

A browser's `EventSource` can send no header: it takes a ticket of one minute (`POST /api/v1/auth/stream-ticket` of the
REST API) in the address. A ticket opens one stream, a second opening is 401; a reader that comes back with
`Last-Event-ID` may use it as long as the session lasts that it was asked for in. Too many streams, and a service that
stops, answer 200 with `drain`, a `retry` and a clean end, as `EventSource` never comes back after any other status. A
list that takes long to load, or cannot be followed at the moment, opens with `stale`: rows may be old until `fresh`.
204 tells it to stop: the ticket's user has signed out.
"""
AVAILABILITY_DESCRIPTION = """\
Public. Every message is `{"practitioner", "from", "to", "taken": [{"start", "end"}], "seq", "as_of"}`: what is taken of
this practitioner's time on these days, by appointments and by holds, with the buffers around them, joined where they
touch. It comes at the start and again when it has changed, also when a hold expires. Not who, not how many.
Without `from` and `to`: today and the next 7 days on the clinic's calendar, rolling over at its midnight.
"""
NOTIFICATIONS_DESCRIPTION = """\
Own in-app notifications: the newest 50, the newest first, and how many of all are not read yet.

- `mode=snapshot`: plain `message` events, `{"notifications": [...], "unread_count", "seq", "as_of"}`.
- `mode=delta`: one `snapshot` event, then `change` events, `{"upserts": [...], "removes": [ids], "unread_count",
  "seq"}`. What newer ones push out of the 50 is removed, too.

A notification has the fields of `GET /api/v1/notifications`; `POST /api/v1/notifications/{id}/read` of the REST API is
seen here at once. Everything else is as with appointments.
"""
EXAMPLE_ERROR = {"type": "client_error", "errors": [{"code": "not_authenticated", "detail": "…", "attr": None}]}
EXAMPLE_CONNECTION = {
    "id": "0-5f2b7c0e-17",
    "user_id": 14,
    "name": "Dr. Petra Lang",
    "role": "practitioner",
    "stream": "appointments",
    "mode": "delta",
    "opened_at": "2026-11-20T11:00:00.000+00:00",
    "expires_at": "2026-11-20T11:05:00+00:00",
    "last_id": "0123456789abcdef.3.42",
    "lag_seconds": 0.0,
}
EXAMPLE_CONNECTIONS = {"count": 1, "next": None, "previous": None, "results": [EXAMPLE_CONNECTION]}
EXAMPLE_RENEWAL = {"id": "0-5f2b7c0e-17", "expires_at": "2026-11-20T11:10:00+00:00", "expires_in": 300}


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    content = {"application/json": {"example": EXAMPLE_ERROR}}
    return {
        status: {"description": errors.MEANINGS[status], "model": documents.ErrorAnswer, "content": content}
        for status in statuses
    }


def _answers(description: str, model: type[BaseModel], example: Any = None) -> dict[int | str, dict[str, Any]]:
    content = {} if example is None else {"application/json": {"example": example}}
    return {200: {"description": description, "model": model, "content": content}}


def _stream_of(events: documents.Events) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": "The stream.", "content": documents.event_stream(events)}}


# Only tells the documentation of the header; `access` reads it, and answers in the one shape.
documented_bearer = Depends(HTTPBearer(auto_error=False))


def _in_query(**described: str) -> dict[str, Any]:
    """Only tells the documentation: a stream reads its address itself, which halves what it costs to connect."""
    return {
        "parameters": [
            {"name": name.rstrip("_"), "in": "query", "description": text, "schema": {"type": "string"}}
            for name, text in described.items()
        ]
    }


BEARER: dict[str, Any] = {"security": [{"HTTPBearer": []}]}
DAYS = {"from_": "first date, as 2026-11-20", "to": "last date, 31 days from the first at most"}
TICKET = {"ticket": "instead of the Authorization header"}
LAST_ID = {"last_event_id": "where to go on, also as lastEventId; the header Last-Event-ID wins"}


@router.get(
    "/api/v1/sse/appointments",
    tags=["streams"],
    summary="Stream appointments",
    description=STREAM_DESCRIPTION,
    response_class=Response,
    responses={
        **_stream_of(documents.APPOINTMENT_EVENTS),
        204: {"description": "The ticket's user has signed out."},
        **_errors(400, 401, 403, 503),
    },
    openapi_extra={
        **BEARER,
        **_in_query(
            mode="snapshot (default) or delta",
            **DAYS,
            practitioner="a practitioner's id",
            status="one or more, repeated or with commas",
            **LAST_ID,
            **TICKET,
        ),
    },
)
async def stream_appointments(request: Request) -> Response:
    async def answer(services: Services) -> Response:
        caller = await caller_of_stream(request)
        if caller is None:
            return Response(status_code=204)
        viewer = caller.viewer
        scope = viewer.scope()
        wanted = _wanted(request)
        clinic = await services.poller.clinic(scope.clinic_id)
        if clinic is None:
            raise errors.no_clinic()
        last_id = _last_id(request)
        audience = wanted.audience(scope, clinic.state.today, is_back=last_id is not None)
        topic = clinic.topic(audience, services.hub.clock())
        return _stream(request, topic, caller, mode=wanted.mode, last_id=last_id)

    return await _unless_closed(request, answer)


@router.get(
    "/api/v1/sse/availability",
    tags=["streams"],
    summary="Stream the taken time of a practitioner",
    description=AVAILABILITY_DESCRIPTION,
    response_class=Response,
    responses={**_stream_of(documents.AVAILABILITY_EVENTS), **_errors(400, 404, 503)},
    openapi_extra=_in_query(practitioner="the practitioner's id", **DAYS, **LAST_ID),
)
async def stream_availability(request: Request) -> Response:
    async def answer(services: Services) -> Response:
        wanted = _wanted(request)
        if wanted.practitioner_id is None:
            raise errors.invalid("practitioner", "Whose availability?")
        clinic = await services.poller.clinic_of_practitioner(wanted.practitioner_id)
        if clinic is None:
            raise errors.not_found()
        last_id = _last_id(request)
        calendar = wanted.calendar(clinic.state.clinic.id, clinic.state.today, is_back=last_id is not None)
        topic = clinic.availability(calendar, services.hub.clock())
        return _stream(request, topic, None, mode="snapshot", last_id=last_id)

    return await _unless_closed(request, answer, is_anonymous=True)


@router.get(
    "/api/v1/sse/notifications",
    tags=["streams"],
    summary="Stream own notifications",
    description=NOTIFICATIONS_DESCRIPTION,
    response_class=Response,
    responses={
        **_stream_of(documents.NOTIFICATION_EVENTS),
        204: {"description": "The ticket's user has signed out."},
        **_errors(400, 401, 403, 503),
    },
    openapi_extra={**BEARER, **_in_query(mode="snapshot (default) or delta", **LAST_ID, **TICKET)},
)
async def stream_notifications(request: Request) -> Response:
    async def answer(services: Services) -> Response:
        caller = await caller_of_stream(request)
        if caller is None:
            return Response(status_code=204)
        viewer = caller.viewer
        mode = _wanted(request).mode
        if viewer.clinic_id is None:
            raise errors.no_clinic()
        topic = await services.poller.inbox(viewer.clinic_id, viewer.user_id)
        if topic is None:
            raise errors.no_clinic()
        return _stream(request, topic, caller, mode=mode, last_id=_last_id(request))

    return await _unless_closed(request, answer)


STREAMS: dict[str, Endpoint] = {
    "/api/v1/sse/appointments": stream_appointments,
    "/api/v1/sse/availability": stream_availability,
    "/api/v1/sse/notifications": stream_notifications,
}


@router.get(
    "/api/v1/sse/connections",
    tags=["connections"],
    summary="Who is connected to the clinic's streams",
    description="For the owner. `lag_seconds`: how long there has been something that the reader has not taken.",
    dependencies=[documented_bearer],
    response_model=None,
    responses={
        **_answers("The open streams, oldest first.", documents.ConnectionList, EXAMPLE_CONNECTIONS),
        **_errors(401, 403, 503),
    },
)
async def list_connections(request: Request) -> dict[str, Any]:
    services = services_of(request)
    owner = await owner_of(request)
    connections = [
        _described(services, connection) for connection in services.hub.connections if _is_of(owner, connection)
    ]
    for answer in await services.peers.ask_all(request):
        connections += orjson.loads(answer)["results"]
    connections.sort(key=itemgetter("opened_at"))
    return {"count": len(connections), "next": None, "previous": None, "results": connections}


@router.delete(
    "/api/v1/sse/connections/{connection_id}",
    tags=["connections"],
    summary="End a stream of the clinic",
    description="For the owner. The reader is told `revoked`. Who still may see can connect again.",
    status_code=204,
    dependencies=[documented_bearer],
    responses=_errors(401, 403, 404, 503),
)
async def end_connection(request: Request, connection_id: str) -> Response:
    services = services_of(request)
    owner = await owner_of(request)
    if (answer := await services.peers.pass_on(request, connection_id)) is not None:
        return answer
    connection = services.hub.find(connection_id)
    if connection is None or not _is_of(owner, connection):
        raise errors.not_found()
    connection.end(REVOKED)
    return Response(status_code=204)


@router.post(
    "/api/v1/sse/connections/{connection_id}/renew",
    tags=["connections"],
    summary="Extend an open stream with a new token",
    description="The id comes in `token-expiring`, and in the stream's `X-Connection-ID` header. No body is needed.",
    dependencies=[documented_bearer],
    response_model=None,
    responses={**_answers("Extended.", documents.Renewal, EXAMPLE_RENEWAL), **_errors(401, 404, 503)},
)
async def renew_connection(request: Request, connection_id: str) -> Any:
    services = services_of(request)
    viewer = await viewer_of(request)
    if (answer := await services.peers.pass_on(request, connection_id)) is not None:
        return answer
    connection = services.hub.find(connection_id)
    if connection is None or connection.viewer is None or not connection.viewer.has_the_rights_of(viewer):
        raise errors.not_found()
    connection.renew(viewer)
    expires_at = connection.viewer.expires_at
    expires_in = round(expires_at - services.hub.clock().timestamp())
    return {"id": connection.id, "expires_at": _instant(expires_at), "expires_in": expires_in}


@router.get(
    "/api/v1/auth/test",
    tags=["streams"],
    summary="The viewer a token makes",
    dependencies=[documented_bearer],
    response_model=None,
    responses={**_answers("The viewer.", documents.ViewerShown), **_errors(401, 503)},
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


async def _unless_closed(
    request: Request, answer: Callable[[Services], Coroutine[Any, Any, Response]], *, is_anonymous: bool = False
) -> Response:
    """Nothing is looked up for who cannot be let in now."""
    services = services_of(request)
    if not services.settings.enable_sse:
        raise errors.unavailable("Streams are switched off.", retry_seconds=60)
    if services.is_draining:
        return farewell()
    limit = services.hub.limit_reached_by(_address(request), is_anonymous=is_anonymous)
    if limit is not None:
        services.hub.counts.turned_away[limit] += 1
        return come_back_later()
    return await answer_in_time(services.hub, _address(request), answer(services), is_anonymous=is_anonymous)


def _stream(
    request: Request, topic: Topic, caller: Caller | None, *, mode: Mode, last_id: EventId | None
) -> StreamResponse:
    services = services_of(request)
    if caller is not None:
        caller.use_ticket(services)
    stream = Stream(
        hub=services.hub,
        topic=topic,
        viewer=None if caller is None else caller.viewer,
        mode=mode,
        last_id=last_id,
        address=_address(request),
        is_packed=services.settings.sse_gzip and accepts_gzip(request.headers),
        is_chunked=request.scope["http_version"] != "1.0",
        admits=services.sessions.admit,
        connection_id=services.hub.next_id(),
    )
    return StreamResponse(stream)


def _wanted(request: Request) -> Wanted:
    query = request.query_params
    return read_wanted(
        mode=query.get("mode"),
        first=query.get("from"),
        last=query.get("to"),
        practitioner=query.get("practitioner"),
        status=query.getlist("status"),
    )


def _last_id(request: Request) -> EventId | None:
    query = request.query_params
    named = {query[name] for name in ("last_event_id", OTHER_SPELLINGS["last_event_id"]) if query.get(name)}
    if len(named) > 1:
        raise errors.invalid("lastEventId", "`last_event_id` and `lastEventId` differ.")
    return EventId.read(request.headers.get("Last-Event-ID") or next(iter(named), None))


def _address(request: Request) -> str:
    return counted_address(client_address(request.scope, services_of(request).proxies))


def _is_of(owner: Viewer, connection: Connection) -> bool:
    return connection.topic.clinic.state.clinic.id == owner.clinic_id


def _described(services: Services, connection: Connection) -> dict[str, Any]:
    viewer = connection.viewer
    return {
        "id": connection.id,
        "user_id": viewer and viewer.user_id,
        "name": viewer and services.sessions.name_of(viewer.user_id),
        "role": viewer and viewer.role,
        "stream": connection.topic.kind,
        "mode": connection.mode,
        "opened_at": connection.opened_at.isoformat(timespec="milliseconds"),
        "expires_at": viewer and _instant(viewer.expires_at),
        "last_id": connection.last_id,
        "lag_seconds": round(connection.lag_seconds, 3),
    }


def _instant(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp, UTC).isoformat()
