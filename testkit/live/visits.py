"""Visits of the stack's clinic, at times that a story needs."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import MySQLdb

from testkit.live.people import SignedIn, sql, zone_of
from testkit.live.stack import LiveStack


def open_slot(desk: SignedIn, practitioner: int, *, ahead: int) -> dict[str, Any]:
    today = datetime.now(zone_of(desk)).date()
    days = {"from": today + timedelta(days=ahead), "to": today + timedelta(days=ahead + 14)}
    slot: dict[str, Any] = desk.get(f"/api/v1/practitioners/{practitioner}/slots", **days)["slots"][0]
    return slot


def ask_for_visit(patient: SignedIn, practitioner: int, first: date, last: date) -> dict[str, Any]:
    """The patient's own request, for the first open slot of these days at which they are nowhere else."""
    days = {"from": first, "to": last}
    for slot in patient.get(f"/api/v1/practitioners/{practitioner}/slots", **days)["slots"]:
        asked = patient.post("/api/v1/appointments", {"practitioner": practitioner, "start": slot["start"]})
        if asked.status_code == 201:
            request: dict[str, Any] = asked.json()
            assert request["status"] == "pending"
            return request
        assert asked.json()["errors"][0]["code"] == "own_appointment", asked.text
    raise AssertionError("the patient is elsewhere at every open slot")


def bring_to_now(stack: LiveStack, appointment_id: int, practitioners: list[int], zone: Any) -> None:
    """It starts now, for five minutes, with somebody who has nothing else then."""
    now = datetime.now(UTC)
    start = now.replace(minute=now.minute - now.minute % 5, second=0, microsecond=0, tzinfo=None)
    end, day = start + timedelta(minutes=5), start.replace(tzinfo=UTC).astimezone(zone).date()
    change = (
        "UPDATE appointment SET starts_at = %s, blocked_from = %s, ends_at = %s, blocked_until = %s, local_date = %s,"
        " practitioner_id = %s WHERE id = %s"
    )
    for practitioner in practitioners:
        with sql(stack.db()) as cursor, suppress(MySQLdb.IntegrityError):
            cursor.execute(change, [start, start, end, end, day, practitioner, appointment_id])
            return
    raise AssertionError("everybody has a visit now")
