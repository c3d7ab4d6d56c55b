"""A small TCP forwarder in front of a database, which can change its target and cut a connection at a given text."""

import socket
import socketserver
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

CHUNK = 65536


class Forwarder:
    """`cut_at`: once this text has gone to the server, and the server has answered it, both sides are closed and the
    answer is thrown away. `cut_before`: the text does not reach the server."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.cut_at: bytes | None = None
        self.cut_before: bytes | None = None
        self._silent_client: socket.socket | None = None
        forwarder = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                forwarder._forward(self.request)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _forward(self, client: socket.socket) -> None:
        with socket.create_connection(self.target, timeout=60) as server:
            back = threading.Thread(target=self._answer, args=(server, client), daemon=True)
            back.start()
            self._ask(client, server)
            back.join(5)

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while asked := client.recv(CHUNK):
                if self.cut_before is not None and self.cut_before in asked:
                    self.cut_before = None
                    break
                if self.cut_at is not None and self.cut_at in asked:
                    # From here on no answer reaches the client.
                    self._silent_client = client
                server.sendall(asked)
        _shut(server)
        _shut(client)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while answered := server.recv(CHUNK):
                if self._silent_client is client:
                    self.cut_at = None
                    self._silent_client = None
                    break
                client.sendall(answered)
        _shut(server)
        _shut(client)


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
