"""Opening a stream: at once where everything is in memory, and whole where something has to be waited for."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from clinic_stream import errors
from clinic_stream.hub import Hub
from clinic_stream.waiting_stream import answer_in_time
from starlette.responses import Response

from testkit.stream.rows import NOON

Making = Callable[[], Coroutine[Any, Any, Response]]


async def at_once() -> Response:
    return Response("at once")


async def after_turns() -> Response:
    for _ in range(3):
        await asyncio.sleep(0)
    await asyncio.sleep(0.001)
    return Response("later")


async def wrong_at_once() -> Response:
    raise errors.not_found()


async def wrong_later() -> Response:
    await asyncio.sleep(0)
    raise errors.not_found()


async def recovering() -> Response:
    failing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(failing.set_exception, errors.not_found())
    try:
        await failing
    except errors.Problem:
        return Response("recovered")
    return Response()


def answer(making: Making) -> tuple[bytes, int]:
    """With the number of tasks that it took."""
    tasks: list[object] = []

    def make_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        tasks.append(coroutine)
        return asyncio.Task(coroutine, loop=loop, **options)

    async def ask() -> tuple[bytes, int]:
        hub = Hub(clock=lambda: NOON, heartbeat_seconds=60, is_live=True)
        asyncio.get_running_loop().set_task_factory(make_task)
        response = await answer_in_time(hub, "", making(), is_anonymous=True)
        return bytes(response.body), len(tasks)

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("making", "body", "tasks"), [(at_once, b"at once", 0), (after_turns, b"later", 1), (recovering, b"recovered", 1)]
)
def test_answer_that_is_there_at_once_takes_no_task(making: Making, body: bytes, tasks: int) -> None:
    assert answer(making) == (body, tasks)


@pytest.mark.parametrize("making", [wrong_at_once, wrong_later])
def test_refusal_is_raised_whenever_it_is_found(making: Making) -> None:
    with pytest.raises(errors.Problem):
        answer(making)


def test_request_that_is_cancelled_ends_its_answer() -> None:
    ended: list[str] = []

    async def never() -> Response:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append("ended")
        return Response()

    async def leave() -> None:
        hub = Hub(clock=lambda: NOON, heartbeat_seconds=60, is_live=True)
        asking = asyncio.create_task(answer_in_time(hub, "", never(), is_anonymous=True))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await asyncio.sleep(0)

    asyncio.run(leave())
    assert ended == ["ended"]
