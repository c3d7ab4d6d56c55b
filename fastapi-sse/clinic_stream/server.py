"""uvicorn, with an end for streams.

Its own shutdown closes the listeners and then waits for open responses, before the application hears of it: streams
would hold it up until they are cut. Here they end first.
"""

import asyncio
import logging
import signal
import socket
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from shared_config import StreamSettings

from clinic_stream import uvicorn_internals
from clinic_stream.services import Services
from clinic_stream.time_slices import keep_out_of_collections
from clinic_stream.unfinished_requests import UnfinishedRequests

logger = logging.getLogger(__name__)

# Readers that have not taken the end are cut: with a drain of 1 s, together under 5 s.
CUT_AFTER_SECONDS = 2.5
GIVE_UP_SECONDS = 1


class StreamServer(uvicorn.Server):
    def __init__(self, app: FastAPI, *, host: str, port: int) -> None:
        services: Services = app.state.services
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            http=_protocol(services.unfinished),
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # TRUSTED_PROXIES decides, in the routes.
            timeout_graceful_shutdown=round(CUT_AFTER_SECONDS + GIVE_UP_SECONDS),
        )
        super().__init__(config)
        self._services = services

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Unlike uvicorn's, this does not raise the signal again at the end: to stop when asked is no failure.
        self._services.is_draining = True
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._services.is_draining = True
        logger.info("draining %d streams", len(self._services.hub.connections))
        # They end at random moments of this time, while the port is open and /readyz says 503.
        seconds = self._services.settings.sse_drain_seconds
        self._services.hub.drain(seconds)
        if self._services.hub.connections:
            await asyncio.sleep(seconds)
        cut = asyncio.get_running_loop().call_later(CUT_AFTER_SECONDS, self._cut)
        await super().shutdown(sockets)
        cut.cancel()

    def _cut(self) -> None:
        for connection in list(self.server_state.connections):
            transport: asyncio.Transport | None = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()


def serve(app: FastAPI, settings: StreamSettings) -> None:
    """Serve until told to stop."""
    server = StreamServer(app, host=settings.stream_host, port=settings.fastapi_port)
    keep_out_of_collections()
    server.run()


def _protocol(unfinished: UnfinishedRequests) -> Any:
    """The protocol that writes streams itself, or uvicorn's own where parts of uvicorn are not as they were tested."""
    if problems := uvicorn_internals.problems():
        logger.error("streams are written by uvicorn's own protocol, which costs more: %s", "; ".join(problems))
        return "auto"
    from clinic_stream.stream_protocol import StreamProtocol

    return partial(StreamProtocol, unfinished=unfinished)
