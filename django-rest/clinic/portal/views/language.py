"""The language of the pages: chosen by a user, or in a browser before anybody has signed in; and their words."""

import hashlib
from functools import cache
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View
from django.views.i18n import JavaScriptCatalog

from clinic.accounts.models import User
from clinic.accounts.services import choose_page_language
from clinic.common.languages import COOKIE, COOKIE_SECONDS


class LanguageView(View):
    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest) -> HttpResponse:
        language = request.POST.get("language", "")
        if language not in dict(settings.LANGUAGES):
            raise Http404
        if isinstance(request.user, User):
            choose_page_language(user=request.user, language=language)
        response = HttpResponseRedirect(_next(request))
        response.set_cookie(COOKIE, language, max_age=COOKIE_SECONDS, httponly=True, samesite="Lax")
        return response


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if is_ours else reverse("start")


class WordsView(JavaScriptCatalog):
    """Words of the pages' scripts in one language, kept by a browser for ever: the address names their version."""

    domain = "djangojs"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        language = kwargs.pop("language")
        if language not in dict(settings.LANGUAGES):
            raise Http404
        is_current = kwargs.pop("version") == words_version(language)
        with translation.override(language):
            response = super().get(request, *args, **kwargs)
        response["Cache-Control"] = "public, max-age=31536000, immutable" if is_current else "no-store"
        return response


@cache
def words_version(language: str) -> str:
    digest = hashlib.sha256(settings.VERSION.encode())
    for folder in settings.LOCALE_PATHS:
        file = folder / language / "LC_MESSAGES" / "djangojs.mo"
        if file.exists():
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def words_address(language: str) -> str:
    return reverse("words", args=[language, words_version(language)])
