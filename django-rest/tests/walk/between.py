"""Rules between the moment before a write and the moment after it."""

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from clinic.appointments.lifecycle import CORRECT, DELETE, TRANSITIONS, UNDO, Action, Status
from clinic.appointments.models import Source
from clinic.changefeed.models import RealtimeEvent

from .given_time import check_given_time, check_nobody_was_forgotten
from .state import Row, Rows, State, changed

if TYPE_CHECKING:
    from .walk import Walk

ACCOUNTS = 0  # The head that every clinic's accounts have.
# Told in another way than by the appointment's own history.
NOT_TOLD = {"local_date", "utc_offset_minutes"}  # They follow the start and the clinic's zone.
RIGHT_TO_SEE = ("is_active", "role", "clinic_id", "token_version")
SHOWN_OF = {
    "patient": ("name", "email", "phone", "alert"),
    "practitioner": ("name",),
    "service": ("name", "color"),
}

Kinds = dict[tuple[str, int], list[str]]


def check_what_a_service_did(walk: "Walk", before: State, *, names_a_service: bool = False) -> None:
    _check_feed(walk, before)
    _check_history(walk, before)
    _check_records(before, walk.state)
    if not names_a_service:
        _check_lengths(before, walk.state)
    check_given_time(walk, before)
    check_nobody_was_forgotten(walk, before)


def check_what_sql_did(walk: "Walk", before: State) -> None:
    assert walk.state.told == before.told
    _check_feed(walk, before)


def _check_feed(walk: "Walk", before: State) -> None:
    """I5: one number after the other, and each change is named. The other clinic has nothing to do with it."""
    after = walk.state
    assert after.heads[walk.world.hillside.pk] == before.heads[walk.world.hillside.pk]
    named = _named_since(before, after, walk.world.clinic.pk) | _named_since(before, after, ACCOUNTS)
    for entity, was, now in (
        ("appointment", before.appointments, after.appointments),
        ("hold", before.holds, after.holds),
    ):
        for row_id in changed(was, now):
            kinds = named.get((entity, row_id))
            assert kinds, f"{entity} {row_id} changed without an event"
            assert (kinds[0] == "insert") is (row_id not in was)
            assert (kinds[-1] == "delete") is (row_id not in now)
    _check_refreshes(before, after, named)
    _check_sessions(before, after, named)


def _named_since(before: State, after: State, clinic_id: int) -> Kinds:
    first, last = before.heads[clinic_id] + 1, after.heads[clinic_id]
    events = list(RealtimeEvent.objects.filter(clinic_id=clinic_id, seq__gte=first).order_by("seq"))
    assert [event.seq for event in events] == list(range(first, last + 1))
    named: Kinds = defaultdict(list)
    for event in events:
        named[event.entity, event.entity_id].append(event.kind)
    return named


def _check_refreshes(before: State, after: State, named: Kinds) -> None:
    """Check that the streams are told when a person's part of snapshots changes."""
    for entity, was, now in (
        ("patient", before.patients, after.patients),
        ("practitioner", before.practitioners, after.practitioners),
        ("service", before.services, after.services),
    ):
        for row_id in was.keys() & now.keys():
            if _differs(was[row_id], now[row_id], *SHOWN_OF[entity]):
                assert "refresh" in named.get((entity, row_id), []), f"{entity} {row_id} was renamed without an event"


def _check_sessions(before: State, after: State, named: Kinds) -> None:
    """Check that the streams are told when an account may see more or less than before."""
    concerned = {
        user_id
        for user_id in before.users.keys() & after.users.keys()
        if _differs(before.users[user_id], after.users[user_id], *RIGHT_TO_SEE)
    }
    for was, now, columns in (
        (before.practitioners, after.practitioners, ("user_id", "active")),
        (before.patients, after.patients, ("user_id",)),
    ):
        for row_id in was.keys() & now.keys():
            if _differs(was[row_id], now[row_id], *columns):
                concerned |= {was[row_id]["user_id"], now[row_id]["user_id"]} - {None}
    for link_id in changed(before.family, after.family):
        concerned.add((after.family.get(link_id) or before.family[link_id])["user_id"])
    for user_id in concerned:
        assert "session" in named.get(("user", user_id), []), f"what user {user_id} may see changed without an event"


def _differs(one: Row, other: Row, *columns: str) -> bool:
    return any(one[column] != other[column] for column in columns)


def _check_history(walk: "Walk", before: State) -> None:
    """I3 and I4: a changed row has its lines of history, an unchanged one has none, and each line is a step of the
    lifecycle."""
    after = walk.state
    for row_id, lines in before.told.items():
        assert after.told[row_id][: len(lines)] == lines, "history was rewritten"
    for row_id in before.appointments.keys() | after.appointments.keys():
        was, now = before.appointments.get(row_id), after.appointments.get(row_id)
        new_lines = after.told.get(row_id, [])[len(before.told.get(row_id, [])) :]
        if _told_part(was) == _told_part(now):
            assert not new_lines
            continue
        assert new_lines, f"appointment {row_id} changed without history"
        _check_lines(was, now, new_lines)
        walk.done.update(line["action"] for line in new_lines)
        if was is None and now and now["source"] in (Source.GUEST, Source.WAITLIST):
            walk.done[f"create by {now['source']}"] += 1


def _check_records(before: State, after: State) -> None:
    """I7: a record gets or loses an account, or becomes part of another, only with a line in its history; a visit
    follows its record alone."""
    lines = [row for row_id, row in after.told_of_patients.items() if row_id not in before.told_of_patients]
    merged = {line["patient_id"]: line["other_patient_id"] for line in lines if line["action"] == "merge"}
    for row_id, was in before.patients.items():
        now = after.patients.get(row_id)
        if now is None:
            assert merged[row_id] in after.patients, f"record {row_id} is gone without history"
        elif now["user_id"] != was["user_id"]:
            assert row_id in {line["patient_id"] for line in lines}, f"record {row_id} changed its account"
            assert was["user_id"] is None or now["user_id"] is None, "one account was exchanged for another"
    for link_id in changed(before.family, after.family):
        link = after.family.get(link_id) or before.family[link_id]
        assert link["user_id"] in {line["account_id"] for line in lines} or link["patient_id"] in merged.values()
    for was, now in _pairs(before.appointments, after.appointments):
        if now["patient_id"] != was["patient_id"]:
            assert was["patient_id"] not in after.patients
            assert now["patient_id"] == merged[was["patient_id"]]


def _told_part(row: Row | None) -> Row | None:
    return row and {name: value for name, value in row.items() if name not in NOT_TOLD}


def _check_lines(was: Row | None, now: Row | None, lines: list[Row]) -> None:
    assert (lines[0]["from_status"] or None) == (was and was["status"])
    assert (lines[-1]["to_status"] or None) == (now and now["status"])
    assert lines[0]["from_starts_at"] == (was and was["starts_at"])
    assert lines[-1]["to_starts_at"] == (now and now["starts_at"])
    if was and now:
        assert now["version"] == was["version"] + len(lines)
    for line in lines:
        _check_step(line)


def _check_step(line: Row) -> None:
    source, target = line["from_status"], line["to_status"]
    if not source:
        assert (line["action"], target) in {("create", "pending"), ("create", "confirmed")}
    elif line["action"] == UNDO:
        assert source != target or line["former"]
    elif line["action"] == CORRECT:
        assert source != target
    elif line["action"] == DELETE:
        assert target == Status.CANCELLED
        assert line["snapshot"]["deleted_at"]
    elif source != target:
        transition = TRANSITIONS[Action(line["action"])]
        assert source in transition.sources
        assert target == transition.target


def _check_lengths(before: State, after: State) -> None:
    """A booked visit keeps its length and buffers, whatever the service is changed to. Unless it is booked anew as
    another service."""
    for was, now in _pairs(before.appointments, after.appointments):
        assert _lengths(now) == _lengths(was), f"appointment {now['id']} is longer or shorter than it was"


def _lengths(row: Row) -> tuple[object, object, object]:
    return (
        row["ends_at"] - row["starts_at"],
        row["starts_at"] - row["blocked_from"],
        row["blocked_until"] - row["ends_at"],
    )


def _pairs(before: Rows, after: Rows) -> Iterator[tuple[Row, Row]]:
    return ((before[row_id], after[row_id]) for row_id in before.keys() & after.keys())
