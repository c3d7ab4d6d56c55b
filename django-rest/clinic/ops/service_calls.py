"""Calls to both services over HTTP, as a client makes them: for the status of a running stack."""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

TIMEOUT_SECONDS = 10.0
PAGE_SIZE = 200

# The services are reached at their own addresses, whatever proxies the environment names.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NoAnswerError(Exception):
    """A service does not answer, or not as expected. The text is a sentence."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]


def get_json(url: str, *, token: str | None = None) -> Answer:
    """Any status with a JSON object is an answer. Raises NoAnswerError."""
    try:
        with _open(url, token=token) as response:
            return Answer(response.status, json.load(response))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _json_of(error))
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise NoAnswerError(_sentence(url, error)) from error


def get_pages(url: str, *, token: str, **query: str) -> Iterator[dict[str, Any]]:
    """The results of all pages. Raises NoAnswerError."""
    after: str | None = ""
    while after is not None:
        answer = get_json(f"{url}?{urlencode({**query, 'page_size': PAGE_SIZE, 'after': after})}", token=token)
        if answer.status != 200:
            raise NoAnswerError(f"{url} answers {answer.status}.")
        yield from answer.body["results"]
        after = answer.body["after"]


def first_message(url: str, *, token: str) -> dict[str, Any]:
    """The data of the first event without a name. Raises NoAnswerError; a stream that says it may be wrong is none."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    try:
        with _open(url, token=token) as stream:
            name = ""
            for line in stream:
                field, _, value = line.decode().rstrip("\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "data" and not name:
                    message: dict[str, Any] = json.loads(value)
                    return message
                elif not field:
                    name = ""
                if time.monotonic() > deadline:
                    break
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise NoAnswerError(_sentence(url, error)) from error
    raise NoAnswerError(f"{_without_query(url)} sent no rows.")


def _open(url: str, *, token: str | None) -> Any:
    headers = {"Host": _host_for(url)}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the operator's own addresses
    return _opener.open(request, timeout=TIMEOUT_SECONDS)


def _host_for(url: str) -> str:
    """A name that django-rest accepts. The stream accepts any."""
    own = url.split("/")[2]
    accepted = [name.lstrip(".") for name in settings.ALLOWED_HOSTS]
    return own if not accepted or "*" in accepted or own.rpartition(":")[0] in accepted else accepted[0]


def _json_of(error: urllib.error.HTTPError) -> dict[str, Any]:
    try:
        body = json.load(error)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _sentence(url: str, error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"{_without_query(url)} answers {error.code}."
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return f"{_without_query(url)} does not answer: {reason}."


def _without_query(url: str) -> str:
    return url.partition("?")[0]
