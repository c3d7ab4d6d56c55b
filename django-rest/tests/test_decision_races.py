"""Two decide about one appointment at once: at the desk, in the admin, by themselves.

Two belts. The row is locked while one decides, so the second decides on what the first has left. And the decision is
written only onto the row that it was made on. Without both, each of the two takes effect.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import Action
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.appointments.queries import get_appointment_for
from clinic.appointments.services import decisions
from clinic.appointments.services.decisions import change_status
from django.test import Client

from testkit.clinic.answers import APPOINTMENTS
from testkit.clinic.concurrency import Doorway, at_once
from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh, row_of

pytestmark = pytest.mark.race

ADMIN_LIST = "/admin/appointments/appointment/"
Job = Callable[[], Any]
Pair = Callable[[World, Appointment], list[Job]]


def decide(user: User, appointment: Appointment, action: Action) -> Job:
    actor, now = UserActor(fresh(user)), datetime.now(UTC)
    return lambda: change_status(actor=actor, appointment_id=appointment.pk, action=action, now=now)


def confirm_and_cancel(world: World, appointment: Appointment) -> list[Job]:
    """The desk approves what Paula calls off."""
    return [decide(world.sam, appointment, Action.CONFIRM), decide(world.paula, appointment, Action.CANCEL)]


def confirm_and_reject(world: World, appointment: Appointment) -> list[Job]:
    return [decide(world.sam, appointment, Action.CONFIRM), decide(world.petra, appointment, Action.REJECT)]


def cancel_and_cancel(world: World, appointment: Appointment) -> list[Job]:
    return [decide(world.sam, appointment, Action.CANCEL), decide(world.paula, appointment, Action.CANCEL)]


def admin_and_api(world: World, appointment: Appointment) -> list[Job]:
    User.objects.filter(pk=world.olga.pk).update(is_staff=True)
    admin, api = Client(), world.client(world.sam)
    admin.force_login(fresh(world.olga))
    form = {"action": "approve", "_selected_action": [appointment.pk]}
    return [lambda: admin.post(ADMIN_LIST, form), lambda: api.post(f"{APPOINTMENTS}/{appointment.pk}/reject")]


PAIRS = [confirm_and_cancel, confirm_and_reject, cancel_and_cancel, admin_and_api]
EXCLUSIVE = [confirm_and_reject, cancel_and_cancel, admin_and_api]


@pytest.fixture
def requested(committed_world: World) -> Appointment:
    """Paula's request, not yet decided."""
    appointment = committed_world.book(in_days(7)(9), by=committed_world.paula)
    assert appointment.status == "pending"
    return appointment


def door_before_writing(monkeypatch: pytest.MonkeyPatch, *, expected: int, patience_seconds: float) -> Doorway:
    door, swap = Doorway(expected=expected, patience_seconds=patience_seconds), decisions._swap
    monkeypatch.setattr(decisions, "_swap", lambda *args, **more: door.pass_through(lambda: swap(*args, **more)))
    return door


def without_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_only(user: User, appointment_id: int, **_: Any) -> Appointment:
        return get_appointment_for(user, appointment_id)

    monkeypatch.setattr(decisions, "get_appointment_for", look_only)


def without_comparing(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(appointment: Appointment, changes: dict[str, Any], *, now: datetime, **_: Any) -> None:
        for name, value in {**changes, "updated_at": now}.items():
            setattr(appointment, name, value)
        appointment.save(update_fields=[*changes, "updated_at"])

    monkeypatch.setattr(decisions, "_swap", write)


def steps_of(appointment: Appointment) -> list[tuple[str, str]]:
    lines = AppointmentEvent.objects.filter(appointment=appointment).order_by("id")
    return [(line.from_status, line.to_status) for line in lines][1:]


@pytest.mark.parametrize("pair", PAIRS)
def test_without_lock_and_comparison_both_take_effect(
    committed_world: World, requested: Appointment, monkeypatch: pytest.MonkeyPatch, pair: Pair
) -> None:
    jobs = pair(committed_world, requested)
    without_the_lock(monkeypatch)
    without_comparing(monkeypatch)
    door = door_before_writing(monkeypatch, expected=2, patience_seconds=20)
    at_once(jobs)
    assert door.most == 2
    assert [before for before, _ in steps_of(requested)] == ["pending", "pending"]


@pytest.mark.parametrize("pair", PAIRS)
def test_without_the_lock_alone_the_comparison_refuses_the_second(
    committed_world: World, requested: Appointment, monkeypatch: pytest.MonkeyPatch, pair: Pair
) -> None:
    jobs = pair(committed_world, requested)
    without_the_lock(monkeypatch)
    door = door_before_writing(monkeypatch, expected=2, patience_seconds=20)
    at_once(jobs)
    assert door.most == 2
    [(before, after)] = steps_of(requested)
    assert (before, row_of(requested).status, row_of(requested).version) == ("pending", after, 2)


@pytest.mark.parametrize("pair", PAIRS)
def test_with_the_lock_the_second_decides_on_what_the_first_left(
    committed_world: World, requested: Appointment, monkeypatch: pytest.MonkeyPatch, pair: Pair
) -> None:
    jobs = pair(committed_world, requested)
    door = door_before_writing(monkeypatch, expected=2, patience_seconds=0.3)
    at_once(jobs)
    assert door.most == 1
    steps = steps_of(requested)
    assert steps[0][0] == "pending"
    assert all(earlier[1] == later[0] for earlier, later in pairwise(steps))
    assert (row_of(requested).status, row_of(requested).version) == (steps[-1][1], len(steps) + 1)
    if pair in EXCLUSIVE:
        assert len(steps) == 1
