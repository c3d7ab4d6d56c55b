"""A reader that opens a stream and then takes nothing."""

import socket
import time

from testkit.stream.clinic import TestClinic

# Together more than the kernel and the service buffer for one connection.
NOTES_LENGTH = 60_000
ROWS = 20
ROUNDS = 12
PAUSE_SECONDS = 0.05  # Two polls: each change makes a snapshot of its own.


def open_stuck(port: int, token: str, *, mode: str = "snapshot") -> socket.socket:
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect(("127.0.0.1", port))
    request = f"GET /api/v1/sse/appointments?mode={mode} HTTP/1.1"
    lines = [request, "Host: stream", f"Authorization: Bearer {token}", "", ""]
    reader.sendall("\r\n".join(lines).encode())
    reader.recv(512)
    return reader


def fill_up(clinic: TestClinic) -> None:
    """Change so much that a snapshot stream has megabytes to say."""
    ids = [clinic.book(day=day % 7, notes="x" * NOTES_LENGTH) for day in range(ROWS)]
    for number in range(ROUNDS):
        clinic.update(ids[0], cancel_reason=str(number))
        time.sleep(PAUSE_SECONDS)
