"""Which connections without a complete request are closed. In an event loop, but with no network."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest
from clinic_stream.unfinished_requests import UnfinishedRequests

SPARED_SECONDS = 0.05
ADDRESS = "192.0.2.7"


class Opened:
    def __init__(self) -> None:
        self.opened_at = asyncio.get_running_loop().time()
        self.closed_at: float | None = None

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    def close_unfinished(self) -> None:
        self.closed_at = asyncio.get_running_loop().time()


def run(test: Callable[[UnfinishedRequests], Coroutine[None, None, None]], *, total: int, per_address: int) -> None:
    async def in_loop() -> None:
        await test(UnfinishedRequests(seconds=60, total=total, per_address=per_address, spared_seconds=SPARED_SECONDS))

    asyncio.run(in_loop())


async def wait_until_closed(unfinished: UnfinishedRequests, count: int) -> None:
    async with asyncio.timeout(10):
        while unfinished.closed < count:  # noqa: ASYNC110  # The code under test has no event for it.
            await asyncio.sleep(0.01)


def opened(unfinished: UnfinishedRequests, count: int, peer: str = ADDRESS) -> list[Opened]:
    connections = [Opened() for _ in range(count)]
    for connection in connections:
        unfinished.add(connection, peer)
    return connections


def test_burst_over_the_limit_that_completes_its_requests_is_left_alone() -> None:
    async def test(unfinished: UnfinishedRequests) -> None:
        burst = opened(unfinished, 50)
        for connection in burst:
            unfinished.remove(connection)
        await asyncio.sleep(2 * SPARED_SECONDS)
        assert all(connection.is_open for connection in burst)
        assert unfinished.closed == len(unfinished) == 0

    run(test, total=100, per_address=10)


@pytest.mark.parametrize(("total", "per_address"), [(100, 10), (26, 0)])
def test_silent_surplus_is_closed_after_its_time_the_oldest_first(total: int, per_address: int) -> None:
    async def test(unfinished: UnfinishedRequests) -> None:
        others = opened(unfinished, 16, peer="198.51.100.1") if not per_address else []
        silent = opened(unfinished, 50 - len(others))
        assert unfinished.closed == 0
        await wait_until_closed(unfinished, 50 - (per_address or total))
        left = [connection for connection in [*others, *silent] if connection.is_open]
        assert left == silent[-(per_address or total) :]

    run(test, total=total, per_address=per_address)


def test_each_connection_has_its_own_time() -> None:
    async def test(unfinished: UnfinishedRequests) -> None:
        connections = opened(unfinished, 12)
        await asyncio.sleep(SPARED_SECONDS * 0.8)
        connections += opened(unfinished, 20)
        await wait_until_closed(unfinished, 22)
        assert [connection.is_open for connection in connections] == [False] * 22 + [True] * 10
        for connection in connections[:22]:
            assert connection.closed_at is not None
            # The loop's clock counts whole milliseconds.
            assert connection.closed_at - connection.opened_at > SPARED_SECONDS - 0.0015

    run(test, total=100, per_address=10)


def test_twice_the_limit_in_all_is_never_exceeded() -> None:
    async def test(unfinished: UnfinishedRequests) -> None:
        connections = opened(unfinished, 250)
        assert len(unfinished) == 200
        assert [connection.is_open for connection in connections] == [False] * 50 + [True] * 200

    run(test, total=100, per_address=10)
