"""Undo of the last step, within the clinic's undo window and before anybody is told of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import Action, Status
from clinic.appointments.models import Appointment, AppointmentEvent, Series
from clinic.appointments.services.clock import mark_missed
from clinic.appointments.services.decisions import change_status, correct_status, delete_appointment
from clinic.appointments.services.moving import Edit, edit_appointment
from clinic.appointments.services.series_changes import Scope, Selection, SeriesEdit, cancel_series, edit_series
from clinic.appointments.services.undoing import undo_deadline, undo_step
from clinic.appointments.services.visit_links import cancel_by_reference
from clinic.common.errors import NothingToUndo, PermissionDenied, SlotTaken, StaleVersion, UndoOver
from clinic.common.versions import Expected
from clinic.messaging.services.inbound import ReceivedSms, answer_sms
from clinic.outbox.delivery import take_due
from clinic.outbox.models import Message, MessageState
from clinic.people.models import Patient
from clinic.scheduling.models import ClaimedCell, Clinic, Hold
from clinic.waitlist.models import EntryState, WaitlistEntry, WaitlistOffer
from clinic.waitlist.services.answers import accept_offer, decline_offer
from clinic.waitlist.services.entries import Wishes, join_waitlist
from clinic.worker.jobs import run_jobs

from testkit.clinic.answers import APPOINTMENTS, attr_of, refusal
from testkit.clinic.concurrency import at_once
from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh, row_of

NINE, TEN = in_days(3)(9), in_days(3)(10)
# Ahead of the clock that requests go by.
NOON = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
SECOND, WINDOW = timedelta(seconds=1), timedelta(seconds=10)
LATER = NOON + 5 * SECOND
UNCHANGED = ("status", "starts_at", "practitioner_id", "cancel_reason", "checked_in_at", "deleted_at", "notes")


@pytest.fixture
def world(world: World) -> World:
    """Riverside with the usual undo window."""
    return _with_window(world)


def _with_window(world: World) -> World:
    Clinic.objects.filter(pk=world.clinic.pk).update(undo_seconds=10)
    world.clinic.refresh_from_db()
    return world


def actor(user: User) -> UserActor:
    return UserActor(fresh(user))


def step(world: World, action: Action, one: Appointment, now: datetime = NOON, by: User | None = None) -> Appointment:
    return change_status(actor=actor(by or world.sam), appointment_id=one.pk, action=action, now=now, reason="a slip")


def undo(world: World, one: Appointment, now: datetime = LATER, by: User | None = None, **more: Any) -> Appointment:
    version = more.pop("version", None) or row_of(one).version
    return undo_step(actor=actor(by or world.sam), appointment_id=one.pk, now=now, expected=Expected(version), **more)


def lines_of(one: Appointment) -> list[str]:
    return list(AppointmentEvent.objects.filter(appointment_id=one.pk).order_by("id").values_list("action", flat=True))


def to_be_told(**of: Any) -> set[tuple[str, str]]:
    waiting = Message.objects.filter(state=MessageState.QUEUED, **of)
    return set(waiting.values_list("template", "channel"))


def state_of(one: Appointment) -> dict[str, Any]:
    row = row_of(one)
    return {name: getattr(row, name) for name in UNCHANGED}


# Every step


def _move(world: World, one: Appointment, now: datetime) -> None:
    edit = Edit(start=one.starts_at + timedelta(hours=2), practitioner_id=world.quentin.practitioner.pk, notes="moved")
    edit_appointment(actor=actor(world.sam), appointment_id=one.pk, edit=edit, now=now)


def _delete(world: World, one: Appointment, now: datetime) -> None:
    delete_appointment(actor=actor(world.sam), appointment_id=one.pk, now=now)


def _correct(world: World, one: Appointment, now: datetime) -> None:
    correct_status(
        actor=actor(world.sam), appointment_id=one.pk, status=Status.CANCELLED, now=now, reason="another patient's"
    )


def _act(action: Action) -> Callable[[World, Appointment, datetime], object]:
    return lambda world, one, now: step(world, action, one, now)


STEPS: dict[str, tuple[str, Callable[[World, Appointment, datetime], object]]] = {
    "confirm": ("pending", _act(Action.CONFIRM)),
    "reject": ("pending", _act(Action.REJECT)),
    "cancel": ("confirmed", _act(Action.CANCEL)),
    "cancel of a request": ("pending", _act(Action.CANCEL)),
    "check-in": ("confirmed", _act(Action.CHECK_IN)),
    "complete": ("checked_in", _act(Action.COMPLETE)),
    "complete at once": ("confirmed", _act(Action.COMPLETE)),
    "no-show": ("confirmed", _act(Action.NO_SHOW)),
    "reopen": ("no_show", _act(Action.REOPEN)),
    "move": ("confirmed", _move),
    "move of a request": ("pending", _move),
    "delete": ("confirmed", _delete),
    "delete of what is over": ("completed", _delete),
    "correct": ("completed", _correct),
    "correct what is here": ("checked_in", _correct),
}


@pytest.mark.parametrize("name", STEPS)
def test_step_is_undone_as_if_it_had_not_been(world: World, name: str) -> None:
    status, take = STEPS[name]
    one = world.book(NINE)
    Appointment.objects.filter(pk=one.pk).update(status=status, checked_in_at=NINE if status == "checked_in" else None)
    Message.objects.all().delete()
    before, cells = (
        state_of(one),
        set(ClaimedCell.objects.values_list("kind", "owner_id", "starts_at", "appointment_id")),
    )
    is_later = status in ("checked_in", "no_show", "completed") or name in ("check-in", "complete at once", "no-show")
    now = NINE + timedelta(minutes=20) if is_later else NOON
    take(world, one, now)
    assert state_of(one) != before
    undone = undo(world, one, now=now + 9 * SECOND)
    assert state_of(one) == before
    assert (undone.version, row_of(one).version, row_of(one).updated_at) == (3, 3, now + 9 * SECOND)
    assert set(ClaimedCell.objects.values_list("kind", "owner_id", "starts_at", "appointment_id")) == cells
    assert not Hold.objects.exists()
    assert to_be_told() == set()
    line = AppointmentEvent.objects.filter(appointment_id=one.pk).latest("id")
    assert (line.action, line.to_status, line.actor) == ("undo", status, world.sam)


@pytest.mark.parametrize("name", ["cancel", "move", "delete"])
def test_visit_comes_back_beside_one_that_may_overlap(world: World, name: str) -> None:
    one = world.book(NINE)
    beside = world.book(NINE, patient=world.pete, practitioner=world.quentin)
    Appointment.objects.filter(pk=beside.pk).update(patient=world.paula.patient, allow_overlap=True)
    _, take = STEPS[name]
    if name == "move":
        edit = Edit(start=TEN)
        edit_appointment(actor=actor(world.sam), appointment_id=one.pk, edit=edit, now=NOON)
    else:
        take(world, one, NOON)
    assert undo(world, one).starts_at == beside.starts_at
    assert row_of(one).status == row_of(beside).status == "confirmed"


# Messages wait, screens do not


def test_message_waits_for_the_window_and_every_screen_shows_the_step_at_once(world: World) -> None:
    one = world.book(NINE)
    Message.objects.all().delete()
    step(world, Action.CANCEL, one)
    for viewer in (world.sam, world.paula):
        assert world.client(viewer).get(f"{APPOINTMENTS}/{one.pk}").json()["status"] == "cancelled"
    assert {message.due_at for message in Message.objects.all()} == {NOON + WINDOW}
    assert {"email", "in_app"} <= {message.channel for message in Message.objects.all()}
    assert take_due(now=NOON + WINDOW - SECOND) == []
    assert {message.template for message in take_due(now=NOON + WINDOW)} == {"cancelled"}


def test_in_app_notification_of_the_clinic_waits_too(world: World) -> None:
    one = world.book(NINE)
    Message.objects.all().delete()
    step(world, Action.CANCEL, one, by=world.paula)
    notes = Message.objects.filter(template="cancelled_by_patient")
    assert {(note.state, note.due_at) for note in notes} == {(MessageState.QUEUED, NOON + WINDOW)}


def test_booking_is_told_at_once(world: World) -> None:
    world.book(NINE, by=world.paula, now=NOON)
    assert {message.send_at for message in Message.objects.all()} == {NOON}


def test_clinic_without_a_window_tells_at_once_and_undoes_nothing(world: World) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(undo_seconds=0)
    one = world.book(NINE)
    Message.objects.all().delete()
    step(world, Action.CANCEL, one)
    assert {message.send_at for message in Message.objects.all()} == {NOON}
    assert not Hold.objects.exists()
    with pytest.raises(UndoOver):
        undo(world, one, now=NOON)


def test_message_that_the_step_withdrew_is_sent_after_the_undo(world: World) -> None:
    asked = world.book(NINE, by=world.paula, now=NOON)
    Message.objects.all().delete()
    step(world, Action.CONFIRM, asked)
    told = to_be_told()
    step(world, Action.CANCEL, asked, now=NOON + 4 * SECOND)
    assert {template for template, _ in to_be_told()} == {"cancelled"}
    undo(world, asked, now=NOON + 12 * SECOND)
    assert to_be_told() == told
    again = Message.objects.filter(state=MessageState.QUEUED)
    assert {message.due_at for message in again} == {NOON + 12 * SECOND}
    assert {message.appointment_version for message in again} == {row_of(asked).version}


def test_step_that_somebody_has_been_told_of_cannot_be_undone(world: World) -> None:
    one = world.book(NINE)
    Message.objects.all().delete()
    step(world, Action.CANCEL, one)
    Message.objects.filter(channel="email").update(state=MessageState.SENDING)
    with pytest.raises(UndoOver):
        undo(world, one)
    assert row_of(one).status == "cancelled"
    assert Hold.objects.count() == 1


# Refusals


def test_window_that_has_passed_is_over(world: World) -> None:
    one = world.book(NINE)
    step(world, Action.CANCEL, one)
    with pytest.raises(UndoOver):
        undo(world, one, now=NOON + WINDOW)
    assert undo(world, one, now=NOON + WINDOW - SECOND).status == "confirmed"


def test_older_version_is_stale(world: World) -> None:
    one = world.book(NINE)
    step(world, Action.CANCEL, one)
    with pytest.raises(StaleVersion):
        undo(world, one, version=1)


@pytest.mark.parametrize("last", ["create", "edit", "undo", "attend"])
def test_change_that_is_no_step_cannot_be_undone(world: World, last: str) -> None:
    one = world.book(NINE, now=NOON)
    if last == "edit":
        edit_appointment(actor=actor(world.sam), appointment_id=one.pk, edit=Edit(notes="new"), now=NOON)
    elif last == "undo":
        step(world, Action.CANCEL, one)
        undo(world, one)
    elif last == "attend":
        step(world, Action.CONFIRM, one, by=world.paula)
    assert lines_of(one)[-1] == last
    with pytest.raises(NothingToUndo):
        undo(world, one)


def test_answer_to_an_sms_cannot_be_undone(world: World) -> None:
    one = world.book(NINE)
    answer_sms(ReceivedSms("SM1", world.paula.patient.phone, "+4930999", f"NO {one.pk}"), now=NOON)
    assert row_of(one).status == "cancelled"
    with pytest.raises(NothingToUndo):
        undo(world, one)


def test_patient_undoes_their_own_step_and_not_the_clinics(world: World) -> None:
    one, other = world.book(NINE), world.book(TEN)
    step(world, Action.CANCEL, one, by=world.paula)
    assert undo(world, one, by=world.paula).status == "confirmed"
    step(world, Action.CANCEL, other)
    with pytest.raises(PermissionDenied):
        undo(world, other, by=world.paula)
    assert undo(world, other, by=world.petra).status == "confirmed"


@pytest.mark.parametrize("by", ["an account", "a reference"])
def test_clinic_does_not_undo_what_a_patient_did(world: World, by: str) -> None:
    one = world.book(NINE)
    if by == "an account":
        step(world, Action.CANCEL, one, by=world.paula)
    else:
        Appointment.objects.filter(pk=one.pk).update(reference="of-paula")
        cancel_by_reference(reference="of-paula", now=NOON)
    with pytest.raises(PermissionDenied):
        undo(world, one)
    assert undo_deadline(row_of(one), actor(world.sam), now=LATER) is None
    corrected = correct_status(
        actor=actor(world.sam), appointment_id=one.pk, status=Status.CONFIRMED, now=LATER, reason="she called"
    )
    assert corrected.status == "confirmed"


def test_answer_says_until_when_the_step_can_be_undone(world: World) -> None:
    one = world.book(NINE)
    path = f"{APPOINTMENTS}/{one.pk}"
    desk = world.client(world.sam)
    assert desk.get(path).json()["undo_until"] is None
    done = post(world, world.sam, one, "cancel").json()
    until = datetime.fromisoformat(done["undo_until"])
    assert abs(until - AppointmentEvent.objects.latest("id").at - WINDOW) < timedelta(milliseconds=1)
    assert desk.get(path).json()["undo_until"] == done["undo_until"]
    assert "undo_until" not in world.client(world.paula).get(path).json()
    assert desk.put(path, desk.get(path).json()).status_code == 200
    assert post(world, world.sam, one, "undo", version=done["version"]).json()["undo_until"] is None


def test_practitioner_cannot_undo_into_the_time_of_another(world: World) -> None:
    one = world.book(NINE, practitioner=world.quentin)
    edit = Edit(practitioner_id=world.petra.practitioner.pk)
    edit_appointment(actor=actor(world.sam), appointment_id=one.pk, edit=edit, now=NOON)
    with pytest.raises(PermissionDenied):
        undo(world, one, by=world.petra)
    assert undo(world, one).practitioner_id == world.quentin.practitioner.pk


def test_automatic_no_show_that_is_undone_is_not_marked_again(world: World) -> None:
    one = world.book(NINE)
    late = NINE + timedelta(minutes=15)
    assert mark_missed(now=late) == 1
    undo(world, one, now=late + SECOND)
    assert mark_missed(now=late + timedelta(minutes=1)) == 0
    assert row_of(one).status == "confirmed"


def test_status_that_raw_sql_changed_since_is_not_overwritten(world: World) -> None:
    one = world.book(NINE)
    step(world, Action.CANCEL, one)
    Appointment.objects.filter(pk=one.pk).update(status="no_show")
    with pytest.raises(StaleVersion):
        undo(world, one)


# Over the API


def post(world: World, user: User, one: Appointment, action: str, **body: Any) -> Any:
    return world.client(user).post(f"{APPOINTMENTS}/{one.pk}/{action}", body)


def test_undo_over_the_api_takes_the_version_and_answers_the_row(world: World) -> None:
    one = world.book(NINE)
    cancelled = post(world, world.sam, one, "cancel").json()
    missing = post(world, world.sam, one, "undo")
    assert (refusal(missing), attr_of(missing)) == ((400, "required"), "version")
    late = post(world, world.sam, one, "undo", version=1)
    assert refusal(late) == (409, "stale_version")
    assert late.json()["current"]["version"] == cancelled["version"]
    undone = post(world, world.sam, one, "undo", version=cancelled["version"])
    assert (undone.status_code, undone.json()["status"], undone.headers["ETag"]) == (200, "confirmed", '"3"')
    assert refusal(post(world, world.sam, one, "undo", version=3)) == (409, "nothing_to_undo")
    for stranger in (world.quentin, world.pete, world.otto):
        assert refusal(post(world, stranger, one, "undo", version=3)) == (404, "not_found")


def test_deletion_is_undone_by_the_version_it_answered(world: World) -> None:
    one = world.book(NINE)
    deleted = world.client(world.sam).delete(f"{APPOINTMENTS}/{one.pk}")
    undone = world.client(world.sam).post(
        f"{APPOINTMENTS}/{one.pk}/undo", headers={"If-Match": deleted.headers["ETag"]}
    )
    assert (undone.status_code, undone.json()["status"]) == (200, "confirmed")
    assert world.client(world.petra).get(f"{APPOINTMENTS}/{one.pk}").status_code == 200


def test_edit_and_status_of_one_request_are_undone_together(world: World) -> None:
    asked = world.book(NINE, by=world.paula)
    change = {"status": "confirmed", "start": TEN.isoformat(), "notes": "as agreed"}
    version = world.client(world.sam).patch(f"{APPOINTMENTS}/{asked.pk}", change).json()["version"]
    undone = post(world, world.sam, asked, "undo", version=version).json()
    assert (undone["status"], undone["time"], undone["notes"]) == ("pending", "09:00", "")


# The time that the step freed


def test_time_that_the_clinic_freed_stays_held_for_the_window(world: World) -> None:
    one = world.book(NINE)
    step(world, Action.CANCEL, one)
    [hold] = Hold.objects.all()
    assert (hold.blocked_from, hold.blocked_until, hold.expires_at) == (
        NINE,
        NINE + timedelta(minutes=30),
        NOON + WINDOW,
    )
    with pytest.raises(SlotTaken):
        world.book(NINE, by=world.pete, patient=world.pete, now=LATER)
    assert world.book(NINE, by=world.pete, patient=world.pete, now=NOON + WINDOW).starts_at == NINE


def test_held_time_is_an_open_slot_for_the_clinic_alone(world: World) -> None:
    step(world, Action.CANCEL, world.book(NINE))
    path = f"/api/v1/practitioners/{world.petra.practitioner.pk}/slots?date={NINE:%Y-%m-%d}"

    def shows_nine(viewer: User | None) -> bool:
        return any("T09:00" in slot["start"] for slot in world.client(viewer).get(path).json()["slots"])

    assert [shows_nine(viewer) for viewer in (world.sam, world.petra, world.pete, None)] == [True, True, False, False]


def test_time_that_a_patient_freed_is_free_at_once(world: World) -> None:
    one = world.book(NINE)
    step(world, Action.CANCEL, one, by=world.paula)
    assert not Hold.objects.exists()
    world.book(NINE, by=world.pete, patient=world.pete, now=LATER)
    with pytest.raises(SlotTaken):
        undo(world, one, by=world.paula)


@pytest.mark.parametrize("way", ["book", "anybody", "hold", "move", "series", "correct"])
def test_desk_that_takes_the_freed_time_ends_the_undo(world: World, way: str) -> None:
    one = world.book(NINE)
    other = world.book(TEN, patient=world.pete)
    quentins = world.book(NINE, practitioner=world.quentin, patient=world.pete)
    nora = Patient.objects.create(clinic=world.clinic, name="Nora")
    Appointment.objects.filter(pk=quentins.pk).update(patient=nora)
    step(world, Action.CANCEL, one)
    if way == "correct":  # Of a visit at the same time that was called off before.
        Appointment.objects.filter(pk=quentins.pk).update(status="cancelled", practitioner=one.practitioner_id)
        desk = {"status": "confirmed", "reason": "called off by mistake", "version": 1}
        assert post(world, world.sam, quentins, "correct", **desk).status_code == 200
    elif way == "move":
        assert post(world, world.sam, other, "reschedule", start=NINE.isoformat()).status_code == 200
    elif way == "hold":
        body = {"practitioner": one.practitioner_id, "start": NINE.isoformat()}
        held = world.client(world.sam).post("/api/v1/holds", body)
        assert Hold.objects.filter(pk=held.json()["id"]).update(expires_at=LATER + WINDOW) == 1
    elif way == "series":
        rule = {"frequency": "weekly", "count": 2}
        body = {
            "patient": world.pete.patient.pk,
            "practitioner": one.practitioner_id,
            "start": NINE.isoformat(),
            "rule": rule,
        }
        assert world.client(world.sam).post(f"{APPOINTMENTS}/series", body).status_code == 201
    else:
        body = {"patient": world.pete.patient.pk, "start": NINE.isoformat()}
        body |= {"practitioner": one.practitioner_id} if way == "book" else {}
        if way == "anybody":
            body["patient"] = world.paula.patient.pk
        assert world.client(world.sam).post(APPOINTMENTS, body).status_code == 201
    assert not Hold.objects.filter(kept_for_undo=True, starts_at=NINE).exists()
    with pytest.raises(SlotTaken) as refused:
        undo(world, one)
    assert len(refused.value.extra["nearest"]) == 3  # type: ignore[arg-type]
    assert row_of(one).status == "cancelled"


def test_expired_hold_of_the_window_is_released_by_the_worker(world: World) -> None:
    step(world, Action.CANCEL, world.book(NINE))
    run_jobs(now=NOON + WINDOW)
    assert not Hold.objects.exists()


# The waitlist


def wait(world: World, *, auto_accept: bool = False, service: bool = False) -> WaitlistEntry:
    wishes = Wishes(
        first_date=NINE.date(),
        last_date=NINE.date(),
        service_id=world.check_up.pk if service else None,
        auto_accept=auto_accept,
    )
    return join_waitlist(
        actor=actor(world.sam), clinic=world.clinic, patient_id=world.pete.patient.pk, wishes=wishes, now=NOON
    )


def test_offer_of_the_freed_time_is_withdrawn_by_the_undo(world: World) -> None:
    one, entry = world.book(NINE), wait(world)
    Message.objects.all().delete()
    step(world, Action.CANCEL, one)
    entry.refresh_from_db()
    assert entry.state == EntryState.OFFERED
    offered = Message.objects.filter(template="waitlist_offer")
    assert {(message.state, message.due_at) for message in offered} == {(MessageState.QUEUED, NOON + WINDOW)}
    undo(world, one)
    entry.refresh_from_db()
    assert (entry.state, WaitlistOffer.objects.count(), Hold.objects.count()) == (EntryState.WAITING, 0, 0)
    assert not to_be_told()
    step(world, Action.CANCEL, one, now=NOON + timedelta(minutes=1))
    entry.refresh_from_db()
    assert entry.state == EntryState.OFFERED, "who was never told is asked again"


def test_offer_that_leaves_time_over_leaves_it_held(world: World) -> None:
    long = world.book(NINE, service=_long_service(world))
    entry = wait(world, service=True)
    step(world, Action.CANCEL, long)
    entry.refresh_from_db()
    assert entry.state == EntryState.OFFERED
    [kept] = Hold.objects.filter(kept_for_undo=True)
    assert (kept.blocked_from, kept.blocked_until) == (NINE + timedelta(minutes=30), NINE + timedelta(minutes=60))
    assert undo(world, long).status == "confirmed"
    assert not Hold.objects.exists()


def _long_service(world: World) -> Any:
    service = type(world.check_up).objects.create(clinic=world.clinic, name="Crown", duration_minutes=60)
    service.practitioners.add(world.petra.practitioner)
    return service


def test_offer_that_was_declined_within_the_window_waits_for_its_end_at_the_next(world: World) -> None:
    one, first = world.book(NINE), wait(world)
    gus = world.client(world.sam).post("/api/v1/patients", {"name": "Gus", "phone": "+4917099999"}).json()["id"]
    wishes = Wishes(first_date=NINE.date(), last_date=NINE.date())
    second = join_waitlist(actor=actor(world.sam), clinic=world.clinic, patient_id=gus, wishes=wishes, now=NOON)
    step(world, Action.CANCEL, one)
    decline_offer(token=WaitlistOffer.objects.get(entry=first).token, now=NOON + 3 * SECOND)
    second.refresh_from_db()
    assert second.state == EntryState.OFFERED
    told = Message.objects.filter(template="waitlist_offer", state=MessageState.QUEUED)
    assert {message.due_at for message in told} == {NOON + WINDOW}
    undo(world, one)
    second.refresh_from_db()
    assert second.state == EntryState.WAITING


def test_offer_that_was_accepted_within_the_window_ends_the_undo(world: World) -> None:
    one, entry = world.book(NINE), wait(world)
    step(world, Action.CANCEL, one)
    accept_offer(token=WaitlistOffer.objects.get(entry=entry).token, viewer=None, now=NOON + 3 * SECOND)
    with pytest.raises(SlotTaken):
        undo(world, one)


def test_booking_from_the_waitlist_is_taken_back_by_the_undo(world: World) -> None:
    one, entry = world.book(NINE), wait(world, auto_accept=True)
    Message.objects.all().delete()
    step(world, Action.CANCEL, one)
    entry.refresh_from_db()
    booked = entry.appointment
    assert booked is not None
    assert booked.starts_at == NINE
    assert {message.due_at for message in Message.objects.all()} == {NOON + WINDOW}
    undo(world, one)
    entry.refresh_from_db()
    assert (entry.state, entry.appointment) == (EntryState.WAITING, None)
    assert (row_of(booked).status, row_of(booked).deleted_at, lines_of(booked)) == (
        "cancelled",
        LATER,
        ["create", "undo"],
    )
    assert row_of(one).status == "confirmed"
    assert not to_be_told()


# Series


def test_cancellation_of_a_series_is_undone_as_a_whole(world: World) -> None:
    series = world.book_series(NINE, count=3)
    Message.objects.all().delete()
    visits = list(Appointment.objects.filter(series=series).order_by("pk"))
    cancel_series(actor=actor(world.sam), series_id=series.pk, selection=Selection(Scope.ALL), now=NOON)
    assert {template for template, _ in to_be_told()} == {"several_cancelled"}
    undo(world, visits[1])
    assert {row_of(visit).status for visit in visits} == {"confirmed"}
    assert not to_be_told()
    assert not Hold.objects.exists()
    assert [lines_of(visit)[-1] for visit in visits] == ["undo"] * 3


def test_edit_of_a_series_is_undone_with_what_was_agreed(world: World) -> None:
    series = world.book_series(NINE, count=3)
    visits = list(Appointment.objects.filter(series=series).order_by("pk"))
    edit = SeriesEdit(start_local=TEN.time(), notes="later")
    edit_series(actor=actor(world.sam), series_id=series.pk, selection=Selection(Scope.ALL), edit=edit, now=NOON)
    undo(world, visits[0])
    assert [row_of(visit).starts_at for visit in visits] == [visit.starts_at for visit in visits]
    agreed = Series.objects.get(pk=series.pk)
    assert (agreed.start_local, agreed.notes, agreed.version) == (NINE.time(), "", 3)


def test_series_of_which_one_was_changed_since_is_not_undone(world: World) -> None:
    series = world.book_series(NINE, count=3)
    visits = list(Appointment.objects.filter(series=series).order_by("pk"))
    cancel_series(actor=actor(world.sam), series_id=series.pk, selection=Selection(Scope.ALL), now=NOON)
    correct_status(
        actor=actor(world.sam), appointment_id=visits[2].pk, status=Status.CONFIRMED, now=NOON + SECOND, reason="stays"
    )
    with pytest.raises(StaleVersion):
        undo(world, visits[0])
    assert row_of(visits[0]).status == "cancelled"


# At once


@pytest.mark.race
def test_two_undo_at_once_and_one_does(committed_world: World) -> None:
    world = _with_window(committed_world)
    one = world.book(NINE)
    step(world, Action.CANCEL, one)
    outcomes = at_once([partial(undo, world, one, version=2)] * 4)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Appointment", *["StaleVersion"] * 3]
    assert lines_of(one) == ["create", "cancel", "undo"]


@pytest.mark.race
def test_undo_and_desk_at_once_share_the_time_once(committed_world: World) -> None:
    world = _with_window(committed_world)
    for number in range(4):
        start = NINE + number * timedelta(hours=1)
        one = world.book(start)
        step(world, Action.CANCEL, one)
        undone, booked = at_once([partial(undo, world, one), partial(world.book, start, patient=world.pete, now=LATER)])
        assert isinstance(undone, SlotTaken) is not isinstance(booked, SlotTaken)
        assert {type(undone), type(booked)} <= {Appointment, SlotTaken}
