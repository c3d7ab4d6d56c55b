"""One random sequence of writes in one clinic: its clock, its people, and how a step writes."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from random import Random
from typing import Any, TypeVar
from unittest.mock import patch

from clinic.accounts.models import Role, User
from clinic.appointments.actor import UserActor
from clinic.common import clock
from clinic.common.errors import ChairsideError
from clinic.scheduling.models import Clinic
from clinic.scheduling.services import overlap_in
from clinic.scheduling.working_hours import Interval
from django.db import IntegrityError, transaction

from testkit.clinic.world import World, fresh

from .between import check_what_a_service_did, check_what_sql_did
from .state import State, changed

# The days lie around the last Sunday of March 2027, when Berlin's clocks go forward.
THURSDAY = date(2027, 3, 25)
CELL = timedelta(minutes=5)
EVERYBODY = ("olga", "sam", "petra", "quentin", "paula", "pete")
NOBODY = 0  # No row has this id: not found.

Choice = TypeVar("Choice")


class Walk:
    def __init__(self, world: World, seed: int) -> None:
        self.world, self.random = world, Random(seed)
        self.now = datetime.combine(THURSDAY, time(6), UTC)
        # Written around the services: their history does not tell everything.
        self.around: set[int] = set()
        self.lost_holds: set[int] = set()
        self.cells_pruned_before = datetime.min.replace(tzinfo=UTC)
        # Offers of the desk in the present step: free time that nobody gave back, to an entry of its choice.
        self.desks_gap: tuple[int, Interval] | None = None
        self.desks_entry: int | None = None
        # The desk takes an offer back in the present step: its time is offered to nobody else.
        self.desk_takes_back = False
        self.done: Counter[str] = Counter()
        self.answered: list[tuple[datetime, Callable[[], Any], Any]] = []
        self.number = count(1).__next__
        Clinic.objects.filter(pk=world.clinic.pk).update(
            notice_minutes=0,
            cancellation_notice_minutes=60,
            max_pending_per_phone=8,
            undo_seconds=10,
            patient_moves=self.random.choice(["direct", "request"]),
        )
        self.state = State.read()

    # Choices

    def perhaps(self, chance: float) -> bool:
        return self.random.random() < chance

    def one_of(self, things: Iterable[Choice], otherwise: Choice) -> Choice:
        return self.random.choice(list(things) or [otherwise])

    def among(self, *things: Choice) -> Choice:
        return self.random.choice(things)

    def user(self, *names: str) -> User:
        return fresh(getattr(self.world, self.random.choice(names or EVERYBODY)))

    def actor(self, *names: str) -> UserActor:
        """Mostly somebody who may; now and then anybody."""
        return UserActor(self.user(*(names if names and self.perhaps(0.9) else EVERYBODY)))

    def desk(self) -> UserActor:
        return self.actor("olga", "sam")

    def patient_user(self) -> User:
        ids = [row["id"] for row in self.state.users.values() if row["role"] == Role.PATIENT]
        return fresh(User(pk=self.random.choice(sorted(ids))))

    def clinic(self) -> Clinic:
        return Clinic.objects.get(pk=self.world.clinic.pk)

    def practitioner_id(self) -> int:
        """Mostly somebody who works here still."""
        everybody = sorted(self.state.practitioners)
        active = [row_id for row_id in everybody if self.state.practitioners[row_id]["active"]]
        return self.one_of(active if self.perhaps(0.9) else everybody, everybody[0])

    def service_id(self) -> int | None:
        return self.random.choice(sorted(self.state.services)) if self.perhaps(0.4) else None

    def patient_id(self) -> int:
        return self.random.choice(sorted(self.state.patients))

    def appointment_id(self, *statuses: str, ahead: bool = False) -> int:
        """None that the clinic has deleted."""
        return self.one_of(
            [
                row_id
                for row_id, row in sorted(self.state.appointments.items())
                if (not statuses or row["status"] in statuses)
                and (not ahead or row["starts_at"] > self.now)
                and row["deleted_at"] is None
            ],
            NOBODY,
        )

    def start(self, *, on_the_grid: bool = False) -> datetime:
        """Few hours of few days, so that people get into each other's way."""
        today = max(self.now.date(), THURSDAY)
        cells = self.random.randrange(0, 48, 6 if on_the_grid or self.perhaps(0.5) else 1)
        return datetime.combine(today + timedelta(days=self.random.randint(0, 3)), time(7), UTC) + cells * CELL

    def days(self) -> tuple[date, date]:
        first = self.start().date()
        return first, first + timedelta(days=self.random.choice([0, 0, 1, 3]))

    # How it is written

    def service(self, write: Callable[[], object], *, names_a_service: bool = False) -> None:
        """Through a service: it happens as a whole, told and numbered, or it is refused and nothing has."""
        before, refused = self.state, False
        try:
            write()
        except ChairsideError as error:
            refused = True
            self.done[error.code] += 1
        self.state = State.read()
        if refused:
            assert self.state == before, "a refusal changed something"
        check_what_a_service_did(self, before, names_a_service=names_a_service)

    def send(self, send: Callable[[], Any]) -> Any:
        """Over the API, at the walk's time."""
        before = self.state
        with patch.object(clock, "now", lambda: self.now):
            answer = send()
        assert answer.status_code < 500, answer.content
        self.state = State.read()
        if answer.status_code >= 400:
            self.done[answer.json()["errors"][0]["code"]] += 1
            assert self.state == before, "a refusal changed something"
        check_what_a_service_did(self, before)
        return answer

    def around_services(self, write: Callable[[], object]) -> None:
        """A write that asks nobody. The database refuses what overlaps, and the feed sees the rest."""
        before = self.state
        try:
            with transaction.atomic():
                write()
        except IntegrityError as error:
            if overlap_in(error) is None:
                raise
            self.done["refused by the database"] += 1
        self.state = State.read()
        self.around |= changed(before.appointments, self.state.appointments)
        self.lost_holds |= changed(before.holds, self.state.holds)
        check_what_sql_did(self, before)


Step = Callable[[Walk], None]


def weighted(*steps: tuple[Step, int]) -> tuple[Sequence[Step], Sequence[int]]:
    return [step for step, _ in steps], [weight for _, weight in steps]
