"""An HTTP/1.0 reader, which knows no chunks (RFC 9112, section 6.1): the end of the connection ends the body."""

import gzip
import socket
from collections.abc import Mapping

import pytest

from testkit.stream.clinic import TestClinic
from testkit.stream.service import StreamService

STREAM = "/api/v1/sse/appointments?mode=delta"


def read_to_the_end(
    service: StreamService, path: str, headers: Mapping[str, str], at_first_body: object = None
) -> tuple[str, bytes]:
    """The head and the body of the answer to an HTTP/1.0 request; `at_first_body` is called when the body has begun."""
    lines = [f"GET {path} HTTP/1.0", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        connection.sendall("\r\n".join(lines).encode())
        came = b""
        while part := connection.recv(65_536):
            came += part
            if callable(at_first_body) and b"\r\n\r\n" in came:
                at_first_body()
                at_first_body = None
    head, _, body = came.partition(b"\r\n\r\n")
    return head.decode().lower(), body


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_stream_comes_without_chunks_and_ends_with_the_connection(
    service: StreamService, clinic: TestClinic, coding: str
) -> None:
    headers = {"Authorization": f"Bearer {clinic.owner.token(seconds=2)}", "Accept-Encoding": coding}
    head, body = read_to_the_end(service, STREAM, headers, at_first_body=clinic.book)
    assert "transfer-encoding" not in head
    assert "connection: close" in head
    text = (gzip.decompress(body) if coding == "gzip" else body).decode()
    assert text.startswith("retry: ")
    assert text.endswith("\n\n")
    events = [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]
    assert [event for event in events if event != "heartbeat"] == ["snapshot", "token-expiring", "change", "expired"]


def test_readers_of_both_versions_in_step_are_each_told_in_their_own_framing(
    service: StreamService, clinic: TestClinic
) -> None:
    with service.stream(clinic.owner.token(), "mode=delta") as other:
        other.next_event()
        headers = {"Authorization": f"Bearer {clinic.owner.token(seconds=2)}"}
        _, body = read_to_the_end(service, STREAM, headers, at_first_body=clinic.book)
        change = other.next_named("change")
    assert f"{change.text}\n\n".encode() in body


def test_other_answers_keep_their_length(service: StreamService) -> None:
    head, body = read_to_the_end(service, "/livez", {})
    assert f"content-length: {len(body)}" in head
    assert body == b'{"status":"ok"}'
