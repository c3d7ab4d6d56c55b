"""The parts of one process of this service."""

from functools import lru_cache
from typing import cast

from fastapi import Request
from shared_config import StreamSettings, TrustedProxies, counted_address
from shared_config.addresses import REMEMBERED_ADDRESSES

from clinic_stream.feed import Feed
from clinic_stream.hub import Clock, Hub, Limits
from clinic_stream.poller import Poller
from clinic_stream.replicas import Replicas
from clinic_stream.tickets import UsedTickets
from clinic_stream.unfinished_requests import UnfinishedRequests
from clinic_stream.viewers import Sessions


class Services:
    def __init__(self, settings: StreamSettings, clock: Clock) -> None:
        self.settings = settings
        self.replicas = Replicas(settings.sse_replica_addresses if settings.sse_replicas > 1 else ())
        self.proxies = TrustedProxies(settings.trusted_proxies)
        self.sessions = Sessions()
        self.used_tickets = UsedTickets()
        self.hub = Hub(
            clock=clock,
            heartbeat_seconds=settings.sse_heartbeat_seconds,
            is_live=settings.enable_real_time_updates,
            limits=Limits(
                settings.sse_max_connections,
                settings.sse_max_connections_per_address,
                settings.sse_max_connections_per_user,
                settings.sse_max_anonymous,
                settings.sse_max_anonymous_per_address,
            ).shared_by(settings.sse_replicas),
        )
        self.unfinished = UnfinishedRequests(
            seconds=settings.sse_request_seconds,
            total=settings.sse_max_unfinished_requests,
            per_address=settings.sse_max_unfinished_requests_per_address,
            counted_as=lru_cache(maxsize=REMEMBERED_ADDRESSES)(self._counted_as),
        )
        self.feed = Feed(settings)
        interval_seconds = settings.sse_poll_interval_ms / 1000
        self.poller = Poller(self.feed, self.hub, self.sessions, interval_seconds=interval_seconds)
        self.is_draining = False

    def _counted_as(self, peer: str) -> str:
        """A trusted proxy is one address for many clients."""
        return "" if self.proxies.trusts(peer) else counted_address(peer)

    @property
    def is_ready(self) -> bool:
        return self.poller.is_current and not self.is_draining


def services_of(request: Request) -> Services:
    return cast(Services, request.app.state.services)
