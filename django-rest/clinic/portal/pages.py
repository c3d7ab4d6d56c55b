"""Common to all pages: their headers, and the way of visitors who are not signed in."""

from collections.abc import Collection
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import add_never_cache_headers
from django.utils.functional import Promise
from django.views.generic import TemplateView
from django.views.generic.base import ContextMixin, View

from clinic.accounts.models import CLINIC_ROLES, User
from clinic.common import clock
from clinic.portal.board import may_use_admin
from clinic.portal.frame import frame_for, home_for, may_book, navigation_for, patient_frame_for
from clinic.scheduling.models import Clinic

# Cameras, places and payments are of no use to a page of ours, nor to a script that got in.
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


def with_page_headers(response: HttpResponseBase) -> HttpResponseBase:
    add_never_cache_headers(response)
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = PERMISSIONS
    return response


def is_cross_site(request: HttpRequest) -> bool:
    """Whether a form on somebody else's site sends this, as browsers say. A page that needs no CSRF token refuses it:
    else whoever opens that site would ask for visits and codes, each from an address of their own."""
    return request.headers.get("Sec-Fetch-Site") == "cross-site"


class Page(ContextMixin, View):
    """With who is signed in as `person`. It shows people's names, so nothing between keeps a copy."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return with_page_headers(super().dispatch(request, *args, **kwargs))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        person = user if isinstance(user, User) else None
        context = {
            "person": person,
            "may_use_admin": person is not None and may_use_admin(person),
            "home": home_for(person),
            "languages": settings.LANGUAGES,
        }
        return super().get_context_data(**context, **kwargs)


class PatientPage(Page):
    """A page for patients and guests, signed in or not: its template extends `portal/patient_frame.html`. Its address
    may be a secret, so that no request that the page causes names it. `clinic` is whose page it is, if known."""

    title: str | Promise = ""

    def get_clinic(self) -> Clinic | None:
        user = self.request.user
        return user.clinic if isinstance(user, User) else None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        # Not `no-referrer`: browsers then send forms with `Origin: null`, which no check against forgery passes.
        response.headers["Referrer-Policy"] = "strict-origin"
        response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive, nosnippet"
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        clinic = kwargs.pop("clinic", None) or self.get_clinic()
        frame = None if clinic is None else patient_frame_for(clinic, now=clock.now())
        return super().get_context_data(**{"clinic": clinic, "frame": frame, "title": self.title, **kwargs})


class SignedInPage(LoginRequiredMixin, Page):
    """A page for users who are signed in; visitors are led to the sign-in page and back."""

    @property
    def user(self) -> User:
        assert isinstance(self.request.user, User)
        return self.request.user


class ClinicPage(SignedInPage, TemplateView):
    """A page in the frame: its template extends `portal/frame.html`. Other roles get the 403 page."""

    # The entry of the navigation that is marked.
    section: str = ""
    roles: Collection[str] = CLINIC_ROLES
    # False: it opens although the clinic's zone is unknown.
    needs_zone: bool = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and not self._is_open_to(self.user):
            return with_page_headers(self._refused())
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.user
        return super().get_context_data(
            section=self.section,
            navigation=navigation_for(user),
            may_book=may_book(user),
            frame=frame_for(user, now=clock.now(), needs_zone=self.needs_zone),
            **kwargs,
        )

    def _is_open_to(self, user: User) -> bool:
        return user.clinic is not None and user.role in self.roles

    def _refused(self) -> HttpResponse:
        context = super().get_context_data()
        return self.response_class(self.request, "portal/not_for_you.html", context, status=HTTPStatus.FORBIDDEN)
