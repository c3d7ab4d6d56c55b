"""One line an event, as text or as JSON, each with the id of the request it belongs to. Never a payload or a query."""

import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

import orjson
from shared_config import exception_lines, loggable

request_id: ContextVar[str] = ContextVar("request_id", default="-")


class TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = f"{_at(record)} {record.levelname:<7} {record.name} [{request_id.get()}] {loggable(record.getMessage())}"
        return "\n".join([line, *_traceback_of(record)])


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "at": _at(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "request_id": request_id.get(),
            "message": loggable(record.getMessage()),
            **getattr(record, "fields", {}),
        }
        if traceback := _traceback_of(record):
            fields["exception"] = "\n".join(traceback)
        return orjson.dumps(fields).decode()


def configure(log_format: Literal["text", "json"], *, debug: bool = False) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    for name in ("sse_starlette", "aiomysql", "asyncio"):  # These write payloads and queries at DEBUG.
        logging.getLogger(name).setLevel(logging.WARNING)


def _traceback_of(record: logging.LogRecord) -> list[str]:
    error = record.exc_info[1] if record.exc_info else None
    return list(exception_lines(error)) if error is not None else []


def _at(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
