"""A killed master of django-rest leaves no worker that holds the port."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from django.db import connection

from tools.processes import Identity, children_of, free_port, is_port_taken, wait_until_gone
from tools.run_stack import GUNICORN_FLAGS

DJANGO_REST = Path(__file__).resolve().parents[1]


@pytest.fixture
def master(transactional_db: None) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "config.wsgi:application", f"--bind=127.0.0.1:{port}"]
    environment = {**os.environ, "DB_NAME": connection.settings_dict["NAME"]}
    process = subprocess.Popen(
        [*command, *GUNICORN_FLAGS],
        cwd=DJANGO_REST,
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_answer(port)
        yield process, port
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for_answer(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/livez", timeout=2).raise_for_status()
            return
        except httpx.HTTPError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def workers_of(pid: int) -> list[Identity]:
    return [identity for child in children_of(pid) if (identity := Identity.of(child))]


def test_workers_end_with_a_killed_master(master: tuple[subprocess.Popen[bytes], int]) -> None:
    process, port = master
    workers = workers_of(process.pid)
    assert len(workers) == 2
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert wait_until_gone(workers, 8) == []
    assert not is_port_taken(port)
