"""Errors that arise outside of a view: in one shape for programs, as pages (`templates/404.html` …) for browsers."""

import re
import sys

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext, override
from django.views import csrf, defaults

from clinic.common.database_errors import refusal_for
from clinic.common.errors import RETRY_AFTER_SECONDS, ChairsideError, TryAgain, UnknownTimeZone
from clinic.common.languages import COOKIE, choose_language


def error_response(status: int, code: str, detail: str, *, attr: str | None = None) -> HttpResponse:
    kind = "server_error" if status >= 500 else "client_error"
    return JsonResponse({"type": kind, "errors": [{"code": code, "detail": detail, "attr": attr}]}, status=status)


# There programs ask, whatever they accept.
NO_PAGE = re.compile(r"^/(api|health|livez|readyz|metrics|static|words)(/|$)|/token/*$")
# Here people ask, even if they do not say so.
PAGES = ("/admin", "/board", "/sign-in", "/sign-out")


def _is_page(request: HttpRequest) -> bool:
    if NO_PAGE.search(request.path) or _wants_json(request):
        return False
    return request.path.startswith(PAGES) or "text/html" in request.headers.get("Accept", "")


def _wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "").startswith("application/json")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_page(request):
        # Not Django's own, which reads the form once more.
        return HttpResponse(render_to_string("400.html"), status=400)
    return error_response(400, "bad_request", "The request is malformed.")


def too_large(request: HttpRequest, *, most_bytes: int) -> HttpResponse:
    """Before anybody is known, and a language chosen."""
    if _is_page(request):
        language = choose_language(
            cookie=request.COOKIES.get(COOKIE, ""), accepted=request.headers.get("Accept-Language", "")
        )
        with override(language):
            return HttpResponse(render_to_string("413.html", {"megabytes": most_bytes // 2**20}), status=413)
    return error_response(413, "request_too_large", f"A body is {most_bytes} bytes at most.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_page(request):
        return defaults.permission_denied(request, exception)
    return error_response(403, "permission_denied", "You may not do this.")


def csrf_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    if _is_page(request):
        return csrf.csrf_failure(request, reason)
    return error_response(403, "csrf_failed", "This page is out of date. Load it again.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_page(request):
        return defaults.page_not_found(request, exception)
    return error_response(404, "not_found", "Not found.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Also of pages while the database is away, or a clinic's row cannot be read: Django calls this inside of its
    `except`."""
    error = sys.exception()
    if isinstance(error, TryAgain):
        return unavailable(request, error)
    refusal = refusal_for(error, method=request.method or "") if error is not None else None
    if refusal is not None:
        return unavailable(request, refusal)
    if _is_page(request):
        return HttpResponse(render_to_string("500.html"), status=500)
    return error_response(500, "error", "Something went wrong.")


def unavailable(request: HttpRequest, refusal: ChairsideError) -> HttpResponse:
    if _is_page(request):
        path = request.get_full_path() if request.method == "GET" else "/"
        is_owner = getattr(request.user, "role", "") == "owner" if isinstance(refusal, UnknownTimeZone) else False
        context = {"path": path, "code": refusal.code, "reason": gettext(refusal.detail), "may_set_zone": is_owner}
        response = HttpResponse(render_to_string("503.html", context), status=refusal.status)
    else:
        response = error_response(refusal.status, refusal.code, refusal.detail)
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
