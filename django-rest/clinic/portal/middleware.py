"""The language of a page, and of a refusal of the API."""

import re

from django.http import HttpRequest, HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers

from clinic.accounts.models import User
from clinic.common.languages import COOKIE, choose_language
from clinic.common.middleware import GetResponse
from clinic.scheduling.models import Clinic

NO_PAGE = re.compile(r"^/(admin|health|livez|readyz|metrics|favicon|words|clients|api/(schema|docs|redoc))(/|\.|$)")
API = re.compile(r"^/api(/|$)")


class LanguageMiddleware:
    """A page speaks as `language_of` says, the API as `Accept-Language` asks and else English, the admin English."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if NO_PAGE.match(request.path_info):
            return self.get_response(request)
        is_api = API.match(request.path_info) is not None
        accepted = request.headers.get("Accept-Language", "")
        language = choose_language(accepted=accepted) if is_api else language_of(request)
        with translation.override(language):
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language() or language)
        patch_vary_headers(response, ["Accept-Language"])
        return response


def use_clinic_language(request: HttpRequest, clinic: Clinic) -> None:
    """Until the end of the request, where neither the user nor the browser asks for a language that there is: a page
    that anybody may open knows only now whose it is."""
    translation.activate(language_of(request, clinic))


def language_of(request: HttpRequest, clinic: Clinic | None = None) -> str:
    user = request.user if isinstance(request.user, User) else None
    clinic = clinic or (user.clinic if user is not None else None)
    return choose_language(
        user=user.language if user is not None else "",
        cookie=request.COOKIES.get(COOKIE, ""),
        accepted=request.headers.get("Accept-Language", ""),
        clinic=clinic.language if clinic is not None else "",
    )
