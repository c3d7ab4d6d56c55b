import pytest

from testkit.stream.clinic import TestClinic
from testkit.stream.service import StreamService


def shown(service: StreamService, clinic: TestClinic, query: str) -> list[int]:
    with service.stream(clinic.owner.token(), query) as stream:
        return [row["id"] for row in stream.next_event().json["appointments"]]


def test_without_dates_today_and_seven_days_and_everything_pending(service: StreamService, clinic: TestClinic) -> None:
    clinic.book(day=-1)
    today, in_a_week = clinic.book(), clinic.book(day=7)
    clinic.book(day=8)
    pending = clinic.book(day=60, status="pending")
    assert shown(service, clinic, "") == [today, in_a_week, pending]


def test_dates_include_both_ends(service: StreamService, clinic: TestClinic) -> None:
    ids = [clinic.book(day=day) for day in (8, 9, 10, 11)]
    assert shown(service, clinic, f"from={clinic.day(9)}&to={clinic.day(10)}") == ids[1:3]


def test_one_practitioner_of_the_clinic(service: StreamService, clinic: TestClinic) -> None:
    clinic.book(clinic.petra)
    pauls = clinic.book(clinic.paul)
    assert shown(service, clinic, f"practitioner={clinic.paul.row_id}") == [pauls]


@pytest.mark.parametrize("query", ["status=pending,cancelled", "status=pending&status=cancelled"])
def test_several_statuses(service: StreamService, clinic: TestClinic, query: str) -> None:
    ids = [clinic.book(status=status) for status in ("pending", "confirmed", "cancelled")]
    assert shown(service, clinic, query) == [ids[0], ids[2]]


def test_row_enters_and_leaves_a_filtered_stream_with_its_status(service: StreamService, clinic: TestClinic) -> None:
    booked = clinic.book(status="pending")
    with service.stream(clinic.owner.token(), "mode=delta&status=pending") as stream:
        assert [row["id"] for row in stream.next_event().json["appointments"]] == [booked]
        clinic.update(booked, status="confirmed")
        change = stream.next_named("change").json
        assert (change["upserts"], change["removes"]) == ([], [booked])
        clinic.update(booked, status="pending")
        change = stream.next_named("change").json
        assert ([row["id"] for row in change["upserts"]], change["removes"]) == ([booked], [])


def test_row_that_moves_out_of_the_dates_is_removed(service: StreamService, clinic: TestClinic) -> None:
    booked = clinic.book(day=1)
    query = f"mode=delta&from={clinic.day(1)}&to={clinic.day(1)}"
    with service.stream(clinic.owner.token(), query) as stream:
        stream.next_event()
        starts_at = clinic.instant(clinic.day(90), 10 * 60)
        clinic.update(
            booked,
            starts_at=starts_at,
            ends_at=clinic.instant(clinic.day(90), 11 * 60),
            blocked_from=starts_at,
            blocked_until=clinic.instant(clinic.day(90), 11 * 60),
            local_date=clinic.day(90),
        )
        assert stream.next_named("change").json["removes"] == [booked]


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ("mode=push", "mode"),
        ("from=yesterday", "from"),
        ("to=2026-13-01", "to"),
        ("practitioner=petra", "practitioner"),
        ("status=DONE", "status"),
    ],
)
def test_wrong_value_is_400_with_its_name(service: StreamService, clinic: TestClinic, query: str, attr: str) -> None:
    response = service.get(f"/api/v1/sse/appointments?{query}", token=clinic.owner.token())
    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert (error["code"], error["attr"]) == ("invalid", attr)


def test_dates_that_are_not_live_point_to_the_rest_api(service: StreamService, clinic: TestClinic) -> None:
    query = f"from={clinic.day(-40)}&to={clinic.day(-35)}"
    response = service.get(f"/api/v1/sse/appointments?{query}", token=clinic.owner.token())
    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["code"] == "range_not_live"
    assert f"/api/v1/appointments?scope=all&{query}" in error["detail"]


def test_unknown_parameter_opens_no_stream(service: StreamService, clinic: TestClinic) -> None:
    refused = service.get("/api/v1/sse/appointments?_=1763664000&colour=blue", token=clinic.owner.token())
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "unknown_field")
