"""A practitioner runs late: the patients who follow today are told, and no visit moves."""

from datetime import datetime, time, timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.models import Appointment
from clinic.messaging.catalogue import News
from clinic.messaging.services.delays import announce_delay, end_delay
from clinic.messaging.services.resending import still_holds
from clinic.outbox.models import DeliveryChannel, Message, MessageKind, MessageState
from clinic.scheduling.models import Clinic, Delay

from testkit.clinic.answers import attr_of, refusal
from testkit.clinic.times import RIVERSIDE_ZONE, in_days
from testkit.clinic.world import World, fresh, row_of

TOMORROW = in_days(1)


@pytest.fixture
def day(world: World) -> list[Appointment]:
    """Petra's at nine, ten and eleven, and Quentin's at ten."""
    Clinic.objects.filter(pk=world.clinic.pk).update(undo_seconds=60)
    Message.objects.all().delete()
    visits = [
        world.book(TOMORROW(hour), patient=who) for hour, who in ((9, world.paula), (10, world.pete), (11, world.paula))
    ]
    visits.append(world.book(TOMORROW(12), practitioner=world.quentin))
    Message.objects.all().delete()
    return visits


def delay(world: World, minutes: int, *, by: User | None = None, now: datetime | None = None) -> int:
    announced = announce_delay(
        user=fresh(by or world.petra),
        practitioner_id=world.petra.practitioner.pk,
        minutes=minutes,
        now=now or TOMORROW(9, 30),
    )
    return announced[1]


def told(cause: str = News.RUNNING_LATE) -> list[Message]:
    return list(Message.objects.filter(cause=cause).order_by("appointment__starts_at", "id"))


def test_following_patients_of_today_are_told_at_once(world: World, day: list[Appointment]) -> None:
    assert delay(world, 10) == 2
    messages = [one for one in told() if one.channel == DeliveryChannel.EMAIL]
    assert [one.appointment_id for one in messages] == [day[1].pk, day[2].pk]
    assert {(one.kind, one.send_at) for one in messages} == {(MessageKind.DAY, TOMORROW(9, 30))}
    assert "about 10 min late" in messages[0].body
    assert "10:00" in messages[0].body
    assert "10:10" in messages[0].body


def test_no_visit_moves(world: World, day: list[Appointment]) -> None:
    delay(world, 15)
    assert [row_of(one).starts_at for one in day] == [one.starts_at for one in day]
    assert [row_of(one).version for one in day] == [one.version for one in day]


def test_same_delay_again_tells_nobody(world: World, day: list[Appointment]) -> None:
    delay(world, 10)
    before = Message.objects.count()
    assert delay(world, 10, now=TOMORROW(9, 31)) == 0
    assert Message.objects.count() == before


def test_greater_delay_replaces_what_was_not_sent(world: World, day: list[Appointment]) -> None:
    delay(world, 5)
    first = [one.pk for one in told() if one.channel == DeliveryChannel.EMAIL]
    assert delay(world, 15, now=TOMORROW(9, 31)) == 2
    assert set(Message.objects.filter(pk__in=first).values_list("state", flat=True)) == {MessageState.CANCELLED}
    waiting = Message.objects.filter(cause=News.RUNNING_LATE, channel=DeliveryChannel.EMAIL, state=MessageState.QUEUED)
    assert all("15 min" in one.body for one in waiting)
    assert Delay.objects.get().minutes == 15


def test_end_tells_those_who_were_told(world: World, day: list[Appointment]) -> None:
    delay(world, 10)
    sent = Message.objects.filter(cause=News.RUNNING_LATE, appointment=day[1])
    sent.update(state=MessageState.SENT)
    Message.objects.filter(cause=News.RUNNING_LATE, appointment=day[2], channel=DeliveryChannel.IN_APP).delete()
    user, practitioner_id = fresh(world.petra), world.petra.practitioner.pk
    assert end_delay(user=user, practitioner_id=practitioner_id, now=TOMORROW(9, 40)) == 1
    assert {one.appointment_id for one in told(News.ON_TIME_AGAIN)} == {day[1].pk}
    unsent = Message.objects.get(cause=News.RUNNING_LATE, appointment=day[2])
    assert unsent.state == MessageState.CANCELLED


def test_cancelled_visit_takes_its_message_back(world: World, day: list[Appointment]) -> None:
    delay(world, 10)
    Clinic.objects.filter(pk=world.clinic.pk).update(undo_seconds=0)
    world.client(world.sam).post(f"/api/v1/appointments/{day[2].pk}/cancel")
    of_it = Message.objects.get(cause=News.RUNNING_LATE, appointment=day[2], channel=DeliveryChannel.EMAIL)
    assert of_it.state == MessageState.CANCELLED
    assert not still_holds(of_it)


def test_clinic_is_told_in_the_app_but_not_who_did_it(world: World, day: list[Appointment]) -> None:
    delay(world, 10)
    notes = Message.objects.filter(template="practitioner_late")
    assert {one.user_id for one in notes} == {world.olga.pk, world.sam.pk}
    assert "notified: 2" in notes[0].body
    Message.objects.all().delete()
    delay(world, 15, by=world.sam)
    notes = Message.objects.filter(template="practitioner_late")
    assert {one.user_id for one in notes} == {world.olga.pk, world.petra.pk}


def path_of(world: World) -> str:
    return f"/api/v1/practitioners/{world.petra.practitioner.pk}/delay"


def test_delay_is_shown_and_ended_over_the_api(world: World) -> None:
    client: Any = world.client(world.petra)
    assert client.get(path_of(world)).json()["minutes"] == 0
    answer = client.post(path_of(world), {"minutes": 15}, format="json").json()
    assert (answer["minutes"], answer["notified"]) == (15, 0)
    assert client.get(path_of(world)).json()["minutes"] == 15
    assert client.delete(path_of(world)).status_code == 204
    assert client.get(path_of(world)).json()["minutes"] == 0
    assert refusal(client.delete(path_of(world))) == (404, "not_found")


def test_delay_of_yesterday_is_over(world: World) -> None:
    midnight = datetime.combine(in_days(0)(9).date(), time(), RIVERSIDE_ZONE)
    announce_delay(
        user=fresh(world.petra),
        practitioner_id=world.petra.practitioner.pk,
        minutes=10,
        now=midnight - timedelta(hours=1),
    )
    assert world.client(world.petra).get(path_of(world)).json()["minutes"] == 0


@pytest.mark.parametrize("minutes", [0, 3, 7, 245, "soon", None])
def test_delay_is_a_multiple_of_five_minutes(world: World, minutes: Any) -> None:
    response = world.client(world.petra).post(path_of(world), {"minutes": minutes}, format="json")
    assert (response.status_code, attr_of(response)) == (400, "minutes")
