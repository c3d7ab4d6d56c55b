"""The admin: rows of one's own clinic, and nothing that is changed around the services."""

import json
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import Action
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.appointments.services.booking import Booking, book_appointment
from clinic.appointments.services.decisions import change_status
from clinic.people.models import Patient
from clinic.scheduling.models import (
    Practitioner,
    ScheduleException,
    Service,
    ServicePractitioner,
    WorkingBlock,
)
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from testkit.clinic.times import RIVERSIDE_ZONE, in_days
from testkit.clinic.world import PASSWORD, World, as_new, fresh, row_of

LIST = "/admin/appointments/appointment/"
PATIENTS = "/admin/appointments/patient/"
PRACTITIONERS = "/admin/scheduling/practitioner/"
SERVICES = "/admin/scheduling/service/"
EXCEPTIONS = "/admin/scheduling/scheduleexception/"
USERS = "/admin/accounts/user/"
AUTOCOMPLETE = "/admin/autocomplete/"


@dataclass
class Hill:
    """Otto's clinic: Dr Hilda cleans Hank's teeth."""

    practitioner: Practitioner
    service: Service
    patient: Patient
    appointment: Appointment
    closed: ScheduleException


@pytest.fixture
def world(world: World) -> World:
    """Olga, Sam and Otto may sign in to the admin, and so may Ada, who looks after all clinics."""
    User.objects.filter(pk__in=(world.olga.pk, world.sam.pk, world.otto.pk)).update(is_staff=True)
    User.objects.create_superuser("ada@chairside.example", PASSWORD)
    return world


@pytest.fixture
def hill(world: World) -> Hill:
    practitioner = Practitioner.objects.create(clinic=world.hillside, name="Dr Hilda")
    service = Service.objects.create(clinic=world.hillside, name="Hygiene", duration_minutes=30)
    ServicePractitioner.objects.create(service=service, practitioner=practitioner)
    patient = Patient.objects.create(clinic=world.hillside, name="Hank", phone="+447700900123")
    start = in_days(2)(10)
    booking = Booking(patient_id=patient.pk, practitioner_id=practitioner.pk, start=start, outside_hours=True)
    appointment = book_appointment(
        actor=UserActor(fresh(world.otto)),
        clinic=world.hillside,
        booking=booking,
        now=start - timedelta(days=7),
    )
    closed = ScheduleException.objects.create(
        clinic=world.hillside, practitioner=practitioner, start_date=date(2030, 1, 1), end_date=date(2030, 1, 2)
    )
    return Hill(practitioner, service, patient, appointment, closed)


def admin_of(user: User) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=user.pk))
    return client


def ada() -> Client:
    return admin_of(User.objects.get(email="ada@chairside.example"))


def asked(world: World, start: datetime) -> Appointment:
    """Pending: Paula asked for it."""
    return world.book(start, by=world.paula)


def take(client: Client, action: str, *appointments: Appointment, follow: bool = True) -> Any:
    form = {"action": action, "_selected_action": [appointment.pk for appointment in appointments]}
    return client.post(LIST, form, follow=follow)


def text_of(response: Any) -> str:
    """The text that a person reads."""
    page = re.sub(r"<(script|style|template).*?</\1>", " ", response.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def rows_in(response: Any) -> set[Any]:
    return {row.pk for row in response.context["cl"].result_list}


def last_line(appointment: Appointment) -> AppointmentEvent:
    line = AppointmentEvent.objects.filter(appointment_id=appointment.pk).last()
    assert line is not None
    return line


def form_of(response: Any) -> dict[str, Any]:
    """The change page's form, filled in as a browser would send it back."""
    forms = [response.context["adminform"].form, *(each.formset for each in response.context["inline_admin_formsets"])]
    values: dict[str, Any] = {}
    for form in forms:
        members = [form] if hasattr(form, "fields") else [form.management_form, *form.forms]
        for member in members:
            for bound in member:
                value = bound.value()
                if value is not None and value is not False:
                    values[bound.html_name] = "on" if value is True else value
    return values


# Access


def test_the_desk_signs_in_and_sees_its_clinic(world: World) -> None:
    client = Client()
    form = {"username": world.sam.email, "password": PASSWORD, "next": LIST}
    assert client.post("/admin/login/", form).headers["Location"] == LIST
    assert client.get(LIST).status_code == 200


@pytest.mark.parametrize("name", ["petra", "paula"])
def test_practitioners_and_patients_are_not_let_in(world: World, name: str) -> None:
    user = getattr(world, name)
    client = Client()
    page = client.post("/admin/login/", {"username": user.email, "password": PASSWORD, "next": LIST})
    assert page.status_code == 200
    assert "correct" in text_of(page)
    assert client.get(LIST).status_code == 302


@pytest.mark.parametrize("name", ["petra", "paula"])
def test_being_let_in_is_not_enough_to_see_anything(world: World, hill: Hill, name: str) -> None:
    user: User = getattr(world, name)
    User.objects.filter(pk=user.pk).update(is_staff=True)
    own = world.book(in_days(1)(9))
    client = admin_of(user)
    pages = (LIST, f"{LIST}{own.pk}/change/", PATIENTS, PRACTITIONERS, SERVICES, EXCEPTIONS, USERS)
    assert {url: client.get(url).status_code for url in pages} == dict.fromkeys(pages, 403)
    assert take(client, "cancel", own).status_code == 403
    assert row_of(own).status == "confirmed"


def test_accounts_are_the_owners_and_superusers(world: World) -> None:
    assert admin_of(world.sam).get(USERS).status_code == 403
    assert world.petra.pk in rows_in(admin_of(world.olga).get(USERS))
    assert world.paula.pk not in rows_in(admin_of(world.olga).get(USERS))
    assert world.paula.pk in rows_in(ada().get(USERS))


def test_owner_alone_changes_the_account_of_a_practitioner(world: World) -> None:
    page = f"{PRACTITIONERS}{world.petra.practitioner.pk}/change/"
    form = form_of(admin_of(world.olga).get(page)) | {"name": "Dr P"}
    assert admin_of(world.sam).get(page).status_code == 200
    assert admin_of(world.sam).post(page, form).status_code == 302
    assert Practitioner.objects.get(pk=world.petra.practitioner.pk).name == "Dr Petra"
    assert admin_of(world.olga).post(page, form).status_code == 302
    assert Practitioner.objects.get(pk=world.petra.practitioner.pk).name == "Dr P"


def test_signing_in_leads_to_the_day(world: World) -> None:
    answer = Client().post("/admin/login/", {"username": world.sam.email, "password": PASSWORD})
    assert answer.headers["Location"] == "/admin/"


@pytest.mark.parametrize("name", ["petra", "paula"])
def test_being_let_in_is_not_enough_to_see_the_day(world: World, name: str) -> None:
    world.book_now()
    user: User = getattr(world, name)
    User.objects.filter(pk=user.pk).update(is_staff=True)
    page = text_of(admin_of(user).get("/admin/"))
    assert "Dr Petra" not in page
    assert "Dr Petra" in text_of(admin_of(world.sam).get("/admin/"))


@pytest.mark.parametrize("owner", ["olga", "ada"])
def test_api_makes_no_superusers(world: World, owner: str) -> None:
    client = ada() if owner == "ada" else admin_of(world.olga)
    page = f"{USERS}{world.sam.pk}/change/"
    form = form_of(client.get(page))
    assert not {"is_superuser", "is_staff"} & set(form)
    client.post(page, form | {"is_superuser": "on", "role": "admin"})
    assert not fresh(world.sam).is_superuser
    assert fresh(world.sam).role == "staff"


# One clinic does not see another


def test_lists_hold_rows_of_the_own_clinic(world: World, hill: Hill) -> None:
    own = world.book(in_days(2)(9))
    olga, otto = admin_of(world.olga), admin_of(world.otto)
    assert rows_in(olga.get(LIST)) == {own.pk}
    assert rows_in(otto.get(LIST)) == {hill.appointment.pk}
    assert rows_in(ada().get(LIST)) == {own.pk, hill.appointment.pk}
    assert rows_in(olga.get(PATIENTS)) == {world.paula.patient.pk, world.pete.patient.pk}
    assert rows_in(olga.get(SERVICES)) == {world.check_up.pk}
    assert rows_in(olga.get(EXCEPTIONS)) == set()
    assert rows_in(otto.get(PRACTITIONERS)) == {hill.practitioner.pk}


def test_a_page_of_another_clinic_is_not_there(world: World, hill: Hill) -> None:
    olga, otto = admin_of(world.olga), admin_of(world.otto)
    rows = ((LIST, hill.appointment), (PATIENTS, hill.patient), (PRACTITIONERS, hill.practitioner))
    rows += ((SERVICES, hill.service), (EXCEPTIONS, hill.closed))  # type: ignore[assignment]
    for url, row in rows:
        for page in ("change", "delete", "history"):
            answer = olga.get(f"{url}{row.pk}/{page}/")
            assert answer.status_code in (302, 403), (url, page)
            assert answer.headers.get("Location", "/admin/") == "/admin/"
        assert otto.get(f"{url}{row.pk}/change/").status_code == 200


def test_filters_offer_what_the_own_clinic_has(world: World, hill: Hill) -> None:
    world.book(in_days(2)(9))
    for url, names in ((LIST, ("Dr Hilda", "Hygiene", "Hillside")), (EXCEPTIONS, ("Dr Hilda",))):
        olgas, adas = text_of(admin_of(world.olga).get(url)), text_of(ada().get(url))
        assert "Dr Petra" in olgas
        assert not [name for name in names if name in olgas]
        assert not [name for name in names if name not in adas]
    for url in (PATIENTS, PRACTITIONERS, SERVICES):
        assert "clinic" not in {each.title for each in admin_of(world.olga).get(url).context["cl"].filter_specs}
        assert "clinic" in {each.title for each in ada().get(url).context["cl"].filter_specs}


def test_a_filter_written_by_hand_finds_nothing_elsewhere(world: World, hill: Hill) -> None:
    world.book(in_days(2)(9))
    page = admin_of(world.olga).get(f"{LIST}?practitioner__id__exact={hill.practitioner.pk}")
    assert page.status_code == 200
    assert rows_in(page) == set()
    by_clinic = admin_of(world.olga).get(f"{LIST}?clinic__id__exact={world.hillside.pk}", follow=True)
    assert hill.appointment.pk not in rows_in(by_clinic)


def test_completion_offers_what_the_own_clinic_has(world: World, hill: Hill) -> None:
    query = {
        "app_label": "scheduling",
        "model_name": "scheduleexception",
        "field_name": "practitioner",
        "term": "Dr",
    }

    def offered(client: Client) -> set[str]:
        return {row["text"] for row in json.loads(client.get(AUTOCOMPLETE, query).content)["results"]}

    assert offered(admin_of(world.olga)) == {"Dr Petra", "Dr Quentin"}
    assert offered(admin_of(world.otto)) == {"Dr Hilda"}
    assert offered(ada()) == {"Dr Petra", "Dr Quentin", "Dr Hilda"}
    User.objects.filter(pk=world.petra.pk).update(is_staff=True)
    assert admin_of(world.petra).get(AUTOCOMPLETE, query).status_code == 403


def test_forms_offer_and_take_what_the_own_clinic_has(world: World, hill: Hill) -> None:
    olga = admin_of(world.olga)
    page = olga.get(f"{PRACTITIONERS}add/")
    offered = page.context["adminform"].form.fields["user"].queryset
    assert set(offered) == {world.petra, world.quentin}
    closed = {"start_date": "2030-01-01", "end_date": "2030-01-01", "closed": "on"}
    refused = olga.post(f"{EXCEPTIONS}add/", closed | {"practitioner": hill.practitioner.pk})
    assert refused.status_code == 200
    assert "practitioner" in refused.context["adminform"].form.errors
    taken = olga.post(f"{EXCEPTIONS}add/", closed | {"practitioner": world.petra.practitioner.pk})
    assert taken.status_code == 302
    assert ScheduleException.objects.get(practitioner=world.petra.practitioner).clinic == world.clinic


def test_an_owner_cannot_give_a_row_to_another_clinic(world: World) -> None:
    form = {"name": "Gerda", "phone": "0171 1234567", "clinic": world.hillside.pk}
    assert admin_of(world.olga).post(f"{PATIENTS}add/", form).status_code == 302
    gerda = Patient.objects.get(name="Gerda")
    assert (gerda.clinic, gerda.phone) == (world.clinic, "+491711234567")


# Steps of an appointment


def test_approve_goes_through_the_service(world: World) -> None:
    appointment = asked(world, in_days(2)(9))
    page = take(admin_of(world.olga), "approve", appointment)
    assert "1 approved." in text_of(page)
    row, line = row_of(appointment), last_line(appointment)
    assert (row.status, row.version) == ("confirmed", 2)
    assert (line.action, line.from_status, line.to_status) == ("confirm", "pending", "confirmed")
    assert (line.actor, line.actor_kind, line.channel) == (world.olga, "admin", "admin")


@pytest.mark.parametrize(
    ("action", "status"), [("reject", "rejected"), ("cancel", "cancelled"), ("approve", "confirmed")]
)
def test_each_action_writes_its_line(world: World, action: str, status: str) -> None:
    appointment = asked(world, in_days(2)(9))
    take(admin_of(world.sam), action, appointment)
    assert row_of(appointment).status == last_line(appointment).to_status == status
    assert (last_line(appointment).actor, last_line(appointment).channel) == (world.sam, "admin")


def test_the_day_goes_from_arrival_to_the_end(world: World) -> None:
    appointment = world.book_now()
    client = admin_of(world.sam)
    for action, status in (("check_in", "checked_in"), ("complete", "completed")):
        take(client, action, appointment)
        assert row_of(appointment).status == status
    missed = world.book_now(practitioner=world.quentin)
    for action, status in (("mark_no_show", "no_show"), ("reopen", "checked_in")):
        take(client, action, missed)
        assert row_of(missed).status == status


def test_impossible_steps_are_named_and_the_others_done(world: World) -> None:
    settled, open_one = world.book(in_days(2)(9)), asked(world, in_days(2)(11))
    page = text_of(take(admin_of(world.olga), "approve", settled, open_one))
    assert "not possible for a confirmed appointment" in page
    assert "1 approved." in page
    assert row_of(settled).version == 1
    assert row_of(open_one).status == "confirmed"


def test_an_action_does_not_reach_another_clinic(world: World, hill: Hill) -> None:
    take(admin_of(world.olga), "cancel", hill.appointment)
    assert row_of(hill.appointment).status == "confirmed"
    take(admin_of(world.otto), "cancel", hill.appointment)
    assert row_of(hill.appointment).status == "cancelled"


def test_status_and_times_are_shown_and_not_taken(world: World) -> None:
    appointment = world.book(in_days(2)(9))
    client = admin_of(world.olga)
    url = f"{LIST}{appointment.pk}/change/"
    form = form_of(client.get(url))
    assert set(form) == {"seen_version"} | {name for name in form if name.startswith("events") or name == "notes"}
    stolen = {
        "status": "completed",
        "starts_at": "2030-01-01 09:00",
        "starts_at_0": "2030-01-01",
        "starts_at_1": "09:00",
        "ends_at": "2030-01-01 10:00",
        "practitioner": world.quentin.practitioner.pk,
        "patient": world.pete.patient.pk,
        "local_date": "2030-01-01",
        "version": 40,
        "clinic": world.hillside.pk,
    }
    assert client.post(url, form | stolen | {"notes": "likes tea"}).status_code == 302
    row = row_of(appointment)
    unchanged = ("status", "starts_at", "ends_at", "practitioner_id", "patient_id", "local_date", "clinic_id")
    assert [getattr(row, name) for name in unchanged] == [getattr(appointment, name) for name in unchanged]
    assert (row.notes, row.version) == ("likes tea", 2)
    assert (last_line(row).action, last_line(row).channel, last_line(row).actor_kind) == ("edit", "admin", "admin")


def test_notes_written_meanwhile_are_not_overwritten(world: World) -> None:
    appointment = world.book(in_days(2)(9))
    client = admin_of(world.olga)
    url = f"{LIST}{appointment.pk}/change/"
    form = form_of(client.get(url))
    change_status(
        actor=UserActor(fresh(world.sam)), appointment_id=appointment.pk, action=Action.CANCEL, now=in_days(0)(0)
    )
    refused = client.post(url, form | {"notes": "late"})
    assert refused.status_code == 200
    assert "Someone changed this in the meantime" in text_of(refused)
    assert row_of(appointment).notes == ""


def test_an_appointment_is_not_made_here(world: World) -> None:
    assert admin_of(world.olga).get(f"{LIST}add/").status_code == 403
    assert ada().post(f"{LIST}add/", {}).status_code == 403


def test_a_deletion_leaves_its_history(world: World) -> None:
    appointment = world.book(in_days(2)(9))
    assert admin_of(world.olga).post(f"{LIST}{appointment.pk}/delete/", {"post": "yes"}).status_code == 302
    assert (row_of(appointment).status, row_of(appointment).deleted_at is None) == ("cancelled", False)
    assert (last_line(appointment).action, last_line(appointment).channel) == ("delete", "admin")


def test_many_are_not_deleted_at_once(world: World) -> None:
    appointment = world.book(in_days(2)(9))
    take(admin_of(world.olga), "delete_selected", appointment)
    assert row_of(appointment).status == "confirmed"


def test_the_page_tells_the_history(world: World) -> None:
    appointment = asked(world, in_days(2)(9))
    take(admin_of(world.olga), "approve", appointment)
    page = text_of(admin_of(world.sam).get(f"{LIST}{appointment.pk}/change/"))
    assert "Olga" in page
    assert "Paula" in page
    assert "confirm" in page


def test_the_history_cannot_be_written(world: World) -> None:
    appointment = world.book(in_days(2)(9))
    line = last_line(appointment)
    client = admin_of(world.olga)
    url = f"{LIST}{appointment.pk}/change/"
    forged = {"events-0-id": line.pk, "events-0-action": "forged", "events-0-DELETE": "on", "events-TOTAL_FORMS": 2}
    client.post(url, form_of(client.get(url)) | forged | {"events-1-action": "forged", "notes": "saved"})
    assert row_of(appointment).notes == "saved"
    assert AppointmentEvent.objects.filter(pk=line.pk, action="create").exists()
    assert not AppointmentEvent.objects.filter(action="forged").exists()


def test_no_order_is_taken_from_another_site(world: World) -> None:
    appointment = asked(world, in_days(2)(9))
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get(pk=world.sam.pk))
    assert client.post(f"{LIST}{appointment.pk}/approve/now/").status_code == 403
    assert take(client, "approve", appointment).status_code == 403
    assert row_of(appointment).status == "pending"


# The list


@pytest.fixture
def days(world: World) -> dict[str, Appointment]:
    """Yesterday's, two that are still to come, and the one in between."""
    return {
        "yesterday": world.book(in_days(-1)(9)),
        "later": world.book(in_days(3)(9)),
        "today": world.book(in_days(0)(9)),
        "soon": world.book(in_days(1)(9), patient=world.pete),
    }


def named(response: Any, days: dict[str, Appointment]) -> list[str]:
    names = {appointment.pk: name for name, appointment in days.items()}
    return [names[row.pk] for row in response.context["cl"].result_list]


def test_the_list_begins_with_what_comes_next(world: World, days: dict[str, Appointment]) -> None:
    client = admin_of(world.olga)
    assert named(client.get(LIST), days) == ["today", "soon", "later"]
    assert named(client.get(f"{LIST}?when=today"), days) == ["today"]
    assert named(client.get(f"{LIST}?when=past"), days) == ["yesterday"]
    assert named(client.get(f"{LIST}?when=all"), days) == ["later", "soon", "today", "yesterday"]


def test_a_search_looks_everywhere(world: World, days: dict[str, Appointment]) -> None:
    client = admin_of(world.olga)
    assert named(client.get(f"{LIST}?q=paula"), days) == ["later", "today", "yesterday"]
    assert named(client.get(f"{LIST}?q=paula&when=past"), days) == ["yesterday"]
    year = days["yesterday"].local_date.year
    month = days["yesterday"].local_date.month
    assert "yesterday" in named(client.get(f"{LIST}?local_date__year={year}&local_date__month={month}"), days)


def test_the_list_says_the_time_in_one_line_and_no_version(world: World, days: dict[str, Appointment]) -> None:
    page = admin_of(world.olga).get(LIST)
    when = f"{in_days(1)(9):%a %d %b %Y, %H:%M}–09:30".replace(" ", "\N{NO-BREAK SPACE}")
    assert when in page.content.decode()
    assert "version" not in page.context["cl"].list_display


def put_fifty(world: World) -> None:
    """Fifty more, each of another patient and as many practitioners."""
    first = world.book(in_days(2)(9), service=world.check_up, patient=world.pete)
    for number in range(50):
        patient = Patient.objects.create(clinic=world.clinic, name=f"Patient {number}")
        practitioner = Practitioner.objects.create(clinic=world.clinic, name=f"Dr {number}")
        first.patient, first.practitioner = patient, practitioner
        Appointment.objects.bulk_create([as_new(first)])
        ScheduleException.objects.create(
            clinic=world.clinic, practitioner=practitioner, start_date=date(2030, 1, 1), end_date=date(2030, 1, 2)
        )
        Service.objects.create(clinic=world.clinic, name=f"Service {number}", duration_minutes=30)


@pytest.mark.parametrize("url", [LIST, PATIENTS, PRACTITIONERS, SERVICES, EXCEPTIONS])
def test_a_list_of_fifty_costs_the_queries_of_five(world: World, hill: Hill, url: str) -> None:
    def queries(client: Client) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(url).status_code == 200
        return len(seen)

    for hour in range(8, 13):
        world.book(in_days(2)(hour), service=world.check_up, practitioner=world.quentin)
    few = [queries(admin_of(world.olga)), queries(ada())]
    put_fifty(world)
    assert [queries(admin_of(world.olga)), queries(ada())] == few
    assert max(few) <= 20


def test_a_thousand_appointments_cost_the_list_and_the_day_no_more(world: World) -> None:
    def queries(url: str) -> int:
        client = admin_of(world.sam)
        with CaptureQueriesContext(connection) as seen:
            assert client.get(url).status_code == 200
        return len(seen)

    urls = (f"{LIST}?when=all", f"{LIST}?when=all&q=paula", "/admin/")
    today, waiting = world.book_now(), asked(world, in_days(2)(9))
    few = [queries(url) for url in urls]
    columns = [field.attname for field in Appointment._meta.concrete_fields if not field.generated]
    values = {name: getattr(today, name) for name in columns if name not in ("id", "calendar_uid", "reference")}
    values |= {"status": "completed"}
    Appointment.objects.bulk_create(Appointment(**values) for _ in range(1000))
    for hour in range(10, 16):
        asked(world, waiting.starts_at.astimezone(RIVERSIDE_ZONE).replace(hour=hour))
    assert [queries(url) for url in urls] == few


@pytest.mark.parametrize(
    "query",
    [
        "status__exact=pending&status__exact=confirmed",
        "status__exact=nonsense",
        "practitioner__id__exact=",
        "practitioner__id__exact=x",
        "when=never",
        "local_date_from=2026-01-01&local_date_to=nonsense",
        "p=999",
        "o=99.-1",
    ],
)
def test_a_filter_written_by_hand_is_answered(world: World, query: str) -> None:
    world.book(in_days(2)(9))
    assert admin_of(world.olga).get(f"{LIST}?{query}", follow=True).status_code == 200


# The schedule


def test_hours_are_changed_on_the_practitioners_page(world: World) -> None:
    client = admin_of(world.olga)
    url = f"{PRACTITIONERS}{world.petra.practitioner.pk}/change/"
    form = form_of(client.get(url))
    blocks = WorkingBlock.objects.filter(practitioner=world.petra.practitioner)
    changed = form | {"working_blocks-0-end_local": "12:00"}
    assert client.post(url, changed).status_code == 302
    assert sorted(f"{block.end_local:%H:%M}" for block in blocks) == ["12:00"] + ["18:00"] * 6


def test_inactive_service_stays_offered_when_another_field_is_saved(world: World) -> None:
    old = Service.objects.create(clinic=world.clinic, name="Old", duration_minutes=30, active=False)
    old.practitioners.add(world.petra.practitioner)
    Practitioner.objects.filter(pk=world.quentin.practitioner.pk).update(active=False)
    client = admin_of(world.olga)
    for page in (
        f"{PRACTITIONERS}{world.petra.practitioner.pk}/change/",
        f"{SERVICES}{world.check_up.pk}/change/",
    ):
        assert client.post(page, form_of(client.get(page)) | {"name": "Changed"}).status_code == 302
    assert Practitioner.objects.get(pk=world.petra.practitioner.pk).name == "Changed"
    assert Service.objects.get(pk=world.check_up.pk).name == "Changed"
    assert list(old.practitioners.all()) == [world.petra.practitioner]
    assert world.check_up.practitioners.count() == 2


def test_hours_of_somebody_who_has_left_are_only_looked_at(world: World) -> None:
    petra = world.petra.practitioner
    page = f"{PRACTITIONERS}{petra.pk}/change/"
    client = admin_of(world.olga)
    form = form_of(client.get(page))
    Practitioner.objects.filter(pk=petra.pk).update(active=False)
    hours, days_off = client.get(page).context["inline_admin_formsets"]
    assert not hours.has_change_permission
    assert not days_off.has_add_permission
    client.post(page, form | {"working_blocks-0-end_local": "12:00"})
    assert {f"{block.end_local:%H:%M}" for block in petra.working_blocks.all()} == {"18:00"}
