"""Long work in parts, of which each pass of the event loop does a few milliseconds.

All long work of a loop stands in one line: of a thousand clinics that begin a new day in the same second, one is at
work in a pass, so others wait no longer than for one.
"""

import asyncio
import gc
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from time import monotonic
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

ItemT = TypeVar("ItemT")

# How long one piece of work goes on before others have a turn, and the items that are done without a look at the clock.
SLICE_SECONDS = 0.005
ITEMS_PER_SLICE = 250
MANY_ITEMS = 2_000
_pauses = 0


class SliceQueue:
    """Work that waits for its turn: one in each pass of the loop. What begins while a turn lasts need not wait."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._ends_at = 0.0

    @property
    def has_time_left(self) -> bool:
        return monotonic() < self._ends_at

    async def turn(self) -> None:
        loop = asyncio.get_running_loop()
        called = loop.create_future()
        self._waiting.append(called)
        if len(self._waiting) == 1:
            loop.call_soon(self._call_next)
        await called
        self._ends_at = monotonic() + SLICE_SECONDS

    def _call_next(self) -> None:
        while self._waiting:
            called = self._waiting.popleft()
            if not called.done():  # Else its task was cancelled.
                called.set_result(None)
                break
        if self._waiting:  # In the next pass, behind the work that was called in this one.
            asyncio.get_running_loop().call_soon(self._call_next)


_queues: WeakKeyDictionary[asyncio.AbstractEventLoop, SliceQueue] = WeakKeyDictionary()


async def give_way() -> None:
    """Let others go first, unless the turn lasts on."""
    loop = asyncio.get_running_loop()
    queue = _queues.get(loop)
    if queue is None:
        queue = _queues[loop] = SliceQueue()
    if not queue.has_time_left:
        await queue.turn()


@contextmanager
def fewer_collections(items: int) -> Iterator[None]:
    """No garbage collection while very many of these are made, as they stay: each would look at all of them."""
    if items < MANY_ITEMS:
        yield
        return
    global _pauses  # As the collector itself is one for the process.
    _pauses += 1
    gc.disable()
    try:
        yield
    finally:
        _pauses -= 1
        if not _pauses:
            # Together: all that is young counts as old, and is looked at by the next full collection only.
            gc.freeze()
            gc.unfreeze()
            gc.enable()


def keep_out_of_collections() -> None:
    """Everything made so far stays as long as the process: a full collection, which holds up everybody, need not look
    at it. For the start."""
    gc.collect()
    gc.freeze()


async def release(*kept: dict[Any, Any]) -> None:
    """Empty them in turns: to free very many objects takes long."""
    freed = 0
    for items in kept:
        while items:
            items.popitem()
            freed += 1
            if freed % ITEMS_PER_SLICE == 0:
                await give_way()


async def in_slices(items: Iterable[ItemT], size: int = ITEMS_PER_SLICE) -> AsyncIterator[list[ItemT]]:
    """The items in lists of this size. Others run before each of them: the items must be a copy of what they may
    change."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        await give_way()
        yield part
