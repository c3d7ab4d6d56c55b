from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework_simplejwt.tokens import AccessToken

from clinic.accounts.devices import name_of_device
from clinic.accounts.models import User
from clinic.accounts.tokens import SIGN_IN_CLAIM


def signed_in_user(request: Request) -> User:
    """The user of a request that a permission has let in."""
    assert isinstance(request.user, User)
    return request.user


def viewer_of(request: Request) -> User | None:
    """The user, or None for somebody who is not signed in."""
    return request.user if isinstance(request.user, User) else None


def device_of(request: Request | HttpRequest) -> str:
    return name_of_device(request.headers.get("User-Agent", ""))


def sign_in_of(request: Request) -> str:
    """Of the request's token; empty if it came of no sign-in."""
    token = request.auth
    return str(token.get(SIGN_IN_CLAIM, "")) if isinstance(token, AccessToken) else ""
