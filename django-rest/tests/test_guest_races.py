"""Gus has no account. His impatient browser sends his first requests at once, with the code sent to his phone."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.appointments.services import booking as booking_module
from clinic.appointments.services.booking import Booking
from clinic.appointments.services.claiming import write_claim
from clinic.appointments.services.guest_bookings import book_as_guest
from clinic.common.errors import SlotTaken
from clinic.people.models import Patient
from clinic.people.services.guests import find_record, guest_of
from clinic.people.services.linking import link_proven_record
from clinic.scheduling.models import Clinic
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from testkit.clinic.answers import APPOINTMENTS, code_of, refusal
from testkit.clinic.concurrency import Doorway, at_once
from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh

pytestmark = pytest.mark.race

BOOKINGS = "/api/v1/public/bookings"
PHONE = "+49301234567"


def ask(world: World, practitioner: User, *, name: str = "Gus Guest", email: str = "", hours: int = 0) -> Appointment:
    clinic = Clinic.objects.get(pk=world.clinic.pk)
    start = in_days(3)(9) + timedelta(hours=hours)
    return book_as_guest(
        guest=replace(guest_of(clinic, name=name, phone=PHONE, email=email), is_verified=True),
        booking=Booking(patient_id=None, practitioner_id=practitioner.practitioner.pk, start=start),
        now=timezone.now(),
    )


def with_both(world: World) -> list[Callable[[], Appointment]]:
    """Of two practitioners, so that neither waits for the other's calendar."""
    return [partial(ask, world, world.petra), partial(ask, world, world.quentin, hours=1)]


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Doorway:
    """Both have looked for the record, and made one, before either writes its appointment."""
    door = Doorway(expected=2, patience_seconds=20)
    monkeypatch.setattr(
        booking_module, "write_claim", lambda write, **more: door.pass_through(lambda: write_claim(write, **more))
    )
    return door


def test_without_the_second_look_one_guest_gets_two_records(
    committed_world: World, door: Doorway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(booking_module, "check_new_record", lambda *_, **__: None)
    at_once(with_both(committed_world))
    assert door.most == 2
    assert Patient.objects.filter(phone=PHONE).count() == 2


def test_with_it_both_requests_go_to_one_record(committed_world: World, door: Doorway) -> None:
    outcomes = at_once(with_both(committed_world))
    assert door.most == 2
    assert [type(outcome) for outcome in outcomes] == [Appointment, Appointment]
    [record] = Patient.objects.filter(phone=PHONE)
    assert set(Appointment.objects.values_list("patient", flat=True)) == {record.pk}
    assert AppointmentEvent.objects.count() == 2


def test_a_family_that_shares_the_phone_keeps_a_record_each(committed_world: World) -> None:
    """Twelve requests at once, of three people, with every practitioner."""
    world = committed_world
    names = ("Gus Guest", "Grete Guest", "Greta Guest")
    jobs = [
        partial(ask, world, who, name=name, hours=(2 * number + later + shift) % 6)
        for number, name in enumerate(names)
        for later in range(2)
        for who, shift in ((world.petra, 0), (world.quentin, 2))
    ]
    outcomes = at_once(jobs)
    assert {type(outcome) for outcome in outcomes} == {Appointment}
    assert sorted(Patient.objects.filter(phone=PHONE).values_list("name", flat=True)) == sorted(names)
    booked = Counter(Appointment.objects.values_list("patient__name", flat=True))
    assert booked == dict.fromkeys(names, 4)


def test_an_e_mail_still_parts_two_who_share_phone_and_name(committed_world: World) -> None:
    world = committed_world
    mails = ("old@guest.example", "young@guest.example")
    outcomes = at_once([partial(ask, world, who, email=mails[number]) for number, who in enumerate(both(world))])
    assert {type(outcome) for outcome in outcomes} == {Appointment}
    assert sorted(Patient.objects.filter(phone=PHONE).values_list("email", flat=True)) == sorted(mails)


def both(world: World) -> tuple[User, User]:
    return world.petra, world.quentin


def test_a_record_becomes_no_accounts_while_a_request_is_written_to_it(
    committed_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gus was here before. While he asks again, the desk gives his record to Paula's account."""
    world = committed_world
    former = ask(world, world.petra).patient
    world.paula.patient.delete()

    def take_over() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SET innodb_lock_wait_timeout = 1")
        return Patient.objects.filter(pk=former.pk).update(user=world.paula)

    def find_and_lose(*args: Any) -> Patient | None:
        found = find_record(*args)
        [refused] = at_once([take_over])
        assert isinstance(refused, OperationalError)
        return found

    monkeypatch.setattr(booking_module, "find_record", find_and_lose)
    assert ask(world, world.quentin, hours=1).patient == former


@pytest.mark.parametrize("keys", [None, "its own", "the same"])
def test_over_http_eight_at_once_make_one_record_and_keep_the_limit(committed_world: World, keys: str | None) -> None:
    """Never more than three wait for the clinic's answer, whoever of the family asks."""
    world = committed_world
    Clinic.objects.filter(pk=world.clinic.pk).update(max_pending_per_phone=3)

    def send(number: int) -> Any:
        start = in_days(3)(9) + timedelta(hours=0 if keys == "the same" else number)
        who = world.petra if number % 2 or keys == "the same" else world.quentin
        body = {"clinic": "riverside", "name": "Gus Guest", "phone": PHONE, "start": start.isoformat()}
        headers = {} if keys is None else {"Idempotency-Key": "k" if keys == "the same" else f"k{number}"}
        return world.client().post(BOOKINGS, {**body, "practitioner": who.practitioner.pk}, headers=headers)

    answers = at_once([partial(send, number) for number in range(8)])
    codes = Counter(answer.status_code if answer.status_code == 201 else code_of(answer) for answer in answers)
    assert codes == ({201: 8} if keys == "the same" else {201: 3, "too_many_pending": 5})
    assert Appointment.objects.filter(status="pending").count() == (1 if keys == "the same" else 3)
    # No code: each request has a record of its own.
    assert Patient.objects.filter(phone=PHONE).count() == Appointment.objects.count()


def test_a_first_request_that_is_refused_leaves_no_record(committed_world: World) -> None:
    world = committed_world
    outcomes = at_once([partial(ask, world, world.petra, name=name) for name in ("Gus Guest", "Grete Guest")])
    assert Counter(type(outcome) for outcome in outcomes) == {Appointment: 1, SlotTaken: 1}
    [made] = [outcome for outcome in outcomes if isinstance(outcome, Appointment)]
    assert list(Patient.objects.filter(phone=PHONE)) == [made.patient]


def test_the_desk_books_for_a_record_that_is_merged_meanwhile(
    committed_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paula proves her phone: her own record, which she has not used yet, gives way to the clinic's."""
    world = committed_world
    guest = Patient.objects.create(clinic=world.clinic, name="Paula", phone=PHONE)

    own, linked = world.paula.patient.pk, []

    def link() -> None:
        with transaction.atomic():
            linked.append(link_proven_record(fresh(world.paula), phone=PHONE, now=timezone.now()))

    def claim_too_late(write: Callable[[], None], **more: Any) -> None:
        assert at_once([link]) == [None]
        write_claim(write, **more)

    monkeypatch.setattr(booking_module, "write_claim", claim_too_late)
    body = {
        "patient": own,
        "practitioner": world.petra.practitioner.pk,
        "start": in_days(3)(9).isoformat(),
    }
    assert refusal(world.client(world.sam).post(APPOINTMENTS, body)) == (404, "not_found")
    assert linked == [guest]
    assert not Appointment.objects.exists()
