"""Rows that give the jobs of the worker something to do."""

from datetime import datetime, timedelta
from typing import Any

from clinic.accounts.models import (
    ContactChange,
    ContactClaim,
    ContactKind,
    PasswordMailRequest,
    PasswordToken,
    RefreshFamily,
)
from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import Action
from clinic.appointments.models import Appointment
from clinic.appointments.services.decisions import change_status
from clinic.changefeed.models import RealtimeEvent
from clinic.common.models import AttemptCount, IdempotencyKey
from clinic.messaging.models import InboundMessage
from clinic.outbox.models import DeliveryChannel, Message, MessageState
from clinic.people.models import PhoneCode
from clinic.waitlist.models import WaitlistEntry
from clinic.waitlist.services.entries import Wishes, join_waitlist
from clinic.worker.models import WorkerProcess
from django.contrib.sessions.models import Session
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from testkit.clinic.feed_rows import make_hold
from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh

NOON = in_days(3)(12)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def wait_for(world: World, start: datetime, *, now: datetime) -> WaitlistEntry:
    day = start.date()
    return join_waitlist(
        actor=UserActor(fresh(world.sam)),
        clinic=world.clinic,
        patient_id=world.pete.patient.pk,
        wishes=Wishes(first_date=day, last_date=day, practitioner_id=world.petra.practitioner.pk),
        now=now,
    )


def make_everything_due(world: World) -> None:
    """One item for each job of `PER_CLINIC` at noon."""
    world.book(NOON - HOUR)
    undecided = world.book(NOON - 2 * HOUR)
    Appointment.objects.filter(pk=undecided.pk).update(status="pending")
    world.book(NOON + DAY)
    offered = world.book(NOON + 2 * DAY)
    wait_for(world, offered.starts_at, now=NOON - 2 * HOUR)
    sam = UserActor(fresh(world.sam))
    change_status(actor=sam, appointment_id=offered.pk, action=Action.CANCEL, now=NOON - 2 * HOUR)
    wait_for(world, NOON - DAY, now=NOON - 2 * DAY)
    # Only what this makes is to be told of.
    Message.objects.filter(clinic=world.clinic, created_at__gt=NOON - 300 * DAY).delete()
    Message.objects.create(
        clinic=world.clinic,
        channel=DeliveryChannel.SMS,
        template="confirmed",
        recipient="+442079999999",
        state=MessageState.DEAD,
        created_at=NOON - HOUR,
        send_at=NOON - HOUR,
    )


def make_everything_prunable(world: World) -> None:
    """One row for each job that deletes at noon, and requests for a password mail and a verification mail."""
    long_ago: dict[str, Any] = {"created_at": NOON - 30 * DAY, "expires_at": NOON - 29 * DAY}
    user, clinic = world.sam, world.clinic
    PasswordMailRequest.objects.create(email=str(user.email), created_at=NOON - DAY)
    PasswordMailRequest.objects.create(email=str(user.email), created_at=NOON)
    PasswordToken.objects.create(user=user, token_hash="hash", **long_ago)
    ContactClaim.objects.create(
        user=user, kind=ContactKind.EMAIL, value="new@riverside.example", created_at=NOON, mail_requested_at=NOON
    )
    ContactChange.objects.create(
        user=user, kind=ContactKind.EMAIL, former="former@riverside.example", token_hash="hash", **long_ago
    )
    RefreshFamily.objects.create(pk="family", user=user, created_at=NOON - DAY, ends_at=NOON - HOUR)
    token = OutstandingToken.objects.create(jti="jti", token="", **long_ago)
    BlacklistedToken.objects.create(token=token)
    Session.objects.create(session_key="key", session_data="", expire_date=NOON - HOUR)
    PhoneCode.objects.create(clinic=clinic, phone="+491701234567", code_hash="hash", address="::1", **long_ago)
    IdempotencyKey.objects.create(owner="user 1", key="key", fingerprint="", created_at=NOON - 30 * DAY)
    AttemptCount.objects.create(scope="test", subject="hash", attempts=1, started_at=NOON - DAY, expires_at=NOON - HOUR)
    WorkerProcess.objects.create(name="ended", seen_at=NOON - 30 * DAY, clock_skew_seconds=0)
    make_hold(clinic, world.quentin, NOON - HOUR)
    world.book(NOON - 2 * DAY - HOUR)
    first = RealtimeEvent.objects.filter(clinic_id=clinic.pk).earliest("seq").seq
    RealtimeEvent.objects.filter(clinic_id=clinic.pk, seq=first).update(at=NOON - 30 * DAY)


def make_old_messages(world: World) -> None:
    """One for each kind that goes at noon. Call first: ids rise with time."""
    clinic, user = world.clinic, world.sam
    mail: dict[str, Any] = {"template": "confirmed", "recipient": "paula@riverside.example", "body": "Dear Paula"}
    last_year: dict[str, Any] = {
        "created_at": NOON - 400 * DAY,
        "send_at": NOON - 400 * DAY,
        "sent_at": NOON - 400 * DAY,
    }
    Message.objects.create(clinic=clinic, channel=DeliveryChannel.EMAIL, state=MessageState.SENT, **mail, **last_year)
    Message.objects.create(
        clinic=clinic, channel=DeliveryChannel.IN_APP, state=MessageState.DELIVERED, user=user, **mail, **last_year
    )
    InboundMessage.objects.create(clinic=clinic, provider_id="SM1", sender="+49170", received_at=NOON - 400 * DAY)
