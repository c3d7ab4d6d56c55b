"""One read for everyone who asks for the same at the same time."""

import asyncio
from collections.abc import Callable, Coroutine

from clinic_stream.errors import DatabaseUnavailable

FIRST_PAUSE_SECONDS = 0.1
MAX_PAUSE_SECONDS = 1.0

ReadFunction = Callable[[], Coroutine[None, None, None]]


class SharedReads:
    def __init__(self) -> None:
        self._under_way: dict[object, asyncio.Task[None]] = {}

    async def until_read(self, key: object, read: ReadFunction) -> None:
        """Return when the read has succeeded: it is tried again as long as somebody waits."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                await asyncio.shield(self._shared(key, read))
            except DatabaseUnavailable:
                await asyncio.sleep(pause)
                pause = min(2 * pause, MAX_PAUSE_SECONDS)
            else:
                return

    def _shared(self, key: object, read: ReadFunction) -> asyncio.Task[None]:
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(read())
            task.add_done_callback(lambda done: self._finish(key, done))
        return task

    def _finish(self, key: object, done: asyncio.Task[None]) -> None:
        del self._under_way[key]
        if not done.cancelled():
            done.exception()  # Whoever asked may have left by now; then nobody else looks at it.
