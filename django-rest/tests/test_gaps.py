"""Free time of a day, and its offer to the waitlist."""

from typing import Any

from clinic.accounts.models import User
from clinic.appointments.models import Appointment
from clinic.scheduling.models import Clinic, Practitioner, WaitlistMode
from clinic.waitlist.models import WaitlistEntry, WaitlistOffer
from django.db import connection
from django.test.utils import CaptureQueriesContext

from testkit.clinic.answers import refusal
from testkit.clinic.times import in_days
from testkit.clinic.world import World

GAPS = "/api/v1/waitlist/gaps"
DAY = in_days(3)


def gaps(world: World, by: User | None = None) -> list[dict[str, Any]]:
    response = world.client(by or world.sam).get(GAPS, {"date": f"{DAY(0).date()}"})
    assert response.status_code == 200, response.json()
    found: list[dict[str, Any]] = response.json()["gaps"]
    return found


def wait(world: World, patient: User, **more: Any) -> None:
    body = {"patient": patient.patient.pk, "first_date": f"{DAY(0).date()}", "last_date": f"{DAY(0).date()}", **more}
    response = world.client(world.sam).post("/api/v1/waitlist", body, format="json")
    assert response.status_code == 201, response.json()


def offer(world: World, by: User | None = None, *, hours: tuple[int, int] = (9, 11)) -> Any:
    body = {
        "practitioner": world.petra.practitioner.pk,
        "start": DAY(hours[0]).isoformat(),
        "end": DAY(hours[1]).isoformat(),
    }
    return world.client(by or world.sam).post(f"{GAPS}/offer", body, format="json")


def test_free_time_is_listed_around_what_is_booked(world: World) -> None:
    Practitioner.objects.filter(user=world.quentin).update(active=False)
    for hour, minute in ((9, 0), (9, 50), (17, 30)):
        world.book(DAY(hour, minute))
    times = [(gap["start"][11:16], gap["end"][11:16], gap["minutes"]) for gap in gaps(world)]
    # The twenty minutes between the first two are less than a slot.
    assert times == [("08:00", "09:00", 60), ("10:20", "17:30", 430)]


def test_gap_tells_how_many_wait_for_it(world: World) -> None:
    wait(world, world.paula, practitioner=world.petra.practitioner.pk)
    wait(world, world.pete, service=world.check_up.pk, part_of_day="evening")
    assert {gap["practitioner_name"]: gap["waiting"] for gap in gaps(world)} == {"Dr Petra": 2, "Dr Quentin": 1}


def test_offered_gap_goes_to_those_who_wait(world: World) -> None:
    wait(world, world.paula)
    wait(world, world.pete, auto_accept=True)
    assert offer(world).json() == {"offered": 1, "booked": 1}
    assert {gap["start"][11:16] for gap in gaps(world) if gap["practitioner_name"] == "Dr Petra"} == {"08:00", "10:00"}
    assert WaitlistOffer.objects.get().starts_at == DAY(9)
    assert Appointment.objects.get().patient == world.pete.patient
    # An entry is asked once for the same time.
    assert offer(world).json() == {"offered": 0, "booked": 0}


def test_gap_that_suits_nobody_is_offered_to_nobody(world: World) -> None:
    wait(world, world.paula, part_of_day="evening")
    assert offer(world).json() == {"offered": 0, "booked": 0}
    assert WaitlistEntry.objects.get().state == "waiting"


def test_switched_off_waitlist_is_said_in_words(world: World) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(waitlist_mode=WaitlistMode.OFF)
    response = offer(world)
    assert refusal(response) == (400, "invalid")
    assert "Switch the waitlist on" in response.json()["errors"][0]["detail"]


def test_past_and_endless_gaps_are_refused(world: World) -> None:
    assert refusal(offer(world, hours=(11, 9))) == (400, "invalid")
    body = {"start": in_days(-1)(9).isoformat(), "end": in_days(-1)(10).isoformat()}
    past = world.client(world.sam).post(
        f"{GAPS}/offer", {"practitioner": world.petra.practitioner.pk, **body}, format="json"
    )
    assert refusal(past) == (400, "invalid")


def test_gaps_are_for_the_desk(world: World) -> None:
    assert refusal(world.client(world.petra).get(GAPS)) == (403, "permission_denied")
    assert gaps(world, world.otto) == []
    assert refusal(offer(world, world.otto)) == (404, "not_found")


def test_gaps_cost_the_same_for_any_number(world: World) -> None:
    costs: list[int] = []
    for _ in range(2):
        wait(world, world.paula, service=world.check_up.pk)
        world.book(DAY(9 + 2 * len(costs)), patient=world.pete, practitioner=world.quentin)
        with CaptureQueriesContext(connection) as seen:
            gaps(world)
        costs.append(len(seen))
    assert costs[0] == costs[1]
