"""The viewer of a request, by its token or ticket; a viewer who may not see any more is refused."""

import asyncio
from dataclasses import dataclass
from typing import Generic, TypeVar

from fastapi import Request
from shared_config.addresses import read_address

from clinic_stream import auth, errors
from clinic_stream.access_log import USER, client_address
from clinic_stream.auth import Ticket
from clinic_stream.services import Services, services_of
from clinic_stream.viewers import AnyViewer, DeviceViewer, Viewer, VisitViewer

# How long a request other than a stream waits for a database that is just coming up.
VERIFY_TIMEOUT_SECONDS = 2.0


async def viewer_of(request: Request) -> Viewer:
    """The viewer that the request's token makes. Raises 401; DatabaseUnavailable if it cannot be verified soon."""
    try:
        async with asyncio.timeout(VERIFY_TIMEOUT_SECONDS):
            return await _viewer_of_token(request)
    except TimeoutError as error:
        raise errors.DatabaseUnavailable("no answer in time", errors.Reason.TIMEOUT) from error


async def _viewer_of_token(request: Request) -> Viewer:
    """Waits as long as rights cannot be verified."""
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


CallerT = TypeVar("CallerT", bound=AnyViewer, covariant=True)


@dataclass(frozen=True)
class Caller(Generic[CallerT]):
    """The viewer of a stream, and the ticket that was brought in place of a token."""

    viewer: CallerT
    ticket: Ticket | None = None

    def use_ticket(self, services: Services) -> None:
        """Call when the stream begins, with nothing awaited in between. A ticket opens one stream; a reader that comes
        back by it has opened that one before. Raises 401."""
        ticket = self.ticket
        if ticket is None:
            return
        if ticket.id in services.used_tickets and not ticket.comes_back:
            services.hub.counts.auth_failures["ticket_used"] += 1
            raise errors.token_not_valid("used")
        services.used_tickets.add(ticket.id, ticket.expires_at)


async def caller_of_stream(request: Request) -> Caller[Viewer] | None:
    """The viewer of the header's token, or of the ticket in the address. Waits as long as rights cannot be verified.

    None when the ticket is good but its user has signed out: EventSource comes back by itself until it is told to stop.
    Raises 401.
    """
    ticket = request.query_params.get("ticket")
    if not ticket or "Authorization" in request.headers:
        return Caller(await _viewer_of_token(request))
    services = services_of(request)
    read = _read_ticket(request, ticket)
    if not isinstance(read.viewer, Viewer):
        raise errors.permission_denied("This ticket is for the stream of a visit or wall.")
    if await services.poller.admits(read.viewer):
        request.scope[USER] = read.viewer.user_id
        return Caller(read.viewer, read)
    services.hub.counts.auth_failures["ticket_signed_out"] += 1
    return None


def caller_by_reference(request: Request) -> Caller[VisitViewer]:
    """The holder of a visit's ticket. Whether its reference still is the visit's is for the topic to say. Raises
    401, and 403 for the ticket of a user."""
    ticket = request.query_params.get("ticket")
    if not ticket:
        raise errors.not_authenticated()
    read = _read_ticket(request, ticket)
    if not isinstance(read.viewer, VisitViewer):
        raise errors.permission_denied("This stream takes the ticket of a visit.")
    return Caller(read.viewer, read)


async def caller_at_wall(request: Request) -> Caller[DeviceViewer] | None:
    """A screen that brings its ticket; None when it has been revoked. Waits as long as rights cannot be verified.

    Raises 401, and 403 for another kind of ticket."""
    ticket = request.query_params.get("ticket")
    if not ticket:
        raise errors.not_authenticated()
    read = _read_ticket(request, ticket)
    if not isinstance(read.viewer, DeviceViewer):
        raise errors.permission_denied("This stream takes the ticket of a wall.")
    return Caller(read.viewer, read) if await services_of(request).poller.admits(read.viewer) else None


def _read_ticket(request: Request, ticket: str) -> Ticket:
    services = services_of(request)
    comes_back = "Last-Event-ID" in request.headers
    try:
        return auth.read_ticket(ticket, services.settings, comes_back=comes_back)
    except errors.Problem as problem:
        services.hub.counts.auth_failures[f"ticket_{problem.reason}"] += 1
        raise


def sees_operations(request: Request) -> bool:
    """Whether the request comes from a metrics network, or with the token of an owner or administrator. No query: an
    unexpired token is enough here."""
    services = services_of(request)
    address = read_address(client_address(request.scope, services.proxies))
    if address is not None and any(address in network for network in services.settings.metrics_networks):
        return True
    try:
        viewer = auth.read_token(auth.read_bearer(request.headers.get("Authorization")), services.settings)
    except errors.Problem:
        return False
    return viewer.role in {"owner", "admin"}


async def owner_of(request: Request) -> Viewer:
    """Raises 401, and 403 for everybody else."""
    viewer = await viewer_of(request)
    if viewer.role != "owner":
        raise errors.permission_denied("Only the clinic's owner may look at this.")
    return viewer
