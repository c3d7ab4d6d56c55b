"""Who has an appointment is reminded of it, whatever becomes of it in the meantime and however long no worker ran."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clinic.appointments.actor import Actor
from clinic.appointments.lifecycle import Action
from clinic.appointments.models import Appointment, Source
from clinic.appointments.services.booking import Edit, edit_appointment
from clinic.appointments.services.decisions import change_status
from clinic.messaging.services import reminders
from clinic.messaging.services.reminders import queue_due_reminders
from clinic.ops.maintenance import run_jobs
from clinic.outbox import delivery
from clinic.outbox.channels.failures import WantsNoSms
from clinic.outbox.delivery import deliver_due
from clinic.outbox.models import Message, MessageTemplate, State
from clinic.outbox.optouts import record_opt_out
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from .conftest import World, at_once, fresh, in_days, row_of

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
    queued = Message.objects.filter(template="reminder", state=State.QUEUED).order_by("pk")
    return [(channel, expires_at) for channel, expires_at in queued.values_list("channel", "expires_at")]


def reminded(*, now: datetime) -> int:
    return queue_due_reminders(now=now)


def take(world: World, appointment: Appointment, action: Action, *, now: datetime) -> None:
    change_status(actor=Actor.by_user(fresh(world.sam)), appointment_id=appointment.pk, action=action, now=now)


def move(world: World, appointment: Appointment, start: datetime, *, now: datetime) -> None:
    actor = Actor.by_user(fresh(world.sam))
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
    assert Message.objects.filter(template="reminder", channel="in_app", state=State.DELIVERED).count() == 2


def test_the_worker_reminds_by_itself(agreed: Appointment) -> None:
    assert run_jobs(now=NINE - DAY)["reminders queued"] == 1
    assert run_jobs(now=NINE - DAY + MINUTE)["reminders queued"] == 0


def test_who_has_promised_to_come_is_not_asked_again(agreed: Appointment) -> None:
    Appointment.objects.filter(pk=agreed.pk).update(attendance_confirmed_at=NINE - 2 * DAY)
    reminded(now=NINE - DAY)
    assert "CONFIRM" not in Message.objects.get(template="reminder", channel="sms").body


@pytest.mark.parametrize(
    ("booked_before", "reminders"), [(10 * HOUR, 1), (2 * HOUR, 1), (31 * MINUTE, 1), (30 * MINUTE, 0), (5 * MINUTE, 0)]
)
def test_what_is_booked_late_is_reminded_of_at_once_if_it_is_not_too_late(
    world: World, booked_before: timedelta, reminders: int
) -> None:
    world.book(NINE, now=NINE - booked_before)
    assert reminded(now=NINE - booked_before) == reminders


def test_what_is_booked_shortly_before_a_reminder_is_reminded_of_once(world: World) -> None:
    booked_at = NINE - 3 * HOUR - 10 * MINUTE
    world.book(NINE, now=booked_at)
    assert [reminded(now=booked_at + minute * MINUTE) for minute in (0, 5, 10, 11)] == [0, 0, 1, 0]


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
    reminded(now=NINE - DAY)
    move(world, agreed, NINE + 2 * DAY, now=NINE - DAY)
    move(world, row_of(agreed), NINE, now=NINE - DAY)
    assert reminded(now=NINE - DAY + MINUTE) == 1
    assert [channel for channel, _ in waiting()] == ["sms"]


def test_a_note_does_not_remind_again(world: World, agreed: Appointment) -> None:
    reminded(now=NINE - DAY)
    actor = Actor.by_user(fresh(world.sam))
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


def test_nobody_of_the_demo_is_reminded(agreed: Appointment) -> None:
    Appointment.objects.filter(pk=agreed.pk).update(source=Source.DEMO)
    assert reminded(now=NINE - DAY) == 0


def test_who_cannot_be_told_holds_up_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
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
    # Who did not come within the last day has missed it; what is longer ago is the clinic's to say.
    statuses = [row_of(one).status for one in days]
    assert statuses[:3] == ["confirmed"] * 3
    assert statuses[3:5] == ["no_show"] * 2
    assert statuses[5:] == ["confirmed"] * 3


def test_what_an_outage_kept_in_the_queue_is_not_sent_beside_the_next(world: World, agreed: Appointment) -> None:
    reminded(now=NINE - DAY)
    reminded(now=NINE - 3 * HOUR)
    deliver_due(now=NINE - 3 * HOUR)
    states = Message.objects.filter(template="reminder", channel="sms").order_by("pk").values_list("state", flat=True)
    assert states[0] == State.DEAD
    assert states[1] != State.DEAD


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
    counted = at_once([lambda: queue_due_reminders(now=now)] * 4, connections=4)
    assert all(isinstance(one, int) for one in counted), counted
    told = Message.objects.filter(template="reminder", channel="sms").values_list("appointment", flat=True)
    assert len(told) == len(set(told)) == 8


# Who wants no SMS


PHONE = "+491701234567"


def the_mail() -> Message:
    return Message.objects.get(template="reminder", channel="email")


def assert_is_a_proper_mail(mail: Message) -> None:
    assert mail.subject == f"A reminder: {NINE:%a} {NINE.day} {NINE:%b}, 09:00"
    assert mail.body.startswith("Dear Paula,\n\nwe look forward to seeing you at Riverside:")
    assert "Reply" not in mail.body


def test_who_is_known_to_want_no_sms_is_reminded_by_mail_at_once(agreed: Appointment) -> None:
    record_opt_out("sms", PHONE, source="reply", at=NINE - 2 * DAY)
    assert reminded(now=NINE - DAY) == 1
    assert not Message.objects.filter(template="reminder", channel="sms").exists()
    assert_is_a_proper_mail(the_mail())


def test_who_has_no_address_either_is_left_to_the_desk(agreed: Appointment) -> None:
    Patient.objects.update(email="")
    record_opt_out("sms", PHONE, source="reply", at=NINE - 2 * DAY)
    reminded(now=NINE - DAY)
    deliver_due(now=NINE - DAY)
    assert Message.objects.get(template="reminder", channel="sms").error == "The phone's owner wants no SMS."


@pytest.mark.parametrize("own", [False, True], ids=["standard wording", "own wording"])
def test_who_turns_out_to_want_no_sms_gets_the_mail_of_a_reminder(
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
