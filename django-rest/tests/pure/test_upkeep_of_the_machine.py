"""How much memory the private database gets, where throw-away ones lie, and what becomes of log files."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tools.log_rotation import LogRotation
from tools.memory import MEGABYTE, buffer_pool_mb, memory_bytes
from tools.processes import Identity
from tools.throw_away import folder_in_memory, throw_away_folder

NOW = datetime(2027, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("memory_mb", "pool_mb"), [(256, 128), (1024, 256), (4096, 1024), (16_384, 4096), (131_072, 8192)]
)
def test_buffer_pool_is_a_quarter_of_the_memory_within_bounds(memory_mb: int, pool_mb: int) -> None:
    assert buffer_pool_mb(memory_mb * MEGABYTE) == pool_mb


def test_memory_is_that_of_the_machine_or_less() -> None:
    assert 64 * MEGABYTE < memory_bytes() <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_shared_memory_is_taken_where_it_has_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.throw_away.ENOUGH_BYTES", 1)
    assert folder_in_memory(tmp_path) == tmp_path
    monkeypatch.setattr("tools.throw_away.ENOUGH_BYTES", 2**60)
    assert folder_in_memory(tmp_path) is None
    assert folder_in_memory(tmp_path / "none such") is None


def test_folder_of_a_process_that_is_gone_is_swept_and_one_in_use_stays(tmp_path: Path) -> None:
    with throw_away_folder(tmp_path) as left, throw_away_folder(tmp_path) as used:
        Identity(os.getpid(), started_at=1.0).write(left / "owner")
        with throw_away_folder(tmp_path) as third:
            assert not left.exists()
            assert used.exists()
        assert not third.exists()


def test_full_log_is_set_aside_and_its_service_goes_on_writing(tmp_path: Path) -> None:
    rotation, log = LogRotation(tmp_path, keep_days=0, full_bytes=10), tmp_path / "worker.log"
    with log.open("ab", buffering=0) as service:
        service.write(b"first line\n")
        rotation.rotate(NOW)
        service.write(b"next\n")
        rotation.rotate(NOW + timedelta(hours=1))
    assert log.read_bytes() == b"next\n"
    assert (tmp_path / "worker.log.20270601T120000").read_bytes() == b"first line\n"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(("keep_days", "is_kept"), [(30, False), (32, True), (0, True)])
def test_log_set_aside_goes_after_its_days(tmp_path: Path, keep_days: int, is_kept: bool) -> None:
    old = tmp_path / "worker.log.20270501T120000"
    old.write_bytes(b"long ago")
    then = (NOW - timedelta(days=31)).timestamp()
    os.utime(old, (then, then))
    LogRotation(tmp_path, keep_days=keep_days).rotate(NOW)
    assert old.exists() == is_kept
