"""Outages while people work: each begins, lasts some seconds, and is put right."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import MySQLdb

from tools.processes import children_of

from .fuzz_world import World

Outage = Callable[[World, random.Random], None]


def kill_stream(world: World, chance: random.Random) -> None:
    world.stack.stream.kill()
    time.sleep(chance.uniform(0, 2))
    world.stack.stream.start()


def stop_stream(world: World, chance: random.Random) -> None:
    world.stack.stream.stop()
    world.stack.stream.start()


def kill_api(world: World, chance: random.Random) -> None:
    world.stack.api.kill()
    time.sleep(chance.uniform(0, 1))
    world.stack.api.start()


def kill_one_api_process(world: World, chance: random.Random) -> None:
    os.kill(chance.choice(_children_of(world.stack.api.pid)), signal.SIGKILL)


def kill_worker(world: World, chance: random.Random) -> None:
    world.stack.worker.kill()
    time.sleep(chance.uniform(0, 1))
    world.stack.worker.start()


def kill_database(world: World, chance: random.Random) -> None:
    world.server.child.kill()
    time.sleep(chance.uniform(0, 3))
    world.server.start()


def switch_to_read_only(world: World, chance: random.Random) -> None:
    _run_as_admin(world, "SET GLOBAL read_only = 1")
    time.sleep(chance.uniform(2, 6))
    _run_as_admin(world, "SET GLOBAL read_only = 0")


def lock_a_table(world: World, chance: random.Random) -> None:
    """A forgotten transaction has read it, and an ALTER TABLE waits behind: so does everybody after it."""
    table = chance.choice(["appointment", "patient", "stream_head", "account_user", "practitioner"])
    with _connection(world) as reader, _connection(world) as changer:
        reader.begin()
        reader.cursor().execute(f"SELECT COUNT(*) FROM {table}")
        changer.cursor().execute("SET lock_wait_timeout = 15")
        altering = threading.Thread(
            target=_run_ignoring_errors,
            args=(changer, f"ALTER TABLE {table} COMMENT = '{chance.random()}'"),
            daemon=True,
        )
        altering.start()
        time.sleep(chance.uniform(3, 8))
        with suppress(MySQLdb.Error):  # The server itself may have ended it.
            reader.rollback()  # type: ignore[no-untyped-call]
        altering.join()


def hold_a_head(world: World, chance: random.Random) -> None:
    """Leave a transaction open that has written to a clinic."""
    clinic = chance.choice(world.clinics)
    with _connection(world) as forgotten:
        forgotten.begin()
        with suppress(MySQLdb.Error):
            forgotten.cursor().execute("UPDATE stream_head SET seq = seq WHERE clinic_id = %s", (clinic.id,))
            time.sleep(chance.uniform(3, 8))
            forgotten.rollback()  # type: ignore[no-untyped-call]


def freeze_one_api_process(world: World, chance: random.Random) -> None:
    _freeze(chance.choice(_children_of(world.stack.api.pid)), chance.uniform(4, 10))


def freeze_stream(world: World, chance: random.Random) -> None:
    _freeze(world.stack.stream.pid, chance.uniform(3, 6))


def freeze_worker(world: World, chance: random.Random) -> None:
    _freeze(world.stack.worker.pid, chance.uniform(4, 8))


def fill_the_disk(world: World, chance: random.Random) -> None:
    if world.disk is None:
        return
    filler = world.disk / "filler"
    with filler.open("wb") as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 20))
    with filler.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(512))
    try:
        time.sleep(chance.uniform(4, 8))
    finally:
        filler.unlink()
    # MariaDB ends itself where a rollback finds the disk full ("Out of disk space in rollback"): systemd or
    # the container engine starts it again.
    deadline = time.monotonic() + 1
    while world.server.child.is_running and time.monotonic() < deadline:
        time.sleep(0.1)
    if not world.server.child.is_running:
        world.server.start()


def spoil_a_zone(world: World, chance: random.Random) -> None:
    clinic = chance.choice(world.clinics)
    _run_as_admin(world, "UPDATE clinic SET timezone = 'US/Gone' WHERE id = %s", clinic.id)
    time.sleep(chance.uniform(3, 6))
    _run_as_admin(world, "UPDATE clinic SET timezone = 'Europe/Berlin' WHERE id = %s", clinic.id)


def use_up_connections(world: World, chance: random.Random) -> None:
    opened: list[MySQLdb.Connection] = []
    try:
        with suppress(MySQLdb.Error):
            while len(opened) < 600:
                opened.append(world.server.connect())
        # Open files go on; new ones are refused.
        time.sleep(chance.uniform(2, 5))
    finally:
        for connection in opened:
            connection.close()  # type: ignore[no-untyped-call]


OUTAGES: dict[str, Outage] = {
    "stream killed": kill_stream,
    "stream stopped": stop_stream,
    "API killed": kill_api,
    "one API process killed": kill_one_api_process,
    "worker killed": kill_worker,
    "database killed": kill_database,
    "database read-only": switch_to_read_only,
    "table locked by an ALTER": lock_a_table,
    "forgotten transaction": hold_a_head,
    "one API process frozen": freeze_one_api_process,
    "stream frozen": freeze_stream,
    "worker frozen": freeze_worker,
    "disk full": fill_the_disk,
    "unknown zone": spoil_a_zone,
    "connections used up": use_up_connections,
}


def _freeze(pid: int, seconds: float) -> None:
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def _children_of(pid: int) -> list[int]:
    return children_of(pid) or [pid]


def _run_as_admin(world: World, statement: str, *values: object) -> None:
    with _connection(world) as connection:
        connection.cursor().execute(statement, values)


def _run_ignoring_errors(connection: MySQLdb.Connection, statement: str) -> None:
    with suppress(MySQLdb.Error):
        connection.cursor().execute(statement)


@contextmanager
def _connection(world: World) -> Iterator[MySQLdb.Connection]:
    connection = world.admin()
    try:
        yield connection
    finally:
        connection.close()
