"""The kind and cause of each message, and the visit, version and offer that it tells of."""

from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import Action
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.appointments.services.decisions import change_status
from clinic.appointments.services.effects import Change
from clinic.appointments.services.moving import Edit, edit_appointment
from clinic.appointments.services.series_changes import Scope, Selection, cancel_series
from clinic.messaging.queries import is_still_offered
from clinic.messaging.services.reminders import queue_due_reminders
from clinic.messaging.services.telling import tell
from clinic.outbox.delivery import deliver_due
from clinic.outbox.models import DeliveryChannel, Message, MessageState, MessageVisit
from clinic.outbox.optouts import write_instead
from clinic.outbox.services import undo_messages_of
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic
from clinic.waitlist.models import OfferState, WaitlistOffer
from clinic.waitlist.services.entries import Wishes, join_waitlist
from django.apps import apps
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from testkit.clinic.admin_pages import MESSAGES, act, messages_of, sign_in
from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh, row_of

NINE, TEN = in_days(3)(9), in_days(3)(10)
References = set[tuple[str, str, int | None, int | None]]


@pytest.fixture(autouse=True)
def _sms_can_be_sent(settings: Settings) -> None:
    settings.SMS_IS_CONFIGURED = True


def now() -> datetime:
    return datetime.now(UTC)


def take(world: World, appointment: Appointment, action: Action) -> Appointment:
    actor = UserActor(fresh(world.sam))
    return change_status(actor=actor, appointment_id=appointment.pk, action=action, now=now())


def move(world: World, appointment: Appointment, start: datetime) -> Appointment:
    actor = UserActor(fresh(world.sam))
    return edit_appointment(actor=actor, appointment_id=appointment.pk, edit=Edit(start=start), now=now())


def remind(*, now: datetime) -> None:
    """All else was sent long ago."""
    Message.objects.filter(state=MessageState.QUEUED).update(
        state=MessageState.SENT, sent_at=now - timedelta(days=1), due_at=None
    )
    assert queue_due_reminders(now=now)


def references(**of: Any) -> References:
    return set(Message.objects.filter(**of).values_list("kind", "cause", "appointment", "appointment_version"))


def visits_of(message: Message) -> set[tuple[int, int | None]]:
    further = MessageVisit.objects.filter(message=message).values_list("appointment_id", "version")
    return {(message.appointment_id or 0, message.appointment_version), *further}


def fail(**of: Any) -> Message:
    message = Message.objects.filter(**of).latest("pk")
    Message.objects.filter(pk=message.pk).update(state=MessageState.FAILED, due_at=None)
    return message


def send_again(world: World, message: Message) -> str:
    return messages_of(act(sign_in(world.sam), MESSAGES, "send_again", message.pk))


def test_messages_of_a_visit_name_its_version(world: World) -> None:
    visit = world.book(NINE, by=world.paula, now=now())
    assert references(template="request_received") == {("change", "requested", visit.pk, 1)}
    assert references(template="new_request") == {("clinic", "requested", visit.pk, 1)}
    take(world, visit, Action.CONFIRM)
    assert references(template="confirmed") == {("change", "confirmed", visit.pk, 2)}
    move(world, visit, TEN)
    assert references(template="moved") == {("change", "moved", visit.pk, 3)}
    remind(now=TEN - timedelta(days=1))
    assert references(template="reminder") == {("reminder", "reminder", visit.pk, 3)}


def test_message_about_several_names_each_visit(world: World) -> None:
    series = world.book_series(NINE, count=4)
    visits = {(one.pk, 1) for one in series.appointments.all()}
    assert len(visits) == 4
    assert all(visits_of(message) == visits for message in Message.objects.filter(template="several_confirmed"))


def test_mail_in_place_of_an_sms_tells_of_the_same_visits(world: World) -> None:
    world.book_series(NINE, count=4)
    sms = Message.objects.get(template="several_confirmed", channel="sms")
    Message.objects.filter(pk=sms.pk).update(fallback_recipient="paula@riverside.example")
    sms.refresh_from_db()
    write_instead(sms, now=now())
    mail = Message.objects.get(unique_key=f"instead-of:{sms.pk}")
    assert visits_of(mail) == visits_of(sms)
    assert (mail.kind, mail.cause) == ("change", "confirmed")


def test_cancelling_some_of_a_series_leaves_the_message_about_all(world: World) -> None:
    series = world.book_series(NINE, count=4)
    first = series.appointments.earliest("starts_at")
    actor, following = UserActor(fresh(world.sam)), series.appointments.order_by("starts_at")[1]
    take(world, first, Action.CANCEL)
    cancel_series(
        actor=actor, series_id=series.pk, selection=Selection(Scope.FOLLOWING, appointment_id=following.pk), now=now()
    )
    waiting = Message.objects.filter(state=MessageState.QUEUED, channel="sms").values_list("template", flat=True)
    assert sorted(waiting) == ["cancelled", "several_cancelled", "several_confirmed"]


def test_first_of_several_cancelled_together_withdraws_no_message_about_others(world: World) -> None:
    series = world.book_series(NINE, count=4)
    first, second, third, _ = series.appointments.order_by("starts_at")
    with transaction.atomic():
        changes = []
        for visit in (first, second):
            before = row_of(visit)
            visit.status, visit.version = "cancelled", 2
            visit.save()
            changes.append(Change("cancel", UserActor(fresh(world.sam)), now(), before, visit))
        tell(changes)
    assert Message.objects.get(template="several_confirmed", channel="email").state == MessageState.QUEUED
    assert third.status == "confirmed"


def test_message_about_a_series_is_sent_again_after_a_change_of_another_visit(world: World) -> None:
    other = world.book(in_days(4)(15))
    world.book_series(NINE)
    mail = fail(template="several_confirmed", channel="email")
    take(world, other, Action.CANCEL)
    assert send_again(world, mail) == "1 of 1 messages go out again."


def test_each_offer_is_sent_again_by_its_own_state(world: World) -> None:
    """Paula and Pete share a phone. Each is offered a time, until the same moment; Paula has declined hers."""
    Clinic.objects.update(offer_minutes=1440)
    world.clinic.refresh_from_db()
    actor = UserActor(fresh(world.sam))
    visits = [world.book(start, service=world.check_up) for start in (in_days(8)(9), in_days(9)(9))]
    for user, visit in zip((world.paula, world.pete), visits, strict=True):
        Appointment.objects.filter(pk=visit.pk).update(patient=Patient.objects.create(clinic=world.clinic, name="Gus"))
        wishes = Wishes(first_date=visit.local_date, last_date=visit.local_date)
        join_waitlist(actor=actor, clinic=world.clinic, patient_id=user.patient.pk, wishes=wishes, now=now())
        take(world, visit, Action.CANCEL)
    moment = now() + timedelta(hours=5)
    WaitlistOffer.objects.update(expires_at=moment)
    Message.objects.filter(kind="offer").update(expires_at=moment)
    hers = WaitlistOffer.objects.get(entry__patient=world.paula.patient)
    WaitlistOffer.objects.filter(pk=hers.pk).update(state=OfferState.DECLINED)
    sms = Message.objects.filter(kind="offer", channel=DeliveryChannel.SMS)
    assert {message.offer_id: is_still_offered(message, now=now()) for message in sms} == {
        hers.pk: False,
        WaitlistOffer.objects.get(state=OfferState.OPEN).pk: True,
    }


# A step that is undone


def test_messages_wait_until_the_given_moment(world: World) -> None:
    visit = world.book(NINE, by=world.paula, now=now())
    Message.objects.all().delete()
    at = now()
    with transaction.atomic():
        tell([Change("create", UserActor(fresh(world.paula)), at, None, visit, "", at + timedelta(seconds=10))])
    assert Message.objects.count() == 6
    assert {message.send_at - at for message in Message.objects.all()} == {timedelta(seconds=10)}
    assert set(Message.objects.values_list("state", flat=True)) == {MessageState.QUEUED}
    for _ in range(2):
        deliver_due(now=at + timedelta(seconds=11))
    assert Message.objects.filter(channel="in_app", state=MessageState.DELIVERED).count() == 3


def last_step_of(visit: Appointment) -> str:
    return AppointmentEvent.objects.filter(appointment_id=visit.pk).latest("id").step


def test_undone_step_is_told_to_nobody_and_its_predecessor_is(world: World) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(undo_seconds=10)
    visit = world.book(NINE, now=now())
    Message.objects.filter(state=MessageState.QUEUED).update(due_at=now() + timedelta(seconds=10))
    take(world, visit, Action.CANCEL)
    assert not Message.objects.filter(template="confirmed", state=MessageState.QUEUED).exists()
    assert undo_messages_of(last_step_of(visit), versions={visit.pk: 3}, now=now())
    waiting = Message.objects.filter(state=MessageState.QUEUED).values_list(
        "template", "channel", "appointment_version"
    )
    assert set(waiting) == {("confirmed", "sms", 3), ("confirmed", "email", 3)}
    assert not Message.objects.filter(template="cancelled", state=MessageState.QUEUED).exists()


def test_reminder_replaced_by_an_undone_step_is_not_restored(world: World) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(undo_seconds=10)
    visit = world.book(NINE)
    remind(now=NINE - timedelta(days=1))
    assert Message.objects.get(template="reminder", channel="sms").state == MessageState.QUEUED
    take(world, visit, Action.CANCEL)
    undo_messages_of(last_step_of(visit), versions={visit.pk: 3}, now=now())
    assert Message.objects.get(template="reminder", channel="sms").state == MessageState.CANCELLED


# Messages of earlier versions


def test_references_of_existing_messages_are_filled_in(world: World) -> None:
    """By key, history, calendar file and the SMS that a mail replaces; a withdrawn offer's stays unknown."""
    Clinic.objects.update(waitlist_mode="offer")
    series = world.book_series(NINE, count=4)
    visit = world.book(TEN, by=world.paula, now=now())
    take(world, visit, Action.CONFIRM)
    remind(now=NINE - timedelta(days=1))
    freed, actor = world.book(in_days(8)(9), service=world.check_up), UserActor(fresh(world.sam))
    wishes = Wishes(first_date=freed.local_date, last_date=freed.local_date)
    join_waitlist(actor=actor, clinic=world.clinic, patient_id=world.pete.patient.pk, wishes=wishes, now=now())
    take(world, freed, Action.CANCEL)
    sms = Message.objects.get(kind="offer", channel="sms")
    write_instead(sms, now=now())
    wanted = {
        message.pk: (message.kind, message.cause, message.appointment_version, message.offer_id)
        for message in Message.objects.all()
    }
    several = Message.objects.get(template="several_confirmed", channel="sms")
    visits = visits_of(several)
    assert len(visits) == series.appointments.count() == 4

    mail = Message.objects.get(template="several_confirmed", channel="email")
    assert mail.attachment is not None
    for visit in series.appointments.all():
        former = f"appointment-{visit.pk}@booking.example"
        mail.attachment["text"] = mail.attachment["text"].replace(visit.calendar_uid, former)
    mail.save()
    Message.objects.update(kind="", cause="", appointment_version=None, offer=None)
    MessageVisit.objects.all().delete()
    with connection.schema_editor() as editor:
        import_module("clinic.outbox.migrations.0013_kinds_causes_and_references").fill_in(apps, editor)
    found = {
        message.pk: (message.kind, message.cause, message.appointment_version, message.offer_id)
        for message in Message.objects.all()
    }
    assert found == wanted
    assert visits_of(several) == visits
