"""Correction of a mistaken entry: `POST appointments/{id}/correct`."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.appointments.services.clock import mark_missed
from clinic.appointments.services.decisions import correct_status
from clinic.appointments.statistics import StatisticsFilter, statistics_for, total_of
from clinic.outbox.models import Message, MessageState
from clinic.scheduling.models import ClaimedCell

from testkit.clinic.answers import APPOINTMENTS, attr_of, refusal
from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh, row_of

NINE = in_days(1)(9)


def put_into(appointment: Appointment, status: str, **columns: Any) -> None:
    Appointment.objects.filter(pk=appointment.pk).update(status=status, **columns)


def correct(world: World, one: Appointment, status: str, by: User | None = None, **more: Any) -> Any:
    body = {"status": status, "reason": "a slip", "version": row_of(one).version, **more}
    return world.client(by or world.sam).post(f"{APPOINTMENTS}/{one.pk}/correct", body)


def told(**of: Any) -> set[tuple[str, str]]:
    messages = Message.objects.exclude(state=MessageState.CANCELLED).filter(**of)
    return set(messages.values_list("template", "channel"))


@pytest.mark.parametrize("status", sorted(Status))
def test_desk_corrects_a_visit_of_today_to_any_other_status(world: World, status: Status) -> None:
    one = world.book_now()
    for target in sorted(set(Status) - {status, Status.PENDING}):  # It has begun: nobody could confirm a request.
        put_into(one, status)
        response = correct(world, one, target)
        assert (response.status_code, response.json()["status"]) == (200, target), target
        line = AppointmentEvent.objects.filter(appointment_id=one.pk).latest("id")
        assert (line.action, line.from_status, line.to_status, line.reason) == ("correct", status, target, "a slip")
        is_active = target in ("confirmed", "checked_in")
        assert ClaimedCell.objects.filter(appointment_id=one.pk).exists() is is_active


@pytest.mark.parametrize("target", ["completed", "cancelled"])
def test_no_show_of_yesterday_is_corrected_and_the_statistics_follow(world: World, target: str) -> None:
    one = world.book(in_days(-1)(9))
    put_into(one, "no_show")
    assert correct(world, one, target).json()["status"] == target
    counted = total_of(statistics_for(fresh(world.olga), StatisticsFilter(), today=NINE.date())).by_status
    assert (counted["no_show"], counted[target]) == (0, 1)
    for active in ("pending", "confirmed", "checked_in"):
        response = correct(world, one, active)
        assert refusal(response) == (409, "transition_not_allowed")
        assert set(response.json()["allowed"]) == {"completed", "no_show", "cancelled"} - {target}


@pytest.mark.parametrize(
    ("target", "code"), [("checked_in", "not_today"), ("completed", "too_early"), ("no_show", "too_early")]
)
def test_visit_of_tomorrow_has_not_taken_place(world: World, target: str, code: str) -> None:
    assert refusal(correct(world, world.book(NINE), target)) == (409, code)


def test_status_reason_and_version_are_required(world: World) -> None:
    one = world.book(NINE)
    whole = {"status": "cancelled", "reason": "a slip", "version": 1}
    for missing in whole:
        body = {name: value for name, value in whole.items() if name != missing}
        response = world.client(world.sam).post(f"{APPOINTMENTS}/{one.pk}/correct", body)
        assert (refusal(response), attr_of(response)) == ((400, "required"), missing)
    blank = correct(world, one, "cancelled", reason="")
    assert (refusal(blank), attr_of(blank)) == ((400, "blank"), "reason")
    assert refusal(correct(world, one, "perhaps")) == (400, "invalid_choice")
    assert refusal(correct(world, one, "cancelled", version=7)) == (409, "stale_version")
    assert refusal(correct(world, one, "confirmed")) == (409, "transition_not_allowed")
    by_header = {"status": "cancelled", "reason": "a slip"}
    answer = world.client(world.sam).post(f"{APPOINTMENTS}/{one.pk}/correct", by_header, headers={"If-Match": '"1"'})
    assert answer.status_code == 200


def test_practitioner_corrects_their_own_on_its_day_and_patients_nothing(world: World) -> None:
    today, tomorrow = world.book_now(), world.book(NINE)
    assert correct(world, today, "no_show", by=world.petra).json()["status"] == "no_show"
    assert refusal(correct(world, tomorrow, "cancelled", by=world.petra)) == (409, "not_today")
    assert refusal(correct(world, today, "completed", by=world.paula)) == (403, "permission_denied")
    for stranger in (world.quentin, world.pete, world.otto):
        assert refusal(correct(world, today, "completed", by=stranger)) == (404, "not_found")


def test_visit_whose_time_is_taken_cannot_become_active_again(world: World) -> None:
    one = world.book(NINE)
    put_into(one, "cancelled")
    world.book(NINE, patient=world.pete)
    response = correct(world, one, "confirmed")
    assert refusal(response) == (409, "slot_taken")
    assert len(response.json()["nearest"]) == 3


def test_mistaken_check_in_leaves_no_trace_and_the_clock_marks_who_does_not_come(world: World) -> None:
    one = world.book(NINE)
    put_into(one, "checked_in", checked_in_at=NINE)
    sam = UserActor(fresh(world.sam))
    correct_status(
        actor=sam, appointment_id=one.pk, status=Status.CONFIRMED, now=NINE + timedelta(minutes=5), reason="other Paula"
    )
    assert row_of(one).checked_in_at is None
    assert mark_missed(now=NINE + timedelta(minutes=15)) == 1


def test_no_show_that_was_corrected_is_not_marked_again(world: World) -> None:
    one = world.book(NINE)
    late = NINE + timedelta(minutes=15)
    mark_missed(now=late)
    sam = UserActor(fresh(world.sam))
    correct_status(actor=sam, appointment_id=one.pk, status=Status.CONFIRMED, now=late, reason="in the waiting room")
    assert mark_missed(now=late + timedelta(minutes=1)) == 0


@pytest.mark.parametrize(
    ("status", "target", "template"),
    [
        ("cancelled", "confirmed", "confirmed"),
        ("rejected", "confirmed", "confirmed"),
        ("confirmed", "cancelled", "cancelled"),
        ("pending", "cancelled", "request_cancelled"),
        ("confirmed", "rejected", "rejected"),
        ("confirmed", "pending", "request_received"),
        ("cancelled", "pending", "request_received"),
    ],
)
def test_patient_is_told_of_a_correction_of_a_visit_ahead(
    world: World, status: str, target: str, template: str
) -> None:
    one = world.book(NINE)
    put_into(one, status)
    Message.objects.all().delete()
    assert correct(world, one, target).status_code == 200
    assert {name for name, _ in told()} == {template}


def test_patient_is_told_nothing_of_a_correction_of_a_past_visit(world: World) -> None:
    one, today = world.book(in_days(-1)(9)), world.book_now()
    put_into(one, "no_show")
    Message.objects.all().delete()
    for target in ("completed", "cancelled", "no_show"):
        assert correct(world, one, target).status_code == 200
    assert correct(world, today, "no_show").status_code == 200
    assert told() == set()


def test_correction_takes_back_what_waits_to_be_told(world: World) -> None:
    one = world.book(NINE)
    mark_missed(now=NINE + timedelta(minutes=15))
    assert told(template="missed")
    sam = UserActor(fresh(world.sam))
    now: datetime = (NINE + timedelta(minutes=50)).astimezone(UTC)
    correct_status(actor=sam, appointment_id=one.pk, status=Status.COMPLETED, now=now, reason="she was here")
    assert not told(template="missed")
