"""Requests with known secrets through every process, at the most talkative level; then every log is searched."""

import re
import socket
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from testkit.live.own_gateway import Gateway, open_gateway, services_beside
from testkit.live.stack import LiveStack
from tools.processes import free_port

PHONE = "+491709876543"
MADE_UP = {
    "offer": "offer-kR7vQ2xT9mW4zB6n",
    "reference": "ref_Zx81LmQpW20vTnYs44",
    "password token": "Pw9xT2mQ7vL4kR8sN3bC6zF1yH5dG0jWpqUe",
    "ticket": "eyJhbGciOiJIUzI1NiJ9.eyJ0aWNrZXQiOiJtYWRlLXVwIn0.c2lnbmF0dXJlLW9mLWEtdGlja2V0",
}
FORGED = "2026-01-01 INFO chairside.request forged"
BREAKS = "%0A{0}%0D{0}%1b%5b2J%e2%80%a8{0}".format(FORGED.replace(" ", "%20"))


@dataclass
class Driven:
    """Secrets that were sent, and the folder with every log."""

    folder: Path
    secrets: set[str] = field(default_factory=set)

    def logs(self) -> dict[str, str]:
        found = self.folder.rglob("*.log")
        return {str(path.relative_to(self.folder)): path.read_text(errors="replace") for path in found}


@pytest.fixture(scope="module", params=["text", "json"])
def driven(stack: LiveStack, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Driven:
    if stack.gateway_url is not None:
        pytest.skip("starts processes of its own")
    folder = tmp_path_factory.mktemp("logs")
    settings = {
        "LOG_FORMAT": request.param,
        "DJANGO_DEBUG": "true",
        "FASTAPI_DEBUG": "true",
        "GUNICORN_CMD_ARGS": "--log-level=debug",
    }
    with services_beside(stack, folder, **settings) as services:
        api, stream = f"127.0.0.1:{services.api_port}", f"127.0.0.1:{services.stream_port}"
        dead = f"127.0.0.1:{free_port()}"
        with open_gateway(folder / "edge", api, stream) as gateway, open_gateway(folder / "torn", api, dead) as torn:
            driven = Driven(folder)
            for address in (services.api_url, services.stream_url, gateway.url):
                drive_made_up(driven, address)
            drive_real(driven, stack, services.api_url, services.stream_url, [gateway, torn])
    return driven


def drive_made_up(driven: Driven, address: str) -> None:
    driven.secrets |= {PHONE, *MADE_UP.values()}
    offer, reference, token, ticket = MADE_UP.values()
    with httpx.Client(
        base_url=address, timeout=30, headers={"User-Agent": ticket, "Referer": f"/a/{reference}"}
    ) as client:
        for path in (
            f"/a/{reference}",
            f"/a/{reference}/visit.ics",
            f"/offer/{offer}",
            f"/offer/{offer}/x",
            f"/wall/{offer}",
            f"/wall/{offer}/facts",
            f"/api/v1/public/bookings/{reference}",
            f"/api/v1/waitlist/offers/{offer}",
            f"/password?token={token}",
            f"/api/v1/sse/appointments?ticket={ticket}",
            f"/api/v1/sse/notifications?ticket={ticket}&last_event_id={reference}",
            f"/api/v1/appointments/by_phone?phone={PHONE}",
            f"/{reference}{BREAKS}",
            f"/api/v1/sse/{BREAKS}?{offer}",
            f"/admin/login/?next=/a/{reference}",
            f"/static/{reference}",
        ):
            client.get(path)
        client.get("/api/v1/time/now", headers={"X-Request-ID": f"x{FORGED}", "Host": f"{reference}.example"})
        client.post("/api/token", json={"username": PHONE, "password": token})
        client.post("/api/v1/public/phone-codes", json={"phone": PHONE})
        client.post("/api/v1/auth/password/reset/confirm", json={"token": token, "password": ticket})
        client.post("/sign-in", data={"username": PHONE, "password": token})
        client.request(f"{reference}", "/x")
    for raw in (
        f"GET /a/{reference} HTTP/9.9\r\n\r\n",
        f"GET /a/{reference}\r\n\r\n",
        f"{reference}\n{FORGED}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\nBad {reference}: {offer}\r\n\r\n",
        f"POST /a/{reference} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{offer}\r\n",
        f"GET /a/{reference}?ticket={ticket} HTTP/1.1\r\nHost: ",
    ):
        send_raw(address, raw.encode())


def send_raw(address: str, raw: bytes) -> None:
    host, _, port = address.partition("//")[2].partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        try:
            while connection.recv(65536):
                pass
        except OSError:
            pass


def drive_real(driven: Driven, stack: LiveStack, api: str, stream: str, gateways: list[Gateway]) -> None:
    """A guest's booking, a ticket that opens a stream, and a gateway whose stream is away."""
    owner = stack.person("owner")
    with httpx.Client(timeout=30) as client:
        pair = client.post(f"{api}/api/token", json={"username": owner.email, "password": owner.password}).json()
        bearer = {"Authorization": f"Bearer {pair['access']}"}
        driven.secrets |= set(pair.values())
        for address in (stream, *(gateway.url for gateway in gateways)):
            ticket = client.post(f"{api}/api/v1/auth/stream-ticket", headers=bearer).json()["ticket"]
            driven.secrets.add(ticket)
            for _ in range(2):
                with client.stream("GET", f"{address}/api/v1/sse/appointments", params={"ticket": ticket}) as opened:
                    next(opened.iter_bytes(), b"")


@pytest.mark.parametrize(
    "log", ["log/django-rest.log", "log/fastapi-sse.log", "log/worker.log", "edge/gateway-access.log"]
)
def test_every_process_has_written_a_log(driven: Driven, log: str) -> None:
    assert log in driven.logs()
    assert log == "log/worker.log" or driven.logs()[log]


def test_no_log_of_any_process_holds_a_secret(driven: Driven) -> None:
    found = [
        (name, secret, line)
        for name, text in driven.logs().items()
        for line in text.splitlines()
        for secret in driven.secrets
        if secret in line or secret[:16] in line
    ]
    assert found == []


def test_no_request_forges_a_line(driven: Driven) -> None:
    for name, text in driven.logs().items():
        assert not re.search(f"^{FORGED}", text, re.M), name
        assert "\x1b" not in text, name


def test_request_lines_name_route_user_and_hashed_address(driven: Driven) -> None:
    logs = driven.logs()
    assert "/api/v1/auth/stream-ticket" in logs["log/django-rest.log"]
    assert re.search(r"user=\d+ from=[0-9a-f]{12}", logs["log/django-rest.log"])
    assert re.search(r"/api/v1/sse/appointments .* user=\d+ from=[0-9a-f]{12}", logs["log/fastapi-sse.log"])
    assert '"route":"/api/v1/sse/appointments"' in logs["edge/gateway-access.log"]
    assert "127.0.0.1" not in "".join(
        line for line in logs["log/django-rest.log"].splitlines() if "chairside.request" in line
    )


def test_gateway_logs_each_request_once(driven: Driven) -> None:
    lines = driven.logs()["edge/gateway-access.log"].splitlines()
    ids = [re.search(r'"request_id":"([^"]*)"', line) for line in lines]
    assert len(lines) > 20
    assert len({found[1] for found in ids if found}) == len(lines)
