"""Where a request comes from, for limits by address."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from rest_framework.request import Request


def client_address(request: Request | HttpRequest) -> str:
    """The client's own address. Behind a proxy we trust, what that proxy says; anybody else's header is not read."""
    peer: str = request.META.get("REMOTE_ADDR", "")
    trusted = settings.TRUSTED_PROXIES
    forwarded: str = request.META.get("HTTP_X_FORWARDED_FOR", "")
    if forwarded and (peer in trusted or "*" in trusted):
        return forwarded.rpartition(",")[2].strip()[:45]
    return peer[:45]


def hash_of_address(address: str) -> str:
    """What is kept of an address that is only compared. Keyed, since all addresses there are would soon be hashed."""
    return salted_hmac("clinic.address", address, algorithm="sha256").hexdigest()
