from datetime import datetime
from typing import Any

import pytest
from clinic.scheduling.models import Practitioner, ServicePractitioner

from testkit.clinic.answers import attr_of, refusal
from testkit.clinic.times import At, in_days
from testkit.clinic.world import World

SLOTS = "/api/v1/slots"


def ask(world: World, start: datetime, **query: Any) -> dict[str, list[int]]:
    """Free practitioners by time."""
    asked: Any = {"date": f"{start:%Y-%m-%d}", "clinic": "riverside", **query}
    response = world.client().get(SLOTS, asked)
    assert response.status_code == 200, response.json()
    return {slot["time"]: slot["practitioners"] for slot in response.json()["slots"]}


def test_each_time_names_who_is_free(world: World, tomorrow_at: At) -> None:
    petra, quentin = world.petra.practitioner.pk, world.quentin.practitioner.pk
    world.book(tomorrow_at(9))
    world.book(tomorrow_at(10))
    world.book(tomorrow_at(10), practitioner=world.quentin, patient=world.pete)
    free = ask(world, tomorrow_at(9))
    assert (free["09:00"], free["09:30"]) == ([quentin], [petra, quentin])
    assert "10:00" not in free
    assert list(free) == sorted(free)


def test_only_those_who_offer_the_service_and_have_not_left(world: World, tomorrow_at: At) -> None:
    petra, quentin = world.petra.practitioner, world.quentin.practitioner
    ServicePractitioner.objects.filter(practitioner=quentin).delete()
    assert ask(world, tomorrow_at(9))["09:00"] == [petra.pk, quentin.pk]
    assert ask(world, tomorrow_at(9), service=world.check_up.pk)["09:00"] == [petra.pk]
    Practitioner.objects.filter(pk=petra.pk).update(active=False)
    assert ask(world, tomorrow_at(9), service=world.check_up.pk) == {}


def test_it_is_what_each_practitioners_own_slots_say(world: World, tomorrow_at: At) -> None:
    world.book(tomorrow_at(9))
    free = ask(world, tomorrow_at(9))
    for user in (world.petra, world.quentin):
        path = f"/api/v1/practitioners/{user.practitioner.pk}/slots"
        own = world.client().get(path, {"date": f"{tomorrow_at(9):%Y-%m-%d}", "clinic": "riverside"}).json()["slots"]
        assert [slot["time"] for slot in own] == [at for at, ids in free.items() if user.practitioner.pk in ids]


def test_a_late_night_before_is_in_the_way_by_its_buffer(world: World, tomorrow_at: At) -> None:
    """Booked until midnight with an hour's buffer after it: the next day begins at one."""
    check_up, petra = world.check_up, world.petra.practitioner
    check_up.buffer_after_minutes = 60
    check_up.save()
    petra.working_blocks.update(start_local="00:00", end_local="00:00")
    world.book(tomorrow_at(23, 30), service=check_up, outside_hours=True)
    next_day = ask(world, in_days(2)(9), service=check_up.pk)
    assert petra.pk not in next_day.get("00:30", [])
    assert petra.pk in next_day["01:00"]


@pytest.mark.parametrize(("query", "code", "attr"), [({}, "required", "date"), ({"date": "soon"}, "invalid", "date")])
def test_days_are_needed(world: World, query: dict[str, str], code: str, attr: str) -> None:
    response = world.client(world.sam).get(SLOTS, query)
    assert (refusal(response), attr_of(response)) == ((400, code), attr)


def test_a_service_of_another_clinic_is_not_found(world: World, tomorrow_at: At) -> None:
    asked = f"{SLOTS}?date={tomorrow_at(9):%Y-%m-%d}&service={world.check_up.pk}"
    response = world.client(world.otto).get(asked)
    assert refusal(response) == (404, "not_found")


def test_visit_with_a_length_of_its_own_gets_times_at_which_it_fits(world: World, tomorrow_at: At) -> None:
    world.book(tomorrow_at(10))
    petra = world.petra.practitioner.pk
    usual = ask(world, tomorrow_at(9), service=world.check_up.pk)
    longer = ask(world, tomorrow_at(9), service=world.check_up.pk, minutes=90)
    assert petra in usual["09:00"]
    assert petra not in longer.get("09:00", [])
    assert petra in longer["08:30"]
    path = f"/api/v1/practitioners/{petra}/slots"
    asked: Any = {"date": f"{tomorrow_at(9):%Y-%m-%d}", "clinic": "riverside", "minutes": 90}
    assert "09:00" not in [slot["time"] for slot in world.client().get(path, asked).json()["slots"]]
    soonest: Any = {"clinic": "riverside", "from": f"{tomorrow_at(9):%Y-%m-%d}", "minutes": 90, "practitioner": petra}
    [first] = world.client().get(f"{SLOTS}/soonest", {**soonest, "count": 1}).json()["slots"]
    length = datetime.fromisoformat(first["end"]) - datetime.fromisoformat(first["start"])
    assert length.total_seconds() == 90 * 60


@pytest.mark.parametrize("minutes", ["0", "1441", "long"])
def test_length_that_no_visit_has_is_refused(world: World, tomorrow_at: At, minutes: str) -> None:
    asked = {"date": f"{tomorrow_at(9):%Y-%m-%d}", "clinic": "riverside", "minutes": minutes}
    response = world.client().get(SLOTS, asked)
    assert (response.status_code, attr_of(response)) == (400, "minutes")
