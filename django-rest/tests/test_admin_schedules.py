"""Hours, services and policy, changed in the admin by the services of the API."""

from datetime import time
from typing import Any

import pytest
from clinic.accounts.models import Role, User
from clinic.appointments.models import Appointment, AppointmentEvent, Channel
from clinic.outbox.models import Message
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic, Practitioner, ScheduleException, Service, WorkingBlock
from django.test import Client

from testkit.clinic.admin_pages import (
    CLINICS,
    DAYS_OFF,
    PATIENTS,
    PRACTITIONERS,
    SERVICES,
    USERS,
    Page,
    act,
    errors_of,
    messages_of,
    sign_in,
)
from testkit.clinic.times import in_days
from testkit.clinic.world import World, row_of

BLOCKS, EXCEPTIONS = "working_blocks", "schedule_exceptions"
NEXT_WEEK = in_days(7)(9)


@pytest.fixture
def owner(world: World) -> Client:
    return sign_in(world.olga)


@pytest.fixture
def staff(world: World) -> Client:
    return sign_in(world.sam)


@pytest.fixture
def superuser(world: World) -> Client:
    return sign_in(User.objects.create_superuser("root@example.org"))


@pytest.fixture
def booked(world: World) -> Appointment:
    """Paula's with Petra, at nine of a day next week."""
    return world.book(NEXT_WEEK)


def open_petra(client: Client, world: World) -> Page:
    return Page.open(client, f"{PRACTITIONERS}{world.petra.practitioner.pk}/change/")


def hours_of(world: World) -> list[tuple[int, time, time]]:
    blocks = WorkingBlock.objects.filter(practitioner=world.petra.practitioner)
    return [(block.weekday, block.start_local, block.end_local) for block in blocks]


ALL_WEEK = [(weekday, time(8), time(18)) for weekday in range(7)]


def removed(page: Page, weekday: int) -> Page:
    page.fields[f"{BLOCKS}-{weekday}-DELETE"] = "on"
    return page


# Weekly hours


@pytest.mark.parametrize("who", ["owner", "staff", "superuser"])
def test_hours_are_changed_on_the_page_of_the_practitioner(
    request: pytest.FixtureRequest, world: World, who: str
) -> None:
    page = removed(open_petra(request.getfixturevalue(who), world), 6)
    page.fields[f"{BLOCKS}-5-end_local"] = "12:00"
    page.add_row(BLOCKS, weekday=5, start_local=time(13), end_local=time(18))
    assert errors_of(page.save()) == ""
    assert hours_of(world) == [*ALL_WEEK[:5], (5, time(8), time(12)), (5, time(13), time(18))]


def test_saved_as_it_stood_nothing_is_written_anew(world: World, owner: Client) -> None:
    before = list(WorkingBlock.objects.values_list("pk", flat=True))
    assert errors_of(open_petra(owner, world).save()) == ""
    assert list(WorkingBlock.objects.values_list("pk", flat=True)) == before


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"start_local": time(17), "end_local": time(20)}, "overlap"),
        ({"start_local": time(19), "end_local": time(19)}, "16 hours at most"),
        ({"start_local": time(19, 3), "end_local": time(20)}, "five minutes"),
    ],
)
def test_hours_that_cannot_be_are_refused_with_all_that_was_typed(
    world: World, owner: Client, typed: dict[str, time], said: str
) -> None:
    page = open_petra(owner, world)
    page.add_row(BLOCKS, weekday=2, **typed)
    response = page.save()
    assert said in errors_of(response)
    assert f'value="{typed["end_local"]:%H:%M}"' in response.content.decode()
    assert hours_of(world) == ALL_WEEK


def test_hours_that_strand_an_appointment_need_to_be_meant(world: World, owner: Client, booked: Appointment) -> None:
    page = removed(open_petra(owner, world), NEXT_WEEK.weekday())
    response = page.save()
    assert "outside of the working hours" in errors_of(response)
    assert "Paula with Dr Petra" in errors_of(response)
    assert hours_of(world) == ALL_WEEK
    response = page.save(force=True)
    assert "1 appointments are outside" in messages_of(response)
    assert len(hours_of(world)) == 6
    assert row_of(booked).status == "confirmed"


def test_hours_that_somebody_changed_meanwhile_are_not_overwritten(world: World, owner: Client, staff: Client) -> None:
    one, other = open_petra(owner, world), open_petra(staff, world)
    removed(one, 6).save()
    assert "Someone changed this in the meantime" in errors_of(removed(other, 5).save())
    assert hours_of(world) == ALL_WEEK[:6]


# Days off


def test_days_off_are_given_on_the_page_of_the_practitioner(world: World, owner: Client) -> None:
    page = open_petra(owner, world)
    day = NEXT_WEEK.date()
    page.add_row(EXCEPTIONS, start_date=day, end_date=day, closed=True, reason="A wedding")
    assert errors_of(page.save()) == ""
    made = ScheduleException.objects.get()
    assert (made.clinic, made.practitioner, made.reason) == (world.clinic, world.petra.practitioner, "A wedding")
    assert hours_of(world) == ALL_WEEK


def test_ended_visit_is_neither_shown_nor_touched(world: World, owner: Client) -> None:
    day = in_days(-9)(9).date()
    over = world.petra.practitioner.schedule_exceptions.create(clinic=world.clinic, start_date=day, end_date=day)
    page = open_petra(owner, world)
    assert page.fields[f"{EXCEPTIONS}-INITIAL_FORMS"] == 0
    assert errors_of(removed(page, 6).save()) == ""
    assert ScheduleException.objects.get() == over


@pytest.mark.parametrize("who", ["owner", "staff", "superuser"])
def test_a_holiday_of_the_whole_clinic(
    request: pytest.FixtureRequest, world: World, booked: Appointment, who: str
) -> None:
    client: Client = request.getfixturevalue(who)
    typed: dict[str, Any] = {"start_date": NEXT_WEEK.date(), "end_date": NEXT_WEEK.date(), "closed": True}
    if who == "superuser":
        typed["clinic"] = world.clinic.pk
    page = Page.open(client, f"{DAYS_OFF}add/")
    assert "Paula with Dr Petra" in errors_of(page.save(**typed))
    assert not ScheduleException.objects.exists()
    page.save(**typed, force=True)
    made = ScheduleException.objects.get()
    assert (made.clinic, made.practitioner) == (world.clinic, None)

    page = Page.open(client, f"{DAYS_OFF}{made.pk}/change/")
    assert "a start and an end" in errors_of(page.save(start_local=time(9)))
    assert errors_of(page.save(start_local=time(9), end_local=time(12), force=True)) == ""
    absence = ScheduleException.objects.get()
    assert (absence.closed, absence.start_local) == (True, time(9))
    page = Page.open(client, f"{DAYS_OFF}{made.pk}/change/")
    assert errors_of(page.save(closed=False, start_local=time(9), end_local=time(12), force=True)) == ""
    assert not ScheduleException.objects.get().closed


def test_extra_hours_that_somebody_is_booked_in_do_not_go_away(world: World, owner: Client) -> None:
    day = NEXT_WEEK.date()
    extra = world.clinic.schedule_exceptions.create(
        start_date=day, end_date=day, closed=False, start_local=time(6), end_local=time(20)
    )
    booked = world.book(NEXT_WEEK.replace(hour=19))
    page = f"{DAYS_OFF}{extra.pk}/delete/"
    assert "Paula with Dr Petra" in messages_of(owner.post(page, {"post": "yes"}, follow=True))
    assert ScheduleException.objects.exists()
    booked.delete()
    owner.post(page, {"post": "yes"})
    assert not ScheduleException.objects.exists()


# Practitioners


def test_a_new_practitioner_with_hours_and_services(world: World, owner: Client) -> None:
    page = Page.open(owner, f"{PRACTITIONERS}add/")
    page.add_row(BLOCKS, weekday=0, start_local=time(8), end_local=time(12))
    assert errors_of(page.save(name="Dr Nadia", offers=[world.check_up.pk])) == ""
    made = Practitioner.objects.get(name="Dr Nadia")
    assert made.clinic == world.clinic
    assert list(made.services.all()) == [world.check_up]
    assert made.working_blocks.get().weekday == 0


def test_leaving_practitioner_leaves_no_appointment_behind_unsaid(
    world: World, owner: Client, booked: Appointment
) -> None:
    page = open_petra(owner, world)
    assert "There are appointments ahead" in errors_of(page.save(active=False))
    assert "To whom?" in errors_of(page.save(active=False, appointments_ahead="move"))
    assert Practitioner.objects.get(pk=world.petra.practitioner.pk).active
    to_quentin: dict[str, Any] = {"appointments_ahead": "move", "move_to": world.quentin.practitioner.pk}
    assert errors_of(page.save(active=False, **to_quentin)) == ""
    assert not Practitioner.objects.get(pk=world.petra.practitioner.pk).active
    assert row_of(booked).practitioner == world.quentin.practitioner
    assert AppointmentEvent.objects.latest("id").channel == Channel.ADMIN


def test_the_desk_does_not_change_who_somebody_is(world: World, staff: Client) -> None:
    page = open_petra(staff, world)
    response = page.save(name="Dr Nobody", active=False, offers=[], specialisation="None", user="")
    assert errors_of(response) == ""
    petra = Practitioner.objects.get(pk=world.petra.practitioner.pk)
    assert (petra.name, petra.active, petra.user) == ("Dr Petra", True, world.petra)
    assert list(petra.services.all()) == [world.check_up]
    assert staff.get(f"{PRACTITIONERS}add/").status_code == 403


@pytest.mark.parametrize("url", [PRACTITIONERS, SERVICES, PATIENTS, CLINICS])
def test_referenced_row_is_not_deleted(world: World, owner: Client, superuser: Client, url: str) -> None:
    row = {
        PRACTITIONERS: world.petra.practitioner,
        SERVICES: world.check_up,
        PATIENTS: world.paula.patient,
        CLINICS: world.clinic,
    }[url]
    for client in (owner, superuser):
        assert client.post(f"{url}{row.pk}/delete/", {"post": "yes"}).status_code == 403


# Accounts


def test_the_owner_takes_somebody_on_and_lets_them_go(world: World, owner: Client) -> None:
    page = Page.open(owner, f"{USERS}add/")
    typed: dict[str, Any] = {"name": "Nadia", "email": "Nadia@Riverside.example", "role": "staff"}
    assert "already exists" in errors_of(page.save(**{**typed, "email": "SAM@riverside.example"}))
    assert errors_of(page.save(**typed)) == ""
    made = User.objects.get(claims__value="nadia@riverside.example")
    assert (made.clinic, made.role, made.is_staff, made.has_usable_password()) == (world.clinic, "staff", True, False)
    assert Message.objects.get(user=made).template == "invitation"

    page = Page.open(owner, f"{USERS}{made.pk}/change/")
    assert errors_of(page.save(is_active=False, is_superuser=True, is_staff=True, clinic=world.hillside.pk)) == ""
    made.refresh_from_db()
    assert (made.is_active, made.is_superuser, made.clinic, made.token_version) == (False, False, world.clinic, 2)


def test_a_clinic_keeps_an_owner(world: World, owner: Client, superuser: Client) -> None:
    for client in (owner, superuser):
        page = Page.open(client, f"{USERS}{world.olga.pk}/change/")
        assert "at least one owner" in errors_of(page.save(role="staff"))
    assert User.objects.get(pk=world.olga.pk).role == Role.OWNER


def test_a_practitioners_account_gets_a_schedule(world: World, owner: Client) -> None:
    Practitioner.objects.filter(pk=world.petra.practitioner.pk).update(user=None)
    page = Page.open(owner, f"{USERS}{world.petra.pk}/change/")
    assert errors_of(page.save(practitioner=world.petra.practitioner.pk)) == ""
    assert Practitioner.objects.get(pk=world.petra.practitioner.pk).user == world.petra


def test_a_link_to_choose_a_password_goes_out(world: World, owner: Client) -> None:
    assert "sam@riverside.example" in messages_of(act(owner, USERS, "send_link", world.sam.pk, world.otto.pk))
    assert Message.objects.get().recipient == "sam@riverside.example"


@pytest.mark.parametrize("name", ["paula", "otto"])
def test_other_accounts_are_not_the_owners(world: World, owner: Client, superuser: Client, name: str) -> None:
    page = f"{USERS}{getattr(world, name).pk}/change/"
    assert owner.post(page, {"name": "Mine"}).status_code == 302
    assert owner.get(page).status_code == 302
    assert superuser.get(page).status_code == 200
    assert User.objects.get(pk=getattr(world, name).pk).name == name.capitalize()


# Services, patients, policy


def test_a_service_and_who_offers_it(world: World, owner: Client) -> None:
    page = Page.open(owner, f"{SERVICES}add/")
    typed: dict[str, Any] = {"name": "Filling", "duration_minutes": 45, "color": "#112233"}
    assert "multiple of 5" in errors_of(page.save(**{**typed, "duration_minutes": 44}))
    assert errors_of(page.save(**typed, offered_by=[world.petra.practitioner.pk])) == ""
    made = Service.objects.get(name="Filling")
    assert (made.clinic, made.duration_minutes) == (world.clinic, 45)
    assert list(made.practitioners.all()) == [world.petra.practitioner]
    page = Page.open(owner, f"{SERVICES}{made.pk}/change/")
    assert errors_of(page.save(active=False, offered_by=[world.quentin.practitioner.pk])) == ""
    made.refresh_from_db()
    assert (made.active, list(made.practitioners.all())) == (False, [world.quentin.practitioner])


def test_the_desk_looks_at_services_and_policy(world: World, staff: Client) -> None:
    for page in (f"{SERVICES}{world.check_up.pk}/change/", f"{CLINICS}{world.clinic.pk}/change/"):
        assert staff.get(page).status_code == 200
        assert staff.post(page, {"name": "Ours"}).status_code == 403
    assert staff.get(f"{SERVICES}add/").status_code == 403


def test_a_patient_is_written_down_with_the_phone_as_it_is_stored(world: World, staff: Client) -> None:
    page = Page.open(staff, f"{PATIENTS}add/")
    assert "not a phone number" in errors_of(page.save(name="Gisela", phone="none"))
    assert errors_of(page.save(name="Gisela", phone="0170 555 0000")) == ""
    made = Patient.objects.get(name="Gisela")
    assert (made.clinic, made.phone) == (world.clinic, "+491705550000")
    page = Page.open(staff, f"{PATIENTS}{made.pk}/change/")
    assert errors_of(page.save(phone="0170 555 0001")) == ""
    assert Patient.objects.get(name="Gisela").phone == "+491705550001"


def test_the_zone_of_a_clinic_with_appointments_needs_to_be_meant(
    world: World, owner: Client, booked: Appointment
) -> None:
    page = Page.open(owner, f"{CLINICS}{world.clinic.pk}/change/")
    assert "Paula with Dr Petra" in errors_of(page.save(timezone="Asia/Tokyo"))
    assert Clinic.objects.get(pk=world.clinic.pk).timezone == "Europe/Berlin"
    assert errors_of(page.save(timezone="Asia/Tokyo", notice_minutes=90, force=True)) == ""
    clinic = Clinic.objects.get(pk=world.clinic.pk)
    assert (clinic.timezone, clinic.notice_minutes) == ("Asia/Tokyo", 90)


def test_a_superuser_works_in_every_clinic_as_its_owner(world: World, superuser: Client) -> None:
    page = Page.open(superuser, f"{SERVICES}add/")
    typed: dict[str, Any] = {
        "name": "Cleaning",
        "duration_minutes": 30,
        "color": "#112233",
        "clinic": world.hillside.pk,
    }
    stranger: dict[str, Any] = {"offered_by": [world.petra.practitioner.pk]}
    assert "no such row" in errors_of(page.save(**typed, **stranger))
    assert errors_of(page.save(**typed)) == ""
    assert Service.objects.get(name="Cleaning").clinic == world.hillside
    assert User.objects.get(email="root@example.org").role == Role.ADMIN
