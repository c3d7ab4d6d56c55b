"""The stream's database user reads the published views and nothing else."""

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from io import StringIO
from typing import Any

import MySQLdb
import pytest
from clinic.changefeed.definitions import defined_by_migrations
from clinic.changefeed.stream_user import grant_changes
from django.core.management import CommandError, call_command
from django.db import connection
from pydantic import SecretStr
from pytest_django import Settings
from shared_config import DjangoSettings

ACCESS_DENIED = 1045
# For a table, a column, a database, an operation, a view, a file.
REFUSALS = {1142, 1143, 1044, 1227, 1345, 1370, 1410}

pytestmark = pytest.mark.django_db


def administrator(shared: DjangoSettings) -> Any:
    assert shared.db_admin_user
    assert shared.db_admin_password
    return MySQLdb.connect(
        host=shared.db_host,
        port=shared.db_port,
        user=shared.db_admin_user,
        password=shared.db_admin_password.get_secret_value(),
        autocommit=True,
    )


@pytest.fixture
def stream_user(settings: Settings) -> Iterator[str]:
    """A name of the test's own: others may use the same server at the same time."""
    shared: DjangoSettings = settings.SHARED
    if shared.db_admin_user is None:
        pytest.skip("nobody here may create users")
    name = f"sse_{secrets.token_hex(6)}"
    set_shared(settings, sse_db_user=name)
    set_password(settings, secrets.token_hex(16))
    yield name
    with closing(administrator(shared)) as admin:
        admin.cursor().execute(f"DROP USER IF EXISTS '{name}'@'%'")


def set_shared(settings: Settings, **changes: Any) -> None:
    settings.SHARED = settings.SHARED.model_copy(update=changes)


def set_password(settings: Settings, password: str) -> None:
    set_shared(settings, sse_db_password=SecretStr(password))


def signed_in(settings: Settings) -> Any:
    shared = settings.SHARED
    return MySQLdb.connect(
        host=shared.db_host,
        port=shared.db_port,
        user=shared.sse_db_user,
        password=shared.sse_db_password.get_secret_value(),
        database=connection.settings_dict["NAME"],
        autocommit=True,
    )


@pytest.fixture
def ask(stream_user: str, settings: Settings) -> Iterator[Callable[[str], list[Any]]]:
    """A statement by the stream's user, once the command has run."""
    call_command("create_stream_user", stdout=StringIO())
    with closing(signed_in(settings)) as own:

        def run(statement: str) -> list[Any]:
            with own.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall())

        yield run


def refused(ask: Callable[[str], list[Any]], statement: str) -> None:
    with pytest.raises(MySQLdb.Error) as refusal:
        ask(statement)
    assert refusal.value.args[0] in REFUSALS, (statement, refusal.value)


def every_table() -> list[str]:
    with connection.cursor() as cursor:
        return connection.introspection.table_names(cursor)


def test_it_reads_every_published_view(ask: Callable[[str], list[Any]]) -> None:
    views = sorted(defined_by_migrations(connection).views)
    assert len(views) >= 6
    for view in views:
        ask(f"SELECT * FROM {view}")  # noqa: S608 - the views' own names
    assert sorted(name for (name,) in ask("SHOW TABLES")) == views


def test_it_reads_no_table(ask: Callable[[str], list[Any]]) -> None:
    tables = every_table()
    assert {"appointment", "account_user", "hold", "realtime_event"} <= set(tables)
    for table in tables:
        refused(ask, f"SELECT 1 FROM `{table}`")  # noqa: S608 - the tables' own names


def test_it_writes_to_no_table_and_no_view(ask: Callable[[str], list[Any]]) -> None:
    for name in [*every_table(), *defined_by_migrations(connection).views]:
        refused(ask, f"DELETE FROM `{name}`")  # noqa: S608 - their own names
        refused(ask, f"INSERT INTO `{name}` VALUES ()")  # noqa: S608 - their own names


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE live_appointment SET notes = ''",
        "UPDATE stream_head SET seq = 0",
        "UPDATE live_session SET role = 'owner'",
        "CREATE TABLE mine (id INT)",
        "CREATE VIEW mine AS SELECT 1",
        "DROP VIEW live_head",
        "ALTER TABLE appointment ADD COLUMN mine INT",
        "TRUNCATE TABLE realtime_event",
        "LOCK TABLES appointment WRITE",
        "CREATE TRIGGER mine AFTER INSERT ON hold FOR EACH ROW BEGIN END",
        "SELECT user FROM mysql.user",
        "CREATE USER mine",
        "GRANT SELECT ON live_head TO root",
        "SET GLOBAL read_only = 1",
        "CREATE DATABASE mine",
    ],
)
def test_it_can_do_nothing_else(ask: Callable[[str], list[Any]], statement: str) -> None:
    refused(ask, statement)


def test_no_column_that_it_sees_is_a_secret(ask: Callable[[str], list[Any]]) -> None:
    database = connection.settings_dict["NAME"]
    columns = {
        name
        for (name,) in ask(
            f"SELECT column_name FROM information_schema.columns WHERE table_schema = '{database}'"  # noqa: S608
        )
    }
    assert "starts_at" in columns
    assert not columns & {"password", "token", "key"}


@pytest.mark.usefixtures("stream_user")
def test_to_make_it_twice_is_fine(settings: Settings, stream_user: str) -> None:
    said = StringIO()
    for _ in range(2):
        call_command("create_stream_user", stdout=said)
        with closing(signed_in(settings)) as own:
            own.cursor().execute("SELECT * FROM live_head")
    assert said.getvalue().count(stream_user) == 2
    assert settings.SHARED.sse_db_password.get_secret_value() not in said.getvalue()


@pytest.mark.usefixtures("stream_user")
def test_a_changed_password_takes_effect(settings: Settings) -> None:
    call_command("create_stream_user", stdout=StringIO())
    former = settings.SHARED.sse_db_password.get_secret_value()
    for password in ("another one of thirty-two characters", 'it\'s "100%" \\ %s; -- done'):
        set_password(settings, password)
        with pytest.raises(MySQLdb.OperationalError) as refusal:
            signed_in(settings)
        assert refusal.value.args[0] == ACCESS_DENIED
        call_command("create_stream_user", stdout=StringIO())
        signed_in(settings).close()
    set_password(settings, former)
    with pytest.raises(MySQLdb.OperationalError):
        signed_in(settings)


def test_further_grants_are_revoked(ask: Callable[[str], list[Any]], settings: Settings, stream_user: str) -> None:
    database = connection.settings_dict["NAME"]
    with closing(administrator(settings.SHARED)) as admin:
        admin.cursor().execute(f"GRANT ALL ON `{database}`.* TO '{stream_user}'@'%'")
        admin.cursor().execute(f"GRANT PROCESS ON *.* TO '{stream_user}'@'%'")
    with closing(signed_in(settings)) as own:
        own.cursor().execute("SELECT 1 FROM appointment")
    call_command("create_stream_user", stdout=StringIO())
    with closing(signed_in(settings)) as own, pytest.raises(MySQLdb.OperationalError) as refusal:
        own.cursor().execute("SELECT 1 FROM appointment")
    assert refusal.value.args[0] in REFUSALS
    assert not any("PROCESS" in grant for (grant,) in ask("SHOW GRANTS"))


def test_reader_is_never_refused_while_the_command_runs_again(
    ask: Callable[[str], list[Any]], settings: Settings, stream_user: str
) -> None:
    """A deployment runs it while the stream reads."""
    views = sorted(defined_by_migrations(connection).views)
    done, refusals, reads = threading.Event(), [], 0

    def read_on() -> None:
        nonlocal reads
        with closing(signed_in(settings)) as own, own.cursor() as cursor:
            while not done.is_set():
                for view in views:
                    try:
                        cursor.execute(f"SELECT 1 FROM {view} LIMIT 1")  # noqa: S608 - the views' own names
                        cursor.fetchall()
                        reads += 1
                    except MySQLdb.Error as refusal:
                        refusals.append(refusal)

    reader = threading.Thread(target=read_on)
    reader.start()
    try:
        for number in range(20):
            if number % 5 == 4:
                with closing(administrator(settings.SHARED)) as admin:
                    admin.cursor().execute(f"GRANT ALL ON {view_of(views[0])} TO '{stream_user}'@'%'")
            call_command("create_stream_user", stdout=StringIO())
    finally:
        done.set()
        reader.join()
    assert refusals == []
    assert reads > 20
    assert not any("INSERT" in grant or "ALL" in grant for (grant,) in ask("SHOW GRANTS"))


def view_of(name: str) -> str:
    return f"`{connection.settings_dict['NAME']}`.`{name}`"


ACCOUNT = "'s'@'%'"


@pytest.mark.parametrize(
    ("grants", "changes"),
    [
        ([], ["GRANT SELECT ON `d`.`v` TO 's'@'%'", "GRANT SELECT ON `d`.`w` TO 's'@'%'"]),
        (
            [
                "GRANT USAGE ON *.* TO `s`@`%` IDENTIFIED BY PASSWORD '*AB'",
                "GRANT SELECT ON `d`.`v` TO `s`@`%`",
                "GRANT SELECT ON `d`.`w` TO `s`@`%`",
            ],
            [],
        ),
        (
            ["GRANT SELECT, INSERT ON `d`.`v` TO `s`@`%` WITH GRANT OPTION", "GRANT SELECT ON `d`.`w` TO `s`@`%`"],
            ["REVOKE GRANT OPTION ON `d`.`v` FROM 's'@'%'", "REVOKE INSERT ON `d`.`v` FROM 's'@'%'"],
        ),
        (
            [
                "GRANT PROCESS ON *.* TO `s`@`%`",
                "GRANT ALL PRIVILEGES ON `d`.* TO `s`@`%`",
                "GRANT SELECT (`a`, `b`), UPDATE (`c`) ON `d`.`t` TO `s`@`%`",
                "GRANT `desk`@`%` TO `s`@`%`",
                "GRANT SELECT ON `d`.`v` TO `s`@`%`",
                "GRANT SELECT ON `d`.`w` TO `s`@`%`",
            ],
            [
                "REVOKE PROCESS ON *.* FROM 's'@'%'",
                "REVOKE ALL PRIVILEGES ON `d`.* FROM 's'@'%'",
                "REVOKE SELECT (`a`, `b`), UPDATE (`c`) ON `d`.`t` FROM 's'@'%'",
                "REVOKE `desk`@`%` FROM 's'@'%'",
            ],
        ),
    ],
)
def test_only_the_difference_is_granted_and_revoked(grants: list[str], changes: list[str]) -> None:
    assert grant_changes(grants, wanted=["`d`.`v`", "`d`.`w`"], account=ACCOUNT) == changes


@pytest.mark.usefixtures("stream_user")
def test_account_without_the_right_to_create_users_is_told_the_statements(settings: Settings, stream_user: str) -> None:
    set_shared(settings, db_admin_user=None)
    with pytest.raises(CommandError) as refusal:
        call_command("create_stream_user")
    told = str(refusal.value)
    assert "DB_ADMIN_USER" in told
    assert f"CREATE USER IF NOT EXISTS '{stream_user}'@'%';" in told
    for view in defined_by_migrations(connection).views:
        assert f"GRANT SELECT ON `{connection.settings_dict['NAME']}`.`{view}` TO '{stream_user}'@'%';" in told
    assert settings.SHARED.sse_db_password.get_secret_value() not in told


def test_without_a_password_there_is_no_user(settings: Settings) -> None:
    set_shared(settings, sse_db_password=None)
    with pytest.raises(CommandError, match="SSE_DB_PASSWORD is not set"):
        call_command("create_stream_user")
