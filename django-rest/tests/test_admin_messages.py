"""The admin's logs of what was told and what came in: on the clinic's clock, with a way to whom it was about."""

from datetime import UTC, datetime

import pytest
from clinic.accounts.models import User
from clinic.appointments.models import Appointment
from clinic.messaging.models import InboundMessage
from clinic.outbox.models import Message
from django.test import Client

from testkit.clinic.admin_pages import ANSWERS, MESSAGES, sign_in
from testkit.clinic.times import in_days
from testkit.clinic.world import World

# A winter's morning in Riverside, which is an hour ahead of UTC.
MORNING = datetime(2027, 1, 8, 7, 5, tzinfo=UTC)
MORNING_THERE = "08 Jan 2027, 08:05".replace(" ", "\u00a0")


@pytest.fixture
def desk(world: World) -> Client:
    return sign_in(world.sam)


@pytest.fixture
def appointment(world: World) -> Appointment:
    return world.book(in_days(3)(9))


@pytest.fixture
def message(appointment: Appointment) -> Message:
    Message.objects.filter(channel="email").update(created_at=MORNING, send_at=MORNING, sent_at=MORNING)
    return Message.objects.get(channel="email")


@pytest.fixture
def answer(world: World, appointment: Appointment) -> InboundMessage:
    return InboundMessage.objects.create(
        clinic=world.clinic,
        provider_id="SM1",
        sender="+491701234567",
        recipient="+15005550006",
        appointment=appointment,
        received_at=MORNING,
    )


def seen(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_messages_are_shown_on_the_clinics_clock(desk: Client, message: Message) -> None:
    assert MORNING_THERE in seen(desk, MESSAGES)
    assert seen(desk, f"{MESSAGES}{message.pk}/change/").count(MORNING_THERE) == 3


def test_answers_are_shown_on_the_clinics_clock(desk: Client, answer: InboundMessage) -> None:
    assert MORNING_THERE in seen(desk, ANSWERS)
    assert MORNING_THERE in seen(desk, f"{ANSWERS}{answer.pk}/change/")


def test_row_without_a_clinic_is_shown_in_utc(message: Message) -> None:
    Message.objects.update(clinic=None, user=None)
    root = sign_in(User.objects.create_superuser("root@example.org"))
    assert "08 Jan 2027, 07:05".replace(" ", "\u00a0") in seen(root, MESSAGES)


def test_a_message_and_an_answer_lead_to_appointment_and_patient(
    desk: Client, message: Message, answer: InboundMessage, appointment: Appointment
) -> None:
    for page in (f"{MESSAGES}{message.pk}/change/", f"{ANSWERS}{answer.pk}/change/"):
        shown = seen(desk, page)
        assert f'href="/admin/appointments/appointment/{appointment.pk}/change/"' in shown
        assert f'href="/admin/appointments/patient/{appointment.patient_id}/change/"' in shown


def test_of_what_is_gone_the_log_still_tells(world: World, desk: Client, message: Message) -> None:
    Appointment.objects.all().delete()
    shown = seen(desk, f"{MESSAGES}{message.pk}/change/")
    assert f'href="/admin/appointments/patient/{world.paula.patient.pk}/change/"' in shown
    assert f"/appointment/{message.appointment_id}/change/" not in shown
