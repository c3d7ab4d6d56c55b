"""Whom a request is from: its token or ticket becomes a viewer who still may see."""

from fastapi import Request

from clinic_stream import auth, errors
from clinic_stream.access_log import USER
from clinic_stream.services import services_of
from clinic_stream.viewers import Viewer


async def viewer_of(request: Request) -> Viewer:
    """The viewer that the request's token makes. Raises 401."""
    services = services_of(request)
    try:
        viewer = auth.read_token(auth.read_bearer(request.headers.get("Authorization")), services.settings)
        if not await services.poller.admits(viewer):
            raise errors.token_not_valid("signed_out")
    except errors.Problem as problem:
        services.hub.counts.auth_failures[problem.reason] += 1
        raise
    request.scope[USER] = viewer.user_id
    return viewer


async def viewer_of_stream(request: Request) -> Viewer | None:
    """The viewer of the header's token, or of the ticket in the address.

    None when the ticket is good but its user has signed out: EventSource comes back by itself until it is told to stop.
    Raises 401.
    """
    ticket = request.query_params.get("ticket")
    if not ticket or "Authorization" in request.headers:
        return await viewer_of(request)
    services = services_of(request)
    try:
        viewer = auth.read_ticket(ticket, services.settings, comes_back="Last-Event-ID" in request.headers)
    except errors.Problem as problem:
        services.hub.counts.auth_failures[f"ticket_{problem.reason}"] += 1
        raise
    if await services.poller.admits(viewer):
        request.scope[USER] = viewer.user_id
        return viewer
    services.hub.counts.auth_failures["ticket_signed_out"] += 1
    return None


async def owner_of(request: Request) -> Viewer:
    """Raises 401, and 403 for everybody else."""
    viewer = await viewer_of(request)
    if viewer.role != "owner":
        raise errors.permission_denied("Only the clinic's owner may look at this.")
    return viewer
