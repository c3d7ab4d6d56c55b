from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_config import DjangoSettings, StreamSettings
from shared_config.addresses import TrustedProxies, counted_address, read_address

CLIENT, CDN, BALANCER, GATEWAY = "203.0.113.9", "198.51.100.20", "10.0.0.5", "172.18.0.4"
PROXIES = TrustedProxies([CDN, "10.0.0.0/8", "172.16.0.0/12", "fd00::/8"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        (CLIENT, "", CLIENT),
        (GATEWAY, "", GATEWAY),
        (GATEWAY, CLIENT, CLIENT),
        (GATEWAY, f"{CLIENT}, {CDN}, {BALANCER}", CLIENT),
        (GATEWAY, f"1.2.3.4, {CLIENT}, {CDN}, {BALANCER}", CLIENT),
        # The header of an untrusted peer is not read.
        (CLIENT, "1.2.3.4", CLIENT),
        # All trusted: the farthest.
        (GATEWAY, f"10.0.0.77, {BALANCER}", "10.0.0.77"),
        # Malformed entries end the walk at the proxy that wrote them.
        (GATEWAY, f"unknown, {BALANCER}", BALANCER),
        (GATEWAY, f"{CLIENT},,{BALANCER}", BALANCER),
        (GATEWAY, "' OR 1=1", GATEWAY),
        (GATEWAY, f"{CLIENT},", GATEWAY),
        # Ports, brackets, zones, quotes.
        (GATEWAY, f"{CLIENT}:4711", CLIENT),
        (GATEWAY, f"{CLIENT}:http", GATEWAY),
        (GATEWAY, "[2001:db8::1]:443", "2001:db8::1"),
        (GATEWAY, '"[2001:db8::1]"', "2001:db8::1"),
        (GATEWAY, "[2001:db8::1]x", GATEWAY),
        (GATEWAY, "2001:DB8:0::1", "2001:db8::1"),
        (GATEWAY, "fe80::1%eth0", "fe80::1"),
        ("fd12::1", f"{CLIENT}", CLIENT),
        # IPv4 in IPv6 form, as a listener on :: sees it.
        (f"::ffff:{GATEWAY}", f"::ffff:{CLIENT}", CLIENT),
        # No network address at all.
        ("", CLIENT, ""),
        ("/run/chairside.sock", CLIENT, "/run/chairside.sock"),
    ],
)
def test_first_untrusted_address_from_the_right_is_the_client(peer: str, forwarded: str, client: str) -> None:
    assert PROXIES.client_address(peer, forwarded) == client


@given(st.text(max_size=200), st.integers(0, 20))
def test_client_cannot_choose_its_address_whatever_it_sends(claimed: str, proxies: int) -> None:
    chain = ",".join([claimed, CLIENT, *[BALANCER] * proxies])
    assert PROXIES.client_address(GATEWAY, chain) == CLIENT


@given(st.text(max_size=60))
def test_any_text_is_read_without_an_error(text: str) -> None:
    read_address(text)
    assert counted_address(text) is not None


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_ipv6_is_counted_by_its_64(address: str, counted: str) -> None:
    assert counted_address(address) == counted


@pytest.mark.parametrize(
    ("peer", "said", "scheme"),
    [
        (GATEWAY, "https", "https"),
        (GATEWAY, "HTTPS, https", "https"),
        (GATEWAY, "https, http", "http"),
        (GATEWAY, "", "http"),
        (CLIENT, "https", "http"),
    ],
)
def test_scheme_is_believed_from_trusted_proxies_alone(peer: str, said: str, scheme: str) -> None:
    assert PROXIES.scheme(peer, said, own="http") == scheme


@pytest.mark.parametrize("settings_class", [DjangoSettings, StreamSettings])
@pytest.mark.parametrize("wrong", ["*", "gateway", "10.0.0.1/8", "10.0.0.0/33", "127.0.0.1,nginx"])
def test_setting_refuses_anything_but_addresses_and_networks(loader: Any, settings_class: Any, wrong: str) -> None:
    assert loader.problems(settings_class, TRUSTED_PROXIES=wrong) == [
        "TRUSTED_PROXIES: each proxy is an address, or a network as 10.0.0.0/8"
    ]


def test_setting_is_a_list_by_commas(loader: Any) -> None:
    settings = loader.load(DjangoSettings, TRUSTED_PROXIES="127.0.0.1, ::1,10.0.0.0/8")
    assert settings.trusted_proxies == ["127.0.0.1", "::1", "10.0.0.0/8"]
