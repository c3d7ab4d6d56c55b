"""Several processes on one port answer as one service."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from stream_testkit.clinic import TestClinic
from stream_testkit.database import Database
from stream_testkit.service import StartService, StreamService

CONNECTIONS = "/api/v1/sse/connections"
WORKERS = 3


@pytest.fixture(scope="module")
def workers(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StreamService]:
    """One service for all tests that leave it as it was."""
    log_path = tmp_path_factory.mktemp("workers") / "log"
    with StreamService(database.environment, log_path, sse_workers=WORKERS) as service:
        wait_for_workers(service)
        yield service


@pytest.fixture
def own_workers(start_service: StartService) -> StreamService:
    """For a test that ends some of its processes."""
    service = start_service(sse_workers=WORKERS)
    wait_for_workers(service)
    return service


def wait_for_workers(service: StreamService) -> None:
    deadline = time.monotonic() + 60
    while sum(service.log.count(f"worker {number} serves") for number in range(WORKERS)) < WORKERS:
        assert time.monotonic() < deadline, service.log
        time.sleep(0.05)


def children_of(process_id: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()]


def test_connections_of_all_workers_are_listed_extended_and_ended(workers: StreamService, clinic: TestClinic) -> None:
    with ExitStack() as stack:
        streams = [stack.enter_context(workers.stream(clinic.staff.token(seconds=60))) for _ in range(12)]
        for stream in streams:
            stream.next_event()
        ids = [stream.headers["x-connection-id"] for stream in streams]
        assert len({connection_id.split("-")[0] for connection_id in ids}) > 1, "more than one worker has some"
        listed = workers.get(CONNECTIONS, token=clinic.owner.token()).json()
        assert (listed["count"], {found["id"] for found in listed["results"]}) == (12, set(ids))
        for connection_id in ids:
            renewed = workers.post(f"{CONNECTIONS}/{connection_id}/renew", token=clinic.staff.token())
            assert (renewed.status_code, renewed.json()["id"]) == (200, connection_id)
            assert workers.post(f"{CONNECTIONS}/{connection_id}/renew", token=clinic.anna.token()).status_code == 404
        for connection_id, stream in zip(ids, streams, strict=True):
            assert workers.delete(f"{CONNECTIONS}/{connection_id}", token=clinic.owner.token()).status_code == 204
            stream.next_named("revoked")


def test_every_worker_s_streams_follow_the_database(workers: StreamService, clinic: TestClinic) -> None:
    with ExitStack() as stack:
        streams = [stack.enter_context(workers.stream(clinic.staff.token(), "mode=delta")) for _ in range(9)]
        for stream in streams:
            stream.next_event()
        booked = clinic.book()
        for stream in streams:
            assert [row["id"] for row in stream.next_named("change").json["upserts"]] == [booked]


def wait_for_connections(service: StreamService, count: int) -> None:
    deadline = time.monotonic() + 10
    while (found := service.get("/api/v1/health").json()["connections"]) != count:
        assert time.monotonic() < deadline, f"{found} connections"
        time.sleep(0.05)


def test_health_counts_the_connections_of_all_workers(workers: StreamService, clinic: TestClinic) -> None:
    wait_for_connections(workers, 0)  # Those of the test before this one end a moment after it.
    with ExitStack() as stack:
        for _ in range(9):
            stack.enter_context(workers.stream(clinic.staff.token())).next_event()
        for _ in range(5):  # Whichever is asked.
            body = workers.get("/api/v1/health", token=clinic.owner.token()).json()
            assert (body["connections"], body["workers"], body["status"]) == (9, WORKERS, "ok")
    wait_for_connections(workers, 0)


@pytest.mark.parametrize("limit", ["sse_max_connections", "sse_max_connections_per_address"])
def test_limit_holds_over_all_workers_together(start_service: StartService, clinic: TestClinic, limit: str) -> None:
    service = start_service(sse_workers=WORKERS, **{limit: 2 * WORKERS})
    wait_for_workers(service)
    with ExitStack() as stack:
        for _ in range(60):  # Enough for each to have got more than its part.
            stack.enter_context(service.stream(clinic.staff.token()))
        wait_for_connections(service, 2 * WORKERS)


def test_anonymous_limit_of_an_address_holds_over_all_workers_and_leaves_signed_in_users_alone(
    start_service: StartService, clinic: TestClinic
) -> None:
    service = start_service(sse_workers=WORKERS, sse_max_anonymous_per_address=2 * WORKERS)
    wait_for_workers(service)
    query = f"practitioner={clinic.petra.row_id}"
    with ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(service.stream(None, query, of="availability"))
        wait_for_connections(service, 2 * WORKERS)
        for _ in range(12):
            stack.enter_context(service.stream(clinic.staff.token())).next_event()
        wait_for_connections(service, 2 * WORKERS + 12)


def test_user_s_limit_holds_over_all_workers_together(start_service: StartService, clinic: TestClinic) -> None:
    service = start_service(sse_workers=WORKERS, sse_max_connections_per_user=2 * WORKERS)
    wait_for_workers(service)
    with ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(service.stream(clinic.staff.token()))
        for _ in range(2):
            stack.enter_context(service.stream(clinic.anna.token())).next_event()
        wait_for_connections(service, 2 * WORKERS + 2)


def test_metrics_are_of_all_workers_together(workers: StreamService, clinic: TestClinic) -> None:
    wait_for_connections(workers, 0)  # Those of the test before this one end a moment after it.
    with ExitStack() as stack:
        for _ in range(9):
            stack.enter_context(workers.stream(clinic.staff.token())).next_event()
        families = {family.name: family for family in text_string_to_metric_families(workers.get("/metrics").text)}
    values = {sample.labels["state"]: sample.value for sample in families["chairside_stream_connections"].samples}
    assert values == {"open": 9, "lagging": 0, "ending": 0}
    assert families["chairside_stream_database_up"].samples[0].value == 1


def test_worker_that_dies_is_replaced(own_workers: StreamService, clinic: TestClinic) -> None:
    parent = own_workers.process_id
    before = children_of(parent)
    assert len(before) == WORKERS
    subprocess.run(["kill", "-9", str(before[0])], check=True)
    deadline = time.monotonic() + 10
    while len(children_of(parent)) < WORKERS or before[0] in children_of(parent):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with own_workers.stream(clinic.owner.token()) as stream:
        stream.next_event()


def test_stopping_ends_every_worker_s_streams_whole(own_workers: StreamService, clinic: TestClinic) -> None:
    with ExitStack() as stack:
        streams = [stack.enter_context(own_workers.stream(clinic.owner.token())) for _ in range(9)]
        for stream in streams:
            stream.next_event()
        own_workers.signal(signal.SIGTERM)
        for stream in streams:
            assert [block.event for block in stream.wait_for_end()] == ["drain"]
            assert stream.is_complete
        assert own_workers.wait_for_exit() == 0


def test_no_worker_is_left_when_their_parent_is_killed(own_workers: StreamService) -> None:
    children = children_of(own_workers.process_id)
    own_workers.kill()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_port_that_is_taken_is_told(workers: StreamService) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "clinic_stream", "--workers", "2"],
        cwd=Path(__file__).parents[1],
        env=workers.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 1
    assert "cannot listen on" in finished.stderr
