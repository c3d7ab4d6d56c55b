"""Archives that must not be restored, dumps of either program, and messages that a restore holds."""

import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from clinic.health.probes import Prober
from clinic.ops.backup.archive import BackupError, Manifest, describe_files, open_archive, write_archive
from clinic.ops.backup.restoring import check_may_restore
from clinic.ops.backup.rows import copy_rows, without_columns
from clinic.outbox.delivery import take_due
from clinic.outbox.holding import hold_due
from clinic.outbox.models import DeliveryChannel, Message, MessageKind, MessageState
from clinic.outbox.services import withdraw_of_visits
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from rest_framework.test import APIClient

from testkit.clinic.monitoring import metric
from testkit.clinic.own_server import options_of, own_server
from testkit.clinic.world import World
from tools.private_server import PrivateServer, environment_of
from tools.run_stack import Stack

NOW = datetime.now(UTC)
BY_MYSQL = rb"""-- MySQL dump 10.13
SET @@GLOBAL.GTID_PURGED='3E11FA47-71CA-11E1-9E33-C80AA9429562:1-5';
LOCK TABLES `stream_head` WRITE;
INSERT INTO `stream_head` (`clinic_id`, `seq`) VALUES (0,12),(1,345);
INSERT INTO `django_migrations` (`id`, `app`, `name`, `applied`) VALUES (1,'ops','0001_job_run','2026-11-30 06:00:00');
INSERT INTO `patient` (`id`, `name`) VALUES (1,'O\'Neil (senior);\nand '' so on\\'),(2,_binary 'x),(y');
UNLOCK TABLES;
"""
BY_MARIADB = rb"""/*M!999999\- enable the sandbox mode */
INSERT INTO `stream_head` (`clinic_id`, `seq`) VALUES
(0,12),
(1,345);
INSERT INTO `django_migrations` (`id`, `app`, `name`, `applied`) VALUES
(1,'ops','0001_job_run','2026-11-30 06:00:00');
INSERT INTO `patient` (`id`, `name`) VALUES
(1,'O\'Neil (senior);\nand so on\\'),
(2,'x),(y');
"""


@pytest.mark.parametrize("dump", [BY_MYSQL, BY_MARIADB])
def test_dump_of_either_program_is_counted_and_stripped(dump: bytes) -> None:
    target = io.BytesIO()
    contents = copy_rows(io.BytesIO(dump), target, on_bytes=lambda _: None)
    assert contents.tables == {"stream_head": 2, "django_migrations": 1, "patient": 2}
    assert contents.heads == {"0": 12, "1": 345}
    assert contents.migrations == [("ops", "0001_job_run")]
    written = target.getvalue()
    assert written.count(b"INSERT INTO") == 3
    assert b"GTID" not in written
    assert b"LOCK" not in written


def test_generated_columns_are_left_out() -> None:
    statement = rb"""INSERT INTO `a` (`id`, `name`, `sum`, `at`) VALUES
(1,'O\'Neil, (a);',2,NULL),
(2,_binary 'it''s',-3.5,0x00FF);
"""
    rows = rb"(1,'O\'Neil, (a);',NULL),(2,_binary 'it''s',0x00FF)"
    written = without_columns(statement, frozenset({"sum"}))
    assert written == b"INSERT INTO `a` (`id`, `name`, `at`) VALUES " + rows + b";\n"
    assert without_columns(statement, frozenset({"other"})) == statement


@pytest.mark.parametrize("dump", [BY_MYSQL[:-40], b"", b"ERROR 1045"])
def test_cut_or_foreign_dump_is_refused(dump: bytes) -> None:
    with pytest.raises(BackupError):
        copy_rows(io.BytesIO(dump), io.BytesIO(), on_bytes=lambda _: None)


@pytest.fixture
def archive(tmp_path: Path) -> Callable[..., Path]:
    def make(*, rows: bytes = BY_MYSQL, **more: Any) -> Path:
        folder = tmp_path / "folder"
        (folder / "media").mkdir(parents=True)
        with gzip.open(folder / "rows.sql.gz", "wb") as packed:
            packed.write(rows)
        (folder / "settings.json").write_text("{}")
        (folder / "media" / "photo.webp").write_bytes(bytes(5000))
        given: dict[str, Any] = {
            "version": "0.1.0",
            "created_at": NOW.isoformat(),
            "server": "10.11",
            "migrations": [("ops", "0001_job_run")],
            "tables": {},
            "heads": {},
            "files": describe_files(folder),
        }
        path = tmp_path / "backup.tar"
        write_archive(path, folder, Manifest(**{**given, **more}))
        return path

    return make


def test_whole_archive_opens_and_belongs_to_its_owner_alone(archive: Callable[..., Path]) -> None:
    path = archive()
    with open_archive(path) as opened:
        assert opened.media() == ["media/photo.webp"]
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_changed_byte_is_found(archive: Callable[..., Path], share: float) -> None:
    path = archive()
    content = bytearray(path.read_bytes())
    with tarfile.open(path) as tar:
        member = tar.getmember("media/photo.webp")
    content[member.offset_data + int(member.size * share)] ^= 1
    path.write_bytes(content)
    with pytest.raises(BackupError, match="damaged"), open_archive(path):
        pass


@pytest.mark.parametrize("length", [0, 100, 3000])
def test_cut_archive_is_refused(archive: Callable[..., Path], length: int) -> None:
    path = archive()
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(BackupError), open_archive(path):
        pass


def test_archive_that_leaves_its_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.tar"
    manifest = {
        "version": "0",
        "created_at": "",
        "server": "",
        "migrations": [],
        "tables": {},
        "heads": {},
        "format": 1,
    }
    name = "media/../../evil"
    with tarfile.open(path, "w") as tar:
        text = json.dumps({**manifest, "files": {name: {"bytes": 0, "sha256": ""}}}).encode()
        for member, content in (("manifest.json", text), (name, b"")):
            info = tarfile.TarInfo(member)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    with pytest.raises(BackupError), open_archive(path):
        pass


def test_archive_of_a_later_format_or_version_is_refused(db: None, archive: Callable[..., Path]) -> None:
    later = Manifest("9.0", "", "", [("ops", "9999_unknown")], {}, {}, {})
    with pytest.raises(BackupError, match=r"version 9\.0, which is newer than this one"):
        check_may_restore(later, replace=True)
    with pytest.raises(BackupError, match="which is newer"), open_archive(archive(format=99)):
        pass


def test_database_with_a_clinic_is_not_replaced_unasked(world: World, archive: Callable[..., Path]) -> None:
    with pytest.raises(CommandError, match="The database is not empty"):
        call_command("restore", str(archive()))


# Place of the archive


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """The output of a dump program that ran elsewhere."""
    rows = tmp_path / "rows.sql"
    rows.write_bytes(BY_MARIADB)
    return rows


def test_existing_file_is_kept_unless_overwriting_is_asked_for(db: None, tmp_path: Path, rows: Path) -> None:
    path = tmp_path / "monday.tar"
    path.write_bytes(b"of last week")
    with pytest.raises(CommandError, match=r"monday\.tar exists already\. Choose another name, or .* --overwrite"):
        call_command("backup", str(path), rows=rows)
    assert path.read_bytes() == b"of last week"
    call_command("backup", str(path), rows=rows, overwrite=True)
    with open_archive(path) as opened:
        assert opened.manifest.tables["patient"] == 2


def test_file_that_appears_while_the_archive_is_packed_is_kept(archive: Callable[..., Path], tmp_path: Path) -> None:
    path = archive()
    written = path.read_bytes()
    with pytest.raises(BackupError, match="exists already"):
        write_archive(path, tmp_path / "folder", Manifest("", "", "", [], {}, {}, {}))
    assert path.read_bytes() == written
    assert not path.with_name("backup.tar.part").exists()


def test_folder_in_place_of_a_file_is_refused(db: None, tmp_path: Path, rows: Path) -> None:
    with pytest.raises(CommandError, match=r"is a folder\. Name a file in it"):
        call_command("backup", str(tmp_path), rows=rows, overwrite=True)


def test_relative_path_is_told_in_full(
    db: None, tmp_path: Path, rows: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    call_command("backup", "backups/monday.tar", rows=Path("rows.sql"))
    path = tmp_path / "backups" / "monday.tar"
    assert path.is_file()
    assert f"{path}: " in capsys.readouterr().out


def test_relative_path_beside_the_running_stack_is_meant_from_where_it_is_typed(
    db: None, tmp_path: Path, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`tools.run_stack manage` runs the command in the folder of django-rest."""
    environment = {**os.environ, "DB_NAME": str(settings.DATABASES["default"]["NAME"])}
    stack = Stack(environment=environment, folder=tmp_path, api_port=1, stream_port=2)
    monkeypatch.chdir(tmp_path)
    stack.manage("backup", "monday.tar", "--rows", "rows.sql")
    assert (tmp_path / "monday.tar").is_file()


# A restore that fails half-way

CUT = BY_MYSQL[: BY_MYSQL.index(b"O\\'Neil")]


@pytest.fixture
def empty_server(tmp_path: Path) -> Iterator[PrivateServer]:
    with own_server(tmp_path / "server") as server:
        yield server


def manage(server: PrivateServer, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **environment_of(server)}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_unfinished_restore_is_refused_by_probes_migrations_and_worker(
    empty_server: PrivateServer, archive: Callable[..., Path]
) -> None:
    path = str(archive(rows=CUT, migrations=[("contenttypes", "0001_initial")]))
    failed = manage(empty_server, "restore", path)
    assert failed.stderr.startswith("CommandError: The dump ends in the middle of a statement.")
    prober = Prober(options_of(empty_server))
    assert prober.check().reads == "unfinished_restore"
    for command in (["migrate"], ["run_worker", "--once"]):
        refused = manage(empty_server, *command)
        assert "A restore into this database has not been finished." in refused.stderr
        assert refused.returncode == 1
    again = manage(empty_server, "restore", path, "--replace")
    assert "middle of a statement" in again.stderr


# Held messages


def queue(world: World, body: str, *, minutes: int, state: MessageState = MessageState.QUEUED) -> Message:
    """One that is being sent has its first attempt without an end."""
    due = NOW + timedelta(minutes=minutes)
    return Message.objects.create(
        clinic=world.clinic,
        kind=MessageKind.REMINDER,
        channel=DeliveryChannel.SMS,
        template="reminder",
        recipient="+491701234567",
        body=body,
        state=state,
        appointment_id=7,
        attempts=int(state is MessageState.SENDING),
        created_at=due,
        send_at=due,
        due_at=due,
    )


@pytest.fixture
def held(world: World) -> list[Message]:
    held = [queue(world, "due", minutes=-5), queue(world, "being sent", minutes=1, state=MessageState.SENDING)]
    queue(world, "later", minutes=30)
    assert hold_due(now=NOW) == 2
    return held


def test_held_message_is_not_sent(held: list[Message]) -> None:
    assert [message.body for message in take_due(now=NOW + timedelta(hours=1))] == ["later"]
    assert metric("chairside_messages_held") == 2


def test_list_releases_nothing(held: list[Message], capsys: pytest.CaptureFixture[str]) -> None:
    call_command("release_messages", "--list")
    assert "2 held messages" in capsys.readouterr().out
    assert Message.objects.filter(state=MessageState.HELD).count() == 2


def test_released_messages_are_due_at_once(held: list[Message]) -> None:
    call_command("release_messages", "--yes")
    taken = take_due(now=datetime.now(UTC) + timedelta(seconds=5))
    assert {message.pk for message in taken} == {message.pk for message in held}


def test_dropped_messages_are_never_sent(held: list[Message]) -> None:
    call_command("release_messages", "--drop", "--yes")
    assert [message.body for message in take_due(now=NOW + timedelta(hours=1))] == ["later"]
    assert set(Message.objects.filter(error__startswith="Discarded").values_list("body", "state")) == {
        ("due", "cancelled"),
        ("being sent", "dead"),
    }


def test_held_message_is_withdrawn_with_its_cause(held: list[Message]) -> None:
    assert withdraw_of_visits([7]) >= 1
    assert not Message.objects.filter(state=MessageState.HELD).exists()


def test_desk_finds_held_messages_by_state(world: World, held: list[Message]) -> None:
    found = world.client(world.sam).get("/api/v1/messages", {"state": "held"}).json()["results"]
    assert len(found) == 2
    assert APIClient().get("/api/v1/messages", {"state": "held"}).status_code == 401
