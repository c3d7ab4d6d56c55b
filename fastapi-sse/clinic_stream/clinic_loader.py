"""Loads of clinics: those that are asked for while others are under way are read together.

After a restart thousands of readers come back at once, and at midnight thousands of clinics begin a new day. One small
clinic takes nine queries, and so do fifty of them.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine

from clinic_stream.clinic_loads import LoadedStates, LoadRequest
from clinic_stream.errors import ClinicUnreadable
from clinic_stream.feed import Feed
from clinic_stream.state import ClinicState

MAX_LOADS_TOGETHER = 50
# Each on a connection of the pool, which has four: large clinics and single reads are not behind them.
MAX_BATCHES = 2


PendingLoad = tuple[LoadRequest, asyncio.Future[ClinicState | None]]


class ClinicLoader:
    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._waiting: deque[PendingLoad] = deque()
        self._batches = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def load(self, load: LoadRequest, *, in_trouble: bool = False) -> ClinicState | None:
        """A clinic's live window at one instant, or None when there is no such clinic. A clinic in trouble is read by
        itself. Raises ClinicUnreadable and DatabaseUnavailable."""
        if in_trouble:
            return _state_of(load, await self._feed.load([load], in_trouble=True))
        answer: asyncio.Future[ClinicState | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((load, answer))
        if self._batches < MAX_BATCHES:
            self._batches += 1
            self._start(self._run_batches())
        return await answer

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run_batches(self) -> None:
        try:
            while together := self._next_batch():
                await self._read(together)
        finally:
            self._batches -= 1

    def _next_batch(self) -> list[PendingLoad]:
        """Of different clinics, without those that nobody waits for any more."""
        together: dict[int, PendingLoad] = {}
        while self._waiting and len(together) < MAX_LOADS_TOGETHER:
            if self._waiting[0][0].clinic_id in together:
                break
            load, answer = self._waiting.popleft()
            if not answer.done():
                together[load.clinic_id] = load, answer
        return list(together.values())

    async def _read(self, together: list[PendingLoad]) -> None:
        try:
            loaded = await self._feed.load([load for load, _ in together])
            for load, answer in together:
                if load.clinic_id not in loaded:
                    self._start(self._read([(load, answer)]))
                elif not answer.done():
                    _settle(answer, loaded[load.clinic_id])
        except Exception as error:  # Of all: whoever asked decides whether to ask again.
            for _, answer in together:
                if not answer.done():
                    answer.set_exception(error)


def _settle(answer: asyncio.Future[ClinicState | None], found: ClinicState | ClinicUnreadable | None) -> None:
    if isinstance(found, ClinicUnreadable):
        answer.set_exception(found)
    else:
        answer.set_result(found)


def _state_of(load: LoadRequest, loaded: LoadedStates) -> ClinicState | None:
    state = loaded[load.clinic_id]
    if isinstance(state, ClinicUnreadable):
        raise state
    return state
