"""The client's address behind the trusted proxies, in the form that limits, lock-outs and caps count by."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from rest_framework.request import Request
from shared_config import TrustedProxies, counted_address

PROXIES = TrustedProxies(settings.SHARED.trusted_proxies)


def client_address(request: Request | HttpRequest) -> str:
    """Address to count by: of IPv6 the /64. The header of an untrusted peer is ignored."""
    return counted_address(whole_client_address(request))


def whole_client_address(request: Request | HttpRequest) -> str:
    """Address to compare with networks. The header of an untrusted peer is ignored."""
    forwarded_for: str = request.META.get("HTTP_X_FORWARDED_FOR", "")
    return PROXIES.client_address(_peer_of(request), forwarded_for)


def client_scheme(request: HttpRequest) -> str:
    """`https` or `http`, as the client used it."""
    forwarded_proto: str = request.META.get("HTTP_X_FORWARDED_PROTO", "")
    return PROXIES.scheme(_peer_of(request), forwarded_proto, own=request.META.get("wsgi.url_scheme", "http"))


def hash_of_address(address: str) -> str:
    """The kept form of an address that is only compared. Keyed, since all addresses could soon be hashed."""
    return salted_hmac("clinic.address", address, algorithm="sha256").hexdigest()


def _peer_of(request: Request | HttpRequest) -> str:
    peer: str = request.META.get("REMOTE_ADDR", "")
    return peer
