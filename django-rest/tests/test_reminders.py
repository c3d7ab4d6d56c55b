"""Patients are reminded of their appointments, whatever happens in the meantime and however long no worker ran."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import Action
from clinic.appointments.models import Appointment, Source
from clinic.appointments.services.decisions import change_status
from clinic.appointments.services.moving import Edit, edit_appointment
from clinic.messaging.services import reminders
from clinic.messaging.services.reminders import queue_due_reminders
from clinic.outbox import delivery
from clinic.outbox.channels.failures import WantsNoSms
from clinic.outbox.delivery import deliver_due
from clinic.outbox.models import Message, MessageKind, MessageState, MessageTemplate
from clinic.outbox.optouts import record_opt_out
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic
from clinic.worker.jobs import run_jobs
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from testkit.clinic.concurrency import at_once
from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh, row_of

NINE = in_days(5)(9)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def _sms_can_be_sent(settings: Settings) -> None:
    settings.SMS_IS_CONFIGURED = True


@pytest.fixture
def agreed(world: World) -> Appointment:
    return world.book(NINE)


def waiting() -> list[tuple[str, datetime | None]]:
    """Of reminders that are still to be sent: channel and until when."""
    queued = Message.objects.filter(template="reminder", state=MessageState.QUEUED).order_by("pk")
    return [(channel, expires_at) for channel, expires_at in queued.values_list("channel", "expires_at")]


def send_all_else(*, now: datetime) -> None:
    others = Message.objects.filter(state=MessageState.QUEUED, send_at__lte=now).exclude(kind=MessageKind.REMINDER)
    others.update(state=MessageState.SENT, sent_at=F("send_at"), due_at=None)


def reminded(*, now: datetime) -> int:
    """By a worker that has sent all else in time."""
    send_all_else(now=now)
    return queue_due_reminders(now=now)


def take(world: World, appointment: Appointment, action: Action, *, now: datetime) -> None:
    change_status(actor=UserActor(fresh(world.sam)), appointment_id=appointment.pk, action=action, now=now)


def move(world: World, appointment: Appointment, start: datetime, *, now: datetime) -> None:
    actor = UserActor(fresh(world.sam))
    edit_appointment(actor=actor, appointment_id=appointment.pk, edit=Edit(start=start), now=now)


def test_a_day_and_three_hours_before_each_once(agreed: Appointment) -> None:
    moments = [NINE - DAY - MINUTE, NINE - DAY, NINE - DAY + MINUTE, NINE - 3 * HOUR, NINE - 2 * HOUR, NINE]
    assert [reminded(now=now) for now in moments] == [0, 1, 0, 1, 0, 0]
    sms = Message.objects.filter(template="reminder", channel="sms").order_by("pk")
    assert [one.expires_at for one in sms] == [NINE - 4 * HOUR, NINE - 30 * MINUTE]
    assert sms[0].body == (
        f"Riverside: a reminder of {NINE:%a} {NINE.day} {NINE:%b}, 09:00 with Dr Petra."
        f" Reply CONFIRM {agreed.pk} or NO {agreed.pk}."
    )
    assert Message.objects.filter(template="reminder", channel="in_app", state=MessageState.DELIVERED).count() == 2


@pytest.mark.parametrize(
    ("ways", "channels"),
    [
        ("sms_first", ["sms", "in_app"]),
        ("mail_first", ["email", "in_app"]),
        ("mail", ["email", "in_app"]),
        ("every", ["sms", "email", "in_app"]),
    ],
)
def test_clinic_chooses_the_ways_of_reminders(
    world: World, agreed: Appointment, ways: str, channels: list[str]
) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(reminder_ways=ways)
    assert [reminded(now=now) for now in (NINE - DAY, NINE - DAY + MINUTE)] == [1, 0]
    queued = Message.objects.filter(template="reminder").order_by("pk")
    assert list(queued.values_list("channel", flat=True)) == channels


def test_the_worker_reminds_by_itself(agreed: Appointment) -> None:
    send_all_else(now=NINE - DAY)
    assert run_jobs(now=NINE - DAY)["reminders queued"] == 1
    assert run_jobs(now=NINE - DAY + MINUTE)["reminders queued"] == 0


def test_confirmed_patient_is_not_asked_again(agreed: Appointment) -> None:
    Appointment.objects.filter(pk=agreed.pk).update(attendance_confirmed_at=NINE - 2 * DAY)
    reminded(now=NINE - DAY)
    assert "CONFIRM" not in Message.objects.get(template="reminder", channel="sms").body


def reminders_before(*befores: timedelta) -> list[timedelta]:
    """Of these looks, so long before the start, those at which a reminder is queued."""
    return [before for before in befores if reminded(now=NINE - before)]


LOOKS = [DAY, DAY - 59 * MINUTE, DAY - HOUR, 5 * HOUR, 3 * HOUR, 2 * HOUR + 10 * MINUTE, 2 * HOUR, HOUR, 31 * MINUTE]


@pytest.mark.parametrize("how", ["booked", "approved", "moved", "given to another"])
@pytest.mark.parametrize(
    ("before", "reminders"),
    [
        (2 * DAY, [DAY, 3 * HOUR]),
        (DAY + 5 * MINUTE, [DAY - 59 * MINUTE, 3 * HOUR]),
        (10 * HOUR, [3 * HOUR]),
        (3 * HOUR + 10 * MINUTE, [2 * HOUR + 10 * MINUTE]),
        (2 * HOUR, []),
        (31 * MINUTE, []),
    ],
    ids=str,
)
def test_visit_agreed_inside_a_lead_is_not_reminded_of_by_that_lead(
    world: World, before: timedelta, reminders: list[timedelta], how: str
) -> None:
    at = NINE - before
    match how:
        case "booked":
            world.book(NINE, now=at)
        case "approved":
            take(world, world.book(NINE, by=world.paula), Action.CONFIRM, now=at)
        case "moved":
            move(world, world.book(NINE + 3 * DAY), NINE, now=at)
        case "given to another":
            actor, quentin = UserActor(fresh(world.sam)), world.quentin.practitioner
            edit = Edit(practitioner_id=quentin.pk)
            edit_appointment(actor=actor, appointment_id=world.book(NINE).pk, edit=edit, now=at)
    assert reminders_before(*(look for look in LOOKS if look <= before)) == reminders


def test_no_reminder_within_an_hour_of_a_change_that_is_told(world: World) -> None:
    visit = world.book(NINE, by=world.paula)
    take(world, visit, Action.CONFIRM, now=NINE - DAY - 20 * MINUTE)
    looks = [DAY, DAY - 39 * MINUTE, DAY - 40 * MINUTE, DAY - 41 * MINUTE]
    assert reminders_before(*looks) == [DAY - 40 * MINUTE]


def test_message_about_a_series_keeps_an_hour_from_reminders_of_each_visit(world: World) -> None:
    second = world.book_series(NINE - 7 * DAY).appointments.get(starts_at=NINE)
    Message.objects.update(send_at=NINE - DAY - 20 * MINUTE, created_at=NINE - DAY - 20 * MINUTE)
    assert Message.objects.exclude(appointment=second.pk).filter(channel="sms").count() == 1
    assert reminders_before(DAY, DAY - 39 * MINUTE, DAY - 40 * MINUTE) == [DAY - 40 * MINUTE]


@pytest.mark.parametrize(
    ("kind", "blocks"), [("change", True), ("reminder", True), ("day", False), ("offer", False), ("clinic", False)]
)
def test_messages_of_the_day_and_offers_hold_up_no_reminder(agreed: Appointment, kind: str, blocks: bool) -> None:
    Message.objects.update(kind=kind, send_at=NINE - DAY - 20 * MINUTE, sent_at=NINE - DAY - 20 * MINUTE)
    assert reminded(now=NINE - DAY) == (0 if blocks else 1)


@pytest.mark.parametrize("state", ["cancelled", "failed", "dead", "held"])
def test_message_that_does_not_come_holds_up_no_reminder(agreed: Appointment, state: str) -> None:
    Message.objects.update(state=state, send_at=NINE - DAY - 20 * MINUTE)
    assert reminded(now=NINE - DAY) == 1


def test_change_that_an_outage_keeps_in_the_queue_holds_up_the_reminder(agreed: Appointment) -> None:
    assert queue_due_reminders(now=NINE - DAY) == 0
    Message.objects.update(state=MessageState.SENT, sent_at=NINE - DAY)
    assert reminded(now=NINE - DAY + HOUR) == 1


@pytest.mark.parametrize("status", ["pending", "cancelled", "rejected", "checked_in", "completed", "no_show"])
def test_only_what_is_confirmed_is_reminded_of(agreed: Appointment, status: str) -> None:
    Appointment.objects.filter(pk=agreed.pk).update(status=status)
    assert reminded(now=NINE - DAY) == 0


def test_a_cancelled_appointment_takes_its_reminder_with_it(world: World, agreed: Appointment) -> None:
    reminded(now=NINE - DAY)
    assert [channel for channel, _ in waiting()] == ["sms"]
    take(world, agreed, Action.CANCEL, now=NINE - DAY)
    assert waiting() == []
    assert reminded(now=NINE - 3 * HOUR) == 0


def test_a_moved_appointment_is_reminded_of_at_its_new_time(world: World, agreed: Appointment) -> None:
    reminded(now=NINE - DAY)
    move(world, agreed, NINE + 2 * DAY, now=NINE - DAY)
    assert waiting() == []
    assert reminded(now=NINE - 3 * HOUR) == 0
    assert reminded(now=NINE + DAY) == 1


def test_there_and_back_again_it_is_reminded_of_as_if_nothing_had_been(world: World, agreed: Appointment) -> None:
    reminded(now=NINE - 26 * HOUR)
    move(world, agreed, NINE + 2 * DAY, now=NINE - 26 * HOUR)
    move(world, row_of(agreed), NINE, now=NINE - 26 * HOUR)
    assert reminded(now=NINE - DAY) == 1
    assert [channel for channel, _ in waiting()] == ["sms"]


def test_a_note_does_not_remind_again(world: World, agreed: Appointment) -> None:
    reminded(now=NINE - DAY)
    actor = UserActor(fresh(world.sam))
    edit_appointment(actor=actor, appointment_id=agreed.pk, edit=Edit(notes="nervous"), now=NINE - DAY)
    assert reminded(now=NINE - DAY + MINUTE) == 0
    assert len(waiting()) == 1


@pytest.mark.parametrize(
    ("wishes", "channels"),
    [
        ({"wants_sms": False}, ("email", "in_app")),
        ({"phone": ""}, ("email", "in_app")),
        ({"wants_sms": False, "wants_email": False}, ("in_app",)),
        ({"user": None}, ("sms",)),
        ({"wants_reminders": False}, ()),
    ],
    ids=str,
)
def test_reminders_come_by_one_way_that_is_wanted(
    agreed: Appointment, wishes: dict[str, Any], channels: tuple[str, ...]
) -> None:
    Patient.objects.filter(pk=agreed.patient_id).update(**wishes)
    for minute in range(3):
        reminded(now=NINE - DAY + minute * MINUTE)
    told = list(Message.objects.filter(template="reminder").values_list("channel", flat=True))
    assert sorted(told) == sorted(channels)


def test_another_wish_in_between_does_not_remind_by_another_way(agreed: Appointment) -> None:
    reminded(now=NINE - DAY)
    Patient.objects.filter(pk=agreed.patient_id).update(wants_sms=False)
    assert reminded(now=NINE - DAY + MINUTE) == 0


def test_the_clinic_says_when_and_not_at_night(agreed: Appointment) -> None:
    Clinic.objects.filter(pk=agreed.clinic_id).update(reminder_minutes="2880", quiet_from="08:30", quiet_until="10:00")
    assert reminded(now=NINE - 2 * DAY) == 0
    assert reminded(now=NINE - 2 * DAY + HOUR) == 1
    assert reminded(now=NINE - 3 * HOUR) == 0


def test_demo_patients_get_no_reminders(agreed: Appointment) -> None:
    Appointment.objects.filter(pk=agreed.pk).update(source=Source.DEMO)
    assert reminded(now=NINE - DAY) == 0


def test_unreachable_patient_delays_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reminders, "BATCH", 2)
    silent = Patient.objects.create(clinic=world.clinic, name="Gus")
    for number in range(7):
        appointment = world.book(NINE + number * HOUR)
        if number % 2 == 0:
            Appointment.objects.filter(pk=appointment.pk).update(patient=silent)
    assert reminded(now=NINE - 12 * HOUR) == 3


def test_after_a_week_without_a_worker_only_what_still_makes_sense_is_told(world: World) -> None:
    """Out of order from five days before the first until noon of the third day."""
    days = [world.book(in_days(8 + day)(hour)) for day in range(4) for hour in (9, 14)]
    back_at = in_days(10)(12)
    reminded(now=in_days(7)(9))  # The last that was done before.
    before = Message.objects.filter(template="reminder", channel="sms").count()
    run_jobs(now=back_at)
    told = Message.objects.filter(template="reminder", channel="sms").order_by("pk")[before:]
    # The afternoon of today, with its second reminder alone; tomorrow morning, with its first.
    assert [one.appointment_id for one in told] == [days[5].pk, days[6].pk]
    assert [one.expires_at for one in told] == [in_days(10)(13, 30), in_days(11)(5)]
    # Unattended visits of the last day are missed; older ones are left to the clinic.
    statuses = [row_of(one).status for one in days]
    assert statuses[:3] == ["confirmed"] * 3
    assert statuses[3:5] == ["no_show"] * 2
    assert statuses[5:] == ["confirmed"] * 3


def test_message_kept_back_by_an_outage_is_not_sent_beside_its_successor(world: World, agreed: Appointment) -> None:
    reminded(now=NINE - DAY)
    reminded(now=NINE - 3 * HOUR)
    deliver_due(now=NINE - 3 * HOUR)
    states = Message.objects.filter(template="reminder", channel="sms").order_by("pk").values_list("state", flat=True)
    assert states[0] == MessageState.DEAD
    assert states[1] != MessageState.DEAD


@pytest.mark.parametrize(
    ("start", "told", "offset"),
    [
        # The night before has 23 hours, then 25: a day before is eight or ten on the wall.
        ("2027-03-28 09:00", "2027-03-27 08:00", "UTC+02:00"),
        ("2027-10-31 09:00", "2027-10-30 10:00", "UTC+01:00"),
    ],
)
def test_over_a_change_of_clocks_a_day_stays_24_hours(world: World, start: str, told: str, offset: str) -> None:
    starts_at, told_at = (datetime.fromisoformat(one).replace(tzinfo=NINE.tzinfo) for one in (start, told))
    world.book(starts_at)
    assert (reminded(now=told_at - MINUTE), reminded(now=told_at), reminded(now=told_at + HOUR)) == (0, 1, 0)
    assert f", 09:00 ({offset}) with" in Message.objects.get(template="reminder", channel="sms").body
    utc = starts_at.astimezone(UTC)
    assert Message.objects.get(template="reminder", channel="sms").expires_at == utc - 4 * HOUR


@pytest.mark.race
def test_two_workers_remind_once(committed_world: World) -> None:
    for hour in range(8, 16):
        committed_world.book(in_days(5)(hour))
    now = in_days(4)(16)
    send_all_else(now=now)
    counted = at_once([lambda: queue_due_reminders(now=now)] * 4, connections=4)
    assert all(isinstance(one, int) for one in counted), counted
    told = Message.objects.filter(template="reminder", channel="sms").values_list("appointment", flat=True)
    assert len(told) == len(set(told)) == 8


# Patients without SMS


PHONE = "+491701234567"


def the_mail() -> Message:
    return Message.objects.get(template="reminder", channel="email")


def assert_is_a_proper_mail(mail: Message) -> None:
    assert mail.subject == f"A reminder: {NINE:%a} {NINE.day} {NINE:%b}, 09:00"
    assert mail.body.startswith("Dear Paula,\n\nwe look forward to seeing you at Riverside:")
    assert "Reply" not in mail.body


def test_known_opt_out_is_reminded_by_mail_at_once(agreed: Appointment) -> None:
    record_opt_out("sms", PHONE, source="reply", at=NINE - 2 * DAY)
    assert reminded(now=NINE - DAY) == 1
    assert not Message.objects.filter(template="reminder", channel="sms").exists()
    assert_is_a_proper_mail(the_mail())


def test_patient_without_any_address_is_left_to_the_desk(agreed: Appointment) -> None:
    Patient.objects.update(email="")
    record_opt_out("sms", PHONE, source="reply", at=NINE - 2 * DAY)
    reminded(now=NINE - DAY)
    deliver_due(now=NINE - DAY)
    assert Message.objects.get(template="reminder", channel="sms").error == "The phone's owner wants no SMS."


@pytest.mark.parametrize("own", [False, True], ids=["standard wording", "own wording"])
def test_opt_out_found_on_sending_gets_the_mail_of_a_reminder(
    agreed: Appointment, own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Message) -> str:
        raise WantsNoSms("Twilio 21610: unsubscribed")

    monkeypatch.setitem(delivery.CHANNELS, "sms", refuse)
    if own:
        words = {"subject": "See you, {patient}", "body": "On {when_at_length}.", "updated_at": NINE}
        kind = {"template": "reminder", "channel": "email", "language": "en"}
        MessageTemplate.objects.create(clinic=agreed.clinic, **kind, **words)
    reminded(now=NINE - DAY)
    deliver_due(now=NINE - DAY)
    mail = the_mail()
    if own:
        assert (mail.subject, mail.body) == ("See you, Paula", f"On {NINE:%A} {NINE.day} {NINE:%B %Y}, 09:00.")
    else:
        assert_is_a_proper_mail(mail)
    assert mail.expires_at == NINE - 4 * HOUR


def test_a_round_asks_once_who_wants_none(world: World, agreed: Appointment) -> None:
    for hour in (10, 11, 12):
        world.book(in_days(5)(hour), patient=world.pete)
    with CaptureQueriesContext(connection) as captured:
        assert reminded(now=NINE - 21 * HOUR) == 4
    assert sum("opt_out" in query["sql"] for query in captured) == 1
