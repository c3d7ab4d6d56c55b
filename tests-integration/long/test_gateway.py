"""As many streams through the gateway as the settings promise, while REST answers and signed-in users come in."""

import asyncio
import logging
import os
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from testkit.live.own_gateway import Gateway, open_gateway, services_beside
from testkit.live.stack import NO_CERTIFICATES, LiveStack

IS_BRIEF = bool(os.environ.get("BRIEF"))
# A process has 20,000 files at most; of these the stream holds one for each reader, the gateway two.
MAX_STREAMS = 2_500 if IS_BRIEF else 9_000
ANONYMOUS = MAX_STREAMS * 80 // 100
SIGNED_IN = 50 if IS_BRIEF else 300
PER_ADDRESS = 100
OPENED_AT_ONCE = 40
ANSWER_SECONDS = 60
MAX_BLOCK_BYTES = 1 << 22
REST_REQUESTS = 100
AVAILABILITY = "/api/v1/sse/availability?practitioner=1"
APPOINTMENTS = "/api/v1/sse/appointments"


@pytest.fixture(scope="module")
def gateway(stack: LiveStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("capacity")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    limits = {"SSE_MAX_CONNECTIONS": str(MAX_STREAMS), "ENABLE_RATE_LIMITS": "false"}
    with (
        services_beside(stack, folder, **limits) as services,
        open_gateway(folder / "edge", f"127.0.0.1:{services.api_port}", f"127.0.0.1:{services.stream_port}") as opened,
    ):
        yield opened


class Crowd:
    """Open streams and how each answered: `open` with its first event, `drain` if it was sent away."""

    def __init__(self, gateway: Gateway) -> None:
        self._host, _, port = gateway.url.removeprefix("http://").partition(":")
        self._port = int(port)
        self._turn = asyncio.Semaphore(OPENED_AT_ONCE)
        self._writers: list[asyncio.StreamWriter] = []

    async def open(self, number: int, path: str, *, first_address: int, token: str = "") -> Counter[str]:
        """`PER_ADDRESS` from each address of this machine, beginning with the numbered one."""
        opening = (
            self._open_one(path, address_of(first_address + index // PER_ADDRESS), token) for index in range(number)
        )
        ended = await asyncio.gather(*opening, return_exceptions=True)
        return Counter(one if isinstance(one, str) else type(one).__name__ for one in ended)

    async def _open_one(self, path: str, address: str, token: str) -> str:
        async with self._turn, asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(
                self._host, self._port, local_addr=(address, 0), limit=MAX_BLOCK_BYTES
            )
            self._writers.append(writer)
            bearer = f"Authorization: Bearer {token}\r\n" if token else ""
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{bearer}\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                return head.split(b"\r\n", 1)[0].decode()
            block = await reader.readuntil(b"\n\n")
            return "drain" if b"event: drain" in block else "open"

    async def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0.1)


def address_of(number: int) -> str:
    """All of 127.0.0.0/8 is this machine."""
    return f"127.1.{number // 200}.{number % 200 + 1}"


def token_of(gateway: Gateway, stack: LiveStack, role: str) -> str:
    person = stack.person(role)
    given = {"username": person.email, "password": person.password}
    answer = httpx.post(f"{gateway.url}/api/v1/token", json=given, timeout=ANSWER_SECONDS, verify=NO_CERTIFICATES)
    token: str = answer.json()["access"]
    return token


async def rest_answers(gateway: Gateway) -> tuple[Counter[int], float]:
    """Statuses of requests for the time, and the median of their milliseconds."""
    statuses, milliseconds = Counter[int](), []
    async with httpx.AsyncClient(base_url=gateway.url, timeout=ANSWER_SECONDS, verify=NO_CERTIFICATES) as client:
        for _ in range(REST_REQUESTS):
            began = time.perf_counter()
            statuses[(await client.get("/api/v1/time/now")).status_code] += 1
            milliseconds.append((time.perf_counter() - began) * 1000)
    return statuses, statistics.median(milliseconds)


def test_gateway_carries_all_streams_of_the_settings_beside_rest(gateway: Gateway, stack: LiveStack) -> None:
    asyncio.run(_fill(gateway, [token_of(gateway, stack, role) for role in ("owner", "staff", "practitioner")]))


async def _fill(gateway: Gateway, tokens: list[str]) -> None:
    console, crowd = Console(), Crowd(gateway)
    try:
        _, quiet_ms = await rest_answers(gateway)
        began = time.monotonic()
        assert await crowd.open(ANONYMOUS, AVAILABILITY, first_address=0) == {"open": ANONYMOUS}
        console.print(f"{ANONYMOUS} anonymous streams in {time.monotonic() - began:.0f} s")
        # One address has its share, and all anonymous ones together have theirs.
        assert await crowd.open(1, AVAILABILITY, first_address=0) == {"drain": 1}
        assert await crowd.open(1, AVAILABILITY, first_address=5_000) == {"drain": 1}
        for index, token in enumerate(tokens):
            number = SIGNED_IN // len(tokens)
            opened = await crowd.open(number, APPOINTMENTS, first_address=6_000 + index, token=token)
            assert opened == {"open": number}
        statuses, full_ms = await rest_answers(gateway)
        assert statuses == {200: REST_REQUESTS}
        console.print(
            f"{SIGNED_IN} signed-in streams; REST median {quiet_ms:.1f} ms before, {full_ms:.1f} ms beside all"
        )
    finally:
        await crowd.close()


def test_gateway_that_is_too_small_turns_streams_away_and_serves_rest(stack: LiveStack, tmp_path: Path) -> None:
    """1,200 streams through the 1,024 connections that nginx has by default."""
    api, stream = stack.api_url.removeprefix("http://"), stack.stream_url.removeprefix("http://")
    small = {"GATEWAY_WORKERS": "1", "GATEWAY_CONNECTIONS": "1024", "GATEWAY_MAX_ANONYMOUS_PER_ADDRESS": "1000"}
    with open_gateway(tmp_path, api, stream, is_tls=False, **small) as gateway:
        asyncio.run(_overfill(gateway))


async def _overfill(gateway: Gateway) -> None:
    crowd = Crowd(gateway)
    try:
        answers = await crowd.open(1_200, AVAILABILITY, first_address=0)
        assert set(answers) == {"open", "drain"}
        assert answers["open"] == 1024 * 2 // 5
        statuses, _ = await rest_answers(gateway)
        assert statuses == {200: REST_REQUESTS}
    finally:
        await crowd.close()
