"""Answers that the server gives without the application."""

import json
from http import HTTPStatus

from config.server.framing import Progress

REFUSALS = {
    Progress.HEAD_TOO_LARGE: (431, "request_too_large", "The head of the request is too large."),
    Progress.NO_LENGTH: (411, "length_required", "Send the body with its `Content-Length`, not in chunks."),
}
STATUS_OF = {
    "LimitRequestLine": 414,
    "LimitRequestHeaders": 431,
    "ExpectationFailed": 417,
    "UnsupportedTransferCoding": 501,
}


def error_response(status: int, code: str, detail: str) -> bytes:
    kind = "server_error" if status >= 500 else "client_error"
    body = json.dumps({"type": kind, "errors": [{"code": code, "detail": detail, "attr": None}]}).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    if status == 503:
        headers["Retry-After"] = "1"
    return response(status, headers, body, closes=True)


def response(status: int, headers: dict[str, str], body: bytes, *, closes: bool) -> bytes:
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        *(f"{name}: {value}" for name, value in headers.items()),
        "X-Content-Type-Options: nosniff",
        f"Connection: {'close' if closes else 'keep-alive'}",
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
