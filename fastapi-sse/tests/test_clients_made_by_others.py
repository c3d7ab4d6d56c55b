"""Clients of Server-Sent Events made by others, with the code of their own documentation, against the real service."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import httpx
import httpx_sse
import pytest

from testkit.stream.clinic import TestClinic
from testkit.stream.node import NODE
from testkit.stream.service import StartService, StreamService

CLIENTS = Path(__file__).parent / "clients"
TIMEOUT_SECONDS = 60.0


class Lines:
    """The events that a client has delivered, and the ids it shows."""

    def __init__(self) -> None:
        self.heartbeats = 0
        self._lines: Queue[dict[str, Any]] = Queue()

    def add(self, line: dict[str, Any]) -> None:
        self._lines.put(line)

    def until(self, *, event: str | None = None, shown: list[int] | None = None) -> None:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                raise AssertionError(f"neither {event} nor {shown} in {TIMEOUT_SECONDS} s") from None
            assert "broken" not in line, line
            if event in (None, line["event"]) and shown in (None, line["shown"]):
                return


@contextmanager
def node_client(name: str, url: str, token: str) -> Iterator[Lines]:
    lines = Lines()
    command = [NODE, "follow.js", name, url, token]
    with subprocess.Popen(command, cwd=CLIENTS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None

        def read(output: Any = process.stdout) -> None:
            for text in output:
                lines.add(json.loads(text) if text.startswith("{") else {"broken": text})

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            yield lines
        finally:
            process.kill()
            reader.join()


@contextmanager
def httpx_client(url: str, token: str) -> Iterator[Lines]:
    lines, is_over = Lines(), threading.Event()

    def follow() -> None:
        shown: set[int] = set()
        last_id, retry_ms = "", 1000
        while not is_over.is_set():
            headers = {"Authorization": f"Bearer {token}", **({"Last-Event-ID": last_id} if last_id else {})}
            try:
                with (
                    httpx.Client(timeout=5) as client,
                    httpx_sse.connect_sse(client, "GET", url, headers=headers) as source,
                ):
                    for sse in source.iter_sse():
                        last_id, retry_ms = sse.id or last_id, sse.retry or retry_ms
                        told = sse.json()
                        if "appointments" in told:
                            shown = {row["id"] for row in told["appointments"]}
                        shown |= {row["id"] for row in told.get("upserts", ())}
                        shown -= set(told.get("removes", ()))
                        lines.add({"event": sse.event, "shown": sorted(shown)})
                        if is_over.is_set():
                            return
            except httpx.TransportError:
                pass
            except ValueError as error:
                lines.add({"broken": str(error)})
            is_over.wait(retry_ms / 1000)

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield lines
    finally:
        is_over.set()
        thread.join()


def open_client(name: str, service: StreamService, token: str, mode: str) -> Any:
    url = f"{service.url}/api/v1/sse/appointments?mode={mode}"
    return httpx_client(url, token) if name == "httpx-sse" else node_client(name, url, token)


@pytest.mark.parametrize("mode", ["snapshot", "delta"])
@pytest.mark.parametrize("name", ["fetch-event-source", "eventsource", "eventsource-parser", "httpx-sse"])
def test_client_follows_changes_heartbeats_and_a_restart(
    start_service: StartService, clinic: TestClinic, name: str, mode: str
) -> None:
    service = start_service(sse_heartbeat_seconds=0.3, sse_drain_seconds=0.2)
    first = clinic.book()
    with open_client(name, service, clinic.owner.token(), mode) as lines:
        lines.until(shown=[first])
        lines.until(event="heartbeat")
        second = clinic.book(day=1)
        lines.until(shown=[first, second])
        service.stop()
        lines.until(event="drain")
        third = clinic.book(day=2)
        service.start()
        lines.until(shown=[first, second, third])
        lines.until(event="heartbeat")


@pytest.mark.parametrize("name", ["fetch-event-source", "eventsource", "eventsource-parser", "httpx-sse"])
def test_client_reads_the_answer_of_a_full_service(start_service: StartService, clinic: TestClinic, name: str) -> None:
    service = start_service(sse_max_connections=1)
    with service.stream(clinic.staff.token()) as taking_the_only_place:
        taking_the_only_place.next_event()
        with open_client(name, service, clinic.owner.token(), "snapshot") as lines:
            lines.until(event="drain")
