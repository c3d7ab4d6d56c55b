"""A number of each clinic rises with every change of what can be booked, whoever writes it."""

from collections.abc import Callable
from datetime import date, time

import pytest
from clinic.changefeed.models import StreamHead
from clinic.scheduling.models import Clinic, Practitioner, ScheduleException, Service, WorkingBlock

from testkit.clinic.feed_rows import Event, Feed, select, sql
from testkit.clinic.world import World


def versions(world: World) -> tuple[int, int]:
    """Of Riverside, and of Hillside, where nothing happens."""
    found = dict(StreamHead.objects.values_list("clinic_id", "schedule_version"))
    return found[world.clinic.pk], found[world.hillside.pk]


def paint_hours(world: World) -> None:
    WorkingBlock.objects.create(
        practitioner=world.petra.practitioner, weekday=6, start_local=time(9), end_local=time(10)
    )


def close(world: World) -> None:
    ScheduleException.objects.create(clinic=world.clinic, start_date=date(2030, 1, 1), end_date=date(2030, 1, 1))


CHANGES: dict[str, Callable[[World], object]] = {
    "hours": paint_hours,
    "moved hours": lambda _: sql("UPDATE working_block SET end_local = '23:00' ORDER BY id LIMIT 1"),
    "removed hours": lambda _: sql("DELETE FROM working_block ORDER BY id LIMIT 1"),
    "closure": close,
    "duration": lambda world: Service.objects.filter(pk=world.check_up.pk).update(duration_minutes=35),
    "service": lambda world: Service.objects.create(clinic=world.clinic, name="Scaling", duration_minutes=30),
    "offer": lambda world: world.check_up.practitioners.remove(world.petra.practitioner),
    "practitioner": lambda world: Practitioner.objects.create(clinic=world.clinic, name="Dr. New"),
    "inactive practitioner": lambda world: Practitioner.objects.filter(pk=world.petra.practitioner.pk).update(
        active=False
    ),
    "notice": lambda world: Clinic.objects.filter(pk=world.clinic.pk).update(notice_minutes=77),
}


@pytest.mark.parametrize("change", CHANGES)
def test_change_of_what_can_be_booked_raises_the_version_and_is_an_event(world: World, change: str) -> None:
    here, there = versions(world)
    feed = Feed(world.clinic.pk)
    CHANGES[change](world)
    assert versions(world) == (here + 1, there)
    assert feed.events[-1] == Event("schedule", world.clinic.pk, "refresh")
    assert select("SELECT schedule_version FROM live_schedule WHERE clinic_id = %s", world.clinic.pk) == [(here + 1,)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE service SET color = '#000000'",
        "UPDATE clinic SET hold_minutes = 9",
        "UPDATE practitioner SET version = version + 1",
    ],
)
def test_change_of_anything_else_leaves_the_version(world: World, statement: str) -> None:
    before = versions(world)
    sql(statement)
    assert versions(world) == before


def test_offers_are_published_for_active_services_and_practitioners(world: World) -> None:
    offered = ("SELECT practitioner_id FROM live_offer WHERE service_id = %s", world.check_up.pk)
    petra = world.petra.practitioner
    world.check_up.practitioners.set([petra])
    assert select(*offered) == [(petra.pk,)]
    Practitioner.objects.filter(pk=petra.pk).update(active=False)
    assert select(*offered) == [(None,)]
    Service.objects.filter(pk=world.check_up.pk).update(active=False)
    assert select(*offered) == []
