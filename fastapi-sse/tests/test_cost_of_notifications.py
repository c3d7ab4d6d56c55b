"""A clinic may have thousands of patients: what is read and kept is what somebody looks at, and nothing else."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clinic_stream.connection_pools import IDENTITY
from clinic_stream.hub import Hub
from clinic_stream.inbox import Inbox
from clinic_stream.live_clinic import LiveClinic
from clinic_stream.poller import Poller

from testkit.stream.clinic import Person, TestClinic
from testkit.stream.database import Database
from testkit.stream.gate import Gate
from testkit.stream.inside import Clock, until, with_poller
from testkit.stream.service import StartService, StreamService


@contextmanager
def behind_a_gate(start_service: StartService, database: Database) -> Iterator[tuple[StreamService, Gate]]:
    with Gate(database.server.host, database.server.port) as gate:
        address = {"DB_HOST": "127.0.0.1", "DB_PORT": str(gate.port)}
        service = start_service(environment={**database.environment, **address})
        yield service, gate
        service.stop()


def asked_for_notifications(gate: Gate) -> list[str]:
    return [query for query in list(gate.statements) if "live_notification" in query]


def now() -> datetime:
    return datetime.now(UTC)


def test_clinic_without_readers_of_notifications_reads_none(
    start_service: StartService, database: Database, clinic: TestClinic
) -> None:
    with behind_a_gate(start_service, database) as (service, gate):
        with service.stream(clinic.owner.token(), "mode=delta") as stream:
            stream.next_event()
            gate.statements.clear()
            for person in (clinic.anna, clinic.owner, clinic.staff):
                clinic.read(clinic.tell(person))
            clinic.book()
            stream.next_named("change")
            assert asked_for_notifications(gate) == []
            assert any("live_event" in query for query in gate.statements)
        assert service.get("/api/v1/health").json()["cache"]["inboxes"] == 0


def test_messages_to_others_cannot_be_read(start_service: StartService, database: Database, clinic: TestClinic) -> None:
    with behind_a_gate(start_service, database) as (service, gate):
        with service.stream(clinic.anna.token(), "mode=delta", of="notifications") as stream:
            stream.next_event()
            gate.statements.clear()
            for person in (clinic.ben, clinic.owner, clinic.petra):
                clinic.tell(person)
            assert stream.stays_silent(0.3)
            assert asked_for_notifications(gate) == []
            clinic.tell(clinic.anna)
            stream.next_named("change")
            assert len(asked_for_notifications(gate)) == 2
        assert service.get("/api/v1/health").json()["cache"]["inboxes"] == 1


def test_a_user_s_second_stream_asks_nothing(
    start_service: StartService, database: Database, clinic: TestClinic
) -> None:
    with behind_a_gate(start_service, database) as (service, gate), ExitStack() as stack:
        stack.enter_context(service.stream(clinic.anna.token(), of="notifications")).next_event()
        gate.statements.clear()
        for mode in ("snapshot", "delta", "delta"):
            stack.enter_context(service.stream(clinic.anna.token(), f"mode={mode}", of="notifications")).next_event()
        # A connection made meanwhile, for the heads or after a late read, asks who the server is.
        assert {query for query in list(gate.statements) if "live_head" not in query} <= {IDENTITY}


def test_an_inbox_is_read_once_for_all_who_ask_at_the_same_time(database: Database, clinic: TestClinic) -> None:
    told = clinic.tell(clinic.anna)

    async def story(hub: Hub, poller: Poller) -> None:
        await poller.clinic(clinic.id)
        read = 0
        inbox_of = poller._feed.inbox

        async def counted(*args: object) -> object:
            nonlocal read
            read += 1
            return await inbox_of(*args)  # type: ignore[arg-type]

        poller._feed.inbox = counted  # type: ignore[assignment]
        topics = await asyncio.gather(*(poller.inbox(clinic.id, clinic.anna.user_id) for _ in range(20)))
        assert len(set(topics)) == read == 1
        assert topics[0] is not None
        assert list(topics[0].inbox.rows) == [told]

    asyncio.run(with_poller(database, now, story))


def test_an_inbox_goes_with_its_topic(database: Database, clinic: TestClinic) -> None:
    clinic.tell(clinic.anna)
    clock = Clock(now())

    async def story(hub: Hub, poller: Poller) -> None:
        await poller.inbox(clinic.id, clinic.anna.user_id)
        live = hub.clinics[clinic.id]
        assert live.state.inboxes.keys() == {clinic.anna.user_id}
        clock.now += timedelta(seconds=31)
        hub.drop_idle()
        assert (live.state.inboxes, live.topics, list(live.recipients)) == ({}, {}, [])
        clinic.tell(clinic.anna)
        await until(lambda: live.state.seq == clinic.seq)
        assert live.state.inboxes == {}
        topic = await poller.inbox(clinic.id, clinic.anna.user_id)
        assert topic is not None
        assert topic.inbox.unread_count == 2

    asyncio.run(with_poller(database, clock, story))


def test_reading_a_long_inbox_goes_by_an_index(database: Database, clinic: TestClinic) -> None:
    """The newest fifty of thousands, without sorting the rest."""
    first = clinic.tell(clinic.anna)
    for _ in range(11):
        clinic.database.execute(
            "INSERT INTO message (clinic_id, user_id, channel, state, template, recipient, subject, body, secret,"
            " attempts, provider_id, error, created_at, send_at, sent_at, read_at)"
            " SELECT clinic_id, user_id, channel, state, template, recipient, subject, body, secret, attempts,"
            " provider_id, error, created_at, send_at, sent_at + INTERVAL 1 SECOND, sent_at FROM message"
            " WHERE user_id = %s",
            clinic.anna.user_id,
        )
    assert first
    clinic.database.execute("ANALYZE TABLE message")
    connection = clinic.database.server.connect(database=database.name)
    try:
        cursor = connection.cursor()
        rows, read = rows_read_by(
            cursor,
            "SELECT id FROM live_notification WHERE clinic_id = %s AND user_id = %s"
            " ORDER BY created_at DESC, id DESC LIMIT 50",
            (clinic.id, clinic.anna.user_id),
        )
        assert (len(rows), read < 150) == (50, True), read
        rows, read = rows_read_by(
            cursor,
            "SELECT user_id, COUNT(*) FROM live_notification WHERE clinic_id = %s AND user_id IN (%s)"
            " AND read_at IS NULL GROUP BY user_id",
            (clinic.id, clinic.anna.user_id),
        )
        assert (rows, read < 50) == (((clinic.anna.user_id, 1),), True), read
    finally:
        connection.close()


def rows_read_by(cursor: Any, query: str, args: tuple[int, ...]) -> tuple[Any, int]:
    """The query's answer, and how many rows the server read for it."""

    def read_so_far() -> int:
        cursor.execute(
            "SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%' AND Variable_name <> 'Handler_read_rnd_next'"
        )
        return sum(int(value) for _, value in cursor.fetchall())

    before = read_so_far()
    cursor.execute(query, args)
    return cursor.fetchall(), read_so_far() - before


# The sweep


def lose_it(live: LiveClinic, person: Person) -> None:
    live.state.inboxes[person.user_id] = Inbox({}, 0, seq=live.state.seq)


def miscount(live: LiveClinic, person: Person) -> None:
    rows = live.state.inboxes[person.user_id].rows
    live.state.inboxes[person.user_id] = Inbox(rows, 7, seq=live.state.seq)


@pytest.mark.parametrize("spoil", [lose_it, miscount])
def test_inbox_that_differs_from_the_database_is_counted_and_mended(
    database: Database, clinic: TestClinic, spoil: object
) -> None:
    told = clinic.tell(clinic.anna)

    async def story(hub: Hub, poller: Poller) -> None:
        topic = await poller.inbox(clinic.id, clinic.anna.user_id)
        assert topic is not None
        live = hub.clinics[clinic.id]
        await until(lambda: hub.counts.sweeps >= 2)
        assert hub.counts.drift == 0
        assert callable(spoil)
        spoil(live, clinic.anna)
        topic.look_again()
        await until(lambda: hub.counts.drift > 0)
        await until(lambda: (list(topic.inbox.rows), topic.inbox.unread_count) == ([told], 1))
        swept = hub.counts.sweeps
        await until(lambda: hub.counts.sweeps >= swept + 2)
        assert hub.counts.drift == 1, "once"

    asyncio.run(with_poller(database, now, story, sweep_seconds=0.05))


def test_change_that_no_event_told_of_reaches_the_reader(database: Database, clinic: TestClinic) -> None:
    told = clinic.tell(clinic.anna)

    async def story(hub: Hub, poller: Poller) -> None:
        topic = await poller.inbox(clinic.id, clinic.anna.user_id)
        assert topic is not None
        triggers = database.rows("SHOW CREATE TRIGGER message_feed_on_update")
        database.execute("DROP TRIGGER message_feed_on_update")
        try:
            clinic.read(told)
        finally:
            database.execute(triggers[0][2].replace("%", "%%"))  # Its definer is somebody@%.
        await until(lambda: topic.inbox.unread_count == 0)
        assert hub.counts.drift == 1

    asyncio.run(with_poller(database, now, story, sweep_seconds=0.05))
