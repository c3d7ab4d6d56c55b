"""What every page has: its headers, and where it leads who is not signed in."""

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import add_never_cache_headers
from django.views.generic.base import ContextMixin, View

from clinic.accounts.models import User
from clinic.portal.board import may_use_admin

# Cameras, places and payments are of no use to a page of ours, nor to a script that got in.
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


class Page(ContextMixin, View):
    """With who is signed in as `person`. It shows people's names, so nothing between keeps a copy."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        add_never_cache_headers(response)
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = PERMISSIONS
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        person = user if isinstance(user, User) else None
        context = {"person": person, "may_use_admin": person is not None and may_use_admin(person)}
        return super().get_context_data(**context, **kwargs)


class SignedInPage(LoginRequiredMixin, Page):
    """Nobody is led to the sign-in page, and back."""
