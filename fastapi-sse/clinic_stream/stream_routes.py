"""Endpoints that open a stream: each reads the address, looks up its topic, and answers."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request
from shared_config import counted_address
from starlette.responses import Response

from clinic_stream import errors, event_schemas
from clinic_stream.access import Caller, caller_at_wall, caller_by_reference, caller_of_stream
from clinic_stream.access_log import client_address
from clinic_stream.audiences import VisitAudience, WallAudience
from clinic_stream.event_ids import EventId
from clinic_stream.params import Mode, StreamQuery, read_stream_query
from clinic_stream.route_descriptions import (
    AVAILABILITY_DESCRIPTION,
    BEARER,
    DAYS,
    HOLDS_DESCRIPTION,
    LAST_ID,
    NOTIFICATIONS_DESCRIPTION,
    QUEUE_DESCRIPTION,
    STREAM_DESCRIPTION,
    TICKET,
    VISIT_DESCRIPTION,
    WALL_DESCRIPTION,
    error_answers,
    in_query,
    stream_of,
)
from clinic_stream.services import Services, services_of
from clinic_stream.stream import Stream, StreamResponse, accepts_gzip, come_back_later, farewell
from clinic_stream.topics import Topic
from clinic_stream.unknown_parameters import OTHER_SPELLINGS
from clinic_stream.viewers import NO_FAMILY, AnyViewer
from clinic_stream.waiting_stream import answer_in_time

router = APIRouter()

Endpoint = Callable[[Request], Awaitable[Response]]


@router.get(
    "/api/v1/sse/appointments",
    tags=["streams"],
    summary="Stream appointments",
    description=STREAM_DESCRIPTION,
    response_class=Response,
    responses={
        **stream_of(event_schemas.APPOINTMENT_EVENTS),
        204: {"description": "The ticket's user has signed out."},
        **error_answers(400, 401, 403, 503),
    },
    openapi_extra={
        **BEARER,
        **in_query(
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
        family = services.sessions.family_of(viewer.user_id) if scope.kind == "patient" else NO_FAMILY
        topic = clinic.topic(audience, services.hub.clock(), family=family)
        await _prepare(request, services, topic, wanted.mode, last_id)
        return _stream(request, services, topic, caller, mode=wanted.mode, last_id=last_id)

    return await _unless_closed(request, answer)


@router.get(
    "/api/v1/sse/availability",
    tags=["streams"],
    summary="Stream the taken time of a practitioner, a clinic or a service",
    description=AVAILABILITY_DESCRIPTION,
    response_class=Response,
    responses={**stream_of(event_schemas.AVAILABILITY_EVENTS), **error_answers(400, 404, 503)},
    openapi_extra=in_query(
        practitioner="a practitioner's id; or:",
        clinic="a clinic's id: everybody who works there; or:",
        service="a service's id: everybody who offers it",
        mode="snapshot (default) or delta; of one practitioner always snapshot",
        **DAYS,
        **LAST_ID,
    ),
)
async def stream_availability(request: Request) -> Response:
    async def answer(services: Services) -> Response:
        wanted = _wanted(request)
        named, row_id = wanted.named
        clinic = await services.poller.clinic_of(named, row_id)
        if clinic is None:
            raise errors.not_found()
        last_id = _last_id(request)
        whose = (clinic.state.clinic.id, clinic.state.today)
        topic: Topic
        if named == "practitioner":
            availability_audience = wanted.availability_audience(*whose, is_back=last_id is not None)
            topic = clinic.availability(availability_audience, services.hub.clock())
        else:
            clinic_availability_audience = wanted.clinic_availability_audience(*whose, is_back=last_id is not None)
            await clinic.prepare_availability(clinic_availability_audience.service_id)
            topic = clinic.clinic_availability(clinic_availability_audience, services.hub.clock())
            await _prepare(request, services, topic, wanted.mode, last_id)
        return _stream(request, services, topic, None, mode=wanted.mode, last_id=last_id)

    return await _unless_closed(request, answer, is_anonymous=True)


@router.get(
    "/api/v1/sse/notifications",
    tags=["streams"],
    summary="Stream own notifications",
    description=NOTIFICATIONS_DESCRIPTION,
    response_class=Response,
    responses={
        **stream_of(event_schemas.NOTIFICATION_EVENTS),
        204: {"description": "The ticket's user has signed out."},
        **error_answers(400, 401, 403, 503),
    },
    openapi_extra={**BEARER, **in_query(mode="snapshot (default) or delta", **LAST_ID, **TICKET)},
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
        return _stream(request, services, topic, caller, mode=mode, last_id=_last_id(request))

    return await _unless_closed(request, answer)


@router.get(
    "/api/v1/sse/holds",
    tags=["streams"],
    summary="Stream the clinic's holds",
    description=HOLDS_DESCRIPTION,
    response_class=Response,
    responses={
        **stream_of(event_schemas.HOLD_EVENTS),
        204: {"description": "The ticket's user has signed out."},
        **error_answers(400, 401, 403, 503),
    },
    openapi_extra={**BEARER, **in_query(mode="snapshot (default) or delta", **LAST_ID, **TICKET)},
)
async def stream_holds(request: Request) -> Response:
    async def answer(services: Services) -> Response:
        caller = await caller_of_stream(request)
        if caller is None:
            return Response(status_code=204)
        audience = caller.viewer.hold_audience()
        mode = _wanted(request).mode
        clinic = await services.poller.clinic(audience.clinic_id)
        if clinic is None:
            raise errors.no_clinic()
        topic = clinic.holds(audience, services.hub.clock())
        return _stream(request, services, topic, caller, mode=mode, last_id=_last_id(request))

    return await _unless_closed(request, answer)


VISIT_STREAM: dict[str, Any] = {
    "tags": ["streams"],
    "response_class": Response,
    "openapi_extra": in_query(
        mode="snapshot (default) or delta", **LAST_ID, ticket="of the visit, as the REST API makes it"
    ),
}
VISIT_ANSWERS: dict[int | str, dict[str, Any]] = {
    204: {"description": "The visit has another reference, or is gone."},
    **error_answers(400, 401, 403, 503),
}


@router.get(
    "/api/v1/sse/visit",
    summary="Stream one visit by its reference",
    description=VISIT_DESCRIPTION,
    responses={**stream_of(event_schemas.VISIT_EVENTS), **VISIT_ANSWERS},
    **VISIT_STREAM,
)
async def stream_visit(request: Request) -> Response:
    return await _unless_closed(request, lambda services: _answer_with_visit(request, services), is_anonymous=True)


@router.get(
    "/api/v1/sse/queue",
    summary="Stream how many are before one visit",
    description=QUEUE_DESCRIPTION,
    responses={**stream_of(event_schemas.QUEUE_EVENTS), **VISIT_ANSWERS},
    **VISIT_STREAM,
)
async def stream_queue(request: Request) -> Response:
    return await _unless_closed(
        request, lambda services: _answer_with_visit(request, services, is_number_alone=True), is_anonymous=True
    )


async def _answer_with_visit(request: Request, services: Services, *, is_number_alone: bool = False) -> Response:
    caller = caller_by_reference(request)
    viewer = caller.viewer
    mode = _wanted(request).mode
    clinic = await services.poller.visit(viewer)
    if clinic is None:
        return Response(status_code=204)
    audience = VisitAudience(viewer.clinic_id, viewer.visit_id, viewer.reference_hash, is_number_alone)
    topic = clinic.visit_topic(audience, services.hub.clock())
    if topic.is_revoked:
        services.hub.counts.auth_failures["ticket_revoked"] += 1
        return Response(status_code=204)
    return _stream(request, services, topic, caller, mode=mode, last_id=_last_id(request))


@router.get(
    "/api/v1/sse/wall",
    tags=["streams"],
    summary="Stream today to a wall",
    description=WALL_DESCRIPTION,
    response_class=Response,
    responses={
        **stream_of(event_schemas.WALL_EVENTS),
        204: {"description": "The device has been revoked."},
        **error_answers(400, 401, 403, 503),
    },
    openapi_extra=in_query(mode="snapshot (default) or delta", **LAST_ID, ticket="of the device"),
)
async def stream_wall(request: Request) -> Response:
    async def answer(services: Services) -> Response:
        caller = await caller_at_wall(request)
        device = None if caller is None else services.sessions.device(caller.viewer.device_id)
        clinic = None if device is None else await services.poller.clinic(device.clinic_id)
        if caller is None or device is None or clinic is None:
            return Response(status_code=204)
        audience = WallAudience(device.clinic_id, device.kind, device.shows_names)
        topic = clinic.wall(audience, services.hub.clock())
        return _stream(request, services, topic, caller, mode=_wanted(request).mode, last_id=_last_id(request))

    return await _unless_closed(request, answer)


STREAMS: dict[str, Endpoint] = {
    "/api/v1/sse/appointments": stream_appointments,
    "/api/v1/sse/availability": stream_availability,
    "/api/v1/sse/holds": stream_holds,
    "/api/v1/sse/notifications": stream_notifications,
    "/api/v1/sse/queue": stream_queue,
    "/api/v1/sse/visit": stream_visit,
    "/api/v1/sse/wall": stream_wall,
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
    address = _address(request, services)
    limit = services.hub.limit_reached_by(address, is_anonymous=is_anonymous)
    if limit is not None:
        services.hub.counts.turned_away[limit] += 1
        return come_back_later()
    return await answer_in_time(services.hub, address, answer(services), is_anonymous=is_anonymous)


async def _prepare(request: Request, services: Services, topic: Topic, mode: Mode, last_id: EventId | None) -> None:
    is_gzipped = _takes_gzip(request, services)
    await topic.prepare_opening(mode, services.hub.clock(), is_gzipped=is_gzipped, is_back=last_id is not None)


def _takes_gzip(request: Request, services: Services) -> bool:
    return services.settings.sse_gzip and accepts_gzip(request.headers)


def _stream(
    request: Request,
    services: Services,
    topic: Topic,
    caller: Caller[AnyViewer] | None,
    *,
    mode: Mode,
    last_id: EventId | None,
) -> StreamResponse:
    if caller is not None:
        caller.use_ticket(services)
    stream = Stream(
        hub=services.hub,
        topic=topic,
        viewer=None if caller is None else caller.viewer,
        mode=mode,
        last_id=last_id,
        address=_address(request, services),
        is_gzipped=_takes_gzip(request, services),
        is_chunked=request.scope["http_version"] != "1.0",
        admits=services.sessions.admit,
        connection_id=services.hub.next_id(),
    )
    return StreamResponse(stream)


def _wanted(request: Request) -> StreamQuery:
    pairs = request.query_params.multi_items()
    query = dict(pairs)
    return read_stream_query(
        mode=query.get("mode"),
        first=query.get("from"),
        last=query.get("to"),
        practitioner=query.get("practitioner"),
        status=[value for name, value in pairs if name == "status"],
        clinic=query.get("clinic"),
        service=query.get("service"),
    )


def _last_id(request: Request) -> EventId | None:
    query = request.query_params
    named = {query[name] for name in ("last_event_id", OTHER_SPELLINGS["last_event_id"]) if query.get(name)}
    if len(named) > 1:
        raise errors.invalid("lastEventId", "`last_event_id` and `lastEventId` differ.")
    return EventId.read(request.headers.get("Last-Event-ID") or next(iter(named), None))


def _address(request: Request, services: Services) -> str:
    return counted_address(client_address(request.scope, services.proxies))
