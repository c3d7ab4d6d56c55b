"""Messages about a change of an appointment: once to each person concerned, by a way that suits, in their language."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.actor import SystemActor, UserActor
from clinic.appointments.lifecycle import Action
from clinic.appointments.models import Appointment, Channel
from clinic.appointments.services.clock import expire_requests, mark_missed
from clinic.appointments.services.decisions import change_status, delete_appointment
from clinic.appointments.services.effects import Change
from clinic.appointments.services.moving import Edit, edit_appointment
from clinic.appointments.services.series_changes import Scope, Selection, cancel_series
from clinic.clinic_setup.services.practitioners import Fate, edit_practitioner
from clinic.common.transactions import finish_with, in_one_transaction, savepoint
from clinic.messaging.replies import Intent, read_reply
from clinic.messaging.services.dead_letters import report_dead_letters
from clinic.messaging.services.telling import TELL, tell
from clinic.outbox.models import Message, MessageState
from clinic.outbox.optouts import record_opt_out
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from icalendar import Calendar as Ics
from pytest_django.fixtures import Settings

from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh, row_of

NINE, TEN = in_days(3)(9), in_days(3)(10)
PAULAS = "paula@riverside.example"
PHONE = "+491701234567"
Told = set[tuple[str, str, str]]


@pytest.fixture(autouse=True)
def _sms_can_be_sent(settings: Settings) -> None:
    settings.SMS_IS_CONFIGURED = True


def now() -> datetime:
    return datetime.now(UTC)


def told(**of: Any) -> Told:
    """Template, channel and recipient of all that was told and not taken back."""
    messages = Message.objects.exclude(state=MessageState.CANCELLED).filter(**of)
    return set(messages.values_list("template", "channel", "recipient"))


def told_since(act: Callable[[], object]) -> Told:
    newest = Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    act()
    return told(pk__gt=newest)


def take(world: World, appointment: Appointment, action: Action, *, by: User | None = None, **more: Any) -> Appointment:
    actor = UserActor(fresh(by or world.sam))
    return change_status(actor=actor, appointment_id=appointment.pk, action=action, now=now(), **more)


def move(world: World, appointment: Appointment, start: datetime) -> None:
    actor = UserActor(fresh(world.sam))
    edit_appointment(actor=actor, appointment_id=appointment.pk, edit=Edit(start=start), now=now())


def to_paula(template: str, *channels: str) -> Told:
    recipients = {"sms": PHONE, "email": PAULAS, "in_app": PAULAS}
    return {(template, channel, recipients[channel]) for channel in channels or recipients}


def to_clinic(world: World, template: str) -> Told:
    return {(template, "in_app", str(user.email)) for user in (world.olga, world.sam, world.petra)}


def mailed(template: str, *users: User) -> Told:
    return {(template, "email", str(user.email)) for user in users}


def message(template: str, channel: str) -> Message:
    return Message.objects.get(template=template, channel=channel)


# To the patient


def test_booking_by_the_desk_is_told_by_every_way(world: World) -> None:
    assert told_since(lambda: world.book(NINE)) == to_paula("confirmed")
    sms = message("confirmed", "sms")
    appointment = Appointment.objects.get()
    assert sms.body == (
        f"Riverside: your appointment on {NINE:%a} {NINE.day} {NINE:%b}, 09:00 with Dr Petra is confirmed."
        f" Cannot come? Reply NO {appointment.pk}."
    )
    assert (sms.clinic, sms.user, sms.appointment_id) == (world.clinic, world.paula, appointment.pk)


def test_known_opt_out_is_told_by_the_other_ways(world: World) -> None:
    record_opt_out("sms", PHONE, source="reply", at=now())
    assert told_since(lambda: world.book(NINE)) == to_paula("confirmed", "email", "in_app")


def test_a_request_is_received_and_the_clinic_has_a_new_one(world: World) -> None:
    def ask() -> Appointment:
        return world.book(NINE, by=world.paula)

    told_of_it = to_paula("request_received", "email") | to_clinic(world, "new_request")
    assert told_since(ask) == told_of_it | mailed("new_request", world.olga, world.sam)
    note = Message.objects.get(template="new_request", user=world.petra)
    assert note.subject == "New request: Paula"
    assert note.body == f"{NINE:%a} {NINE.day} {NINE:%b}, 09:00 with Dr Petra"


def test_desk_gets_a_mail_for_a_new_request_if_the_clinic_wants_it(world: World) -> None:
    world.book(NINE, by=world.paula, now=now())
    mail = Message.objects.get(template="new_request", channel="email", user=world.sam)
    assert (mail.subject, mail.kind, mail.cause, mail.expires_at) == ("New request: Paula", "clinic", "requested", NINE)
    assert "Paula asks for an appointment:" in mail.body
    Clinic.objects.update(mail_new_requests=False)
    world.clinic.refresh_from_db()
    second = told_since(lambda: world.book(TEN, by=world.paula))
    assert second == to_paula("request_received", "email") | to_clinic(world, "new_request")


def test_mail_for_a_request_is_withdrawn_when_it_is_decided_and_not_when_it_moves(world: World) -> None:
    request = world.book(NINE, by=world.paula, now=now())
    mails = Message.objects.filter(template="new_request", channel="email").order_by("pk")
    move(world, request, TEN)
    assert [mail.state for mail in mails.all()] == [MessageState.QUEUED] * 2
    take(world, request, Action.REJECT)
    assert [mail.state for mail in mails.all()] == [MessageState.CANCELLED] * 2


def test_booking_by_a_patient_without_approval_is_a_new_booking(world: World) -> None:
    Clinic.objects.update(auto_confirm=True)
    world.clinic.refresh_from_db()
    booked = told_since(lambda: world.book(NINE, by=world.paula))
    assert booked == to_paula("confirmed") | to_clinic(world, "new_booking")
    note = Message.objects.get(template="new_booking", user=world.sam)
    assert note.subject == "New booking: Paula"


def test_decision_on_a_request_is_told_to_the_patient_alone(world: World) -> None:
    first, second = world.book(NINE, by=world.paula), world.book(TEN, by=world.paula)
    assert told_since(lambda: take(world, first, Action.CONFIRM)) == to_paula("confirmed")
    refuse = told_since(lambda: take(world, second, Action.REJECT, reason="Dr Petra is away"))
    assert refuse == to_paula("rejected")
    assert "The reason: Dr Petra is away" in message("rejected", "email").body


def test_the_clinic_cancels_and_the_patient_is_told_by_every_way(world: World) -> None:
    appointment = world.book(NINE)
    assert told_since(lambda: take(world, appointment, Action.CANCEL)) == to_paula("cancelled")


def test_a_deleted_appointment_is_cancelled_for_its_patient(world: World) -> None:
    appointment = world.book(NINE)
    actor = UserActor(fresh(world.sam))
    deleted = told_since(lambda: delete_appointment(actor=actor, appointment_id=appointment.pk, now=now()))
    assert deleted == to_paula("cancelled")


def test_a_patient_cancels_gets_it_in_writing_and_the_clinic_knows(world: World) -> None:
    appointment = world.book(NINE)
    cancelled = told_since(lambda: take(world, appointment, Action.CANCEL, by=world.paula, reason="flu"))
    assert cancelled == to_paula("cancelled", "email") | to_clinic(world, "cancelled_by_patient")
    note = Message.objects.get(template="cancelled_by_patient", user=world.sam)
    assert (note.subject, note.state) == ("Paula has cancelled", "delivered")
    assert "flu" in note.body


def test_a_request_that_a_patient_withdraws_was_no_appointment(world: World) -> None:
    request = world.book(NINE, by=world.paula)
    withdrawn = told_since(lambda: take(world, request, Action.CANCEL, by=world.paula))
    assert withdrawn == to_paula("request_cancelled", "email") | to_clinic(world, "cancelled_by_patient")
    mail = message("request_cancelled", "email")
    assert mail.attachment is None
    assert "your request at Riverside is cancelled" in mail.body
    assert "calendar" not in mail.body


def test_a_request_that_the_clinic_cancels_or_deletes_was_no_appointment(world: World) -> None:
    first, second = world.book(NINE, by=world.paula), world.book(TEN, by=world.paula)
    assert told_since(lambda: take(world, first, Action.CANCEL)) == to_paula("request_cancelled")
    actor = UserActor(fresh(world.sam))
    deleted = told_since(lambda: delete_appointment(actor=actor, appointment_id=second.pk, now=now()))
    assert deleted == to_paula("request_cancelled")


def test_a_move_is_told_with_the_new_time(world: World) -> None:
    appointment = world.book(NINE)
    assert told_since(lambda: move(world, appointment, TEN)) == to_paula("moved")
    assert ", 10:00 with Dr Petra" in message("moved", "in_app").body


def test_a_request_that_is_moved_is_still_a_request(world: World) -> None:
    appointment = world.book(NINE, by=world.paula)
    assert told_since(lambda: move(world, appointment, TEN)) == to_paula("request_moved")
    mail = message("request_moved", "email")
    assert "10:00" in mail.body
    assert "not decided yet" in mail.body
    assert mail.attachment is None


def test_a_note_or_a_promise_to_come_is_told_nobody(world: World) -> None:
    appointment = world.book(NINE)
    actor = UserActor(fresh(world.sam))
    edit = Edit(notes="nervous")
    noted = told_since(lambda: edit_appointment(actor=actor, appointment_id=appointment.pk, edit=edit, now=now()))
    assert noted == told_since(lambda: take(world, appointment, Action.CONFIRM, by=world.paula)) == set()


def test_visit_that_has_begun_is_told_to_nobody(world: World) -> None:
    appointment = world.book(NINE)
    actor = UserActor(fresh(world.sam))

    def cancel() -> None:
        change_status(actor=actor, appointment_id=appointment.pk, action=Action.CANCEL, now=NINE)

    assert told_since(cancel) == set()


def test_the_clock_finds_who_did_not_come_and_both_are_told(world: World) -> None:
    world.book(NINE)
    missed = told_since(lambda: mark_missed(now=NINE + timedelta(minutes=15)))
    told_of_it = to_paula("missed", "email", "in_app") | to_clinic(world, "missed_by_patient")
    assert missed == told_of_it | mailed("missed_by_patient", world.petra)
    mail = message("missed_by_patient", "email")
    assert mail.subject == "Paula did not come"
    assert "Paula did not come to this appointment:" in mail.body
    assert told_since(lambda: mark_missed(now=NINE + timedelta(minutes=16))) == set()


def test_the_clock_ends_a_request_and_the_patient_is_told(world: World) -> None:
    world.book(NINE, by=world.paula)
    assert told_since(lambda: expire_requests(now=NINE)) == to_paula("request_expired")


def test_after_a_month_without_a_worker_nobody_hears_of_an_old_request(world: World) -> None:
    world.book(NINE, by=world.paula)
    assert told_since(lambda: expire_requests(now=NINE + timedelta(days=30))) == set()


def test_a_guest_is_told_by_what_they_gave(world: World) -> None:
    for patient, start in ((Patient(phone="+4930123"), NINE), (Patient(email="gus@example.org"), TEN)):
        patient.clinic, patient.name = world.clinic, "Gus"
        patient.save()
        world.paula.patient = patient
        world.book(start)
    assert told() == {("confirmed", "sms", "+4930123"), ("confirmed", "email", "gus@example.org")}


def test_unreachable_patient_is_no_obstacle(world: World) -> None:
    nobody = Patient.objects.create(clinic=world.clinic, name="Gus")
    world.paula.patient = nobody
    assert told_since(lambda: world.book(NINE)) == set()


@pytest.mark.parametrize(
    ("wishes", "channels"),
    [
        ({"wants_sms": False}, ("email", "in_app")),
        ({"wants_email": False}, ("sms", "in_app")),
        ({"wants_sms": False, "wants_email": False}, ("in_app",)),
    ],
)
def test_unwanted_way_is_not_used(world: World, wishes: dict[str, Any], channels: tuple[str]) -> None:
    Patient.objects.filter(pk=world.paula.patient.pk).update(**wishes)
    assert told_since(lambda: world.book(NINE)) == to_paula("confirmed", *channels)


def test_message_that_can_wait_is_sent_after_quiet_hours(world: World) -> None:
    Clinic.objects.update(quiet_from="21:00", quiet_until="08:00")
    world.book(in_days(3)(20, 45), outside_hours=True)
    mark_missed(now=in_days(3)(21, 5))
    missed = message("missed", "email")
    assert (missed.send_at, missed.due_at) == (in_days(4)(8), in_days(4)(8))
    in_app = message("missed", "in_app")
    assert (in_app.state, in_app.due_at) == (MessageState.QUEUED, in_days(3)(22, 5))


# Once, and only what is still true


def test_the_same_change_is_told_once_however_often_it_is_seen(world: World) -> None:
    world.book(NINE)
    seen: list[Any] = []
    with transaction.atomic():
        appointment = world.book(TEN)
        seen.append(Change("create", UserActor(world.sam), now(), None, appointment))
        before = Message.objects.count()
        tell(seen)
        tell(seen)
    assert Message.objects.count() == before == 6


def test_queued_message_that_is_outdated_is_not_sent(world: World) -> None:
    appointment = world.book(NINE)
    move(world, appointment, TEN)
    take(world, row_of(appointment), Action.CANCEL)
    waiting = Message.objects.filter(state=MessageState.QUEUED).values_list("template", "channel")
    assert set(waiting) == {("cancelled", "sms"), ("cancelled", "email")}


def test_rolled_back_change_is_told_to_nobody(world: World) -> None:
    with transaction.atomic():
        world.book(NINE)
        transaction.set_rollback(True)
    assert told() == set()


def test_savepoint_that_is_undone_takes_its_work_of_the_end_along(world: World) -> None:
    finished: list[list[str]] = []

    @in_one_transaction
    def inner(item: str, *, fails: bool = False) -> None:
        finish_with(finished.append, item)
        if fails:
            raise LookupError

    @in_one_transaction
    def outer() -> None:
        inner("kept")
        with suppress(LookupError):
            inner("undone", fails=True)
        with suppress(LookupError), savepoint():
            inner("undone with its caller")
            raise LookupError
        inner("kept as well")
        assert finished == []

    outer()
    assert finished == [["kept", "kept as well"]]
    inner("alone")
    assert finished[1:] == [["alone"]]


def test_work_left_by_finishing_is_finished_too(world: World) -> None:
    finished: list[list[str]] = []

    @in_one_transaction
    def inner(item: str) -> None:
        finish_with(finished.append, item)

    def settle(items: list[str]) -> None:
        for item in items:
            inner(f"{item} settled")

    @in_one_transaction
    def outer() -> None:
        finish_with(settle, "first")
        finish_with(settle, "second")

    outer()
    assert finished == [["first settled", "second settled"]]


def test_finishing_that_never_ends_is_an_error(world: World) -> None:
    def settle(items: list[str]) -> None:
        finish_with(settle, items[0])

    @in_one_transaction
    def outer() -> None:
        finish_with(settle, "again")

    with pytest.raises(RuntimeError, match="more to finish"):
        outer()


def test_author_of_a_change_is_not_told(world: World) -> None:
    appointment = world.book(NINE)
    actor = UserActor(fresh(world.petra))
    missed = told_since(
        lambda: change_status(
            actor=actor, appointment_id=appointment.pk, action=Action.NO_SHOW, now=NINE + timedelta(hours=1)
        )
    )
    assert missed & to_clinic(world, "missed_by_patient") == to_clinic(world, "missed_by_patient") - {
        ("missed_by_patient", "in_app", world.petra.email)
    }


def test_another_clinic_and_another_practitioner_hear_of_nothing(world: World) -> None:
    world.book(NINE, by=world.paula)
    readers = set(Message.objects.filter(channel="in_app").values_list("user", flat=True))
    assert readers == {world.olga.pk, world.sam.pk, world.petra.pk}


# Many at once


def test_a_series_is_one_message(world: World) -> None:
    assert told_since(lambda: world.book_series(NINE, count=8)) == to_paula("several_confirmed")
    mail = message("several_confirmed", "email")
    assert mail.body.count("Dr Petra") == 8
    assert mail.attachment is not None
    events = Ics.from_ical(mail.attachment["text"]).walk("VEVENT")
    assert len({str(event["UID"]) for event in events}) == 8


def test_a_series_that_is_cancelled_is_one_message_and_takes_back_the_other(world: World) -> None:
    series = world.book_series(NINE, count=4)
    actor = UserActor(fresh(world.sam))
    ended = told_since(
        lambda: cancel_series(actor=actor, series_id=series.pk, selection=Selection(Scope.ALL), now=now())
    )
    assert ended == to_paula("several_cancelled")
    assert not Message.objects.filter(template="several_confirmed", state=MessageState.QUEUED).exists()


def test_one_of_a_series_that_is_cancelled_leaves_the_message_about_all(world: World) -> None:
    series = world.book_series(NINE, count=4)
    first = Appointment.objects.filter(series=series).order_by("starts_at")[0]
    assert told_since(lambda: take(world, first, Action.CANCEL)) == to_paula("cancelled")
    assert Message.objects.filter(template="several_confirmed", state=MessageState.QUEUED).count() == 2


def test_a_practitioner_who_leaves_costs_few_statements_and_tells_each_patient_once(world: World) -> None:
    for day in range(3, 13):
        world.book(in_days(day)(9))
        world.book(in_days(day)(11), patient=world.pete)
    actor = UserActor(fresh(world.olga))

    def leave() -> None:
        edit_practitioner(
            actor=actor,
            practitioner_id=world.petra.practitioner.pk,
            changes={"active": False},
            fate=Fate("cancel"),
            now=now(),
        )

    with CaptureQueriesContext(connection) as asked:
        ended = told_since(leave)
    assert {(template, channel) for template, channel, _ in ended} == {
        ("several_cancelled", channel) for channel in ("sms", "email", "in_app")
    }
    about_messages = [query["sql"] for query in asked if "`message`" in query["sql"]]
    # The two withdrawals differ: an attempt may have reached somebody, or none was made.
    assert len(about_messages) <= 6


def test_changes_by_a_command_are_told_to_nobody(world: World) -> None:
    appointment = world.book(NINE)
    actor = SystemActor(Channel.COMMAND)
    assert told_since(lambda: TELL.run(Change("create", actor, now(), None, appointment))) == set()


# Language


def test_each_recipient_is_told_in_their_language(world: World) -> None:
    Patient.objects.filter(pk=world.paula.patient.pk).update(language="de")
    appointment = world.book(NINE)
    days = ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"]
    assert message("confirmed", "sms").body == (
        f"Riverside: Ihr Termin am {days[NINE.weekday()]} {NINE.day}.{NINE.month}., 09:00 bei Dr Petra ist bestätigt."
        f" Verhindert? Antworten Sie NEIN {appointment.pk}."
    )
    assert message("confirmed", "in_app").subject == "Ihr Termin ist bestätigt"
    assert f"{NINE.year}, 09:00 Uhr" in message("confirmed", "email").body


def test_clinics_language_is_the_default_for_patients_and_the_clinic(world: World) -> None:
    Clinic.objects.update(language="de")
    world.clinic.refresh_from_db()
    world.book(NINE, by=world.paula)
    assert message("request_received", "email").subject.startswith("Ihre Anfrage für ")
    subjects = Message.objects.filter(template="new_request", user=world.sam).values_list("subject", flat=True)
    assert list(subjects) == ["Neue Anfrage: Paula"] * 2


def test_names_are_written_as_they_are(world: World) -> None:
    Clinic.objects.update(name="Smith & Sons <Dental>")
    Patient.objects.filter(pk=world.paula.patient.pk).update(name="Paula O'Brien")
    world.paula = fresh(world.paula)
    world.clinic.refresh_from_db()
    world.book(NINE)
    mail = message("confirmed", "email")
    assert "Dear Paula O'Brien," in mail.body
    assert mail.body.endswith("Smith & Sons <Dental>")
    assert "\n\n\n" not in mail.body


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("act", [Action.CANCEL, Action.REJECT, "move", "expire", "miss"])
def test_an_sms_is_one_sms_and_its_answers_are_understood(world: World, language: str, act: str) -> None:
    Clinic.objects.update(name="Riverside Dental", language=language)
    Patient.objects.update(email="", user=None)
    world.clinic.refresh_from_db()
    appointment = world.book(NINE, now=now())
    if act != "miss":
        Appointment.objects.filter(pk=appointment.pk).update(status="pending")
    match act:
        case "move":
            move(world, appointment, TEN)
        case "expire":
            expire_requests(now=NINE)
        case "miss":
            mark_missed(now=NINE + timedelta(hours=1))
        case _:
            take(world, appointment, Action(act))
    bodies = [one.body for one in Message.objects.filter(channel="sms")]
    assert len(bodies) == 2
    for body in bodies:
        assert len(body) <= 160
        _, _, how = body.partition("Reply " if language == "en" else "Antworten Sie ")
        for part in filter(None, how.rstrip(".").replace(" oder ", " or ").split(" or ")):
            reply = read_reply(part)
            assert reply.intent in (Intent.CONFIRM, Intent.CANCEL)
            assert reply.number == appointment.pk


# The calendar


def calendar(template: str) -> Any:
    attachment = message(template, "email").attachment
    assert attachment is not None
    return Ics.from_ical(attachment["text"])


def test_a_calendar_gets_it_moves_it_and_takes_it_out(world: World) -> None:
    appointment = world.book(NINE)
    move(world, appointment, TEN)
    take(world, row_of(appointment), Action.CANCEL)
    files = [calendar(template) for template in ("confirmed", "moved", "cancelled")]
    assert [str(file["METHOD"]) for file in files] == ["REQUEST", "REQUEST", "CANCEL"]
    events = [file.walk("VEVENT")[0] for file in files]
    assert {str(event["UID"]) for event in events} == {appointment.calendar_uid}
    assert [int(event["SEQUENCE"]) for event in events] == [1, 2, 3]
    assert [event.decoded("DTSTART") for event in events] == [NINE, TEN, TEN]
    assert [str(event["STATUS"]) for event in events] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert str(events[0]["ATTENDEE"]) == f"mailto:{PAULAS}"
    assert b"DTSTART:2" in files[0].to_ical()
    assert files[0].to_ical().count(b"Z\r\n") >= 3


def test_a_calendar_that_had_a_deleted_appointment_loses_it(world: World) -> None:
    appointment = world.book(NINE)
    actor = UserActor(fresh(world.sam))
    delete_appointment(actor=actor, appointment_id=appointment.pk, now=now())
    [made], [ended] = (calendar(template).walk("VEVENT") for template in ("confirmed", "cancelled"))
    assert (str(made["UID"]), int(made["SEQUENCE"])) == (str(ended["UID"]), 1)
    assert (int(ended["SEQUENCE"]), str(ended["STATUS"])) == (2, "CANCELLED")


def test_several_at_once_are_published_without_attendees(world: World) -> None:
    series = world.book_series(NINE, count=3)
    cancel_series(actor=UserActor(fresh(world.sam)), series_id=series.pk, selection=Selection(Scope.ALL), now=now())
    for template, status in (("several_confirmed", "CONFIRMED"), ("several_cancelled", "CANCELLED")):
        file = calendar(template)
        events = file.walk("VEVENT")
        assert (str(file["METHOD"]), len(events)) == ("PUBLISH", 3)
        assert {str(event["STATUS"]) for event in events} == {status}
        assert all("ORGANIZER" in event and "ATTENDEE" not in event for event in events)


def test_other_mails_carry_no_file(world: World) -> None:
    world.book(NINE, by=world.paula)
    assert message("request_received", "email").attachment is None
    assert not Message.objects.filter(channel="sms").exclude(attachment=None).exists()


# Undelivered messages


def fail(world: World, *, state: MessageState = MessageState.DEAD, **more: Any) -> Message:
    """Messages that Paula should have had by SMS alone."""
    Patient.objects.filter(name="Paula").update(wants_email=False)
    world.book(NINE, now=now())
    sms = message("confirmed", "sms")
    Message.objects.filter(pk=sms.pk).update(state=state, due_at=None, error="Twilio 30003: unreachable", **more)
    return sms


def test_the_desk_is_told_once_what_could_not_be_delivered(world: World) -> None:
    sms = fail(world)
    assert report_dead_letters(now=now()) == 1
    assert report_dead_letters(now=now()) == 0
    assert told(template="dead_letter") == {
        ("dead_letter", "in_app", world.olga.email),
        ("dead_letter", "in_app", world.sam.email),
    }
    note = Message.objects.get(template="dead_letter", user=world.sam)
    assert (note.subject, note.appointment_id) == ("Not delivered: Paula", sms.appointment_id)
    assert f"Paula: Confirmed, {PHONE}: Twilio 30003: unreachable" in note.body


def test_it_is_told_in_the_language_of_the_clinic(world: World) -> None:
    Clinic.objects.update(language="de")
    fail(world)
    report_dead_letters(now=now())
    note = Message.objects.get(template="dead_letter", user=world.sam)
    assert note.subject == "Nicht zugestellt: Paula"
    assert f"Paula: Bestätigt, {PHONE}: " in note.body


def test_messages_that_several_missed_are_one_notification_with_their_names(world: World) -> None:
    fail(world)
    world.book(TEN, patient=world.pete, now=now())
    petes = Message.objects.filter(user=world.pete)
    petes.filter(channel="sms").update(state=MessageState.DEAD, due_at=None, error="30003")
    petes.filter(channel="email").update(state=MessageState.FAILED, due_at=None, error="550 no such mailbox")
    assert report_dead_letters(now=now()) == 3
    note = Message.objects.get(template="dead_letter", user=world.sam)
    assert (note.subject, note.appointment_id) == ("Not delivered: 3", None)
    assert [line.partition(":")[0] for line in note.body.splitlines()[:3]] == ["Paula", "Pete", "Pete"]


@pytest.mark.parametrize(
    ("mails", "reported"),
    [
        (MessageState.QUEUED, 0),
        (MessageState.SENDING, 0),
        (MessageState.SENT, 0),
        (MessageState.FAILED, 2),
        (MessageState.DEAD, 2),
        (MessageState.CANCELLED, 1),
    ],
)
def test_message_that_went_another_way_is_not_reported(world: World, mails: MessageState, reported: int) -> None:
    world.book(NINE, now=now())
    Message.objects.filter(channel="sms").update(state=MessageState.FAILED, due_at=None, error="Twilio 21610")
    Message.objects.filter(channel="email").update(state=mails, due_at=None)
    assert report_dead_letters(now=now()) == reported


def test_other_news_of_the_same_appointment_is_no_other_way(world: World) -> None:
    fail(world)
    Patient.objects.update(wants_email=True)
    move(world, Appointment.objects.get(), TEN)
    Message.objects.filter(template="confirmed", channel="sms").update(state=MessageState.DEAD)
    assert report_dead_letters(now=now()) == 1


@pytest.mark.parametrize(
    "columns",
    [
        {"state": MessageState.SENT},
        {"state": MessageState.FAILED, "fallback_recipient": PAULAS},
        {"secret": True},
        {"created_at": datetime(2026, 1, 1, tzinfo=UTC)},
    ],
    ids=str,
)
def test_delivered_replaced_secret_and_old_messages_are_not_reported(world: World, columns: dict[str, Any]) -> None:
    sms = fail(world)
    Message.objects.filter(pk=sms.pk).update(**columns)
    assert report_dead_letters(now=now()) == 0
