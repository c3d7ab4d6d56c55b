"""The clinic's live holds, for the people who work there."""

from datetime import datetime

import pytest

from testkit.stream.clinic import Person, TestClinic
from testkit.stream.service import StreamService
from testkit.stream.wire import SseReader

PATH = "/api/v1/sse/holds"


def holds_of(service: StreamService, person: Person, *, last_event_id: str | None = None) -> SseReader:
    return service.stream(person.token(), "mode=delta", of="holds", last_event_id=last_event_id)


def test_hold_is_shown_with_its_expiry_and_without_its_holder(service: StreamService, clinic: TestClinic) -> None:
    held = clinic.hold(clinic.petra, 12 * 60)
    with holds_of(service, clinic.staff) as stream:
        [hold] = stream.next_named("snapshot").json["holds"]
    assert set(hold) == {"id", "practitioner", "start", "end", "blocked_from", "blocked_until", "expires_at"}
    assert (hold["id"], hold["practitioner"], hold["start"][11:16]) == (held, clinic.petra.row_id, "12:00")
    assert datetime.fromisoformat(hold["expires_at"]) > datetime.now().astimezone()


def test_new_and_released_holds_arrive_as_changes(service: StreamService, clinic: TestClinic) -> None:
    with holds_of(service, clinic.staff) as stream:
        assert stream.next_named("snapshot").json["holds"] == []
        held = clinic.hold(clinic.petra, 12 * 60)
        change = stream.next_named("change").json
        assert ([row["id"] for row in change["upserts"]], change["removes"]) == ([held], [])
        clinic.database.execute("DELETE FROM hold WHERE id = %s", held)
        change = stream.next_named("change").json
        assert (change["upserts"], change["removes"]) == ([], [held])


def test_bookings_tell_nothing_to_readers_of_holds(service: StreamService, clinic: TestClinic) -> None:
    with holds_of(service, clinic.staff) as stream:
        stream.next_named("snapshot")
        clinic.book()
        assert stream.stays_silent(0.3)


@pytest.mark.parametrize("mode", ["delta", "snapshot"])
def test_change_of_the_schedule_raises_its_number_for_readers_of_holds(
    service: StreamService, clinic: TestClinic, mode: str
) -> None:
    held = clinic.hold(clinic.petra, 12 * 60)
    with service.stream(clinic.staff.token(), f"mode={mode}", of="holds") as stream:
        before = stream.next_named("snapshot" if mode == "delta" else "message").json["schedule_version"]
        close_tomorrow(clinic)
        after = stream.next_named("change" if mode == "delta" else "message").json
    assert after["schedule_version"] > before
    if mode == "delta":
        assert (after["upserts"], after["removes"]) == ([], [])
    else:
        assert [row["id"] for row in after["holds"]] == [held]


def close_tomorrow(clinic: TestClinic) -> None:
    clinic.database.execute(
        "INSERT INTO schedule_exception (clinic_id, start_date, end_date, closed, reason, version)"
        " VALUES (%s, CURDATE() + INTERVAL 1 DAY, CURDATE() + INTERVAL 1 DAY, 1, 'Spring clean', 1)",
        clinic.id,
    )


def test_expired_hold_leaves_without_any_write(service: StreamService, clinic: TestClinic) -> None:
    held = clinic.hold(clinic.petra, 12 * 60)
    soon = clinic.database.value("SELECT UTC_TIMESTAMP(6) + INTERVAL 1200000 MICROSECOND")
    clinic.database.execute("UPDATE hold SET expires_at = %s WHERE id = %s", soon, held)
    with holds_of(service, clinic.staff) as stream, holds_of(service, clinic.staff) as leaves:
        stream.next_named("snapshot")
        leaves.next_named("snapshot")
        leaves.close()
        assert stream.next_named("change", seconds=4).json["removes"] == [held]
        with holds_of(service, clinic.staff, last_event_id=leaves.last_id) as back:
            assert back.next_named("snapshot").json["holds"] == []


def test_practitioner_sees_own_holds_alone(service: StreamService, clinic: TestClinic) -> None:
    own = clinic.hold(clinic.petra, 12 * 60)
    clinic.hold(clinic.paul, 12 * 60)
    with holds_of(service, clinic.petra) as stream:
        assert [row["id"] for row in stream.next_named("snapshot").json["holds"]] == [own]
        clinic.hold(clinic.paul, 13 * 60)
        assert stream.stays_silent(0.3)


def test_patients_and_strangers_have_no_holds_to_see(service: StreamService, clinic: TestClinic) -> None:
    assert service.get(PATH, token=clinic.anna.token()).status_code == 403
    assert service.get(PATH).status_code == 401
