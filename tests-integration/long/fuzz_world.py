"""A whole stack with several clinics, on a database whose disk can be filled up."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import MySQLdb

from tools import run_stack
from tools.private_server import Accounts, PrivateServer, environment_of
from tools.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
DISK_MEGABYTES = 900
HEARTBEAT_SECONDS = 1
PASSWORD = "correct horse battery staple"
CLINICS = 3
CONNECT_SECONDS = 20
# Run by `manage.py shell`: nobody works by the API before there is a clinic.
MAKE_CLINICS = f"""
import json
from datetime import date, time
from clinic.accounts.models import Role, User
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic, Practitioner, Service, ServicePractitioner, WorkingBlock

made = []
for number in range({CLINICS}):
    clinic = Clinic.objects.create(name=f"Clinic {{number}}", slug=f"clinic-{{number}}", timezone="Europe/Berlin")
    owner = User.objects.create_user(
        email=f"owner-{{number}}@example.org", password="{PASSWORD}", name="Olga", role=Role.OWNER, clinic=clinic
    )
    practitioners = [Practitioner.objects.create(clinic=clinic, name=name) for name in ("Petra", "Paul")]
    for practitioner in practitioners:
        for weekday in range(7):
            WorkingBlock.objects.create(
                practitioner=practitioner, weekday=weekday, start_local=time(0), end_local=time(23, 55),
                valid_from=date(2020, 1, 1),
            )
    patients = [Patient.objects.create(clinic=clinic, name=f"Patient {{place}}") for place in "ABCDEF"]
    made.append({{
        "id": clinic.pk, "email": owner.email, "practitioners": [row.pk for row in practitioners],
        "patients": [row.pk for row in patients],
    }})
print("CLINICS " + json.dumps(made))
"""


@dataclass(frozen=True)
class FuzzClinic:
    id: int
    email: str
    practitioners: list[int]
    patients: list[int]


class World:
    """The running stack, its clinics, and direct access to what an outage breaks."""

    def __init__(self, stack: run_stack.Stack, server: PrivateServer, disk: Path | None) -> None:
        self.stack = stack
        self.server = server
        # The folder whose file system holds the data and nothing else; None where none could be mounted.
        self.disk = disk
        self.clinics: list[FuzzClinic] = []

    def make_clinics(self) -> None:
        output = self._shell(MAKE_CLINICS)
        [line] = [line for line in output.splitlines() if line.startswith("CLINICS ")]
        self.clinics = [FuzzClinic(**made) for made in json.loads(line.removeprefix("CLINICS "))]

    def admin(self, **options: Any) -> Any:
        """Patient: after an outage a busy server may not take a connection in time."""
        deadline = time.monotonic() + CONNECT_SECONDS
        while True:
            try:
                return self.server.connect(as_admin=True, **options)
            except MySQLdb.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def rows(self, query: str, *values: object) -> tuple[tuple[Any, ...], ...]:
        connection: MySQLdb.Connection = self.admin()
        try:
            cursor = connection.cursor()
            cursor.execute(query, values)
            return tuple(cursor.fetchall())
        finally:
            connection.close()  # type: ignore[no-untyped-call]

    def _shell(self, script: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", script],
            cwd=ROOT / "django-rest",
            env=self.stack.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def starts_ahead() -> Iterator[datetime]:
    """Half hours from tomorrow on, inside the week that every board shows."""
    first = (datetime.now(UTC) + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    return (first + timedelta(minutes=30 * step) for step in range(6 * 48))


@contextmanager
def running_world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="chairside-fuzz-") as name, _small_disk(Path(name) / "db") as disk:
        folder = Path(name)
        server = PrivateServer(folder / "db", free_port(), Accounts.fresh(), log=folder / "database.log")
        api_port, stream_port = free_port(), free_port()
        with run_stack.Stack(
            environment={
                **os.environ,
                **environment_of(server),
                **run_stack.as_browsers_see_it(api_port, stream_port),
                "PUBLIC_URL": f"http://127.0.0.1:{api_port}",
                "SSE_HEARTBEAT_SECONDS": str(HEARTBEAT_SECONDS),
                "JWT_ACCESS_TOKEN_LIFETIME": "60",
                "ENABLE_RATE_LIMITS": "false",
            },
            folder=folder,
            api_port=api_port,
            stream_port=stream_port,
            server=server,
        ) as stack:
            world = World(stack, server, disk)
            world.make_clinics()
            yield world
            if kept := os.environ.get("KEEP_LOGS"):
                shutil.copytree(folder / "log", kept, dirs_exist_ok=True)


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path | None]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "chairside-fuzz", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
