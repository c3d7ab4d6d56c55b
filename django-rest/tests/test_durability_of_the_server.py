"""Acknowledged writes survive a loss of power: the servers that we start, and the warning about others."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from clinic.common.checks import DURABLE, check_durability
from django.db import connection

from tools.private_server import Accounts, PrivateServer
from tools.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()


@pytest.fixture(scope="module")
def private_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServer]:
    """As `make run` starts it: without a flag of a throw-away server."""
    server = PrivateServer(tmp_path_factory.mktemp("durable"), free_port(), Accounts.fresh())
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize(("name", "durable"), [(name, durable) for name, durable, *_ in DURABLE])
def test_private_server_is_durable(private_server: PrivateServer, name: str, durable: frozenset[str]) -> None:
    with closing(private_server.connect()) as session, session.cursor() as cursor:
        cursor.execute(f"SHOW GLOBAL VARIABLES LIKE '{name}'")
        assert str(cursor.fetchone()[1]).upper() in durable


@pytest.mark.parametrize(("name", "right"), [(name, right) for name, _, right, _ in DURABLE])
def test_compose_is_durable(name: str, right: str) -> None:
    assert re.findall(rf"- --{name.replace('_', '-')}=(\S+)", COMPOSE) == [right]


def ids() -> set[str | None]:
    return {message.id for message in check_durability(databases=["default"])}


@pytest.mark.django_db
def test_check_warns_about_a_server_that_does_not_flush_each_commit() -> None:
    """The throw-away server of the tests is one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@global.sync_binlog, @@global.innodb_flush_log_at_trx_commit, @@global.log_bin")
        sync_binlog, flush, log_bin = cursor.fetchone()
    expected = {"common.W001"} if flush != 1 else set()
    expected |= {"common.W002"} if log_bin and sync_binlog != 1 else set()
    assert ids() == expected


def test_check_without_a_database_asks_nothing() -> None:
    assert check_durability(databases=None) == []
