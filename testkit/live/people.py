"""The people of the stories at work: signed in, over real HTTP."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from time import monotonic, sleep
from typing import Any, Self
from zoneinfo import ZoneInfo

import httpx
import MySQLdb

from testkit.live.stack import NO_CERTIFICATES, LiveStack
from testkit.stream.wire import Block, SseReader

_free_minutes = iter(range(0, 24 * 60, 30))
_free_days = iter(range(40, 400))


# To check a password costs as much CPU as thirty other requests, on purpose: a person who has signed in a moment ago
# goes on with that token, which then has most of its five minutes left.
REUSE_SECONDS = 90


@dataclass(frozen=True)
class Tokens:
    access: str
    refresh: str
    given_at: float = field(default_factory=monotonic)

    @property
    def are_young(self) -> bool:
        return monotonic() - self.given_at < REUSE_SECONDS


# By the address of the API and the person's.
_tokens: dict[tuple[str, str], Tokens] = {}


# Background work takes longer on a machine that is busy with tests.
EVENTUALLY_SECONDS = 30.0


def eventually(seen: Callable[[], Any]) -> Any:
    """The first answer of `seen` that is neither empty nor false."""
    deadline = monotonic() + EVENTUALLY_SECONDS
    while not (found := seen()):
        assert monotonic() < deadline, "it does not come"
        sleep(0.1)
    return found


class SignedIn:
    """A person with a token for both services."""

    def __init__(self, stack: LiveStack, role: str, index: int = 0) -> None:
        self.stack = stack
        self.person = stack.person(role, index)
        self.http = httpx.Client(base_url=stack.api_url, timeout=30, verify=NO_CERTIFICATES)
        kept = _tokens.get((stack.api_url, self.person.email))
        self._use(kept or self._sign_in())
        if kept and not self._are_still_good(kept):
            self._use(self._sign_in())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str, **query: Any) -> Any:
        response = self.http.get(path, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        return self.http.post(path, json=body or {})

    def book(self, start: datetime, **more: Any) -> dict[str, Any]:
        """The desk books the first patient with the first practitioner, at any hour."""
        body = {**self.any_booking(), "start": start.isoformat(), "outside_hours": True, **more}
        response = self.post("/api/v1/appointments", body)
        assert response.status_code == 201, response.text
        booked: dict[str, Any] = response.json()
        return booked

    def any_booking(self) -> dict[str, int]:
        return {
            "patient": self.get("/api/v1/patients")["results"][0]["id"],
            "practitioner": self.get("/api/v1/practitioners")["results"][0]["id"],
        }

    def new_patient(self) -> int:
        """Of the desk: somebody who has no other visit at any time."""
        made = self.post("/api/v1/patients", {"name": "Ingrid Nowhere Else", "phone": "+12125559877"})
        assert made.status_code == 201, made.text
        return int(made.json()["id"])

    def act(self, appointment_id: int, action: str) -> dict[str, Any]:
        response = self.post(f"/api/v1/appointments/{appointment_id}/{action}")
        assert response.status_code == 200, response.text
        changed: dict[str, Any] = response.json()
        return changed

    def every_page(self, path: str, **query: Any) -> list[dict[str, Any]]:
        page = self.get(path, page_size=200, **query)
        found = list(page["results"])
        while page["next"]:
            page = self.http.get(page["next"]).json()
            found += page["results"]
        return found

    def what_rest_shows(self, zone: ZoneInfo) -> dict[int, dict[str, Any]]:
        """Rows of a stream without filters: today and the next seven days, and everything pending."""
        today = datetime.now(UTC).astimezone(zone).date()
        week = {"scope": "all", "from": today.isoformat(), "to": (today + timedelta(days=7)).isoformat()}
        rows = self.every_page("/api/v1/appointments", **week)
        rows += self.every_page("/api/v1/appointments", status="pending")
        return {row["id"]: row for row in rows}

    def watch(self, *, mode: str = "delta", last_id: str | None = None, **query: str) -> "Watcher":
        return Watcher(self.stack, self.token, mode=mode, last_id=last_id, **query)

    def _sign_in(self) -> Tokens:
        credentials = {"username": self.person.email, "password": self.person.password}
        answer = self.http.post("/api/token/", json=credentials).json()
        tokens = _tokens[self.stack.api_url, self.person.email] = Tokens(answer["access"], answer["refresh"])
        return tokens

    def _use(self, tokens: Tokens) -> None:
        self.token, self.refresh = tokens.access, tokens.refresh
        self.http.headers["Authorization"] = f"Bearer {self.token}"

    def _are_still_good(self, tokens: Tokens) -> bool:
        """A story before may have signed the person out everywhere."""
        return tokens.are_young and self.http.get("/api/v1/users/me").is_success


class Watcher:
    """A dashboard: an open stream, and what it shows when every message is applied."""

    def __init__(self, stack: LiveStack, token: str, *, mode: str, last_id: str | None = None, **query: str) -> None:
        headers = {"Last-Event-ID": last_id} if last_id else {}
        url = httpx.URL(f"{stack.stream_url}/api/v1/sse/appointments", params={"mode": mode, **query})
        self.reader = SseReader(str(url), token=token, headers=headers)
        assert self.reader.status == 200
        self.shown: dict[int, dict[str, Any]] = {}
        self.seen: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.reader.close()

    @property
    def last_id(self) -> str | None:
        return self.reader.last_id

    def next(self, seconds: float = 5) -> Block:
        block = self.reader.next_event(seconds)
        self.apply(block)
        return block

    def apply(self, block: Block) -> None:
        self.seen.append(block.event)
        content = block.json
        if block.event in ("snapshot", "message"):
            self.shown = {row["id"]: row for row in content["appointments"]}
        elif block.event == "change":
            self.shown.update({row["id"]: row for row in content["upserts"]})
            for appointment_id in content["removes"]:
                self.shown.pop(appointment_id, None)

    def until(self, condition: Any, seconds: float = 5) -> Block:
        """Read on until what is shown meets the condition. Returns the message that made it so."""
        while True:
            block = self.next(seconds)
            if condition(self.shown):
                return block

    def settle(self, seconds: float = 1) -> None:
        """Read until nothing has come for a while."""
        try:
            while True:
                self.next(seconds)
        except TimeoutError:
            return


def row_of(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer to the clinic as lists and streams show it: only the answer says until when its reader may undo."""
    assert "undo_until" in answer
    return {name: value for name, value in answer.items() if name != "undo_until"}


def zone_of(person: SignedIn) -> ZoneInfo:
    return ZoneInfo(person.get("/api/v1/clinic")["timezone"])


def free_start(zone: ZoneInfo) -> datetime:
    """A start in three days' night that no other story uses, inside of what streams show."""
    minute = next(_free_minutes)
    day = datetime.now(UTC).astimezone(zone).date() + timedelta(days=3 + minute // 360)
    return datetime.combine(day, time(minute % 360 // 60, minute % 60), zone)


def free_day(zone: ZoneInfo) -> date:
    """A day far ahead that no other story uses."""
    return datetime.now(UTC).astimezone(zone).date() + timedelta(days=next(_free_days))


@contextmanager
def sql(account: dict[str, Any]) -> Iterator[Any]:
    connection = MySQLdb.connect(**account, autocommit=True)
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()  # type: ignore[no-untyped-call]  # so the driver's stubs have it


def until_its_turn(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """The answer to a request that is sent again as long as the queue is too long (503), as a front end does."""
    for _ in range(60):
        answer = ask()
        if answer.status_code != 503:
            break
        sleep(float(answer.headers["Retry-After"]) * random.uniform(0.2, 1))
    return answer


def at_once(count: int, work: Any) -> list[Any]:
    """Call `work(n)` in that many threads that start together. What each returned, in order."""
    start = threading.Barrier(count)
    outcomes: list[Any] = [None] * count

    def run(number: int) -> None:
        start.wait(30)
        outcomes[number] = work(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return outcomes
