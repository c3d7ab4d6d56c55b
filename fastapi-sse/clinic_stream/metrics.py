"""Counters of a process, as Prometheus reads them."""

import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from shared_config import VERSION

from clinic_stream.counters import BUCKETS, Histogram
from clinic_stream.hub import Hub
from clinic_stream.services import Services
from clinic_stream.staleness import Cause

PREFIX = "chairside_stream_"
CAUSES_OF_A_CLINIC = [cause for cause in Cause if cause not in {Cause.DATABASE, Cause.ACCOUNTS, Cause.REPLICA}]


class Metrics(Collector):
    def __init__(self, services: Services) -> None:
        self._services = services
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def text(self) -> bytes:
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        yield from self._gauges()
        yield from self._counters()
        counts = self._services.hub.counts
        yield _histogram("commit_to_send_seconds", "From a change to its last frame's writing", counts.commit_to_send)
        yield _histogram("poll_seconds", "Duration of a successful look at the database", counts.polls)
        requests = HistogramMetricFamily(
            PREFIX + "request_seconds",
            "Duration of requests, of streams until they are open",
            labels=["method", "route", "status"],
        )
        for (method, route, status), spread in sorted(counts.requests.items()):
            requests.add_metric([method, route, str(status)], buckets=_buckets(spread), sum_value=spread.total)
        yield requests
        yield from self._pool()
        info = GaugeMetricFamily(
            PREFIX + "info", "Always 1: the version, and the machine that answers", labels=["version", "host"]
        )
        info.add_metric([VERSION, socket.gethostname()], 1)
        yield info

    def _pool(self) -> Iterator[Metric]:
        busy = GaugeMetricFamily(
            PREFIX + "database_connections", "Connections to the database in use, by pool", labels=["lane"]
        )
        limit = GaugeMetricFamily(PREFIX + "database_connections_limit", "At most, by pool", labels=["lane"])
        for name, pool in self._services.feed.pools.items():
            busy.add_metric([name], pool.busy)
            limit.add_metric([name], pool.size)
        yield from (busy, limit)

    def _gauges(self) -> Iterator[Metric]:
        services, hub = self._services, self._services.hub
        yield _by_label(
            GaugeMetricFamily,
            "connections",
            "Open streams",
            "state",
            Counter({"open": 0, "lagging": 0, "ending": 0}),
            Counter(connection.state for connection in hub.connections),
        )
        clinics = hub.clinics.values()
        stale_clinics = hub.stale_clinics
        yield _by_label(
            GaugeMetricFamily,
            "stale_clinics",
            "Clinics that cannot be followed, by cause",
            "cause",
            Counter({cause.value: 0 for cause in CAUSES_OF_A_CLINIC}),
            Counter(trouble.cause.value for troubles in stale_clinics.values() for trouble in troubles),
        )
        for name, help_text, value in (
            ("connections_limit", "Open streams at most; 0: no limit", hub.limits.total),
            ("clinics", "Clinics in memory", len(clinics)),
            ("topics", "What sets of viewers see alike", sum(len(clinic.topics) for clinic in clinics)),
            ("rows", "Appointments in memory", sum(len(clinic.state.rows) for clinic in clinics)),
            ("unfinished_requests", "Connections without a complete request", len(services.unfinished)),
            ("inboxes", "Whose notifications are in memory", sum(len(clinic.state.inboxes) for clinic in clinics)),
            ("database_up", "Whether the database could be read just now", services.poller.is_current),
            ("stale", "Whether all readers are told that what they see may be old", hub.is_stale),
            ("stale_seconds", "How long the oldest trouble has lasted", _age_of_oldest_trouble(hub)),
            (
                "clock_skew_seconds",
                "This process's clock minus the database's",
                services.poller.accounts.clock_skew_seconds,
            ),
            ("pulse_age_seconds", "Age of the worker's newest pulse, where a replica is read", _pulse_age(services)),
            ("head_lag_seconds", "Age of the newest look at the database", services.poller.lag_seconds or 0),
        ):
            yield GaugeMetricFamily(PREFIX + name, help_text, value=float(value))

    def _counters(self) -> Iterator[Metric]:
        counts = self._services.hub.counts
        for name, help_text, label, found in (
            ("opened", "Streams opened", "stream", counts.opened),
            ("closed", "Streams closed", "reason", counts.closed),
            ("turned_away", "Streams sent away, by the limit that was reached", "limit", counts.turned_away),
            ("resumes", "Streams resumed, by what was told first", "result", counts.resumes),
            ("auth_failures", "Requests refused", "reason", counts.auth_failures),
        ):
            yield _by_label(CounterMetricFamily, name, help_text, label, found)
        for name, help_text, value in (
            ("opened_late", "Streams that were open before their content could be read", counts.opened_late),
            ("frames", "Frames written to readers", counts.frames),
            ("bytes", "Bytes of these frames", counts.bytes),
            ("coalesced", "Versions a slow reader was spared", counts.coalesced),
            ("late_heads", "Changes that only the scan of all heads found: expected 0", counts.late_heads),
            ("drift", "Differences from the database: expected 0", counts.drift),
            ("sweeps", "Comparisons of a whole clinic with the database", counts.sweeps),
            ("unfinished_closed", "Connections closed without a complete request", self._services.unfinished.closed),
            (
                "lost_histories",
                "Clinics found with another history than was shown: commits were lost",
                counts.lost_histories,
            ),
            ("failed_sweeps", "Comparisons that could not be made", counts.failed_sweeps),
        ):
            yield CounterMetricFamily(PREFIX + name, help_text, value=float(value))


def _pulse_age(services: Services) -> float:
    return services.poller.pulse_age_seconds or 0.0


def _age_of_oldest_trouble(hub: Hub) -> float:
    of_clinics = (trouble for troubles in hub.stale_clinics.values() for trouble in troubles)
    since = min((trouble.since for trouble in (*hub.staleness.troubles, *of_clinics)), default=None)
    return 0.0 if since is None else (hub.clock() - since).total_seconds()


def _by_label(kind: Any, name: str, help_text: str, label: str, *found: Mapping[str, int]) -> Metric:
    family = kind(PREFIX + name, help_text, labels=[label])
    for value, number in sorted({key: number for part in found for key, number in part.items()}.items()):
        family.add_metric([value], float(number))
    return family  # type: ignore[no-any-return]


def _histogram(name: str, help_text: str, spread: Histogram) -> Metric:
    return HistogramMetricFamily(PREFIX + name, help_text, buckets=_buckets(spread), sum_value=spread.total)


def _buckets(spread: Histogram) -> list[tuple[str, float]]:
    bounds = (*map(str, BUCKETS), "+Inf")
    return list(zip(bounds, map(float, accumulate(spread.counts)), strict=True))
