"""Open streams can be extended, counted, listed and ended; and there are never too many of them."""

import time
from contextlib import ExitStack

import pytest

from testkit.stream.clinic import TestClinic
from testkit.stream.service import StartService, StreamService
from testkit.stream.wire import SseReader

CONNECTIONS = "/api/v1/sse/connections"


def renew_path(stream: SseReader) -> str:
    return f"{CONNECTIONS}/{stream.headers['x-connection-id']}/renew"


# Renewal


def test_renewed_stream_outlives_its_first_token(service: StreamService, clinic: TestClinic) -> None:
    with service.stream(clinic.owner.token(seconds=3)) as stream:
        stream.next_event()
        warning = stream.next_named("token-expiring")
        assert warning.json["renew"] == renew_path(stream)
        renewed = service.post(warning.json["renew"], token=clinic.owner.token(seconds=300))
        assert renewed.status_code == 200
        assert 295 < renewed.json()["expires_in"] <= 300
        assert renewed.json()["id"] == warning.json["connection"]
        assert stream.stays_silent(4)


def test_renewed_stream_is_warned_again(service: StreamService, clinic: TestClinic) -> None:
    with service.stream(clinic.owner.token(seconds=2)) as stream:
        stream.next_named("message")
        stream.next_named("token-expiring")
        service.post(renew_path(stream), token=clinic.owner.token(seconds=4))
        assert stream.next_named("token-expiring").json["expires_in"] > 0
        stream.next_named("expired", seconds=6)


def test_older_token_shortens_nothing(service: StreamService, clinic: TestClinic) -> None:
    with service.stream(clinic.owner.token(seconds=300)) as stream:
        stream.next_event()
        assert service.post(renew_path(stream), token=clinic.owner.token(seconds=2)).json()["expires_in"] > 250
        assert stream.stays_silent(2.5)


def test_stream_of_another_user_cannot_be_renewed(service: StreamService, clinic: TestClinic) -> None:
    with service.stream(clinic.anna.token()) as stream:
        stream.next_event()
        for stranger in (clinic.ben, clinic.owner):
            assert service.post(renew_path(stream), token=stranger.token()).status_code == 404
        assert service.post(renew_path(stream)).status_code == 401
        assert service.post(renew_path(stream), token=clinic.anna.ticket()).status_code == 401


def test_stream_that_has_ended_is_not_renewed(service: StreamService, clinic: TestClinic) -> None:
    with service.stream(clinic.anna.token()) as stream:
        stream.next_event()
        path = renew_path(stream)
    time.sleep(0.2)
    assert service.post(path, token=clinic.anna.token()).status_code == 404


# Limits


def test_oldest_stream_of_a_user_makes_room_for_the_newest(start_service: StartService, clinic: TestClinic) -> None:
    service = start_service(sse_max_connections_per_user=2)
    with ExitStack() as stack:
        first, second, third, others = (
            stack.enter_context(service.stream(person.token()))
            for person in (clinic.anna, clinic.anna, clinic.anna, clinic.ben)
        )
        [*_, closing_event] = first.wait_for_end()
        assert closing_event.event == "replaced"
        assert int(closing_event.field("retry") or 0) >= 30_000, "or two pages would replace each other in turns"
        assert first.is_complete
        for stream in (second, third, others):
            stream.next_event()
            assert stream.stays_silent(0.1)


@pytest.mark.parametrize("setting", ["sse_max_connections", "sse_max_connections_per_address"])
def test_surplus_reader_is_sent_away_with_200_for_a_while(
    start_service: StartService, clinic: TestClinic, setting: str
) -> None:
    service = start_service(**{setting: 2})
    with ExitStack() as stack:
        for person in (clinic.anna, clinic.ben):
            stack.enter_context(service.stream(person.token())).next_event()
        with service.stream(clinic.owner.token()) as turned_away:
            assert (turned_away.status, turned_away.headers["content-type"]) == (
                200,
                "text/event-stream; charset=utf-8",
            )
            [block] = turned_away.wait_for_end()
            assert (block.event, block.id) == ("drain", None)
            assert 5_000 <= int(block.field("retry") or 0) <= 15_000
            assert turned_away.is_complete
    deadline = time.monotonic() + 3
    while service.get("/api/v1/health").json()["connections"]:
        assert time.monotonic() < deadline
    with service.stream(clinic.owner.token()) as let_in:
        let_in.next_event()


@pytest.mark.parametrize("of", ["availability", "visit", "queue"])
def test_public_streams_leave_room_for_signed_in_users(
    start_service: StartService, clinic: TestClinic, of: str
) -> None:
    service = start_service(sse_max_connections=4, sse_anonymous_percent=50)
    visit, query = clinic.book(), f"practitioner={clinic.petra.row_id}"

    def public_stream() -> SseReader:
        return service.stream(None, query if of == "availability" else f"ticket={clinic.visit_ticket(visit)}", of=of)

    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(public_stream()).next_event()
        with public_stream() as turned_away:
            [block] = turned_away.wait_for_end()
            assert (turned_away.status, block.event) == (200, "drain")
        for person in (clinic.anna, clinic.ben):
            stack.enter_context(service.stream(person.token())).next_event()


def test_public_and_signed_in_streams_of_one_address_take_no_place_of_each_other(
    start_service: StartService, clinic: TestClinic
) -> None:
    service = start_service(sse_max_anonymous_per_address=2, sse_max_connections_per_address=3)
    query = f"practitioner={clinic.petra.row_id}"

    def is_let_in(opened: SseReader) -> bool:
        return streams.enter_context(opened).next_event().event != "drain"

    with ExitStack() as streams:
        public = [is_let_in(service.stream(None, query, of="availability")) for _ in range(3)]
        assert public == [True, True, False]
        signed_in = [is_let_in(service.stream(clinic.owner.token())) for _ in range(4)]
        assert signed_in == [True, True, True, False]
    counted = service.get("/metrics").text
    for limit in ("anonymous_address", "address"):
        assert f'turned_away_total{{limit="{limit}"}} 1' in counted


def test_zero_is_no_limit(start_service: StartService, clinic: TestClinic) -> None:
    limits = ["sse_max_connections", "sse_max_connections_per_address", "sse_max_connections_per_user"]
    service = start_service(**dict.fromkeys([*limits, "sse_max_anonymous_per_address"], 0))
    query = f"practitioner={clinic.petra.row_id}"
    with (
        service.stream(clinic.owner.token()) as one,
        service.stream(clinic.owner.token()) as two,
        service.stream(None, query, of="availability") as public,
    ):
        one.next_event()
        two.next_event()
        public.next_event()
        assert one.stays_silent(0.1)


# The owner's list


def test_owner_sees_who_is_connected_and_ends_one(service: StreamService, clinic: TestClinic) -> None:
    stranger = TestClinic(clinic.database)
    with (
        service.stream(clinic.petra.token(), "mode=delta") as petras,
        service.stream(clinic.anna.token()) as annas,
        service.stream(stranger.owner.token()) as elsewhere,
    ):
        last_id = petras.next_event().id
        annas.next_event()
        elsewhere.next_event()
        listed = service.get(CONNECTIONS, token=clinic.owner.token()).json()
        assert (listed["count"], listed["next"], listed["previous"]) == (2, None, None)
        petra, anna = listed["results"]
        assert (petra["user_id"], petra["name"], petra["role"]) == (clinic.petra.user_id, "Petra", "practitioner")
        assert (petra["stream"], petra["mode"], petra["last_id"]) == ("appointments", "delta", last_id)
        assert petra["lag_seconds"] == 0
        assert petra["opened_at"] < petra["expires_at"]
        assert anna["user_id"] == clinic.anna.user_id
        ended = service.delete(f"{CONNECTIONS}/{petra['id']}", token=clinic.owner.token())
        assert (ended.status_code, ended.content) == (204, b"")
        petras.next_named("revoked")
        assert petras.wait_for_end() == []
        assert petras.is_complete
        assert annas.stays_silent(0.1)
        assert service.delete(f"{CONNECTIONS}/{petra['id']}", token=clinic.owner.token()).status_code == 404


def test_list_is_the_owner_s_alone(service: StreamService, clinic: TestClinic) -> None:
    stranger = TestClinic(clinic.database)
    with service.stream(clinic.anna.token()) as stream:
        stream.next_event()
        path = f"{CONNECTIONS}/{stream.headers['x-connection-id']}"
        for person in (clinic.staff, clinic.petra, clinic.anna, clinic.admin()):
            assert service.get(CONNECTIONS, token=person.token()).status_code == 403
            assert service.delete(path, token=person.token()).status_code == 403
        assert service.get(CONNECTIONS).status_code == 401
        assert service.get(CONNECTIONS, token=stranger.owner.token()).json()["results"] == []
        assert service.delete(path, token=stranger.owner.token()).status_code == 404
        assert stream.stays_silent(0.1)
