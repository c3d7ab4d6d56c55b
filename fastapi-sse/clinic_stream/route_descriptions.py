"""Texts and examples of the endpoints, for the OpenAPI document."""

from typing import Any

from fastapi import Depends
from fastapi.security import HTTPBearer
from pydantic import BaseModel

from clinic_stream import errors, event_schemas, schemas

STREAM_DESCRIPTION = """\
Server-Sent Events. The first bytes come at once; every event's id is `<epoch>.<clinic>.<seq>-<mark>`
(opaque to clients), and coming back with it (`Last-Event-ID`, or `last_event_id` in the query) brings only what was
missed. An id that does not stand for a known event any more, as after a failover that lost commits, brings everything.

- `mode=snapshot`: plain `message` events, `{"appointments": [...], "seq", "as_of"}`, at the start and again when what
  this viewer sees has changed: every 250 ms at most, every second above 1 MB. A list of more than 5 MB is 400
  `range_too_large`; of requests beyond the window the nearest 500 come, and `more_pending` says how many there are
  besides. From about 200 appointments on, take `delta`.
- `mode=delta`: one `snapshot` event, then `change` events, `{"upserts": [...], "removes": [ids], "seq"}`.
- `heartbeat` events, `{"seq"}`: they move the cursor, and say that the connection stands.
- control events: `token-expiring`, `expired`, `revoked`, `replaced`, `stale`, `fresh`, `drain`.

Owner and staff see their clinic, practitioners their own list, patients their own appointments without internal notes.
Without `from` and `to`: today and the next 7 days on the clinic's calendar, and everything that waits for
an answer: requests, and moves that patients ask for. A patient: all of their own in the live window (yesterday to 31
days ahead, and what waits).

A browser's `EventSource` can send no header: it takes a ticket of one minute (`POST /api/v1/auth/stream-ticket` of the
REST API) in the address. A ticket opens one stream, a second opening is 401; a reader that comes back with
`Last-Event-ID` may use it as long as the session lasts that it was asked for in. Too many streams, and a service that
stops, answer 200 with `drain`, a `retry` and a clean end, as `EventSource` never comes back after any other status. A
list that takes long to load, or cannot be followed at the moment, opens with `stale`: rows may be old until `fresh`.
204 tells it to stop: the ticket's user has signed out.
"""
AVAILABILITY_DESCRIPTION = """\
Public: what is taken, by appointments and by holds, with the buffers around them, joined where they touch. Not who, not
how many. It is told at the start and again when it has changed, also when a hold expires. Without `from` and `to`:
today and the next 7 days on the clinic's calendar, rolling over at its midnight.

- `practitioner=`: every message is `{"practitioner", "from", "to", "taken": [{"start", "end"}], "seq", "as_of"}`.
- `clinic=` or `service=`: everybody who works there, or offers the service. `{"days": [{"id", "practitioner", "date",
  "taken": [{"start", "end"}]}], "clinic", "service", "from", "to", "practitioners": [ids], "schedule_version", "seq",
  "as_of"}`: a row for each practitioner and day on which something is taken; an interval over midnight stands on both
  days. In `mode=delta`, which booking pages should take, one `snapshot` event, then `change` events, `{"upserts",
  "removes": [ids]}` and all but `days` of the above.

**Open times.** `schedule_version` rises when hours, closures, services or practitioners change. So read open times by
`GET /api/v1/slots` of the REST API, hide those that touch an interval of `taken`, and read them again when
`schedule_version` is another one, or when an interval has left.
"""
NOTIFICATIONS_DESCRIPTION = """\
Own in-app notifications: the newest 50, the newest first, and how many of all are not read yet.

- `mode=snapshot`: plain `message` events, `{"notifications": [...], "unread_count", "seq", "as_of"}`.
- `mode=delta`: one `snapshot` event, then `change` events, `{"upserts": [...], "removes": [ids], "unread_count",
  "seq"}`. What newer ones push out of the 50 is removed, too.

A notification has the fields of `GET /api/v1/notifications`; `POST /api/v1/notifications/{id}/read` of the REST API is
seen here at once. Everything else is as with appointments.
"""
HOLDS_DESCRIPTION = """\
The clinic's live holds: time that is taken while somebody books it, by an offer to the waitlist, or for a moment after
the clinic freed it. For the people who work there: owner and staff see all, a practitioner their own. Not who holds it.

- `mode=snapshot`: plain `message` events, `{"holds": [...], "schedule_version", "seq", "as_of"}`.
- `mode=delta`: one `snapshot` event, then `change` events, `{"upserts": [...], "removes": [ids], "schedule_version",
  "seq"}`.

`schedule_version` rises when hours, closures, services or practitioners change: read the calendar again.

A hold leaves when it is booked, released or past its `expires_at`. The kind of a hold, and the recipient of an offer,
are in `GET /api/v1/calendar/day`. Everything else is as with appointments.
"""
VISIT_DESCRIPTION = """\
One visit, for whoever has its reference: `{"appointments": [one], "ahead", "number", "seq", "as_of"}`, wherever in time
it is. As the link may have been forwarded, nothing says whom it is for. A deleted visit is `cancelled`. It comes at the
start and again when it has changed; with `mode=delta` under the name `snapshot`.

The ticket is of `POST /api/v1/public/bookings/{reference}/stream-ticket` of the REST API. With another reference of the
visit the stream ends with `revoked` within a second, and the ticket answers 204. `expired` comes after twelve hours, or
when the service says so: ask for another ticket. Everything else is as with appointments.
"""
QUEUE_DESCRIPTION = """\
Of the visit stream the place in the line alone: `{"ahead", "number", "seq", "as_of"}`, no names and no times.
"""
WALL_DESCRIPTION = """\
Today on a wall, for a device of the clinic alone; its owner creates and revokes it (`/api/v1/devices` of the REST API).

- `team`: the day of everybody, without notes, alerts and contact data.
- `waiting_room`: those who are here and not done: first name and initial, or the number of the arrival; since when they
  wait, whether they are called, and where to.

`mode=snapshot`: `{"visits": [...], "kind", "date", "seq", "as_of"}`; `mode=delta`: one `snapshot` event, then `change`
events. The ticket is of `POST /api/v1/devices/ticket`. A revoked device is told `revoked` within a second, and its
ticket answers 204. Everything else is as with appointments.
"""
EXAMPLE_ERROR = {"type": "client_error", "errors": [{"code": "not_authenticated", "detail": "…", "attr": None}]}
EXAMPLE_CONNECTION = {
    "id": "5f2b7c0e-17",
    "user_id": 14,
    "name": "Dr. Petra Lang",
    "role": "practitioner",
    "stream": "appointments",
    "mode": "delta",
    "opened_at": "2026-11-20T11:00:00.000+00:00",
    "expires_at": "2026-11-20T11:05:00+00:00",
    "last_id": "0123456789abcdef.3.42",
    "lag_seconds": 0.0,
}
EXAMPLE_CONNECTIONS = {"count": 1, "next": None, "previous": None, "results": [EXAMPLE_CONNECTION]}
EXAMPLE_RENEWAL = {"id": "5f2b7c0e-17", "expires_at": "2026-11-20T11:10:00+00:00", "expires_in": 300}


def error_answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    content = {"application/json": {"example": EXAMPLE_ERROR}}
    return {
        status: {"description": errors.MEANINGS[status], "model": schemas.ErrorAnswer, "content": content}
        for status in statuses
    }


def answer_of(description: str, model: type[BaseModel], example: Any = None) -> dict[int | str, dict[str, Any]]:
    content = {} if example is None else {"application/json": {"example": example}}
    return {200: {"description": description, "model": model, "content": content}}


def stream_of(events: event_schemas.Events) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": "The stream.", "content": event_schemas.event_stream(events)}}


# Only tells the documentation of the header; `access` reads it, and answers in the one shape.
documented_bearer = Depends(HTTPBearer(auto_error=False))


def in_query(**described: str) -> dict[str, Any]:
    """Only tells the documentation: a stream reads its address itself, which halves what it costs to connect."""
    return {
        "parameters": [
            {"name": name.rstrip("_"), "in": "query", "description": text, "schema": {"type": "string"}}
            for name, text in described.items()
        ]
    }


BEARER: dict[str, Any] = {"security": [{"HTTPBearer": []}]}
DAYS = {"from_": "first date, as 2026-11-20", "to": "last date, 31 days from the first at most"}
TICKET = {"ticket": "instead of the Authorization header"}
LAST_ID = {"last_event_id": "where to go on, also as lastEventId; the header Last-Event-ID wins"}
