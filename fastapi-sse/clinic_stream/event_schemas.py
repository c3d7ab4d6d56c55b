"""Events of each stream with the schema of their data, and their place in the OpenAPI document."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from clinic_stream.schemas import (
    AppointmentChange,
    AppointmentSnapshot,
    AvailabilitySnapshot,
    ClinicAvailabilityChange,
    ClinicAvailabilitySnapshot,
    ControlEvent,
    Heartbeat,
    HoldChange,
    HoldSnapshot,
    NotificationChange,
    NotificationSnapshot,
    Place,
    TokenExpiring,
    VisitSnapshot,
    WallChange,
    WallSnapshot,
)

REF = "#/components/schemas/{model}"
SERVERS = [
    {"url": "/", "description": "where this document is served"},
    {"url": "http://localhost:8001", "description": "the stream of `make run`"},
]

# The name of an event, `message` without one, and the schema of its data; several where the address decides.
Events = Mapping[str, type[BaseModel] | tuple[type[BaseModel], ...]]
ENDINGS: Events = dict.fromkeys(("replaced", "stale", "fresh", "drain"), ControlEvent)
OF_SIGNED_IN: Events = {"token-expiring": TokenExpiring, **dict.fromkeys(("expired", "revoked"), ControlEvent)}
APPOINTMENT_EVENTS: Events = {
    "message": AppointmentSnapshot,
    "snapshot": AppointmentSnapshot,
    "change": AppointmentChange,
    "heartbeat": Heartbeat,
    **OF_SIGNED_IN,
    **ENDINGS,
}
NOTIFICATION_EVENTS: Events = {
    "message": NotificationSnapshot,
    "snapshot": NotificationSnapshot,
    "change": NotificationChange,
    "heartbeat": Heartbeat,
    **OF_SIGNED_IN,
    **ENDINGS,
}
HOLD_EVENTS: Events = {
    "message": HoldSnapshot,
    "snapshot": HoldSnapshot,
    "change": HoldChange,
    "heartbeat": Heartbeat,
    **OF_SIGNED_IN,
    **ENDINGS,
}
AVAILABILITY_EVENTS: Events = {
    "message": (AvailabilitySnapshot, ClinicAvailabilitySnapshot),
    "snapshot": ClinicAvailabilitySnapshot,
    "change": ClinicAvailabilityChange,
    "heartbeat": Heartbeat,
    **ENDINGS,
}
VISIT_EVENTS: Events = {
    "message": VisitSnapshot,
    "snapshot": VisitSnapshot,
    "heartbeat": Heartbeat,
    **OF_SIGNED_IN,
    **ENDINGS,
}
QUEUE_EVENTS: Events = {**VISIT_EVENTS, "message": Place, "snapshot": Place}
WALL_EVENTS: Events = {
    "message": WallSnapshot,
    "snapshot": WallSnapshot,
    "change": WallChange,
    "heartbeat": Heartbeat,
    **OF_SIGNED_IN,
    **ENDINGS,
}
EVERY_STREAM = (
    APPOINTMENT_EVENTS,
    NOTIFICATION_EVENTS,
    HOLD_EVENTS,
    AVAILABILITY_EVENTS,
    VISIT_EVENTS,
    QUEUE_EVENTS,
    WALL_EVENTS,
)


def models_of(events: Events) -> dict[str, tuple[type[BaseModel], ...]]:
    return {name: models if isinstance(models, tuple) else (models,) for name, models in events.items()}


def event_stream(events: Events) -> dict[str, Any]:
    """A response body. OpenAPI 3.1 has no schema for events, so `x-events` names that of each event's data."""
    named = {name: _schema_of(models) for name, models in models_of(events).items()}
    description = "Server-Sent Events. `x-events`: the schema of each event's `data`, by the event's name."
    return {"text/event-stream": {"schema": {"type": "string", "description": description}, "x-events": named}}


def _schema_of(models: tuple[type[BaseModel], ...]) -> dict[str, Any]:
    references = [{"$ref": REF.format(model=model.__name__)} for model in models]
    return references[0] if len(references) == 1 else {"oneOf": references}


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """With the schemas that only `x-events` refers to, and without the framework's own error, which is never sent."""
    models = dict.fromkeys(model for events in EVERY_STREAM for group in models_of(events).values() for model in group)
    _, definitions = models_json_schema([(model, "serialization") for model in models], ref_template=REF)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in definitions["$defs"].items():
        schemas.setdefault(name, schema)
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
    return document
