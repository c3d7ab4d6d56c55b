"""The first change of a burst goes out at once, the rest together. In an event loop, but with no network."""

import asyncio

from clinic_stream.audiences import AppointmentAudience, RecordScope
from clinic_stream.hub import Hub
from clinic_stream.topics import BURST_SECONDS

from testkit.stream.rows import NOON, appointment, batch, event, state


class Line:
    """Takes all that it is given, until it is blocked."""

    def __init__(self) -> None:
        self.is_clear = True
        self.unsent = 0
        self.chunks: list[bytes] = []

    def attach(self, connection: object) -> None: ...

    def write(self, chunk: bytes) -> None:
        self.chunks.append(chunk)

    def reset(self) -> None: ...


async def read(line: Line, *, changes: int, pause: float = 0) -> Hub:
    hub = Hub(clock=lambda: NOON, heartbeat_seconds=60, is_live=True)
    hub.keep(state([appointment(1)]))
    clinic = hub.clinics[1]
    topic = clinic.topic(AppointmentAudience(RecordScope(1)), NOON)
    connection = hub.enter(hub.next_id(), topic, None, mode="delta")
    running = asyncio.create_task(connection.write_to(line))
    await asyncio.sleep(0)
    for number in range(changes):
        clinic.advance(batch(event(101 + number, 1), rows=[appointment(1, notes=str(number))]))
        if pause:
            await asyncio.sleep(pause)
    at_once = len(line.chunks)
    assert pause or at_once == 1
    await asyncio.sleep(2 * BURST_SECONDS)
    connection.cleared()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    hub.leave(connection)
    hub.close()
    return hub


def test_burst_is_two_frames_however_long() -> None:
    line = Line()
    hub = asyncio.run(read(line, changes=50))
    assert len(line.chunks) == 2
    assert b'"notes":"0"' in line.chunks[0]
    assert b'"notes":"49"' in line.chunks[1]
    assert hub.counts.coalesced == 48


def test_changes_that_come_one_by_one_are_told_one_by_one() -> None:
    line = Line()
    asyncio.run(read(line, changes=3, pause=2 * BURST_SECONDS))
    assert len(line.chunks) == 3


def test_reader_whose_line_is_blocked_is_told_the_newest_when_it_is_clear() -> None:
    line = Line()

    async def story() -> None:
        hub = Hub(clock=lambda: NOON, heartbeat_seconds=60, is_live=True)
        hub.keep(state([appointment(1)]))
        clinic = hub.clinics[1]
        connection = hub.enter(
            hub.next_id(), clinic.topic(AppointmentAudience(RecordScope(1)), NOON), None, mode="delta"
        )
        running = asyncio.create_task(connection.write_to(line))
        await asyncio.sleep(0)
        line.is_clear, line.unsent = False, 100
        connection.blocked()
        for number in range(5):
            clinic.advance(batch(event(101 + number, 1), rows=[appointment(1, notes=str(number))]))
            await asyncio.sleep(BURST_SECONDS)
        assert (line.chunks, connection.state) == ([], "lagging")
        assert connection.lag_seconds > 0
        line.is_clear = True
        connection.cleared()
        assert (len(line.chunks), connection.state) == (1, "open")
        assert b'"notes":"4"' in line.chunks[0]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        hub.close()

    asyncio.run(story())
