"""Where a request ends, however its bytes arrive."""

import pytest
from config.server.framing import MAX_HEAD_BYTES, Progress, RequestReader
from hypothesis import given
from hypothesis import strategies as st

MAX_BODY = 1000
GET = b"GET /api/v1/time HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /api/v1/holds HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello world"
WHOLE = [GET, POST]


def reader() -> RequestReader:
    return RequestReader(max_body_bytes=MAX_BODY)


@given(st.lists(st.sampled_from(WHOLE), min_size=1, max_size=5), st.lists(st.integers(1, 40), min_size=1))
def test_requests_in_pieces_of_any_size_come_out_one_by_one(requests: list[bytes], sizes: list[int]) -> None:
    stream, reading, taken = b"".join(requests), reader(), []
    at = turn = 0
    while at < len(stream):
        size = sizes[turn % len(sizes)]
        progress = reading.feed(stream[at : at + size])
        at, turn = at + size, turn + 1
        while progress is Progress.COMPLETE:
            taken.append(reading.take())
            progress = reading.advance()
    assert taken == requests
    assert not reading.is_last


@pytest.mark.parametrize("request_bytes", WHOLE)
def test_request_without_its_last_byte_is_not_complete(request_bytes: bytes) -> None:
    reading = reader()
    assert reading.feed(request_bytes[:-1]) in {Progress.HEAD, Progress.BODY}
    assert reading.feed(request_bytes[-1:]) is Progress.COMPLETE


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: 1001",
        b"Content-Length: +5",
        b"Content-Length: 5, 5",
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Content-Length: 99999999999999999999",
    ],
)
def test_request_without_a_clear_end_is_the_last_of_its_connection(header: bytes) -> None:
    reading = reader()
    head = b"POST /x HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n"
    assert reading.feed(head + b"GET /smuggled HTTP/1.1\r\n\r\n") is Progress.COMPLETE
    assert reading.is_last


def test_repeated_equal_length_is_one_length() -> None:
    reading = reader()
    head = b"POST /x HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n"
    assert reading.feed(head + b"ab") is Progress.COMPLETE
    assert reading.take() == head + b"ab"


@pytest.mark.parametrize("more", [b"", b"\r\nContent-Length: 5", b", gzip"])
def test_body_without_a_length_is_refused(more: bytes) -> None:
    head = b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked" + more + b"\r\n\r\n"
    assert reader().feed(head + b"5\r\nhello\r\n0\r\n\r\n") is Progress.NO_LENGTH


def test_endless_head_is_refused() -> None:
    assert reader().feed(b"GET /" + b"a" * (MAX_HEAD_BYTES + 1)) is Progress.HEAD_TOO_LARGE


@pytest.mark.parametrize(
    ("request_bytes", "probe"),
    [
        (b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", (True, "/livez", "")),
        (b"HEAD /readyz/?for=reads HTTP/1.0\r\n\r\n", (False, "/readyz/", "for=reads")),
        (b"GET /livez HTTP/1.1\r\nOrigin: https://desk.example\r\n\r\n", None),
        (b"POST /livez HTTP/1.1\r\n\r\n", None),
        (b"GET /livez HTTP/1.1\r\nContent-Length : 47\r\n\r\n", None),
        (b"GET /livez HTTP/1.1\r\nX: y\nContent-Length: 47\r\n\r\n", None),
        (b"GET /livez HTTP/1.1\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n", None),
        (b"GET /livez HTTP/1.1\r\nContent-Length: 0\r\n\r\n", None),
        (b"GET /livez HTTP/1.1\r\nX: y\0z\r\n\r\n", None),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", None),
        (b"GET /livez HTTP/1.1\r\ngarbage\r\n\r\n", None),
        (b"GET /livezz HTTP/1.1\r\n\r\n", None),
        (GET, None),
    ],
)
def test_plain_get_of_a_probe_is_recognised(request_bytes: bytes, probe: object) -> None:
    reading = reader()
    assert reading.feed(request_bytes) is Progress.COMPLETE
    assert reading.probe == probe


def test_client_that_expects_continue_is_told_before_its_body_only() -> None:
    reading = reader()
    reading.feed(b"POST /x HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n")
    assert (reading.progress, reading.expects_continue) == (Progress.BODY, True)
    assert reading.feed(b"abc") is Progress.COMPLETE
    too_large = reader()
    too_large.feed(b"POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9999\r\n\r\n")
    assert (too_large.progress, too_large.expects_continue) == (Progress.COMPLETE, False)
