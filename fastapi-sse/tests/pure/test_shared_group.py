"""Readers of one format get the same bytes from one loop, and each account is right whenever one leaves the group."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable

from clinic_stream import frames
from clinic_stream.audiences import AppointmentAudience, RecordScope
from clinic_stream.closing_events import REVOKED
from clinic_stream.connections import Connection
from clinic_stream.hub import Hub
from clinic_stream.live_clinic import LiveClinic
from clinic_stream.params import Mode
from clinic_stream.socket_writer import Attached
from clinic_stream.topics import BURST_SECONDS

from testkit.stream.rows import NOON, appointment, batch, event, event_id, state

HEARTBEAT_SECONDS = 60.0


class Writer:
    """Takes what it is given, and is blocked by it when told to be."""

    def __init__(self) -> None:
        self.is_clear = True
        self.unsent = 0
        self.chunks: list[bytes] = []
        self.blocks_next = False
        self.connection: Attached | None = None

    def attach(self, connection: Attached) -> None:
        self.connection = connection

    def write(self, chunk: bytes) -> None:
        self.chunks.append(chunk)
        if self.blocks_next:
            self.blocks_next, self.is_clear, self.unsent = False, False, len(chunk)
            assert self.connection is not None
            self.connection.blocked()

    def clear(self) -> None:
        self.is_clear, self.unsent = True, 0
        assert self.connection is not None
        self.connection.cleared()

    def reset(self) -> None: ...

    @property
    def body(self) -> bytes:
        return b"".join(body_of(chunk) for chunk in self.chunks)


class Room:
    """A hub with one clinic of one appointment, and readers with recording writers."""

    def __init__(self) -> None:
        self.hub = Hub(clock=lambda: NOON, heartbeat_seconds=HEARTBEAT_SECONDS, is_live=True)
        self.hub.keep(state([appointment(1)]))
        self.writes = 0
        self._running: list[asyncio.Task[None]] = []

    @property
    def clinic(self) -> LiveClinic:
        return self.hub.clinics[1]

    async def enter(self, *, mode: Mode = "delta", is_gzipped: bool = False) -> tuple[Connection, Writer]:
        topic, writer = self.clinic.topic(AppointmentAudience(RecordScope(1)), NOON), Writer()
        connection = self.hub.enter(self.hub.next_id(), topic, None, mode=mode, is_gzipped=is_gzipped)
        connection.begin([frames.OPENINGS[0]])
        self._running.append(asyncio.create_task(connection.write_to(writer)))
        await asyncio.sleep(0)
        return connection, writer

    def write(self) -> None:
        self.writes += 1
        row = appointment(1, notes=f"note {self.writes}")
        self.clinic.advance(batch(event(100 + self.writes, 1), rows=[row]))

    async def tell(self) -> None:
        self.write()
        await asyncio.sleep(2 * BURST_SECONDS)

    async def leave(self, connection: Connection) -> None:
        connection.lost()
        await asyncio.sleep(0)
        self.hub.leave(connection)


def body_of(chunk: bytes) -> bytes:
    size, _, rest = chunk.partition(b"\r\n")
    assert len(rest) == int(size, 16) + 2
    return rest[:-2]


def play(story: Callable[[Room], Awaitable[None]]) -> None:
    async def run() -> None:
        room = Room()
        await story(room)
        room.hub.close()

    asyncio.run(run())


def test_readers_of_one_format_get_the_very_same_chunk() -> None:
    async def story(room: Room) -> None:
        writers = [(await room.enter())[1] for _ in range(3)]
        await room.tell()
        assert len({id(writer.chunks[-1]) for writer in writers}) == 1
        assert b"note 1" in writers[0].chunks[-1]

    play(story)


def test_readers_of_each_mode_and_coding_get_their_own_form() -> None:
    async def story(room: Room) -> None:
        _, delta = await room.enter()
        _, snapshot = await room.enter(mode="snapshot")
        gzipped, writer = await room.enter(is_gzipped=True)
        await room.tell()
        assert b'{"upserts":' in delta.chunks[-1]
        assert b'{"appointments":' in snapshot.chunks[-1]
        gzipped.end(REVOKED)
        assert (
            gzip.decompress(writer.body + gzipped.trailer)
            == frames.OPENINGS[0] + body_of(delta.chunks[-1]) + frames.REVOKED
        )

    play(story)


def test_blocked_reader_delays_no_other_and_then_gets_the_newest_version() -> None:
    async def story(room: Room) -> None:
        (slow, blocked), (_, quick) = await room.enter(), await room.enter()
        blocked.blocks_next = True
        for _ in range(4):
            await room.tell()
        assert (len(blocked.chunks), len(quick.chunks), slow.state) == (2, 5, "lagging")
        assert slow.last_id == str(event_id(101))
        blocked.clear()
        assert len(blocked.chunks) == 3
        assert b"note 4" in blocked.chunks[-1]
        assert slow.last_id == str(event_id(104))
        assert room.hub.counts.coalesced == 2
        await room.tell()
        assert blocked.chunks[-1] is quick.chunks[-1]

    play(story)


def test_id_of_a_heartbeat_covers_no_unsent_change() -> None:
    """The second write of a burst waits; a heartbeat that comes before it must not speak for it."""

    async def story(room: Room) -> None:
        (connection, writer), (_, other) = await room.enter(), await room.enter()
        room.write()
        room.write()
        assert b"note 1" in writer.chunks[-1]
        connection.on_tick(asyncio.get_running_loop().time() + HEARTBEAT_SECONDS)
        last = body_of(writer.chunks[-1])
        assert last.index(b"note 2") < last.rindex(b".102-")
        assert (len(writer.chunks), len(other.chunks)) == (3, 2)
        await asyncio.sleep(2 * BURST_SECONDS)
        assert (len(writer.chunks), len(other.chunks)) == (3, 3)
        await room.tell()
        assert writer.chunks[-1] is other.chunks[-1]

    play(story)


def test_closing_event_comes_alone_and_is_the_last() -> None:
    async def story(room: Room) -> None:
        (connection, writer), (_, other) = await room.enter(), await room.enter()
        await room.tell()
        connection.end(REVOKED)
        await room.tell()
        assert body_of(writer.chunks[-1]) == frames.REVOKED
        assert b"note 2" in other.chunks[-1]

    play(story)


def test_reader_that_left_is_in_no_group() -> None:
    async def story(room: Room) -> None:
        connection, writer = await room.enter()
        topic = connection.topic
        was_read = topic.is_read
        await room.leave(connection)
        assert (was_read, topic.is_read) == (True, False)
        await room.tell()
        assert len(writer.chunks) == 1

    play(story)


def test_compressed_streams_end_whole_whenever_readers_join_and_leave() -> None:
    async def story(room: Room) -> None:
        readers = []
        for number in range(6):
            readers.append(await room.enter(is_gzipped=True))
            readers[number // 2][1].blocks_next = number % 2 == 0
            await room.tell()
            if number % 3 == 2:
                connection, writer = readers[number // 3]
                connection.on_tick(asyncio.get_running_loop().time() + (number + 1) * HEARTBEAT_SECONDS)
                if not writer.is_clear:
                    writer.clear()
        for connection, writer in readers:
            if not writer.is_clear:
                writer.clear()
            connection.end(REVOKED)
            text = gzip.decompress(writer.body + connection.trailer)
            assert text.startswith(frames.OPENINGS[0])
            assert b"note 6" in text
            assert text.endswith(frames.REVOKED)

    play(story)


def test_counts_are_of_every_reader() -> None:
    async def story(room: Room) -> None:
        writers = [(await room.enter())[1] for _ in range(3)]
        await room.tell()
        assert room.hub.counts.frames == 6
        assert room.hub.counts.bytes == sum(len(writer.body) for writer in writers)

    play(story)
