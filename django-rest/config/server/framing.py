"""Pure: where one HTTP/1.1 request ends in a stream of bytes (RFC 9112, 6.3). Its meaning is gunicorn's to read."""

import re
from enum import Enum, auto

MAX_HEAD_BYTES = 64 * 1024
MAX_CHUNK_LINE_BYTES = 1024
HEAD_END = b"\r\n\r\n"
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([^\r]*?)[ \t]*(?=\r\n)")
TRANSFER_ENCODING = re.compile(rb"\r\ntransfer-encoding:")
EXPECTS_CONTINUE = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n")
PROBE = re.compile(rb"(GET|HEAD) (/(?:livez|readyz)/?)(?:\?([^ ]*))? HTTP/1\.[01]\r\n")
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r]*)?")


class Progress(Enum):
    HEAD = auto()
    BODY = auto()
    COMPLETE = auto()
    HEAD_TOO_LARGE = auto()
    BODY_TOO_LARGE = auto()


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
        if found is None or self.progress is not Progress.COMPLETE or b"\r\norigin:" in self._head():
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
            return
        lengths = set(CONTENT_LENGTH.findall(head))
        if not lengths:
            self.body_bytes = 0
        elif len(lengths) == 1 and (length := lengths.pop()).isdigit() and len(length) < 16:
            self.body_bytes = int(length)
        if self.body_bytes is None or self.body_bytes > self._max_body_bytes:
            # Nobody waits for it: gunicorn refuses the head, or the application the length.
            self.expects_continue = False
            self._complete(self._head_end, is_last=True)

    def _find_end(self) -> None:
        if self.body_bytes is None:
            self._follow_chunks()
        elif len(self._buffer) >= self._head_end + self.body_bytes:
            self._complete(self._head_end + self.body_bytes)

    def _follow_chunks(self) -> None:
        while self._scanned < len(self._buffer):
            if self._scanned - self._head_end > self._max_body_bytes:
                self.progress = Progress.BODY_TOO_LARGE
                return
            line_end = self._buffer.find(b"\r\n", self._scanned, self._scanned + MAX_CHUNK_LINE_BYTES)
            if line_end < 0:
                if len(self._buffer) - self._scanned >= MAX_CHUNK_LINE_BYTES:
                    self._complete(len(self._buffer), is_last=True)
                return
            size = CHUNK_SIZE.fullmatch(self._buffer, self._scanned, line_end)
            if size is None:
                self._complete(len(self._buffer), is_last=True)
                return
            if int(size[1], 16) == 0:
                self._find_end_of_trailers(line_end)
                return
            # May lie beyond the bytes that are here.
            self._scanned = line_end + 2 + int(size[1], 16) + 2

    def _find_end_of_trailers(self, last_size_end: int) -> None:
        found = self._buffer.find(HEAD_END, last_size_end)
        if found >= 0:
            self._complete(found + len(HEAD_END))
        elif len(self._buffer) - last_size_end > MAX_HEAD_BYTES:
            self.progress = Progress.HEAD_TOO_LARGE

    def _complete(self, end: int, *, is_last: bool = False) -> None:
        self._end = end
        self.is_last |= is_last
        self.progress = Progress.COMPLETE
