"""Pure: where one HTTP/1.1 request ends in a stream of bytes (RFC 9112, 6.3). Its meaning is gunicorn's to read."""

import re
from enum import Enum, auto

MAX_HEAD_BYTES = 64 * 1024
HEAD_END = b"\r\n\r\n"
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([^\r]*?)[ \t]*(?=\r\n)")
TRANSFER_ENCODING = re.compile(rb"\r\ntransfer-encoding:")
EXPECTS_CONTINUE = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n")
REQUEST_ID = re.compile(rb"\r\nx-request-id:[ \t]*([A-Za-z0-9._-]{1,64})[ \t]*\r\n", re.IGNORECASE)
HEADER_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9a-z-]+):([^\0\r\n]*)\r\n")
SPECIAL_HEADERS = frozenset({b"content-length", b"origin"})
PROBE = re.compile(rb"(GET|HEAD) (/(?:livez|readyz)/?)(?:\?([^ ]*))? HTTP/1\.[01]\r\n")


class Progress(Enum):
    HEAD = auto()
    BODY = auto()
    COMPLETE = auto()
    HEAD_TOO_LARGE = auto()
    NO_LENGTH = auto()  # RFC 9112, 6.3: Django reads no body without one.


class RequestReader:
    """Bytes in, one request after the other out. A request whose end is not clear is complete with its head, and the
    last of its connection (`is_last`)."""

    def __init__(self, *, max_body_bytes: int) -> None:
        self.progress = Progress.HEAD
        self.is_last = False
        self.expects_continue = False
        self.body_bytes: int | None = None
        self._max_body_bytes = max_body_bytes
        self._buffer = bytearray()
        self._head_end = 0
        self._end = 0
        self._scanned = 0

    @property
    def size(self) -> int:
        return len(self._buffer)

    @property
    def probe(self) -> tuple[bool, str, str] | None:
        """Whether it has a body, path and query, if this is a plain GET or HEAD of a probe. One of a browser's script
        is none: its answer depends on `Origin`."""
        found = PROBE.match(self._buffer)
        if found is None or self.progress is not Progress.COMPLETE or not self._has_plain_head():
            return None
        method, path, query = found.groups(b"")
        return method == b"GET", path.decode(), query.decode("latin-1")

    @property
    def wants_close(self) -> bool:
        """Of a probe: whether the connection ends with the answer."""
        head = self._head()
        return b" http/1.0\r\n" in head or b"\r\nconnection: close\r\n" in head

    def feed(self, data: bytes) -> Progress:
        self._buffer += data
        return self.advance()

    def advance(self) -> Progress:
        if self.progress is Progress.HEAD:
            self._find_head()
        if self.progress is Progress.BODY:
            self._find_end()
        return self.progress

    def take(self) -> bytes:
        """The complete request; what follows it stays. Go on with `advance`."""
        assert self.progress is Progress.COMPLETE
        request = bytes(memoryview(self._buffer)[: self._end])
        del self._buffer[: self._end]
        self.progress = Progress.HEAD
        self.expects_continue = False
        self.body_bytes = None
        self._head_end = self._end = self._scanned = 0
        return request

    @property
    def request_id(self) -> str | None:
        """The `X-Request-ID` that was sent, if it is safe to repeat."""
        found = REQUEST_ID.search(bytes(memoryview(self._buffer)[: self._head_end]))
        return found[1].decode() if found else None

    def _has_plain_head(self) -> bool:
        """Nothing that gunicorn might read in another way, no body, and no script of another origin."""
        _, _, lines = self._head().partition(b"\r\n")
        fields = HEADER_LINE.findall(lines)
        names = [name for name, _ in fields]
        is_whole = sum(len(name) + 1 + len(value) + 2 for name, value in fields) + 2 == len(lines)
        return is_whole and not SPECIAL_HEADERS.intersection(names) and names.count(b"host") <= 1

    def _head(self) -> bytes:
        return bytes(memoryview(self._buffer)[: self._head_end]).lower()

    def _find_head(self) -> None:
        while self._buffer.startswith(b"\r\n"):  # RFC 9112, 2.2: an empty line before a request is ignored.
            del self._buffer[:2]
        found = self._buffer.find(HEAD_END, max(0, self._scanned - len(HEAD_END)))
        self._scanned = len(self._buffer)
        if found < 0 or found > MAX_HEAD_BYTES:
            if len(self._buffer) > MAX_HEAD_BYTES:
                self.progress = Progress.HEAD_TOO_LARGE
            return
        self._head_end = found + len(HEAD_END)
        self._read_head()

    def _read_head(self) -> None:
        head = self._head()
        self.expects_continue = bool(EXPECTS_CONTINUE.search(head))
        self.progress = Progress.BODY
        self._scanned = self._head_end
        if TRANSFER_ENCODING.search(head):
            self.expects_continue = False
            self.progress = Progress.NO_LENGTH
            return
        lengths = set(CONTENT_LENGTH.findall(head))
        if not lengths:
            self.body_bytes = 0
        elif len(lengths) == 1 and (length := lengths.pop()).isdigit() and len(length) < 16:
            self.body_bytes = int(length)
        if self.body_bytes is None or self.body_bytes > self._max_body_bytes:
            # Not waited for: gunicorn refuses the head, or the application the length.
            self.expects_continue = False
            self._complete(self._head_end, is_last=True)

    def _find_end(self) -> None:
        if self.body_bytes is not None and len(self._buffer) >= self._head_end + self.body_bytes:
            self._complete(self._head_end + self.body_bytes)

    def _complete(self, end: int, *, is_last: bool = False) -> None:
        self._end = end
        self.is_last |= is_last
        self.progress = Progress.COMPLETE
