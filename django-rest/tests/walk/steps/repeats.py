"""The same request twice over the API: one effect and one answer. `Idempotency-Key` is what makes them the same."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from clinic.accounts.models import User
from clinic.common.idempotency import KEPT_FOR

from testkit.clinic.world import fresh

from ..walk import Walk, weighted
from .guests import NAMES, PHONES

Body = dict[str, Any]


def ask_twice(walk: Walk) -> None:
    path, user, body = walk.among(_booking, _guest, _hold, _series, _entry, _record, _exception)(walk)
    send = partial(_send, walk, path, user, f"key {walk.number()}", f"203.0.113.{walk.number() % 250}")
    answer = walk.send(lambda: send(body))
    _check_is_answered_again(walk, lambda: send(body), answer)
    if answer.status_code < 400:
        walk.done["answered once"] += 1
        walk.answered.append((walk.now, lambda: send(body), answer))
        before = walk.state
        other = walk.send(lambda: send(_other(body)))
        assert (other.status_code, other.json()["errors"][0]["code"]) == (422, "idempotency_key_reused")
        assert walk.state == before


def ask_again_later(walk: Walk) -> None:
    """Answers stay the same for a day, whatever has happened since."""
    remembered = [again for again in walk.answered if again[0] > walk.now - KEPT_FOR]
    if remembered:
        _, send, answer = walk.random.choice(remembered)
        _check_is_answered_again(walk, send, answer)
        walk.done["answered later"] += 1


def _check_is_answered_again(walk: Walk, send: Callable[[], Any], answer: Any) -> None:
    before = walk.state
    again = walk.send(send)
    assert walk.state == before, "the same request had an effect twice"
    assert (again.status_code, again.json()) == (answer.status_code, answer.json())
    assert ("Idempotent-Replay" in again.headers) is (answer.status_code < 400)


def _send(walk: Walk, path: str, user: User | None, key: str, address: str, body: Body) -> Any:
    client = walk.world.client(None if user is None else fresh(user))
    return client.post(f"/api/v1/{path}", body, headers={"Idempotency-Key": key}, REMOTE_ADDR=address)


def _other(body: Body) -> Body:
    """As good a body for the same path."""
    if "start_date" in body:
        return {**body, "end": "12:30"}
    if "last_date" in body:
        return {**body, "last_date": (date.fromisoformat(body["last_date"]) + timedelta(days=1)).isoformat()}
    if "start" in body:
        return {**body, "start": (datetime.fromisoformat(body["start"]) + timedelta(days=1)).isoformat()}
    return {**body, "name": "Another"}


def _when_and_what(walk: Walk) -> Body:
    body = {
        "start": walk.start(on_the_grid=True).isoformat(),
        "service": walk.service_id(),
        "practitioner": walk.practitioner_id(),
    }
    return {name: value for name, value in body.items() if value is not None}


def _booking(walk: Walk) -> tuple[str, User | None, Body]:
    user = walk.user("olga", "sam", "paula")
    whose = {} if user.pk == walk.world.paula.pk else {"patient": walk.patient_id(), "outside_hours": True}
    return "appointments", user, {**_when_and_what(walk), **whose}


def _guest(walk: Walk) -> tuple[str, User | None, Body]:
    who = {"name": walk.among(*NAMES), "phone": walk.among(*PHONES), "clinic": "riverside"}
    return "public/bookings", None, {**_when_and_what(walk), **who}


def _hold(walk: Walk) -> tuple[str, User | None, Body]:
    return "holds", walk.among(None, walk.user("paula")), _when_and_what(walk)


def _series(walk: Walk) -> tuple[str, User | None, Body]:
    rule = {"rule": {"frequency": "weekly", "count": 2}, "on_conflict": "skip", "outside_hours": True}
    return "appointments/series", walk.user("sam"), {**_when_and_what(walk), "patient": walk.patient_id(), **rule}


def _entry(walk: Walk) -> tuple[str, User | None, Body]:
    first, last = walk.start().date(), walk.start().date() + timedelta(days=3)
    days = {"first_date": first.isoformat(), "last_date": max(first, last).isoformat()}
    return "waitlist", walk.user("sam", "olga"), {"patient": walk.patient_id(), **days}


def _record(walk: Walk) -> tuple[str, User | None, Body]:
    return "patients", walk.user("sam"), {"name": walk.among(*NAMES), "phone": walk.among(*PHONES)}


def _exception(walk: Walk) -> tuple[str, User | None, Body]:
    first, _ = walk.days()
    hours = {"start": "09:00", "end": "12:00", "practitioner": walk.practitioner_id()}
    return "schedule-exceptions", walk.user("sam"), {"start_date": first.isoformat(), **hours, "force": True}


STEPS = weighted((ask_twice, 7), (ask_again_later, 4))
