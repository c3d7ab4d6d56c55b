from testkit.stream.clinic import TestClinic
from testkit.stream.service import StartService


def test_streams_that_are_switched_off_are_503(start_service: StartService, clinic: TestClinic) -> None:
    service = start_service(enable_sse=False)
    response = service.get("/api/v1/sse/appointments", token=clinic.owner.token())
    assert response.status_code == 503
    assert response.json()["errors"][0]["code"] == "service_unavailable"
    assert int(response.headers["retry-after"]) > 0
    assert service.get("/api/v1/auth/test", token=clinic.owner.token()).status_code == 200
    assert service.get("/api/v1/health").status_code == 200


def test_without_live_updates_a_stream_is_a_snapshot_and_heartbeats(
    start_service: StartService, clinic: TestClinic
) -> None:
    service = start_service(enable_real_time_updates=False, sse_heartbeat_seconds=0.3)
    first = clinic.book()
    with service.stream(clinic.owner.token()) as stream:
        snapshot = stream.next_block()
        assert ": Live updates are switched off" in snapshot.text
        assert [row["id"] for row in snapshot.json["appointments"]] == [first]
        second = clinic.book()
        with service.stream(clinic.owner.token()) as newcomer:
            assert [row["id"] for row in newcomer.next_event().json["appointments"]] == [first, second]
        assert stream.stays_silent(0.8)
        # The id says what has been shown, so that coming back brings what was not.
        assert stream.last_id == snapshot.id


def test_without_live_updates_access_still_ends(start_service: StartService, clinic: TestClinic) -> None:
    service = start_service(enable_real_time_updates=False)
    with service.stream(clinic.staff.token()) as stream:
        stream.next_event()
        clinic.database.execute("UPDATE account_user SET is_active = 0 WHERE id = %s", clinic.staff.user_id)
        stream.next_named("revoked", seconds=1)
