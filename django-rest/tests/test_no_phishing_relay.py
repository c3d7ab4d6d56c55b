"""A stranger can have a mail of the clinic's sent to any address. It carries none of their words."""

from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.models import Appointment
from clinic.outbox.models import DeliveryChannel, Message
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic
from django.test import Client
from rest_framework.test import APIClient

from testkit.clinic.answers import attr_of, refusal
from testkit.clinic.times import At
from testkit.clinic.world import PASSWORD, World

LURE = "Claim your refund at https://evil.example/pay"
WORDS = "Pay at evil.example or call 0900 123456"


def guest_booking(world: World, at: At, **changed: Any) -> dict[str, Any]:
    return {
        "practitioner": world.petra.practitioner.pk,
        "start": at(9).isoformat(),
        "clinic": "riverside",
        "name": "Gus",
        "phone": "0171 2345678",
        "email": "victim@elsewhere.example",
        **changed,
    }


DOORS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "guest": ("nobody", "post", "/api/v1/public/bookings", {}),
    "sign-up": (
        "nobody",
        "post",
        "/api/v1/auth/patient/signup",
        {"email": "v@elsewhere.example", "phone": "0171 2345678", "password": PASSWORD, "clinic": "riverside"},
    ),
    "own profile": ("paula", "patch", "/api/v1/users/me", {}),
    "desk, new record": ("sam", "post", "/api/v1/patients", {}),
    "desk, record": ("sam", "patch", "/api/v1/patients/<patient>", {}),
    "owner, new account": ("olga", "post", "/api/v1/staff", {"email": "t@riverside.example", "role": "staff"}),
    "owner, account": ("olga", "patch", "/api/v1/staff/<user>", {}),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", [LURE, "evil.example", "me@evil.example", "<b>Gus</b>", "Gus\u202egus"])
def test_name_that_carries_a_message_is_refused_at_every_door(
    world: World, tomorrow_at: At, door: str, name: str
) -> None:
    who, method, path, body = DOORS[door]
    body = guest_booking(world, tomorrow_at) if door == "guest" else body
    path = path.replace("<patient>", str(world.paula.patient.pk)).replace("<user>", str(world.sam.pk))
    before = (Patient.objects.count(), User.objects.count())
    response = getattr(world.client(getattr(world, who, None)), method)(path, {**body, "name": name})
    assert (refusal(response), attr_of(response)) == ((400, "not_a_name"), "name")
    assert (Patient.objects.count(), User.objects.count()) == before
    assert not Patient.objects.filter(name=name).exists()
    assert not Message.objects.exists()


@pytest.mark.parametrize("page", ["/admin/appointments/patient/add/", "/admin/accounts/user/add/"])
def test_name_that_carries_a_message_is_refused_by_the_admin(world: World, page: str) -> None:
    User.objects.filter(pk=world.olga.pk).update(is_staff=True)
    client = Client()
    client.force_login(User.objects.get(pk=world.olga.pk))
    form = {"name": LURE, "email": "v@elsewhere.example", "role": "staff", "language": "en"}
    response = client.post(page, form)
    assert response.status_code == 200
    assert b"A name has no" in response.content
    assert not Patient.objects.filter(name=LURE).exists()
    assert not User.objects.filter(name=LURE).exists()


def mails() -> str:
    """All that is mailed, calendar files too."""
    rows = Message.objects.filter(channel__in=(DeliveryChannel.EMAIL, DeliveryChannel.SMS))
    assert rows
    return "\n".join(f"{row.subject}\n{row.body}\n{row.attachment}\n{row.instead}" for row in rows)


def test_guests_words_reach_the_desk_and_no_address(world: World, tomorrow_at: At) -> None:
    Clinic.objects.update(cancellation_notice_minutes=0)
    made = APIClient().post("/api/v1/public/bookings", guest_booking(world, tomorrow_at, notes=WORDS)).json()
    cancel = f"/api/v1/public/bookings/{made['reference']}/cancel"
    assert APIClient().post(cancel, {"reason": WORDS}).status_code == 200
    assert Appointment.objects.get().cancel_reason == WORDS
    assert Message.objects.filter(template="request_cancelled", recipient="victim@elsewhere.example").exists()
    assert "evil.example" not in mails()
    assert "0900" not in mails()
    told = Message.objects.filter(template="cancelled_by_patient", channel=DeliveryChannel.IN_APP)
    assert all(WORDS in row.body for row in told)


def test_reason_of_the_desk_goes_out(world: World, tomorrow_at: At) -> None:
    made = APIClient().post("/api/v1/public/bookings", guest_booking(world, tomorrow_at)).json()
    number = Appointment.objects.get(reference=made["reference"]).pk
    response = world.client(world.sam).post(f"/api/v1/appointments/{number}/reject", {"reason": "Petra is away"})
    assert response.status_code == 200
    assert "Petra is away" in mails()


def test_name_stored_before_there_were_rules_is_not_mailed_as_it_is(world: World, tomorrow_at: At) -> None:
    appointment = world.book(tomorrow_at(9), by=world.paula)
    Patient.objects.filter(pk=world.paula.patient.pk).update(name=f"Paula\r\n{LURE}", email="victim@elsewhere.example")
    Message.objects.all().delete()
    assert world.client(world.sam).post(f"/api/v1/appointments/{appointment.pk}/confirm").status_code == 200
    assert "Paula" in mails()
    assert "evil.example" not in mails()
    assert "https://" not in mails()


def test_clinics_name_in_a_subject_begins_no_header(world: World, tomorrow_at: At) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(name="Riverside\r\nBcc: all@elsewhere.example")
    world.book(tomorrow_at(9), by=world.paula)
    assert all("\n" not in row.subject for row in Message.objects.all())
    assert not any("\nBcc:" in str(row.attachment) for row in Message.objects.exclude(attachment=None))
