import time

import pytest

from testkit.stream.clinic import Person, TestClinic
from testkit.stream.service import StartService, StreamService


def test_stream_ends_when_its_token_expires(service: StreamService, clinic: TestClinic) -> None:
    expires_at = time.monotonic() + 2
    with service.stream(clinic.owner.token(seconds=2)) as stream:
        stream.next_event()
        warning = stream.next_named("token-expiring")
        assert 0 <= warning.json["expires_in"] <= 2
        closing_event = stream.next_named("expired")
        assert closing_event.field("retry") == "1000"
        assert -2.1 < closing_event.at - expires_at < 0.3  # `exp` is in whole seconds, and the end up to one before it.
        assert stream.wait_for_end() == []
        assert stream.is_complete


def test_expiry_is_announced_30_seconds_before(service: StreamService, clinic: TestClinic) -> None:
    started_at = time.monotonic()
    with service.stream(clinic.owner.token(seconds=32)) as stream:
        stream.next_event()
        warning = stream.next_named("token-expiring")
        assert 0.9 < warning.at - started_at < 2.5
        assert warning.json["expires_in"] == 30
        assert warning.id is None


REVOCATIONS = {
    "deactivated": "UPDATE account_user SET is_active = 0 WHERE id = %s",
    "signed out everywhere": "UPDATE account_user SET token_version = token_version + 1 WHERE id = %s",
    "another role": "UPDATE account_user SET role = 'owner' WHERE id = %s",
    "another patient": "UPDATE patient SET user_id = NULL WHERE user_id = %s",
}


@pytest.mark.parametrize("how", sorted(REVOCATIONS))
def test_stream_ends_within_a_second_when_its_user_loses_the_right(
    service: StreamService, clinic: TestClinic, how: str
) -> None:
    clinic.book(patient=clinic.anna)
    token = clinic.anna.token()
    with service.stream(token) as stream, service.stream(clinic.ben.token()) as others:
        stream.next_event()
        others.next_event()
        committed_at = time.monotonic()
        clinic.database.execute(REVOCATIONS[how], clinic.anna.user_id)
        closing_event = stream.next_named("revoked")
        assert closing_event.at - committed_at < 1
        assert closing_event.field("retry") is None
        assert stream.wait_for_end() == []
        assert stream.is_complete
        assert others.stays_silent(0.1)
    response = service.get("/api/v1/sse/appointments", token=token)
    assert (response.status_code, response.json()["errors"][0]["code"]) == (401, "token_not_valid")


def test_stream_of_one_ended_sign_in_ends_and_those_of_the_others_stay(
    service: StreamService, clinic: TestClinic
) -> None:
    phone, desk = clinic.sign_in(clinic.anna), clinic.sign_in(clinic.anna)
    token = clinic.anna.token(sign_in=phone)
    with (
        service.stream(token) as stream,
        service.stream(clinic.anna.token(sign_in=desk)) as others,
        service.stream(clinic.anna.token()) as without,
    ):
        for opened in (stream, others, without):
            opened.next_event()
        committed_at = time.monotonic()
        clinic.end_sign_in(phone)
        closing_event = stream.next_named("revoked")
        assert closing_event.at - committed_at < 1
        assert stream.wait_for_end() == []
        assert others.stays_silent(0.1)
        assert without.stays_silent(0.1)
    response = service.get("/api/v1/sse/appointments", token=token)
    assert (response.status_code, response.json()["errors"][0]["code"]) == (401, "token_not_valid")


def test_nothing_is_told_after_the_right_is_gone(service: StreamService, clinic: TestClinic) -> None:
    booked = clinic.book()
    with service.stream(clinic.staff.token(), "mode=delta") as stream:
        stream.next_event()
        with clinic.database.transaction() as execute:
            execute("UPDATE account_user SET is_active = 0 WHERE id = %s", (clinic.staff.user_id,))
        time.sleep(0.2)
        clinic.update(booked, notes="after the end")
        assert [block.event for block in stream.wait_for_end()] == ["revoked"]


def test_user_who_was_deleted_is_refused(service: StreamService, clinic: TestClinic) -> None:
    ghost = Person("Ghost", 10**9, {**clinic.owner.claims, "user_id": 10**9})
    response = service.get("/api/v1/auth/test", token=ghost.token())
    assert (response.status_code, response.json()["errors"][0]["code"]) == (401, "token_not_valid")


def test_new_token_after_signing_out_everywhere_is_admitted_at_once(service: StreamService, clinic: TestClinic) -> None:
    assert service.get("/api/v1/auth/test", token=clinic.owner.token()).status_code == 200
    clinic.database.execute("UPDATE account_user SET token_version = 2 WHERE id = %s", clinic.owner.user_id)
    assert service.get("/api/v1/auth/test", token=clinic.owner.token(ver=2)).status_code == 200


def test_user_is_looked_up_once(start_service: StartService, clinic: TestClinic) -> None:
    """Renaming the view away would break a second look-up; a session that is known needs none."""
    service = start_service(sse_poll_interval_ms=5000)
    assert service.get("/api/v1/auth/test", token=clinic.owner.token()).status_code == 200
    clinic.database.execute("RENAME TABLE live_session TO live_session_away")
    try:
        assert service.get("/api/v1/auth/test", token=clinic.owner.token()).status_code == 200
    finally:
        clinic.database.execute("RENAME TABLE live_session_away TO live_session")
