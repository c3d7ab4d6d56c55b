"""Endpoints for open streams: list, end and renew them; and the viewer that a token makes."""

from datetime import UTC, datetime
from itertools import chain
from operator import itemgetter
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from clinic_stream import errors, schemas
from clinic_stream.access import owner_of, viewer_of
from clinic_stream.closing_events import REVOKED
from clinic_stream.connections import Connection
from clinic_stream.route_descriptions import (
    EXAMPLE_CONNECTIONS,
    EXAMPLE_RENEWAL,
    answer_of,
    documented_bearer,
    error_answers,
)
from clinic_stream.services import Services, services_of
from clinic_stream.viewers import Registered, Viewer

router = APIRouter()


@router.get(
    "/api/v1/sse/connections",
    tags=["connections"],
    summary="Who is connected to the clinic's streams",
    description="For the owner. `lag_seconds`: how long there has been something that the reader has not taken.",
    dependencies=[documented_bearer],
    response_model=None,
    responses={
        **answer_of("The open streams, oldest first.", schemas.ConnectionList, EXAMPLE_CONNECTIONS),
        **error_answers(401, 403, 503),
    },
)
async def list_connections(request: Request) -> dict[str, Any]:
    services = services_of(request)
    owner = await owner_of(request)
    own = [_described(services, connection) for connection in services.hub.connections if _is_of(owner, connection)]
    answers = await services.replicas.ask_all(request)
    others = (orjson.loads(answer.content)["results"] for answer in answers if answer.is_success)
    by_id = {connection["id"]: connection for connection in chain(own, *others)}
    connections = sorted(by_id.values(), key=itemgetter("opened_at"))
    return {"count": len(connections), "next": None, "previous": None, "results": connections}


@router.delete(
    "/api/v1/sse/connections/{connection_id}",
    tags=["connections"],
    summary="End a stream of the clinic",
    description="For the owner. The reader is told `revoked`. Who still may see can connect again.",
    status_code=204,
    dependencies=[documented_bearer],
    responses=error_answers(401, 403, 404, 503),
)
async def end_connection(request: Request, connection_id: str) -> Response:
    services = services_of(request)
    owner = await owner_of(request)
    if not services.hub.is_own(connection_id):
        return await services.replicas.pass_on(request)
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
    responses={**answer_of("Extended.", schemas.Renewal, EXAMPLE_RENEWAL), **error_answers(401, 404, 503)},
)
async def renew_connection(request: Request, connection_id: str) -> Any:
    services = services_of(request)
    viewer = await viewer_of(request)
    if not services.hub.is_own(connection_id):
        return await services.replicas.pass_on(request)
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
    responses={**answer_of("The viewer.", schemas.ViewerShown), **error_answers(401, 503)},
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


def _is_of(owner: Viewer, connection: Connection) -> bool:
    return connection.topic.clinic.state.clinic.id == owner.clinic_id


def _described(services: Services, connection: Connection) -> dict[str, Any]:
    viewer = connection.viewer
    return {
        "id": connection.id,
        "user_id": viewer and viewer.user_id,
        "name": services.sessions.name_of(viewer.subject) if isinstance(viewer, Registered) else None,
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
