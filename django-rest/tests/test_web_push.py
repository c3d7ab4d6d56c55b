"""Web push: whom it tells what, encrypted, and what ends it. The push service is a stand-in over real HTTP."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import jwt
import pytest
from clinic.accounts.models import RefreshFamily
from clinic.accounts.passwords import set_password
from clinic.appointments.models import Appointment
from clinic.outbox.channels import push
from clinic.outbox.channels.push import NotAPushAddress, check_address
from clinic.outbox.delivery import deliver_due
from clinic.outbox.models import DeliveryChannel, Message, MessageState, PushSubscription
from clinic.outbox.push_keys import private_key_of, public_key_of
from clinic.scheduling.models import Clinic
from django.conf import settings as django_settings
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from testkit.clinic.answers import refusal
from testkit.clinic.times import in_days
from testkit.clinic.world import NEW_PASSWORD, World, fresh, row_of
from testkit.stand_ins.push import ENDLESS_SECONDS, Browser, PushService, push_service

SUBSCRIPTIONS = "/api/v1/push-subscriptions"


@pytest.fixture
def service(settings: Settings) -> Iterator[PushService]:
    with push_service() as running:
        settings.PUSH_STAND_INS = [running.origin]
        yield running


@pytest.fixture
def phone(world: World, service: PushService) -> Browser:
    """Paula's."""
    Clinic.objects.filter(pk=world.clinic.pk).update(undo_seconds=0)
    browser = service.browser()
    assert world.client(world.paula).post(SUBSCRIPTIONS, browser.subscription).status_code == 201
    return browser


def send_all() -> None:
    while deliver_due(now=datetime.now(UTC) + timedelta(seconds=1)):
        pass


def request_of(world: World) -> Appointment:
    return world.book(in_days(9)(9), by=world.paula)


def approve(world: World, visit: Appointment) -> None:
    assert world.client(world.sam).post(f"/api/v1/appointments/{visit.pk}/confirm").status_code == 200


def pushed() -> list[Message]:
    return list(Message.objects.filter(channel=DeliveryChannel.PUSH).order_by("pk"))


def test_answer_reaches_the_browser_encrypted_and_without_any_detail(world: World, phone: Browser) -> None:
    approve(world, request_of(world))
    send_all()
    (told,) = phone.received
    assert told == {
        "title": "Riverside",
        "body": "There is news about your visit. Open it to read on.",
        "url": "/me",
        "language": "en",
    }
    assert [message.state for message in pushed()] == [MessageState.SENT]


def test_push_service_knows_us_by_a_signature_for_its_own_address(world: World, phone: Browser) -> None:
    approve(world, request_of(world))
    send_all()
    (headers,) = phone.headers
    token = headers["authorization"].removeprefix("vapid t=").partition(",")[0]
    kept = django_settings.SHARED.vapid_secret
    assert kept is not None
    secret = kept.get_secret_value()
    claims = jwt.decode(token, private_key_of(secret).public_key(), ["ES256"], audience=phone.origin)
    assert claims["sub"]
    assert headers["authorization"].endswith(f"k={public_key_of(secret)}")
    assert headers["content-encoding"] == "aes128gcm"
    assert int(headers["ttl"]) <= 12 * 3600
    assert world.client().get(f"{SUBSCRIPTIONS}/key").json() == {"public_key": public_key_of(secret)}


def test_booking_alone_tells_no_browser(world: World, phone: Browser) -> None:
    request_of(world)
    assert pushed() == []


def test_reference_subscribes_for_its_visit_alone(world: World, service: PushService) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(undo_seconds=0)
    visit, other, browser = (
        request_of(world),
        world.book(in_days(10)(9), by=world.pete, patient=world.pete),
        service.browser(),
    )
    path = f"/api/v1/public/bookings/{visit.reference}/push-subscriptions"
    made = APIClient().post(path, browser.subscription)
    assert made.status_code == 201
    approve(world, other)
    approve(world, visit)
    send_all()
    assert [told["url"] for told in browser.received] == [f"/a/{visit.reference}"]
    assert APIClient().delete(f"{path}/{made.json()['id']}").status_code == 204
    assert APIClient().get(path).json() == []


@pytest.mark.parametrize("status", [404, 410])
def test_browser_that_is_gone_loses_its_subscription(world: World, phone: Browser, status: int) -> None:
    phone.answers = [status]
    approve(world, request_of(world))
    send_all()
    assert not PushSubscription.objects.exists()
    assert [message.state for message in pushed()] == [MessageState.FAILED]


@pytest.mark.parametrize("status", [429, 503])
def test_push_service_in_trouble_is_tried_again(world: World, phone: Browser, status: int) -> None:
    phone.answers = [status]
    approve(world, request_of(world))
    send_all()
    (message,) = pushed()
    assert (message.state, message.failures) == (MessageState.QUEUED, 1)
    assert deliver_due(now=message.due_at or datetime.now(UTC)) == 1
    assert len(phone.received) == 2


def test_redirect_of_a_push_service_is_not_followed(world: World, phone: Browser) -> None:
    phone.answers = [307]
    approve(world, request_of(world))
    send_all()
    assert [message.state for message in pushed()] == [MessageState.FAILED]
    assert len(phone.received) == 1


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example.org/send/1",
        "https://127.0.0.1/send/1",
        "https://[::1]/send/1",
        "https://10.1.2.3/send/1",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/send/1",
        "https://db/send/1",
        "https://metadata.internal/send/1",
        "https://user:word@push.example.org/send/1",
        "file:///etc/passwd",
        "https://",
        "https://[::1",
        "https://push.example.org:99999/",
        "https://[::ffff:127.0.0.1]/send/1",
        "https://[64:ff9b::7f00:1]/send/1",
        "https://224.0.0.1/send/1",
    ],
)
def test_address_that_is_no_public_push_service_is_refused(world: World, phone: Browser, endpoint: str) -> None:
    with pytest.raises(NotAPushAddress):
        check_address(endpoint)
    answer = world.client(world.paula).post(SUBSCRIPTIONS, {**phone.subscription, "endpoint": endpoint})
    assert answer.json()["errors"][0]["attr"] == "endpoint"


@pytest.mark.parametrize(
    "endless", [b"X-Line: 1\r\n", b"more and more"], ids=["a head without end", "a body without end"]
)
def test_answer_without_end_holds_up_nothing(
    world: World, service: PushService, phone: Browser, endless: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "CALL_SECONDS", 0.3)
    service.endless = endless
    approve(world, request_of(world))
    Message.objects.exclude(channel=DeliveryChannel.PUSH).update(due_at=None)
    began = time.monotonic()
    deliver_due(now=datetime.now(UTC) + timedelta(seconds=1))
    assert time.monotonic() - began < ENDLESS_SECONDS / 2
    assert len(phone.received) == 1


def test_link_that_is_revoked_tells_its_browsers_nothing_more(world: World, service: PushService) -> None:
    visit, browser = request_of(world), service.browser()
    answer = world.client().post(f"/api/v1/public/bookings/{visit.reference}/push-subscriptions", browser.subscription)
    assert answer.status_code == 201
    assert world.client(world.sam).post(f"/api/v1/appointments/{visit.pk}/revoke-link").status_code == 200
    approve(world, row_of(visit))
    send_all()
    assert browser.received == []


def test_name_that_leads_inside_by_the_time_of_delivery_is_not_called(
    world: World, phone: Browser, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(phone.origin.rpartition(":")[2])
    PushSubscription.objects.update(endpoint=f"https://push.example.org:{port}/send/1")
    settings.PUSH_STAND_INS = []

    def inside(*_: Any, **__: Any) -> list[Any]:
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    approve(world, request_of(world))
    (message,) = pushed()
    Message.objects.exclude(pk=message.pk).update(due_at=None)
    monkeypatch.setattr("socket.getaddrinfo", inside)
    send_all()
    assert phone.received == []
    message.refresh_from_db()
    assert message.state == MessageState.FAILED
    assert "not a public one" in message.error


def test_end_of_a_sign_in_and_a_new_password_end_web_push(world: World, service: PushService) -> None:
    client = world.client(world.paula)
    client.post(SUBSCRIPTIONS, service.browser().subscription)
    family = RefreshFamily.objects.filter(user=world.paula).latest("created_at")
    client.delete(f"/api/v1/users/me/sessions/{family.pk}")
    assert not PushSubscription.objects.exists()
    world.client(world.paula).post(SUBSCRIPTIONS, service.browser().subscription)
    set_password(user=fresh(world.paula), password=NEW_PASSWORD)
    assert not PushSubscription.objects.exists()


def test_same_browser_is_one_subscription_of_each_account(world: World, phone: Browser) -> None:
    client = world.client(world.paula)
    client.post(SUBSCRIPTIONS, phone.subscription)
    assert len(client.get(SUBSCRIPTIONS).json()["results"]) == 1
    world.client(world.pete).post(SUBSCRIPTIONS, phone.subscription)
    assert PushSubscription.objects.count() == 2
    (own,) = client.get(SUBSCRIPTIONS).json()["results"]
    assert refusal(world.client(world.pete).delete(f"{SUBSCRIPTIONS}/{own['id']}")) == (404, "not_found")
    assert client.delete(f"{SUBSCRIPTIONS}/{own['id']}").status_code == 204


def test_call_reaches_the_browser_without_any_detail(world: World, phone: Browser) -> None:
    visit = world.book_now()
    Message.objects.all().delete()
    world.client(world.sam).post(f"/api/v1/appointments/{visit.pk}/call", {"room": "2"})
    send_all()
    assert [(told["body"], told["url"]) for told in phone.received] == [("Please come in now.", "/me")]


@pytest.fixture
def day(world: World) -> None:
    """The clinic's day does not end while the test runs."""
    zones = ("Europe/Berlin", "America/Los_Angeles", "Asia/Tokyo")
    world.clinic.timezone = next(zone for zone in zones if 8 <= datetime.now(ZoneInfo(zone)).hour < 17)
    world.clinic.save(update_fields=["timezone"])


@pytest.mark.usefixtures("day")
def test_visit_after_the_one_that_ends_is_told_that_it_is_next_once(world: World, phone: Browser) -> None:
    first = world.book_now(patient=world.pete)
    later = world.book(first.ends_at, outside_hours=True, now=first.starts_at - timedelta(days=1))
    Message.objects.all().delete()
    client = world.client(world.sam)
    client.post(f"/api/v1/appointments/{first.pk}/check-in")
    assert pushed() == []
    client.post(f"/api/v1/appointments/{first.pk}/complete")
    send_all()
    assert [(told["body"], told["url"]) for told in phone.received] == [("You are next.", "/me")]
    Appointment.objects.filter(pk=first.pk).update(status="checked_in")
    client.post(f"/api/v1/appointments/{first.pk}/complete")
    assert [message.appointment_id for message in pushed()] == [later.pk]


@pytest.mark.usefixtures("day")
def test_visit_that_is_far_off_is_not_told_that_it_is_next(world: World, phone: Browser) -> None:
    first = world.book_now(patient=world.pete)
    world.book(first.ends_at + timedelta(hours=2), outside_hours=True, now=first.starts_at - timedelta(days=1))
    Message.objects.all().delete()
    world.client(world.sam).post(f"/api/v1/appointments/{first.pk}/complete")
    assert pushed() == []
