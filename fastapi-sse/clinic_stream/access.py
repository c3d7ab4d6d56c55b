"""Whom a request is from: its token or ticket becomes a viewer who still may see."""

import asyncio
from dataclasses import dataclass

from fastapi import Request
from shared_config.addresses import read_address

from clinic_stream import auth, errors
from clinic_stream.access_log import USER, client_address
from clinic_stream.auth import Ticket
from clinic_stream.services import Services, services_of
from clinic_stream.viewers import Viewer

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


@dataclass(frozen=True, slots=True)
class Caller:
    """The viewer of a stream, and the ticket that was brought in place of a token."""

    viewer: Viewer
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


async def caller_of_stream(request: Request) -> Caller | None:
    """The viewer of the header's token, or of the ticket in the address. Waits as long as rights cannot be verified.

    None when the ticket is good but its user has signed out: EventSource comes back by itself until it is told to stop.
    Raises 401.
    """
    ticket = request.query_params.get("ticket")
    if not ticket or "Authorization" in request.headers:
        return Caller(await _viewer_of_token(request))
    services = services_of(request)
    try:
        read = auth.read_ticket(ticket, services.settings, comes_back="Last-Event-ID" in request.headers)
    except errors.Problem as problem:
        services.hub.counts.auth_failures[f"ticket_{problem.reason}"] += 1
        raise
    if await services.poller.admits(read.viewer):
        request.scope[USER] = read.viewer.user_id
        return Caller(read.viewer, read)
    services.hub.counts.auth_failures["ticket_signed_out"] += 1
    return None


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
