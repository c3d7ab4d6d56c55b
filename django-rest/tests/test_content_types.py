"""Content types that name a charset or cannot be read: never a failure, whichever way the server goes."""

import io
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from clinic.common.content_types import plain_content_type
from config.wsgi import application

MANY = "&".join(["a"] * 1500)
QUERIES = ["", "x=%41%ff", MANY]
KINDS = [
    "application/json; charset=utf-8",
    "application/json; charset=hex",
    "application/json; charset=undefined",
    "application/json; charset=idna",
    "application/json; charset*=hex'x'%41",
    "application/json; note*=none'x'%41",
    "application/x-www-form-urlencoded; charset=hex",
    "application/x-www-form-urlencoded; note*=none'x'%41",
    "multipart/form-data; boundary=x; charset=hex",
    "multipart/form-data; boundary=x",
    "multipart/form-data; boundary*=none'x'%41",
    ";",
    "charset=hex",
]


def status_of(method: str, path: str, *, query: str, kind: str, body: bytes = b"") -> int:
    """As the server calls the application; the test client makes the request in another way."""
    environ: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "CONTENT_TYPE": kind}
    environ |= {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body), "REMOTE_ADDR": "127.0.0.1"}
    setup_testing_defaults(environ)
    environ["HTTP_HOST"] = "localhost"
    statuses: list[str] = []

    def start_response(status: str, _headers: Any, _failure: Any = None, /) -> Any:
        statuses.append(status)

    b"".join(application(environ, start_response))
    return int(statuses[0][:3])


@pytest.mark.django_db
@pytest.mark.usefixtures("keep_the_connection")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("query", QUERIES, ids=["no query", "no text", "a thousand parameters"])
def test_request_of_any_content_type_is_answered(kind: str, query: str) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'
    for path in ("/sign-in", "/book/nowhere", "/api/v1/patients", "/api/token", "/nowhere"):
        for method, body in (("GET", b""), ("POST", b'{"x": 1}'), ("POST", part)):
            status = status_of(method, path, query=query, kind=kind, body=body)
            assert 200 <= status < 500, (method, path, status)


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("application/json; charset=UTF-8", "application/json"),
        ("application/json; charset=hex", "application/json; charset=other"),
        ("application/json; charset=ä", "application/json; charset=other"),
        ('multipart/form-data; boundary="a b"; charset="utf8"', 'multipart/form-data; boundary="a b"'),
        ("multipart/form-data; charset=latin-1; boundary=x", 'multipart/form-data; boundary="x"; charset=other'),
        ("text/plain; format=flowed", "text/plain"),
        ("text/plain;", "text/plain"),
        (";", ""),
    ],
)
def test_plain_content_type(given: str, plain: str) -> None:
    assert plain_content_type(given) == plain
