from collections import Counter
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import httpx
import MySQLdb

from testkit.live.people import SignedIn, at_once, free_day, sql, until_its_turn, zone_of
from testkit.live.stack import NO_CERTIFICATES, LiveStack

INSERT = """
    INSERT INTO appointment (clinic_id, patient_id, practitioner_id, starts_at, ends_at, blocked_from, blocked_until,
        local_date, status, notes, cancel_reason, source, version, created_at, updated_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'confirmed', '', '', 'desk', 1, UTC_TIMESTAMP(), UTC_TIMESTAMP())
"""
OVERLAPS = """
    SELECT COUNT(*) FROM appointment one JOIN appointment other
      ON one.practitioner_id = other.practitioner_id AND one.id < other.id
     AND one.blocked_from < other.blocked_until AND other.blocked_from < one.blocked_until
    WHERE one.status IN ('pending', 'confirmed', 'checked_in')
      AND other.status IN ('pending', 'confirmed', 'checked_in')
"""


def test_twenty_ask_for_one_slot_and_one_gets_it(stack: LiveStack) -> None:
    with SignedIn(stack, "staff") as staff:
        start = datetime.combine(free_day(zone_of(staff)), time(10), UTC)
        body = {**staff.any_booking(), "start": start.isoformat(), "outside_hours": True}

        def ask(_: int) -> httpx.Response:
            headers = {"Authorization": f"Bearer {staff.token}"}
            url = f"{stack.api_url}/api/v1/appointments"
            return until_its_turn(
                lambda: httpx.post(url, json=body, headers=headers, timeout=60, verify=NO_CERTIFICATES)
            )

        responses = at_once(20, ask)
        assert Counter(response.status_code for response in responses) == {201: 1, 409: 19}
        refused = [response.json() for response in responses if response.status_code == 409]
        assert {body["errors"][0]["code"] for body in refused} == {"slot_taken"}


def test_two_hundred_of_mixed_lengths_by_api_and_raw_sql_never_overlap(stack: LiveStack) -> None:
    with SignedIn(stack, "owner") as owner:
        clinic = owner.get("/api/v1/clinic")
        booking = owner.any_booking()
        day = datetime.combine(free_day(zone_of(owner)), time(6), UTC)
        services = _offered_services(owner, booking["practitioner"])
        headers = {"Authorization": f"Bearer {owner.token}"}

        def by_api(number: int) -> int:
            start = day + timedelta(minutes=5 * (number * 37 % 130))
            body = {**booking, "start": start.isoformat(), "outside_hours": True}
            if (service := services[number % len(services)]) is not None:
                body["service"] = service
            url = f"{stack.api_url}/api/v1/appointments"
            return until_its_turn(
                lambda: httpx.post(url, json=body, headers=headers, timeout=60, verify=NO_CERTIFICATES)
            ).status_code

        def by_raw_sql(number: int) -> int:
            start = (day + timedelta(minutes=5 * (number * 41 % 130))).replace(tzinfo=None)
            end = start + timedelta(minutes=(30, 45, 60)[number % 3])
            values: list[Any] = [clinic["id"], booking["patient"], booking["practitioner"], start, end, start, end]
            try:
                with sql(stack.db()) as cursor:
                    cursor.execute(INSERT, [*values, start.date()])
            except MySQLdb.IntegrityError as error:
                return 409 if error.args[0] == 1062 else error.args[0]
            except MySQLdb.OperationalError as error:
                return 409 if error.args[0] == 1213 else error.args[0]  # A raw writer has nobody to try again for it.
            return 201

        outcomes = at_once(200, lambda number: by_raw_sql(number) if number % 4 == 3 else by_api(number))
        assert set(outcomes) == {201, 409}
        with sql(stack.db()) as cursor:
            cursor.execute(OVERLAPS)
            assert cursor.fetchone() == (0,)
            cursor.execute("SELECT seq FROM realtime_event WHERE clinic_id = %s ORDER BY seq", [clinic["id"]])
            numbers = [seq for (seq,) in cursor.fetchall()]
        assert all(later == earlier + 1 for earlier, later in pairwise(numbers))


def _offered_services(owner: SignedIn, practitioner: int) -> list[int | None]:
    services = owner.get("/api/v1/services")["results"]
    return [None, *(service["id"] for service in services if practitioner in service["practitioners"])]
