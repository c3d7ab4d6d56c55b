"""Replicas behind one gateway: each has its own connections, and any of them answers for all."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from testkit.stream.clinic import TestClinic
from testkit.stream.database import Database
from testkit.stream.service import StreamService
from testkit.stream.wire import SseReader

CONNECTIONS = "/api/v1/sse/connections"
REPLICAS = 3

StartReplicas = Callable[..., list[StreamService]]


@contextmanager
def started_replicas(database: Database, folder: Path, **settings: object) -> Iterator[list[StreamService]]:
    with ExitStack() as stack:
        replicas = [
            StreamService(database.environment, folder / f"replica-{number}", sse_replicas=REPLICAS, **settings)
            for number in range(REPLICAS)
        ]
        # "localhost" has an address at which none listens, too, on machines with IPv6.
        addresses = ",".join(f"localhost:{replica.port}" for replica in replicas)
        for replica in replicas:
            replica.environment["SSE_REPLICA_ADDRESSES"] = addresses
            stack.enter_context(replica)
        yield replicas


@pytest.fixture(scope="module")
def replicas(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[StreamService]]:
    """For all tests that leave them as they were."""
    with started_replicas(database, tmp_path_factory.mktemp("replicas")) as replicas:
        yield replicas


@pytest.fixture
def own_replicas(database: Database, tmp_path: Path) -> Iterator[StartReplicas]:
    """For a test with settings of its own, or one that ends a replica."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(started_replicas(database, tmp_path, **settings))


def open_streams(stack: ExitStack, replicas: list[StreamService], token: str) -> dict[str, SseReader]:
    """A stream of each replica, by the id of its connection."""
    streams = [stack.enter_context(replica.stream(token)) for replica in replicas]
    for stream in streams:
        stream.next_event()
    return {stream.headers["x-connection-id"]: stream for stream in streams}


def listed_ids(replica: StreamService, clinic: TestClinic) -> set[str]:
    listed = replica.get(CONNECTIONS, token=clinic.owner.token()).json()
    assert listed["count"] == len(listed["results"])
    return {connection["id"] for connection in listed["results"]}


def wait_for_connections(service: StreamService, count: int) -> None:
    deadline = time.monotonic() + 10
    while (found := service.get("/api/v1/health").json()["connections"]) != count:
        assert time.monotonic() < deadline, f"{found} connections"
        time.sleep(0.05)


def test_every_replica_lists_the_connections_of_all_oldest_first(
    replicas: list[StreamService], clinic: TestClinic
) -> None:
    with ExitStack() as stack:
        streams = open_streams(stack, replicas, clinic.staff.token())
        for replica in replicas:
            listed = replica.get(CONNECTIONS, token=clinic.owner.token()).json()
            assert [connection["id"] for connection in listed["results"]] == list(streams)


def test_any_replica_renews_a_stream_of_another_for_its_own_user_only(
    replicas: list[StreamService], clinic: TestClinic
) -> None:
    with ExitStack() as stack:
        for connection_id in open_streams(stack, replicas, clinic.staff.token(seconds=60)):
            for replica in replicas:
                renewed = replica.post(f"{CONNECTIONS}/{connection_id}/renew", token=clinic.staff.token())
                assert (renewed.status_code, renewed.json()["id"]) == (200, connection_id)
                refused = replica.post(f"{CONNECTIONS}/{connection_id}/renew", token=clinic.anna.token())
                assert (refused.status_code, refused.json()["errors"][0]["code"]) == (404, "not_found")


def test_any_replica_ends_a_stream_of_another_for_the_owner_only(
    replicas: list[StreamService], clinic: TestClinic
) -> None:
    with ExitStack() as stack:
        streams = open_streams(stack, replicas, clinic.staff.token())
        for connection_id, stream in streams.items():
            path = f"{CONNECTIONS}/{connection_id}"
            assert replicas[0].delete(path, token=clinic.staff.token()).status_code == 403
            assert replicas[0].delete(path, token=clinic.owner.token()).status_code == 204
            stream.next_named("revoked")


def test_unknown_connection_is_404_at_every_replica(replicas: list[StreamService], clinic: TestClinic) -> None:
    for replica in replicas:
        for unknown in ("0-1", "nobody", "a%2Fb", "a%3Fb=c"):
            answer = replica.post(f"{CONNECTIONS}/{unknown}/renew", token=clinic.staff.token())
            assert answer.status_code == 404, answer.text


def test_replica_asked_by_another_answers_for_itself_alone(replicas: list[StreamService], clinic: TestClinic) -> None:
    with ExitStack() as stack:
        streams = open_streams(stack, replicas, clinic.staff.token())
        listed = replicas[1].get(CONNECTIONS, token=clinic.owner.token(), headers={"X-From-Replica": "1"}).json()
        assert [connection["id"] for connection in listed["results"]] == [list(streams)[1]]


def test_killed_replica_is_missing_from_the_list_and_its_streams_cannot_be_renewed(
    own_replicas: StartReplicas, clinic: TestClinic
) -> None:
    replicas = own_replicas()
    with ExitStack() as stack:
        killed, *others = open_streams(stack, replicas, clinic.staff.token())
        replicas[0].kill()
        assert listed_ids(replicas[1], clinic) == set(others)
        assert replicas[1].post(f"{CONNECTIONS}/{killed}/renew", token=clinic.staff.token()).status_code == 404
        assert replicas[1].post(f"{CONNECTIONS}/{others[1]}/renew", token=clinic.staff.token()).status_code == 200


def test_hanging_replica_is_missing_from_the_list_and_renewing_its_streams_is_503(
    own_replicas: StartReplicas, clinic: TestClinic
) -> None:
    replicas = own_replicas()
    with ExitStack() as stack:
        hanging, *others = open_streams(stack, replicas, clinic.staff.token())
        replicas[0].signal(signal.SIGSTOP)
        try:
            assert listed_ids(replicas[1], clinic) == set(others)
            answer = replicas[1].post(f"{CONNECTIONS}/{hanging}/renew", token=clinic.staff.token())
            assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
            assert replicas[1].post(f"{CONNECTIONS}/{others[1]}/renew", token=clinic.staff.token()).status_code == 200
        finally:
            replicas[0].signal(signal.SIGCONT)
        assert replicas[1].post(f"{CONNECTIONS}/{hanging}/renew", token=clinic.staff.token()).status_code == 200


def test_address_that_does_not_resolve_leaves_the_replica_its_own_connections(
    database: Database, tmp_path: Path, clinic: TestClinic
) -> None:
    service = StreamService(
        database.environment, tmp_path / "log", sse_replicas=2, sse_replica_addresses="replicas.invalid:8001"
    )
    with service, ExitStack() as stack:
        [own] = open_streams(stack, [service], clinic.staff.token())
        assert listed_ids(service, clinic) == {own}
        assert service.post(f"{CONNECTIONS}/{own}/renew", token=clinic.staff.token()).status_code == 200
        assert service.post(f"{CONNECTIONS}/0-1/renew", token=clinic.staff.token()).status_code == 503


@pytest.mark.parametrize(
    "limit", ["sse_max_connections", "sse_max_connections_per_address", "sse_max_connections_per_user"]
)
def test_limit_holds_over_all_replicas_together(own_replicas: StartReplicas, clinic: TestClinic, limit: str) -> None:
    replicas = own_replicas(**{limit: 2 * REPLICAS})
    with ExitStack() as stack:
        for replica in replicas:
            for _ in range(4):
                stack.enter_context(replica.stream(clinic.staff.token()))
        for replica in replicas:
            wait_for_connections(replica, 2)


def test_anonymous_limit_of_an_address_holds_over_all_replicas_and_leaves_signed_in_users_alone(
    own_replicas: StartReplicas, clinic: TestClinic
) -> None:
    replicas = own_replicas(sse_max_anonymous_per_address=2 * REPLICAS)
    query = f"practitioner={clinic.petra.row_id}"
    with ExitStack() as stack:
        for replica in replicas:
            for _ in range(4):
                stack.enter_context(replica.stream(None, query, of="availability"))
            wait_for_connections(replica, 2)
            stack.enter_context(replica.stream(clinic.staff.token())).next_event()
            wait_for_connections(replica, 3)


def test_streams_of_every_replica_follow_the_database(replicas: list[StreamService], clinic: TestClinic) -> None:
    with ExitStack() as stack:
        streams = [stack.enter_context(replica.stream(clinic.staff.token(), "mode=delta")) for replica in replicas]
        for stream in streams:
            stream.next_event()
        booked = clinic.book()
        for stream in streams:
            assert [row["id"] for row in stream.next_named("change").json["upserts"]] == [booked]


def test_reader_resumes_at_another_replica_with_what_it_missed(
    replicas: list[StreamService], clinic: TestClinic
) -> None:
    with replicas[0].stream(clinic.staff.token(), "mode=delta") as stream:
        last_id = stream.next_event().id
    booked = clinic.book()
    with replicas[1].stream(clinic.staff.token(), "mode=delta", last_event_id=last_id) as stream:
        assert [row["id"] for row in stream.next_named("change").json["upserts"]] == [booked]
