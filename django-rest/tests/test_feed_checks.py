"""Checks of the database: each is silent where it is in order, else it says what to do."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from clinic.appointments.models import Appointment
from clinic.changefeed.definitions import defined_by_migrations
from clinic.changefeed.models import StreamEpoch, StreamHead
from clinic.common.mysql.conditions import DUPLICATE_KEY
from clinic.scheduling.models import ClaimedCell
from django.core import checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import OperationalError, connection, connections
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from testkit.clinic.feed_rows import Event, Feed, cells_of, insert_copy, make_hold, select, sql
from testkit.clinic.times import At
from testkit.clinic.world import World
from tools.private_server import Accounts, PrivateServer
from tools.processes import free_port

BINLOG_REFUSES_TRIGGERS = 1419


def complaints(alias: str = "default") -> list[checks.CheckMessage]:
    """Without the warnings about power loss: a throw-away server is fast instead of durable."""
    found = checks.run_checks(tags=[checks.Tags.database], databases=[alias])
    return [message for message in found if not (message.id or "").startswith("common.W")]


def ids(messages: list[checks.CheckMessage]) -> list[str | None]:
    return [message.id for message in messages]


@pytest.fixture
def reach_out(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Django's own test case keeps a test to the databases of the settings."""
    with django_db_blocker.unblock():
        yield
        connection.close()


@contextmanager
def database_called(alias: str, **changes: Any) -> Iterator[str]:
    """The service's own connection settings, changed."""
    connections.settings[alias] = {**connections.settings["default"], **changes}
    try:
        yield alias
    finally:
        connections[alias].close()
        del connections[alias], connections.settings[alias]


@pytest.mark.django_db
def test_all_is_well() -> None:
    assert complaints() == []
    call_command("check", databases=["default"])


def test_no_database_is_asked_unless_it_is_named(settings: Settings) -> None:
    settings.SHARED = settings.SHARED.model_copy(update={"public_url": "https://clinic.example"})
    assert ids(checks.run_checks()) == []


# The isolation: E001


@pytest.mark.usefixtures("reach_out")
@pytest.mark.parametrize("level", ["repeatable read", "serializable", "read uncommitted"])
def test_another_isolation_than_read_committed_is_an_error(level: str) -> None:
    options = {**connections.settings["default"]["OPTIONS"], "isolation_level": level}
    with database_called("otherwise", OPTIONS=options) as alias:
        [complaint] = complaints(alias)
    assert complaint.id == "changefeed.E001"
    assert level.upper().replace(" ", "-") in complaint.msg
    assert "isolation_level" in (complaint.hint or "")


# A server that refuses triggers: E002


@pytest.fixture(scope="module")
def strict_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServer]:
    """As MySQL is by default: the binary log is on, and only a superuser is trusted with triggers."""
    path = "/usr/sbin:/usr/local/sbin"
    if not (shutil.which("mariadbd") or shutil.which("mariadbd", path=path)):
        pytest.skip("no server program on this machine")
    flags = ["--log-bin-trust-function-creators=0", "--innodb-flush-log-at-trx-commit=0"]
    server = PrivateServer(tmp_path_factory.mktemp("strict"), free_port(), Accounts.fresh(), extra_flags=flags)
    server.start()
    yield server
    server.stop()


def settings_for(server: PrivateServer, *, as_admin: bool = False) -> dict[str, Any]:
    accounts = server.accounts
    return {
        "HOST": "127.0.0.1",
        "PORT": str(server.port),
        "NAME": accounts.database,
        "USER": accounts.admin_user if as_admin else accounts.user,
        "PASSWORD": accounts.admin_password if as_admin else accounts.password,
    }


@pytest.mark.usefixtures("reach_out")
def test_a_server_that_would_refuse_triggers_is_an_error(strict_server: PrivateServer) -> None:
    with database_called("strict", **settings_for(strict_server)) as alias:
        with connections[alias].cursor() as cursor:
            cursor.execute("CREATE TABLE thing (id INT)")
            with pytest.raises(OperationalError) as refusal:
                cursor.execute("CREATE TRIGGER on_thing AFTER INSERT ON thing FOR EACH ROW BEGIN END")
            cursor.execute("DROP TABLE thing")
        [complaint] = complaints(alias)
        with pytest.raises(SystemCheckError, match=r"changefeed\.E002"):
            call_command("migrate", database=alias, verbosity=0, skip_checks=False)
        assert select_tables(alias) == []
    assert refusal.value.args[0] == BINLOG_REFUSES_TRIGGERS
    assert complaint.id == "changefeed.E002"
    assert "log_bin_trust_function_creators = 1" in (complaint.hint or "")


@pytest.mark.usefixtures("reach_out")
def test_a_superuser_is_trusted(strict_server: PrivateServer) -> None:
    with database_called("strict", **settings_for(strict_server, as_admin=True)) as alias:
        assert complaints(alias) == []


@pytest.mark.usefixtures("reach_out")
def test_hint_of_a_refusal_helps(strict_server: PrivateServer) -> None:
    with closing(strict_server.connect(as_admin=True)) as admin:
        admin.cursor().execute("SET GLOBAL log_bin_trust_function_creators = 1")
        try:
            with database_called("strict", **settings_for(strict_server)) as alias:
                assert complaints(alias) == []
        finally:
            admin.cursor().execute("SET GLOBAL log_bin_trust_function_creators = 0")


def select_tables(alias: str) -> list[str]:
    with connections[alias].cursor() as cursor:
        return connections[alias].introspection.table_names(cursor)


# Losses of a restore: E003 and E004


@pytest.fixture
def nothing_lost_for_good(committed_world: World) -> Iterator[None]:
    """Restore all that a test drops: the database is shared."""
    yield
    call_command("repair_feed")
    assert complaints() == []


@pytest.mark.usefixtures("nothing_lost_for_good")
def test_missing_triggers_are_an_error_that_names_them(committed_world: World) -> None:
    sql("DROP TRIGGER hold_feed_on_delete")
    sql("DROP TRIGGER appointment_claims_patient_on_insert")
    [complaint] = complaints()
    assert complaint.id == "changefeed.E003"
    assert "appointment_claims_patient_on_insert, hold_feed_on_delete." in complaint.msg
    assert "repair_feed" in (complaint.hint or "")
    with pytest.raises(SystemCheckError, match=r"changefeed\.E003"):
        call_command("migrate", verbosity=0, skip_checks=False)


@pytest.mark.usefixtures("nothing_lost_for_good")
def test_missing_views_are_an_error_that_names_them(committed_world: World) -> None:
    sql("DROP VIEW live_hold")
    sql("DROP VIEW live_event")
    [complaint] = complaints()
    assert complaint.id == "changefeed.E004"
    assert "live_event, live_hold." in complaint.msg
    assert "repair_feed" in (complaint.hint or "")
    assert "create_stream_user" in (complaint.hint or "")


@pytest.mark.parametrize("applied", [True, False])
def test_pending_migration_is_not_missing(db: None, applied: bool) -> None:
    """`migrate` runs these checks first: it must not refuse for what it is about to make."""
    newest = {"app": "changefeed", "name": "0004_a_record_that_goes_ends_its_sessions"}
    trigger = "patient_feed_on_delete"
    if not applied:
        sql("DELETE FROM django_migrations WHERE app = %s AND name = %s", *newest.values())
    assert (trigger in defined_by_migrations(connection).triggers) is applied
    assert trigger in defined_by_migrations(connection, applied_only=False).triggers
    assert complaints() == []


# The repair


@pytest.mark.usefixtures("nothing_lost_for_good")
def test_a_repair_makes_everything_again_and_claims_what_stands(
    committed_world: World, tomorrow_at: At, capsys: pytest.CaptureFixture[str]
) -> None:
    world = committed_world
    cancelled, moved = world.book(tomorrow_at(9)), world.book(tomorrow_at(10))
    hold = make_hold(world.clinic, world.quentin, tomorrow_at(9))
    definitions = defined_by_migrations(connection)
    for name in definitions.triggers:
        sql(f"DROP TRIGGER {name}")
    for name in definitions.views:
        sql(f"DROP VIEW {name}")
    # Written while nothing watches.
    Appointment.objects.filter(pk=cancelled.pk).update(status="cancelled")
    unclaimed = insert_copy(moved, later=timedelta(hours=2))
    StreamHead.objects.filter(pk=world.hillside.pk).delete()
    epoch = StreamEpoch.objects.get().epoch
    assert set(cells_of(world.petra).values()) == {(cancelled.pk, None), (moved.pk, None)}

    call_command("repair_feed")

    assert "live_head" in capsys.readouterr().out
    assert complaints() == []
    assert set(cells_of(world.petra).values()) == {(moved.pk, None), (unclaimed, None)}
    assert set(cells_of(world.quentin).values()) == {(None, hold.pk)}
    assert StreamEpoch.objects.get().epoch != epoch
    assert Feed(world.hillside.pk).start == 0
    feed = Feed(world.clinic.pk)
    with pytest.raises(Exception, match=str(DUPLICATE_KEY)):
        insert_copy(moved, later=timedelta(hours=2))
    sql("DELETE FROM appointment WHERE id = %s", unclaimed)
    assert feed.events == [Event("appointment", unclaimed, "delete")]
    assert set(cells_of(world.petra).values()) == {(moved.pk, None)}


@pytest.mark.usefixtures("nothing_lost_for_good")
def test_a_repair_keeps_the_claims_before_the_feed(committed_world: World) -> None:
    """The holder of the head's lock waits for nobody's cell: practitioners' come before it, patients' under it."""
    sql("DROP TRIGGER appointment_claims_practitioner_on_update")
    call_command("repair_feed")
    order = select(
        "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()"
        " AND event_object_table = 'appointment' AND event_manipulation = 'UPDATE' ORDER BY action_order"
    )
    assert order == [
        ("appointment_claims_practitioner_on_update",),
        ("appointment_feed_on_update",),
        ("appointment_claims_patient_on_update",),
    ]


@pytest.mark.usefixtures("nothing_lost_for_good")
def test_a_repair_tells_of_overlaps_that_were_written_meanwhile(
    committed_world: World, tomorrow_at: At, capsys: pytest.CaptureFixture[str]
) -> None:
    appointment = committed_world.book(tomorrow_at(9))
    sql("DROP TRIGGER appointment_claims_practitioner_on_insert")
    sql("DROP TRIGGER appointment_claims_patient_on_insert")
    insert_copy(appointment, later=timedelta(minutes=15))
    call_command("repair_feed")
    assert "overlap, in 6 cells" in capsys.readouterr().err
    assert ClaimedCell.objects.count() == 18


@pytest.mark.django_db
def test_a_repair_of_what_is_whole_changes_no_claim(
    world: World, tomorrow_at: At, capsys: pytest.CaptureFixture[str]
) -> None:
    world.book(tomorrow_at(9))
    make_hold(world.clinic, world.petra, tomorrow_at(12))
    claimed = cells_of(world.petra)
    call_command("repair_feed")
    assert "all was there" in capsys.readouterr().out
    assert cells_of(world.petra) == claimed


@pytest.mark.usefixtures("nothing_lost_for_good")
def test_the_feeds_migrations_go_back_and_forth(committed_world: World, tomorrow_at: At) -> None:
    world = committed_world
    world.book(tomorrow_at(9))
    head = Feed(world.clinic.pk).start
    call_command("migrate", "changefeed", "0001", verbosity=0)
    assert defined_by_migrations(connection).views == {}
    call_command("migrate", verbosity=0)
    assert Feed(world.clinic.pk).start == head
