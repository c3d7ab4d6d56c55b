from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.scheduling.models import Clinic

from testkit.clinic.answers import APPOINTMENTS, attr_of, refusal
from testkit.clinic.times import At
from testkit.clinic.world import World, row_of


@pytest.fixture
def appointment(world: World, tomorrow_at: At) -> Appointment:
    return world.book(tomorrow_at(9), notes="first")


def patch(world: World, by: User, appointment: Appointment, *, if_match: str | None = None, **body: object) -> Any:
    headers = {} if if_match is None else {"If-Match": if_match}
    return world.client(by).patch(f"{APPOINTMENTS}/{appointment.pk}", body, headers=headers)


def test_two_people_who_edit_the_same_appointment_never_overwrite_each_other(
    world: World, appointment: Appointment
) -> None:
    seen = world.client(world.sam).get(f"{APPOINTMENTS}/{appointment.pk}").json()["version"]
    assert patch(world, world.sam, appointment, notes="Sam's", version=seen).status_code == 200
    late = patch(world, world.petra, appointment, notes="Petra's", version=seen)
    assert refusal(late) == (409, "stale_version")
    assert row_of(appointment).notes == "Sam's"
    current = late.json()["current"]
    assert (current["notes"], current["version"]) == ("Sam's", 2)
    again = patch(world, world.petra, appointment, notes="Petra's", version=current["version"])
    assert (again.status_code, again.json()["version"]) == (200, 3)


def test_the_current_row_is_what_a_get_shows(world: World, appointment: Appointment) -> None:
    patch(world, world.sam, appointment, notes="Sam's")
    late = patch(world, world.petra, appointment, notes="Petra's", version=1)
    shown = world.client(world.petra).get(f"{APPOINTMENTS}/{appointment.pk}").json()
    assert late.json()["current"] == shown
    assert (shown["notes"], shown["undo_until"]) == ("Sam's", None)


def test_the_current_row_says_until_when_its_last_step_can_be_undone(world: World, appointment: Appointment) -> None:
    Clinic.objects.update(undo_seconds=30)
    cancelled = world.client(world.sam).post(f"{APPOINTMENTS}/{appointment.pk}/cancel").json()
    late = patch(world, world.olga, appointment, notes="Olga's", version=1)
    assert late.json()["current"] == world.client(world.olga).get(f"{APPOINTMENTS}/{appointment.pk}").json()
    assert late.json()["current"]["undo_until"] == cancelled["undo_until"] is not None


def test_a_patient_is_shown_the_current_row_without_notes(world: World, appointment: Appointment) -> None:
    patch(world, world.sam, appointment, notes="Sam's")
    late = world.client(world.paula).post(f"{APPOINTMENTS}/{appointment.pk}/confirm", {"version": 1})
    assert refusal(late) == (409, "stale_version")
    assert late.json()["current"].keys().isdisjoint({"notes", "patient_alert", "undo_until"})


def test_every_answer_names_its_version_as_the_etag(world: World, appointment: Appointment) -> None:
    client = world.client(world.sam)
    url = f"{APPOINTMENTS}/{appointment.pk}"
    assert client.get(url).headers["ETag"] == '"1"'
    assert client.patch(url, {"notes": "second"}).headers["ETag"] == '"2"'
    assert client.put(url, {"notes": "third"}).headers["ETag"] == '"3"'
    assert client.post(f"{url}/cancel").headers["ETag"] == '"4"'


@pytest.mark.parametrize("tag", ['"1"', 'W/"1"', "1", "*"])
def test_if_match_with_the_current_tag_lets_the_change_through(
    world: World, appointment: Appointment, tag: str
) -> None:
    assert patch(world, world.sam, appointment, notes="second", if_match=tag).status_code == 200


def test_if_match_with_an_older_tag_is_412_with_the_current_row(world: World, appointment: Appointment) -> None:
    patch(world, world.sam, appointment, notes="second")
    late = patch(world, world.petra, appointment, notes="Petra's", if_match='"1"')
    assert refusal(late) == (412, "stale_version")
    assert late.json()["current"]["notes"] == "second"
    assert row_of(appointment).notes == "second"


def test_if_match_wins_over_the_version_in_the_body(world: World, appointment: Appointment) -> None:
    patch(world, world.sam, appointment, notes="second")
    assert patch(world, world.sam, appointment, notes="third", version=1, if_match='"2"').status_code == 200
    assert patch(world, world.sam, appointment, notes="fourth", version=3, if_match='"2"').status_code == 412


@pytest.mark.parametrize(
    "tag", ["", '""', "latest", '"1', '"1", "2"', '"-1"', '"1.0"', '"\u00b2"', '"' + "9" * 5000 + '"', "W/", '"1"x']
)
def test_an_if_match_that_is_no_tag_of_ours_is_refused(world: World, appointment: Appointment, tag: str) -> None:
    response = patch(world, world.sam, appointment, notes="second", if_match=tag)
    assert refusal(response) == (400, "invalid")
    assert attr_of(response) == "If-Match"
    assert row_of(appointment).version == 1


@pytest.mark.parametrize("version", ["one", 0, -1, 1.5, [], None, 10**30])
def test_a_version_that_is_no_version_is_refused(world: World, appointment: Appointment, version: object) -> None:
    response = patch(world, world.sam, appointment, notes="second", version=version)
    assert (response.status_code, attr_of(response)) == (400, "version")


def test_a_version_that_is_yet_to_come_is_stale_too(world: World, appointment: Appointment) -> None:
    assert refusal(patch(world, world.sam, appointment, notes="second", version=7)) == (409, "stale_version")


@pytest.mark.parametrize("action", ["confirm", "reject", "cancel", "check-in", "complete", "no-show", "reopen"])
def test_an_action_on_an_older_version_is_refused(world: World, appointment: Appointment, action: str) -> None:
    patch(world, world.sam, appointment, notes="second")
    client = world.client(world.petra)
    url = f"{APPOINTMENTS}/{appointment.pk}/{action}"
    assert refusal(client.post(url, {"version": 1})) == (409, "stale_version")
    assert refusal(client.post(url, headers={"If-Match": '"1"'})) == (412, "stale_version")
    assert row_of(appointment).status == "confirmed"


def test_a_status_patched_on_an_older_version_is_refused(world: World, appointment: Appointment) -> None:
    patch(world, world.sam, appointment, notes="second")
    assert refusal(patch(world, world.petra, appointment, status="cancelled", version=1)) == (409, "stale_version")
    assert patch(world, world.petra, appointment, status="cancelled", version=2).status_code == 200


def test_a_delete_of_an_older_version_is_refused(world: World, appointment: Appointment) -> None:
    patch(world, world.sam, appointment, notes="second")
    client, url = world.client(world.petra), f"{APPOINTMENTS}/{appointment.pk}"
    late = client.delete(url, headers={"If-Match": '"1"'})
    assert refusal(late) == (412, "stale_version")
    assert late.json()["current"]["version"] == 2
    assert client.delete(url, headers={"If-Match": '"2"'}).status_code == 204


def test_even_a_change_of_nothing_compares_versions(world: World, appointment: Appointment) -> None:
    patch(world, world.sam, appointment, notes="second")
    assert refusal(patch(world, world.petra, appointment, version=1)) == (409, "stale_version")
    assert refusal(patch(world, world.petra, appointment, if_match='"1"')) == (412, "stale_version")


def test_a_change_of_nothing_writes_nothing(world: World, appointment: Appointment) -> None:
    response = patch(world, world.sam, appointment, version=1)
    assert (response.status_code, response.json()["version"]) == (200, 1)
    assert AppointmentEvent.objects.filter(appointment_id=appointment.pk).count() == 1


def test_a_change_without_a_version_is_taken(world: World, appointment: Appointment) -> None:
    assert patch(world, world.sam, appointment, notes="second").json()["version"] == 2
    assert patch(world, world.petra, appointment, notes="third").json()["version"] == 3
