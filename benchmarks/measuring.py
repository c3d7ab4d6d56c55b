"""One request beside the least that reads the same rows, many times in turns."""

import http.client
import statistics
import time
from bisect import bisect_left
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from tools.processes import ToolError

WARM_UP = 30

Bare = Callable[[Any, int], Any]


@dataclass(frozen=True)
class Operation:
    """`path`, `body` and `bare` are given the number of the request. `bare` reads (or writes) with a cursor and returns
    what orjson is to dump."""

    name: str
    path: Callable[[int], str]
    bare: Bare
    method: str = "GET"
    body: Callable[[int], dict[str, Any]] | None = None
    expected: int = 200
    most_statements: int = 8
    goal_ms: float | None = None


@dataclass
class Measured:
    operation: Operation
    api_ms: list[float] = field(default_factory=list)
    bare_ms: list[float] = field(default_factory=list)
    statements: int = 0
    bytes: int = 0

    @property
    def ratio(self) -> float:
        return statistics.median(self.api_ms) / statistics.median(self.bare_ms)


class Client:
    """One connection that stays open, as a front end's."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._headers = {"Content-Type": "application/json"}

    def sign_in(self, username: str, password: str) -> str:
        _, answer, _ = self.ask("POST", "/api/token/", {"username": username, "password": password})
        token: str = orjson.loads(answer)["access"]
        self.take_token(token)
        return token

    def take_token(self, token: str) -> None:
        self._headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, bytes, float]:
        """Status, body and milliseconds."""
        sent = orjson.dumps(body) if body is not None else None
        started = time.perf_counter()
        self._connection.request(method, path, sent, self._headers)
        response = self._connection.getresponse()
        answer = response.read()
        return response.status, answer, (time.perf_counter() - started) * 1000


def measure(operation: Operation, client: Client, bare: Any, requests: int, tick: Callable[[], None]) -> Measured:
    """API and bare take turns, so that whatever else the machine does meets both alike."""
    measured = Measured(operation)
    for number in range(WARM_UP + requests):
        body = operation.body(number) if operation.body else None
        status, answer, took = client.ask(operation.method, operation.path(number), body)
        if status != operation.expected:
            raise ToolError(f"{operation.name}: {status} {answer[:500]!r}")
        started = time.perf_counter()
        with closing(bare.cursor()) as cursor:
            orjson.dumps(operation.bare(cursor, number), default=str)
        bare_took = (time.perf_counter() - started) * 1000
        if number >= WARM_UP:
            measured.api_ms.append(took)
            measured.bare_ms.append(bare_took)
            measured.bytes = len(answer)
        tick()
    return measured


def percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def delays_ms(bookings: list[tuple[int, float]], arrivals: list[tuple[int, float]]) -> list[float]:
    """A booking has come with the first event whose number is its own or a later one."""
    numbers = [seq for seq, _ in arrivals]
    places = ((bisect_left(numbers, seq), committed_at) for seq, committed_at in bookings)
    return [(arrivals[place][1] - committed_at) * 1e3 for place, committed_at in places if place < len(arrivals)]


def report(results: list[Measured], console: Console) -> None:
    table = Table(
        "", "p50 ms", "p95 ms", "goal", "bare p50 ms", "ratio", "statements", "bytes", box=None, pad_edge=False
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for measured in results:
        goal = measured.operation.goal_ms
        table.add_row(
            measured.operation.name,
            f"{percentile(measured.api_ms, 50):.2f}",
            f"{percentile(measured.api_ms, 95):.2f}",
            f"< {goal:.0f}" if goal else "",
            f"{percentile(measured.bare_ms, 50):.2f}",
            f"{measured.ratio:.1f}",
            f"{measured.statements} ≤ {measured.operation.most_statements}",
            f"{measured.bytes:,}",
        )
    console.print(table)
