"""Own notifications: what is committed is there, what is read is read everywhere, nobody hears of anybody else's."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from testkit.stream.clinic import Person, TestClinic
from testkit.stream.service import StartService, StreamService
from testkit.stream.wire import SseReader

MODES = ["snapshot", "delta"]


@contextmanager
def notified(
    service: StreamService, person: Person, mode: str = "delta", *, last_event_id: str | None = None
) -> Iterator[SseReader]:
    with service.stream(person.token(), f"mode={mode}", of="notifications", last_event_id=last_event_id) as stream:
        assert stream.status == 200
        yield stream


def shown(body: dict[str, Any]) -> tuple[list[int], int]:
    return [row["id"] for row in body["notifications"]], body["unread_count"]


def changed(body: dict[str, Any]) -> tuple[list[int], list[int], int]:
    return [row["id"] for row in body["upserts"]], body["removes"], body["unread_count"]


def test_reader_is_told_everything_first_and_then_each_change(service: StreamService, clinic: TestClinic) -> None:
    first = clinic.tell(clinic.anna)
    with notified(service, clinic.anna) as stream:
        snapshot = stream.next_named("snapshot")
        assert shown(snapshot.json) == ([first], 1)
        assert snapshot.id == clinic.event_id
        [row] = snapshot.json["notifications"]
        assert (row["kind"], row["title"], row["body"], row["appointment"], row["read_at"]) == (
            "waitlist_offer",
            "A time has become free for you",
            "Friday, 09:30 with Dr. Petra.",
            None,
            None,
        )
        second = clinic.tell(clinic.anna)
        assert changed(stream.next_named("change").json) == ([second], [], 2)
        clinic.read(first)
        assert changed(stream.next_named("change").json) == ([first], [], 1)
        clinic.update_message(second, body="Saturday")
        assert stream.next_named("change").json["upserts"][0]["body"] == "Saturday"
        clinic.database.execute("DELETE FROM message WHERE id = %s", second)
        assert changed(stream.next_named("change").json) == ([], [second], 0)


def test_snapshots_are_plain_messages(service: StreamService, clinic: TestClinic) -> None:
    with notified(service, clinic.staff, "snapshot") as stream:
        assert shown(stream.next_named("message").json) == ([], 0)
        told = clinic.tell(clinic.staff)
        assert shown(stream.next_named("message").json) == ([told], 1)


@pytest.mark.parametrize("person", ["owner", "staff", "petra", "anna"])
def test_each_user_of_the_clinic_has_notifications_of_their_own(
    service: StreamService, clinic: TestClinic, person: str
) -> None:
    them: Person = getattr(clinic, person)
    told = clinic.tell(them)
    with notified(service, them) as stream:
        assert shown(stream.next_event().json) == ([told], 1)


@pytest.mark.parametrize("mode", MODES)
def test_messages_to_others_are_invisible(service: StreamService, clinic: TestClinic, mode: str) -> None:
    elsewhere = TestClinic(clinic.database)
    with notified(service, clinic.ben, mode) as bens, notified(service, clinic.owner, mode) as owners:
        bens.next_event()
        owners.next_event()
        told = clinic.tell(clinic.anna)
        clinic.read(told)
        clinic.database.execute("DELETE FROM message WHERE id = %s", told)
        elsewhere.tell(elsewhere.owner)
        assert bens.stays_silent(0.3)
        assert owners.stays_silent(0.1)


def test_messages_of_a_former_clinic_are_not_shown(service: StreamService, clinic: TestClinic) -> None:
    elsewhere = TestClinic(clinic.database)
    clinic.tell(clinic.staff, clinic_id=elsewhere.id)
    own = clinic.tell(clinic.staff)
    with notified(service, clinic.staff) as stream:
        assert shown(stream.next_event().json) == ([own], 1)


def test_rolled_back_change_is_not_told_and_an_uncommitted_one_not_yet(
    service: StreamService, clinic: TestClinic
) -> None:
    columns = (
        "INSERT INTO message (clinic_id, user_id, channel, state, template, recipient, subject, body, secret, attempts,"
        " provider_id, error, created_at, send_at, sent_at) SELECT clinic_id, user_id, channel, state, template,"
        " recipient, subject, %s, secret, attempts, provider_id, error, created_at, send_at, sent_at"
        " FROM message WHERE id = %s"
    )
    first = clinic.tell(clinic.anna)
    with notified(service, clinic.anna) as stream:
        stream.next_event()
        with clinic.database.transaction() as execute:
            execute(columns, ("never", first))
            assert stream.stays_silent(0.2)
            execute("ROLLBACK")
        assert stream.stays_silent(0.2)
        with clinic.database.transaction() as execute:
            execute(columns, ("at last", first))
            assert stream.stays_silent(0.2)
        assert [row["body"] for row in stream.next_named("change").json["upserts"]] == ["at last"]


def test_notification_that_is_due_later_is_told_on_delivery(service: StreamService, clinic: TestClinic) -> None:
    with notified(service, clinic.anna) as stream:
        stream.next_event()
        later = clinic.tell(clinic.anna, state="queued", sent_at=None)
        clinic.update_message(later, state="sending")
        assert stream.stays_silent(0.2)
        clinic.update_message(later, state="delivered", sent_at=clinic.database.value("SELECT UTC_TIMESTAMP(6)"))
        assert changed(stream.next_named("change").json) == ([later], [], 1)


def test_sms_and_mails_are_not_told(service: StreamService, clinic: TestClinic) -> None:
    seq = clinic.seq
    with notified(service, clinic.anna) as stream:
        stream.next_event()
        for channel in ("sms", "email"):
            clinic.tell(clinic.anna, channel=channel)
        assert stream.stays_silent(0.2)
    assert clinic.seq == seq


def test_the_newest_fifty_are_shown_and_all_the_unread_counted(service: StreamService, clinic: TestClinic) -> None:
    first_at = clinic.database.value("SELECT UTC_TIMESTAMP(6) - INTERVAL 1 HOUR")
    told = [clinic.tell(clinic.anna, sent_at=first_at + timedelta(seconds=number)) for number in range(55)]
    with notified(service, clinic.anna) as stream:
        assert shown(stream.next_event().json) == (told[:4:-1], 55)
        newest = clinic.tell(clinic.anna)
        assert changed(stream.next_named("change").json) == ([newest], [told[5]], 56)
        clinic.read(told[0])
        assert changed(stream.next_named("change").json) == ([], [], 55)
        clinic.database.execute("UPDATE message SET read_at = UTC_TIMESTAMP(6) WHERE user_id = %s", clinic.anna.user_id)
        upserts, removes, unread_count = changed(stream.next_named("change").json)
        assert (len(upserts), removes, unread_count) == (50, [], 0)


# Coming back


@pytest.mark.parametrize("how", ["the same process", "restarted", "killed"])
@pytest.mark.parametrize("mode", MODES)
def test_returning_reader_gets_missed_changes_and_nothing_else(
    start_service: StartService, clinic: TestClinic, how: str, mode: str
) -> None:
    service = start_service()
    first = clinic.tell(clinic.anna)
    with notified(service, clinic.anna, mode) as stream:
        last_id = stream.next_event().id

    def between() -> None:
        if how == "restarted":
            service.stop()
        elif how == "killed":
            service.kill()
        if how != "the same process":
            service.start()

    between()
    clinic.tell(clinic.ben)
    clinic.book()
    service.wait_to_see(clinic.event_id, clinic.owner.token())
    with notified(service, clinic.anna, mode, last_event_id=last_id) as stream:
        assert stream.stays_silent(0.3)
        assert stream.last_id == clinic.event_id
    between()
    second = clinic.tell(clinic.anna)
    service.wait_to_see(clinic.event_id, clinic.owner.token())
    with notified(service, clinic.anna, mode, last_event_id=last_id) as stream:
        assert shown(stream.next_event().json) == ([second, first], 2)


def test_streams_of_appointments_resume_over_it_with_nothing(start_service: StartService, clinic: TestClinic) -> None:
    service = start_service()
    clinic.book()
    with service.stream(clinic.owner.token(), "mode=delta") as stream:
        last_id = stream.next_event().id
    clinic.tell(clinic.anna)
    service.stop()
    service.start()
    with service.stream(clinic.owner.token(), "mode=delta", last_event_id=last_id) as stream:
        assert stream.stays_silent(0.3)
        assert stream.last_id == clinic.event_id


def test_heartbeats_carry_the_clinic_s_newest_id(start_service: StartService, clinic: TestClinic) -> None:
    service = start_service(sse_heartbeat_seconds=0.2)
    with notified(service, clinic.anna) as stream:
        stream.next_event()
        clinic.tell(clinic.ben)
        assert stream.stays_silent(0.6)
        assert stream.last_id == clinic.event_id


# People


def test_user_without_a_clinic_has_no_stream(service: StreamService, clinic: TestClinic) -> None:
    response = service.get("/api/v1/sse/notifications", token=clinic.admin().token())
    assert (response.status_code, response.json()["errors"][0]["code"]) == (403, "no_clinic")


@pytest.mark.parametrize(
    ("query", "with_token", "status", "code"),
    [("", False, 401, "not_authenticated"), ("mode=all", True, 400, "invalid")],
)
def test_contradictory_input_is_refused(
    service: StreamService, clinic: TestClinic, query: str, with_token: bool, status: int, code: str
) -> None:
    token = clinic.anna.token() if with_token else None
    response = service.get(f"/api/v1/sse/notifications?{query}", token=token)
    assert (response.status_code, response.json()["errors"][0]["code"]) == (status, code)


def test_ticket_opens_it_too(service: StreamService, clinic: TestClinic) -> None:
    told = clinic.tell(clinic.anna)
    with service.stream(None, f"ticket={clinic.anna.ticket()}", of="notifications") as stream:
        assert shown(stream.next_event().json) == ([told], 1)


@pytest.mark.parametrize("column", ["is_active = 0", "token_version = 2", "role = 'owner'"])
def test_it_ends_when_its_user_loses_the_right(service: StreamService, clinic: TestClinic, column: str) -> None:
    with notified(service, clinic.staff) as stream:
        stream.next_event()
        committed_at = time.monotonic()
        clinic.database.execute(f"UPDATE account_user SET {column} WHERE id = %s", clinic.staff.user_id)  # noqa: S608
        assert stream.next_named("revoked").at - committed_at < 1
        clinic.tell(clinic.staff)
        assert stream.wait_for_end() == []
        assert stream.is_complete


def test_it_counts_among_its_user_s_streams(start_service: StartService, clinic: TestClinic) -> None:
    service = start_service(sse_max_connections_per_user=1)
    with service.stream(clinic.staff.token()) as stream, notified(service, clinic.staff) as newer:
        newer.next_event()
        stream.next_event()
        stream.next_named("replaced")
    listed = service.get("/api/v1/sse/connections", token=clinic.owner.token()).json()
    assert listed["count"] in {0, 1}


def test_the_owner_sees_that_somebody_looks(service: StreamService, clinic: TestClinic) -> None:
    with notified(service, clinic.anna) as stream:
        stream.next_event()
        [listed] = service.get("/api/v1/sse/connections", token=clinic.owner.token()).json()["results"]
    assert (listed["stream"], listed["user_id"]) == ("notifications", clinic.anna.user_id)
