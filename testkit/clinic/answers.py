"""Answers of the API as tests read them."""

from typing import Any

APPOINTMENTS = "/api/v1/appointments"


def code_of(response: Any) -> str:
    """The code of a refusal, which must have the one shape and its type."""
    body = response.json()
    kind = {4: {"client_error", "validation_error"}, 5: {"server_error"}}[response.status_code // 100]
    assert body["type"] in kind
    assert body["errors"]
    assert all({"code", "detail", "attr"} == set(error) for error in body["errors"])
    return str(body["errors"][0]["code"])


def attr_of(response: Any) -> str | None:
    attr: str | None = response.json()["errors"][0]["attr"]
    return attr


def refusal(response: Any) -> tuple[int, str]:
    return response.status_code, code_of(response)
