import gzip
import json
import zlib

import httpx

from testkit.stream.clinic import TestClinic
from testkit.stream.service import StartService, StreamService


def test_stream_is_compressed_for_who_accepts_it_and_ends_whole(service: StreamService, clinic: TestClinic) -> None:
    clinic.book()
    headers = {"Authorization": f"Bearer {clinic.owner.token(seconds=3)}", "Accept-Encoding": "gzip"}
    with httpx.stream("GET", f"{service.url}/api/v1/sse/appointments?mode=delta", headers=headers) as response:
        assert response.headers["content-encoding"] == "gzip"
        assert "accept-encoding" in response.headers["vary"].lower()
        raw, reader, text = b"", zlib.decompressobj(zlib.MAX_WBITS | 16), ""
        for part in response.iter_raw():
            raw += part
            text += reader.decompress(part).decode()
            if len(text) > 100 and "event: change" not in text:
                clinic.book()
    assert gzip.decompress(raw).decode() == text
    assert [line for line in text.splitlines() if line.startswith("event: ")][-1] == "event: expired"
    changes = [block for block in text.split("\n\n") if "event: change" in block]
    assert json.loads(changes[0].split("data: ")[1])["upserts"]


def test_it_says_the_same_as_a_plain_one(service: StreamService, clinic: TestClinic) -> None:
    for day in range(7):
        clinic.book(day=day, notes="ü" * 500)
    url = f"{service.url}/api/v1/sse/appointments"

    def read(coding: str) -> str:
        headers = {"Authorization": f"Bearer {clinic.owner.token(seconds=2)}", "Accept-Encoding": coding}
        _, told = httpx.get(url, headers=headers).text.split("\n", 1)  # When to come back is each reader's own.
        return told.split('"as_of"')[0]

    texts = {coding: read(coding) for coding in ("identity", "gzip")}
    assert texts["gzip"] == texts["identity"]
    assert texts["gzip"].count("ü") == 7 * 500


def test_it_can_be_switched_off(start_service: StartService, clinic: TestClinic) -> None:
    service = start_service(sse_gzip=False)
    with service.stream(clinic.owner.token(), **{"Accept-Encoding": "gzip"}) as stream:
        assert "content-encoding" not in stream.headers
        stream.next_event()
