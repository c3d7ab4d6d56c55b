from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.models import Appointment
from clinic.appointments.queries import MAX_DAY, summary_for
from django.db import connection
from django.test.utils import CaptureQueriesContext

from testkit.clinic.times import RIVERSIDE_ZONE, in_days
from testkit.clinic.world import World, as_new, fresh

SUMMARY = "/api/v1/appointments/summary"


def put(world: World, start: datetime, status: str, **more: Any) -> Appointment:
    appointment = world.book(start, outside_hours=True, **more)
    Appointment.objects.filter(pk=appointment.pk).update(status=status)
    return appointment


@pytest.fixture
def noon() -> datetime:
    return in_days(1)(12)


@pytest.fixture
def diary(world: World, noon: datetime) -> dict[str, Appointment]:
    def hour(hours: int) -> datetime:
        return noon + timedelta(hours=hours)

    return {
        "done": put(world, hour(-3), "completed"),
        "missed": put(world, hour(-2), "no_show", patient=world.pete),
        "here": put(world, hour(-1), "checked_in"),
        "called off": put(world, hour(1), "cancelled"),
        "refused": put(world, hour(2), "rejected"),
        "petes": put(world, hour(3), "confirmed", patient=world.pete, practitioner=world.quentin),
        "asked": put(world, hour(4), "pending"),
        "next day": put(world, hour(24), "confirmed", patient=world.pete),
        "asked for next day": put(world, hour(25), "pending", practitioner=world.quentin),
    }


def summary_of(user: User, diary: dict[str, Appointment], now: datetime) -> tuple[int, list[str], str | None]:
    words = {appointment.pk: word for word, appointment in diary.items()}
    summary = summary_for(fresh(user), now=now)
    next_one = words[summary.next.id] if summary.next is not None else None
    return summary.pending_count, [words[row.id] for row in summary.today], next_one


def test_each_role_gets_its_own_summary(world: World, diary: dict[str, Appointment], noon: datetime) -> None:
    everything = (2, ["done", "missed", "here", "petes", "asked"], "petes")
    assert summary_of(world.olga, diary, noon) == summary_of(world.sam, diary, noon) == everything
    assert summary_of(world.petra, diary, noon) == (1, ["done", "missed", "here", "asked"], "asked")
    assert summary_of(world.quentin, diary, noon) == (1, ["petes"], "petes")
    assert summary_of(world.paula, diary, noon) == (2, ["done", "here", "asked"], "asked")
    assert summary_of(world.pete, diary, noon) == (0, ["missed", "petes"], "petes")
    assert summary_of(world.otto, diary, noon) == (0, [], None)


def test_today_is_the_clinics_and_ends_at_its_midnight(
    world: World, diary: dict[str, Appointment], noon: datetime
) -> None:
    last = datetime.combine(noon.date(), time(23, 59), RIVERSIDE_ZONE)
    assert summary_of(world.sam, diary, last)[1:] == (["done", "missed", "here", "petes", "asked"], "next day")
    assert summary_of(world.sam, diary, last + timedelta(minutes=1))[1] == ["next day", "asked for next day"]


def test_visit_that_starts_now_is_still_next(world: World, diary: dict[str, Appointment]) -> None:
    start = diary["petes"].starts_at
    assert summary_of(world.sam, diary, start)[2] == "petes"
    assert summary_of(world.sam, diary, start + timedelta(seconds=1))[2] == "asked"


def test_every_status_of_the_day_is_counted(world: World, diary: dict[str, Appointment], noon: datetime) -> None:
    assert summary_for(fresh(world.sam), now=noon).today_by_status == {
        "completed": 1,
        "no_show": 1,
        "checked_in": 1,
        "cancelled": 1,
        "rejected": 1,
        "confirmed": 1,
        "pending": 1,
    }


def test_the_route_shows_appointments_as_every_other_route(world: World) -> None:
    appointment = world.book_now(notes="afraid of drills")
    Appointment.objects.filter(pk=appointment.pk).update(
        starts_at=datetime.now(UTC) + timedelta(minutes=1),
        ends_at=datetime.now(UTC) + timedelta(minutes=2),
        blocked_until=appointment.blocked_until + timedelta(minutes=60),
    )
    shown = world.client(world.sam).get(SUMMARY).json()
    assert list(shown) == ["date", "pending_count", "today_by_status", "today", "next"]
    assert shown["next"] in shown["today"]
    assert [shown["next"]] == world.client(world.sam).get("/api/v1/appointments").json()["results"]
    details = world.client(world.sam).get(f"/api/v1/appointments/{appointment.pk}").json()
    assert {**shown["next"], "undo_until": None} == details
    patients = world.client(world.paula).get(SUMMARY).json()
    assert "notes" not in patients["next"]
    assert all("notes" not in row for row in patients["today"])


def test_empty_summary_is_zeros_and_null(world: World) -> None:
    shown = world.client(world.paula).get(SUMMARY).json()
    assert (shown["pending_count"], shown["today_by_status"], shown["today"], shown["next"]) == (0, {}, [], None)


def test_a_long_day_is_cut_and_costs_the_same_queries(world: World) -> None:
    def queries() -> int:
        client = world.client(world.sam)
        with CaptureQueriesContext(connection) as seen:
            assert client.get(SUMMARY).status_code == 200
        return len(seen)

    first = world.book_now()
    few = queries()
    rows = []
    for _ in range(MAX_DAY + 20):
        row = as_new(Appointment.objects.get(pk=first.pk))
        row.status = "completed"
        rows.append(row)
    Appointment.objects.bulk_create(rows)
    assert queries() == few <= 8
    shown = world.client(world.sam).get(SUMMARY).json()
    assert len(shown["today"]) == MAX_DAY
    assert sum(shown["today_by_status"].values()) == MAX_DAY + 21
