"""The operator's view of background work."""

import socket
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
from clinic.accounts.models import User
from clinic.health import queries
from clinic.outbox import delivery
from clinic.outbox.delivery import deliver_due
from clinic.outbox.models import DeliveryChannel, Message, MessageState
from clinic.worker import jobs as jobs_module
from clinic.worker.job_runs import BACKUP, keep_run
from clinic.worker.jobs import run_jobs
from clinic.worker.models import JobRun
from django.conf import settings as django_settings
from django.db import connections
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings
from rest_framework.test import APIClient

from testkit.clinic.admin_pages import sign_in
from testkit.clinic.monitoring import health, metric
from testkit.clinic.world import PASSWORD, World


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def message(world: World) -> Message:
    """Due for a minute; there is no provider, so it will fail."""
    then = now() - timedelta(minutes=1)
    return Message.objects.create(
        clinic=world.clinic,
        channel=DeliveryChannel.SMS,
        template="reminder",
        recipient="+491701234567",
        body="Tomorrow at nine.",
        created_at=then,
        send_at=then,
        due_at=then,
    )


def test_due_messages_are_counted(world: World, message: Message) -> None:
    assert metric("chairside_messages_due", channel="sms") == 1
    assert metric("chairside_messages_due", channel="email") == 0
    assert 55 < metric("chairside_messages_oldest_due_seconds") < 120
    outbox = health(world)["outbox"]
    assert outbox["due"] == 1
    assert 55 < outbox["oldest_due_seconds"] < 120


def test_failing_message_is_counted_through_all_its_attempts(
    world: World, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Message) -> str:
        raise ConnectionRefusedError("nobody there")

    monkeypatch.setitem(delivery.CHANNELS, "sms", fail)
    assert metric("chairside_messages_retrying", channel="sms") == 0
    for minutes in (0, 5):
        deliver_due(now=now() + timedelta(minutes=minutes))
    assert metric("chairside_messages_due", channel="sms") == 0
    assert metric("chairside_messages_waiting", channel="sms") == 0
    assert metric("chairside_messages_retrying", channel="sms") == 1
    assert 55 < metric("chairside_messages_oldest_undelivered_seconds") < 120
    outbox = health(world)["outbox"]
    assert (outbox["due"], outbox["retrying"]) == (0, 1)
    assert 55 < outbox["oldest_undelivered_seconds"] < 120


def test_later_entry_waits(message: Message) -> None:
    later = now() + timedelta(hours=1)
    Message.objects.update(send_at=later, due_at=later)
    assert metric("chairside_messages_waiting", channel="sms") == 1
    assert metric("chairside_messages_oldest_undelivered_seconds") == 0


def test_sent_and_failed_messages_are_counted(message: Message) -> None:
    deliver_due(now=now())
    assert metric("chairside_deliveries_total", channel="sms", end="failed") == 1
    assert metric("chairside_messages_due", channel="sms") == 0


def test_jobs_tell_when_they_ran(world: World) -> None:
    assert health(world)["worker"] == {
        "last_round_at": None,
        "late": True,
        "failing": [],
        "clock_skew_seconds": None,
        "stopped_by_clock": 0,
    }
    run_jobs(now=now())
    last = metric("chairside_job_last_success_timestamp_seconds", name="expired holds released")
    assert abs(last - now().timestamp()) < 60
    assert metric("chairside_job_failures_total", name="expired holds released") == 0
    assert health(world)["worker"]["last_round_at"] is not None


@pytest.mark.parametrize(("minutes", "late"), [(0, False), (2, False), (4, True)])
def test_a_worker_that_does_nothing_is_late_and_traffic_still_comes(world: World, minutes: int, late: bool) -> None:
    JobRun.objects.create(
        name="expired holds released", started_at=now() - timedelta(minutes=minutes), seconds=0, did=0
    )
    assert health(world)["worker"]["late"] == late
    assert APIClient().get("/readyz").status_code == 200


def test_a_job_that_fails_stops_no_other_and_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: datetime) -> int:
        raise RuntimeError("no luck")

    jobs: dict[str, Callable[[datetime], int]] = {"bad luck": fail, "a good one": lambda _: 3}
    monkeypatch.setitem(vars(jobs_module), "JOBS", jobs)
    assert run_jobs(now=now()) == {"a good one": 3}
    run_jobs(now=now())
    assert health(world)["worker"]["failing"] == ["bad luck"]
    assert metric("chairside_job_failures_total", name="bad luck") == 2
    assert JobRun.objects.get(name="bad luck").error == "RuntimeError: no luck"
    assert JobRun.objects.get(name="a good one").did == 3


def test_the_desk_sends_again_what_failed(world: World, message: Message) -> None:
    deliver_due(now=now())
    desk = sign_in(world.sam)
    answer = desk.post(
        "/admin/outbox/message/", {"action": "send_again", "_selected_action": [message.pk]}, follow=True
    )
    assert "1 of 1 messages go out again." in answer.content.decode()
    message.refresh_from_db()
    assert (message.state, message.attempts, message.error) == (MessageState.QUEUED, 0, "")
    assert message.due_at is not None


def test_another_clinics_messages_are_not_sent_again(world: World, message: Message) -> None:
    deliver_due(now=now())
    sign_in(world.otto).post("/admin/outbox/message/", {"action": "send_again", "_selected_action": [message.pk]})
    message.refresh_from_db()
    assert message.state == MessageState.FAILED


# Rights

DETAILS = {"database_version", "outbox", "worker", "clock", "transactions", "sign_ins", "time_zones"}
SEEN_BY_ALL = {"status", "service", "version", "database"}


@pytest.mark.parametrize("url", ["/health", "/api/v1/health"])
def test_anonymous_and_staff_see_the_status_and_no_details(world: World, url: str) -> None:
    for client in (APIClient(), world.client(world.sam), world.client(world.paula)):
        answer = client.get(url)
        assert (answer.status_code, set(answer.json())) == (200, SEEN_BY_ALL)
        assert answer.json()["status"] == "ok"


def test_invalid_token_sees_what_anybody_sees(world: World) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    assert set(client.get("/health").json()) == SEEN_BY_ALL


def test_owner_and_superuser_see_details(world: World) -> None:
    admin = User.objects.create_superuser(email="ada@chairside.example", password=PASSWORD)
    browser = sign_in(admin)
    for client in (world.client(world.olga), browser):
        assert set(client.get("/health").json()) == SEEN_BY_ALL | DETAILS


def test_metrics_network_sees_details_and_no_other_address(world: World, settings: Settings) -> None:
    networks = [ip_network("10.1.0.0/16"), ip_network("2001:db8::/32")]
    settings.SHARED = settings.SHARED.model_copy(update={"metrics_networks": networks})
    for address in ("10.1.2.3", "2001:db8::7"):
        assert set(APIClient(REMOTE_ADDR=address).get("/health").json()) == SEEN_BY_ALL | DETAILS
    for address in ("10.2.0.1", "2001:db9::7", ""):
        assert set(APIClient(REMOTE_ADDR=address).get("/health").json()) == SEEN_BY_ALL


def test_old_transaction_of_any_session_is_reported(committed_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "OLD_TRANSACTION_SECONDS", 0)
    with closing(connections.create_connection("default")) as another, another.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM service FOR UPDATE")
        time.sleep(1.1)
        transactions = health(committed_world)["transactions"]
    if transactions is None:
        pytest.skip("DB_USER may not see other sessions here")
    assert transactions["oldest_seconds"] >= 1
    assert transactions["old"] >= 1


def test_requests_are_counted_by_route_status_and_duration(world: World) -> None:
    def counted(status: str) -> tuple[float, float]:
        text = APIClient().get("/metrics").content.decode()
        labels = {"method": "GET", "route": "/api/v1/appointments/<int:appointment_id>", "status": status}
        samples = [
            sample
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if labels.items() <= sample.labels.items()
        ]
        count = sum(sample.value for sample in samples if sample.name == "chairside_request_seconds_count")
        return count, sum(sample.value for sample in samples if sample.name == "chairside_request_seconds_sum")

    before, seconds = counted("404")
    for appointment_id in (7001, 7002):
        assert world.client(world.sam).get(f"/api/v1/appointments/{appointment_id}").status_code == 404
    after, more_seconds = counted("404")
    assert (after - before, more_seconds > seconds) == (2, True)


def test_sign_ins_are_counted_by_their_result(world: World) -> None:
    def counted() -> list[float]:
        return [metric("chairside_sign_ins_total", result=result) for result in ("succeeded", "failed", "locked")]

    before = counted()
    for password in (PASSWORD, *["wrong"] * 6):
        APIClient().post("/api/token/", {"username": "sam@riverside.example", "password": password})
    assert [after - earlier for after, earlier in zip(counted(), before, strict=True)] == [1, 5, 1]


def test_replica_names_itself_and_the_database_server_its_connections(world: World) -> None:
    assert metric("chairside_info", version=django_settings.VERSION, host=socket.gethostname()) == 1
    assert 1 <= metric("chairside_database_connections") <= metric("chairside_database_connections_limit")


def test_backup_has_a_time_of_its_last_success_and_does_not_hide_a_late_worker(world: World) -> None:
    keep_run(BACKUP, now=now(), seconds=2, did=10, error="")
    assert metric("chairside_job_last_success_timestamp_seconds", name="backup made") > now().timestamp() - 60
    assert health(world)["worker"]["late"]
    keep_run(BACKUP, now=now(), seconds=2, did=0, error="The disk is full.")
    assert metric("chairside_job_failing", name="backup made") == 1
    assert health(world)["worker"]["failing"] == ["backup made"]
