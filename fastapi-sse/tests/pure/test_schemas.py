"""The schemas of the OpenAPI document describe what is sent: the contract's examples, and the frames themselves."""

import json
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from clinic_stream import event_schemas, frames, schemas
from clinic_stream.audiences import ClinicAvailabilityAudience, VisitAudience, WallAudience
from clinic_stream.event_ids import EventId
from clinic_stream.live_clinic import LiveClinic
from clinic_stream.main import openapi_document
from clinic_stream.schedule import ClinicSchedule
from clinic_stream.taken_intervals import Hold
from clinic_stream.visit_topic import hash_of
from pydantic import BaseModel, ValidationError

from testkit.stream.rows import NOON, PETRA, appointment, batch, event, state

CONTRACT = Path(__file__).parents[3] / "shared-config" / "contract"
AT = EventId("0123456789abcdef", 3, 41, 1781000000000000)
STREAMS = {
    "/api/v1/sse/appointments": event_schemas.APPOINTMENT_EVENTS,
    "/api/v1/sse/availability": event_schemas.AVAILABILITY_EVENTS,
    "/api/v1/sse/holds": event_schemas.HOLD_EVENTS,
    "/api/v1/sse/notifications": event_schemas.NOTIFICATION_EVENTS,
    "/api/v1/sse/queue": event_schemas.QUEUE_EVENTS,
    "/api/v1/sse/visit": event_schemas.VISIT_EVENTS,
    "/api/v1/sse/wall": event_schemas.WALL_EVENTS,
}


def contract(name: str) -> Any:
    return json.loads((CONTRACT / f"{name}.json").read_text())


def check(model: type[BaseModel], value: Any) -> None:
    """Every field is documented, and every required one is there."""
    model.model_validate_json(json.dumps(value), extra="forbid")


def data_of(frame: bytes) -> Any:
    return json.loads(frame.decode().split("data: ")[1].split("\n")[0])


def test_contract_s_appointments_are_as_documented() -> None:
    check(schemas.AppointmentSnapshot, contract("snapshot"))
    check(schemas.AppointmentChange, contract("change"))
    check(schemas.Appointment, contract("appointment")["patient"])


def test_field_that_is_not_documented_is_noticed() -> None:
    snapshot = contract("snapshot")
    snapshot["appointments"][0]["new_field"] = 1
    with pytest.raises(ValidationError, match="new_field"):
        check(schemas.AppointmentSnapshot, snapshot)


def test_contract_s_notifications_are_as_documented() -> None:
    check(schemas.NotificationSnapshot, contract("notification")["snapshot"])
    check(schemas.NotificationChange, contract("notification")["change"])


def test_contract_s_errors_are_as_documented() -> None:
    for example in contract("error").values():
        check(schemas.ErrorAnswer, example["body"])


def test_availability_is_as_documented() -> None:
    day = date(2026, 11, 20)
    taken = [("2026-11-20T09:00:00+01:00", "2026-11-20T10:00:00+01:00")]
    as_of = datetime.fromisoformat("2026-11-20T07:59:30+00:00")
    frame = frames.availability(taken, practitioner_id=3, dates=(day, day), at=AT, as_of=as_of)
    check(schemas.AvailabilitySnapshot, data_of(frame))


def test_availability_of_a_clinic_is_as_documented() -> None:
    clinic = LiveClinic(state([appointment(1)]), NOON)
    topic = clinic.clinic_availability(ClinicAvailabilityAudience(1), NOON)
    check(schemas.ClinicAvailabilitySnapshot, data_of(topic.snapshot("delta", NOON)))
    schedule = ClinicSchedule.of(1, [PETRA])
    clinic.advance(replace(batch(event(101, 1, entity="schedule", kind="refresh")), schedule=schedule))
    changed = data_of(topic.since(0, "delta", NOON))
    check(schemas.ClinicAvailabilityChange, changed)
    assert [row["practitioner"] for row in changed["upserts"]] == [PETRA]


@pytest.mark.parametrize("is_number_alone", [False, True])
def test_visit_is_as_documented(is_number_alone: bool) -> None:
    row = appointment(1)
    audience = VisitAudience(1, 1, hash_of(row.reference), is_number_alone)
    topic = LiveClinic(state([row]), NOON).visit_topic(audience, NOON)
    model = schemas.Place if is_number_alone else schemas.VisitSnapshot
    check(model, data_of(topic.snapshot("snapshot", NOON)))


@pytest.mark.parametrize(("kind", "shows_names"), [("team", True), ("waiting_room", True), ("waiting_room", False)])
def test_wall_is_as_documented(kind: str, shows_names: bool) -> None:
    row = appointment(1, arrived_at=NOON.replace(tzinfo=None))
    clinic = LiveClinic(state([row]), NOON)
    topic = clinic.wall(WallAudience(1, kind, shows_names), NOON)
    whole = data_of(topic.snapshot("snapshot", NOON))
    check(schemas.WallSnapshot, whole)
    assert len(whole["visits"]) == 1
    clinic.advance(batch(event(101, 1), rows=[appointment(1, arrived_at=row.arrived_at, room="2")]))
    check(schemas.WallChange, data_of(topic.since(0, "delta", NOON)))


def test_holds_are_as_documented() -> None:
    begins, ends, expires_at = (datetime.fromisoformat(f"2026-11-20T09:{minute}") for minute in ("00", "30", "05"))
    hold = Hold(7, 3, 5, begins, ends, expires_at, begins, ends).encoded(ZoneInfo("Europe/Berlin"))
    as_of = datetime.fromisoformat("2026-11-20T07:59:30+00:00")
    members = {"schedule_version": 4}
    whole = frames.snapshot([hold], at=AT, as_of=as_of, named=True, of="holds", members=members)
    check(schemas.HoldSnapshot, data_of(whole))
    check(schemas.HoldChange, data_of(frames.change([hold], [8], at=AT, members=members)))


@pytest.mark.parametrize(
    ("frame", "name"),
    [
        (frames.STALE, "stale"),
        (frames.FRESH, "fresh"),
        (frames.EXPIRED, "expired"),
        (frames.REVOKED, "revoked"),
        (frames.REPLACED, "replaced"),
        (frames.drain(1000), "drain"),
        (frames.token_expiring(30, "0-1-1"), "token-expiring"),
        (frames.heartbeat(AT), "heartbeat"),
    ],
)
def test_control_event_is_as_documented_under_its_name(frame: bytes, name: str) -> None:
    assert f"event: {name}\n" in frame.decode()
    [model] = event_schemas.models_of(event_schemas.APPOINTMENT_EVENTS)[name]
    check(model, data_of(frame))


def test_every_reference_of_the_document_leads_to_a_schema() -> None:
    document = openapi_document()
    schemas = set(document["components"]["schemas"])
    text = json.dumps(document)
    for found in text.split('"$ref": "#/components/schemas/')[1:]:
        assert found.split('"')[0] in schemas


@pytest.mark.parametrize("path", STREAMS)
def test_stream_names_the_schema_of_each_event(path: str) -> None:
    content = openapi_document()["paths"][path]["get"]["responses"]["200"]["content"]["text/event-stream"]
    assert set(content["x-events"]) == set(STREAMS[path])


def test_document_names_servers_and_no_answer_that_is_never_sent() -> None:
    document = openapi_document()
    assert document["servers"][0]["url"] == "/"
    answers = [answer for path in document["paths"].values() for one in path.values() for answer in one["responses"]]
    assert "422" not in answers
