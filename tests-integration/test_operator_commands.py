"""`make status` and the restart behind `make dev`, on the running stack."""

import subprocess
import sys

import httpx
import pytest

from testkit.live.people import SignedIn
from testkit.live.stack import LiveStack, OwnStack
from tools import ROOT


def status_of(stack: LiveStack) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "manage.py", "status"],
        cwd=ROOT / "django-rest",
        env=stack.environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def own_stack(stack: LiveStack) -> OwnStack:
    if not isinstance(stack, OwnStack):
        pytest.skip("Containers are reached under other addresses.")
    return stack


def test_status_of_a_healthy_stack_compares_rows_and_exits_0(own_stack: OwnStack) -> None:
    own_stack.manage("run_worker", "--once")
    code, text = status_of(own_stack)
    assert code == 0, text
    assert "the same in REST, stream and database" in text
    assert all(name in text for name in ("django-rest", "fastapi-sse", "worker", "queues", "lag")), text


def test_status_without_the_stream_names_it_and_exits_1(own_stack: OwnStack) -> None:
    own_stack.stop_stream()
    try:
        code, text = status_of(own_stack)
    finally:
        own_stack.start_stream()
    assert code == 1
    assert "✗ fastapi-sse" in text
    assert "✓ django-rest" in text


def test_restarted_services_are_new_processes_and_ready(own_stack: OwnStack) -> None:
    running = own_stack.running
    before = {service.name: service.pid for service in running.services}
    running.restart(["django-rest", "worker"])
    after = {service.name: service.pid for service in running.services}
    assert {name for name in before if before[name] != after[name]} == {"django-rest", "worker"}
    with SignedIn(own_stack, "owner") as owner:
        assert owner.get("/api/v1/health")["status"] == "ok"


def test_any_process_counts_the_requests_of_all(own_stack: OwnStack) -> None:
    def counted() -> float:
        line = next(
            (line for line in httpx.get(f"{own_stack.api_url}/metrics").text.splitlines() if line.startswith(series)),
            "",
        )
        return float(line.rpartition(" ")[2] or 0)

    series = 'chairside_request_seconds_count{method="GET",route="/api/v1/time/now",status="200"}'
    before = counted()
    for _ in range(20):  # A connection each, so that both processes have some.
        assert httpx.get(f"{own_stack.api_url}/api/v1/time/now").status_code == 200
    assert {counted() for _ in range(6)} == {before + 20}
