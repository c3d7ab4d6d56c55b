"""Two people edit the same thing: whoever comes second is shown what the first wrote, and overwrites nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from io import BytesIO
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.changefeed.models import RealtimeEvent
from clinic.scheduling.models import Practitioner, ScheduleException, Service
from django.test import Client
from PIL import Image

from testkit.clinic.admin_pages import (
    CLINICS,
    DAYS_OFF,
    PATIENTS,
    PRACTITIONERS,
    SERVICES,
    USERS,
    Page,
    errors_of,
    sign_in,
)
from testkit.clinic.answers import attr_of, code_of, refusal
from testkit.clinic.concurrency import at_once
from testkit.clinic.world import PASSWORD, World

PREFERENCES = {"language": "", "wants_sms": True, "wants_email": True, "wants_reminders": True}
IN_A_WEEK = date.today() + timedelta(days=7)  # noqa: DTZ011 - any day ahead will do


@dataclass(frozen=True)
class Resource:
    """Where it stands, who may change it, and two changes that differ."""

    path: Callable[[World], str]
    editor: str
    one: dict[str, Any]
    other: dict[str, Any]


def _exception(world: World) -> ScheduleException:
    found = ScheduleException.objects.filter(clinic=world.clinic).first()
    return found or ScheduleException.objects.create(clinic=world.clinic, start_date=IN_A_WEEK, end_date=IN_A_WEEK)


RESOURCES = {
    "clinic": Resource(lambda world: "clinic", "olga", {"notice_minutes": 120}, {"notice_minutes": 240}),
    "service": Resource(
        lambda world: f"services/{world.check_up.pk}", "olga", {"duration_minutes": 45}, {"duration_minutes": 60}
    ),
    "practitioner": Resource(
        lambda world: f"practitioners/{world.petra.practitioner.pk}",
        "olga",
        {"specialisation": "Roots"},
        {"specialisation": "Crowns"},
    ),
    "exception": Resource(
        lambda world: f"schedule-exceptions/{_exception(world).pk}", "sam", {"reason": "Fair"}, {"reason": "Flood"}
    ),
    "patient": Resource(
        lambda world: f"patients/{world.paula.patient.pk}", "sam", {"name": "Paula P."}, {"name": "Paula Q."}
    ),
    "staff": Resource(lambda world: f"staff/{world.sam.pk}", "olga", {"name": "Samuel"}, {"name": "Samantha"}),
    "profile": Resource(lambda world: "users/me", "paula", {"name": "Paula P."}, {"name": "Paula Q."}),
    "preferences": Resource(
        lambda world: "users/me",
        "paula",
        {"preferences": PREFERENCES | {"wants_sms": False}},
        {"preferences": PREFERENCES | {"language": "de"}},
    ),
}
EVERY_RESOURCE = pytest.mark.parametrize("name", RESOURCES)


class Editor:
    """A browser in which the resource is open."""

    def __init__(self, world: World, resource: Resource) -> None:
        self.client = world.client(getattr(world, resource.editor))
        self.url = f"/api/v1/{resource.path(world)}"
        self.seen = self.read()

    def read(self) -> Any:
        response = self.client.get(self.url)
        assert response.headers["ETag"] == f'"{response.json()["version"]}"'
        return response.json()

    def save(self, changes: dict[str, Any], *, if_match: str | None = None) -> Any:
        if if_match is None:
            return self.client.patch(self.url, {**changes, "version": self.seen["version"]})
        return self.client.patch(self.url, changes, headers={"If-Match": if_match})


@EVERY_RESOURCE
def test_the_second_of_two_editors_is_refused_and_shown_the_current_row(world: World, name: str) -> None:
    resource = RESOURCES[name]
    first, second = Editor(world, resource), Editor(world, resource)
    saved = first.save(resource.one)
    assert (saved.status_code, saved.json()["version"]) == (200, 2)
    assert saved.headers["ETag"] == '"2"'
    late = second.save(resource.other)
    assert refusal(late) == (409, "stale_version")
    assert late.json()["current"] == second.read()
    assert resource.one.items() <= second.read().items()
    second.seen = late.json()["current"]
    assert second.save(resource.other).status_code == 200
    assert resource.other.items() <= second.read().items()


@EVERY_RESOURCE
def test_by_if_match_the_second_is_412(world: World, name: str) -> None:
    resource = RESOURCES[name]
    editor = Editor(world, resource)
    assert editor.save(resource.one, if_match='"1"').status_code == 200
    late = editor.save(resource.other, if_match='"1"')
    assert refusal(late) == (412, "stale_version")
    assert late.json()["current"] == editor.read()
    assert editor.save(resource.other, if_match='W/"2"').status_code == 200


@EVERY_RESOURCE
def test_without_a_version_a_change_is_taken_as_ever(world: World, name: str) -> None:
    resource = RESOURCES[name]
    editor = Editor(world, resource)
    for changes in (resource.one, resource.other):
        assert editor.client.patch(editor.url, changes).status_code == 200
        assert changes.items() <= editor.read().items()
    assert editor.save(resource.one, if_match="*").status_code == 200


@EVERY_RESOURCE
def test_a_change_of_nothing_compares_versions_and_writes_nothing(world: World, name: str) -> None:
    resource = RESOURCES[name]
    editor = Editor(world, resource)
    if name != "exception":  # Which is always written whole.
        assert editor.save({}).json()["version"] == 1
    editor.save(resource.one)
    assert refusal(editor.save({})) == (409, "stale_version")


@EVERY_RESOURCE
@pytest.mark.parametrize("tag", ["latest", '"x"', ""])
def test_an_if_match_that_is_no_tag_of_ours_is_refused(world: World, name: str, tag: str) -> None:
    response = Editor(world, RESOURCES[name]).save(RESOURCES[name].one, if_match=tag)
    assert (refusal(response), attr_of(response)) == ((400, "invalid"), "If-Match")


@EVERY_RESOURCE
@pytest.mark.parametrize("version", [0, "one", None])
def test_a_version_that_is_no_version_is_refused(world: World, name: str, version: object) -> None:
    editor = Editor(world, RESOURCES[name])
    response = editor.client.patch(editor.url, {**RESOURCES[name].one, "version": version})
    assert (response.status_code, attr_of(response)) == (400, "version")


@pytest.mark.parametrize("name", ["service", "practitioner", "exception", "staff"])
def test_value_that_another_user_changed_is_kept(world: World, name: str) -> None:
    resource = RESOURCES[name]
    editor = Editor(world, resource)
    editor.save(resource.one)
    late = editor.client.delete(editor.url, headers={"If-Match": '"1"'})
    assert refusal(late) == (412, "stale_version")
    assert late.json()["current"] == editor.read()
    assert editor.client.delete(editor.url, headers={"If-Match": '"2"'}).status_code == 204


@EVERY_RESOURCE
def test_of_many_who_save_the_same_version_at_once_one_wins(committed_world: World, name: str) -> None:
    resource = RESOURCES[name]
    editors = [Editor(committed_world, resource) for _ in range(6)]
    answers = at_once([partial(editor.save, resource.one) for editor in editors])
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 5]
    assert {code_of(answer) for answer in answers if answer.status_code == 409} == {"stale_version"}
    assert editors[0].read()["version"] == 2


def test_a_change_of_other_fields_does_not_carry_old_ones_along(world: World) -> None:
    """A PATCH of a day off is checked with the fields it leaves out: those are the row's, not an older row's."""
    exception = _exception(world)
    editor = Editor(world, RESOURCES["exception"])
    assert editor.client.patch(editor.url, {"reason": "Fair"}).status_code == 200
    assert editor.client.patch(editor.url, {"end_date": IN_A_WEEK + timedelta(days=1)}).status_code == 200
    exception.refresh_from_db()
    assert (exception.reason, exception.version) == ("Fair", 3)


# A visit open on two pages


def versions_of(*rows: Any) -> list[int]:
    return [type(row).objects.get(pk=row.pk).version for row in rows]


def test_offering_a_service_is_a_change_of_both(world: World) -> None:
    petra, quentin = world.petra.practitioner, world.quentin.practitioner
    owner = world.client(world.olga)
    owner.patch(f"/api/v1/services/{world.check_up.pk}", {"practitioners": [petra.pk]})
    assert versions_of(world.check_up, petra, quentin) == [2, 1, 2]
    owner.patch(f"/api/v1/practitioners/{petra.pk}", {"services": []})
    assert versions_of(world.check_up, petra, quentin) == [3, 2, 2]


def test_a_new_service_is_a_change_of_who_offers_it(world: World) -> None:
    petra = world.petra.practitioner
    body = {"name": "Filling", "duration_minutes": 45, "practitioners": [petra.pk]}
    made = world.client(world.olga).post("/api/v1/services", body)
    assert made.headers["ETag"] == '"1"'
    assert versions_of(petra) == [2]


def test_a_practitioner_who_offers_something_new_is_not_made_to_offer_the_old(world: World) -> None:
    owner, petra = world.client(world.olga), world.petra.practitioner
    seen = owner.get(f"/api/v1/practitioners/{petra.pk}").json()
    filling = owner.post(
        "/api/v1/services", {"name": "Filling", "duration_minutes": 45, "practitioners": [petra.pk]}
    ).json()["id"]
    late = owner.patch(f"/api/v1/practitioners/{petra.pk}", {"services": seen["services"], "version": seen["version"]})
    assert refusal(late) == (409, "stale_version")
    assert filling in late.json()["current"]["services"]


def test_owner_of_a_schedule_is_a_change_of_account_and_practitioner(world: World) -> None:
    petra = world.petra.practitioner
    owner = world.client(world.olga)
    assert owner.patch(f"/api/v1/staff/{world.petra.pk}", {"practitioner": None}).status_code == 200
    assert versions_of(world.petra, petra) == [2, 2]
    assert owner.patch(f"/api/v1/practitioners/{petra.pk}", {"user": world.petra.pk}).status_code == 200
    assert versions_of(world.petra, petra) == [3, 3]


def test_a_patient_who_changes_their_profile_changes_the_desk_s_record(world: World) -> None:
    desk, record = Editor(world, RESOURCES["patient"]), world.paula.patient
    assert world.client(world.paula).patch("/api/v1/users/me", {"name": "Paula P."}).status_code == 200
    assert versions_of(record) == [2]
    late = desk.save({"name": "Paula Q."})
    assert (refusal(late), late.json()["current"]["name"]) == ((409, "stale_version"), "Paula P.")


@pytest.mark.parametrize("by_if_match", [False, True])
def test_a_patient_does_not_undo_what_the_desk_made_of_their_preferences(world: World, by_if_match: bool) -> None:
    patient = Editor(world, RESOURCES["profile"])
    desk = world.client(world.sam)
    assert desk.patch(f"/api/v1/patients/{world.paula.patient.pk}", {"preferences": {"wants_sms": False}}).json()
    late = patient.save({"preferences": PREFERENCES}, if_match='"1"' if by_if_match else None)
    assert refusal(late) == (412 if by_if_match else 409, "stale_version")
    current = late.json()["current"]
    assert (current["version"], current["preferences"]["wants_sms"]) == (2, False)
    assert patient.read() == current


def test_a_profile_that_is_saved_as_it_was_leaves_what_the_desk_wrote_into_the_record(world: World) -> None:
    client, record = world.client(world.paula), world.paula.patient
    seen = client.get("/api/v1/users/me").json()
    world.client(world.sam).patch(f"/api/v1/patients/{record.pk}", {"name": "Paula P.", "phone": "+491705550000"})
    saved = client.put("/api/v1/users/me", {**seen, "email": "new@riverside.example", "password": PASSWORD})
    assert saved.status_code == 200, saved.json()
    record.refresh_from_db()
    assert (record.name, record.phone, record.email) == ("Paula P.", "+491705550000", world.paula.email)


def test_the_desk_and_the_patient_write_the_same_preferences_at_once_and_neither_fails(committed_world: World) -> None:
    desk, patient = (Editor(committed_world, RESOURCES[name]) for name in ("patient", "preferences"))
    wish = {"preferences": {"wants_sms": False}}
    saves = [partial(editor.client.patch, editor.url, wish) for editor in (desk, patient) for _ in range(4)]
    assert {answer.status_code for answer in at_once(saves)} == {200}
    assert (desk.read()["version"], patient.read()["version"]) == (9, 9)


def test_the_owner_and_the_person_do_not_overwrite_each_other(world: World) -> None:
    owner = Editor(world, RESOURCES["staff"])
    given = {"phone": "+491705550000", "password": PASSWORD}
    assert world.client(world.sam).patch("/api/v1/users/me", given).status_code == 200
    late = owner.save({"phone": None})
    assert (refusal(late), late.json()["current"]["phone"]) == ((409, "stale_version"), "+491705550000")


def test_a_new_photo_is_a_new_version_of_the_account(world: World) -> None:
    picture = BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "PNG")
    picture.seek(0)
    picture.name = "me.png"
    client = world.client(world.paula)
    assert client.post("/api/v1/users/me/photo", {"photo": picture}, format="multipart").json()["version"] == 2
    assert client.delete("/api/v1/users/me/photo").json()["version"] == 3


def test_the_profile_is_put_whole_with_its_version(world: World) -> None:
    client = world.client(world.paula)
    body = {"name": "Paula P.", "email": "paula@riverside.example", "phone": None, "version": 1}
    assert client.put("/api/v1/users/me", body).json()["version"] == 2
    assert refusal(client.put("/api/v1/users/me", body)) == (409, "stale_version")


# The feed


def test_a_new_version_alone_is_no_news_for_dashboards(world: World) -> None:
    """A change of schedules raises the number of the booking pages, and nothing else."""
    exception = Editor(world, RESOURCES["exception"])
    RealtimeEvent.objects.all().delete()
    owner = world.client(world.olga)
    assert owner.patch(f"/api/v1/staff/{world.sam.pk}", {"name": "Samuel"}).status_code == 200
    assert owner.patch("/api/v1/clinic", {"undo_seconds": 7}).status_code == 200
    assert Editor(world, RESOURCES["practitioner"]).save(RESOURCES["practitioner"].one).status_code == 200
    assert exception.save(RESOURCES["exception"].one).status_code == 200
    for name in ("clinic", "service"):
        assert Editor(world, RESOURCES[name]).save(RESOURCES[name].one).status_code == 200
    assert owner.patch(f"/api/v1/services/{world.check_up.pk}", {"practitioners": []}).status_code == 200
    events = {(event.entity, event.kind) for event in RealtimeEvent.objects.all()}
    assert events == {("schedule", "refresh")}
    RealtimeEvent.objects.all().delete()
    assert Editor(world, RESOURCES["patient"]).save({"name": "Paula P."}).status_code == 200
    assert [(event.entity, event.kind) for event in RealtimeEvent.objects.all()] == [("patient", "refresh")]


# The admin


@dataclass(frozen=True)
class Form:
    """A page of the admin, what one person types there, and another."""

    url: Callable[[World], str]
    one: dict[str, Any]
    other: dict[str, Any]
    row: Callable[[World], Any]


FORMS = {
    "clinic": Form(
        lambda world: f"{CLINICS}{world.clinic.pk}", {"horizon_days": 60}, {"horizon_days": 30}, lambda w: w.clinic
    ),
    "service": Form(
        lambda world: f"{SERVICES}{world.check_up.pk}",
        {"duration_minutes": 45},
        {"duration_minutes": 60},
        lambda w: w.check_up,
    ),
    "practitioner": Form(
        lambda world: f"{PRACTITIONERS}{world.petra.practitioner.pk}",
        {"specialisation": "Roots"},
        {"specialisation": "Crowns"},
        lambda w: w.petra.practitioner,
    ),
    "exception": Form(
        lambda world: f"{DAYS_OFF}{_exception(world).pk}", {"reason": "Fair"}, {"reason": "Flood"}, _exception
    ),
    "patient": Form(
        lambda world: f"{PATIENTS}{world.paula.patient.pk}",
        {"name": "Paula P."},
        {"name": "Paula Q."},
        lambda w: w.paula.patient,
    ),
    "person": Form(lambda world: f"{USERS}{world.sam.pk}", {"name": "Samuel"}, {"name": "Samantha"}, lambda w: w.sam),
}


@pytest.fixture
def owner(world: World) -> Client:
    return sign_in(world.olga)


@pytest.mark.parametrize("name", FORMS)
def test_the_admin_does_not_overwrite_what_was_saved_since_the_page_was_opened(
    world: World, owner: Client, name: str
) -> None:
    form = FORMS[name]
    first, second = (Page.open(owner, f"{form.url(world)}/change/") for _ in range(2))
    assert errors_of(first.save(**form.one)) == ""
    assert "Someone changed this in the meantime" in errors_of(second.save(**form.other))
    row = form.row(world)
    row.refresh_from_db()
    assert {field: getattr(row, field) for field in form.one} == form.one
    assert errors_of(Page.open(owner, f"{form.url(world)}/change/").save(**form.other)) == ""


@pytest.mark.parametrize("name", FORMS)
def test_a_page_of_the_admin_that_names_no_version_is_refused(world: World, owner: Client, name: str) -> None:
    page = Page.open(owner, f"{FORMS[name].url(world)}/change/")
    del page.fields["seen_version"]
    assert "required" in errors_of(page.save(**FORMS[name].one))


def test_the_admin_makes_new_rows_without_a_version(world: World, owner: Client) -> None:
    page = Page.open(owner, f"{SERVICES}add/")
    assert errors_of(page.save(name="Filling", duration_minutes=45)) == ""
    assert Service.objects.get(name="Filling").version == 1


def test_rows_that_were_there_begin_with_the_first_version(world: World) -> None:
    assert versions_of(world.clinic, world.check_up, world.paula) == [1, 1, 1]
    assert {row.version for row in (*Practitioner.objects.all(), *User.objects.all())} == {1}
