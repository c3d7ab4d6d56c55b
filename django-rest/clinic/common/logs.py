"""Routes in log lines, where a path would say too much."""

import logging

from django.http import HttpRequest


class RouteFilter(logging.Filter):
    """Django's own messages about a request quote its path, which may open a booking. They get its route instead."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest):
            status = getattr(record, "status_code", None)
            record.msg, record.args = "request answered with %s: %s", (status, route_of(request))
        return True


def route_of(request: HttpRequest) -> str:
    """Route template of a request; a path that no route has may be anything, and is not repeated."""
    return f"/{request.resolver_match.route}" if request.resolver_match is not None else "-"
