import json
from datetime import UTC, datetime

import pytest
from clinic_stream import frames
from clinic_stream.appointment import View
from clinic_stream.event_ids import EventId
from hypothesis import given
from hypothesis import strategies as st

from testkit.stream.rows import NOON, appointment

AT = EventId("0123456789abcdef", 7, 42, 1781000000000000)


def test_heartbeat_is_a_named_event_with_id_and_json() -> None:
    expected = b'id: 0123456789abcdef.7.42-1781000000000000\nevent: heartbeat\ndata: {"seq":42}\n\n'
    assert frames.heartbeat(AT) == expected


def test_stream_opens_with_the_retry_time_as_the_first_line_of_its_first_event() -> None:
    assert {frames.OPENINGS[0], frames.OPENINGS[-1]} == {b"retry: 1500\n", b"retry: 3000\n"}


def test_snapshot_is_a_plain_message_in_snapshot_mode_and_named_in_delta_mode() -> None:
    plain = frames.snapshot([], at=AT, as_of=NOON, named=False)
    named = frames.snapshot([], at=AT, as_of=NOON, named=True)
    body = b'data: {"appointments":[],"seq":42,"as_of":"2026-11-20T11:00:00.000+00:00"}\n\n'
    assert plain == b"id: 0123456789abcdef.7.42-1781000000000000\n" + body
    assert named == b"id: 0123456789abcdef.7.42-1781000000000000\nevent: snapshot\n" + body


def test_change_names_rows_and_removed_ids() -> None:
    frame = frames.change([b'{"id":1}'], [3, 4], at=AT)
    assert frame == (
        b"id: 0123456789abcdef.7.42-1781000000000000\nevent: change\n"
        b'data: {"upserts":[{"id":1}],"removes":[3,4],"seq":42}\n\n'
    )


@pytest.mark.parametrize("frame", [frames.EXPIRED, frames.REPLACED, frames.drain(1234), frames.overloaded(9)])
def test_goodbye_that_invites_back_says_when(frame: bytes) -> None:
    assert "\nretry: " in frame.decode()


@pytest.mark.parametrize("frame", [frames.REVOKED, frames.STALE, frames.FRESH, frames.token_expiring(30, "0-1")])
def test_other_control_events_do_not(frame: bytes) -> None:
    assert "retry: " not in frame.decode()


@pytest.mark.parametrize(
    "frame",
    [
        frames.EXPIRED,
        frames.REVOKED,
        frames.REPLACED,
        frames.STALE,
        frames.FRESH,
        frames.drain(500),
        frames.token_expiring(9.6, "0-1"),
    ],
)
def test_control_event_has_a_name_and_json_and_leaves_the_cursor_alone(frame: bytes) -> None:
    lines = dict(line.split(": ", 1) for line in frame.decode().strip().split("\n"))
    assert lines["event"]
    assert isinstance(json.loads(lines["data"]), dict)
    assert "id" not in lines
    assert frame.endswith(b"\n\n")


@given(st.text(), st.text())
def test_no_text_can_break_out_of_its_event(name: str, notes: str) -> None:
    row = appointment(
        1, patient_name=name.encode(errors="replace").decode(), notes=notes.encode(errors="replace").decode()
    )
    frame = frames.change([row.encoded(View.STAFF)], [], at=AT)
    assert frame.count(b"\n") == 4
    assert "\r" not in frame.decode()
    [upsert] = json.loads(frame.split(b"data: ")[1])["upserts"]
    assert (upsert["patient_name"], upsert["notes"]) == (row.patient_name, row.notes)


def test_instants_are_utc() -> None:
    frame = frames.snapshot([], at=AT, as_of=datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC), named=False)
    assert '"as_of":"2026-01-02T03:04:05.678+00:00"' in frame.decode()
