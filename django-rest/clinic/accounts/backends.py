from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest
from rest_framework.exceptions import AuthenticationFailed

from clinic.accounts.lockout import Locked
from clinic.accounts.models import User
from clinic.accounts.services import check_credentials
from clinic.common.addresses import client_address


class SignInBackend(ModelBackend):
    """The admin's sign-in page: the same check, and the same lockout, as the API's."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> User | None:
        if username is None or password is None:
            return None
        address = client_address(request) if request is not None else ""
        try:
            return check_credentials(username=username, password=password, address=address)
        except (AuthenticationFailed, Locked):
            return None
