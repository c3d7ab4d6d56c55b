"""Whatever is written, in whatever order, by whomever: what must hold, holds after each write.

A walk books, decides, moves, deletes, holds, changes hours, people and the zone through the services, and writes around
them with SQL. After each step it compares the database with the moment before: nothing overlaps (I1), a refusal has
changed nothing, every change of a row has its line of history (I3, I4) and its numbered event (I5), and the statistics
add up. The days lie around the last Sunday of March 2027, when Berlin's clocks go forward. A walk that fails tells
its seed; WALK_SEED takes it again.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import count, pairwise
from random import Random, randrange
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.actor import Actor
from clinic.appointments.lifecycle import ACTIVE_STATUSES, TRANSITIONS, Action, Status
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.appointments.recurrence import Frequency, Rule
from clinic.appointments.services.booking import Booking, Edit, book_appointment, edit_appointment
from clinic.appointments.services.clinics import edit_clinic
from clinic.appointments.services.decisions import change_status, delete_appointment, set_status
from clinic.appointments.services.practitioners import Fate, edit_practitioner
from clinic.appointments.services.schedules import NewAvailability, create_exception, replace_availability
from clinic.appointments.services.series import OnConflict, SeriesBooking, book_series
from clinic.appointments.services.series_changes import Scope, Selection, SeriesEdit, cancel_series, edit_series
from clinic.appointments.statistics import Period, StatisticsFilter, statistics_for, total_of
from clinic.changefeed.models import RealtimeEvent, StreamHead
from clinic.common.errors import ChairsideError
from clinic.common.instants import local_date_of, zone_of
from clinic.scheduling.models import ClaimedCell, Clinic, Hold, Practitioner
from clinic.scheduling.queries import open_slots_of
from clinic.scheduling.services import is_overlap, release_expired_holds
from django.db import IntegrityError, connection, transaction

from .conftest import World, fresh

THURSDAY = date(2027, 3, 25)
ACTIVE = {status.value for status in ACTIVE_STATUSES}
CELL = timedelta(minutes=5)
# A name that is told in another way than by the appointment's own history.
NOT_TOLD = {"local_date"}
EVERYBODY = ("olga", "sam", "petra", "quentin", "paula", "pete")

Row = dict[str, Any]


@dataclass(frozen=True)
class State:
    """Everything the invariants speak of, as it stands in the database."""

    appointments: dict[int, Row]
    holds: dict[int, Row]
    told: dict[int, list[Row]]
    heads: dict[int, int]
    cells: set[tuple[int, datetime, int | None, int | None]]

    @classmethod
    def read(cls) -> "State":
        told: dict[int, list[Row]] = defaultdict(list)
        for event in AppointmentEvent.objects.order_by("id").values():
            told[event["appointment_id"]].append(dict(event))
        return cls(
            appointments={row["id"]: dict(row) for row in Appointment.objects.values()},
            holds={row["id"]: dict(row) for row in Hold.objects.values()},
            told=dict(told),
            heads=dict(StreamHead.objects.values_list("clinic_id", "seq")),
            cells=set(ClaimedCell.objects.values_list("practitioner_id", "starts_at", "appointment_id", "hold_id")),
        )

    def claims(self) -> list[tuple[int, datetime, datetime, int | None, int | None]]:
        """Who blocks what: active appointments, and holds until they are removed."""
        active = [row for row in self.appointments.values() if row["status"] in ACTIVE]
        return sorted(
            [(row["practitioner_id"], row["blocked_from"], row["blocked_until"], row["id"], None) for row in active]
            + [
                (row["practitioner_id"], row["blocked_from"], row["blocked_until"], None, row["id"])
                for row in self.holds.values()
            ],
            key=lambda claim: claim[:3],
        )


def changed(before: dict[int, Row], after: dict[int, Row]) -> set[int]:
    return {row_id for row_id in before.keys() | after.keys() if before.get(row_id) != after.get(row_id)}


Write = Callable[[], None]


class Walk:
    """One random sequence of writes in one clinic. `step` takes one and checks everything."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.random = world, Random(seed)
        self.now = datetime.combine(THURSDAY, time(6), UTC)
        self.around: set[int] = set()  # Written around the services: their history does not tell everything.
        self.done: Counter[str] = Counter()
        self.numbers = count()
        Clinic.objects.filter(pk=world.clinic.pk).update(notice_minutes=0, cancellation_notice_minutes=60)
        self.state = State.read()
        self.writes: dict[Write, int] = {
            self.book: 24,
            self.decide: 10,
            self.decide_on_its_day: 4,
            self.set_a_status: 3,
            self.move: 8,
            self.delete: 1,
            self.book_a_series: 2,
            self.change_a_series: 2,
            self.cancel_a_series: 1,
            self.leave: 1,
            self.come_back: 8,
            self.work_other_hours: 2,
            self.close_a_day: 1,
            self.live_in_another_zone: 1,
            self.let_time_pass: 1,
            self.send_the_worker: 2,
            self.hold: 6,
            self.release: 2,
            self.update_a_status_in_sql: 3,
            self.update_a_day_in_bulk: 1,
            self.update_a_time_in_sql: 3,
            self.insert_a_copy: 3,
            self.delete_in_sql: 1,
        }

    def step(self) -> None:
        [write] = self.random.choices(list(self.writes), list(self.writes.values()))
        write()
        self.nothing_overlaps_and_the_cells_say_what_is_claimed()
        self.the_history_tells_every_status()
        self.what_was_deleted_can_still_be_told()
        self.every_date_is_the_clinics()

    # Who and what

    def user(self, *names: str) -> User:
        return fresh(getattr(self.world, self.random.choice(names or EVERYBODY)))

    def actor(self, *names: str) -> Actor:
        """Mostly somebody who may; now and then anybody."""
        return Actor.by_user(self.user(*(names if names and self.perhaps(0.8) else EVERYBODY)))

    def practitioner(self) -> Practitioner:
        return self.random.choice(list(Practitioner.objects.filter(clinic=self.world.clinic).order_by("pk")))

    def clinic(self) -> Clinic:
        return Clinic.objects.get(pk=self.world.clinic.pk)

    def appointment_id(self) -> int:
        """0 where there is none: not found."""
        return self.random.choice(sorted(self.state.appointments) or [0])

    def start(self) -> datetime:
        """Few hours of few days, so that people get into each other's way."""
        today = max(self.now.date(), THURSDAY)
        cells = self.random.choice([self.random.randrange(0, 48, 6), self.random.randrange(48)])
        return datetime.combine(today + timedelta(days=self.random.randint(0, 3)), time(7), UTC) + cells * CELL

    def perhaps(self, chance: float) -> bool:
        return self.random.random() < chance

    def service(self, write: Callable[[], object]) -> None:
        """A write through a service: it happens as a whole, told and numbered, or it is refused and nothing has."""
        before, refused = self.state, False
        try:
            write()
        except ChairsideError as error:
            refused = True
            self.done[error.code] += 1
        self.state = State.read()
        if refused:
            assert self.state == before
        self.check_numbers(before)
        self.check_history(before)

    def around_services(self, write: Callable[[], object]) -> None:
        """A write that asks nobody. The database refuses what overlaps, and the feed sees the rest."""
        before = self.state
        try:
            with transaction.atomic():
                write()
        except IntegrityError as error:
            if not is_overlap(error):
                raise
            self.done["refused by the database"] += 1
        self.state = State.read()
        self.around |= changed(before.appointments, self.state.appointments)
        assert self.state.told == before.told
        self.check_numbers(before)

    # Through the services

    def book(self) -> None:
        patient = self.user("paula", "pete")
        booking = Booking(
            patient_id=patient.patient.pk,
            practitioner_id=self.practitioner().pk,
            start=self.start(),
            service_id=self.random.choice([None, self.world.check_up.pk]),
            outside_hours=self.perhaps(0.5),
        )
        actor = Actor.by_user(patient) if self.perhaps(0.4) else self.actor("olga", "sam")
        self.service(lambda: book_appointment(actor=actor, clinic=self.clinic(), booking=booking, now=self.now))

    def decide(self) -> None:
        actor, appointment_id = self.actor("olga", "sam"), self.appointment_id()
        status = self.state.appointments[appointment_id]["status"] if appointment_id else None
        possible = [action for action, transition in TRANSITIONS.items() if status in transition.sources]
        action = self.random.choice(possible if possible and self.perhaps(0.8) else list(Action))
        self.service(
            lambda: change_status(
                actor=actor, appointment_id=appointment_id, action=action, now=self.now, reason="because"
            )
        )

    def decide_on_its_day(self) -> None:
        """The clock moves to just after the start, where most of the lifecycle takes place."""
        actor, appointment_id = self.actor("olga", "sam"), self.appointment_id()
        action = self.random.choice([Action.CHECK_IN, Action.COMPLETE, Action.NO_SHOW, Action.REOPEN])
        if appointment_id:
            starts_at = self.state.appointments[appointment_id]["starts_at"]
            if starts_at - self.now < timedelta(days=1):
                self.now = max(self.now, starts_at + timedelta(minutes=5))
        self.service(lambda: change_status(actor=actor, appointment_id=appointment_id, action=action, now=self.now))

    def set_a_status(self) -> None:
        actor, appointment_id, status = (
            self.actor("olga", "sam"),
            self.appointment_id(),
            self.random.choice(list(Status)),
        )
        self.service(lambda: set_status(actor=actor, appointment_id=appointment_id, status=status, now=self.now))

    def move(self) -> None:
        actor, appointment_id, before = self.actor("olga", "sam"), self.appointment_id(), self.state
        edit = Edit(
            start=self.start() if self.perhaps(0.8) else None,
            practitioner_id=self.practitioner().pk if self.perhaps(0.3) else None,
            notes=f"edit {next(self.numbers)}",
            outside_hours=self.perhaps(0.5),
        )
        newest = before.appointments[appointment_id]["version"] if appointment_id else 1
        seen = self.random.choice([None, newest, newest - 1 or None])
        self.service(
            lambda: edit_appointment(actor=actor, appointment_id=appointment_id, edit=edit, now=self.now, version=seen)
        )
        if seen is not None and seen < newest:
            assert self.state == before, "I4: somebody overwrote a version they had not seen"

    def delete(self) -> None:
        actor, appointment_id = self.actor("olga", "sam"), self.appointment_id()
        self.service(lambda: delete_appointment(actor=actor, appointment_id=appointment_id, now=self.now))

    def book_a_series(self) -> None:
        start = self.start().astimezone(zone_of(self.clinic().timezone))
        booking = SeriesBooking(
            patient_id=self.user("paula", "pete").patient.pk,
            practitioner_id=self.practitioner().pk,
            first_date=start.date(),
            start_local=start.time(),
            rule=Rule(Frequency.WEEKLY, count=self.random.randint(2, 4), weekdays=tuple(range(7))),
            outside_hours=self.perhaps(0.7),
        )
        actor, on_conflict = self.actor("olga", "sam"), self.random.choice(list(OnConflict))
        self.service(
            lambda: book_series(
                actor=actor, clinic=self.clinic(), booking=booking, on_conflict=on_conflict, now=self.now
            )
        )

    def change_a_series(self) -> None:
        actor, series_id = self.actor("olga", "sam"), self.series_id()
        edit = SeriesEdit(start_local=time(self.random.randint(7, 12)), notes="later", outside_hours=self.perhaps(0.7))
        self.service(
            lambda: edit_series(
                actor=actor, series_id=series_id, selection=Selection(Scope.ALL), edit=edit, now=self.now
            )
        )

    def cancel_a_series(self) -> None:
        actor, series_id, day = self.actor("olga", "sam"), self.series_id(), self.start().date()
        selection = self.random.choice([Selection(Scope.ALL), Selection(Scope.FOLLOWING, from_date=day)])
        self.service(lambda: cancel_series(actor=actor, series_id=series_id, selection=selection, now=self.now))

    def series_id(self) -> int:
        ids: set[int] = {row["series_id"] for row in self.state.appointments.values() if row["series_id"] is not None}
        return self.random.choice(sorted(ids) or [0])

    def leave(self) -> None:
        fates = {
            "cancel": Fate("cancel"),
            "keep": Fate("keep"),
            "move": Fate("move", move_to=self.practitioner().pk, outside_hours=self.perhaps(0.8)),
            "nothing": None,
        }
        actor = Actor.by_user(self.user("olga"))
        fate, leaving = fates[self.random.choice(list(fates))], self.practitioner().pk
        self.service(
            lambda: edit_practitioner(
                actor=actor, practitioner_id=leaving, changes={"active": False}, fate=fate, now=self.now
            )
        )

    def come_back(self) -> None:
        actor = Actor.by_user(self.user("olga"))
        for practitioner_id in Practitioner.objects.filter(active=False).values_list("pk", flat=True):
            self.service(
                partial(
                    edit_practitioner,
                    actor=actor,
                    practitioner_id=practitioner_id,
                    changes={"active": True},
                    now=self.now,
                )
            )

    def work_other_hours(self) -> None:
        first, last = time(self.random.randint(6, 10)), time(self.random.randint(12, 20))
        blocks = [{"weekday": day, "start_local": first, "end_local": last} for day in range(7)]
        practitioner_id, force = self.practitioner().pk, self.perhaps(0.5)
        self.service(
            lambda: replace_availability(
                user=self.user("sam"),
                practitioner_id=practitioner_id,
                new=NewAvailability(blocks),
                now=self.now,
                force=force,
            )
        )

    def close_a_day(self) -> None:
        day = self.start().date()
        practitioner_id, force = self.random.choice([None, self.practitioner().pk]), self.perhaps(0.5)
        self.service(
            lambda: create_exception(
                user=self.user("olga"),
                practitioner_id=practitioner_id,
                fields={"start_date": day, "end_date": day},
                now=self.now,
                force=force,
            )
        )

    def live_in_another_zone(self) -> None:
        zone, force = self.random.choice(["Europe/Berlin", "Pacific/Honolulu"]), self.perhaps(0.5)
        self.service(
            lambda: edit_clinic(owner=self.user("olga"), changes={"timezone": zone}, now=self.now, force=force)
        )

    def send_the_worker(self) -> None:
        self.service(lambda: release_expired_holds(now=self.now))

    def let_time_pass(self) -> None:
        self.now += timedelta(hours=self.random.randint(1, 12))

    # Around the services

    def hold(self) -> None:
        start = self.start()
        end = start + timedelta(minutes=self.random.choice([30, 45]))
        row = Hold(
            clinic=self.world.clinic,
            practitioner=self.practitioner(),
            token=f"hold {next(self.numbers)}",
            starts_at=start,
            ends_at=end,
            blocked_from=start,
            blocked_until=end,
            expires_at=self.now + timedelta(minutes=5),
            created_at=self.now,
        )
        self.around_services(row.save)

    def release(self) -> None:
        hold_id = self.random.choice(sorted(self.state.holds) or [0])
        self.around_services(Hold.objects.filter(pk=hold_id).delete)

    def update_a_status_in_sql(self) -> None:
        status = self.random.choice(list(Status))
        self.sql("UPDATE appointment SET status = %s WHERE id = %s", status.value, self.appointment_id())

    def update_a_day_in_bulk(self) -> None:
        rows = Appointment.objects.filter(local_date=self.start().date())
        status = self.random.choice([Status.CANCELLED, Status.CONFIRMED])
        self.around_services(lambda: rows.update(status=status))

    def update_a_time_in_sql(self) -> None:
        appointment_id, cells = self.appointment_id(), self.random.randint(-12, 12)
        if appointment_id:
            start = self.state.appointments[appointment_id]["starts_at"] + cells * CELL
            columns = ("starts_at", "ends_at", "blocked_from", "blocked_until")
            moved = ", ".join(f"{column} = {column} + INTERVAL {cells * 5} MINUTE" for column in columns)
            day = local_date_of(start, zone_of(self.clinic().timezone))
            self.sql(f"UPDATE appointment SET {moved}, local_date = %s WHERE id = %s", day, appointment_id)  # noqa: S608

    def insert_a_copy(self) -> None:
        row = Appointment.objects.filter(pk=self.appointment_id()).first()
        if row is not None:
            row.pk, row.status, row.practitioner = None, Status.CONFIRMED, self.practitioner()
            self.around_services(row.save)

    def delete_in_sql(self) -> None:
        self.sql("DELETE FROM appointment WHERE id = %s", self.appointment_id())

    def sql(self, statement: str, *values: int | str | date) -> None:
        def write() -> None:
            with connection.cursor() as cursor:
                cursor.execute(statement, values)

        self.around_services(write)

    # What holds between two moments

    def check_numbers(self, before: State) -> None:
        """I5: one number after the other, and each changed row is named. The other clinic has nothing to do with it."""
        after = self.state
        clinic_id = self.world.clinic.pk
        assert after.heads[self.world.hillside.pk] == before.heads[self.world.hillside.pk]
        events = list(
            RealtimeEvent.objects.filter(clinic_id=clinic_id, seq__gt=before.heads[clinic_id]).order_by("seq")
        )
        first = before.heads[clinic_id] + 1
        assert [event.seq for event in events] == list(range(first, after.heads[clinic_id] + 1))
        named = defaultdict(list)
        for event in events:
            named[event.entity, event.entity_id].append(event.kind)
        for entity, was, now in (
            ("appointment", before.appointments, after.appointments),
            ("hold", before.holds, after.holds),
        ):
            for row_id in changed(was, now):
                kinds = named[entity, row_id]
                assert kinds, f"{entity} {row_id} changed without an event"
                assert (kinds[0] == "insert") is (row_id not in was)
                assert (kinds[-1] == "delete") is (row_id not in now)

    def check_history(self, before: State) -> None:
        """I3 and I4: a changed row has its lines of history, an unchanged one has none, and each line is a step of the
        lifecycle."""
        after = self.state
        assert {row_id: lines[: len(before.told.get(row_id, []))] for row_id, lines in after.told.items()}.items() >= (
            before.told.items()
        ), "history was rewritten"
        for row_id in before.appointments.keys() | after.appointments.keys():
            was, now = before.appointments.get(row_id), after.appointments.get(row_id)
            new_lines = after.told.get(row_id, [])[len(before.told.get(row_id, [])) :]
            if self.shown(was) == self.shown(now):
                assert not new_lines
                continue
            assert new_lines, f"appointment {row_id} changed without history"
            assert (new_lines[0]["from_status"] or None) == (was and was["status"])
            assert (new_lines[-1]["to_status"] or None) == (now and now["status"])
            assert new_lines[0]["from_starts_at"] == (was and was["starts_at"])
            assert new_lines[-1]["to_starts_at"] == (now and now["starts_at"])
            if was and now:
                assert now["version"] == was["version"] + len(new_lines)
            for line in new_lines:
                self.check_step(line)

    @staticmethod
    def shown(row: Row | None) -> Row | None:
        return row and {name: value for name, value in row.items() if name not in NOT_TOLD}

    def check_step(self, line: Row) -> None:
        source, target = line["from_status"], line["to_status"]
        self.done[line["action"]] += 1
        if not source:
            assert (line["action"], target) in {("create", "pending"), ("create", "confirmed")}
        elif not target:
            assert line["action"] == "delete"
        elif source != target:
            transition = TRANSITIONS[Action(line["action"])]
            assert source in transition.sources
            assert target == transition.target

    # What holds at every moment

    def nothing_overlaps_and_the_cells_say_what_is_claimed(self) -> None:
        claims = self.state.claims()
        for one, other in pairwise(claims):
            assert one[0] != other[0] or one[2] <= other[1], f"I1: {one} and {other} overlap"
        cells = {
            (practitioner_id, start + number * CELL, appointment_id, hold_id)
            for practitioner_id, start, end, appointment_id, hold_id in claims
            for number in range((end - start) // CELL)
        }
        assert self.state.cells == cells

    def the_history_tells_every_status(self) -> None:
        for row_id, row in self.state.appointments.items():
            if row_id in self.around:
                continue
            lines = self.state.told[row_id]
            assert lines[0]["action"] == "create"
            assert lines[-1]["to_status"] == row["status"]
            assert lines[-1]["to_starts_at"] == row["starts_at"]
            assert len(lines) == row["version"]
            for earlier, later in pairwise(lines):
                assert later["from_status"] == earlier["to_status"]
                assert later["from_starts_at"] == earlier["to_starts_at"]

    def what_was_deleted_can_still_be_told(self) -> None:
        for row_id, lines in self.state.told.items():
            if row_id not in self.state.appointments and row_id not in self.around:
                assert lines[-1]["action"] == "delete"
                assert lines[-1]["snapshot"]["id"] == row_id

    def the_statistics_are_the_sum_of_the_rows(self) -> None:
        rows = Counter(row["status"] for row in self.state.appointments.values())
        olga = self.user("olga")
        practitioner_ids = Practitioner.objects.filter(clinic=self.world.clinic).values_list("pk", flat=True)
        periods: tuple[Period, ...] = ("day", "month")
        for group_by in periods:
            total = total_of(statistics_for(olga, StatisticsFilter(group_by=group_by, limit=10_000)))
            assert {status: count for status, count in total.by_status.items() if count} == dict(rows)
            by_practitioner = [
                total_of(
                    statistics_for(
                        olga,
                        StatisticsFilter(group_by=group_by, limit=10_000),
                        practitioner_id=practitioner_id,
                    )
                ).total
                for practitioner_id in practitioner_ids
            ]
            assert sum(by_practitioner) == total.total == len(self.state.appointments)

    def every_date_is_the_clinics(self) -> None:
        zone = zone_of(self.clinic().timezone)
        for row in self.state.appointments.values():
            assert row["local_date"] == local_date_of(row["starts_at"], zone)

    def what_is_offered_is_free(self) -> None:
        clinic, everybody = self.clinic(), list(Practitioner.objects.filter(clinic=self.world.clinic))
        today = local_date_of(self.now, zone_of(clinic.timezone))
        offered = open_slots_of(
            clinic, everybody, service=None, first_date=today, last_date=today + timedelta(days=6), now=self.now
        )
        for practitioner_id, start, end, _, hold_id in self.state.claims():
            if hold_id is not None and self.state.holds[hold_id]["expires_at"] <= self.now:
                continue
            assert not [slot for slot in offered[practitioner_id] if slot.start < end and start < slot.end]


@pytest.mark.parametrize("number", range(5))
def test_any_sequence_of_writes_leaves_everything_as_it_must_be(world: World, number: int) -> None:
    seed = int(os.environ.get("WALK_SEED") or randrange(10**6) * 10 + number)
    walk = Walk(world, seed)
    for step in range(120):
        try:
            walk.step()
        except AssertionError as error:
            error.add_note(f"in step {step} of the walk with seed {seed}")
            raise
        if step % 10 == 9:
            walk.the_statistics_are_the_sum_of_the_rows()
            walk.what_is_offered_is_free()
    # A walk on which nothing could go wrong would prove nothing.
    refused = {"slot_taken", "refused by the database", "transition_not_allowed"}
    assert walk.done["create"] > 3, walk.done
    assert refused & set(walk.done), walk.done
