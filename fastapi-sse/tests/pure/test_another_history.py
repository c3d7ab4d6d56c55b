"""Numbers that have come to mean other events: what stays, what is forgotten, and who keeps which rights."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from clinic_stream.audiences import AppointmentAudience, RecordScope
from clinic_stream.inbox import Inbox
from clinic_stream.live_clinic import LiveClinic
from clinic_stream.state import Dormant
from clinic_stream.viewers import Session, Sessions, Subject

from testkit.stream.rows import NOON, appointment, batch, event, event_id, state

PAULA = 31
EMPTY = Inbox({}, 0, seq=100)
HOLD = event(99, 7, entity="hold")
KNOWN = state([appointment(1)], recent=[HOLD, event(100, 1)])


def test_history_that_continues_needs_no_boundary() -> None:
    clinic = LiveClinic(state([appointment(1)], recent=[HOLD, event(100, 1)]), NOON)
    asyncio.run(clinic.replace(state([appointment(1)], recent=[HOLD, event(100, 1)])))
    assert (clinic.state.knows(event_id(99)), clinic.history) == (True, 0)


def test_history_that_does_not_continue_forgets_its_ids_and_its_inboxes() -> None:
    clinic = LiveClinic(state([appointment(1)], recent=[HOLD, event(100, 1)]), NOON)
    clinic.inbox(PAULA, NOON)
    clinic.take_inbox(PAULA, EMPTY)
    fresh = state([appointment(1)], seq=99, recent=[HOLD])
    fresh.continues = False
    asyncio.run(clinic.replace(fresh))
    assert not clinic.state.knows(event_id(99))
    assert (clinic.history, clinic.unread_inboxes) == (1, [PAULA])


def test_repair_draws_a_boundary_that_later_loads_keep() -> None:
    clinic = LiveClinic(state([appointment(1)], recent=[HOLD, event(100, 1)]), NOON)
    asyncio.run(clinic.replace(state([appointment(1, notes="repaired")], recent=[HOLD, event(100, 1)]), is_repair=True))
    assert not clinic.state.knows(event_id(100))
    asyncio.run(clinic.replace(state(seq=101, recent=[HOLD, event(100, 1), event(101, 1)])))
    assert (clinic.state.knows(event_id(100)), clinic.state.knows(event_id(101))) == (False, True)


def test_head_that_is_behind_is_denied_by_a_mark_that_differs_alone() -> None:
    later = event_id(99, at=NOON + timedelta(seconds=1))
    assert KNOWN.denies(99, later.mark)
    assert not KNOWN.denies(99, event_id(99).mark)
    assert not KNOWN.denies(98, later.mark), "too old to be known"


@pytest.mark.parametrize(("notes", "is_known"), [("internal", True), ("changed without an event", False)])
def test_clinic_that_was_away_at_the_same_number_is_compared(notes: str, is_known: bool) -> None:
    dormant = Dormant.of(KNOWN)
    again = state([appointment(1, notes=notes)], recent=[HOLD, event(100, 1)])
    dormant.draw_boundary_in(again)
    assert again.knows(event_id(100)) is is_known


def test_log_goes_on_after_the_boundary() -> None:
    clinic = state([appointment(1)], recent=[HOLD, event(100, 1)])
    clinic.draw_boundary()
    clinic.apply(batch(event(101, 1), rows=[appointment(1, notes="new")]))
    assert clinic.missed_since(event_id(101), AppointmentAudience(RecordScope(1))) is not None


ACTIVE = Session(1, True, "staff", 1, 2, None, None)


@pytest.mark.parametrize(
    ("known", "found", "stays"),
    [
        (ACTIVE, None, False),
        (ACTIVE, replace(ACTIVE, is_active=False), False),
        (ACTIVE, replace(ACTIVE, token_version=3), False),
        (ACTIVE, replace(ACTIVE, role="owner"), False),
        (ACTIVE, replace(ACTIVE, token_version=1), True),
        (replace(ACTIVE, is_active=False), ACTIVE, True),
        (None, ACTIVE, True),
    ],
    ids=["deleted", "deactivated", "signed out", "another role", "older version", "active again", "there again"],
)
def test_database_that_may_be_late_takes_rights_and_gives_none(
    known: Session | None, found: Session | None, stays: bool
) -> None:
    sessions = Sessions()
    subject = Subject("user", 1)
    sessions.put(subject, known)
    sessions.put_stricter(subject, found)
    assert (sessions._known[subject] == known) is stays
