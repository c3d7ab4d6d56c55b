"""The way of every request: an id, a time, one log line, one form of each API path, and a limit to its body."""

import logging
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import BadRequest
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware
from django.utils.functional import SimpleLazyObject
from shared_config import address_hash
from shared_config.log_formats import request_id_of_this_context

from clinic.common.addresses import client_address, client_scheme
from clinic.common.content_policy import policy_for
from clinic.common.content_types import UTF_8
from clinic.common.error_pages import bad_request, too_large
from clinic.common.logs import route_of
from clinic.common.request_metrics import count_request

API_PATH = re.compile(r"^/(?!(admin|static)(/|$))[^/]")
PROBE_PATH = re.compile(r"^/(livez|readyz|health|api/health|api/v1/health)/*$")
UPLOAD_PATH = re.compile(r"^(/api/(v1/)?((users|profiles)/me|staff/\d+)|/settings/staff/\d+|/me)/photo/*$")
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SAFE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

GetResponse = Callable[[HttpRequest], HttpResponseBase]
log = logging.getLogger("chairside.request")


class ForwardedSchemeMiddleware:
    """The scheme that the client used, as the trusted proxies report it, for `is_secure()` and absolute addresses."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.META["wsgi.url_scheme"] = client_scheme(request)
        return self.get_response(request)


class RequestLogMiddleware:
    """One line a request: route template, user id and hashed address. Path, query and headers may hold secrets."""

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
            response["X-Route"] = route_of(request)
            _log(request, response.status_code, seconds)
        finally:
            request_id_of_this_context.reset(token)
        return response


def _log(request: HttpRequest, status: int, seconds: float) -> None:
    fields: dict[str, Any] = {
        "method": request.method if request.method in METHODS else "OTHER",
        "route": route_of(request),
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
        "user": _user_id(request),
        "address": address_hash(
            client_address(request), key=settings.SECRET_KEY.encode(), day=datetime.now(UTC).date()
        ),
    }
    count_request(method=fields["method"], route=fields["route"], status=status, seconds=seconds)
    log.info(
        "%(method)s %(route)s %(status)s %(milliseconds)sms user=%(user)s from=%(address)s",
        fields,
        extra={"fields": fields},
    )


def _user_id(request: HttpRequest) -> int | None:
    """None also where no user was looked up: a log line costs no query."""
    user = getattr(request, "user", None)
    if isinstance(user, SimpleLazyObject):
        user = getattr(request, "_cached_user", None)
    return getattr(user, "pk", None)


class ApiPathMiddleware:
    """All paths but the admin's are routed without a slash at the end: both forms work, and no POST is redirected."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if API_PATH.match(request.path_info):
            if is_too_large(request):
                return _too_large(request)
            request.path_info = request.path_info.rstrip("/")
        if is_in_another_charset(request):
            return bad_request(request, BadRequest())
        return self.get_response(request)


class SafeAnswersMiddleware:
    """Nothing between keeps a copy of an answer, and a page runs no script but our own. What a view has set, stays."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        # Static files never come here.
        response.headers.setdefault("Cache-Control", "no-store")
        if response.headers.get("Content-Type", "").startswith("text/html"):
            response.headers.setdefault("Content-Security-Policy", policy_for(request))
        return response


class HostMiddleware(CommonMiddleware):
    """Refuses a `Host` that is not ours, except of probes: whoever probes knows the machine by its address."""

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        if PROBE_PATH.match(request.path_info):
            return None
        return super().process_request(request)


class SecureCookiesMiddleware:
    """Cookies that came by HTTPS only go by HTTPS. A laptop without a certificate signs in all the same."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.is_secure():
            for cookie in response.cookies.values():
                cookie["secure"] = True
        return response


def is_in_another_charset(request: HttpRequest) -> bool:
    """Whether a form says that it is not UTF-8. No page can read it, nor the page that says so."""
    charset = (request.content_params or {}).get("charset", "utf-8")
    return request.content_type in FORMS and charset.lower() not in UTF_8


def is_too_large(request: HttpRequest) -> bool:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return length.isdigit() and int(length) > most_bytes(request)


def most_bytes(request: HttpRequest) -> int:
    is_upload = request.method == "POST" and UPLOAD_PATH.match(request.path_info)
    return settings.API_MAX_UPLOAD_BYTES if is_upload else settings.API_MAX_BODY_BYTES


def _too_large(request: HttpRequest) -> HttpResponse:
    return too_large(request, most_bytes=most_bytes(request))
