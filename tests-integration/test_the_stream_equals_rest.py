"""State and events make the fresh state: the oracle that every other story rests on."""

import random
from typing import Any

from testkit.live.people import SignedIn, Watcher, free_start, sql, zone_of
from testkit.live.stack import LiveStack

WRITES = 60


def test_after_random_writes_the_streams_show_what_rest_shows(stack: LiveStack) -> None:
    chance = random.Random(7)
    with (
        SignedIn(stack, "owner") as owner,
        SignedIn(stack, "practitioner") as practitioner,
        SignedIn(stack, "patient") as patient,
        owner.watch() as board,
        owner.watch(mode="snapshot") as wall,
        practitioner.watch() as chair,
    ):
        zone = zone_of(owner)
        booked: list[int] = []
        with sql(stack.db()) as cursor:
            for _ in range(WRITES):
                _write(chance, owner, cursor, booked, zone)
        rest = owner.what_rest_shows(zone)
        for watcher in (board, wall):
            watcher.settle()
            assert watcher.shown == rest
        chair.settle()
        assert chair.shown == practitioner.what_rest_shows(zone)
        assert "notes" not in str(patient.every_page("/api/v1/appointments", scope="all"))
        _a_newcomer_sees_the_same(owner, rest)


def _write(chance: random.Random, owner: SignedIn, cursor: Any, booked: list[int], zone: Any) -> None:
    kind = chance.choice(["book", "book", "notes", "cancel", "delete", "rename", "raw"])
    if kind == "book" or not booked:
        if len(booked) < 14:
            booked.append(owner.book(free_start(zone))["id"])
        return
    appointment_id = chance.choice(booked)
    path = f"/api/v1/appointments/{appointment_id}"
    if kind == "notes":
        owner.http.patch(path, json={"notes": f"{chance.random()}"})
    elif kind == "cancel":
        owner.post(f"{path}/cancel")
    elif kind == "delete":
        booked.remove(appointment_id)
        owner.http.delete(path)
    elif kind == "rename":
        name = f"Renamed {chance.randint(0, 999)}"
        owner.http.patch(f"/api/v1/patients/{owner.any_booking()['patient']}", json={"name": name})
    else:
        cursor.execute("UPDATE appointment SET notes = %s WHERE id = %s", [f"raw {chance.random()}", appointment_id])


def _a_newcomer_sees_the_same(owner: SignedIn, rest: dict[int, dict[str, Any]]) -> None:
    newcomer: Watcher
    with owner.watch() as newcomer:
        newcomer.next()
        assert newcomer.shown == rest
