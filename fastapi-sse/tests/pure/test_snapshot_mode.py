"""Snapshot mode sends a whole list again, so it does that seldom, and not for lists of any size."""

import asyncio
import json
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from clinic_stream import errors, frames
from clinic_stream.appointment import Appointment
from clinic_stream.appointment_topic import MAX_PENDING_BEYOND
from clinic_stream.audiences import AppointmentAudience, RecordScope
from clinic_stream.connections import Connection
from clinic_stream.hub import Hub
from clinic_stream.live_clinic import LiveClinic
from clinic_stream.params import Mode
from clinic_stream.staleness import Cause
from clinic_stream.topics import LARGE_SNAPSHOT_SECONDS, MAX_SNAPSHOT_BYTES, SNAPSHOT_SECONDS, ListTopic

from testkit.stream.rows import NOON, appointment, batch, event, event_id, state

LONG_NOTES = "a" * 100_000
WHOLE_CLINIC = AppointmentAudience(RecordScope(1))


class Line:
    """Takes all that it is given."""

    is_clear = True
    unsent = 0

    def __init__(self) -> None:
        self.chunks: list[bytes] = []

    def attach(self, connection: object) -> None: ...

    def write(self, chunk: bytes) -> None:
        self.chunks.append(chunk)

    def reset(self) -> None: ...

    @property
    def body(self) -> bytes:
        return b"".join(chunk.partition(b"\r\n")[2][:-2] for chunk in self.chunks)


class Room:
    def __init__(self) -> None:
        self.hub = Hub(clock=lambda: NOON, heartbeat_seconds=60, is_live=True)
        self.hub.keep(state([appointment(1)]))
        self.clinic = self.hub.clinics[1]
        self.writes = 0

    async def enter(self, mode: Mode = "snapshot", *, is_gzipped: bool = False) -> tuple[Connection, Line]:
        topic, line = self.clinic.topic(WHOLE_CLINIC, NOON), Line()
        connection = self.hub.enter(self.hub.next_id(), topic, None, mode=mode, is_gzipped=is_gzipped)
        connection.begin([frames.OPENINGS[0]])
        self._running = asyncio.create_task(connection.write_to(line))
        await asyncio.sleep(0)
        line.chunks.clear()
        return connection, line

    def write(self, notes: str = "") -> None:
        self.writes += 1
        row = appointment(1, notes=notes or f"note {self.writes}")
        self.clinic.advance(batch(event(100 + self.writes, 1), rows=[row]))


def play(story: Callable[[Room], Awaitable[None]]) -> None:
    async def run() -> None:
        room = Room()
        await story(room)
        room.hub.close()

    asyncio.run(run())


def test_first_change_is_told_at_once_and_a_burst_of_others_as_one_snapshot() -> None:
    async def story(room: Room) -> None:
        _, line = await room.enter()
        for _ in range(20):
            room.write()
            await asyncio.sleep(0)
        assert len(line.chunks) == 1
        assert b"note 1" in line.chunks[0]
        await asyncio.sleep(1.2 * SNAPSHOT_SECONDS)
        assert len(line.chunks) == 2
        assert b"note 20" in line.chunks[1]

    play(story)


def test_large_snapshots_have_a_longer_pause() -> None:
    topic = LiveClinic(state([appointment(n, notes=LONG_NOTES) for n in range(20)]), NOON).topic(WHOLE_CLINIC, NOON)
    topic.snapshot("snapshot", NOON)
    assert (topic._pause_in("snapshot"), topic._pause_in("delta") < 0.1) == (LARGE_SNAPSHOT_SECONDS, True)


def test_delta_mode_does_not_wait_for_snapshot_mode() -> None:
    async def story(room: Room) -> None:
        await room.enter()
        _, line = await room.enter("delta")
        room.write()
        await asyncio.sleep(0.05)
        room.write()
        await asyncio.sleep(0.05)
        assert len(line.chunks) == 2

    play(story)


def test_heartbeat_between_has_the_id_of_what_was_told() -> None:
    """The newest id would tell a reader who comes back that nothing was missed."""

    async def story(room: Room) -> None:
        connection, line = await room.enter()
        room.write()
        room.write()
        connection.on_tick(asyncio.get_running_loop().time() + 60)
        assert line.chunks[-1].count(str(event_id(101)).encode()) == 1
        assert b"event: heartbeat" in line.chunks[-1]
        assert connection.last_id == str(event_id(101))
        await asyncio.sleep(1.2 * SNAPSHOT_SECONDS)
        assert connection.last_id == str(event_id(102))

    play(story)


def test_fresh_is_not_told_before_the_rows_that_make_it_true() -> None:
    async def story(room: Room) -> None:
        _, line = await room.enter()
        room.write()
        room.clinic.mark_stale(Cause.UNREADABLE)
        room.write()
        line.chunks.clear()
        room.clinic.mark_fresh(Cause.UNREADABLE)
        assert line.chunks == []
        await asyncio.sleep(1.2 * SNAPSHOT_SECONDS)
        told = line.body.decode()
        assert 0 < told.index("note 2") < told.index("event: fresh")

    play(story)


def test_list_that_is_too_large_is_refused_and_delta_named() -> None:
    large = [appointment(n, notes=LONG_NOTES) for n in range(1 + MAX_SNAPSHOT_BYTES // len(LONG_NOTES))]
    topic = LiveClinic(state(large), NOON).topic(WHOLE_CLINIC, NOON)
    with pytest.raises(errors.Problem) as refused:
        asyncio.run(prepare(topic, "snapshot"))
    assert (refused.value.status, refused.value.code) == (400, "range_too_large")
    assert "mode=delta" in refused.value.detail
    asyncio.run(prepare(topic, "delta"))
    asyncio.run(prepare(topic, "snapshot", is_back=True))  # EventSource would take 400 for the end for ever.


async def prepare(topic: ListTopic[Any], mode: Mode, *, is_back: bool = False) -> None:
    await topic.prepare_opening(mode, NOON, is_gzipped=False, is_back=is_back)


@pytest.mark.parametrize(("further", "left_out"), [(0, None), (7, 7)])
def test_of_requests_beyond_the_window_the_nearest_are_shown(further: int, left_out: int | None) -> None:
    shown = appointment(1, day=7)
    beyond = [appointment(10 + n, day=8 + n, status="pending") for n in range(MAX_PENDING_BEYOND + further)]
    topic = LiveClinic(state([shown, *reversed(beyond)]), NOON).topic(WHOLE_CLINIC, NOON)
    body = body_of(topic.snapshot("snapshot", NOON))
    assert [row["id"] for row in body["appointments"]] == ids([shown, *beyond[:MAX_PENDING_BEYOND]])
    assert body.get("more_pending") == left_out
    assert len(body_of(topic.snapshot("delta", NOON))["appointments"]) == 1 + len(beyond)


def ids(rows: list[Appointment]) -> list[int]:
    return [row.id for row in rows]


def body_of(frame: bytes) -> dict[str, Any]:
    return dict(json.loads(frame.split(b"data: ")[1]))


def test_large_frame_is_compressed_aside_and_news_of_meanwhile_follow() -> None:
    async def story(room: Room) -> None:
        connection, line = await room.enter("delta", is_gzipped=True)
        room.write("first " + "b" * 2 * frames.LARGE_BYTES)
        room.write("second")
        assert line.chunks == []
        async with asyncio.timeout(5):
            while connection.last_id != str(event_id(102)):  # noqa: ASYNC110  # What is waited for knows of no event.
                await asyncio.sleep(0.01)
        assert len(line.chunks) == 2
        first, second = (inflated(chunk) for chunk in line.chunks)
        assert b'"notes":"first bbb' in first
        assert b'"notes":"second"' in second

    play(story)


def inflated(chunk: bytes) -> bytes:
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(chunk.partition(b"\r\n")[2][:-2])
