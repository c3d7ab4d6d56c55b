"""The client of a request as log lines name it: user id and hashed address."""

from datetime import UTC, datetime
from typing import Any

from shared_config import StreamSettings, TrustedProxies, address_hash
from starlette.datastructures import Headers
from starlette.types import Scope

ADDRESS = "chairside.address"
USER = "chairside.user"
ROUTE = "chairside.route"


def client_address(scope: Scope, proxies: TrustedProxies) -> str:
    """Found once for each request."""
    address = scope.get(ADDRESS)
    if address is None:
        peer = scope["client"][0] if scope.get("client") else ""
        address = proxies.client_address(peer, ",".join(Headers(scope=scope).getlist("X-Forwarded-For")))
        scope[ADDRESS] = address
    return str(address)


def route_of(scope: Scope) -> str:
    """Template of the matched route; a path that no route has may be anything, and is not repeated."""
    return str(scope.get(ROUTE) or getattr(scope.get("route"), "path", "-"))


def count_request(scope: Scope, method: str, route: str, status: int, seconds: float) -> None:
    """For the metrics. None of a request that no application has taken."""
    services = _services_of(scope)
    if services is not None:
        services.hub.counts.requests[method, route, status].add(seconds)


def who_asks(scope: Scope) -> dict[str, Any]:
    """Nothing for a request that no application has taken."""
    services = _services_of(scope)
    if services is None:
        return {}
    settings: StreamSettings = services.settings
    return {
        "user": scope.get(USER),
        "address": address_hash(
            client_address(scope, services.proxies),
            key=settings.sse_db_password.get_secret_value().encode(),
            day=datetime.now(UTC).date(),
        ),
    }


def _services_of(scope: Scope) -> Any:
    app = scope.get("app")
    return None if app is None else app.state.services
