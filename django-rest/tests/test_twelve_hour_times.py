"""A clinic in the US reads 12-hour times in messages, in the admin and on the board."""

from zoneinfo import ZoneInfo

import pytest
from clinic.appointments.admin.wording import say_when
from clinic.outbox.models import Message
from clinic.portal.frame import frame_for
from clinic.scheduling.models import Clinic
from django.utils import timezone

from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh, row_of

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def us_clinic(world: World) -> Clinic:
    Clinic.objects.filter(pk=world.clinic.pk).update(phone_region="US", timezone=NEW_YORK.key)
    world.clinic.refresh_from_db()
    return world.clinic


def test_us_clinic_reads_12_hour_times(world: World, us_clinic: Clinic) -> None:
    start = in_days(30)(13, 30).replace(tzinfo=NEW_YORK)
    visit = row_of(world.book(start, outside_hours=True, service=world.check_up))
    assert say_when(visit).endswith("1:30\u00a0PM–2:00\u00a0PM")
    assert ", 1:30 PM" in Message.objects.get(template="confirmed", channel="email").body
    assert frame_for(fresh(world.sam), now=timezone.now())["clinic"]["twelveHours"] is True


def test_clinic_elsewhere_reads_24_hour_times(world: World) -> None:
    visit = row_of(world.book(in_days(30)(19, 30), outside_hours=True, service=world.check_up))
    assert say_when(visit).endswith("19:30–20:00")
    assert ", 19:30" in Message.objects.get(template="confirmed", channel="email").body
    assert frame_for(fresh(world.sam), now=timezone.now())["clinic"]["twelveHours"] is False
