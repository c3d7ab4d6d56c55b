"""Visits that overlapped before patients claimed time: the migration keeps them and marks the later-created of two."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.models import Appointment
from clinic.changefeed.repair import make_triggers, repair_rows
from clinic.ops.backup.checking import future_cells, problems_of_claims
from clinic.scheduling.models import ClaimedCell
from django.apps import apps
from django.db import connection
from django.utils import timezone

from testkit.clinic.feed_rows import Event, Feed, cells_of, sql
from testkit.clinic.times import in_days
from testkit.clinic.world import World

MIGRATION = import_module("clinic.appointments.migrations.0020_overlapping_visits_are_marked")
NINE = in_days(8)(9)


def migrate() -> None:
    MIGRATION.mark_overlaps(apps, connection)
    MIGRATION.claim_time_of_patients(connection)


@pytest.fixture
def former_world(committed_world: World) -> Iterator[World]:
    """Patients claim nothing yet."""
    for moment in ("insert", "update", "delete"):
        sql(f"DROP TRIGGER appointment_claims_patient_on_{moment}")
    yield committed_world
    make_triggers()


def visit(
    world: World,
    start: datetime,
    *,
    with_: User,
    created: int,
    patient: User | None = None,
    minutes: int = 30,
    **columns: Any,
) -> int:
    """`created`: in which order."""
    end = start + timedelta(minutes=minutes)
    row = Appointment(
        clinic=world.clinic,
        patient=(patient or world.paula).patient,
        practitioner=with_.practitioner,
        **{
            "starts_at": start,
            "ends_at": end,
            "blocked_from": start,
            "blocked_until": start + timedelta(minutes=5 * -(-minutes // 5)),
            "local_date": start.date(),
            "status": "confirmed",
            "source": "desk",
            "created_at": timezone.now() - timedelta(days=9) + timedelta(minutes=created),
            "updated_at": timezone.now(),
        }
        | columns,
    )
    row.save()
    return row.pk


def marked() -> set[int]:
    return set(Appointment.objects.filter(allow_overlap=True).values_list("pk", flat=True))


def test_later_created_of_two_is_marked_and_the_other_claims_its_time(former_world: World) -> None:
    world = former_world
    later = visit(world, NINE, with_=world.petra, created=2)
    earlier = visit(world, NINE + timedelta(minutes=15), with_=world.quentin, created=1)
    alone = visit(world, NINE + timedelta(hours=1), with_=world.petra, created=3)
    others = visit(world, NINE, with_=world.quentin, created=4, patient=world.pete, status="cancelled")
    feed = Feed(world.clinic.pk)
    migrate()
    assert marked() == {later}
    assert feed.events == [Event("appointment", later, "update")]
    assert set(cells_of(world.paula).values()) == {(earlier, None), (alone, None)}
    assert len(cells_of(world.paula)) == 12
    assert cells_of(world.pete) == {}
    assert Appointment.objects.get(pk=others).status == "cancelled"


def test_each_pair_is_looked_at(former_world: World) -> None:
    """A long visit around two short ones; one after the other is no overlap."""
    world = former_world
    long = visit(world, NINE, with_=world.petra, created=1, minutes=90)
    first = visit(world, NINE, with_=world.quentin, created=2)
    second = visit(world, NINE + timedelta(minutes=30), with_=world.quentin, created=0)
    visit(world, NINE + timedelta(minutes=90), with_=world.petra, created=5)
    migrate()
    assert marked() == {long, first}
    assert second not in marked()


@pytest.mark.parametrize("minutes", [1, 4])
def test_visits_that_share_five_minutes_overlap(former_world: World, minutes: int) -> None:
    """Raw SQL may end one at 9:31 and begin the next then: both claim 9:30."""
    world = former_world
    visit(world, NINE, with_=world.petra, created=1, minutes=30 + minutes)
    start = NINE + timedelta(minutes=30)
    later = visit(
        world,
        start,
        with_=world.quentin,
        created=2,
        blocked_from=start,
        starts_at=start + timedelta(minutes=minutes),
    )
    migrate()
    assert marked() == {later}
    assert len(cells_of(world.paula)) == 7


def test_it_may_be_repeated(former_world: World) -> None:
    world = former_world
    visit(world, NINE, with_=world.petra, created=1)
    visit(world, NINE, with_=world.quentin, created=2)
    migrate()
    seen, cells, feed = marked(), set(ClaimedCell.objects.values_list()), Feed(world.clinic.pk)
    ClaimedCell.objects.filter(kind="patient", starts_at__gt=NINE).delete()  # It was interrupted.
    migrate()
    assert (marked(), set(ClaimedCell.objects.values_list()), feed.events) == (seen, cells, [])


def test_past_visits_are_marked_and_claim_nothing(former_world: World) -> None:
    world = former_world
    for created, who in enumerate((world.petra, world.quentin)):
        visit(world, in_days(-3)(9), with_=who, created=created)
    migrate()
    assert len(marked()) == 1
    assert cells_of(world.paula) == {}


def test_claims_are_those_that_a_restore_makes_anew(former_world: World) -> None:
    world = former_world
    visit(world, NINE, with_=world.petra, created=1)
    visit(world, NINE + timedelta(minutes=10), with_=world.quentin, created=2)
    migrate()
    now = timezone.now()
    loaded = future_cells(now=now)
    assert repair_rows(now=now) == 0
    assert list(problems_of_claims(loaded, future_cells(now=now))) == []
