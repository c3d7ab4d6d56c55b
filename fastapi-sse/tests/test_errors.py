import json
import socket
from pathlib import Path

import httpx
import pytest

from testkit.stream.clinic import TestClinic
from testkit.stream.service import StreamService

EXAMPLES = json.loads((Path(__file__).parents[2] / "shared-config" / "contract" / "error.json").read_text())
STREAM = "/api/v1/sse/appointments"


def assert_documented(response: httpx.Response, name: str) -> None:
    expected = EXAMPLES[name]
    assert (response.status_code, response.json()) == (expected["status"], expected["body"])
    for header, value in expected["headers"].items():
        assert response.headers[header] == value
    assert response.headers["x-request-id"]
    assert response.headers["x-process-time"]


@pytest.mark.parametrize("path", [STREAM, "/api/v1/auth/test"])
def test_no_credentials_is_401(service: StreamService, path: str) -> None:
    assert_documented(service.get(path), "not_authenticated")


@pytest.mark.parametrize("path", [STREAM, "/api/v1/auth/test"])
def test_bad_token_is_401(service: StreamService, clinic: TestClinic, path: str) -> None:
    assert_documented(service.get(path, token="rubbish"), "token_not_valid")
    assert_documented(service.get(path, token=clinic.owner.token(seconds=-1)), "token_not_valid")
    assert_documented(service.get(path, token=clinic.owner.token(token_type="refresh")), "token_not_valid")
    assert_documented(service.get(path, token=clinic.owner.token(ver=7)), "token_not_valid")


def test_token_in_the_address_is_no_credential(service: StreamService, clinic: TestClinic) -> None:
    token = clinic.owner.token()
    assert_documented(service.get(f"{STREAM}?token={token}&access_token={token}"), "not_authenticated")


@pytest.mark.parametrize("path", ["/nothing/here", "/", "/api/v1/sse", "/api/v1/sse/appointments/7"])
def test_unknown_path_is_404(service: StreamService, path: str) -> None:
    assert_documented(service.get(path), "not_found")


@pytest.mark.parametrize("path", [STREAM, STREAM + "/", "/api/v1/health", "/livez"])
def test_wrong_method_is_405_and_says_which(service: StreamService, path: str) -> None:
    response = httpx.post(service.url + path, json={})
    assert_documented(response, "method_not_allowed")
    assert "GET" in response.headers["allow"]


def test_wrong_parameter_is_400(service: StreamService, clinic: TestClinic) -> None:
    response = service.get(f"{STREAM}?practitioner=petra", token=clinic.owner.token())
    assert_documented(response, "invalid")


def test_request_that_is_no_http_is_400(service: StreamService) -> None:
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(b"HELLO\r\n\r\n")
        head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["errors"][0]["code"] == "parse_error"


def test_request_id_is_taken_when_it_is_one(service: StreamService) -> None:
    taken = service.get("/livez", headers={"X-Request-ID": "front.end_1-2"})
    assert taken.headers["x-request-id"] == "front.end_1-2"


@pytest.mark.parametrize("given", ["", "two words", "x" * 65, "a/b", "<script>"])
def test_request_id_is_made_when_it_is_none(service: StreamService, given: str) -> None:
    made = service.get("/livez", headers={"X-Request-ID": given}).headers["x-request-id"]
    assert made != given
    assert len(made) == 32
