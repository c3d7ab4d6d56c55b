"""The metrics for Prometheus, the same whichever process answers: read from the database when it asks, and from the
counts of requests that the processes share."""

import socket
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from clinic.accounts.sign_in_addresses import sign_in_spread
from clinic.common import clock
from clinic.common.request_metrics import request_registry
from clinic.health.queries import database_connections
from clinic.outbox.models import DeliveryChannel
from clinic.outbox.queries import outbox_state
from clinic.scheduling.queries.clinics import clinics_in_unknown_zones
from clinic.worker.models import JobRun
from clinic.worker.processes import running_workers


def metrics_text(*, now: datetime) -> bytes:
    """Raises DatabaseError."""
    registry = CollectorRegistry(auto_describe=False)
    collected = [_info(), *_outbox(now), *_jobs(), *_clocks(now), *_sign_ins(now), *_time_zones(), *_database()]
    registry.register(_Collected(collected))
    return generate_latest(registry) + generate_latest(request_registry())


class _Collected:
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        return self._metrics


def _info() -> Metric:
    info = GaugeMetricFamily(
        "chairside_info", "Always 1: the version, and the machine that answers.", labels=["version", "host"]
    )
    info.add_metric([settings.VERSION, socket.gethostname()], 1)
    return info


def _database() -> Iterator[Metric]:
    connections = database_connections()
    yield GaugeMetricFamily(
        "chairside_database_connections", "Sessions with the database server, of all programs.", connections.open
    )
    yield GaugeMetricFamily("chairside_database_connections_limit", "At most.", connections.limit)


def _outbox(now: datetime) -> Iterator[Metric]:
    state = outbox_state(now=now)
    due = GaugeMetricFamily("chairside_messages_due", "Messages that should be sent by now.", labels=["channel"])
    waiting = GaugeMetricFamily("chairside_messages_waiting", "Messages of a later time.", labels=["channel"])
    retrying = GaugeMetricFamily(
        "chairside_messages_retrying", "Messages that could not be sent yet, and are tried again.", labels=["channel"]
    )
    for channel in DeliveryChannel.values:
        due.add_metric([channel], state.due.get(channel, 0))
        waiting.add_metric([channel], state.waiting.get(channel, 0))
        retrying.add_metric([channel], state.retrying.get(channel, 0))
    yield from (due, waiting, retrying)
    yield GaugeMetricFamily(
        "chairside_messages_oldest_due_seconds", "How long the oldest has been due.", state.oldest_due_seconds
    )
    yield GaugeMetricFamily(
        "chairside_messages_oldest_undelivered_seconds",
        "How long ago the oldest that is not sent should have been, whatever attempts were made.",
        state.oldest_undelivered_seconds,
    )
    yield GaugeMetricFamily(
        "chairside_messages_held", "Messages that a restore holds until an operator releases them.", state.held
    )
    ended = CounterMetricFamily(
        "chairside_deliveries", "Attempts of the workers, by how they ended.", labels=["channel", "end"]
    )
    for (channel, end), count in state.ended.items():
        ended.add_metric([channel, end], count)
    yield ended


def _jobs() -> Iterator[Metric]:
    """`name`, since Prometheus calls its own targets jobs."""
    last = GaugeMetricFamily("chairside_job_last_success_timestamp_seconds", "When it last succeeded.", labels=["name"])
    seconds = GaugeMetricFamily("chairside_job_duration_seconds", "How long its last run took.", labels=["name"])
    failing = GaugeMetricFamily("chairside_job_failing", "Whether its last run failed.", labels=["name"])
    failures = CounterMetricFamily("chairside_job_failures", "Runs that have failed.", labels=["name"])
    for run in JobRun.objects.all():
        if run.succeeded_at is not None:
            last.add_metric([run.name], run.succeeded_at.timestamp())
        seconds.add_metric([run.name], run.seconds)
        failing.add_metric([run.name], bool(run.error))
        failures.add_metric([run.name], run.failures)
    yield from (last, seconds, failing, failures)


def _clocks(now: datetime) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "chairside_clock_skew_seconds", "The clock of the answering process minus the database's.", clock.skew_seconds()
    )
    workers = GaugeMetricFamily(
        "chairside_worker_clock_skew_seconds", "A running worker's clock minus the database's.", labels=["worker"]
    )
    running = running_workers(now=now)
    for worker in running:
        workers.add_metric([worker.name], worker.clock_skew_seconds)
    yield workers
    yield GaugeMetricFamily("chairside_workers", "Workers that have reported themselves lately.", len(running))


def _sign_ins(now: datetime) -> Iterator[Metric]:
    spread = sign_in_spread(now=now)
    yield GaugeMetricFamily("chairside_sign_in_accounts", "Accounts that signed in within a day.", spread.accounts)
    yield GaugeMetricFamily(
        "chairside_sign_in_addresses",
        "Addresses they came from; one for many accounts: see TRUSTED_PROXIES.",
        spread.addresses,
    )


def _time_zones() -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "chairside_clinics_in_unknown_time_zones",
        "Clinics whose requests are refused because their row names an unknown time zone.",
        clinics_in_unknown_zones().count(),
    )
