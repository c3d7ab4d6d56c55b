"""Probes: cheap, truthful, and independent of the database's mood."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from clinic.common.mysql.conditions import Condition
from clinic.health import middleware, probes
from clinic.health.probes import Prober, probe_response, readiness
from django.test import Client

from testkit.clinic.answers import refusal
from testkit.clinic.own_server import administer, make_canary_schema, options_of, own_server
from testkit.clinic.world import World
from tools.private_server import PrivateServer

FAR_AWAY = 1_000_000.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServer]:
    with own_server(tmp_path_factory.mktemp("probed")) as server:
        make_canary_schema(server)
        yield server


@pytest.fixture
def prober(server: PrivateServer) -> Iterator[Prober]:
    yield Prober(options_of(server))
    administer(server, "SET GLOBAL read_only = 0")


def reasons(prober: Prober) -> tuple[str, str]:
    """For all requests, and for reads alone."""
    prober.check()
    return prober.reason(), prober.reason(for_reads=True)


def test_migrated_server_is_ready(prober: Prober) -> None:
    assert prober.reason() == "starting"
    assert reasons(prober) == ("ok", "ok")


def test_read_only_server_is_ready_for_reads_alone_and_recovers(server: PrivateServer, prober: Prober) -> None:
    assert reasons(prober) == ("ok", "ok")
    administer(server, "SET GLOBAL read_only = 1")
    assert reasons(prober) == ("read_only", "ok")
    administer(server, "SET GLOBAL read_only = 0")
    assert reasons(prober) == ("ok", "ok")


def test_missing_migration_is_not_ready(server: PrivateServer, prober: Prober) -> None:
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations LIMIT 1")
        leaf = cursor.fetchone()
        cursor.execute("DELETE FROM django_migrations WHERE app = %s", [leaf[0]])
        assert reasons(prober) == ("unmigrated", "unmigrated")
        cursor.execute("INSERT INTO django_migrations VALUES (%s, %s)", leaf)
        assert reasons(prober) == ("ok", "ok")


def test_unfinished_restore_is_not_ready(server: PrivateServer, prober: Prober) -> None:
    table = f"{server.accounts.database}.unfinished_restore"
    administer(server, f"CREATE TABLE {table} (id INT PRIMARY KEY)")
    assert reasons(prober) == ("unfinished_restore", "unfinished_restore")
    administer(server, f"DROP TABLE {table}")
    assert reasons(prober) == ("ok", "ok")


def test_empty_database_is_unmigrated(server: PrivateServer) -> None:
    administer(server, "CREATE DATABASE IF NOT EXISTS test_empty")
    assert reasons(Prober({**options_of(server), "database": "test_empty"})) == ("unmigrated", "unmigrated")


def test_server_without_a_free_connection_is_named(server: PrivateServer, prober: Prober) -> None:
    administer(server, "SET GLOBAL max_connections = 10")
    held = []
    try:
        for _ in range(10):
            held.append(server.connect())
        assert reasons(prober) == ("too_many_connections", "too_many_connections")
    finally:
        for connection in held:
            connection.close()  # type: ignore[no-untyped-call]
        with closing(server.connect(as_admin=True)) as connection, connection.cursor() as cursor:
            cursor.execute("SET GLOBAL max_connections = 500")
    assert reasons(prober) == ("ok", "ok")


def test_unreachable_server_is_named(server: PrivateServer) -> None:
    assert reasons(Prober({**options_of(server), "port": 1})) == ("unreachable", "unreachable")


def test_hanging_server_is_unreachable_within_its_timeouts(server: PrivateServer, prober: Prober) -> None:
    assert reasons(prober) == ("ok", "ok")
    pid = server.child.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        assert reasons(prober) == ("unreachable", "unreachable")
    finally:
        os.kill(pid, signal.SIGCONT)


def test_canary_that_cannot_write_is_seen_although_reads_work(server: PrivateServer) -> None:
    """Its row is locked, as by an earlier canary that hangs on a full disk."""
    prober = Prober(options_of(server), canary_seconds=0)
    assert reasons(prober) == ("ok", "ok")
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM probe_canary FOR UPDATE")
        assert reasons(prober) == ("write_timeout", "ok")
    assert reasons(prober) == ("ok", "ok")


def test_changes_are_refused_at_once_while_writes_hang(
    server: PrivateServer, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    prober = Prober(options_of(server), canary_seconds=0)
    prober.check()
    monkeypatch.setattr(probes, "CANARY_SECONDS_IN_TROUBLE", 0)
    monkeypatch.setattr(middleware, "PROBES", prober)
    desk = world.client(world.sam)
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM probe_canary FOR UPDATE")
        prober.check()
        assert desk.post("/api/v1/appointments", {}).status_code == 400
        prober.check()
        assert refusal(desk.post("/api/v1/appointments", {})) == (503, "database_write_timeout")
        assert desk.get("/api/v1/appointments").status_code == 200
    prober.check()
    assert desk.post("/api/v1/appointments", {}).status_code == 400


def test_canary_writes_rarely_and_keeps_one_row(server: PrivateServer) -> None:
    prober = Prober(options_of(server))
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        written = []
        for _ in range(3):
            prober.check()
            cursor.execute("SELECT written_at FROM probe_canary")
            written += cursor.fetchall()
    assert len(written) == 3
    assert len(set(written)) == 1


@pytest.mark.parametrize("condition", Condition)
def test_condition_met_by_a_request_counts_until_the_next_round(prober: Prober, condition: Condition) -> None:
    prober.check()
    prober.meet(condition)
    reads_go_on = condition in {Condition.READ_ONLY, Condition.DISK_FULL}
    assert (prober.reason(), prober.reason(for_reads=True)) == (condition, "ok" if reads_go_on else condition)
    assert reasons(prober) == ("ok", "ok")


def test_old_state_is_no_longer_believed(prober: Prober, monkeypatch: pytest.MonkeyPatch) -> None:
    prober.check()
    monkeypatch.setattr(probes, "MAX_AGE_SECONDS", -1.0)
    assert prober.reason() == "unreachable"


# Probes of the HTTP server


def test_probes_are_answered_without_a_query(prober: Prober, monkeypatch: pytest.MonkeyPatch) -> None:
    """No database is allowed in this test."""
    prober.check()
    monkeypatch.setattr(probes, "PROBES", prober)
    prober.start = lambda: None  # type: ignore[method-assign]
    for path, query in (("/livez", ""), ("/livez/", ""), ("/readyz", ""), ("/readyz/", "for=reads")):
        answer = probe_response(path, query)
        assert answer is not None
        status, headers, body = answer
        assert status == 200
        assert headers["Content-Length"] == str(len(body))
        assert json.loads(body)["status"] in {"alive", "ok"}
    assert probe_response("/health") is None
    assert probe_response("/readyz/x") is None


def test_readiness_names_the_reason(prober: Prober, monkeypatch: pytest.MonkeyPatch) -> None:
    prober.check()
    prober.meet(Condition.DISK_FULL)
    monkeypatch.setattr(probes, "PROBES", prober)
    status, headers, body = readiness(for_reads=False)
    assert (status, headers["Retry-After"]) == (503, "1")
    assert json.loads(body)["database"] == "disk_full"
    assert readiness(for_reads=True)[0] == 200


def test_one_thread_however_often_started(prober: Prober) -> None:
    def count() -> int:
        return sum(thread.name == "probes" for thread in threading.enumerate())

    before = count()
    for _ in range(3):
        prober.start()
    assert prober.first_check.wait(10)
    assert count() == before + 1
    assert prober.reason() == "ok"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/readyz?for=reads", "/health", "/api/v1/health/"])
def test_probes_accept_any_host(world: World, path: str) -> None:
    # 503: another test has just told this process of trouble. A refused host is 400.
    assert Client().get(path, headers={"Host": "10.1.2.3:8000"}).status_code in {200, 503}


def test_other_paths_refuse_an_unknown_host(world: World) -> None:
    assert Client().get("/api/v1/services", headers={"Host": "evil.example"}).status_code == 400


def wait_for(is_true: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_thread_follows_the_server_by_itself(server: PrivateServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "INTERVAL_SECONDS", 0.05)
    prober = Prober(options_of(server))
    prober.start()
    wait_for(lambda: prober.reason() == "ok")
    administer(server, "SET GLOBAL read_only = 1")
    wait_for(lambda: prober.reason() == "read_only")
    administer(server, "SET GLOBAL read_only = 0")
    wait_for(lambda: prober.reason() == "ok")
