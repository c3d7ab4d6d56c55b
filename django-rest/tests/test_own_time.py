"""A patient is in one place at a time (409 `own_appointment`), unless the desk allows it for a visit."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments import slot_assignment
from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import Action, Status
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.appointments.services.decisions import take
from clinic.clinic_setup.services.zone_changes import refusal_of, zone_changes
from clinic.common.errors import OwnAppointment
from clinic.common.mysql.conditions import DUPLICATE_KEY
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic
from django.db import IntegrityError, transaction
from django.utils import timezone

from testkit.clinic.admin_pages import sign_in
from testkit.clinic.answers import APPOINTMENTS, attr_of, refusal
from testkit.clinic.feed_rows import cells_of, every_five_minutes, insert_copy, make_hold, sql
from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh, row_of
from testkit.clinic.zones import booked_by_older_rules

ADMIN_LIST = "/admin/appointments/appointment/"
NINE = in_days(8)(9)
LATER = NINE + timedelta(minutes=15)
ELEVEN = in_days(8)(11)
Door = Callable[[World], Any]


@pytest.fixture
def visit(world: World) -> Appointment:
    """Paula's with Petra, nine to half past."""
    return world.book(NINE, service=world.check_up)


def state() -> list[Any]:
    return [list(model.objects.order_by("pk").values()) for model in (Appointment, AppointmentEvent)]


def body_of(world: World, **more: Any) -> dict[str, Any]:
    return {
        "patient": world.paula.patient.pk,
        "practitioner": world.quentin.practitioner.pk,
        "start": LATER.isoformat(),
        **more,
    }


def book(world: World, *, by: User | None = None, **more: Any) -> Any:
    body = {name: value for name, value in body_of(world, **more).items() if value is not None}
    return world.client(by or world.sam).post(APPOINTMENTS, body)


def another_visit(world: World, **more: Any) -> Appointment:
    """Paula's with Quentin, at eleven."""
    return world.book(ELEVEN, practitioner=world.quentin, **more)


# Doors


def desk_books(world: World) -> Any:
    return book(world)


def owner_books(world: World) -> Any:
    return book(world, by=world.olga)


def practitioner_books(world: World) -> Any:
    return book(world, by=world.quentin)


def patient_books(world: World) -> Any:
    return book(world, by=world.paula, patient=None, start=NINE.isoformat())


def anybody_is_booked(world: World) -> Any:
    return book(world, practitioner=None, service=world.check_up.pk)


def patient_books_anybody(world: World) -> Any:
    return book(world, by=world.paula, patient=None, practitioner=None, start=NINE.isoformat())


def held_time_is_booked(world: World) -> Any:
    hold = make_hold(world.clinic, world.quentin, LATER)
    return world.client(world.sam).post(APPOINTMENTS, {"patient": world.paula.patient.pk, "hold": hold.token})


def desk_moves(world: World) -> Any:
    return world.client(world.sam).patch(f"{APPOINTMENTS}/{another_visit(world).pk}", {"start": LATER.isoformat()})


def desk_drags(world: World) -> Any:
    body = {"start": LATER.isoformat()}
    return world.client(world.sam).post(f"{APPOINTMENTS}/{another_visit(world).pk}/reschedule", body)


def patient_moves(world: World) -> Any:
    body = {"start": NINE.isoformat()}
    return world.client(world.paula).post(f"{APPOINTMENTS}/{another_visit(world).pk}/reschedule", body)


def service_becomes_longer(world: World) -> Any:
    before = world.book(NINE - timedelta(minutes=30), practitioner=world.quentin)
    service = world.clinic.services.create(name="Long", duration_minutes=60)
    service.practitioners.add(world.quentin.practitioner)
    return world.client(world.sam).patch(f"{APPOINTMENTS}/{before.pk}", {"service": service.pk})


def older_front_end_books(world: World) -> Any:
    body = {
        "patient_id": world.paula.patient.pk,
        "doctorId": world.quentin.practitioner.pk,
        "appointment_date": LATER.isoformat(),
    }
    return world.client(world.sam).post("/api/appointments/", body)


def older_front_end_moves(world: World) -> Any:
    body = {"dentist_id": world.quentin.practitioner.pk, "appointment_date": LATER.isoformat()}
    return world.client(world.sam).put(f"/api/appointments/{another_visit(world).pk}", body)


def missed_visit_is_reopened(world: World) -> Any:
    """It was missed; meanwhile the patient was booked with Petra, a little later."""
    moment = timezone.now().replace(second=0, microsecond=0)
    moment -= timedelta(minutes=moment.minute % 5)
    missed = world.book(moment, practitioner=world.quentin, outside_hours=True)
    Appointment.objects.filter(pk=missed.pk).update(status=Status.NO_SHOW)
    world.book(moment + timedelta(minutes=10), outside_hours=True)
    return world.client(world.sam).post(f"{APPOINTMENTS}/{missed.pk}/reopen")


def called_off(world: World) -> str:
    """The path of a visit with Quentin that was called off, before the one with Petra was booked."""
    Clinic.objects.filter(pk=world.clinic.pk).update(undo_seconds=60)
    Appointment.objects.update(status=Status.CANCELLED)
    first = Appointment.objects.get(pk=book(world).json()["id"])
    path = f"{APPOINTMENTS}/{first.pk}"
    assert world.client(world.sam).post(f"{path}/cancel").status_code == 200
    assert book(world, practitioner=world.petra.practitioner.pk, start=NINE.isoformat()).status_code == 201
    return path


def cancellation_is_undone(world: World) -> Any:
    return world.client(world.sam).post(f"{called_off(world)}/undo", {"version": 2})


def cancellation_is_corrected(world: World) -> Any:
    body = {"status": "confirmed", "reason": "a mistake", "version": 2}
    return world.client(world.sam).post(f"{called_off(world)}/correct", body)


DOORS: list[Door] = [
    cancellation_is_undone,
    cancellation_is_corrected,
    desk_books,
    owner_books,
    practitioner_books,
    patient_books,
    anybody_is_booked,
    patient_books_anybody,
    held_time_is_booked,
    desk_moves,
    desk_drags,
    patient_moves,
    service_becomes_longer,
    older_front_end_books,
    older_front_end_moves,
    missed_visit_is_reopened,
]


@pytest.mark.usefixtures("visit")
@pytest.mark.parametrize("door", DOORS)
def test_second_visit_at_the_same_time_is_refused_at_every_door(world: World, door: Door) -> None:
    answer = door(world)
    assert refusal(answer) == (409, "own_appointment"), answer.json()
    active = Appointment.objects.filter(is_active=1, starts_at__lt=NINE + timedelta(minutes=30), ends_at__gt=NINE)
    assert active.count() == 1


@pytest.mark.parametrize("door", [desk_books, patient_books, anybody_is_booked])
def test_refusal_changes_nothing_and_leaves_the_practitioners_time(
    world: World, visit: Appointment, door: Door
) -> None:
    before = state()
    door(world)
    assert state() == before
    assert cells_of(world.quentin) == {}
    assert set(cells_of(world.paula).values()) == {(visit.pk, None)}


def test_one_visit_after_the_other_is_no_overlap(world: World, visit: Appointment) -> None:
    assert book(world, start=visit.ends_at.isoformat()).status_code == 201
    assert book(world, start=(visit.starts_at - timedelta(minutes=30)).isoformat()).status_code == 201
    assert len(cells_of(world.paula)) == 18


def test_time_of_a_called_off_visit_is_the_patients_again(world: World, visit: Appointment) -> None:
    world.client(world.sam).post(f"{APPOINTMENTS}/{visit.pk}/cancel")
    assert book(world).status_code == 201


def test_another_patient_may_be_booked_then(world: World, visit: Appointment) -> None:
    assert book(world, patient=world.pete.patient.pk).status_code == 201


@pytest.mark.usefixtures("visit")
def test_practitioner_whose_time_is_taken_comes_first(world: World) -> None:
    assert refusal(book(world, practitioner=world.petra.practitioner.pk)) == (409, "slot_taken")


def test_hold_claims_no_patients_time(world: World, visit: Appointment) -> None:
    body = {"practitioner": world.quentin.practitioner.pk, "start": NINE.isoformat()}
    assert world.client(world.paula).post("/api/v1/holds", body).status_code == 201


def test_visit_keeps_its_patients_time_when_only_the_practitioner_changes(world: World, visit: Appointment) -> None:
    body = {"practitioner": world.quentin.practitioner.pk}
    assert world.client(world.sam).patch(f"{APPOINTMENTS}/{visit.pk}", body).status_code == 200


# Guests


def ask_as_guest(world: World, practitioner: User, start: Any, **more: Any) -> Any:
    body = {
        "clinic": "riverside",
        "name": "Gus Guest",
        "phone": "030 1234567",
        "practitioner": practitioner.practitioner.pk,
        "start": start.isoformat(),
        **more,
    }
    return world.client().post("/api/v1/public/bookings", body)


def test_guest_asks_for_one_place_at_a_time_and_is_told_of_no_visit(world: World) -> None:
    reference = ask_as_guest(world, world.petra, NINE).json()["reference"]
    refused = ask_as_guest(world, world.quentin, NINE, reference=reference)
    assert refusal(refused) == (409, "own_appointment")
    assert "appointments" not in refused.json()
    assert Patient.objects.filter(name="Gus Guest").count() == 1


def test_request_of_a_guest_is_not_approved_as_the_patients_who_is_elsewhere(world: World, visit: Appointment) -> None:
    """Gus and Paula are two records so far."""
    reference = ask_as_guest(world, world.quentin, NINE).json()["reference"]
    path = f"{APPOINTMENTS}/{Appointment.objects.get(reference=reference).pk}/confirm"
    refused = world.client(world.sam).post(path, {"link_to": world.paula.patient.pk})
    assert refusal(refused) == (409, "own_appointment")
    assert world.client(world.sam).post(path).status_code == 200


# Visits named in the refusal


def test_desk_is_told_of_the_other_visit(world: World, visit: Appointment) -> None:
    told = book(world).json()
    assert attr_of(book(world)) == "start"
    assert told["count"] == 1
    [other] = told["appointments"]
    assert (other["id"], other["practitioner_name"]) == (visit.pk, "Dr Petra")
    assert (other["start"], other["end"]) == (NINE.isoformat(), (NINE + timedelta(minutes=30)).isoformat())


def test_patient_is_told_of_their_own_visit(world: World, visit: Appointment) -> None:
    assert [other["id"] for other in patient_books(world).json()["appointments"]] == [visit.pk]


def test_practitioner_is_not_told_of_a_visit_with_somebody_else(world: World, visit: Appointment) -> None:
    told = practitioner_books(world).json()
    assert "appointments" not in told
    assert "count" not in told


# Series


def book_series(world: World, **more: Any) -> Any:
    body = {
        "patient": world.paula.patient.pk,
        "practitioner": world.quentin.practitioner.pk,
        "service": world.check_up.pk,
        "start": (LATER - timedelta(days=7)).isoformat(),
        "rule": {"frequency": "weekly", "count": 3},
        **more,
    }
    return world.client(world.sam).post(f"{APPOINTMENTS}/series", body)


def outcomes(dates: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    return [(date["outcome"], date["code"]) for date in dates]


def test_series_is_refused_with_the_dates_that_overlap(world: World, visit: Appointment) -> None:
    before = state()
    refused = book_series(world)
    assert refusal(refused) == (409, "series_conflict")
    [conflict] = refused.json()["conflicts"]
    assert (conflict["date"], conflict["code"]) == (f"{NINE:%Y-%m-%d}", "own_appointment")
    assert state() == before


def test_series_skips_the_dates_that_overlap(world: World, visit: Appointment) -> None:
    told = book_series(world, on_conflict="skip").json()["dates"]
    assert outcomes(told) == [("booked", None), ("refused", "own_appointment"), ("booked", None)]


def test_dry_run_of_a_series_tells_of_overlaps(world: World, visit: Appointment) -> None:
    planned = [("free", None), ("refused", "own_appointment"), ("free", None)]
    assert outcomes(book_series(world, dry_run=True).json()["dates"]) == planned
    assert outcomes(book_series(world, dry_run=True, allow_overlap=True).json()["dates"]) == [("free", None)] * 3


def test_series_that_may_overlap_marks_the_dates_that_do(world: World, visit: Appointment) -> None:
    made = book_series(world, allow_overlap=True)
    assert made.status_code == 201
    assert [one["allow_overlap"] for one in made.json()["series"]["appointments"]] == [False, True, False]


def test_series_moves_onto_no_other_visit_unless_it_is_allowed(world: World, visit: Appointment) -> None:
    series = book_series(world, start=(ELEVEN - timedelta(days=7)).isoformat()).json()["series"]
    path = f"{APPOINTMENTS}/series/{series['id']}?scope=all"
    refused = world.client(world.sam).patch(path, {"time": "09:15"})
    assert refusal(refused) == (409, "series_conflict")
    assert [conflict["code"] for conflict in refused.json()["conflicts"]] == ["own_appointment"]
    moved = world.client(world.sam).patch(path, {"time": "09:15", "allow_overlap": True})
    assert [one["allow_overlap"] for one in moved.json()["appointments"]] == [False, True, False]
    kept = world.client(world.sam).patch(path, {"practitioner": world.quentin.practitioner.pk})
    assert [one["allow_overlap"] for one in kept.json()["appointments"]] == [False, True, False]
    away = world.client(world.sam).patch(path, {"time": "11:00"})
    assert [one["allow_overlap"] for one in away.json()["appointments"]] == [False] * 3


# The desk allows it


@pytest.mark.parametrize("name", ["sam", "olga"])
def test_desk_may_let_visits_overlap(world: World, visit: Appointment, name: str) -> None:
    made = book(world, by=getattr(world, name), allow_overlap=True)
    assert (made.status_code, made.json()["allow_overlap"]) == (201, True)
    assert set(cells_of(world.paula).values()) == {(visit.pk, None)}
    assert set(cells_of(world.quentin).values()) == {(made.json()["id"], None)}
    listed = world.client(world.sam).get(APPOINTMENTS).json()["results"]
    assert {one["id"]: one["allow_overlap"] for one in listed} == {visit.pk: False, made.json()["id"]: True}
    assert AppointmentEvent.objects.get(appointment=made.json()["id"]).snapshot["allow_overlap"] is True


def test_visit_with_anybody_may_overlap_if_it_is_allowed(world: World, visit: Appointment) -> None:
    made = book(world, practitioner=None, service=world.check_up.pk, allow_overlap=True)
    assert (made.status_code, made.json()["practitioner_name"]) == (201, "Dr Quentin")


def test_practitioners_time_is_never_overlapped(world: World, visit: Appointment) -> None:
    refused = book(world, practitioner=world.petra.practitioner.pk, allow_overlap=True)
    assert refusal(refused) == (409, "slot_taken")


@pytest.mark.parametrize("name", ["petra", "quentin", "paula"])
def test_overlaps_are_allowed_by_the_desk_alone(world: World, visit: Appointment, name: str) -> None:
    user, other = getattr(world, name), another_visit(world)
    patient = None if name == "paula" else world.paula.patient.pk
    before = state()
    assert refusal(book(world, by=user, patient=patient, allow_overlap=True)) == (403, "permission_denied")
    expected = (404, "not_found") if name == "petra" else (403, "permission_denied")
    for method, path, body in (
        ("post", "/reschedule", {"start": NINE.isoformat(), "allow_overlap": True}),
        ("patch", "", {"start": NINE.isoformat(), "allow_overlap": True}),
        ("patch", "", {"allow_overlap": True}),
    ):
        answer = getattr(world.client(user), method)(f"{APPOINTMENTS}/{other.pk}{path}", body)
        assert refusal(answer) == expected
    assert state() == before


def test_guest_may_not_allow_overlaps(world: World) -> None:
    refused = ask_as_guest(world, world.petra, NINE, allow_overlap=True)
    assert (refusal(refused), attr_of(refused)) == ((400, "unknown_field"), "allow_overlap")


def test_practitioner_makes_no_series_that_overlaps(world: World, visit: Appointment) -> None:
    body = {
        "patient": world.paula.patient.pk,
        "practitioner": world.quentin.practitioner.pk,
        "start": LATER.isoformat(),
        "rule": {"frequency": "weekly", "count": 2},
        "allow_overlap": True,
    }
    answer = world.client(world.quentin).post(f"{APPOINTMENTS}/series", body)
    assert refusal(answer) == (403, "permission_denied")


@pytest.fixture
def overlapping(world: World, visit: Appointment) -> Appointment:
    """Paula's with Quentin at a quarter past nine, which the desk has allowed."""
    return Appointment.objects.get(pk=book(world, allow_overlap=True).json()["id"])


def move(world: World, appointment: Appointment, *, by: User | None = None, **body: Any) -> Any:
    return world.client(by or world.sam).post(f"{APPOINTMENTS}/{appointment.pk}/reschedule", body)


def test_overlap_is_allowed_for_a_time(world: World, overlapping: Appointment) -> None:
    """At another time it has to be allowed again."""
    assert refusal(move(world, overlapping, start=NINE.isoformat())) == (409, "own_appointment")
    assert move(world, overlapping, start=NINE.isoformat(), allow_overlap=True).json()["allow_overlap"] is True
    assert move(world, overlapping, start=ELEVEN.isoformat()).json()["allow_overlap"] is False
    assert len(cells_of(world.paula)) == 12


def test_overlap_stays_allowed_when_the_time_stays(world: World, overlapping: Appointment) -> None:
    rosa = world.clinic.practitioners.create(name="Dr Rosa")
    world.check_up.practitioners.add(rosa)
    path = f"{APPOINTMENTS}/{overlapping.pk}"
    body = {"practitioner": rosa.pk, "notes": "with Rosa", "outside_hours": True}
    moved = world.client(world.sam).patch(path, body)
    assert (moved.status_code, moved.json()["allow_overlap"]) == (200, True)


def test_desk_allows_and_forbids_an_overlap_later(world: World, overlapping: Appointment) -> None:
    path = f"{APPOINTMENTS}/{overlapping.pk}"
    assert refusal(world.client(world.sam).patch(path, {"allow_overlap": False})) == (409, "own_appointment")
    other = Appointment.objects.exclude(pk=overlapping.pk).get()
    world.client(world.sam).patch(f"{APPOINTMENTS}/{other.pk}", {"allow_overlap": True})
    assert cells_of(world.paula) == {}
    assert refusal(world.client(world.sam).patch(path, {"allow_overlap": False})) == (409, "own_appointment")
    world.client(world.sam).post(f"{APPOINTMENTS}/{other.pk}/cancel")
    assert world.client(world.sam).patch(path, {"allow_overlap": False}).json()["allow_overlap"] is False
    assert set(cells_of(world.paula).values()) == {(overlapping.pk, None)}
    lines = AppointmentEvent.objects.filter(appointment=overlapping).order_by("pk")
    assert [line.action for line in lines] == ["create", "edit"]


def test_visit_with_leave_to_overlap_is_in_the_way_of_others(world: World, overlapping: Appointment) -> None:
    """It has no cells of the patient's."""
    Appointment.objects.exclude(pk=overlapping.pk).update(status=Status.CANCELLED)
    rosa = world.clinic.practitioners.create(name="Dr Rosa")
    refused = book(world, practitioner=rosa.pk, outside_hours=True)
    assert refusal(refused) == (409, "own_appointment")
    assert [other["id"] for other in refused.json()["appointments"]] == [overlapping.pk]


def test_patient_moves_an_overlapping_visit_away_and_not_back(world: World, overlapping: Appointment) -> None:
    seen = world.client(world.paula).get(f"{APPOINTMENTS}/{overlapping.pk}").json()
    assert seen["allow_overlap"] is True
    same = world.client(world.paula).put(f"{APPOINTMENTS}/{overlapping.pk}", seen)
    assert (same.status_code, row_of(overlapping).version) == (200, 1)
    refused = move(world, overlapping, by=world.paula, start=NINE.isoformat(), allow_overlap=True)
    assert refusal(refused) == (409, "own_appointment")
    assert move(world, overlapping, by=world.paula, start=ELEVEN.isoformat()).json()["allow_overlap"] is False


@pytest.mark.parametrize("action", ["confirm", "reject", "cancel"])
def test_overlapping_request_is_decided_like_others(world: World, visit: Appointment, action: str) -> None:
    made = book(world, allow_overlap=True, status="pending")
    assert made.json()["status"] == "pending"
    path = f"{APPOINTMENTS}/{made.json()['id']}/{action}"
    assert world.client(world.sam).post(path).status_code == 200
    assert len(cells_of(world.paula)) == 6


def test_missed_visit_that_may_overlap_is_reopened(world: World) -> None:
    refused = missed_visit_is_reopened(world)
    assert refusal(refused) == (409, "own_appointment")
    missed = Appointment.objects.get(status=Status.NO_SHOW)
    world.client(world.sam).patch(f"{APPOINTMENTS}/{missed.pk}", {"allow_overlap": True})
    assert world.client(world.sam).post(f"{APPOINTMENTS}/{missed.pk}/reopen").status_code == 200


@pytest.mark.parametrize("step", ["reopen", "correct"])
def test_desk_lets_a_visit_overlap_as_it_claims_its_time_again(world: World, step: str) -> None:
    assert refusal(missed_visit_is_reopened(world)) == (409, "own_appointment")
    missed = Appointment.objects.get(status=Status.NO_SHOW)
    path = f"{APPOINTMENTS}/{missed.pk}/{step}"
    body: dict[str, Any] = {"allow_overlap": True}
    if step == "correct":
        body |= {"status": "checked_in", "reason": "was there", "version": missed.version}
    assert refusal(world.client(world.quentin).post(path, body)) == (403, "permission_denied")
    answer = world.client(world.sam).post(path, body)
    assert (answer.status_code, answer.json()["status"], answer.json()["allow_overlap"]) == (200, "checked_in", True)
    version = {"version": answer.json()["version"]}
    Clinic.objects.filter(pk=world.clinic.pk).update(undo_seconds=60)
    undone = world.client(world.sam).post(f"{APPOINTMENTS}/{missed.pk}/undo", version).json()
    assert (undone["status"], undone["allow_overlap"]) == ("no_show", False)


def test_admin_shows_which_visits_may_overlap(world: World, overlapping: Appointment) -> None:
    page = sign_in(world.sam).get(f"{ADMIN_LIST}{overlapping.pk}/change/").content.decode()
    assert "allow overlap" in page.lower()
    assert "allow_overlap" in sign_in(world.sam).get(ADMIN_LIST).context["cl"].list_display


# Around the services


def test_visit_that_raw_sql_wrote_meanwhile_is_refused_by_the_cells(
    world: World, visit: Appointment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if it were written after the facts were read: the cells' error becomes the same refusal."""
    monkeypatch.setattr(slot_assignment, "_check_own_time", lambda *_: None)
    for door in DOORS:
        with transaction.atomic():
            assert refusal(door(world)) == (409, "own_appointment")
            transaction.set_rollback(True)


def test_step_that_meets_a_visit_of_raw_sql_is_refused(world: World, visit: Appointment) -> None:
    missed = row_of(visit)
    Appointment.objects.filter(pk=visit.pk).update(status=Status.NO_SHOW)
    other = insert_copy(visit, later=timedelta(minutes=30))
    sql("UPDATE appointment SET practitioner_id = %s WHERE id = %s", world.quentin.practitioner.pk, other)
    sql(
        "UPDATE appointment SET starts_at = %s, ends_at = %s, blocked_from = %s, blocked_until = %s WHERE id = %s",
        *[LATER, LATER + timedelta(minutes=30)] * 2,
        other,
    )
    missed.refresh_from_db()
    actor = UserActor(fresh(world.sam))
    with pytest.raises(OwnAppointment), transaction.atomic():
        take(Action.REOPEN, missed, actor=actor, now=missed.starts_at)


@pytest.mark.parametrize("minutes", [0, 15, -25])
def test_raw_sql_is_refused_with_any_practitioner(world: World, visit: Appointment, minutes: int) -> None:
    sql("UPDATE appointment SET practitioner_id = %s, status = 'cancelled'", world.quentin.practitioner.pk)
    copy = insert_copy(visit, later=timedelta(minutes=minutes))
    sql("UPDATE appointment SET practitioner_id = %s WHERE id = %s", world.petra.practitioner.pk, copy)
    with pytest.raises(IntegrityError, match="patient-") as refused, transaction.atomic():
        sql("UPDATE appointment SET status = 'confirmed' WHERE id = %s", visit.pk)
    assert refused.value.args[0] == DUPLICATE_KEY
    sql("UPDATE appointment SET status = 'confirmed', allow_overlap = 1 WHERE id = %s", visit.pk)


def test_raw_change_of_the_patient_moves_the_cells_or_is_refused(world: World, visit: Appointment) -> None:
    petes = world.book(NINE, practitioner=world.quentin, patient=world.pete)
    change = "UPDATE appointment SET patient_id = %s WHERE id = %s"
    with pytest.raises(IntegrityError, match="patient-"), transaction.atomic():
        sql(change, world.paula.patient.pk, petes.pk)
    nora = Patient.objects.create(clinic=world.clinic, name="Nora", phone="+491701111111")
    sql(change, nora.pk, petes.pk)
    assert cells_of(world.pete) == {}
    sql(change, world.pete.patient.pk, visit.pk)
    assert cells_of(world.pete) == dict.fromkeys(
        every_five_minutes(NINE, NINE + timedelta(minutes=30)), (visit.pk, None)
    )


def test_raw_change_of_the_mark_rewrites_the_cells(world: World, visit: Appointment) -> None:
    claimed = cells_of(world.paula)
    assert len(claimed) == 6
    sql("UPDATE appointment SET allow_overlap = 1")
    assert cells_of(world.paula) == {}
    assert len(cells_of(world.petra)) == 6
    sql("UPDATE appointment SET allow_overlap = 0")
    assert cells_of(world.paula) == claimed


def test_buffers_are_not_the_patients_time(world: World) -> None:
    surgery = world.clinic.services.create(
        name="Surgery", duration_minutes=60, buffer_before_minutes=10, buffer_after_minutes=15
    )
    surgery.practitioners.add(world.petra.practitioner)
    world.book(NINE, service=surgery)
    assert sorted(cells_of(world.paula)) == every_five_minutes(NINE, NINE + timedelta(hours=1))


def test_visit_between_two_cells_claims_both(world: World, visit: Appointment) -> None:
    sql("UPDATE appointment SET starts_at = starts_at + INTERVAL 7 MINUTE, ends_at = ends_at - INTERVAL 61 SECOND")
    assert sorted(cells_of(world.paula)) == every_five_minutes(
        NINE + timedelta(minutes=5), NINE + timedelta(minutes=30)
    )
    sql("UPDATE appointment SET status = 'cancelled'")
    assert cells_of(world.paula) == {}


# Changes of the clinic


def test_zone_rules_move_no_visit_onto_another_of_the_patient(world: World) -> None:
    moving = booked_by_older_rules(world, in_days(30)(9))
    world.book(in_days(30)(10), practitioner=world.quentin)
    [change] = zone_changes(now=timezone.now())
    assert refusal_of(change, now=timezone.now()) == OwnAppointment.detail
    assert row_of(moving).starts_at == in_days(30)(9)
