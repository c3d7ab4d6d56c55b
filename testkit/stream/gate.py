"""A gate in front of the database: what a stopped, restarted or silent server looks like from the stream."""

import contextlib
import socket
import threading
from typing import Self

BUFFER = 65_536
# The MySQL protocol: three bytes of length, a packet number that is zero in a request, and the command.
HEADER_LENGTH = 4
QUERY = 3


class Gate:
    """Forwards TCP while it is open. Closed, it refuses; stalled, it accepts and says nothing.

    `statements` are the queries that went through, in order.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener: socket.socket | None = None
        self._sockets: list[socket.socket] = []
        self.statements: list[str] = []
        self._may_forward = threading.Event()
        self._may_forward.set()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        self._may_forward.set()
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        """Cut every connection and take no new one."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self._may_forward.set()
        while self._sockets:
            end = self._sockets.pop()
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def lead_to(self, host: str, port: int) -> None:
        """From now on new connections go to this server, as to a promoted replica."""
        self._target = (host, port)

    def stall(self) -> None:
        """Keep every connection and let nothing through."""
        self._may_forward.clear()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # Closed.
            while True:
                near, _ = listener.accept()
                self._sockets.append(near)
                try:
                    far = socket.create_connection(self._target)
                except OSError:
                    near.close()
                    continue
                self._sockets.append(far)
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._forward, args=(source, sink, source is near), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket, is_client: bool) -> None:
        with contextlib.suppress(OSError):  # One of the two has gone.
            while received := source.recv(BUFFER):
                self._may_forward.wait()
                # A client waits for each answer, so a chunk is a request.
                if is_client and received[HEADER_LENGTH - 1 : HEADER_LENGTH + 1] == bytes([0, QUERY]):
                    self.statements.append(received[HEADER_LENGTH + 1 :].decode(errors="replace"))
                sink.sendall(received)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
