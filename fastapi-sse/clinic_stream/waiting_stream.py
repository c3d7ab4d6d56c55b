"""A stream whose content takes long to load: the answer begins at once, and the reader is told `stale` meanwhile.

EventSource never comes back after any status but 200, so nothing that passes by itself may be one. A request that is
wrong is refused at once, as long as the database answers. Found to be wrong later, its stream ends cleanly, and the
reader comes back to the true status.
"""

import asyncio
import logging
import random
import types
from collections.abc import Coroutine, Generator
from dataclasses import replace
from functools import partial
from typing import Any, cast

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from clinic_stream import errors, frames
from clinic_stream.frames import Frame
from clinic_stream.hub import Hub, drained
from clinic_stream.stream import Stream, StreamResponse, socket_writer_of, until_gone, write

logger = logging.getLogger(__name__)

# Answers of a healthy service take milliseconds. After this time the stream opens without its content.
OPEN_AFTER_SECONDS = 1.0
# How long an open stream waits for its content before its reader is asked to come back; no longer than a heartbeat.
MAX_WAIT_SECONDS = 20.0
COME_BACK_MS = (500, 1500)


async def answer_in_time(
    hub: Hub, address: str, making: Coroutine[Any, Any, Response], *, is_anonymous: bool
) -> Response:
    """The answer, or a stream that waits for it. Raises as `making` does, while there is time."""
    if not hub.is_live:  # Then it may read the database by itself, in the task that it was begun in.
        task = asyncio.ensure_future(making)
    else:
        try:
            waits_for = making.send(None)
        except StopIteration as answered:  # As nearly always: a task for each would be a fifth of what opening costs.
            return cast(Response, answered.value)
        task = asyncio.ensure_future(_rest_of(making, waits_for))
    try:
        done, _ = await asyncio.wait({task}, timeout=OPEN_AFTER_SECONDS)
    except asyncio.CancelledError:
        task.cancel()
        raise
    return task.result() if done else StreamResponse(WaitingStream(hub, address, task, is_anonymous=is_anonymous))


@types.coroutine
def _rest_of(making: Coroutine[Any, Any, Response], waits_for: object) -> Generator[object, Any, Response]:
    """A coroutine that has been begun, and waits for this."""
    while True:
        try:
            sent = yield waits_for
        except BaseException as error:
            step = partial(making.throw, error)
        else:
            step = partial(making.send, sent)
        try:
            waits_for = step()
        except StopIteration as answered:
            return cast(Response, answered.value)


class WaitingStream:
    """Open, and told to be stale, until its content is there."""

    is_gzipped = False

    def __init__(self, hub: Hub, address: str, answer: asyncio.Task[Response], *, is_anonymous: bool) -> None:
        self.connection_id = hub.next_id()
        self._hub = hub
        self._address = address
        self._answer = answer
        self._is_anonymous = is_anonymous

    async def run(self, scope: Scope, receive: Receive, send: Send) -> dict[str, object]:
        self._hub.counts.opened_late += 1
        try:
            with self._hub.waiting(self._address, is_anonymous=self._is_anonymous):
                stream = await self._wait(receive, send)
            if isinstance(stream, Stream):
                return await stream.run(scope, receive, send)
        except TimeoutError:  # The reader takes nothing.
            stream = "stuck"
            if (writer := socket_writer_of(scope)) is not None:
                writer.reset()
        finally:
            self._answer.cancel()
        return {"connection": self.connection_id, "reason": stream}

    async def _wait(self, receive: Receive, send: Send) -> Stream | str:
        """The stream, when it has been made; else the reason why there is none, after the end of the response."""
        await write(send, random.choice(frames.OPENINGS) + frames.STALE)  # noqa: S311  # Spreads load.
        gone = asyncio.ensure_future(until_gone(receive))
        drain = asyncio.ensure_future(self._hub.drain_begins.wait())
        seconds = min(MAX_WAIT_SECONDS, self._hub.heartbeat_seconds)
        try:
            await asyncio.wait({self._answer, gone, drain}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                return "left"
            if drain.done():
                return await self._end(send, drained().frame, "drain")
        finally:
            gone.cancel()
            drain.cancel()
        stream = _stream_of(self._answer) if self._answer.done() else None
        if stream is None:
            retry_ms = random.randint(*COME_BACK_MS)  # noqa: S311  # Spreads load.
            return await self._end(send, frames.drain(retry_ms, "The list could not be read: connect again."), "waited")
        # Not compressed: the bytes written so far are not.
        return replace(stream, connection_id=self.connection_id, is_gzipped=False, was_sent_stale=True)

    async def _end(self, send: Send, frame: Frame, reason: str) -> str:
        await write(send, frame)
        await write(send, b"", more=False)
        return reason


def _stream_of(answer: asyncio.Task[Response]) -> Stream | None:
    """None when the request turned out to be wrong: the reader, who comes back, is told so by the status."""
    try:
        response = answer.result()
    except (errors.Problem, errors.DatabaseUnavailable):
        return None
    except Exception:
        logger.exception("a stream could not be opened")
        return None
    return response.stream if isinstance(response, StreamResponse) and isinstance(response.stream, Stream) else None
