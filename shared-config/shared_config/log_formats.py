"""Log formats of both services, so that one search finds the lines of both by the id of their request."""

import logging
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import orjson

from shared_config.log_lines import exception_lines, loggable

request_id_of_this_context: ContextVar[str] = ContextVar("request_id", default="-")


class TextFormatter(logging.Formatter):
    """One line an event, and the lines of its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        request_id = request_id_of_this_context.get()
        line = f"{_at(record)} {record.levelname:<7} {record.name} [{request_id}] {_message_of(record)}"
        return "\n".join([line, *_traceback_of(record)])


class JsonFormatter(logging.Formatter):
    """One object an event, with the record's `fields`, if it has any, beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": _at(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "request_id": request_id_of_this_context.get(),
            "message": _message_of(record),
            **_fields_of(record),
        }
        if traceback := _traceback_of(record):
            line["exception"] = "\n".join(traceback)
        return orjson.dumps(line).decode()


def _at(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fields_of(record: logging.LogRecord) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = getattr(record, "fields", {})
    return fields


def _message_of(record: logging.LogRecord) -> str:
    # A line with fields is built from values that are safe already.
    return record.getMessage() if hasattr(record, "fields") else loggable(record.getMessage())


def _traceback_of(record: logging.LogRecord) -> list[str]:
    error = record.exc_info[1] if record.exc_info else None
    return list(exception_lines(error)) if error is not None else []
