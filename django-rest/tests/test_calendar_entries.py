"""Calendar files of visits: one UID for good, the form that mail readers act on, and where an answer goes."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from importlib import import_module
from typing import Any
from uuid import UUID

import pytest
from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import Action
from clinic.appointments.models import Appointment
from clinic.appointments.services.decisions import change_status
from clinic.appointments.services.moving import Edit, edit_appointment
from clinic.outbox.channels import email
from clinic.outbox.models import Message, MessageState
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic
from django.apps import apps
from django.core import mail as django_mail
from django.db import connection
from icalendar import Calendar as Ics
from pytest_django.fixtures import Settings

from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh, row_of

pytestmark = pytest.mark.usefixtures("_mails_can_be_sent")
NINE, TEN = in_days(3)(9), in_days(3)(10)
DESK_MAIL = "desk@riverside.example"


@pytest.fixture
def _mails_can_be_sent(settings: Settings) -> None:
    settings.EMAIL_IS_CONFIGURED = True


@pytest.fixture
def clinic_mail(world: World) -> str:
    Clinic.objects.update(email=DESK_MAIL, phone="+49 30 1234")
    world.clinic.refresh_from_db()
    return DESK_MAIL


def move(world: World, appointment: Appointment, start: datetime) -> None:
    actor = UserActor(fresh(world.sam))
    now = datetime.now(UTC)
    edit_appointment(actor=actor, appointment_id=appointment.pk, edit=Edit(start=start), now=now)


def message(template: str) -> Message:
    return Message.objects.get(template=template, channel="email")


def events_of(template: str) -> list[Any]:
    attachment = message(template).attachment
    assert attachment is not None
    return list(Ics.from_ical(attachment["text"]).walk("VEVENT"))


def sent(template: str) -> EmailMessage:
    """The mail as it leaves."""
    email.send(message(template))
    raw = django_mail.outbox[-1].message().as_bytes()
    parsed = message_from_bytes(raw, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


# The UID


def test_uid_is_made_with_the_row_and_survives_other_addresses(world: World, settings: Settings) -> None:
    appointment = world.book(NINE)
    settings.SHARED = settings.SHARED.model_copy(update={"public_url": "https://booking.example"})
    settings.DEFAULT_FROM_EMAIL = "Riverside <noreply@other.example>"
    Clinic.objects.update(email=DESK_MAIL)
    world.clinic.refresh_from_db()
    move(world, appointment, TEN)
    uids = {str(event["UID"]) for template in ("confirmed", "moved") for event in events_of(template)}
    assert uids == {row_of(appointment).calendar_uid}
    assert UUID(uids.pop()).version == 4


def test_uid_of_a_visit_of_a_series_is_that_of_its_later_changes(world: World) -> None:
    series = world.book_series(NINE)
    visits = list(series.appointments.all())
    published = {str(event["UID"]) for event in events_of("several_confirmed")}
    assert published == {visit.calendar_uid for visit in visits}
    assert len(published) == 3
    move(world, visits[0], TEN)
    assert str(events_of("moved")[0]["UID"]) == visits[0].calendar_uid


def test_appointment_written_around_the_services_has_a_uid_of_its_own(world: World) -> None:
    copied = row_of(world.book(NINE))
    columns = [str(field.column) for field in Appointment._meta.concrete_fields if not field.generated]
    columns = [column for column in columns if column not in ("id", "calendar_uid", "reference")]
    names = ", ".join(columns)
    Appointment.objects.filter(pk=copied.pk).update(status="cancelled")
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute(
                f"INSERT INTO appointment ({names}) SELECT {names} FROM appointment WHERE id = %s",  # noqa: S608 - ours
                [copied.pk],
            )
    uids = list(Appointment.objects.values_list("calendar_uid", flat=True))
    assert len(set(filter(None, uids))) == 3


def test_existing_rows_keep_the_uid_that_was_sent(world: World, settings: Settings) -> None:
    """By the mail where there is one, folded lines included; else by number and host, as it was made before."""
    settings.SHARED = settings.SHARED.model_copy(update={"public_url": "https://booking.example"})
    mailed, moved_host, never_mailed = (world.book(in_days(day)(9)) for day in (3, 4, 5))
    new = world.book(in_days(6)(9)).calendar_uid
    long_host = f"{'long.' * 12}example"
    for visit, host in ((mailed, "booking.example"), (moved_host, long_host)):
        uid = f"UID:appointment-{visit.pk}@{host}"
        folded = "\r\n ".join([uid[:60], uid[60:]]) if len(uid) > 60 else uid
        file = {"text": f"BEGIN:VEVENT\r\n{folded}\r\nSEQUENCE:1\r\nEND:VEVENT\r\n"}
        Message.objects.filter(appointment=visit, channel="email").update(state=MessageState.SENT, attachment=file)
    assert UUID(new)
    with connection.schema_editor() as editor:
        import_module("clinic.appointments.migrations.0015_calendar_uid").fill_in(apps, editor)
    assert [row_of(visit).calendar_uid for visit in (mailed, moved_host, never_mailed)] == [
        f"appointment-{mailed.pk}@booking.example",
        f"appointment-{moved_host.pk}@{long_host}",
        f"appointment-{never_mailed.pk}@booking.example",
    ]


# The form


def test_invitation_is_the_third_alternative_and_a_file(world: World, clinic_mail: str) -> None:
    world.book(NINE)
    mail = sent("confirmed")
    assert mail.get_content_type() == "multipart/mixed"
    alternatives, file = mail.iter_parts()
    assert isinstance(alternatives, EmailMessage)
    assert alternatives.get_content_type() == "multipart/alternative"
    text, html, invitation = alternatives.iter_parts()
    assert [part.get_content_type() for part in (text, html)] == ["text/plain", "text/html"]
    assert invitation["Content-Type"].params == {"method": "REQUEST", "name": "invite.ics", "charset": "utf-8"}
    assert invitation.get_content_type() == "text/calendar"
    assert (file.get_content_type(), file.get_filename()) == ("application/ics", "invite.ics")
    [event] = Ics.from_ical(invitation.get_content()).walk("VEVENT")
    assert event.decoded("DTSTART") == NINE
    assert Ics.from_ical(file.get_content()).walk("VEVENT")[0]["UID"] == event["UID"]


def test_cancellation_is_an_alternative_too(world: World, clinic_mail: str) -> None:
    appointment = world.book(NINE)
    actor = UserActor(fresh(world.sam))
    change_status(actor=actor, appointment_id=appointment.pk, action=Action.CANCEL, now=datetime.now(UTC))
    alternatives, _ = sent("cancelled").iter_parts()
    assert isinstance(alternatives, EmailMessage)
    *_, invitation = alternatives.iter_parts()
    assert invitation["Content-Type"].params["method"] == "CANCEL"


def test_several_at_once_are_a_file_alone(world: World, clinic_mail: str) -> None:
    world.book_series(NINE)
    alternatives, file = sent("several_confirmed").iter_parts()
    assert isinstance(alternatives, EmailMessage)
    assert [part.get_content_type() for part in alternatives.iter_parts()] == ["text/plain", "text/html"]
    assert (file.get_content_type(), file.get_filename()) == ("text/calendar", "appointments.ics")


def test_attendee_is_asked_as_outlook_asks(world: World, clinic_mail: str) -> None:
    world.book(NINE)
    [event] = events_of("confirmed")
    assert dict(event["ATTENDEE"].params) == {
        "CN": "Paula",
        "CUTYPE": "INDIVIDUAL",
        "ROLE": "REQ-PARTICIPANT",
        "PARTSTAT": "NEEDS-ACTION",
        "RSVP": "TRUE",
    }


# An answer


def test_answer_to_an_invitation_reaches_the_clinic(world: World, clinic_mail: str) -> None:
    world.book(NINE)
    [event] = events_of("confirmed")
    assert (str(event["ORGANIZER"]), event["ORGANIZER"].params["CN"]) == (f"mailto:{clinic_mail}", "Riverside")
    assert str(event["DESCRIPTION"]).splitlines() == [
        "Your answer to this invitation reaches the clinic by e-mail.",
        "If you cannot come, please tell us early: the clinic then changes or cancels the appointment.",
        "+49 30 1234",
        DESK_MAIL,
    ]


def test_clinic_without_a_mailbox_asks_for_no_answer_and_says_how_to_reach_it(world: World) -> None:
    Clinic.objects.update(phone="+49 30 1234", language="de")
    world.clinic.refresh_from_db()
    Patient.objects.update(language="en")
    world.book(NINE)
    [event] = events_of("confirmed")
    assert event["ATTENDEE"].params["RSVP"] == "FALSE"
    description = str(event["DESCRIPTION"])
    assert description.startswith("Answers to this invitation are not read.\n")
    assert description.endswith("\n+49 30 1234")


def test_invitation_is_in_the_language_of_the_patient(world: World) -> None:
    Patient.objects.update(language="de")
    world.book(NINE)
    [event] = events_of("confirmed")
    assert str(event["DESCRIPTION"]).startswith("Antworten auf diese Einladung werden nicht gelesen.\n")
