"""The client's address and scheme behind proxies, and the warning when all sign-ins share one address."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clinic.accounts.lockout import FROM_HERE
from clinic.accounts.sign_in_addresses import SUSPICIOUS_ACCOUNTS, SignInSpread, record_sign_in, sign_in_spread
from clinic.common import addresses
from clinic.worker.jobs import run_jobs
from django.test import Client
from rest_framework.test import APIClient
from shared_config import TrustedProxies

from testkit.clinic.answers import refusal
from testkit.clinic.world import PASSWORD, World

BALANCER, GATEWAY = "10.0.0.5", "172.18.0.4"
HOME, STRANGER = "203.0.113.1", "198.51.100.7"
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _two_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "PROXIES", TrustedProxies([BALANCER, GATEWAY]))


def sign_in(world: World, password: str, *, forwarded: str, peer: str = GATEWAY) -> Any:
    client = APIClient(REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded)
    return client.post("/api/token", {"username": world.sam.email, "password": password})


def test_wrong_passwords_behind_two_proxies_lock_one_client_only(world: World) -> None:
    for _ in range(FROM_HERE.most):
        sign_in(world, "wrong", forwarded=f"{STRANGER}, {BALANCER}")
    assert refusal(sign_in(world, PASSWORD, forwarded=f"{STRANGER}, {BALANCER}")) == (429, "locked")
    assert sign_in(world, PASSWORD, forwarded=f"{HOME}, {BALANCER}").status_code == 200


def test_invented_addresses_do_not_evade_the_lock(world: World) -> None:
    for index in range(FROM_HERE.most):
        sign_in(world, "wrong", forwarded=f"192.0.2.{index}, {STRANGER}, {BALANCER}")
    assert refusal(sign_in(world, PASSWORD, forwarded=f"192.0.2.99, {STRANGER}")) == (429, "locked")


def test_addresses_of_one_ipv6_subscriber_share_the_lock(world: World) -> None:
    for index in range(FROM_HERE.most):
        sign_in(world, "wrong", forwarded=f"2001:db8:1:2::{index + 1:x}")
    assert refusal(sign_in(world, PASSWORD, forwarded="[2001:db8:1:2:ffff::1]:4711")) == (429, "locked")
    assert sign_in(world, PASSWORD, forwarded="2001:db8:1:3::1").status_code == 200


@pytest.mark.parametrize(("peer", "is_secure"), [(GATEWAY, True), (STRANGER, False)])
@pytest.mark.django_db
def test_https_is_believed_from_a_trusted_proxy_alone(peer: str, is_secure: bool) -> None:
    response = Client(REMOTE_ADDR=peer, HTTP_X_FORWARDED_PROTO="https").get("/sign-in")
    assert bool(response.cookies["csrftoken"]["secure"]) is is_secure
    assert ("Strict-Transport-Security" in response.headers) is is_secure


def sign_in_accounts(number: int, *, addresses: int) -> None:
    for index in range(number):
        record_sign_in(account=f"user {index}", address=f"192.0.2.{index % addresses}", now=NOW)


@pytest.mark.parametrize(
    ("accounts", "addresses", "warnings"),
    [(SUSPICIOUS_ACCOUNTS, 1, 1), (SUSPICIOUS_ACCOUNTS, 2, 0), (SUSPICIOUS_ACCOUNTS - 1, 1, 0)],
)
@pytest.mark.django_db
def test_one_address_for_many_accounts_is_logged(
    accounts: int, addresses: int, warnings: int, caplog: pytest.LogCaptureFixture
) -> None:
    sign_in_accounts(accounts, addresses=addresses)
    with caplog.at_level(logging.WARNING, logger="chairside.worker"):
        run_jobs(now=NOW)
    assert sum("TRUSTED_PROXIES" in record.message for record in caplog.records) == warnings
    assert sign_in_spread(now=NOW) == SignInSpread(accounts, addresses)
    assert sign_in_spread(now=NOW + timedelta(days=1, seconds=1)) == SignInSpread(0, 0)


def test_a_sign_in_is_counted_by_its_client_address(world: World) -> None:
    sign_in(world, PASSWORD, forwarded=f"{HOME}, {BALANCER}")
    sign_in(world, PASSWORD, forwarded=f"{STRANGER}, {BALANCER}")
    assert sign_in_spread(now=datetime.now(UTC)) == SignInSpread(1, 2)
