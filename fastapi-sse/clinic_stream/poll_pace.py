"""How often the loops look at the database: often while somebody reads or is about to, else twice a second."""

import asyncio

from clinic_stream.hub import Hub

IDLE_SECONDS = 0.5
# A newcomer has a stream by then.
WANTED_SECONDS = 5.0


class PollPace:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._wanted_until = 0.0
        self._wakes = asyncio.Event()

    @property
    def is_busy(self) -> bool:
        return self._hub.has_readers or _monotonic() < self._wanted_until

    def want(self) -> bool:
        """Look often from now on. Returns whether that was so before; if not, every loop looks at once."""
        was_busy = self.is_busy
        self._wanted_until = _monotonic() + WANTED_SECONDS
        if not was_busy:
            self._wakes.set()
            self._wakes = asyncio.Event()
        return was_busy

    async def sleep(self, seconds: float) -> None:
        """For as long as this, longer while nobody reads."""
        if self.is_busy or seconds >= IDLE_SECONDS:
            await asyncio.sleep(seconds)
            return
        wakes = self._wakes
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await wakes.wait()
        except TimeoutError:
            return


def _monotonic() -> float:
    return asyncio.get_running_loop().time()
