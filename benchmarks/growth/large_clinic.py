"""One clinic with very many appointments in its live window, by raw SQL, beside a small one."""

import http.client
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from benchmarks.contenders import NO_LIMITS
from benchmarks.costs import pin, server_core
from benchmarks.growth.small_clinics import insert
from testkit.stream.clinic import Person, TestClinic
from testkit.stream.database import Database, Server
from testkit.stream.service import StreamService
from tools.private_server import environment_of, throw_away_server

DAYS = 31
SLOTS_A_DAY = 32
SLOT = timedelta(minutes=15)
VISITS_OF_A_PATIENT = 3
PROBE_SECONDS = 0.002


class LargeClinic(TestClinic):
    """Visits of the next 31 days, as many for each practitioner and day as fit into eight hours."""

    def __init__(self, database: Database, rows: int) -> None:
        super().__init__(database)
        self.rows = rows
        self.practitioners = [self.petra] + [
            Person("Dr.", 0, {}, database.insert("practitioner", **_practitioner(self.id)))
            for _ in range(rows // (DAYS * SLOTS_A_DAY))
        ]
        first = 1 + int(database.value("SELECT MAX(id) FROM patient"))
        now = self.instant(self.today, 0)
        patient = {"clinic_id": self.id, "email": "anna@example.org", "phone": "+4930123456", "created_at": now}
        ids = range(first, first + 1 + rows // VISITS_OF_A_PATIENT)
        insert(database, "patient", [{"id": row_id, "name": f"Anna {row_id}", **patient} for row_id in ids])
        insert(database, "appointment", [self._visit(number, ids) for number in range(rows)])
        # A head without its events, as after their retention: 50,000 that were just written are no quiet clinic.
        database.execute("DELETE FROM realtime_event WHERE clinic_id = %s", self.id)
        database.execute("ANALYZE TABLE appointment")

    def _visit(self, number: int, patients: range) -> dict[str, object]:
        place, practitioner = divmod(number, len(self.practitioners))
        day, slot = divmod(place, SLOTS_A_DAY)
        on = self.day(day)
        starts_at = self.instant(on, 8 * 60) + slot * SLOT
        return {
            "clinic_id": self.id,
            "patient_id": patients[number % len(patients)],
            "practitioner_id": self.practitioners[practitioner].row_id,
            "service_id": self.service_id,
            "starts_at": starts_at,
            "ends_at": starts_at + SLOT,
            "blocked_from": starts_at,
            "blocked_until": starts_at + SLOT,
            "local_date": on,
            "status": "completed",
            "notes": "",
            "cancel_reason": "",
            "source": "desk",
            "version": 1,
            "created_at": starts_at - timedelta(days=20, seconds=number),
            "updated_at": starts_at - timedelta(days=20, seconds=number),
        }


def _practitioner(clinic_id: int) -> dict[str, object]:
    return {"clinic_id": clinic_id, "name": "Dr. Petra", "specialisation": "", "active": True}


@contextmanager
def database() -> Iterator[Database]:
    with throw_away_server() as server:
        os.environ.update(environment_of(server))
        yield Database(Server.from_environment())


@contextmanager
def service_on(database: Database) -> Iterator[StreamService]:
    with (
        tempfile.TemporaryDirectory() as folder,
        StreamService(database.environment, Path(folder) / "log", **NO_LIMITS) as service,
    ):
        pin(service.process_id, server_core())
        yield service


class Probe:
    """Asks for /livez all the time: the longest answer is how long everybody else had to wait."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._is_over = threading.Event()
        self._times: list[float] = []

    def __enter__(self) -> "Probe":
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    @property
    def worst_ms(self) -> float:
        return 1e3 * max(self._times)

    def _ask(self) -> None:
        while not self._is_over.is_set():
            started_at = time.perf_counter()
            self._connection.request("GET", "/livez")
            self._connection.getresponse().read()
            self._times.append(time.perf_counter() - started_at)
            time.sleep(PROBE_SECONDS)
