"""In-app notifications: what somebody is told on their own pages, and has read; and the clinic's log of messages."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.messaging.services import notifications
from clinic.outbox.delivery import deliver_due
from clinic.outbox.models import DeliveryChannel, Message, MessageKind, MessageState, VisitVersion
from clinic.outbox.services import About, NewMessage, queue_message
from clinic.people.models import Patient
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from testkit.clinic.answers import attr_of, code_of
from testkit.clinic.concurrency import at_once
from testkit.clinic.times import in_days
from testkit.clinic.world import PASSWORD, World, fresh

NOTIFICATIONS = "/api/v1/notifications"
LOG = "/api/v1/messages"
MINUTE = timedelta(minutes=1)


def tell(user: User, *, when: str = "Fri 20 Nov, 09:30", **given: Any) -> Message:
    """The offer of a free time, as a notification."""
    with transaction.atomic():
        message = queue_message(
            NewMessage(
                about=About(user.clinic_id, user.pk),
                kind=MessageKind.OFFER,
                channel=DeliveryChannel.IN_APP,
                template="waitlist_offer",
                recipient=str(user.email),
                context={"when": when, "practitioner": "Dr Petra", "until": "18:00"},
                **given,
            )
        )
    assert message is not None
    return message


def shown_to(world: World, user: User, query: str = "") -> Any:
    response = world.client(user).get(NOTIFICATIONS + query)
    assert response.status_code == 200
    return response.json()


def ids_of(body: Any) -> list[int]:
    return [row["id"] for row in body["results"]]


def queries(ask: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as seen:
        ask()
    return len([query for query in seen.captured_queries if "SAVEPOINT" not in query["sql"]])


# Shown fields


def test_a_notification_is_there_as_soon_as_it_is_written(world: World) -> None:
    told = tell(world.paula)
    body = shown_to(world, world.paula)
    assert body["unread_count"] == body["count"] == 1
    [row] = body["results"]
    assert row.pop("created_at").endswith(("+01:00", "+02:00")), "the clinic's zone"
    assert row == {
        "id": told.pk,
        "kind": "waitlist_offer",
        "title": "A time has become free for you",
        "body": "Fri 20 Nov, 09:30 with Dr Petra. It is kept for you until 18:00.",
        "appointment": None,
        "read_at": None,
    }


def test_the_worker_has_nothing_to_do_with_it(world: World) -> None:
    told = tell(world.paula)
    assert deliver_due(now=datetime.now(UTC) + MINUTE) == 0
    assert (told.state, told.due_at, told.attempts) == ("delivered", None, 0)
    assert told.sent_at == told.created_at


def test_one_of_a_later_time_is_shown_when_the_worker_finds_it_due(world: World) -> None:
    later, now = tell(world.paula, send_at=datetime.now(UTC) + 2 * MINUTE), tell(world.paula)
    assert ids_of(shown_to(world, world.paula)) == [now.pk]
    deliver_due(now=datetime.now(UTC) + MINUTE)
    assert ids_of(shown_to(world, world.paula)) == [now.pk]
    deliver_due(now=datetime.now(UTC) + 3 * MINUTE)
    assert ids_of(shown_to(world, world.paula)) == [later.pk, now.pk], "the newest is the one shown last"


def test_one_that_comes_too_late_is_not_shown(world: World) -> None:
    soon = datetime.now(UTC) + MINUTE
    tell(world.paula, send_at=soon, expires_at=soon)
    deliver_due(now=soon + MINUTE)
    assert shown_to(world, world.paula)["results"] == []


def test_rolled_back_change_is_never_shown(world: World) -> None:
    with transaction.atomic():
        tell(world.paula)
        transaction.set_rollback(True)
    assert shown_to(world, world.paula)["count"] == 0


def test_it_is_told_to_somebody_and_holds_no_secret(world: World) -> None:
    nobody = User(email="nobody@example.org", clinic=world.clinic)
    with pytest.raises(AssertionError):
        tell(nobody)
    with pytest.raises(AssertionError):
        tell(world.paula, secret=True)
    assert not Message.objects.exists()


def test_shown_row_has_its_date(world: World) -> None:
    told = tell(world.paula)
    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.filter(pk=told.pk).update(sent_at=None)


def test_the_newest_come_first_and_a_page_at_a_time(world: World) -> None:
    told = [tell(world.paula).pk for _ in range(5)]
    Message.objects.update(sent_at=datetime.now(UTC))  # All at once: the last written is the newest.
    first = shown_to(world, world.paula, "?page_size=3")
    assert (first["count"], ids_of(first)) == (5, told[:1:-1])
    assert ids_of(world.client(world.paula).get(first["next"]).json()) == told[1::-1]


def test_only_the_unread_or_the_read_on_demand(world: World) -> None:
    read, unread = tell(world.paula), tell(world.paula)
    world.client(world.paula).post(f"{NOTIFICATIONS}/{read.pk}/read")
    body = shown_to(world, world.paula, "?unread=true")
    assert (ids_of(body), body["unread_count"]) == ([unread.pk], 1)
    body = shown_to(world, world.paula, "?unread=false")
    assert (ids_of(body), body["unread_count"]) == ([read.pk], 1)
    everything = shown_to(world, world.paula)
    assert (ids_of(everything), everything["unread_count"]) == ([unread.pk, read.pk], 1)


@pytest.mark.parametrize("unread", ["perhaps", "null"])
def test_whether_unread_is_true_or_false(world: World, unread: str) -> None:
    response = world.client(world.paula).get(f"{NOTIFICATIONS}?unread={unread}")
    assert (response.status_code, attr_of(response)) == (400, "unread")


def test_an_administrator_without_a_clinic_has_a_list_too(world: World) -> None:
    ada = User.objects.create_superuser("ada@example.org", PASSWORD)
    told = tell(ada)
    [row] = shown_to(world, ada)["results"]
    assert (row["id"], row["created_at"][-6:]) == (told.pk, "+00:00")


# Ownership


@pytest.mark.parametrize("person", ["olga", "sam", "petra", "pete", "otto"])
def test_rows_of_others_are_invisible(world: World, person: str) -> None:
    told = tell(world.paula)
    stranger: User = getattr(world, person)
    own = tell(stranger)
    body = shown_to(world, stranger)
    assert (ids_of(body), body["unread_count"]) == ([own.pk], 1)
    response = world.client(stranger).post(f"{NOTIFICATIONS}/{told.pk}/read")
    assert (response.status_code, code_of(response)) == (404, "not_found")
    world.client(stranger).post(f"{NOTIFICATIONS}/read-all")
    assert Message.objects.get(pk=told.pk).read_at is None
    assert Message.objects.get(pk=own.pk).read_at is not None


def test_move_to_another_clinic_leaves_its_notifications_behind(world: World) -> None:
    told = tell(world.sam)
    User.objects.filter(pk=world.sam.pk).update(clinic=world.hillside)
    own = tell(fresh(world.sam))
    body = shown_to(world, world.sam)
    assert (ids_of(body), body["unread_count"]) == ([own.pk], 1)
    assert world.client(world.sam).post(f"{NOTIFICATIONS}/{told.pk}/read").status_code == 404


@pytest.mark.parametrize(
    "change", [{"channel": DeliveryChannel.EMAIL}, {"state": MessageState.DEAD}, {"state": MessageState.QUEUED}]
)
def test_other_messages_cannot_be_read_as_notifications(world: World, change: dict[str, Any]) -> None:
    told = tell(world.paula)
    Message.objects.filter(pk=told.pk).update(**change)
    assert shown_to(world, world.paula)["unread_count"] == 0
    assert world.client(world.paula).post(f"{NOTIFICATIONS}/{told.pk}/read").status_code == 404


# Reading


def test_reading_twice_is_reading_once(world: World) -> None:
    told, client = tell(world.paula), world.client(world.paula)
    first = client.post(f"{NOTIFICATIONS}/{told.pk}/read")
    assert (first.status_code, first.json()["id"]) == (200, told.pk)
    assert first.json()["read_at"] is not None
    again = client.post(f"{NOTIFICATIONS}/{told.pk}/read")
    assert again.json() == first.json()
    assert shown_to(world, world.paula)["unread_count"] == 0


def test_all_are_read_at_once_and_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifications, "READ_BATCH", 2)
    earlier = tell(world.paula)
    client = world.client(world.paula)
    client.post(f"{NOTIFICATIONS}/{earlier.pk}/read")
    read_at = Message.objects.get(pk=earlier.pk).read_at
    for _ in range(5):
        tell(world.paula)
    assert client.post(f"{NOTIFICATIONS}/read-all").json() == {"marked": 5, "unread_count": 0}
    assert client.post(f"{NOTIFICATIONS}/read-all").json() == {"marked": 0, "unread_count": 0}
    assert Message.objects.get(pk=earlier.pk).read_at == read_at
    assert not Message.objects.filter(read_at=None).exists()


@pytest.mark.race
def test_two_pages_that_read_everything_do_not_get_in_each_other_s_way(committed_world: World) -> None:
    world = committed_world
    for _ in range(30):
        tell(world.paula)
    told = Message.objects.order_by("-pk").values_list("pk", flat=True)

    def read_all() -> int:
        return notifications.mark_all_read(user=fresh(world.paula), now=datetime.now(UTC))

    def read_each() -> int:
        for pk in told:
            notifications.mark_read(user=fresh(world.paula), notification_id=pk, now=datetime.now(UTC))
        return 0

    marked = at_once([read_all, read_each, read_all, read_each])
    assert all(isinstance(each, int) for each in marked), marked
    assert not Message.objects.filter(read_at=None).exists()


@pytest.mark.parametrize("query", ["", "?unread=true"])
def test_a_list_asks_the_same_of_few_and_of_many(world: World, query: str) -> None:
    client = world.client(world.paula)

    def ask() -> int:
        return queries(lambda: client.get(NOTIFICATIONS + query))

    tell(world.paula)
    few = ask()
    for _ in range(20):
        tell(world.paula)
    assert few == ask() <= 6


# The clinic's log


def log_of(world: World, user: User, query: str = "") -> Any:
    response = world.client(user).get(LOG + query)
    assert response.status_code == 200, response.json()
    return response.json()


def write(world: World, channel: DeliveryChannel = DeliveryChannel.SMS, **given: Any) -> Message:
    """A code for Paula's phone: its words are a secret."""
    visit = VisitVersion(given.pop("appointment_id"), 1) if "appointment_id" in given else None
    about = About(given.pop("clinic_id", world.clinic.pk), given.pop("user_id", None), visit)
    words = {"code": "987650", "clinic": "Riverside", "minutes": 10}
    fields = {"recipient": "+491701234567", "secret": True, **given}
    with transaction.atomic():
        message = queue_message(
            NewMessage(
                about=about,
                kind=MessageKind.ACCOUNT,
                channel=channel,
                template="phone_code",
                context=words,
                **fields,
            )
        )
    assert message is not None
    return message


@pytest.mark.parametrize("person", ["olga", "sam"])
def test_the_desk_reads_all_that_the_clinic_has_told(world: World, person: str) -> None:
    sms, told = write(world), tell(world.paula)
    write(world, clinic_id=world.hillside.pk)
    write(world, clinic_id=None)
    newest, first = log_of(world, getattr(world, person))["results"]
    assert (newest["id"], newest["channel"], newest["state"], newest["user"]) == (
        told.pk,
        "in_app",
        "delivered",
        world.paula.pk,
    )
    assert newest["body"].startswith("Fri 20 Nov")
    assert (first["id"], first["state"], first["sent_at"], first["recipient"]) == (
        sms.pk,
        "queued",
        None,
        "+491701234567",
    )


@pytest.mark.parametrize("state", MessageState.values)
def test_a_secret_s_words_are_nobody_s_to_see(world: World, state: str) -> None:
    message = write(world)
    assert "987650" in message.body
    Message.objects.update(state=state)
    response = world.client(world.olga).get(LOG)
    assert (response.json()["results"][0]["body"], response.json()["results"][0]["secret"]) == ("", True)
    assert "987650" not in response.content.decode()


def test_other_words_are_there_to_be_read(world: World) -> None:
    write(world, secret=False)
    assert log_of(world, world.olga)["results"][0]["body"].startswith("987650")


Filters = dict[str, Callable[[World], str]]
FILTERS: Filters = {
    "channel": lambda _: "channel=email",
    "state": lambda _: "state=failed",
    "states": lambda _: "state=failed,dead",
    "appointment": lambda _: "appointment=7",
    "recipient": lambda _: "recipient=gus@example.org",
    "from": lambda _: f"from={in_days(-3)(0).date()}&to={in_days(-3)(0).date()}",
    "to": lambda _: f"to={in_days(-2)(0).date()}",
}


@pytest.mark.parametrize("name", FILTERS)
def test_the_log_can_be_searched(world: World, name: str) -> None:
    wanted = write(world, DeliveryChannel.SMS, recipient="gus@example.org", appointment_id=7)
    Message.objects.filter(pk=wanted.pk).update(channel="email", state="failed", created_at=in_days(-3)(23, 59))
    other = write(world)
    Message.objects.filter(pk=other.pk).update(created_at=in_days(-1)(0))
    body = log_of(world, world.sam, f"?{FILTERS[name](world)}")
    assert (body["count"], ids_of(body)) == (1, [wanted.pk])


def test_days_are_the_clinic_s(world: World) -> None:
    """Half past midnight at Riverside is the day before in UTC."""
    message = write(world)
    Message.objects.filter(pk=message.pk).update(created_at=in_days(-3)(0, 30))
    day, before = in_days(-3)(0).date(), in_days(-4)(0).date()
    assert log_of(world, world.sam, f"?from={day}&to={day}")["count"] == 1
    assert log_of(world, world.sam, f"?from={before}&to={before}")["count"] == 0


def test_messages_to_a_patient_are_found_by_account_and_appointment(world: World) -> None:
    paulas = world.book(in_days(7)(9))
    petes = world.book(in_days(7)(10), patient=world.pete)
    Message.objects.all().delete()
    by_account, by_appointment = tell(world.paula), write(world, appointment_id=paulas.pk)
    tell(world.sam)
    write(world, appointment_id=petes.pk)
    write(world, appointment_id=paulas.pk, user_id=world.petra.pk)
    write(world)
    body = log_of(world, world.sam, f"?patient={world.paula.patient.pk}")
    assert ids_of(body) == [by_appointment.pk, by_account.pk]


def test_a_guest_has_no_part_in_what_others_without_account_were_told(world: World) -> None:
    gus = Patient.objects.create(clinic=world.clinic, name="Gus", phone="+491701234567")
    write(world)
    assert log_of(world, world.sam, f"?patient={gus.pk}")["count"] == 0


def test_another_clinic_s_patient_is_unknown(world: World) -> None:
    tell(world.paula)
    assert log_of(world, world.otto, f"?patient={world.paula.patient.pk}")["count"] == 0


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ("channel=pigeon", "channel"),
        ("state=lost", "state"),
        ("state=sent,lost", "state"),
        ("appointment=x", "appointment"),
        ("patient=0", "patient"),
        ("from=yesterday", "from"),
        ("from=2026-11-20&to=2026-11-19", "to"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(world: World, query: str, attr: str) -> None:
    response = world.client(world.sam).get(f"{LOG}?{query}")
    assert (response.status_code, attr_of(response)) == (400, attr)


@pytest.mark.parametrize("person", ["petra", "paula"])
def test_the_log_is_the_desk_s(world: World, person: str) -> None:
    response = world.client(getattr(world, person)).get(LOG)
    assert (response.status_code, code_of(response)) == (403, "permission_denied")


@pytest.mark.parametrize("query", ["", "?state=queued&channel=sms", "?patient=<patient>"])
def test_the_log_asks_the_same_of_few_and_of_many(world: World, query: str) -> None:
    query = query.replace("<patient>", str(world.paula.patient.pk))

    client = world.client(world.sam)

    def ask() -> int:
        return queries(lambda: client.get(LOG + query))

    write(world, user_id=world.paula.pk)
    few = ask()
    for _ in range(20):
        write(world, user_id=world.paula.pk)
    assert few == ask() <= 6
