"""Errors that arise outside of a view, in the one shape. Pages for people keep Django's own."""

import sys

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import csrf, defaults

from clinic.common.database_errors import refusal_for
from clinic.common.errors import RETRY_AFTER_SECONDS, ChairsideError, TryAgain


def error_response(status: int, code: str, detail: str, *, attr: str | None = None) -> HttpResponse:
    kind = "server_error" if status >= 500 else "client_error"
    return JsonResponse({"type": kind, "errors": [{"code": code, "detail": detail, "attr": attr}]}, status=status)


PAGES = ("/admin", "/board", "/sign-in", "/sign-out")


def _is_page(request: HttpRequest) -> bool:
    return request.path.startswith(PAGES) and not _wants_json(request)


def _wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "").startswith("application/json")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_page(request):
        return defaults.bad_request(request, exception)
    return error_response(400, "bad_request", "The request is malformed.")


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
        return defaults.server_error(request)
    return error_response(500, "error", "Something went wrong.")


def unavailable(request: HttpRequest, refusal: ChairsideError) -> HttpResponse:
    if _is_page(request):
        page = f"<!doctype html><title>Not available</title><h1>Not available</h1><p>{refusal.detail}</p>"
        response = HttpResponse(page, status=refusal.status)
    else:
        response = error_response(refusal.status, refusal.code, refusal.detail)
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
