"""What every request passes: an id, a time, one log line, one form of each API path, and a limit to its body."""

import logging
import re
import time
from collections.abc import Callable
from uuid import uuid4

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware

from clinic.common.error_pages import error_response
from clinic.common.logs import request_id_of_this_context

API_PATH = re.compile(r"^/(api|health|livez|readyz|metrics|board|sign-in|sign-out|password)(/|$)")
PROBE_PATH = re.compile(r"^/(livez|readyz|health|api/health|api/v1/health)/*$")
UPLOAD_PATH = re.compile(r"^/api/(v1/)?(users|profiles)/me/photo/*$")
SECRET_PARTS = frozenset({"reference", "token"})
SAFE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

GetResponse = Callable[[HttpRequest], HttpResponseBase]
log = logging.getLogger("chairside.request")


class RequestLogMiddleware:
    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        given = request.headers.get("X-Request-ID", "")
        request_id = given if SAFE_REQUEST_ID.fullmatch(given) else uuid4().hex
        token = request_id_of_this_context.set(request_id)
        connection.may_have_changed = False  # type: ignore[attr-defined]
        try:
            response = self.get_response(request)
            seconds = time.perf_counter() - started
            response["X-Request-ID"] = request_id
            response["X-Process-Time"] = f"{seconds:.6f}"
            log.info("%s %s %s %.1fms", request.method, _loggable(request), response.status_code, seconds * 1000)
        finally:
            request_id_of_this_context.reset(token)
        return response


def _loggable(request: HttpRequest) -> str:
    """The path alone, as a query string may hold a phone number; and without what opens a booking to whoever has it."""
    path: str = request.path
    parts = request.resolver_match.kwargs if request.resolver_match is not None else {}
    for name in SECRET_PARTS & parts.keys():
        path = path.replace(str(parts[name]), "…")
    return path


class ApiPathMiddleware:
    """All paths but the admin's are routed without a slash at the end: both forms work, and no POST is redirected."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if API_PATH.match(request.path_info):
            if is_too_large(request):
                return _too_large(request)
            request.path_info = request.path_info.rstrip("/")
        return self.get_response(request)


class HostMiddleware(CommonMiddleware):
    """Refuses a `Host` that is not ours, except of probes: whoever probes knows the machine by its address."""

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        if PROBE_PATH.match(request.path_info):
            return None
        return super().process_request(request)


class SecureCookiesMiddleware:
    """Who came by HTTPS gets cookies that only go by HTTPS. A laptop without a certificate signs in all the same."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.is_secure():
            for cookie in response.cookies.values():
                cookie["secure"] = True
        return response


def is_too_large(request: HttpRequest) -> bool:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return length.isdigit() and int(length) > most_bytes(request)


def most_bytes(request: HttpRequest) -> int:
    is_upload = request.method == "POST" and UPLOAD_PATH.match(request.path_info)
    return settings.API_MAX_UPLOAD_BYTES if is_upload else settings.API_MAX_BODY_BYTES


def _too_large(request: HttpRequest) -> HttpResponse:
    return error_response(413, "request_too_large", f"A body is {most_bytes(request)} bytes at most.")
