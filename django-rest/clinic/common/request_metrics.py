"""Requests by method, route and status, with their duration, for `/metrics`. Of all processes of the server where they
share a folder (`config.server.shared_counts`), else of this process alone."""

import os

from prometheus_client import CollectorRegistry, Histogram
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


def count_request(*, method: str, route: str, status: int, seconds: float) -> None:
    REQUESTS.labels(method, route, str(status)).observe(seconds)


def request_registry() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return OWN_REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
