"""Pages of the demo clinic have something to show, and nobody is told anything."""

import pytest
from clinic.appointments.models import Appointment
from clinic.demo.desk import ASKING, WHY_NOT, fill_desk
from clinic.outbox.models import Message, MessageState
from clinic.people.models import Patient
from clinic.waitlist.models import OfferState, WaitlistOffer
from django.test import Client
from django.utils import timezone

from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh


@pytest.fixture
def patients(world: World) -> list[Patient]:
    names = ("Ada", "Ben", "Cleo", "Dora", "Emil")
    patients = [
        Patient.objects.create(
            clinic=world.clinic, name=name, phone=f"+49170555000{number}", email=f"{name.lower()}@demo.example"
        )
        for number, name in enumerate(names)
    ]
    for hour, patient in enumerate(patients, start=9):
        visit = world.book(in_days(3)(hour))
        Appointment.objects.filter(pk=visit.pk).update(patient=patient)
    return patients


def fill(world: World, patients: list[Patient]) -> None:
    fill_desk(
        clinic=world.clinic,
        desk=fresh(world.sam),
        patients=patients,
        practitioner=world.petra.practitioner,
        now=timezone.now(),
    )


@pytest.fixture
def desk(world: World, patients: list[Patient]) -> Client:
    fill(world, patients)
    client = Client()
    client.force_login(world.sam)
    return client


def test_messages_have_an_unanswered_sms_and_one_that_failed(desk: Client) -> None:
    shown = desk.get("/messages").content.decode()
    assert ASKING[:30] in shown
    assert "Dora" in shown
    assert Message.objects.filter(state=MessageState.FAILED, error=WHY_NOT).count() == 1


def test_waitlist_has_three_entries_and_an_open_offer(desk: Client) -> None:
    shown = desk.get("/waitlist").content.decode()
    for words in ("Cleo", "Emil", "Ada", "Offered:"):
        assert words in shown
    assert WaitlistOffer.objects.filter(state=OfferState.OPEN).count() == 1


def test_nothing_of_it_waits_to_be_sent(desk: Client) -> None:
    assert not Message.objects.filter(offer__isnull=False, state=MessageState.QUEUED).exists()


def test_offer_is_at_a_time_when_the_patient_is_free(world: World, patients: list[Patient]) -> None:
    visits = [world.book(in_days(8)(hour), practitioner=world.quentin) for hour in range(8, 18)]
    Appointment.objects.filter(pk__in=[visit.pk for visit in visits]).update(patient=patients[2])
    fill(world, patients)
    offer = WaitlistOffer.objects.get(state=OfferState.OPEN)
    assert not any(visit.starts_at < offer.ends_at and offer.starts_at < visit.ends_at for visit in visits)
