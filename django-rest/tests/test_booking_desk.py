"""Questions of the booking desk while somebody is on the phone: callers, and the next open times."""

from datetime import timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.models import Appointment
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic, ScheduleException, ServicePractitioner

from testkit.clinic.answers import refusal
from testkit.clinic.times import At, in_days
from testkit.clinic.world import World

MATCHES, SOONEST = "/api/v1/patients/matches", "/api/v1/slots/soonest"


def clinic_of(user: User) -> Clinic:
    assert user.clinic is not None
    return user.clinic


def found(world: World, **query: Any) -> list[dict[str, Any]]:
    answer = world.client(world.sam).get(MATCHES, query)
    assert answer.status_code == 200, answer.json()
    matches: list[dict[str, Any]] = answer.json()
    return matches


def soonest(world: World, **query: Any) -> list[dict[str, Any]]:
    answer = world.client(world.sam).get(SOONEST, {"service": world.check_up.pk, **query})
    assert answer.status_code == 200, answer.json()
    slots: list[dict[str, Any]] = answer.json()["slots"]
    return slots


# Callers


def test_match_names_next_visit_missed_visits_and_alert(world: World, tomorrow_at: At) -> None:
    world.book(tomorrow_at(15))
    first = world.book(tomorrow_at(9))
    Appointment.objects.filter(pk=world.book(tomorrow_at(11)).pk).update(status="no_show")
    Patient.objects.filter(pk=world.paula.patient.pk).update(alert="Latex allergy")
    (match,) = found(world, search="Paula")
    assert (match["name"], match["alert"], match["missed_count"]) == ("Paula", "Latex allergy", 1)
    assert (match["next_visit"]["id"], match["next_visit"]["time"]) == (first.pk, "09:00")
    assert found(world, patient=world.paula.patient.pk) == [match]


def test_names_that_begin_with_the_text_come_first(world: World) -> None:
    for name in ("Zoe Mara", "Ahmed Rahman", "Mara Zola"):
        Patient.objects.create(clinic=world.clinic, name=name)
    assert [match["name"] for match in found(world, search="ma")] == ["Mara Zola", "Zoe Mara", "Ahmed Rahman"]


def test_another_clinics_patient_is_not_found(world: World) -> None:
    stranger = Patient.objects.create(clinic=clinic_of(world.otto), name="Xenia")
    assert found(world, patient=stranger.pk) == []
    assert found(world, search="Xenia") == []


@pytest.mark.parametrize("query", [{}, {"search": "x", "patient": "1"}, {"name": "x"}])
def test_matches_need_one_question(world: World, query: dict[str, str]) -> None:
    assert refusal(world.client(world.sam).get(MATCHES, query))[0] == 400


def test_matches_take_the_same_queries_for_one_and_eight(
    world: World, tomorrow_at: At, django_assert_max_num_queries: Any
) -> None:
    client = world.client(world.sam)
    for number in range(8):
        patient = Patient.objects.create(clinic=world.clinic, name=f"Mara {number}")
        start = tomorrow_at(9) + timedelta(minutes=30 * number)
        wanted = {"patient": patient.pk, "practitioner": world.petra.practitioner.pk, "start": start.isoformat()}
        assert client.post("/api/v1/appointments", wanted).status_code == 201
    Appointment.objects.filter(clinic=world.clinic).update(status="completed")
    with django_assert_max_num_queries(7):
        assert len(client.get(MATCHES, {"search": "Mara"}).json()) == 8


# Next times


def test_soonest_are_three_times_across_all_who_offer_the_service(world: World) -> None:
    slots = soonest(world, **{"from": f"{in_days(1)(9):%Y-%m-%d}"})
    assert len(slots) == 3
    assert [slot["start"] for slot in slots] == sorted(slot["start"] for slot in slots)
    assert {one["name"] for slot in slots for one in slot["practitioners"]} == {"Dr Petra", "Dr Quentin"}


def test_soonest_leaves_out_the_taken_and_those_who_do_not_offer_it(world: World) -> None:
    day = in_days(1)
    ServicePractitioner.objects.filter(practitioner=world.quentin.practitioner).delete()
    before = soonest(world, **{"from": f"{day(9):%Y-%m-%d}"})
    world.book(day(int(before[0]["time"][:2]), int(before[0]["time"][3:])), service=world.check_up)
    after = soonest(world, **{"from": f"{day(9):%Y-%m-%d}"})
    assert before[0]["start"] not in [slot["start"] for slot in after]
    assert {one["name"] for slot in after for one in slot["practitioners"]} == {"Dr Petra"}


@pytest.mark.parametrize(("part", "is_morning"), [("morning", True), ("afternoon", False)])
def test_soonest_keeps_to_a_part_of_the_day(world: World, part: str, is_morning: bool) -> None:
    slots = soonest(world, part_of_day=part, count=20)
    assert len(slots) == 20
    assert {slot["time"] < "12:00" for slot in slots} == {is_morning}


def test_soonest_keeps_to_its_days_and_to_one_practitioner(world: World) -> None:
    day = f"{in_days(3)(9):%Y-%m-%d}"
    slots = soonest(world, **{"from": day, "to": day}, practitioner=world.quentin.practitioner.pk)
    assert {slot["date"] for slot in slots} == {day}
    assert [[one["name"] for one in slot["practitioners"]] for slot in slots] == [["Dr Quentin"]] * 3


def test_soonest_looks_beyond_weeks_of_closure(world: World, django_assert_max_num_queries: Any) -> None:
    today, last = in_days(0)(9).date(), in_days(40)(9).date()
    ScheduleException.objects.create(clinic=world.clinic, start_date=today, end_date=last)
    client = world.client(world.sam)
    with django_assert_max_num_queries(20):
        slots = client.get(SOONEST, {"service": world.check_up.pk}).json()["slots"]
    assert [slot["date"] > f"{last}" for slot in slots] == [True] * 3


def test_soonest_of_a_stranger_or_of_a_range_that_ends_first_is_refused(world: World) -> None:
    client = world.client(world.sam)
    assert client.get(SOONEST, {"practitioner": 999999}).status_code == 404
    assert refusal(client.get(SOONEST, {"from": "2026-11-20", "to": "2026-11-19"}))[0] == 400
