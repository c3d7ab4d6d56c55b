"""A database that changes its role, loses a reply, or is full: one clean answer, and the right server at once."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import MySQLdb
import pytest
from clinic.appointments.models import Appointment
from clinic.common.database_errors import refusal_for
from clinic.common.mysql.base import ANSWERED_JUST_NOW_SECONDS, DatabaseWrapper
from clinic.common.mysql.conditions import condition_of
from django.db import OperationalError, connection, connections
from django.test import Client
from rest_framework.test import APIClient

from testkit.clinic.answers import APPOINTMENTS, refusal
from testkit.clinic.own_server import administer, options_of, own_server
from testkit.clinic.times import in_days
from testkit.clinic.world import PASSWORD, World
from testkit.forwarder import Forwarder
from tools.private_server import PrivateServer


@pytest.fixture(autouse=True)
def _new_connection_afterwards(transactional_db: None) -> Iterator[None]:
    """Of the test's end, which empties the tables."""
    yield
    connection.close()


@pytest.fixture
def desk(committed_world: World) -> APIClient:
    client = committed_world.client(committed_world.sam)
    client.raise_request_exception = False
    return client


def book(world: World, desk: APIClient, *, hour: int = 9, key: str | None = None) -> Any:
    body = {
        "patient": world.paula.patient.pk,
        "practitioner": world.petra.practitioner.pk,
        "service": world.check_up.pk,
        "start": in_days(7)(hour).isoformat(),
    }
    return desk.post(APPOINTMENTS, body, headers={} if key is None else {"Idempotency-Key": key})


# One server


def become_read_only() -> None:
    """As the connection's server does that was demoted: error 1792 until another connection is opened."""
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION READ ONLY")


def test_write_on_a_read_only_server_names_the_reason_and_drops_the_connection(
    committed_world: World, desk: APIClient
) -> None:
    become_read_only()
    refused = book(committed_world, desk)
    assert refusal(refused) == (503, "database_read_only")
    assert int(refused.headers["Retry-After"]) >= 1
    assert not Appointment.objects.exists()
    assert book(committed_world, desk).status_code == 201


def test_sign_in_on_a_read_only_server_names_the_reason(committed_world: World) -> None:
    become_read_only()
    body = {"email": committed_world.sam.email, "password": PASSWORD}
    assert refusal(APIClient(raise_request_exception=False).post("/api/v1/token", body)) == (503, "database_read_only")
    assert APIClient().post("/api/v1/token", body).status_code == 200


@pytest.mark.parametrize(
    ("language", "reason"), [("en", "takes no changes"), ("de", "nimmt gerade keine Änderungen an")]
)
def test_page_on_a_read_only_server_is_503(committed_world: World, language: str, reason: str) -> None:
    browser = Client(raise_request_exception=False, headers={"Accept-Language": language})
    become_read_only()
    answer = browser.post("/sign-in", {"username": committed_world.sam.email, "password": PASSWORD})
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
    assert int(answer.headers["Retry-After"]) >= 1
    assert reason in answer.content.decode()


@pytest.mark.parametrize(
    ("code", "text", "reason"),
    [
        (1290, "The MariaDB server is running with the --read-only option so it cannot…", "database_read_only"),
        (1290, "The MySQL server is running with the --super-read-only option so it…", "database_read_only"),
        (1290, "The MySQL server is running with the --secure-file-priv option so it…", "service_unavailable"),
        (1792, "Cannot execute statement in a READ ONLY transaction", "database_read_only"),
        (1836, "Running in read-only mode", "database_read_only"),
        (1047, "WSREP has not yet prepared node for application use", "database_cluster_not_ready"),
        (1021, "Disk full (/tmp); waiting for someone to free some space...", "database_disk_full"),
        (1114, "The table 'appointment' is full", "database_disk_full"),
        (1026, "Error writing file 'binlog' (Errcode: 28 \"No space left on device\")", "database_disk_full"),
        (1030, 'Got error 28 "No space left on device" from storage engine InnoDB', "database_disk_full"),
        (1040, "Too many connections", "database_too_many_connections"),
        (1203, "User chairside already has more than 'max_user_connections'…", "database_too_many_connections"),
        (1205, "Lock wait timeout exceeded; try restarting transaction", "service_unavailable"),
        (1969, "Query execution was interrupted (max_statement_time exceeded)", "service_unavailable"),
        (3024, "Query execution was interrupted, maximum statement execution time exceeded", "service_unavailable"),
        (2013, "Lost connection to server during query", "service_unavailable"),
    ],
)
def test_each_error_of_the_server_has_a_name(code: int, text: str, reason: str) -> None:
    error = OperationalError(code, text)
    refused = refusal_for(error, method="GET")
    assert refused is not None
    assert (refused.status, refused.code) == (503, reason)
    condition = condition_of(error)
    assert reason == ("service_unavailable" if condition is None else f"database_{condition}")


# A lost reply


@contextmanager
def through_forwarder() -> Iterator[Forwarder]:
    """This thread's connection goes through it."""
    before = dict(connection.settings_dict)
    with Forwarder(before["HOST"], int(before["PORT"])) as forwarder:
        connection.close()
        connection.settings_dict["PORT"] = str(forwarder.port)
        try:
            yield forwarder
        finally:
            connection.close()
            connection.settings_dict["PORT"] = before["PORT"]


def test_lost_reply_of_a_commit_says_that_the_change_may_have_been_made(
    committed_world: World, desk: APIClient
) -> None:
    with through_forwarder() as forwarder:
        connection.ensure_connection()
        forwarder.cut_at = b"COMMIT"
        lost = book(committed_world, desk, key="once")
        assert refusal(lost) == (503, "outcome_unknown")
        assert "may have been made" in lost.json()["errors"][0]["detail"]
        assert "Idempotency-Key" in lost.json()["errors"][0]["detail"]
        connection.close()
        again = book(committed_world, desk, key="once")
    assert (again.status_code, again.headers["Idempotent-Replay"]) == (201, "true")
    assert Appointment.objects.count() == 1


def test_connection_lost_before_the_commit_is_a_plain_503_without_effect(
    committed_world: World, desk: APIClient
) -> None:
    with through_forwarder() as forwarder:
        connection.ensure_connection()
        forwarder.cut_before = b"INSERT INTO `appointment`"
        assert refusal(book(committed_world, desk)) == (503, "service_unavailable")
        connection.close()
    assert not Appointment.objects.exists()


# Two servers behind one address


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PrivateServer, PrivateServer]]:
    folder: Path = tmp_path_factory.mktemp("pair")
    with own_server(folder / "one") as one, own_server(folder / "other") as other:
        for name, server in (("one", one), ("other", other)):
            with closing(server.connect()) as session, session.cursor() as cursor:
                cursor.execute("CREATE TABLE note (text VARCHAR(20))")
                cursor.execute("CREATE TABLE self (name VARCHAR(20))")
                cursor.execute("INSERT INTO self VALUES (%s)", [name])
            options = options_of(server)
            # Both take the same account, as a replica does.
            administer(
                server,
                "CREATE USER IF NOT EXISTS 'app'@'%' IDENTIFIED BY 'the same on both'",
                f"GRANT ALL ON {options['database']}.* TO 'app'@'%'",
            )
        yield one, other


@pytest.fixture
def wrappers(
    pair: tuple[PrivateServer, PrivateServer], transactional_db: None
) -> Iterator[tuple[Forwarder, list[DatabaseWrapper]]]:
    one, _ = pair
    with Forwarder("127.0.0.1", one.port) as forwarder:
        made = []
        for _ in range(2):
            wrapper = connections.create_connection("default")
            assert isinstance(wrapper, DatabaseWrapper)
            account = {"USER": "app", "PASSWORD": "the same on both", "NAME": one.accounts.database}
            wrapper.settings_dict = {**wrapper.settings_dict, **account, "PORT": str(forwarder.port)}
            made.append(wrapper)
        yield forwarder, made
        for wrapper in made:
            wrapper.close()
    administer(one, "SET GLOBAL read_only = 0")


def ask(wrapper: DatabaseWrapper, sql: str) -> Any:
    """In a request of its own."""
    wrapper.close_if_unusable_or_obsolete()
    with wrapper.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone() if sql.startswith("SELECT") else None


def test_demoted_server_costs_one_write_and_no_connection_stays_there(
    pair: tuple[PrivateServer, PrivateServer], wrappers: tuple[Forwarder, list[DatabaseWrapper]]
) -> None:
    one, other = pair
    forwarder, (busy, idle) = wrappers
    for wrapper in (busy, idle):
        assert ask(wrapper, "SELECT name FROM self") == ("one",)
    administer(one, "SET GLOBAL read_only = 1")
    forwarder.target = ("127.0.0.1", other.port)
    with pytest.raises(OperationalError) as refused:
        ask(busy, "INSERT INTO note VALUES ('first')")
    assert condition_of(refused.value) == "read_only"
    # The other connection met nothing itself, and would go on reading from the demoted server.
    for wrapper in (busy, idle):
        assert ask(wrapper, "SELECT name FROM self") == ("other",)
    ask(busy, "INSERT INTO note VALUES ('second')")


def test_connection_that_rested_meanwhile_costs_nothing(
    pair: tuple[PrivateServer, PrivateServer], wrappers: tuple[Forwarder, list[DatabaseWrapper]]
) -> None:
    one, other = pair
    forwarder, (busy, _) = wrappers
    assert ask(busy, "SELECT name FROM self") == ("one",)
    administer(one, "SET GLOBAL read_only = 1")
    forwarder.target = ("127.0.0.1", other.port)
    time.sleep(ANSWERED_JUST_NOW_SECONDS)
    ask(busy, "INSERT INTO note VALUES ('third')")
    assert ask(busy, "SELECT name FROM self") == ("other",)


def test_server_error_class_of_the_driver_is_known(pair: tuple[PrivateServer, PrivateServer]) -> None:
    """The text that the server writes, and not one that we remember."""
    one, _ = pair
    administer(one, "SET GLOBAL read_only = 1")
    try:
        with closing(one.connect()) as session, session.cursor() as cursor, pytest.raises(MySQLdb.Error) as refused:
            cursor.execute("INSERT INTO note VALUES ('x')")
        assert condition_of(refused.value) == "read_only"
    finally:
        administer(one, "SET GLOBAL read_only = 0")
