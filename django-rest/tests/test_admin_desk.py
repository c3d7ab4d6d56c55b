"""The desk at work in the admin: the day, an appointment's page with its buttons and history, every list there is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.models import ActorKind, Appointment, AppointmentEvent, Channel
from clinic.messaging.models import InboundMessage
from clinic.outbox.models import Message, MessageTemplate
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic, Practitioner, Service, ServicePractitioner
from clinic.waitlist.models import WaitlistEntry
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from testkit.clinic.admin_pages import (
    ANSWERS,
    APPOINTMENTS,
    CLINICS,
    DAYS_OFF,
    HISTORY,
    HOLDS,
    HOME,
    MESSAGES,
    PATIENTS,
    PRACTITIONERS,
    SERIES,
    SERVICES,
    USERS,
    WAITLIST,
    WORDINGS,
    WORKER,
    Page,
    act,
    errors_of,
    messages_of,
    rows_of,
    sign_in,
)
from testkit.clinic.feed_rows import make_hold
from testkit.clinic.times import At, in_days, this_moment
from testkit.clinic.world import PASSWORD, World, row_of

LOGS = [HISTORY, SERIES, WAITLIST, HOLDS, MESSAGES, ANSWERS]
LISTS = [APPOINTMENTS, PATIENTS, PRACTITIONERS, SERVICES, DAYS_OFF, CLINICS, USERS, WORDINGS, *LOGS]
NOT_POSSIBLE = "not possible"


@pytest.fixture
def owner(world: World) -> Client:
    return sign_in(world.olga)


@pytest.fixture
def stranger(world: World) -> Client:
    """Otto, who owns another clinic."""
    return sign_in(world.otto)


@pytest.fixture
def superuser(world: World) -> Client:
    return sign_in(User.objects.create_superuser("root@example.org"))


@pytest.fixture
def pending(world: World, tomorrow_at: At) -> Appointment:
    """Paula asked for nine o'clock with Petra; nobody has decided."""
    return world.book(tomorrow_at(9), by=world.paula, service=world.check_up)


def page_of(appointment: Appointment) -> str:
    return f"{APPOINTMENTS}{appointment.pk}/change/"


def last_line(appointment: Appointment) -> AppointmentEvent:
    return AppointmentEvent.objects.filter(appointment_id=appointment.pk).latest("id")


# Deciding


@pytest.mark.parametrize(
    ("action", "status"), [("approve", "confirmed"), ("reject", "rejected"), ("cancel", "cancelled")]
)
@pytest.mark.parametrize("place", ["list", "page", "day"])
def test_a_request_is_decided_and_the_history_tells_who_did_it_in_the_admin(
    world: World, owner: Client, pending: Appointment, action: str, status: str, place: str
) -> None:
    if place == "list":
        response = act(owner, APPOINTMENTS, action, pending.pk)
    elif place == "page":
        response = Page.open(owner, page_of(pending)).save(f"appointments_appointment_{action}")
    else:
        response = owner.post(f"{APPOINTMENTS}{pending.pk}/{action}/now/", follow=True)
    assert response.status_code == 200
    assert row_of(pending).status == status
    line = last_line(pending)
    assert (line.actor, line.actor_kind, line.channel) == (world.olga, ActorKind.ADMIN, Channel.ADMIN)
    assert (line.from_status, line.to_status) == ("pending", status)
    assert AppointmentEvent.objects.count() == 2


def test_guest_the_clinic_knows_is_approved_and_linked_on_the_page(
    world: World, owner: Client, pending: Appointment
) -> None:
    own = Patient.objects.create(clinic=world.clinic, name="gus guest", phone="+491712345678")
    known = Patient.objects.create(clinic=world.clinic, name="Gus Guest", phone="+491712345678")
    assert "link_to" not in Page.open(owner, page_of(pending)).response.content.decode()
    Appointment.objects.filter(pk=pending.pk).update(patient=own, source="guest")
    page = Page.open(owner, page_of(pending))
    assert errors_of(page.save("appointments_appointment_approve", link_to=known.pk)) == ""
    assert (row_of(pending).status, row_of(pending).patient) == ("confirmed", known)
    assert not Patient.objects.filter(pk=own.pk).exists()


@pytest.mark.parametrize("place", ["list", "page", "day"])
def test_refused_transition_is_told_and_leaves_no_trace(owner: Client, pending: Appointment, place: str) -> None:
    page = Page.open(owner, page_of(pending))
    act(owner, APPOINTMENTS, "reject", pending.pk)
    if place == "list":
        said = messages_of(act(owner, APPOINTMENTS, "approve", pending.pk))
    elif place == "page":
        page.fields["seen_version"] = row_of(pending).version
        said = errors_of(page.save("appointments_appointment_approve"))
    else:
        said = messages_of(owner.post(f"{APPOINTMENTS}{pending.pk}/approve/now/", follow=True))
    assert NOT_POSSIBLE in said
    assert row_of(pending).status == "rejected"
    assert AppointmentEvent.objects.count() == 2


def test_the_page_has_the_buttons_of_what_is_possible(world: World, owner: Client, pending: Appointment) -> None:
    def buttons(appointment: Appointment) -> list[str]:
        context = owner.get(page_of(appointment)).context
        return [button.description for button in context["actions_submit_line"]]

    assert buttons(pending) == ["Approve", "Reject", "Cancel appointment"]
    assert buttons(world.book_now(practitioner=world.quentin)) == [
        "Cancel appointment",
        "Check in",
        "Complete",
        "No-show",
    ]
    act(owner, APPOINTMENTS, "reject", pending.pk)
    assert buttons(pending) == []


def test_notes_and_a_decision_are_saved_together(owner: Client, pending: Appointment) -> None:
    Page.open(owner, page_of(pending)).save("appointments_appointment_approve", notes="Afraid of needles")
    row = row_of(pending)
    assert (row.status, row.notes, row.version) == ("confirmed", "Afraid of needles", 3)
    assert [line.action for line in AppointmentEvent.objects.order_by("id")] == ["create", "confirm", "edit"]


def test_last_step_is_undone_in_the_admin(owner: Client, pending: Appointment) -> None:
    Clinic.objects.update(undo_seconds=60)
    act(owner, APPOINTMENTS, "reject", pending.pk)
    shown = owner.get(page_of(pending)).context["actions_submit_line"]
    assert [button.description for button in shown] == ["Undo the last step"]
    Page.open(owner, page_of(pending)).save("appointments_appointment_undo")
    assert (row_of(pending).status, last_line(pending).action) == ("pending", "undo")
    act(owner, APPOINTMENTS, "approve", pending.pk)
    assert "1 undone." in messages_of(act(owner, APPOINTMENTS, "undo", pending.pk))
    assert "not a step that can be undone" in messages_of(act(owner, APPOINTMENTS, "undo", pending.pk))
    assert row_of(pending).status == "pending"


def test_step_on_the_page_of_the_day_offers_its_undo(owner: Client, pending: Appointment) -> None:
    Clinic.objects.update(undo_seconds=60)
    page = owner.post(f"{APPOINTMENTS}{pending.pk}/approve/now/", follow=True).content.decode()
    undo = f"{APPOINTMENTS}{pending.pk}/undo/now/"
    assert f'action="{undo}"' in page
    assert "1 undone." in messages_of(owner.post(undo, follow=True))
    assert row_of(pending).status == "pending"


def test_status_is_corrected_in_the_admin_with_a_reason(world: World, owner: Client) -> None:
    visit = world.book_now()
    act(owner, APPOINTMENTS, "complete", visit.pk)
    refused = Page.open(owner, page_of(visit)).save(correct_to="no_show")
    assert "A correction needs a reason." in errors_of(refused)
    Page.open(owner, page_of(visit)).save(correct_to="no_show", correction_reason="It was another Paula")
    line = last_line(visit)
    assert (row_of(visit).status, line.action, line.reason) == ("no_show", "correct", "It was another Paula")
    refused = Page.open(owner, page_of(visit)).save(correct_to="pending", correction_reason="No")
    assert "The start has passed" in errors_of(refused)


def test_a_cancellation_has_a_reason(owner: Client, pending: Appointment) -> None:
    page = Page.open(owner, page_of(pending))
    page.save("appointments_appointment_cancel", reason="The chair is broken")
    assert row_of(pending).cancel_reason == last_line(pending).reason == "The chair is broken"


def test_a_link_decides_nothing(owner: Client, pending: Appointment) -> None:
    assert owner.get(f"{APPOINTMENTS}{pending.pk}/approve/now/").status_code == 405
    assert row_of(pending).status == "pending"


# The page of an appointment


def test_notes_are_changed_with_a_line_of_history(owner: Client, pending: Appointment) -> None:
    Page.open(owner, page_of(pending)).save(notes="Afraid of needles")
    assert row_of(pending).notes == "Afraid of needles"
    assert (last_line(pending).action, last_line(pending).channel) == ("edit", Channel.ADMIN)


def test_meanwhile_changed_row_is_not_overwritten(owner: Client, pending: Appointment) -> None:
    one, other = Page.open(owner, page_of(pending)), Page.open(owner, page_of(pending))
    one.save(notes="Afraid of needles")
    refused = other.save(notes="Brings a friend")
    assert "Someone changed this in the meantime" in errors_of(refused)
    assert "Brings a friend" in refused.content.decode()
    assert row_of(pending).notes == "Afraid of needles"
    refused = other.save("appointments_appointment_cancel", notes="")
    assert "Someone changed this in the meantime" in errors_of(refused)
    assert row_of(pending).status == "pending"


def test_the_history_stands_on_the_page_the_newest_first(owner: Client, pending: Appointment) -> None:
    act(owner, APPOINTMENTS, "approve", pending.pk)
    act(owner, APPOINTMENTS, "cancel", pending.pk)
    (inline,) = owner.get(page_of(pending)).context["inline_admin_formsets"]
    assert [form.instance.action for form in inline.formset.initial_forms] == ["cancel", "confirm", "create"]
    assert not any((inline.has_add_permission, inline.has_change_permission, inline.has_delete_permission))


def test_deleted_visit_leaves_its_history(owner: Client, pending: Appointment) -> None:
    owner.post(f"{APPOINTMENTS}{pending.pk}/delete/", {"post": "yes"})
    assert owner.get(page_of(pending)).status_code == 302
    (deleted, _) = events = rows_of(owner.get(HISTORY))
    assert [event.action for event in events] == ["delete", "create"]
    assert deleted.patient_name == "Paula"
    assert rows_of(owner.get(HISTORY, {"q": "paula"})) == events


# The list


def test_the_list_is_searched_and_filtered(world: World, owner: Client, pending: Appointment) -> None:
    others = world.book(in_days(2)(9), patient=world.pete, practitioner=world.quentin)
    for wanted in (
        {"q": "pete"},
        {"status__exact": "confirmed"},
        {"practitioner__id__exact": world.quentin.practitioner.pk},
        {"local_date_from": in_days(2)(9).date().isoformat()},
        {"source__exact": "desk"},
    ):
        assert rows_of(owner.get(APPOINTMENTS, wanted)) == [others]


def wait(world: World, patient: Patient) -> WaitlistEntry:
    now, day = datetime.now(UTC), in_days(9)(9).date()
    return WaitlistEntry.objects.create(
        clinic=world.clinic,
        patient=patient,
        practitioner=world.petra.practitioner,
        first_date=day,
        last_date=day,
        created_at=now,
        updated_at=now,
    )


@pytest.mark.parametrize("said", ["0171 555 66 77", "(0171) 5556677", "+49 171 5556677", "55566"])
def test_the_lists_find_a_phone_as_it_is_said(world: World, owner: Client, pending: Appointment, said: str) -> None:
    other = world.book(in_days(2)(9), patient=world.pete, practitioner=world.quentin)
    Patient.objects.filter(pk=world.pete.patient.pk).update(phone="+491715556677")
    wait(world, world.paula.patient)
    entry = wait(world, world.pete.patient)
    assert rows_of(owner.get(APPOINTMENTS, {"q": said})) == [other]
    assert rows_of(owner.get(PATIENTS, {"q": said})) == [world.pete.patient]
    assert rows_of(owner.get(WAITLIST, {"q": said})) == [entry]


def fill(world: World, numbers: range) -> None:
    """A row of everything a list can show for each number."""
    for number in numbers:
        start = in_days(1 + number // 10)(8 + number % 10)
        patient = Patient.objects.create(clinic=world.clinic, name=f"Patient {number}")
        Practitioner.objects.create(clinic=world.clinic, name=f"Dr {number}")
        User.objects.create_user(f"{number}@riverside.example", name="Sue", role="staff", clinic=world.clinic)
        service = Service.objects.create(clinic=world.clinic, name=f"Service {number}", duration_minutes=30)
        ServicePractitioner.objects.create(service=service, practitioner=world.petra.practitioner)
        appointment = world.book(start, service=service)
        Appointment.objects.filter(pk=appointment.pk).update(patient=patient)
        wait(world, patient)
        make_hold(world.clinic, world.quentin, start)
        MessageTemplate.objects.create(
            clinic=world.clinic, template=f"message {number}", channel="sms", language="en", body="Hi", updated_at=start
        )
        InboundMessage.objects.create(
            clinic=world.clinic, provider_id=f"SM{number}", sender="+1", recipient="+2", body="yes", received_at=start
        )
        Message.objects.create(
            clinic=world.clinic, channel="sms", template="reminder", recipient="+1", created_at=start, send_at=start
        )


@pytest.mark.parametrize("who", ["owner", "superuser"])
def test_a_list_costs_the_same_for_five_rows_and_for_fifty(
    request: pytest.FixtureRequest, world: World, who: str
) -> None:
    client: Client = request.getfixturevalue(who)

    def queries(url: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    fill(world, range(5))
    few = {url: queries(url) for url in [HOME, *LISTS]}
    fill(world, range(5, 50))
    many = {url: queries(url) for url in few}
    assert {url: (few[url], many[url]) for url in few if many[url] > few[url]} == {}
    assert max(few.values()) < 25


# Ownership


@pytest.fixture
def of_riverside(world: World, pending: Appointment) -> dict[str, Any]:
    """A row of every kind, none of them Otto's."""
    world.book_series(in_days(4)(9))
    made = {
        APPOINTMENTS: pending,
        HISTORY: last_line(pending),
        SERIES: pending.clinic.series.get(),
        PATIENTS: world.paula.patient,
        PRACTITIONERS: world.petra.practitioner,
        SERVICES: world.check_up,
        DAYS_OFF: world.clinic.schedule_exceptions.create(start_date=in_days(5)(9), end_date=in_days(5)(9)),
        CLINICS: world.clinic,
        WAITLIST: wait(world, world.paula.patient),
        USERS: world.petra,
        HOLDS: make_hold(world.clinic, world.quentin, in_days(6)(9)),
        WORDINGS: MessageTemplate.objects.create(
            clinic=world.clinic, template="confirmed", channel="sms", language="en", body="Hi", updated_at=this_moment()
        ),
        ANSWERS: InboundMessage.objects.create(
            clinic=world.clinic, provider_id="SM1", sender="+1", recipient="+2", body="yes", received_at=this_moment()
        ),
        MESSAGES: Message.objects.create(
            clinic=world.clinic,
            channel="sms",
            template="reminder",
            recipient="+1",
            created_at=this_moment(),
            send_at=this_moment(),
        ),
    }
    return {url: row.pk if hasattr(row, "pk") else row for url, row in made.items()}


@pytest.mark.parametrize("url", LISTS)
def test_everything_is_in_the_clinics_own_view_alone(
    owner: Client, superuser: Client, stranger: Client, of_riverside: dict[str, Any], url: str
) -> None:
    wanted = {"when": "all"} if url == APPOINTMENTS else {}
    page = f"{url}{of_riverside[url]}/change/"
    for client in (owner, superuser):
        assert of_riverside[url] in [row.pk for row in rows_of(client.get(url, wanted))]
        assert client.get(page).status_code == 200
    assert of_riverside[url] not in [row.pk for row in rows_of(stranger.get(url, wanted))]
    assert stranger.get(page).status_code == 302  # To the first page, which says that there is no such row.
    assert stranger.post(page, {"name": "Mine", "notes": "Mine"}).status_code in (302, 403)


def test_choices_are_the_clinics_own(world: World, stranger: Client, superuser: Client) -> None:
    Practitioner.objects.create(clinic=world.hillside, name="Dr Hilda")
    for url, field in ((SERVICES, "offered_by"), (DAYS_OFF, "practitioner")):
        choices = stranger.get(f"{url}add/").context["adminform"].form.fields[field].queryset
        assert [practitioner.name for practitioner in choices] == ["Dr Hilda"]
    form = stranger.get(f"{PRACTITIONERS}add/").context["adminform"].form
    assert not form.fields["offers"].queryset.exists()
    assert not form.fields["user"].queryset.exists()
    form = superuser.get(f"{PRACTITIONERS}{world.petra.practitioner.pk}/change/").context["adminform"].form
    assert [service.name for service in form.fields["offers"].queryset] == ["Check-up"]


@pytest.mark.parametrize("action", ["approve", "reject", "cancel", "delete_selected"])
def test_a_strangers_row_cannot_be_acted_upon(stranger: Client, pending: Appointment, action: str) -> None:
    act(stranger, APPOINTMENTS, action, pending.pk)
    stranger.post(APPOINTMENTS, {"action": action, "_selected_action": pending.pk, "post": "yes"})
    stranger.post(f"{APPOINTMENTS}{pending.pk}/{action}/now/")
    assert row_of(pending).version == 1
    assert AppointmentEvent.objects.count() == 1


@pytest.mark.parametrize("url", [APPOINTMENTS, SERIES, WAITLIST, HOLDS, DAYS_OFF])
def test_looking_up_is_limited_to_the_clinic(stranger: Client, of_riverside: dict[str, Any], url: str) -> None:
    app, model = url.split("/")[2:4]
    for field in ("patient", "practitioner", "service"):
        asked = {"term": "", "app_label": app, "model_name": model, "field_name": field}
        response = stranger.get("/admin/autocomplete/", asked)
        assert response.status_code in (403, 404) or response.json()["results"] == []


@pytest.mark.parametrize("name", ["petra", "paula"])
@pytest.mark.parametrize("url", LISTS)
def test_practitioners_and_patients_see_nothing_even_with_an_account_that_is_let_in(
    world: World, pending: Appointment, name: str, url: str
) -> None:
    client = sign_in(getattr(world, name))
    assert client.get(url).status_code == 403
    act(client, APPOINTMENTS, "approve", pending.pk)
    client.post(f"{APPOINTMENTS}{pending.pk}/approve/now/")
    assert row_of(pending).status == "pending"


@pytest.mark.parametrize("url", [HOME, *LISTS])
def test_admin_needs_an_account_of_its_own(world: World, url: str) -> None:
    client = Client()
    client.force_login(world.olga)
    assert client.get(url).headers["Location"].startswith("/admin/login/")


def test_ones_own_new_password_ends_every_other_session(world: World, owner: Client) -> None:
    page = "/admin/password_change/"
    new = {"new_password1": "another horse battery", "new_password2": "another horse battery"}
    assert owner.post(page, {"old_password": "wrong", **new}).status_code == 200
    assert owner.post(page, {"old_password": PASSWORD, **new}).status_code == 302
    changed = User.objects.get(pk=world.olga.pk)
    assert changed.check_password("another horse battery")
    assert changed.token_version == 2
    assert owner.get(HOME).status_code == 200


# The day


def test_the_first_page_shows_requests_first_and_then_the_day(
    world: World, owner: Client, pending: Appointment
) -> None:
    today = world.book_now()
    response = owner.get(HOME)
    assert [row.appointment for row in response.context["pending"]] == [pending]
    assert [row.appointment for row in response.context["today"]] == [today]
    assert [decision.label for decision in response.context["pending"][0].buttons.values()][:2] == ["Approve", "Reject"]
    assert "Requests" in response.content.decode()


def test_the_day_of_another_clinic_is_not_shown(world: World, stranger: Client, pending: Appointment) -> None:
    world.book_now()
    context = stranger.get(HOME).context
    assert (context["pending"], context["today"]) == ([], [])


def test_the_sidebar_leads_where_one_may_go(world: World, owner: Client, superuser: Client) -> None:
    def pages(client: Client) -> list[str]:
        groups = client.get(HOME).context["sidebar_navigation"]
        return [str(item["link"]) for group in groups for item in group["items"]]

    assert set(pages(superuser)) == {HOME, WORKER, *LISTS}
    assert set(pages(owner)) == {HOME, "/board", *LISTS}
    assert set(pages(sign_in(world.sam))) == {HOME, "/board", *LISTS} - {USERS, WORDINGS}


def test_entry_is_taken_off_the_waitlist(world: World, owner: Client, stranger: Client) -> None:
    entry = wait(world, world.paula.patient)
    act(stranger, WAITLIST, "withdraw", entry.pk)
    entry.refresh_from_db()
    assert entry.state == "waiting"
    assert "Paula is off the waitlist" in messages_of(act(owner, WAITLIST, "withdraw", entry.pk))
    entry.refresh_from_db()
    assert (entry.state, entry.version) == ("withdrawn", 2)
    assert "This entry is withdrawn" in messages_of(act(owner, WAITLIST, "withdraw", entry.pk))


def test_a_message_that_holds_a_secret_does_not_show_it(world: World, owner: Client) -> None:
    now = datetime.now(UTC)
    message = Message.objects.create(
        clinic=world.clinic, channel="sms", template="code", recipient="+1", body="Your code is 123456", secret=True,
        created_at=now, send_at=now + timedelta(days=1),
    )  # fmt: skip
    assert "123456" not in owner.get(f"{MESSAGES}{message.pk}/change/").content.decode()


def test_a_log_is_read_only(owner: Client, superuser: Client, of_riverside: dict[str, Any]) -> None:
    for client in (owner, superuser):
        for url in LOGS:
            assert client.get(f"{url}add/").status_code == 403
            assert client.post(f"{url}{of_riverside[url]}/change/", {"reason": "x"}).status_code == 403
            assert client.post(f"{url}{of_riverside[url]}/delete/", {"post": "yes"}).status_code == 403


PAGES_OF_LISTS = {
    APPOINTMENTS: "/calendar",
    SERIES: "/calendar",
    HISTORY: "/calendar",
    HOLDS: "/calendar",
    WAITLIST: "/waitlist",
    PATIENTS: "/patients",
    PRACTITIONERS: "/settings/staff",
    USERS: "/settings/staff",
    SERVICES: "/settings/services",
    DAYS_OFF: "/settings/closures",
    CLINICS: "/settings/policy",
    WORDINGS: "/settings/messages",
    MESSAGES: "/messages",
    ANSWERS: "/messages",
}
FOR_OPERATORS = {WORKER}


def test_clinic_has_a_page_for_each_list_of_the_admin(owner: Client) -> None:
    lists = {f"/admin/{model._meta.label_lower.replace('.', '/')}/" for model in admin.site._registry}
    assert lists == PAGES_OF_LISTS.keys() | FOR_OPERATORS
    for page in set(PAGES_OF_LISTS.values()):
        assert owner.get(page).status_code == 200, page
