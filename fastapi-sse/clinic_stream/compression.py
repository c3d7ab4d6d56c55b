"""gzip (RFC 1952) for many readers at once. Pure.

A frame is deflated by itself and ends in a full flush: on a whole byte, and without a reference to what came before.
So the same bytes fit into every reader's stream at any moment. All that a reader has of its own is the checksum and the
length that stand at the very end of its stream.
"""

import struct
import zlib
from functools import lru_cache

# Deflate, no name, no time, unknown system.
HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
LAST_BLOCK = b"\x03\x00"
LEVEL = 5
# CRC-32 as RFC 1952 has it, in section 8: the lowest bit is the highest power.
POLYNOMIAL = 0xEDB88320
ONE = 1 << 31


def gzipped(data: bytes) -> bytes:
    """Gzip bytes that fit into any stream."""
    deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflate.compress(data) + deflate.flush(zlib.Z_FULL_FLUSH)


class GzipTrailer:
    """Checksum and length at the end of one reader's compressed stream."""

    __slots__ = ("crc", "length")

    def __init__(self, crc: int = 0, length: int = 0) -> None:
        self.crc = crc
        self.length = length

    def add(self, data: bytes) -> None:
        self.crc = zlib.crc32(data, self.crc)
        self.length += len(data)

    def copy(self) -> "GzipTrailer":
        return GzipTrailer(self.crc, self.length)

    def add_growth(self, before: "GzipTrailer", after: "GzipTrailer") -> None:
        """Add the growth of another trailer, without looking at the bytes again.

        A checksum is linear: n more bytes shift it, which is to multiply it by x to the power of 8n, and add their own.
        """
        grown = after.length - before.length
        self.crc = after.crc ^ _multiply(_shift_by(grown), self.crc ^ before.crc)
        self.length += grown

    @property
    def end(self) -> bytes:
        return LAST_BLOCK + struct.pack("<II", self.crc, self.length & 0xFFFFFFFF)


def _multiply(a: int, b: int) -> int:
    """Of two polynomials over GF(2), modulo gzip's; the highest bit stands for 1, the next for x."""
    product = 0
    while a:
        if a & ONE:
            product ^= b
        a = (a << 1) & 0xFFFFFFFF
        b = (b >> 1) ^ (POLYNOMIAL if b & 1 else 0)
    return product


@lru_cache(256)  # Readers in step have the same way behind them.
def _shift_by(length: int) -> int:
    """x to the power of eight times this many bytes."""
    power, square = ONE, ONE >> 8
    while length:
        if length & 1:
            power = _multiply(square, power)
        square = _multiply(square, square)
        length >>= 1
    return power
