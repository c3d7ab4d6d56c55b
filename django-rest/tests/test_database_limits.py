"""No statement waits without limit, and no frozen or forgotten process blocks a clinic."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from clinic.appointments.models import Appointment
from clinic.common.database_errors import refusal_for
from clinic.common.mysql.base import time_limits_lifted
from clinic.common.mysql.session import LOCK_WAIT_SECONDS
from clinic.ops.management.commands import migrate
from django.core.management import call_command
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import OperationalError, connection, connections

from testkit.clinic.answers import refusal
from testkit.clinic.times import in_days
from testkit.clinic.world import World

DJANGO_REST = Path(__file__).resolve().parents[1]
SERVICES = "/api/v1/services"

# Changes a service, which locks the head row of its clinic until the commit; says so, and goes on when it is asked to.
FROZEN = """
import sys, django
django.setup()
from django.db import DatabaseError, InterfaceError, transaction
from clinic.common.database_errors import refusal_for
from clinic.scheduling.models import Service
try:
    with transaction.atomic():
        Service.objects.filter(pk=int(sys.argv[1])).update(name="half-written")
        print("locked", flush=True)
        sys.stdin.readline()
        Service.objects.filter(pk=int(sys.argv[1])).update(name="written")
except (DatabaseError, InterfaceError) as error:
    print(refusal_for(error, method="PATCH").code, flush=True)
else:
    print("committed", flush=True)
"""


def value_of(variable: str) -> float:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT @@session.{variable}")
        return float(cursor.fetchone()[0])


@pytest.fixture
def another(transactional_db: None) -> Iterator[Any]:
    """Another user's session."""
    wrapper = connections.create_connection("default")
    with closing(wrapper):
        yield wrapper


def run(wrapper: Any, *statements: str) -> None:
    with wrapper.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@contextmanager
def forgotten_transaction(wrapper: Any) -> Iterator[None]:
    run(wrapper, "BEGIN", "SELECT * FROM service LIMIT 1")
    try:
        yield
    finally:
        run(wrapper, "ROLLBACK")


# Limits of a session


def test_every_session_has_limits(transactional_db: None) -> None:
    connection.close()
    assert 0 < value_of("lock_wait_timeout") <= 5
    assert 0 < value_of("innodb_lock_wait_timeout") <= LOCK_WAIT_SECONDS
    if connection.mysql_is_mariadb:  # type: ignore[attr-defined]
        assert 0 < value_of("max_statement_time") <= 30
        assert 0 < value_of("idle_transaction_timeout") <= 60
    else:
        assert 0 < value_of("max_execution_time") <= 30_000
    parameters = connection.get_connection_params()
    assert 0 < parameters["read_timeout"] <= 30
    assert 0 < parameters["write_timeout"] <= 30


def test_maintenance_has_no_limit_of_statements(transactional_db: None) -> None:
    variable = "max_statement_time" if connection.mysql_is_mariadb else "max_execution_time"  # type: ignore[attr-defined]
    with time_limits_lifted():
        assert value_of(variable) == 0
        assert "read_timeout" not in connection.get_connection_params()
    assert value_of(variable) > 0


def test_read_that_takes_too_long_is_a_503(transactional_db: None) -> None:
    limit = "max_statement_time = 0.2" if connection.mysql_is_mariadb else "max_execution_time = 200"  # type: ignore[attr-defined]
    run(connection, f"SET SESSION {limit}")
    with pytest.raises(OperationalError) as stopped, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM information_schema.columns a, information_schema.columns b WHERE SLEEP(1)")
    refused = refusal_for(stopped.value, method="GET")
    assert refused is not None
    assert (refused.status, refused.code) == (503, "service_unavailable")
    connection.close()


# A forgotten transaction and a changed table


def alter_patiently() -> None:
    run(connection, "SET SESSION lock_wait_timeout = 30", "ALTER TABLE service COMMENT 'x'")
    connection.close()


def test_alter_behind_a_forgotten_transaction_stops_a_read_for_seconds_only(
    committed_world: World, another: Any
) -> None:
    """Changes by hand wait for long; reads give up soon, with a clean answer."""
    client = committed_world.client(committed_world.sam)
    client.raise_request_exception = False
    altering = threading.Thread(target=alter_patiently)
    with forgotten_transaction(another):
        altering.start()
        time.sleep(0.3)
        run(connection, "SET SESSION lock_wait_timeout = 1")
        refused = client.get(SERVICES)
        assert refusal(refused) == (503, "service_unavailable")
        assert "Retry-After" in refused.headers
    altering.join(30)
    assert client.get(SERVICES).status_code == 200


def test_migration_behind_a_forgotten_transaction_lets_requests_pass(
    committed_world: World, another: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "MIGRATION_LOCK_WAIT_SECONDS", 1)
    monkeypatch.setattr(migrate, "PAUSE_SECONDS", 0.3)
    monkeypatch.setattr(DjangoMigrate, "handle", alter_service)
    client = committed_world.client(committed_world.sam)
    failed: list[BaseException] = []

    def migrate_meanwhile() -> None:
        try:
            call_command("migrate", verbosity=0)
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    migrating = threading.Thread(target=migrate_meanwhile)
    with forgotten_transaction(another):
        migrating.start()
        statuses = {client.get(SERVICES).status_code for _ in range(3)}
        assert migrating.is_alive()
    migrating.join(30)
    assert (statuses, failed) == ({200}, [])


def alter_service(self: Any, *args: Any, **options: Any) -> None:
    run(connection, "ALTER TABLE service COMMENT 'migrated'")


# A frozen process


def test_frozen_process_blocks_nobody_for_longer_than_the_idle_limit(committed_world: World) -> None:
    service = committed_world.check_up
    environment = {
        **os.environ,
        "DB_NAME": connection.settings_dict["NAME"],
        "DB_IDLE_TRANSACTION_SECONDS": "1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    frozen = subprocess.Popen(
        [sys.executable, "-c", FROZEN, str(service.pk)],
        cwd=DJANGO_REST,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert frozen.stdin
    assert frozen.stdout
    try:
        assert frozen.stdout.readline() == "locked\n"
        os.kill(frozen.pid, signal.SIGSTOP)
        committed_world.book(in_days(7)(9))
        os.kill(frozen.pid, signal.SIGCONT)
        frozen.stdin.write("\n")
        frozen.stdin.flush()
        assert frozen.stdout.readline() == "service_unavailable\n"
        assert frozen.wait(20) == 0
    finally:
        frozen.kill()
        frozen.wait()
        frozen.stdin.close()
        frozen.stdout.close()
    assert Appointment.objects.count() == 1
    service.refresh_from_db()
    assert service.name == "Check-up"
