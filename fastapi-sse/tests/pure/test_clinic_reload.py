"""A fresh state takes the place of a large clinic's own: only differing rows are looked at, and others have turns."""

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from clinic_stream import time_slices
from clinic_stream.appointment import Appointment, VisibilityColumns
from clinic_stream.appointment_topic import AppointmentTopic
from clinic_stream.audiences import AppointmentAudience, RecordScope, RowFilter
from clinic_stream.live_clinic import LiveClinic
from clinic_stream.params import Mode
from clinic_stream.state import ClinicState
from clinic_stream.time_slices import ITEMS_PER_SLICE

from testkit.stream.rows import ANNA, BEN, NOON, PAUL, PETRA, TODAY, appointment, state

ROWS = 4 * ITEMS_PER_SLICE
looked_at: list[int] = []


@pytest.fixture(autouse=True)
def every_part_has_a_turn_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_slices, "SLICE_SECONDS", 0.0)


@dataclass(frozen=True, slots=True)
class CountingAudience(AppointmentAudience):
    """Notes down each row it is asked about."""

    def shows(self, row: VisibilityColumns, today: date) -> bool:
        looked_at.append(row.patient_id)
        return AppointmentAudience.shows(self, row, today)


def rows(**changed_of_first: Any) -> list[Appointment]:
    return [appointment(1, **changed_of_first), *(appointment(n, patient_id=BEN) for n in range(2, ROWS + 1))]


class Waiting:
    """A reader that notes in which turn of the loop it is woken."""

    mode: Mode = "delta"

    def __init__(self, passes: "Passes") -> None:
        self._passes = passes
        self.woken_in: list[int] = []

    def wake(self) -> None:
        self.woken_in.append(self._passes.count)


class Passes:
    """Counts the passes of the loop while something goes on."""

    def __init__(self) -> None:
        self.count = 0

    async def run(self) -> None:
        while True:
            self.count += 1
            await asyncio.sleep(0)


def test_topics_look_at_the_rows_that_differ_and_at_no_others() -> None:
    clinic = LiveClinic(state(rows()), NOON)
    topics = [
        clinic.topic(CountingAudience(RecordScope(1), RowFilter(statuses=frozenset({status}))), NOON)
        for status in ("confirmed", "pending", "cancelled")
    ]
    looked_at.clear()
    asyncio.run(clinic.replace(state(rows(status="cancelled"), seq=200)))
    assert looked_at == [ANNA] * len(topics)
    assert [topic.version for topic in topics] == [1, 0, 1]


def test_days_that_begin_and_end_are_the_only_rows_looked_at_when_nothing_else_differs() -> None:
    days = [appointment(n, day=n % 20) for n in range(200)]
    clinic = LiveClinic(state(days), NOON)
    topic = clinic.topic(CountingAudience(RecordScope(1)), NOON)
    looked_at.clear()
    asyncio.run(clinic.replace(state(days, today=TODAY + timedelta(days=1))))
    assert len(looked_at) == 20
    assert {row.local_date for row in topic.rows.values()} == {TODAY + timedelta(days=n) for n in range(1, 9)}


def test_others_have_a_turn_after_every_part() -> None:
    async def turns_in_a_reload() -> int:
        clinic, passes = LiveClinic(state(rows()), NOON), Passes()
        clinic.topic(AppointmentAudience(RecordScope(1)), NOON)
        running = asyncio.create_task(passes.run())
        await clinic.replace(state([row.changed(notes="new") for row in rows()], seq=200))
        running.cancel()
        return passes.count

    # Compared, looked for among those that are gone, split, prepared for the topic, and let go.
    assert asyncio.run(turns_in_a_reload()) >= 5 * (ROWS // ITEMS_PER_SLICE - 1)


def test_many_topics_are_told_one_in_each_turn() -> None:
    async def turns_of_readers() -> list[list[int]]:
        clinic, passes = LiveClinic(state(rows()), NOON), Passes()
        readers = [Waiting(passes) for _ in range(10)]
        for number, reader in enumerate(readers):
            last = TODAY + timedelta(days=number)
            clinic.topic(AppointmentAudience(RecordScope(1), RowFilter(TODAY, last)), NOON).stragglers.add(reader)
        running = asyncio.create_task(passes.run())
        await clinic.replace(state(rows(notes="new"), seq=200))
        for _ in range(20):
            await asyncio.sleep(0)
        running.cancel()
        return [reader.woken_in for reader in readers]

    woken = asyncio.run(turns_of_readers())
    assert all(len(turns) == 1 for turns in woken)
    assert len({turn for turns in woken for turn in turns}) == len(woken)


def test_frame_of_very_many_changes_is_made_in_turns_before_anybody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def changed() -> ClinicState:
        return state([row.changed(notes="new") for row in rows()[1:]], seq=200)

    clinic, expected = LiveClinic(state(rows()), NOON), LiveClinic(state(rows()), NOON)
    topic, same = (one.topic(AppointmentAudience(RecordScope(1)), NOON) for one in (clinic, expected))
    topic.stragglers.add(Waiting(Passes()))
    asyncio.run(clinic.replace(changed()))
    asyncio.run(expected.replace(changed()))
    whole = same.since(0, "delta", NOON)
    monkeypatch.delattr(AppointmentTopic, "_part")
    assert topic.since(0, "delta", NOON) == whole
    assert len(whole) > ROWS


def test_topic_shows_one_state_or_the_other_while_it_is_replaced() -> None:
    """Also topics that are opened, and families that change, while the state is being replaced."""

    async def seen() -> list[tuple[set[str], set[str]]]:
        clinic = LiveClinic(state(rows()), NOON)
        clinic.topic(AppointmentAudience(RecordScope(1)), NOON)
        replacing = asyncio.create_task(clinic.replace(state([row.changed(notes="new") for row in rows()], seq=200)))
        seen: list[tuple[set[str], set[str]]] = []
        day = 0
        while not replacing.done():
            opened = clinic.topic(
                AppointmentAudience(RecordScope(1), RowFilter(TODAY, TODAY + timedelta(days=day))), NOON
            )
            annas = clinic.topic(
                AppointmentAudience(RecordScope(1, "patient", ANNA)), NOON, family=frozenset({BEN} if day % 2 else ())
            )
            seen.append((notes_of(opened), notes_of(annas)))
            day += day < 20
            await asyncio.sleep(0)
        await replacing
        assert all(notes_of(topic) == {"new"} for topic in clinic.topics.values())
        return seen

    shown = asyncio.run(seen())
    assert all(len(opened) == 1 and opened == annas for opened, annas in shown)


def notes_of(topic: object) -> set[str]:
    assert isinstance(topic, AppointmentTopic)
    return {row.notes for row in topic.rows.values()}


@pytest.mark.parametrize(
    "scope", [RecordScope(1), RecordScope(1, "practitioner", PETRA), RecordScope(1, "patient", ANNA)]
)
def test_reload_leads_to_what_a_topic_on_the_fresh_state_shows(scope: RecordScope) -> None:
    def fresh() -> ClinicState:
        moved = appointment(1, practitioner_id=PAUL), appointment(2, patient_id=BEN), appointment(4, day=3)
        return state([*moved, appointment(5, status="pending", day=20)], seq=200)

    clinic = LiveClinic(state([appointment(1), appointment(2), appointment(3)]), NOON)
    topic = clinic.topic(AppointmentAudience(scope), NOON)
    asyncio.run(clinic.replace(fresh()))
    assert topic.rows == LiveClinic(fresh(), NOON).topic(AppointmentAudience(scope), NOON).rows
