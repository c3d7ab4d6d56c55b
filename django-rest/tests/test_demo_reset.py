"""The demo clinic goes with everything that was done in it."""

import pytest
from clinic.appointments.actor import Actor
from clinic.appointments.models import Appointment, Series
from clinic.appointments.services.decisions import delete_appointment
from clinic.ops.demo import SLUG, remove_demo
from clinic.outbox.models import Message
from clinic.people.models import Patient, PhoneCode
from clinic.people.services.phone_codes import send_phone_code
from clinic.scheduling.models import Clinic, Hold
from clinic.waitlist.models import WaitlistEntry, WaitlistOffer
from clinic.waitlist.services.entries import Wishes, join_waitlist
from django.utils import timezone

from .conftest import World, fresh, in_days

NINE = in_days(8)(9)
OF_A_CLINIC = (Appointment, Series, Hold, WaitlistEntry, WaitlistOffer, Message, PhoneCode)


@pytest.fixture
def lively_demo(world: World) -> Clinic:
    Clinic.objects.filter(pk=world.clinic.pk).update(slug=SLUG)
    sam, now = Actor.by_user(fresh(world.sam)), timezone.now()
    taken = world.book(NINE)
    world.book_series(NINE.replace(hour=11))
    wishes = Wishes(first_date=NINE.date(), last_date=NINE.date())
    join_waitlist(actor=sam, clinic=world.clinic, patient_id=world.pete.patient.pk, wishes=wishes, now=now)
    delete_appointment(actor=sam, appointment_id=taken.pk, now=now)
    send_phone_code(clinic=world.clinic, phone=world.pete.patient.phone, address="192.0.2.1", now=now)
    return world.clinic


def test_a_demo_in_which_much_was_done_can_be_taken_away(lively_demo: Clinic, world: World) -> None:
    assert all(rows.objects.filter(clinic=lively_demo).exists() for rows in OF_A_CLINIC)
    assert remove_demo()
    assert not Clinic.objects.filter(pk=lively_demo.pk).exists()
    assert Patient.objects.count() == 0
    assert Clinic.objects.filter(pk=world.hillside.pk).exists()
