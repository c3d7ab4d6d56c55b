"""Readers, service and database on which faults are brought about, and the findings of each fault.

A `Finding` with a goal says whether it was met. Times are of `time.monotonic`, but for the expiry of tokens.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from rich.progress import Progress

from testkit.stream.clinic import Person
from testkit.stream.database import Database
from testkit.stream.service import StreamService

from .returning_pages import Page

APPOINTMENTS = "/api/v1/sse/appointments?mode=delta"
OPENING_AT_ONCE = 50
# Under the limit of streams from one address.
PAGES_OF_AN_ADDRESS = 800


@dataclass(frozen=True)
class Finding:
    fault: str
    what: str
    measured: str
    goal: str = ""
    is_met: bool = True


@dataclass(frozen=True)
class Stage:
    service: StreamService
    database: Database
    progress: Progress
    clients: int
    cases: int

    def page(self, number: int, person: Person, **options: Any) -> Page:
        """Every second one is an EventSource, with a ticket in its address; both are good for hours."""
        is_native = bool(number % 2)
        address = f"127.0.0.{2 + number // PAGES_OF_AN_ADDRESS}"
        path = f"{APPOINTMENTS}&ticket={person.ticket(seconds=7200, stays_seconds=7200)}" if is_native else APPOINTMENTS
        token = None if is_native else person.token(seconds=7200)
        return Page(self.service.port, path, token=token, is_native=is_native, address=address, **options)

    @contextmanager
    def advancing(self, what: str, total: int) -> Iterator[Callable[[], None]]:
        task = self.progress.add_task(what, total=total)
        yield lambda: self.progress.advance(task)
        self.progress.remove_task(task)

    @asynccontextmanager
    async def opened(self, pages: list[Page], what: str) -> AsyncIterator[None]:
        """All of them follow, a few at a time, until the end of this."""
        following: list[asyncio.Task[None]] = []
        waiting: set[Page] = set()
        with self.advancing(f"{what}: opening", len(pages)) as advance:
            for page in pages:
                following.append(asyncio.create_task(page.follow()))
                waiting.add(page)
                while len(waiting) >= OPENING_AT_ONCE or (page is pages[-1] and waiting):
                    await asyncio.sleep(0.005)
                    begun = {one for one in waiting if one.begun_at or one.is_over}
                    waiting -= begun
                    for _ in begun:
                        advance()
        try:
            yield
        finally:
            for page in pages:
                page.leave()
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)


async def wait_until(is_so: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not (so := is_so()) and time.monotonic() < deadline:  # noqa: ASYNC110  # Of many.
        await asyncio.sleep(0.02)
    return so


def goal_none(fault: str, what: str, count: int, more: str = "") -> Finding:
    return Finding(fault, what, f"{count}{more}", "0", not count)
