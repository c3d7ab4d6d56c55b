from datetime import timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import Action, Status
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.appointments.services.decisions import change_status
from clinic.common.errors import NotToday, TooEarly, TooLateToCancel
from clinic.scheduling.models import ClaimedCell

from testkit.clinic.answers import APPOINTMENTS, code_of, refusal
from testkit.clinic.times import At, in_days
from testkit.clinic.world import World, fresh, row_of

# The table of the API, row by row: action, from, to.
LIFECYCLE = {
    "confirm": ({"pending"}, "confirmed"),
    "reject": ({"pending"}, "rejected"),
    "cancel": ({"pending", "confirmed"}, "cancelled"),
    "check-in": ({"confirmed"}, "checked_in"),
    "complete": ({"confirmed", "checked_in"}, "completed"),
    "no-show": ({"confirmed"}, "no_show"),
    "reopen": ({"no_show"}, "checked_in"),
}


def put_into(appointment: Appointment, status: str) -> None:
    Appointment.objects.filter(pk=appointment.pk).update(status=status)


def visit_for(world: World, action: str) -> Appointment:
    """One that begins at this moment; to be confirmed, it must still be ahead."""
    return world.book(in_days(1)(9)) if action in ("confirm", "pending") else world.book_now()


def act(world: World, by: User | None, appointment: Appointment, action: str, **body: object) -> Any:
    return world.client(by).post(f"{APPOINTMENTS}/{appointment.pk}/{action}", body)


def patch(world: World, by: User, appointment: Appointment, **body: object) -> Any:
    return world.client(by).patch(f"{APPOINTMENTS}/{appointment.pk}", body)


@pytest.mark.parametrize("action", LIFECYCLE)
def test_an_action_leads_from_its_statuses_and_from_no_other(world: World, action: str) -> None:
    appointment = visit_for(world, action)
    sources, target = LIFECYCLE[action]
    for status in Status:
        put_into(appointment, status)
        response = act(world, world.sam, appointment, action)
        if status in sources:
            assert (response.status_code, response.json()["status"]) == (200, target), status
        else:
            assert refusal(response) == (409, "transition_not_allowed"), status
            assert response.json()["from"] == status
            assert row_of(appointment).status == status


def test_a_refused_action_says_what_is_possible(world: World) -> None:
    appointment = world.book_now()
    response = act(world, world.sam, appointment, "confirm")
    assert response.json()["allowed"] == ["cancel", "check-in", "complete", "no-show"]


@pytest.mark.parametrize("method", ["post", "patch"])
@pytest.mark.parametrize("action", LIFECYCLE)
def test_post_and_patch_are_the_same(world: World, action: str, method: str) -> None:
    appointment = visit_for(world, action)
    sources, target = LIFECYCLE[action]
    put_into(appointment, min(sources))
    response = getattr(world.client(world.sam), method)(f"{APPOINTMENTS}/{appointment.pk}/{action}/")
    assert (response.status_code, response.json()["status"]) == (200, target)
    assert response.headers["ETag"] == f'"{response.json()["version"]}"' == '"2"'


@pytest.mark.parametrize("who", ["olga", "sam", "petra"])
@pytest.mark.parametrize("action", LIFECYCLE)
def test_the_clinic_takes_every_action(world: World, action: str, who: str) -> None:
    appointment = visit_for(world, action)
    sources, target = LIFECYCLE[action]
    put_into(appointment, min(sources))
    assert act(world, getattr(world, who), appointment, action).json()["status"] == target


@pytest.mark.parametrize("action", LIFECYCLE)
def test_strangers_do_not_find_the_appointment(world: World, action: str) -> None:
    appointment = world.book_now()
    put_into(appointment, min(LIFECYCLE[action][0]))
    before = row_of(appointment)
    for stranger in (world.quentin, world.pete, world.otto):
        assert refusal(act(world, stranger, appointment, action)) == (404, "not_found")
    assert refusal(act(world, None, appointment, action)) == (401, "not_authenticated")
    assert row_of(appointment).status == before.status


@pytest.mark.parametrize("action", sorted(LIFECYCLE.keys() - {"confirm", "cancel"}))
def test_a_patient_does_not_decide_for_the_clinic(world: World, action: str) -> None:
    appointment = world.book_now()
    put_into(appointment, min(LIFECYCLE[action][0]))
    assert refusal(act(world, world.paula, appointment, action)) == (403, "permission_denied")


@pytest.mark.parametrize("status", ["pending", "confirmed"])
def test_a_patients_confirm_is_the_promise_to_come(world: World, tomorrow_at: At, status: str) -> None:
    appointment = world.book(tomorrow_at(9))
    put_into(appointment, status)
    response = act(world, world.paula, appointment, "confirm")
    shown = response.json()
    assert (response.status_code, shown["status"]) == (200, status)
    assert shown["attendance_confirmed_at"] is not None
    assert shown["version"] == 2
    assert AppointmentEvent.objects.get(appointment_id=appointment.pk, action="attend").actor == world.paula


def test_a_patient_cannot_promise_to_come_to_what_has_begun_or_ended(world: World, tomorrow_at: At) -> None:
    begun = world.book_now()
    assert refusal(act(world, world.paula, begun, "confirm")) == (409, "transition_not_allowed")
    cancelled = world.book(tomorrow_at(9))
    put_into(cancelled, "cancelled")
    assert refusal(act(world, world.paula, cancelled, "confirm")) == (409, "transition_not_allowed")
    assert row_of(begun).attendance_confirmed_at is row_of(cancelled).attendance_confirmed_at is None


@pytest.mark.parametrize(
    ("written", "source", "target"),
    [
        ("APPROVED", "pending", "confirmed"),
        ("approved", "pending", "confirmed"),
        ("Confirmed", "pending", "confirmed"),
        ("rejected", "pending", "rejected"),
        ("REJECTED", "pending", "rejected"),
        ("declined", "pending", "rejected"),
        ("CANCELED", "confirmed", "cancelled"),
        ("checked-in", "confirmed", "checked_in"),
        ("no show", "confirmed", "no_show"),
        ("COMPLETED", "checked_in", "completed"),
        ("checked_in", "no_show", "checked_in"),
    ],
)
def test_a_status_is_patched_by_the_same_rules(world: World, written: str, source: str, target: str) -> None:
    appointment = visit_for(world, source)
    put_into(appointment, source)
    response = patch(world, world.sam, appointment, status=written, reason="as agreed")
    assert (response.status_code, response.json()["status"]) == (200, target)
    event = AppointmentEvent.objects.filter(appointment_id=appointment.pk).latest("id")
    assert (event.from_status, event.to_status, event.reason) == (source, target, "as agreed")


@pytest.mark.parametrize(("source", "target"), [("cancelled", "confirmed"), ("completed", "pending")])
def test_a_status_nobody_can_reach_from_here_is_refused(world: World, source: str, target: str) -> None:
    appointment = world.book_now()
    put_into(appointment, source)
    assert refusal(patch(world, world.sam, appointment, status=target)) == (409, "transition_not_allowed")
    assert row_of(appointment).status == source


def test_a_word_that_is_no_status_is_refused(world: World, tomorrow_at: At) -> None:
    response = patch(world, world.sam, world.book(tomorrow_at(9)), status="perhaps")
    assert refusal(response) == (400, "invalid_choice")


def test_a_patient_approves_nothing_by_patch(world: World, tomorrow_at: At) -> None:
    appointment = world.book(tomorrow_at(9), by=world.paula, now=tomorrow_at(9) - timedelta(days=3))
    assert appointment.status == "pending"
    promised = patch(world, world.paula, appointment, status="APPROVED")
    assert (promised.status_code, promised.json()["status"]) == (200, "pending")
    assert refusal(patch(world, world.paula, appointment, status="rejected")) == (403, "permission_denied")


def test_a_patient_cancels_up_to_the_cancellation_notice(world: World) -> None:
    start = in_days(10)(9)
    first, second = world.book(start), world.book(start + timedelta(hours=1))
    actor = UserActor(fresh(world.paula))
    notice = timedelta(minutes=world.clinic.cancellation_notice_minutes)

    def cancel(appointment: Appointment, now: Any) -> Appointment:
        return change_status(actor=actor, appointment_id=appointment.pk, action=Action.CANCEL, now=now)

    assert cancel(first, first.starts_at - notice).status == "cancelled"
    with pytest.raises(TooLateToCancel):
        cancel(second, second.starts_at - notice + timedelta(seconds=1))
    assert row_of(second).status == "confirmed"


def test_a_patient_who_is_too_late_is_told_and_the_desk_cancels(world: World) -> None:
    appointment = world.book_now()
    assert refusal(act(world, world.paula, appointment, "cancel")) == (409, "too_late_to_cancel")
    assert act(world, world.sam, appointment, "cancel", reason="called").json()["status"] == "cancelled"


def test_check_in_and_reopen_are_possible_on_the_day_alone(world: World, tomorrow_at: At) -> None:
    appointment = world.book(tomorrow_at(9))
    assert refusal(act(world, world.sam, appointment, "check-in")) == (409, "not_today")
    put_into(appointment, "no_show")
    assert refusal(act(world, world.sam, appointment, "reopen")) == (409, "not_today")


def test_the_day_is_the_clinics_and_not_the_servers(world: World) -> None:
    start = in_days(3)(8)
    appointment = world.book(start)
    actor = UserActor(fresh(world.sam))
    # Half past midnight in Berlin is still the day before in UTC.
    just_after_midnight = start.replace(hour=0, minute=30)
    with pytest.raises(NotToday):
        change_status(
            actor=actor,
            appointment_id=appointment.pk,
            action=Action.CHECK_IN,
            now=just_after_midnight - timedelta(hours=1),
        )
    checked_in = change_status(
        actor=actor, appointment_id=appointment.pk, action=Action.CHECK_IN, now=just_after_midnight
    )
    assert (checked_in.status, checked_in.checked_in_at) == ("checked_in", just_after_midnight)


@pytest.mark.parametrize("action", ["complete", "no-show"])
def test_nothing_ends_before_it_begins(world: World, tomorrow_at: At, action: str) -> None:
    appointment = world.book(tomorrow_at(9))
    assert refusal(act(world, world.sam, appointment, action)) == (409, "too_early")
    actor = UserActor(fresh(world.sam))
    with pytest.raises(TooEarly):
        change_status(
            actor=actor,
            appointment_id=appointment.pk,
            action=Action(action),
            now=appointment.starts_at - timedelta(seconds=1),
        )
    change_status(actor=actor, appointment_id=appointment.pk, action=Action(action), now=appointment.starts_at)
    assert row_of(appointment).status == LIFECYCLE[action][1]


def test_a_check_in_is_dated(world: World) -> None:
    assert act(world, world.petra, world.book_now(), "check-in").json()["checked_in_at"] is not None


@pytest.mark.parametrize(
    ("status", "action"), [("pending", "reject"), ("confirmed", "cancel"), ("confirmed", "no-show")]
)
def test_unattended_end_frees_the_time(world: World, status: str, action: str) -> None:
    appointment = world.book_now()
    put_into(appointment, status)
    cells = ClaimedCell.objects.filter(appointment_id=appointment.pk)
    assert cells.count() == 2 * 6
    act(world, world.sam, appointment, action)
    assert cells.count() == 0


def test_reopen_claims_the_time_again(world: World) -> None:
    appointment = world.book_now()
    act(world, world.sam, appointment, "no-show")
    response = act(world, world.sam, appointment, "reopen")
    assert (response.status_code, response.json()["status"]) == (200, "checked_in")
    assert response.json()["checked_in_at"] is not None
    assert ClaimedCell.objects.filter(appointment_id=appointment.pk).count() == 2 * 6


def test_reopen_is_refused_when_the_time_is_gone(world: World) -> None:
    appointment = world.book_now()
    act(world, world.sam, appointment, "no-show")
    walk_in = world.book_now(patient=world.pete)
    by_action = act(world, world.sam, appointment, "reopen")
    by_status = world.client(world.sam).patch(f"{APPOINTMENTS}/{appointment.pk}", {"status": "checked_in"})
    for response in (by_action, by_status):
        assert refusal(response) == (409, "slot_taken")
        assert {slot["practitioner"] for slot in response.json()["nearest"]} == {world.petra.practitioner.pk}
        assert len(response.json()["nearest"]) == 3
    assert row_of(appointment).status == "no_show"
    assert ClaimedCell.objects.filter(appointment_id=walk_in.pk).count() == 2 * 6


@pytest.mark.parametrize("status", ["cancelled", "rejected"])
def test_a_reason_is_kept(world: World, tomorrow_at: At, status: str) -> None:
    appointment = world.book(tomorrow_at(9))
    put_into(appointment, "pending")
    action = {"cancelled": "cancel", "rejected": "reject"}[status]
    shown = act(world, world.petra, appointment, action, reason="The dentist is ill.").json()
    assert (shown["status"], shown["cancel_reason"]) == (status, "The dentist is ill.")
    too_long = act(world, world.petra, appointment, action, reason="x" * 501)
    assert refusal(too_long) == (400, "max_length")


def test_the_history_tells_from_what_to_what_by_whom_through_what_and_why(world: World, tomorrow_at: At) -> None:
    start = tomorrow_at(9)
    appointment = world.book(start, by=world.paula, now=start - timedelta(days=3))
    act(world, world.petra, appointment, "confirm")
    act(world, world.sam, appointment, "cancel", reason="ill")
    lines = world.client(world.sam).get(f"{APPOINTMENTS}/{appointment.pk}/history").json()["results"]
    assert [(line["action"], line["from_status"], line["to_status"]) for line in lines] == [
        ("create", "", "pending"),
        ("confirm", "pending", "confirmed"),
        ("cancel", "confirmed", "cancelled"),
    ]
    assert [(line["actor"], line["actor_name"]) for line in lines] == [
        (world.paula.pk, "Paula"),
        (world.petra.pk, "Petra"),
        (world.sam.pk, "Sam"),
    ]
    assert {(line["actor_kind"], line["channel"]) for line in lines} == {("user", "api")}
    assert [line["reason"] for line in lines] == ["", "", "ill"]
    assert lines[0]["from_start"] is None
    assert all(line["at"] for line in lines)


def test_the_history_survives_a_delete(world: World, tomorrow_at: At) -> None:
    appointment = world.book(tomorrow_at(9), notes="afraid of needles")
    response = world.client(world.sam).delete(f"{APPOINTMENTS}/{appointment.pk}")
    assert (response.status_code, response.content, response.headers["ETag"]) == (204, b"", '"2"')
    assert not ClaimedCell.objects.exists()
    lines = world.client(world.sam).get(f"{APPOINTMENTS}/{appointment.pk}/history").json()["results"]
    assert [line["action"] for line in lines] == ["create", "delete"]
    assert (lines[-1]["from_status"], lines[-1]["to_status"]) == ("confirmed", "cancelled")
    snapshot = AppointmentEvent.objects.get(appointment_id=appointment.pk, action="delete").snapshot
    assert snapshot["notes"] == "afraid of needles"
    assert snapshot["starts_at"] == appointment.starts_at.isoformat()


def test_roles_that_may_delete(world: World, tomorrow_at: At) -> None:
    appointment = world.book(tomorrow_at(9))

    def delete(by: User | None) -> Any:
        return world.client(by).delete(f"{APPOINTMENTS}/{appointment.pk}")

    for stranger in (world.quentin, world.pete, world.otto):
        assert refusal(delete(stranger)) == (404, "not_found")
    assert refusal(delete(None)) == (401, "not_authenticated")
    assert delete(world.petra).status_code == 204
    assert refusal(delete(world.petra)) == (404, "not_found")


def test_history_is_readable_to_all_who_see_the_record(world: World, tomorrow_at: At) -> None:
    with_petra = world.book(tomorrow_at(9))
    with_quentin = world.book(tomorrow_at(9), practitioner=world.quentin, patient=world.pete)
    deleted = world.book(tomorrow_at(11), patient=world.pete)
    world.client(world.olga).delete(f"{APPOINTMENTS}/{deleted.pk}")

    def seen(by: User) -> set[int]:
        return {line["appointment"] for line in world.client(by).get("/api/v1/history").json()["results"]}

    everything = {with_petra.pk, with_quentin.pk, deleted.pk}
    assert seen(world.olga) == seen(world.sam) == everything
    assert seen(world.petra) == {with_petra.pk}
    assert seen(world.quentin) == {with_quentin.pk}
    assert seen(world.paula) == {with_petra.pk}
    assert seen(world.pete) == {with_quentin.pk, deleted.pk}
    assert seen(world.otto) == set()


def test_the_newest_change_of_the_clinic_comes_first(world: World, tomorrow_at: At) -> None:
    first, second = world.book(tomorrow_at(9)), world.book(tomorrow_at(10))
    act(world, world.sam, first, "cancel")
    lines = world.client(world.sam).get("/api/v1/history").json()["results"]
    assert lines[0]["appointment"] == first.pk
    assert [line["at"] for line in lines] == sorted((line["at"] for line in lines), reverse=True)
    assert {line["appointment"] for line in lines} == {first.pk, second.pk}


@pytest.mark.parametrize("who", ["quentin", "pete", "otto"])
def test_a_strangers_history_is_not_found(world: World, tomorrow_at: At, who: str) -> None:
    appointment = world.book(tomorrow_at(9))
    response = world.client(getattr(world, who)).get(f"{APPOINTMENTS}/{appointment.pk}/history")
    assert (response.status_code, code_of(response)) == (404, "not_found")
