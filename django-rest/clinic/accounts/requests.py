from rest_framework.request import Request

from clinic.accounts.models import User


def signed_in_user(request: Request) -> User:
    """The user of a request that a permission has let in."""
    assert isinstance(request.user, User)
    return request.user


def viewer_of(request: Request) -> User | None:
    """The user, or None for somebody who is not signed in."""
    return request.user if isinstance(request.user, User) else None
