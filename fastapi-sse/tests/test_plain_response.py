"""With an unknown uvicorn a stream is a plain response, and behaves the same for its reader."""

import gzip
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from testkit.stream.clinic import TestClinic
from testkit.stream.database import Database
from testkit.stream.service import NO_CERTIFICATES, StreamService

UNKNOWN = "99.0.0"
WARNING = "uvicorn is 99.0.0, tested is"


@pytest.fixture(scope="module")
def plain(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StreamService]:
    """For all tests that leave it as it was."""
    service = StreamService(database.environment, tmp_path_factory.mktemp("plain") / "log")
    service.uvicorn_version = UNKNOWN
    with service:
        yield service


def test_unknown_version_is_logged_as_an_error(plain: StreamService) -> None:
    [line] = [line for line in plain.log.splitlines() if WARNING in line]
    assert " ERROR " in line


def test_known_version_is_not_mentioned(service: StreamService) -> None:
    assert service.get("/livez").status_code == 200
    assert "tested is" not in service.log


def test_plain_response_tells_the_snapshot_and_every_change(plain: StreamService, clinic: TestClinic) -> None:
    known = clinic.book()
    with plain.stream(clinic.staff.token(), "mode=delta") as stream:
        assert [row["id"] for row in stream.next_named("snapshot").json["appointments"]] == [known]
        booked = clinic.book()
        assert [row["id"] for row in stream.next_named("change").json["upserts"]] == [booked]


def test_compressed_plain_response_ends_whole(plain: StreamService, clinic: TestClinic) -> None:
    headers = {"Authorization": f"Bearer {clinic.owner.token(seconds=3)}", "Accept-Encoding": "gzip"}
    url = f"{plain.url}/api/v1/sse/appointments?mode=delta"
    with httpx.stream("GET", url, headers=headers, timeout=10, verify=NO_CERTIFICATES) as response:
        raw = b"".join(response.iter_raw())
    text = gzip.decompress(raw).decode()
    assert [text.count(f"event: {name}\n") for name in ("snapshot", "expired")] == [1, 1]


def test_plain_response_resumes_where_its_reader_was(plain: StreamService, clinic: TestClinic) -> None:
    with plain.stream(clinic.staff.token(), "mode=delta") as stream:
        last_id = stream.next_named("snapshot").id
    booked = clinic.book()
    with plain.stream(clinic.staff.token(), "mode=delta", last_event_id=last_id) as stream:
        assert [row["id"] for row in stream.next_named("change").json["upserts"]] == [booked]


def test_owner_ends_a_plain_response(plain: StreamService, clinic: TestClinic) -> None:
    with plain.stream(clinic.staff.token()) as stream:
        stream.next_event()
        path = f"/api/v1/sse/connections/{stream.headers['x-connection-id']}"
        assert plain.delete(path, token=clinic.owner.token()).status_code == 204
        stream.next_named("revoked")


def test_stopping_service_drains_plain_responses(database: Database, tmp_path: Path, clinic: TestClinic) -> None:
    service = StreamService(database.environment, tmp_path / "log")
    service.uvicorn_version = UNKNOWN
    with service, service.stream(clinic.staff.token()) as stream:
        stream.next_event()
        service.signal(signal.SIGTERM)
        assert [block.event for block in stream.wait_for_end()] == ["drain"]
        assert stream.is_complete
        assert service.wait_for_exit() == 0
