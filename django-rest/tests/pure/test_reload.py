"""Which services `make dev` restarts after which change."""

import os
from pathlib import Path

import pytest

from tools.reload import FileWatcher, has_migrations, services_to_restart


@pytest.mark.parametrize(
    ("path", "services"),
    [
        ("django-rest/clinic/scheduling/slots.py", ["django-rest", "worker"]),
        ("django-rest/clinic/messaging/templates/messages/moved.sms.txt", ["django-rest", "worker"]),
        ("django-rest/clinic/portal/static/portal/board/board.js", []),
        ("fastapi-sse/clinic_stream/hub.py", ["fastapi-sse"]),
        ("fastapi-sse/clinic_stream/browser/chairside-live.js", ["fastapi-sse"]),
        ("shared-config/shared_config/settings.py", ["django-rest", "worker", "fastapi-sse"]),
        ("shared-config/.env", ["django-rest", "worker", "fastapi-sse"]),
    ],
)
def test_change_restarts_the_services_that_read_the_file(path: str, services: list[str]) -> None:
    assert services_to_restart([Path(path)]) == services


def test_new_migration_is_applied() -> None:
    assert has_migrations([Path("django-rest/clinic/ops/migrations/0009_new.py")])
    assert not has_migrations([Path("django-rest/clinic/worker/models.py")])


def test_watcher_reports_written_added_and_removed_files_once(tmp_path: Path) -> None:
    folder = tmp_path / "django-rest"
    folder.mkdir()
    (folder / "written.py").write_text("1")
    (folder / "removed.py").write_text("1")
    (folder / "__pycache__").mkdir()
    watcher = FileWatcher(tmp_path)
    assert watcher.changed() == set()
    os.utime(folder / "written.py", (1, 1))
    (folder / "removed.py").unlink()
    (folder / "added.py").write_text("1")
    (folder / "notes.md").write_text("1")
    (folder / "__pycache__" / "added.py").write_text("1")
    names = {"written.py", "added.py", "removed.py"}
    assert watcher.changed() == {Path("django-rest") / name for name in names}
    assert watcher.changed() == set()
