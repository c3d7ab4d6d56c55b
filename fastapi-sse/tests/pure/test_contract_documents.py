"""The documents in shared-config/contract hold both services to one shape. Here: what the stream writes."""

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from clinic_stream import errors, frames
from clinic_stream.appointment import Appointment, View
from clinic_stream.appointment_queries import APPOINTMENTS
from clinic_stream.event_ids import EventId
from clinic_stream.inbox import Inbox, InboxItem

CONTRACT = Path(__file__).parents[3] / "shared-config" / "contract"
INSTANTS = (
    "starts_at",
    "ends_at",
    "attendance_confirmed_at",
    "checked_in_at",
    "arrived_at",
    "called_at",
    "requested_start",
    "created_at",
    "updated_at",
    "blocked_from",
    "blocked_until",
    "deleted_at",
)


def document(name: str) -> Any:
    return json.loads((CONTRACT / f"{name}.json").read_text())


def documented_row() -> Appointment:
    example = document("appointment")
    row = example["row"]
    for name in INSTANTS:
        row[name] = row[name] and datetime.fromisoformat(row[name])
    row["local_date"] = date.fromisoformat(row["local_date"])
    return Appointment(zone=ZoneInfo(example["zone"]), **row)


def data_of(frame: bytes) -> str:
    return frame.decode().split("data: ")[1].strip()


@pytest.mark.parametrize("view", list(View))
def test_row_is_written_as_documented_to_the_byte(view: View) -> None:
    expected = document("appointment")[view.value]
    assert documented_row().encoded(view).decode() == json.dumps(expected, ensure_ascii=False, separators=(",", ":"))


def test_documented_row_has_the_columns_of_the_view() -> None:
    selected = APPOINTMENTS.removeprefix("SELECT ").split(" FROM ")[0].split(", ")
    assert list(document("appointment")["row"]) == selected


def test_snapshot_is_written_as_documented() -> None:
    expected = document("snapshot")
    frame = frames.snapshot(
        [documented_row().encoded(View.STAFF)],
        at=EventId("0123456789abcdef", 3, expected["seq"], 1781000000000000),
        as_of=datetime.fromisoformat(expected["as_of"]),
        named=False,
    )
    assert data_of(frame) == json.dumps(expected, ensure_ascii=False, separators=(",", ":"))


def test_change_is_written_as_documented() -> None:
    expected = document("change")
    at = EventId("0123456789abcdef", 3, expected["seq"], 1781000000000000)
    frame = frames.change([documented_row().encoded(View.STAFF)], expected["removes"], at=at)
    assert data_of(frame) == json.dumps(expected, ensure_ascii=False, separators=(",", ":"))


def documented_inbox() -> Inbox:
    example = document("notification")
    row = {name: value for name, value in example["row"].items() if name != "clinic_id"}
    for name in ("created_at", "read_at"):
        row[name] = row[name] and datetime.fromisoformat(row[name])
    return Inbox.of([InboxItem(**row)], 1, seq=1, zone=ZoneInfo(example["zone"]))


def test_notification_is_written_as_documented_to_the_byte() -> None:
    [row] = documented_inbox().rows.values()
    assert row.decode() == json.dumps(
        document("notification")["notification"], ensure_ascii=False, separators=(",", ":")
    )


def test_documented_notification_has_the_columns_of_the_view() -> None:
    assert list(document("notification")["row"]) == document("live_views")["live_notification"]
    assert [name for name in document("notification")["row"] if name != "clinic_id"] == list(InboxItem._fields)


@pytest.mark.parametrize("kind", ["snapshot", "change"])
def test_notifications_are_told_as_documented(kind: str) -> None:
    expected = document("notification")[kind]
    inbox = documented_inbox()
    at = EventId("0123456789abcdef", 3, expected["seq"], 1781000000000000)
    rows, members = inbox.rows.values(), {"unread_count": inbox.unread_count}
    if kind == "snapshot":
        as_of = datetime.fromisoformat(expected["as_of"])
        frame = frames.snapshot(rows, at=at, as_of=as_of, named=True, of="notifications", members=members)
    else:
        frame = frames.change(rows, expected["removes"], at=at, members=members)
    assert data_of(frame) == json.dumps(expected, ensure_ascii=False, separators=(",", ":"))


PROBLEMS: dict[str, Callable[[], errors.Problem]] = {
    "not_authenticated": errors.not_authenticated,
    "token_not_valid": errors.token_not_valid,
    "not_found": lambda: errors.of_status(404, "GET", {}),
    "method_not_allowed": lambda: errors.of_status(405, "POST", {"Allow": "GET"}),
    "invalid": lambda: errors.invalid("practitioner", "A positive whole number."),
    "service_unavailable": lambda: errors.unavailable(errors.DATABASE_OUT_OF_REACH),
    "error": errors.unexpected,
}


def test_every_documented_error_is_checked() -> None:
    assert set(PROBLEMS) == set(document("error"))


@pytest.mark.parametrize("name", sorted(PROBLEMS))
def test_error_is_written_as_documented(name: str) -> None:
    expected = document("error")[name]
    problem = PROBLEMS[name]()
    assert (problem.status, problem.body()) == (expected["status"], expected["body"])
    assert expected["headers"].items() <= problem.headers.items()
