"""The stream's news of notifications: a number of the clinic for each change of a user's list, nothing else."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.common.instants import zone_of
from clinic.messaging.serializers import NotificationOutput
from clinic.messaging.services.notifications import mark_all_read, mark_read
from clinic.outbox.delivery import deliver_due
from clinic.outbox.models import DeliveryChannel, Message, MessageKind, MessageState
from clinic.outbox.services import About, NewMessage, queue_message
from clinic.scheduling.models import Clinic
from django.db import DatabaseError, transaction

from testkit.clinic.feed_rows import ACCOUNTS, MYSQL_SIGNAL, Event, Feed, select, sql
from testkit.clinic.world import World, fresh

CONTRACT = Path(__file__).resolve().parents[2] / "shared-config" / "contract"
LATER = timedelta(minutes=1)


def tell(
    user: User, *, clinic_id: int | None = None, channel: DeliveryChannel = DeliveryChannel.IN_APP, **given: Any
) -> Message:
    with transaction.atomic():
        message = queue_message(
            NewMessage(
                about=About(clinic_id or user.clinic_id, user.pk),
                kind=MessageKind.OFFER,
                channel=channel,
                template="waitlist_offer",
                recipient=str(user.email),
                context={"when": "Fri", "practitioner": "Dr Petra", "until": "18:00"},
                **given,
            )
        )
    assert message is not None
    return message


def told(user: User, times: int = 1) -> list[Event]:
    return [Event("notification", user.pk, "refresh")] * times


@pytest.fixture
def message(world: World) -> Message:
    """Paula is told something."""
    return tell(world.paula)


@pytest.fixture
def feed(world: World, message: Message) -> Feed:
    return Feed(world.clinic.pk)


Write = Callable[[World, Message], object]


def read(world: World, message: Message) -> object:
    return mark_read(user=fresh(world.paula), notification_id=message.pk, now=datetime.now(UTC))


def update(**columns: Any) -> Write:
    return lambda _, message: Message.objects.filter(pk=message.pk).update(**columns)


CHANGES: dict[str, Write] = {
    "it is read": read,
    "all are read": lambda world, _: mark_all_read(user=fresh(world.paula), now=datetime.now(UTC)),
    "it is not read after all": lambda _, one: sql(
        "UPDATE message SET read_at = UTC_TIMESTAMP(6) WHERE id = %s", one.pk
    ),
    "other words": update(body="Another day"),
    "other capitals": update(subject="A TIME HAS BECOME FREE FOR YOU"),
    "another kind": update(template="another"),
    "another appointment": update(appointment_id=7),
    "it is taken back": update(state=MessageState.CANCELLED),
    "it is deleted": lambda _, one: Message.objects.filter(pk=one.pk).delete(),
    "it is deleted by hand": lambda _, one: sql("DELETE FROM message WHERE id = %s", one.pk),
    "another comes": lambda world, _: tell(world.paula),
}
NO_CHANGES: dict[str, Write] = {
    "what only the log shows": update(error="odd", attempts=3, provider_id="x", recipient="y@example.org"),
    "the same again": lambda _, one: one.save(),
    "nothing to read": lambda world, _: mark_all_read(user=fresh(world.pete), now=datetime.now(UTC)),
    "a mail": lambda world, _: tell(world.paula, channel=DeliveryChannel.EMAIL),
    "an SMS": lambda world, _: tell(world.paula, channel=DeliveryChannel.SMS),
    "what is told later": lambda world, _: tell(world.paula, send_at=datetime.now(UTC) + LATER),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_somebody_s_list_is_one_event_that_names_them(
    world: World, message: Message, feed: Feed, name: str
) -> None:
    CHANGES[name](world, message)
    assert feed.events == told(world.paula)


@pytest.mark.parametrize("name", NO_CHANGES)
def test_anything_else_is_none(world: World, message: Message, feed: Feed, name: str) -> None:
    NO_CHANGES[name](world, message)
    assert feed.events == []


def test_reading_it_again_is_none(world: World, message: Message, feed: Feed) -> None:
    read(world, message)
    read(world, message)
    assert feed.events == told(world.paula)


@pytest.mark.parametrize("channel", [DeliveryChannel.EMAIL, DeliveryChannel.SMS])
def test_the_way_of_another_message_is_none(world: World, feed: Feed, channel: DeliveryChannel) -> None:
    other = tell(world.paula, channel=channel)
    for state in MessageState:
        Message.objects.filter(pk=other.pk).update(state=state)
    other.delete()
    assert feed.events == []


def test_late_notification_is_one_event_on_delivery(world: World, feed: Feed) -> None:
    tell(world.paula, send_at=datetime.now(UTC) + LATER)
    deliver_due(now=datetime.now(UTC))
    assert feed.events == []
    deliver_due(now=datetime.now(UTC) + 2 * LATER)
    assert feed.events == told(world.paula)


def test_each_row_of_a_statement_is_one_event(world: World, feed: Feed) -> None:
    tell(world.pete)
    assert sql("UPDATE message SET read_at = UTC_TIMESTAMP(6)") == 2
    assert sql("DELETE FROM message") == 2
    assert sorted(feed.events) == sorted(told(world.paula, 2) + told(world.pete, 3))


def test_rolled_back_change_leaves_no_gap(world: World, message: Message, feed: Feed) -> None:
    with transaction.atomic():
        tell(world.paula)
        transaction.set_rollback(True)
    assert feed.events == []
    read(world, message)
    assert feed.events == told(world.paula)


def test_change_of_owner_is_an_event_for_both(world: World, message: Message, feed: Feed) -> None:
    Message.objects.filter(pk=message.pk).update(user=world.pete)
    assert feed.events == told(world.paula) + told(world.pete)


def test_deleted_user_is_told_nothing_more(world: World, message: Message, feed: Feed) -> None:
    paula = world.paula
    Message.objects.filter(user=paula).update(user=None)
    assert feed.events == told(paula)
    Message.objects.filter(pk=message.pk).update(body="Whoever")
    assert feed.events == told(paula)


def test_the_clinics_count_apart(world: World, feed: Feed) -> None:
    hillside = Feed(world.hillside.pk)
    tell(world.otto)
    assert (feed.events, hillside.events) == ([], told(world.otto))


def test_row_without_a_clinic_gets_no_number(world: World, feed: Feed) -> None:
    """An administrator's: they have a list over REST, and no stream."""
    hillside, accounts = Feed(world.hillside.pk), Feed(ACCOUNTS)
    told_to_nobody_s = tell(world.paula)
    Message.objects.filter(pk=told_to_nobody_s.pk).update(clinic=None)
    Message.objects.filter(pk=told_to_nobody_s.pk).update(body="new")
    assert feed.events == told(world.paula, 2)
    assert hillside.events == accounts.events == []
    assert len(select("SELECT id FROM live_notification")) == 1


def test_no_notification_moves_to_another_clinic(world: World, message: Message, feed: Feed) -> None:
    with pytest.raises(DatabaseError) as refusal, transaction.atomic():
        Message.objects.filter(pk=message.pk).update(clinic=world.hillside)
    assert refusal.value.args[0] == MYSQL_SIGNAL
    assert feed.events == []


def test_the_numbering_does_not_disturb_the_id_of_a_new_row(world: World) -> None:
    sql("UPDATE stream_head SET seq = %s WHERE clinic_id = %s", 10**12, world.clinic.pk)
    message = tell(world.paula)
    assert Message.objects.get().pk == message.pk < 10**12


# Published events


def test_shown_fields_alone_are_published(world: World, message: Message) -> None:
    tell(world.paula, channel=DeliveryChannel.EMAIL)
    tell(world.paula, send_at=datetime.now(UTC) + LATER)
    Message.objects.filter(pk=tell(world.pete).pk).update(state=MessageState.DEAD)
    Message.objects.filter(pk=tell(world.pete).pk).update(user=None)
    names = json.loads((CONTRACT / "live_views.json").read_text())["live_notification"]
    [row] = select("SELECT * FROM live_notification")
    assert dict(zip(names, row, strict=True)) == {
        "id": message.pk,
        "clinic_id": world.clinic.pk,
        "user_id": world.paula.pk,
        "kind": "waitlist_offer",
        "title": "A time has become free for you",
        "body": "Fri with Dr Petra. It is kept for you until 18:00.",
        "appointment_id": None,
        "created_at": message.sent_at,
        "read_at": None,
    }


def test_the_contract_s_row_is_published_and_written_as_documented(world: World) -> None:
    contract = json.loads((CONTRACT / "notification.json").read_text())
    row = contract["row"]
    clinic = Clinic.objects.create(
        id=row["clinic_id"] + 10**6, name="Contract", slug="contract", timezone=contract["zone"]
    )
    Message.objects.create(
        id=row["id"],
        clinic=clinic,
        user=world.paula,
        channel=DeliveryChannel.IN_APP,
        state=MessageState.DELIVERED,
        template=row["kind"],
        subject=row["title"],
        body=row["body"],
        appointment_id=row["appointment_id"],
        recipient="",
        created_at=datetime.now(UTC),
        send_at=datetime.now(UTC),
        sent_at=datetime.fromisoformat(row["created_at"]).replace(tzinfo=UTC),
    )
    [published] = select("SELECT * FROM live_notification")
    expected = {**row, "clinic_id": clinic.pk, "user_id": world.paula.pk}
    expected["created_at"] = datetime.fromisoformat(row["created_at"]).replace(tzinfo=UTC)
    assert published == tuple(expected.values())
    written = NotificationOutput(Message.objects.get(), context={"zone": zone_of(contract["zone"])}).data
    assert json.loads(json.dumps(written)) == contract["notification"]
