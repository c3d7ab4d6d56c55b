"""What it costs the database does not depend on how many are watching."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from clinic_stream.lanes import IDENTITY
from stream_testkit.clinic import TestClinic
from stream_testkit.database import Database
from stream_testkit.gate import Gate
from stream_testkit.service import StartService, StreamService
from stream_testkit.wire import SseReader

SECONDS = 2.0
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
                words = {words_of(query) for query in gate.statements}
                # A read that came too late on a busy machine costs a new connection, which asks who the server is.
                assert words - {"SELECT @@hostname,"} == {"SELECT clinic_id,", "SELECT seq,"}, "heads, accounts"
                counts.append(len(gate.statements))
        service.stop()
    one, fifty = counts
    assert fifty <= one * 1.2


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
                asked.append([words_of(query) for query in list(gate.statements) if "live_head" not in query])
        service.stop()
    assert asked[0] == ["START TRANSACTION", "SELECT seq,", "SELECT id,", "COMMIT"]
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
            said = [words_of(query) for query in list(gate.statements) if "live_head" not in query]
    assert said == ["START TRANSACTION", "SELECT seq,", "SELECT id,", "COMMIT"]


def environment_behind(gate: Gate, database: Database) -> dict[str, str]:
    return {**database.environment, "DB_HOST": "127.0.0.1", "DB_PORT": str(gate.port)}


def words_of(query: str) -> str:
    return " ".join(query.split()[:2])
