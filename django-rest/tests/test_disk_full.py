"""A full disk of the database: readiness says so within seconds, nothing hangs, and it recovers by itself.

LONG=1 waits for the recovery too: MariaDB looks once a minute whether a full disk was freed.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import MySQLdb
import pytest
from clinic.common.mysql.conditions import condition_of
from clinic.common.mysql.connecting import open_connection
from clinic.health import probes
from clinic.health.probes import Prober

from testkit.clinic.own_server import make_canary_schema, options_of, own_server
from tools.private_server import PrivateServer

MEGABYTES = 220
NOT_WRITABLE = {"disk_full", "write_timeout"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small disk of its own needs the right to mount one")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def server(small_disk: Path) -> Iterator[PrivateServer]:
    flags = ["--innodb-log-file-size=8M", "--innodb-buffer-pool-size=16M", "--sync-binlog=1"]
    with own_server(small_disk, *flags) as server:
        make_canary_schema(server)
        with closing(server.connect()) as session, session.cursor() as cursor:
            cursor.execute("CREATE TABLE note (id INT AUTO_INCREMENT PRIMARY KEY, text LONGTEXT)")
        yield server


def fill(folder: Path) -> Path:
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 65536)
    return filler


def test_full_disk_is_not_ready_and_a_freed_one_is_ready_again(
    server: PrivateServer, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "CANARY_SECONDS_IN_TROUBLE", 0.2)
    prober = Prober(options_of(server), canary_seconds=0.2)
    prober.check()
    assert prober.reason() == "ok"
    filler = fill(small_disk)
    began = time.monotonic()
    while prober.reason() == "ok":
        prober.check()
        assert time.monotonic() - began < 30, "the canary finds the disk full"
    assert prober.reason() in NOT_WRITABLE
    assert prober.reason(for_reads=True) == "ok"
    assert _write(server) is not None
    if not os.environ.get("LONG"):
        return
    filler.unlink()
    while prober.reason() != "ok":
        prober.check()
        assert time.monotonic() - began < 120, "it recovers by itself"
        time.sleep(0.2)
    assert _write(server) is None


def _write(server: PrivateServer) -> MySQLdb.Error | None:
    """Refusal of a large write with a request's timeouts, if it is refused; it never hangs."""
    options = {**options_of(server), "autocommit": True, "read_timeout": 3, "write_timeout": 3}
    session = open_connection(**options)
    refused: MySQLdb.Error | None = None
    try:
        session.query("INSERT INTO note (text) VALUES (REPEAT('x', 1000000))")
    except MySQLdb.Error as error:
        refused = error
    session.close()  # type: ignore[no-untyped-call]
    assert refused is None or condition_of(refused) == "disk_full" or refused.args[0] in {2013, 2006, 1205}
    return refused
