"""Log lines that can be joined across services by their request id: one event a line, no secret in it."""

import json
import logging
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest
from shared_config import exception_lines, loggable

request_id_of_this_context: ContextVar[str] = ContextVar("request_id", default="-")


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id_of_this_context.get()
        return True


class RouteFilter(logging.Filter):
    """Django's own messages about a request quote its path, which may open a booking. They get its route instead."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest):
            status = getattr(record, "status_code", None)
            record.msg, record.args = "request answered with %s: %s", (status, route_of(request))
        return True


class TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        request_id = getattr(record, "request_id", "-")
        line = f"{self.formatTime(record)} {record.levelname} {record.name} [{request_id}] {_message_of(record)}"
        return "\n".join([line, *_traceback_of(record)])


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields: Mapping[str, Any] = getattr(record, "fields", {})
        line = {
            "at": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "request_id": getattr(record, "request_id", "-"),
            "message": _message_of(record),
            **fields,
        }
        if traceback := _traceback_of(record):
            line["exception"] = "\n".join(traceback)
        return json.dumps(line)


def route_of(request: HttpRequest) -> str:
    """Route template of a request; a path that no route has may be anything, and is not repeated."""
    return f"/{request.resolver_match.route}" if request.resolver_match is not None else "-"


def _message_of(record: logging.LogRecord) -> str:
    # A request's line is built from values that are safe already.
    return record.getMessage() if hasattr(record, "fields") else loggable(record.getMessage())


def _traceback_of(record: logging.LogRecord) -> list[str]:
    error = record.exc_info[1] if record.exc_info else None
    return list(exception_lines(error)) if error is not None else []
