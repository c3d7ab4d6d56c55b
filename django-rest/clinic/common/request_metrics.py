"""Requests by method, route and status with their duration, sign-ins, connections and threads, for `/metrics`. Of all
processes of the server where they share a folder (`config.server.shared_counts`), else of this process alone."""

import os
from enum import StrEnum
from pathlib import Path

import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
OWN_REGISTRY = CollectorRegistry()
REQUESTS = Histogram(
    "chairside_request_seconds",
    "Duration of requests, by route template.",
    ["method", "route", "status"],
    buckets=SECONDS,
    registry=OWN_REGISTRY,
)
SIGN_INS = Counter(
    "chairside_sign_ins", "Passwords that were looked at, and attempts while locked.", ["result"], registry=OWN_REGISTRY
)


class SignInResult(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOCKED = "locked"


for _result in SignInResult:
    SIGN_INS.labels(_result)  # Counted from 0 on, so that the first one is seen as a rise.


def _sum_of_processes(name: str, help_text: str) -> Gauge:
    return Gauge(name, help_text, registry=OWN_REGISTRY, multiprocess_mode="livesum")


CONNECTIONS = _sum_of_processes("chairside_open_connections", "Open connections of clients.")
CONNECTIONS_LIMIT = _sum_of_processes("chairside_open_connections_limit", "At most; then the oldest silent one ends.")
IN_PROGRESS = _sum_of_processes("chairside_requests_in_progress", "Whole requests that have, or wait for, a thread.")
THREADS = _sum_of_processes("chairside_request_threads", "Requests that can be answered at the same time.")


def count_sign_in(result: SignInResult) -> None:
    SIGN_INS.labels(result).inc()


def count_request(*, method: str, route: str, status: int, seconds: float) -> None:
    REQUESTS.labels(method, route, str(status)).observe(seconds)


def request_registry() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return OWN_REGISTRY
    _forget_ended_processes(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def _forget_ended_processes(folder: Path) -> None:
    """Their gauges; what they counted stays."""
    for file in folder.glob("gauge_live*_*.db"):
        if not psutil.pid_exists(int(file.stem.rpartition("_")[2])):
            file.unlink(missing_ok=True)
