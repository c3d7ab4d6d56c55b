import gzip
import zlib

import pytest
from clinic_stream.compression import HEADER, GzipTrailer, gzipped
from clinic_stream.frames import Frame, chunk_of
from clinic_stream.stream import accepts_gzip
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers


@given(st.lists(st.binary(min_size=1)), st.data())
def test_any_frames_in_any_order_make_one_whole_gzip_stream(frames: list[bytes], data: st.DataObject) -> None:
    """Each is compressed once, as it would be for all; a reader may begin anywhere and skip."""
    ready = [(frame, gzipped(frame)) for frame in frames]
    read = data.draw(st.lists(st.sampled_from(ready))) if ready else []
    total, body = GzipTrailer(), HEADER
    for frame, part in read:
        total.add(frame)
        body += part
    assert gzip.decompress(body + total.end) == b"".join(frame for frame, _ in read)


@given(st.binary(), st.lists(st.binary()), st.lists(st.binary(), min_size=1))
def test_sum_takes_over_what_another_has_grown_by(own: bytes, before: list[bytes], after: list[bytes]) -> None:
    mine, other = GzipTrailer(), GzipTrailer()
    mine.add(own)
    for data in before:
        other.add(data)
    then = other.copy()
    for data in after:
        other.add(data)
    mine.add_growth(then, other)
    whole = own + b"".join(after)
    assert (mine.crc, mine.length) == (zlib.crc32(whole), len(whole))


def test_sum_takes_over_many_megabytes_at_once() -> None:
    zeros = bytes(1 << 20)
    mine, other = GzipTrailer(), GzipTrailer()
    for _ in range(64):
        other.add(zeros)
    mine.add(b"own")
    expected = zlib.crc32(b"own")
    mine.add_growth(GzipTrailer(), other)
    for _ in range(64):
        expected = zlib.crc32(zeros, expected)
    assert (mine.crc, mine.length) == (expected, 3 + (64 << 20))


def test_each_frame_can_be_read_as_soon_as_it_is_there() -> None:
    reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
    assert reader.decompress(HEADER + gzipped(b"id: 1\n\n")) == b"id: 1\n\n"
    assert reader.decompress(gzipped(b"id: 2\n\n")) == b"id: 2\n\n"


def test_frame_takes_each_form_once() -> None:
    frame = Frame(b"data: x\n\n")
    assert frame.chunk == chunk_of(frame) == b"9\r\ndata: x\n\n\r\n"
    assert frame.gzipped is frame.gzipped
    assert frame.gzipped_chunk is frame.gzipped_chunk


@pytest.mark.parametrize(
    "header", ["gzip", "gzip, deflate, br", "br;q=1.0, gzip;q=0.8", "GZIP", "deflate,gzip;q=0.001"]
)
def test_gzip_is_accepted(header: str) -> None:
    assert accepts_gzip(Headers({"accept-encoding": header}))


@pytest.mark.parametrize("header", ["", "identity", "br", "gzip;q=0", "gzip; q=0.0", "x-gzip2", "*"])
def test_gzip_is_not_accepted(header: str) -> None:
    assert not accepts_gzip(Headers({"accept-encoding": header}))
