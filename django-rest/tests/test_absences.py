"""Time off: a practitioner asks, the desk answers."""

from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.outbox.models import DeliveryChannel, Message
from clinic.scheduling.models import Absence, ScheduleException
from django.db import connection
from django.test.utils import CaptureQueriesContext

from testkit.clinic.answers import attr_of, refusal
from testkit.clinic.times import in_days
from testkit.clinic.world import World

ABSENCES = "/api/v1/absences"
DAY = in_days(30)


def ask(world: World, by: User | None = None, **more: Any) -> Any:
    body = {"start_date": f"{DAY(0).date()}", "reason": "Family", **more}
    return world.client(by or world.petra).post(ABSENCES, body, format="json")


def asked(world: World, **more: Any) -> int:
    response = ask(world, **more)
    assert response.status_code == 201, response.json()
    return int(response.json()["id"])


def step(world: World, absence_id: int, name: str, by: User | None = None, **body: Any) -> Any:
    return world.client(by or world.olga).post(f"{ABSENCES}/{absence_id}/{name}", body, format="json")


def titles_for(user: User) -> list[str]:
    return list(Message.objects.filter(user=user, channel=DeliveryChannel.IN_APP).values_list("subject", flat=True))


def test_request_waits_and_is_told_to_the_desk(world: World) -> None:
    shown = ask(world).json()
    assert (shown["state"], shown["practitioner_name"], shown["conflicts"]) == ("requested", "Dr Petra", [])
    assert (shown["end_date"], shown["start"], shown["decided_by_name"]) == (shown["start_date"], None, None)
    for reader in (world.olga, world.sam):
        assert titles_for(reader) == ["Dr Petra asks for time off"]
    assert titles_for(world.quentin) == []
    assert not ScheduleException.objects.exists()


def test_approved_request_becomes_an_exception(world: World) -> None:
    absence_id = asked(world, start="12:00", end="14:00")
    shown = step(world, absence_id, "approve").json()
    exception = ScheduleException.objects.get()
    assert (shown["state"], shown["exception"], shown["decided_by_name"]) == ("approved", exception.pk, "Olga")
    assert (exception.closed, str(exception.start_local), exception.practitioner_id) == (
        True,
        "12:00:00",
        world.petra.practitioner.pk,
    )
    assert titles_for(world.petra) == ["Your time off is approved"]


def test_conflicts_are_shown_and_refuse_until_forced(world: World) -> None:
    visit = world.book(DAY(10))
    world.book(DAY(10), practitioner=world.quentin, patient=world.pete)
    world.book(in_days(32)(10), patient=world.pete)
    absence_id = asked(world)
    [shown] = world.client(world.olga).get(ABSENCES).json()["results"]
    assert [one["id"] for one in shown["conflicts"]] == [visit.pk]
    refused = step(world, absence_id, "approve")
    assert refusal(refused) == (409, "would_strand")
    assert [one["id"] for one in refused.json()["appointments"]] == [visit.pk]
    assert step(world, absence_id, "approve", force=True).json()["state"] == "approved"
    visit.refresh_from_db()
    assert visit.status == "confirmed"


def test_absence_of_some_hours_conflicts_with_visits_in_them_alone(world: World) -> None:
    world.book(DAY(9))
    within = world.book(DAY(12), patient=world.pete)
    shown = ask(world, start="12:00", end="14:00").json()
    assert [one["id"] for one in shown["conflicts"]] == [within.pk]


def test_declined_request_tells_why(world: World) -> None:
    shown = step(world, asked(world), "decline", by=world.sam, answer="Two are away").json()
    assert (shown["state"], shown["answer"]) == ("declined", "Two are away")
    assert titles_for(world.petra) == ["Your time off is declined"]
    assert "Two are away" in Message.objects.get(user=world.petra).body
    assert not ScheduleException.objects.exists()


def test_practitioner_withdraws_an_unanswered_request(world: World) -> None:
    absence_id = asked(world)
    assert refusal(world.client(world.olga).delete(f"{ABSENCES}/{absence_id}")) == (403, "permission_denied")
    assert world.client(world.petra).delete(f"{ABSENCES}/{absence_id}").status_code == 204
    assert Absence.objects.get().state == "withdrawn"


@pytest.mark.parametrize("end", ["approve", "decline"])
def test_answered_request_is_answered_once(world: World, end: str) -> None:
    absence_id = asked(world)
    assert step(world, absence_id, end).status_code == 200
    for again in ("approve", "decline"):
        assert refusal(step(world, absence_id, again)) == (409, "transition_not_allowed")
    assert refusal(world.client(world.petra).delete(f"{ABSENCES}/{absence_id}")) == (409, "transition_not_allowed")


def test_answer_to_an_older_version_is_refused(world: World) -> None:
    refused = step(world, asked(world), "approve", version=7)
    assert refusal(refused) == (409, "stale_version")
    assert refused.json()["current"]["version"] == 1


def test_each_sees_their_own_and_the_desk_all(world: World) -> None:
    asked(world)
    asked(world, by=world.quentin)
    counts = {
        user.name: world.client(user).get(ABSENCES).json()["count"]
        for user in (world.olga, world.sam, world.petra, world.otto)
    }
    assert counts == {"Olga": 2, "Sam": 2, "Petra": 1, "Otto": 0}
    one: dict[str, Any] = {"practitioner": world.quentin.practitioner.pk, "state": "all"}
    assert world.client(world.olga).get(ABSENCES, one).json()["count"] == 1


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({"start_date": "2020-01-01"}, "end_date"),
        ({"end_date": "2020-01-01"}, "end_date"),
        ({"start": "12:00"}, "end"),
        ({"start": "12:01", "end": "13:00"}, "start"),
        ({"closed": False}, "closed"),
    ],
)
def test_request_without_sense_is_refused_by_name(world: World, body: dict[str, Any], attr: str) -> None:
    response = ask(world, **body)
    assert (response.status_code, attr_of(response)) == (400, attr)


def test_list_costs_the_same_for_one_or_many(world: World) -> None:
    client = world.client(world.olga)
    costs: list[int] = []
    for _ in range(2):
        world.book(in_days(30 + len(costs))(9 + len(costs)), patient=world.pete)
        asked(world, start_date=f"{in_days(30 + len(costs))(0).date()}")
        with CaptureQueriesContext(connection) as seen:
            client.get(ABSENCES)
        costs.append(len(seen))
    assert costs[0] == costs[1]
