"""Automatic no-shows, as the clinic sets them; and requests that nobody decided in time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import Action
from clinic.appointments.models import Appointment
from clinic.appointments.services.clock import mark_missed
from clinic.appointments.services.decisions import change_status
from clinic.messaging.services.inbound import ReceivedSms, answer_sms
from clinic.outbox.delivery import send_taken, take_due
from clinic.outbox.models import Message, MessageState
from clinic.scheduling.models import Clinic

from testkit.clinic.admin_pages import act as act_in_admin
from testkit.clinic.admin_pages import sign_in
from testkit.clinic.answers import APPOINTMENTS, refusal
from testkit.clinic.times import in_days, this_moment
from testkit.clinic.world import World, fresh, row_of

NINE = in_days(1)(9)
QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)
SECOND = timedelta(seconds=1)


def missed_messages(*channels: str) -> list[Message]:
    of_patient = Message.objects.filter(template="missed", channel__in=channels or ("email", "in_app"))
    return list(of_patient.exclude(state=MessageState.CANCELLED))


def set_policy(world: World, **settings: Any) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(**settings)


# Settings


def test_owner_sets_whether_the_clock_marks_no_shows_and_whether_patients_are_told(world: World) -> None:
    shown = world.client(world.olga).get("/api/v1/clinic").json()
    assert (shown["auto_no_show"], shown["no_show_message"]) == (True, True)
    changes = {"auto_no_show": False, "no_show_message": False}
    changed = world.client(world.olga).patch("/api/v1/clinic", changes).json()
    assert (changed["auto_no_show"], changed["no_show_message"]) == (False, False)
    assert "auto_no_show" not in world.client().get("/api/v1/clinic?clinic=riverside").json()


def test_clinic_without_automatic_no_shows_leaves_the_visit_confirmed(world: World) -> None:
    appointment = world.book(NINE)
    set_policy(world, auto_no_show=False)
    assert mark_missed(now=NINE + QUARTER) == 0
    assert row_of(appointment).status == "confirmed"
    set_policy(world, auto_no_show=True)
    assert mark_missed(now=NINE + QUARTER) == 1


def test_desk_marks_a_no_show_where_the_clock_does_not(world: World) -> None:
    set_policy(world, auto_no_show=False)
    appointment = world.book_now()
    assert world.client(world.sam).post(f"{APPOINTMENTS}/{appointment.pk}/no-show").json()["status"] == "no_show"


# The message


def test_patient_is_told_of_a_no_show_one_hour_later(world: World) -> None:
    world.book(NINE)
    marked_at = NINE + QUARTER
    mark_missed(now=marked_at)
    assert {(message.channel, message.due_at) for message in missed_messages()} == {
        ("email", marked_at + HOUR),
        ("in_app", marked_at + HOUR),
    }
    assert not [message for message in take_due(now=marked_at + HOUR - SECOND) if message.template == "missed"]
    assert len([message for message in take_due(now=marked_at + HOUR) if message.template == "missed"]) == 2


def test_clinic_is_told_of_a_no_show_at_once(world: World) -> None:
    world.book(NINE)
    mark_missed(now=NINE + QUARTER)
    told = Message.objects.filter(template="missed_by_patient", channel="in_app")
    assert {message.state for message in told} == {MessageState.DELIVERED}
    assert told.count() == 3


def test_patient_who_came_after_all_is_not_told_of_a_no_show(world: World) -> None:
    appointment = world.book(NINE)
    sam = UserActor(fresh(world.sam))
    change_status(actor=sam, appointment_id=appointment.pk, action=Action.NO_SHOW, now=NINE + QUARTER)
    assert missed_messages()
    change_status(actor=sam, appointment_id=appointment.pk, action=Action.REOPEN, now=NINE + timedelta(minutes=50))
    assert missed_messages() == []


def test_patient_is_not_told_of_a_no_show_that_raw_sql_corrected(world: World) -> None:
    appointment = world.book(NINE)
    mark_missed(now=NINE + QUARTER)
    Appointment.objects.filter(pk=appointment.pk).update(status="completed")
    due = [message for message in take_due(now=NINE + QUARTER + HOUR) if message.template == "missed"]
    assert [message.withdrawn for message in due] == [True, True]
    send_taken(due, now=NINE + QUARTER + HOUR)
    assert missed_messages() == []


def test_clinic_that_does_not_want_it_tells_no_patient_of_a_no_show(world: World) -> None:
    set_policy(world, no_show_message=False)
    world.book(NINE)
    assert mark_missed(now=NINE + QUARTER) == 1
    assert missed_messages() == []
    assert Message.objects.filter(template="missed_by_patient", channel="in_app").count() == 3


# Requests whose start has passed


@pytest.fixture
def begun(world: World) -> Appointment:
    """A request of Paula's that began a moment ago; no worker has been round since."""
    appointment = world.book_now()
    Appointment.objects.filter(pk=appointment.pk).update(status="pending")
    User.objects.filter(pk=world.sam.pk).update(is_staff=True)
    return row_of(appointment)


DOORS: dict[str, Callable[[World, Appointment], Any]] = {
    "confirm": lambda world, one: world.client(world.sam).post(f"{APPOINTMENTS}/{one.pk}/confirm"),
    "patch": lambda world, one: world.client(world.sam).patch(f"{APPOINTMENTS}/{one.pk}", {"status": "confirmed"}),
    "older front end": lambda world, one: world.client(world.petra).patch(
        f"/api/appointments/{one.pk}/", {"status": "APPROVED"}
    ),
    "older form": lambda world, one: world.client(world.sam).put(
        f"/api/appointments/{one.pk}", {"status": "Approved", "notes": "late"}
    ),
}


@pytest.mark.parametrize("door", DOORS)
def test_request_whose_start_has_passed_cannot_be_confirmed(world: World, begun: Appointment, door: str) -> None:
    assert refusal(DOORS[door](world, begun)) == (409, "too_late_to_confirm")
    assert (row_of(begun).status, row_of(begun).notes) == ("pending", "")


def test_request_whose_start_has_passed_cannot_be_confirmed_in_the_admin(world: World, begun: Appointment) -> None:
    page = act_in_admin(sign_in(world.sam), "/admin/appointments/appointment/?when=all", "approve", begun.pk)
    assert "can no longer be confirmed" in page.content.decode()
    assert row_of(begun).status == "pending"


def test_request_whose_start_has_passed_cannot_be_promised_by_sms(world: World, begun: Appointment) -> None:
    received = ReceivedSms("SM1", world.paula.patient.phone, "+4930999", f"YES {begun.pk}")
    answer_sms(received, now=this_moment() + timedelta(minutes=6))
    assert (row_of(begun).status, row_of(begun).attendance_confirmed_at) == ("pending", None)


def test_request_is_confirmed_until_its_start(world: World) -> None:
    asked = world.book(NINE, by=world.paula)
    sam = UserActor(fresh(world.sam))
    confirmed = change_status(actor=sam, appointment_id=asked.pk, action=Action.CONFIRM, now=NINE - SECOND)
    assert confirmed.status == "confirmed"
