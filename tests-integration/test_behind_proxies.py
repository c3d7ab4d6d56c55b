"""Two clients behind a TLS proxy and the gateway: limits and lock-outs are theirs alone."""

from collections.abc import Iterator

import pytest

from testkit.live.own_gateway import Gateway, open_gateway
from testkit.live.stack import LiveStack

# All of 127.0.0.0/8 is this machine; only 127.0.0.1 is a proxy.
STRANGER, GUEST, OWNER = "127.0.0.2", "127.0.0.3", "127.0.0.4"
WRONG_PASSWORDS = 5
CODES_PER_ADDRESS = 20


@pytest.fixture(scope="module")
def tls_proxy(stack: LiveStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Client → TLS proxy → gateway → services."""
    if stack.gateway_url is not None:
        pytest.skip("starts proxies of its own")
    folder = tmp_path_factory.mktemp("proxies")
    api, stream = stack.api_url.removeprefix("http://"), stack.stream_url.removeprefix("http://")
    with open_gateway(folder / "inner", api, stream, TRUSTED_PROXIES="127.0.0.1") as inner:
        address = inner.url.removeprefix("http://")
        with open_gateway(folder / "outer", address, address, is_tls=True) as outer:
            yield outer


def sign_in(proxy: Gateway, stack: LiveStack, *, address: str, password: str | None = None, claimed: str = "") -> int:
    owner = stack.person("practitioner")
    given = {"username": owner.email, "password": password or owner.password}
    headers = {"X-Forwarded-For": claimed} if claimed else {}
    with proxy.client(address) as client:
        return client.post("/api/v1/token", json=given, headers=headers).status_code


def test_wrong_passwords_of_one_client_lock_that_client_alone(tls_proxy: Gateway, stack: LiveStack) -> None:
    for index in range(WRONG_PASSWORDS):
        assert sign_in(tls_proxy, stack, address=STRANGER, password="wrong", claimed=f"192.0.2.{index}") == 401
    assert sign_in(tls_proxy, stack, address=STRANGER, claimed="127.0.0.4") == 429
    assert sign_in(tls_proxy, stack, address=OWNER) == 200


def test_limit_of_one_guest_leaves_the_other_alone(tls_proxy: Gateway) -> None:
    def ask(address: str, number: int) -> int:
        with tls_proxy.client(address) as client:
            return client.post("/api/v1/public/phone-codes", json={"phone": f"+131055501{number:02}"}).status_code

    answers = [ask(GUEST, number) for number in range(CODES_PER_ADDRESS + 1)]
    assert answers == [202] * CODES_PER_ADDRESS + [429]
    assert ask(OWNER, 50) == 202


def test_https_at_the_proxy_is_https_for_pages(tls_proxy: Gateway) -> None:
    with tls_proxy.client() as client:
        response = client.get("/sign-in")
        stream = client.get("/api/v1/sse/appointments")
    assert "Secure" in response.headers["set-cookie"]
    for answer in (response, stream):
        assert answer.headers.get_list("strict-transport-security") == ["max-age=31536000"]
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
        assert "x-route" not in answer.headers


def test_claimed_https_of_a_client_is_not_believed(stack: LiveStack, tmp_path_factory: pytest.TempPathFactory) -> None:
    if stack.gateway_url is not None:
        pytest.skip("starts a proxy of its own")
    api = stack.api_url.removeprefix("http://")
    with open_gateway(tmp_path_factory.mktemp("plain"), api, api) as gateway, gateway.client() as client:
        response = client.get("/sign-in", headers={"X-Forwarded-Proto": "https"})
    assert "Secure" not in response.headers["set-cookie"]
    assert "strict-transport-security" not in response.headers
