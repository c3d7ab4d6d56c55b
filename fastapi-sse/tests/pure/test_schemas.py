"""The schemas of the OpenAPI document describe what is sent: the contract's examples, and the frames themselves."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from clinic_stream import documents, frames
from clinic_stream.event_ids import EventId
from clinic_stream.main import openapi_document
from pydantic import BaseModel, ValidationError

CONTRACT = Path(__file__).parents[3] / "shared-config" / "contract"
AT = EventId("0123456789abcdef", 3, 41, 1781000000000000)
STREAMS = {
    "/api/v1/sse/appointments": documents.APPOINTMENT_EVENTS,
    "/api/v1/sse/availability": documents.AVAILABILITY_EVENTS,
    "/api/v1/sse/notifications": documents.NOTIFICATION_EVENTS,
}


def contract(name: str) -> Any:
    return json.loads((CONTRACT / f"{name}.json").read_text())


def check(model: type[BaseModel], value: Any) -> None:
    """Every field is documented, and every required one is there."""
    model.model_validate_json(json.dumps(value), extra="forbid")


def data_of(frame: bytes) -> Any:
    return json.loads(frame.decode().split("data: ")[1].split("\n")[0])


def test_contract_s_appointments_are_as_documented() -> None:
    check(documents.AppointmentSnapshot, contract("snapshot"))
    check(documents.AppointmentChange, contract("change"))
    check(documents.Appointment, contract("appointment")["patient"])


def test_field_that_is_not_documented_is_noticed() -> None:
    snapshot = contract("snapshot")
    snapshot["appointments"][0]["new_field"] = 1
    with pytest.raises(ValidationError, match="new_field"):
        check(documents.AppointmentSnapshot, snapshot)


def test_contract_s_notifications_are_as_documented() -> None:
    check(documents.NotificationSnapshot, contract("notification")["snapshot"])
    check(documents.NotificationChange, contract("notification")["change"])


def test_contract_s_errors_are_as_documented() -> None:
    for example in contract("error").values():
        check(documents.ErrorAnswer, example["body"])


def test_availability_is_as_documented() -> None:
    day = date(2026, 11, 20)
    taken = [("2026-11-20T09:00:00+01:00", "2026-11-20T10:00:00+01:00")]
    as_of = datetime.fromisoformat("2026-11-20T07:59:30+00:00")
    frame = frames.availability(taken, practitioner_id=3, dates=(day, day), at=AT, as_of=as_of)
    check(documents.AvailabilitySnapshot, data_of(frame))


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
    check(documents.APPOINTMENT_EVENTS[name], data_of(frame))


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
