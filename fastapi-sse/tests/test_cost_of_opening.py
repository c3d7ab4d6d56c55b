"""Python functions called to open a stream within the application: what it computes shows in it, whatever else the
machine does."""

import asyncio
import logging
import sys
from collections.abc import Coroutine
from types import FrameType
from typing import Any

import pytest
from clinic_stream.main import create_app
from clinic_stream.socket_writer import Attached
from clinic_stream.stream import SOCKET_WRITER
from shared_config import StreamSettings
from starlette.types import Message

from testkit.stream.clinic import TestClinic
from testkit.stream.database import Database
from testkit.stream.inside import settings_of, until

AVAILABILITY = "/api/v1/sse/availability"
APPOINTMENTS = "/api/v1/sse/appointments"


class Writer:
    """As the server offers it, for a reader who takes everything."""

    is_clear = True
    unsent = 0
    written = b""

    def attach(self, connection: Attached) -> None: ...

    def write(self, chunk: bytes) -> None:
        self.written += chunk

    def reset(self) -> None: ...


class Calls:
    """Counts Python functions, those of the interpreter's own modules included."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        self.count += event == "call"


def scope_of(path: str, query: str, headers: dict[str, str], writer: Writer) -> dict[str, Any]:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50_000),
        "root_path": "",
        "state": {},
        SOCKET_WRITER: writer,
    }


async def receive() -> Message:
    raise AssertionError("the writer is asked nothing")


async def send(message: Message) -> None:
    if message["type"] == "http.response.start":
        assert message["status"] == 200


def calls_until_it_waits(opening: Coroutine[Any, Any, None]) -> int:
    """Of a request whose stream stays open: it waits for its end alone."""
    calls = Calls()
    sys.setprofile(calls)
    try:
        opening.send(None)
    finally:
        sys.setprofile(None)
    opening.close()
    return calls.count


@pytest.mark.parametrize(
    ("path", "is_signed_in", "most"),
    [(AVAILABILITY, False, 210), (APPOINTMENTS, True, 265)],
    ids=["anonymous", "by a token that is known"],
)
def test_opening_takes_few_calls(
    database: Database,
    clinic: TestClinic,
    caplog: pytest.LogCaptureFixture,
    path: str,
    is_signed_in: bool,
    most: int,
) -> None:
    """Without the line in the log, which pytest would write several times."""
    caplog.set_level(logging.WARNING)
    settings = settings_of(database)
    assert settings.jwt_secret_key is not None
    clinic.book()
    headers = {}
    query = f"practitioner={clinic.petra.row_id}"
    if is_signed_in:
        query = "mode=delta"
        headers["authorization"] = f"Bearer {clinic.owner.token(key=settings.jwt_secret_key.get_secret_value())}"
    assert asyncio.run(calls_to_open(settings, path, query, headers)) <= most


async def calls_to_open(settings: StreamSettings, path: str, query: str, headers: dict[str, str]) -> int:
    """Of the second one: the first loads the clinic, and stays."""
    app = create_app(settings)
    first_writer, writer = Writer(), Writer()
    async with app.router.lifespan_context(app):
        first = asyncio.create_task(app(scope_of(path, query, headers, first_writer), receive, send))
        await until(lambda: bool(first_writer.written))
        calls = calls_until_it_waits(app(scope_of(path, query, headers, writer), receive, send))
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    assert b"\nid: " in writer.written
    return calls
