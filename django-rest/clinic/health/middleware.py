"""Refuse at once a change that would wait for a full disk: it would hold a thread until its timeout."""

from django.http import HttpRequest, HttpResponseBase

from clinic.common.database_errors import SAFE_METHODS
from clinic.common.error_pages import unavailable
from clinic.common.errors import DatabaseFull, DatabaseWriteTimeout
from clinic.common.middleware import GetResponse
from clinic.common.mysql.conditions import Condition
from clinic.health.probes import PROBES


class HangingWritesMiddleware:
    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        reason = None if request.method in SAFE_METHODS else PROBES.hanging_reason()
        if reason is None:
            return self.get_response(request)
        return unavailable(request, DatabaseFull() if reason == Condition.DISK_FULL else DatabaseWriteTimeout())
