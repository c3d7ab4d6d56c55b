"""Bookings of one practitioner by more and more clients at once, and a reader beside them."""

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import orjson

from benchmarks.costs import cpu_seconds
from benchmarks.growth.curve import Column, Curve, Point, Settings
from benchmarks.measuring import Client, percentile
from benchmarks.own_stack import own_stack, start_api
from tools.processes import children_of

COME_AGAIN_SECONDS = 1.0
READ_EVERY_SECONDS = 0.05


def measure(sizes: Sequence[int], settings: Settings) -> Iterator[Point]:
    with own_stack({"ENABLE_RATE_LIMITS": "false"}) as stack:
        from benchmarks.big_clinic import PASSWORD, Size, make_big_clinic

        today = datetime.now().astimezone().date()
        big = make_big_clinic(Size(20_000, 2_000, 50), lambda _rows: None, today=today)
        start_api(stack)
        assert stack.server is not None
        bodies = _bodies(big)
        token = Client(stack.api_port).sign_in(str(big.owner.email), PASSWORD)
        _statements(token, next(bodies))  # Opens the connection.
        statements = _statements(token, next(bodies))
        processes = [stack.server.child.pid, *_processes_of(stack.api)]
        for size in sizes:
            crowd = _Crowd(stack.api_port, token, bodies)
            before = sum(map(cpu_seconds, processes))
            crowd.run(size, settings.seconds)
            cpu = sum(map(cpu_seconds, processes)) - before
            yield {"statements": statements, **crowd.point(cpu)}


def _bodies(big: Any) -> Iterator[dict[str, Any]]:
    """Free times of the first practitioner, each of another patient."""
    from benchmarks.big_clinic import SLOT, SLOTS_A_DAY, ZONE

    first = datetime.combine(big.first_free_day, datetime.min.time(), ZONE) + timedelta(hours=8)
    for number in count():
        start = first + timedelta(days=number // SLOTS_A_DAY) + number % SLOTS_A_DAY * SLOT
        patient = 1 + number % big.size.patients
        service, practitioner = big.service.pk, big.practitioners[0].pk
        yield {"patient": patient, "practitioner": practitioner, "service": service, "start": start.isoformat()}


def _statements(token: str, body: dict[str, Any]) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from rest_framework.test import APIClient

    client: Any = APIClient(HTTP_HOST="localhost", HTTP_AUTHORIZATION=f"Bearer {token}")
    with CaptureQueriesContext(connection) as seen:
        response = client.post("/api/v1/appointments", body, format="json")
    assert response.status_code == 201, response.content

    return len(seen)


def _processes_of(service: Any) -> list[int]:
    """The service's own process and its workers."""
    return [service.pid, *children_of(service.pid)]


class _Crowd:
    """Clients that book as fast as they are answered; one told to come again waits for as long as it is told."""

    def __init__(self, port: int, token: str, bodies: Iterator[dict[str, Any]]) -> None:
        self._port, self._token, self._bodies = port, token, bodies
        self._lock = threading.Lock()
        self.booked: list[float] = []
        self.read: list[float] = []
        self.refused = self.failed = 0

    def run(self, clients: int, seconds: float) -> None:
        ends_at = time.monotonic() + seconds
        threads = [threading.Thread(target=self._book, args=(self._client(), ends_at)) for _ in range(clients)]
        threads.append(threading.Thread(target=self._look, args=(self._client(), ends_at)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def point(self, cpu: float) -> dict[str, float | None]:
        asked = len(self.booked) + self.refused + self.failed
        return {
            "booked": len(self.booked),
            "p95_ms": percentile(self.booked, 95) if len(self.booked) > 1 else None,
            "cpu_ms": 1000 * cpu / max(1, len(self.booked)),
            "refused": 100 * self.refused / asked,
            "failed": self.failed,
            "reader_ms": percentile(self.read, 95) if len(self.read) > 1 else None,
        }

    def _client(self) -> Client:
        client = Client(self._port)
        client.take_token(self._token)
        return client

    def _book(self, client: Client, ends_at: float) -> None:
        while time.monotonic() < ends_at:
            with self._lock:
                body = next(self._bodies)
            status, answer, took = client.ask("POST", "/api/v1/appointments", body)
            if status == 201:
                self.booked.append(took)
            elif status == 503 and orjson.loads(answer)["errors"]:
                self.refused += 1
                time.sleep(COME_AGAIN_SECONDS)
            else:
                self.failed += 1

    def _look(self, client: Client, ends_at: float) -> None:
        while time.monotonic() < ends_at:
            self.read.append(client.ask("GET", "/api/v1/appointments?page_size=20", None)[2])
            time.sleep(READ_EVERY_SECONDS)


CURVE = Curve(
    title="Bookings of one practitioner",
    size_title="clients",
    sizes=(1, 8, 64),
    columns=(
        Column("statements", "statements of a booking", 14),
        Column("cpu_ms", "CPU of all processes, ms a booking"),
        Column("p95_ms", "booking, p95 ms"),
        Column("refused", "told to come again, %"),
        Column("failed", "failed", 0),
        Column("booked", "booked"),
        Column("reader_ms", "a reader beside them, p95 ms"),
    ),
    measure=measure,
    limit_seconds=300,
)
