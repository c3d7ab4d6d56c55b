"""Undelivered messages are sent again from the admin, if they still hold."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import Action
from clinic.appointments.models import Appointment
from clinic.appointments.services.decisions import change_status, delete_appointment
from clinic.appointments.services.moving import Edit, edit_appointment
from clinic.messaging.services.reminders import queue_due_reminders
from clinic.outbox.models import DeliveryChannel, Message, MessageState
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic
from clinic.waitlist.models import OfferState, WaitlistOffer
from clinic.waitlist.services.entries import Wishes, join_waitlist
from pytest_django.fixtures import Settings

from testkit.clinic.admin_pages import MESSAGES, act, messages_of, sign_in
from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh

NINE, TEN = in_days(3)(9), in_days(3)(10)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _sms_can_be_sent(settings: Settings) -> None:
    settings.SMS_IS_CONFIGURED = True


def now() -> datetime:
    return datetime.now(UTC)


def failed(*, state: MessageState = MessageState.FAILED, **of: Any) -> Message:
    message = Message.objects.filter(**of).latest("pk")
    message.state, message.due_at, message.error = state, None, "550 no such mailbox"
    message.save()
    return message


def send_again(world: World, *messages: Message) -> str:
    """The message that the desk gets then."""
    return messages_of(act(sign_in(world.sam), MESSAGES, "send_again", *(message.pk for message in messages)))


def state_of(message: Message) -> str:
    return Message.objects.get(pk=message.pk).state


def take(world: World, appointment: Appointment, action: Action) -> None:
    change_status(actor=UserActor(fresh(world.sam)), appointment_id=appointment.pk, action=action, now=now())


def edit(world: World, appointment: Appointment, **fields: Any) -> None:
    actor = UserActor(fresh(world.sam))
    edit_appointment(actor=actor, appointment_id=appointment.pk, edit=Edit(**fields), now=now())


def delete(world: World, appointment: Appointment) -> None:
    delete_appointment(actor=UserActor(fresh(world.sam)), appointment_id=appointment.pk, now=now())


@pytest.fixture
def appointment(world: World) -> Appointment:
    return world.book(NINE)


@pytest.fixture
def mail(appointment: Appointment) -> Message:
    """That it is confirmed; the server has refused it."""
    return failed(template="confirmed", channel="email")


@pytest.mark.parametrize("state", [MessageState.FAILED, MessageState.DEAD])
def test_valid_lease_is_due_again_at_its_old_end(world: World, mail: Message, state: MessageState) -> None:
    Message.objects.filter(pk=mail.pk).update(state=state, attempts=8, failures=8, reported_at=now())
    assert send_again(world, mail) == "1 of 1 messages go out again."
    again = Message.objects.get(pk=mail.pk)
    assert (again.state, again.attempts, again.failures, again.error) == (MessageState.QUEUED, 0, 0, "")
    assert (again.expires_at, again.reported_at) == (mail.expires_at, None)
    assert again.send_at == again.due_at
    assert abs(now() - again.send_at) < timedelta(minutes=1)


def test_a_note_about_it_changes_nothing(world: World, appointment: Appointment, mail: Message) -> None:
    edit(world, appointment, notes="brings X-rays")
    assert send_again(world, mail) == "1 of 1 messages go out again."


UNTRUE = "Not sent again: 1 no longer true."


@pytest.mark.parametrize("change", ["cancelled", "moved", "given to another", "deleted", "by raw SQL"])
def test_message_about_the_state_before_a_change_is_not_sent_after_it(
    world: World, appointment: Appointment, mail: Message, change: str
) -> None:
    match change:
        case "cancelled":
            take(world, appointment, Action.CANCEL)
        case "moved":
            edit(world, appointment, start=TEN)
        case "given to another":
            edit(world, appointment, practitioner_id=world.quentin.practitioner.pk)
        case "deleted":
            delete(world, appointment)
        case "by raw SQL":
            Appointment.objects.filter(pk=appointment.pk).update(status="cancelled")
    assert send_again(world, mail) == UNTRUE
    assert state_of(mail) == MessageState.FAILED


def test_withdrawn_message_stays_withdrawn(world: World, appointment: Appointment) -> None:
    take(world, appointment, Action.CANCEL)
    mail = Message.objects.get(template="confirmed", channel="email")
    assert mail.state == MessageState.CANCELLED
    assert send_again(world, mail) == "Not sent again: 1 taken back, because the appointment had changed."
    assert state_of(mail) == MessageState.CANCELLED


@pytest.mark.parametrize("how", [take, delete])
def test_that_it_is_cancelled_is_true_until_it_is_not(world: World, appointment: Appointment, how: Any) -> None:
    how(world, appointment, *([Action.CANCEL] if how is take else []))
    mail = failed(template="cancelled", channel="email")
    assert send_again(world, mail) == "1 of 1 messages go out again."


def test_each_is_told_by_itself(world: World, mail: Message) -> None:
    sms = Message.objects.get(template="confirmed", channel="sms")
    late = failed(template="confirmed", channel="in_app")
    Message.objects.filter(pk=late.pk).update(expires_at=now() - DAY)
    said = send_again(world, mail, sms, late)
    assert said == (
        "1 of 3 messages go out again. | Not sent again: 1 on the way or sent already; 1 too late to be of use."
    )


def test_of_a_series_one_changed_date_makes_the_message_about_all_untrue(world: World) -> None:
    series = world.book_series(NINE)
    mail = failed(template="several_confirmed", channel="email")
    assert send_again(world, mail) == "1 of 1 messages go out again."
    failed(pk=mail.pk)
    last = series.appointments.latest("starts_at")
    take(world, last, Action.CANCEL)
    assert send_again(world, mail) == UNTRUE


# Reminders


@pytest.fixture
def reminder(world: World) -> Message:
    """Of the day before; it is due at this moment, and has failed."""
    starts_at = now().replace(second=0, microsecond=0) + timedelta(hours=20)
    starts_at -= timedelta(minutes=starts_at.minute % 5)
    world.book(starts_at, outside_hours=True, now=now() - DAY)
    Message.objects.update(state=MessageState.SENT, sent_at=now() - DAY, due_at=None)
    queue_due_reminders(now=now())
    return failed(template="reminder", channel="sms")


def test_a_reminder_is_sent_again_while_it_is_due(world: World, reminder: Message) -> None:
    assert send_again(world, reminder) == "1 of 1 messages go out again."


@pytest.mark.parametrize("change", ["no longer wanted", "of another time", "too late"])
def test_a_reminder_that_is_due_no_more_is_not(world: World, reminder: Message, change: str) -> None:
    match change:
        case "no longer wanted":
            Patient.objects.update(wants_reminders=False)
        case "of another time":
            Clinic.objects.update(reminder_minutes="120")
        case "too late":
            Message.objects.filter(pk=reminder.pk).update(expires_at=now() - timedelta(minutes=1))
    assert send_again(world, reminder) == "Not sent again: 1 too late to be of use."


# Offers of the waitlist


def test_an_offer_is_sent_again_while_it_is_open(world: World) -> None:
    start = in_days(8)(9)
    appointment = world.book(start, service=world.check_up)
    actor, pete = UserActor(fresh(world.sam)), world.pete.patient.pk
    wishes = Wishes(first_date=start.date(), last_date=start.date())
    join_waitlist(actor=actor, clinic=world.clinic, patient_id=pete, wishes=wishes, now=now())
    take(world, appointment, Action.CANCEL)
    sms = failed(template="waitlist_offer", channel=DeliveryChannel.SMS)
    assert send_again(world, sms) == "1 of 1 messages go out again."
    failed(pk=sms.pk)
    WaitlistOffer.objects.update(state=OfferState.DECLINED)
    assert send_again(world, sms) == UNTRUE
