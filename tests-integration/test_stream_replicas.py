"""Two replicas of the stream behind the gateway are one service for readers and owners."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from testkit.live.own_gateway import Gateway, open_gateway
from testkit.live.stack import LiveStack, wait_for
from tools.processes import Child, free_port
from tools.run_stack import Stack

CONNECTIONS = "/api/v1/sse/connections"
APPOINTMENTS = "/api/v1/sse/appointments?mode=delta"
READERS = 8


def start_replica(stack: LiveStack, folder: Path, port: int, addresses: str) -> Child:
    settings = {"SSE_REPLICAS": "2", "SSE_REPLICA_ADDRESSES": addresses}
    environment = {**stack.environment, **settings}
    replica = Stack(environment=environment, folder=folder, api_port=free_port(), stream_port=port).stream
    replica.start()
    wait_for(f"http://127.0.0.1:{port}/readyz")
    return replica


@pytest.fixture
def replicas(stack: LiveStack, tmp_path: Path) -> Iterator[list[Child]]:
    if stack.gateway_url is not None:
        pytest.skip("starts replicas of its own")
    ports = [free_port(), free_port()]
    addresses = ",".join(f"127.0.0.1:{port}" for port in ports)
    with ExitStack() as running:
        started = []
        for port in ports:
            started.append(start_replica(stack, tmp_path / str(port), port, addresses))
            running.callback(started[-1].stop)
        yield started


@pytest.fixture
def gateway(stack: LiveStack, replicas: list[Child], tmp_path: Path) -> Iterator[Gateway]:
    addresses = replicas[0].environment["SSE_REPLICA_ADDRESSES"]
    with open_gateway(tmp_path / "gateway", stack.api_url.removeprefix("http://"), addresses) as opened:
        yield opened


@pytest.fixture
def owner(stack: LiveStack, gateway: Gateway) -> Iterator[httpx.Client]:
    """Signed in as the clinic's owner, through the gateway."""
    person = stack.person("owner")
    with gateway.client() as client:
        signed_in = client.post("/api/v1/token", json={"username": person.email, "password": person.password})
        client.headers["Authorization"] = f"Bearer {signed_in.json()['access']}"
        yield client


class OpenStream(NamedTuple):
    """`lines` ends the stream when it is garbage, so it is kept as long."""

    id: str
    lines: Iterator[str]


def open_streams(running: ExitStack, client: httpx.Client) -> list[OpenStream]:
    """Open `READERS` streams, each up to its first event."""
    streams = []
    for _ in range(READERS):
        response = running.enter_context(client.stream("GET", APPOINTMENTS))
        lines = response.iter_lines()
        assert "event: snapshot" in (next(lines), next(lines), next(lines))
        streams.append(OpenStream(response.headers["x-connection-id"], lines))
    return streams


def processes_of(streams: list[OpenStream]) -> set[str]:
    """The part of each id that differs between replicas."""
    return {stream.id.partition("-")[0] for stream in streams}


def listed_ids(client: httpx.Client) -> set[str]:
    return {connection["id"] for connection in client.get(CONNECTIONS).json()["results"]}


def test_streams_of_both_replicas_are_listed_renewed_and_ended_through_the_gateway(owner: httpx.Client) -> None:
    with ExitStack() as running:
        streams = open_streams(running, owner)
        assert len(processes_of(streams)) == 2
        for _ in range(2):  # Whichever replica is asked.
            assert listed_ids(owner) == {stream.id for stream in streams}
        for stream in streams:
            assert owner.post(f"{CONNECTIONS}/{stream.id}/renew").status_code == 200
        for stream in streams:
            assert owner.delete(f"{CONNECTIONS}/{stream.id}").status_code == 204
            assert "event: revoked" in list(stream.lines)


def test_new_streams_go_to_the_other_replica_after_one_was_killed(replicas: list[Child], owner: httpx.Client) -> None:
    replicas[0].kill()
    with ExitStack() as running:
        streams = open_streams(running, owner)
        assert len(processes_of(streams)) == 1
        assert listed_ids(owner) == {stream.id for stream in streams}
