"""Statements do not depend on the number of readers."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from unittest.mock import patch

from clinic_stream import poll_pace
from clinic_stream.appointment import Appointment
from clinic_stream.appointment_queries import APPOINTMENTS, ROWS_A_QUERY
from clinic_stream.connection_pools import IDENTITY
from clinic_stream.feed import MAX_ROWS_A_BATCH
from clinic_stream.hub import Hub
from clinic_stream.poller import Poller

from testkit.stream.clinic import TestClinic
from testkit.stream.database import Database
from testkit.stream.gate import Gate
from testkit.stream.inside import with_poller
from testkit.stream.service import StartService, StreamService
from testkit.stream.wire import Block, SseReader

SECONDS = 2.0
HEADS_AS_DOCUMENT = "JSON_ARRAYAGG(JSON_ARRAY(clinic_id,"
IDS_AS_DOCUMENT = "JSON_ARRAYAGG(id)"
ROWS_AS_DOCUMENT = "JSON_ARRAYAGG(JSON_ARRAY(id,"
NEWCOMERS = 8


@contextmanager
def streams_of(service: StreamService, clinic: TestClinic, count: int) -> Iterator[list[SseReader]]:
    people = [clinic.owner, clinic.staff, clinic.petra, clinic.paul, clinic.anna, clinic.ben]
    with ExitStack() as stack:
        streams = [
            stack.enter_context(service.stream(people[number % len(people)].token(), "mode=delta"))
            for number in range(count)
        ]
        for stream in streams:
            stream.next_event()
        yield streams


def selects_of_the_server_in(database: Database, seconds: float) -> int:
    def count() -> int:
        return int(database.rows("SHOW GLOBAL STATUS LIKE 'Com_select'")[0][1])

    before = count()
    time.sleep(seconds)
    return count() - before


def test_fifty_streams_ask_the_server_no_more_than_one(start_service: StartService, clinic: TestClinic) -> None:
    service = start_service()
    clinic.book()
    counts = []
    for number_of_streams in (1, 50):
        with streams_of(service, clinic, number_of_streams):
            counts.append(selects_of_the_server_in(clinic.database, SECONDS))
    one, fifty = counts
    assert one > SECONDS * 20, "the service polls"
    # Other tests may use the same server; a query for every stream would show as fifty times as many.
    assert fifty < one * 3


def test_fifty_streams_send_as_many_statements_as_one(start_service: StartService, clinic: TestClinic) -> None:
    server = clinic.database.server
    with Gate(server.host, server.port) as gate:
        service = start_service(environment=environment_behind(gate, clinic.database))
        counts = []
        for number_of_streams in (1, 50):
            with streams_of(service, clinic, number_of_streams):
                gate.statements.clear()
                time.sleep(SECONDS)
                # Without the scan of all heads, and those that have moved: other tests write.
                words = {words_of(query) for query in gate.statements if HEADS_AS_DOCUMENT not in query}
                # A read that came too late on a busy machine costs a new connection, which asks who the server is.
                assert words - {"SELECT @@hostname,"} == {"SELECT (SELECT", "SELECT seq,"}, "heads, accounts"
                counts.append(len(gate.statements))
        service.stop()
    one, fifty = counts
    # A busy machine skips rounds in one of the two; a query for every stream would show as fifty times as many.
    assert fifty <= one * 3


def test_service_without_readers_asks_a_few_times_a_second(start_service: StartService, clinic: TestClinic) -> None:
    server = clinic.database.server
    with Gate(server.host, server.port) as gate:
        service = start_service(environment=environment_behind(gate, clinic.database))
        service.wait_until("/readyz", 200)
        gate.statements.clear()
        time.sleep(SECONDS)
        # A new connection sets its session, and asks who the server is.
        asked = [query for query in gate.statements if " FROM live_" in query]
        service.stop()
    assert 2 <= len(asked) <= 8 * SECONDS


def test_clinic_that_moved_while_nobody_read_is_shown_at_its_head(database: Database, clinic: TestClinic) -> None:
    booked = clinic.book()

    async def story(hub: Hub, poller: Poller) -> None:
        live = await poller.clinic(clinic.id)
        assert live is not None
        with patch.object(poll_pace, "WANTED_SECONDS", 0.0):
            await poller.clinic(clinic.id)
            await asyncio.sleep(0.1)  # The loops have begun their long pause.
            clinic.update(booked, notes="meanwhile")
            await poller.clinic(clinic.id)
        assert live.state.rows[booked].notes == "meanwhile"

    asyncio.run(with_poller(database, lambda: datetime.now(UTC), story))


def test_change_is_read_once_for_all(start_service: StartService, clinic: TestClinic) -> None:
    server = clinic.database.server
    booked = clinic.book()
    with Gate(server.host, server.port) as gate:
        service = start_service(environment=environment_behind(gate, clinic.database))
        asked = []
        for number_of_streams in (1, 50):
            with streams_of(service, clinic, number_of_streams) as streams:
                clinic.update(booked, notes=f"before {number_of_streams}")  # Makes the connection.
                streams[0].next_named("change")
                gate.statements.clear()
                clinic.update(booked, notes=f"for {number_of_streams}")
                streams[0].next_named("change")
                asked.append([words_of(query) for query in list(gate.statements) if not is_of_a_connection(query)])
        service.stop()
    assert asked[0] == ["START TRANSACTION", "SELECT seq,", f"SELECT {ROWS_AS_DOCUMENT}", "COMMIT"]
    assert asked[1] == asked[0]


def test_users_who_come_at_the_same_time_are_looked_up_together(
    start_service: StartService, clinic: TestClinic
) -> None:
    server = clinic.database.server
    tokens = [clinic.another("staff").token() for _ in range(NEWCOMERS)]
    with Gate(server.host, server.port) as gate, ThreadPoolExecutor(NEWCOMERS) as threads:
        service = start_service(environment=environment_behind(gate, clinic.database))
        gate.stall()
        answers = [threads.submit(service.get, "/api/v1/auth/test", token=token) for token in tokens]
        time.sleep(1)
        gate.statements.clear()
        gate.open()
        assert [answer.result().status_code for answer in answers] == [200] * NEWCOMERS
        looks = [query for query in gate.statements if "live_session WHERE" in query]
        service.stop()
    assert len(looks) <= 3, "the first comer's, and one for those who came meanwhile"


def test_service_says_nothing_to_the_database_but_select(start_service: StartService, clinic: TestClinic) -> None:
    server = clinic.database.server
    with Gate(server.host, server.port) as gate:
        service = start_service(environment=environment_behind(gate, clinic.database))
        with streams_of(service, clinic, 6) as streams:
            booked = clinic.book()
            clinic.hold(clinic.petra)
            clinic.delete(booked)
            clinic.database.execute("UPDATE patient SET name = 'new' WHERE id = %s", clinic.anna.row_id)
            clinic.database.execute("UPDATE account_user SET is_active = 0 WHERE id = %s", clinic.ben.user_id)
            streams[5].next_named("revoked")
            time.sleep(0.2)
        service.stop()
        said = {words_of(query).split()[0] for query in gate.statements}
        selects = [query for query in gate.statements if query.startswith("SELECT")]
    assert said == {"SET", "SELECT", "START", "COMMIT"}
    assert all(" FROM live_" in query or query == IDENTITY for query in selects)


def test_proving_the_own_event_costs_a_batch_no_statement(start_service: StartService, clinic: TestClinic) -> None:
    """It is one row more in the query for the events; the newest marks come with the heads."""
    server = clinic.database.server
    booked = clinic.book()
    with Gate(server.host, server.port) as gate:
        service = start_service(environment=environment_behind(gate, clinic.database))
        with service.stream(clinic.owner.token(), "mode=delta") as stream:
            stream.next_event()
            clinic.update(booked, notes="once, for the connection")
            stream.next_named("change")
            gate.statements.clear()
            clinic.update(booked, notes="new")
            stream.next_named("change")
            said = [words_of(query) for query in list(gate.statements) if not is_of_a_connection(query)]
    assert said == ["START TRANSACTION", "SELECT seq,", f"SELECT {ROWS_AS_DOCUMENT}", "COMMIT"]


def test_first_load_reads_ids_and_then_rows_in_parts(start_service: StartService, clinic: TestClinic) -> None:
    """The number of statements follows from the clinic's own rows alone."""
    clinic.book(day=40)
    clinic.copy(clinic.book(status="cancelled"), 2 * ROWS_A_QUERY)
    server = clinic.database.server
    with Gate(server.host, server.port) as gate:
        service = start_service(environment=environment_behind(gate, clinic.database))
        with service.stream(clinic.owner.token(), "mode=delta") as stream:
            shown = stream.next_named("snapshot").json["appointments"]
        ids = [query for query in gate.statements if IDS_AS_DOCUMENT in query]
        rows = [query for query in gate.statements if ROWS_AS_DOCUMENT in query]
        service.stop()
    assert len(shown) == 2 * ROWS_A_QUERY + 1
    assert (len(ids), len(rows)) == (1, 3)


def test_rename_that_concerns_many_rows_is_a_load(start_service: StartService, clinic: TestClinic) -> None:
    """Rows in parts: followed at once, they would keep all other readers waiting."""
    clinic.copy(clinic.book(status="cancelled"), MAX_ROWS_A_BATCH)
    server = clinic.database.server
    with Gate(server.host, server.port) as gate:
        service = start_service(environment=environment_behind(gate, clinic.database))
        with service.stream(clinic.owner.token(), "mode=delta") as stream:
            next_told(stream, "snapshot")
            gate.statements.clear()
            clinic.database.execute("UPDATE service SET name = 'Cleaning' WHERE id = %s", clinic.service_id)
            renamed = next_told(stream, "change").json["upserts"]
        parts = [query for query in gate.statements if ROWS_AS_DOCUMENT in query]
        service.stop()
    assert {row["service_name"] for row in renamed} == {"Cleaning"}
    assert len(renamed) == MAX_ROWS_A_BATCH + 1
    assert len(parts) == MAX_ROWS_A_BATCH // ROWS_A_QUERY + 1


def test_row_read_as_a_document_equals_its_columns(database: Database, clinic: TestClinic) -> None:
    """Every kind of value: none, accents, quotes, line ends, microseconds."""
    plain, full = clinic.book(patient=clinic.ben), clinic.book()
    at = datetime(2026, 1, 2, 3, 4, 5, 678)  # noqa: DTZ001
    clinic.update(plain, service_id=None)
    clinic.update(
        full, notes='Zo\u00eb\n\t"quoted" | ~ \\ \U0001f600', checked_in_at=at, requested_start=at, updated_at=at
    )
    clinic.update(
        full, attendance_confirmed_at=at, blocked_until=clinic.instant(clinic.today, 21 * 60), allow_overlap=True
    )
    columns = database.rows(f"{APPOINTMENTS} WHERE clinic_id = %s ORDER BY id", clinic.id)

    async def story(hub: Hub, poller: Poller) -> None:
        live = await poller.clinic(clinic.id)
        assert live is not None
        rows = [Appointment(clinic.zone, *values) for values in columns]
        assert [live.state.rows[row_id] for row_id in (plain, full)] == rows

    asyncio.run(with_poller(database, lambda: datetime.now(UTC), story))


def next_told(stream: SseReader, name: str) -> Block:
    """On a busy machine a large read takes so long that its readers are told `stale` meanwhile."""
    while (event := stream.next_event(10)).event in {"stale", "fresh"}:
        pass
    assert event.event == name
    return event


def environment_behind(gate: Gate, database: Database) -> dict[str, str]:
    return {**database.environment, "DB_HOST": "127.0.0.1", "DB_PORT": str(gate.port)}


def words_of(query: str) -> str:
    return " ".join(query.split()[:2])


def is_of_a_connection(query: str) -> bool:
    """Heads are asked for all the time; a read that came too late on a busy machine costs a new connection."""
    return "live_head" in query or query == IDENTITY
