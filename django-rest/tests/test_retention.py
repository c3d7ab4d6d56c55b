"""Old words, notifications and events go, in small steps. Facts and outcomes of messages stay, and so does history."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from clinic.appointments.models import AppointmentEvent
from clinic.changefeed.models import RealtimeEvent
from clinic.changefeed.services import prune_events
from clinic.messaging.models import InboundMessage
from clinic.outbox.models import DeliveryChannel, Message, MessageState, MessageVisit
from clinic.outbox.services import resend
from clinic.worker import retention
from clinic.worker.jobs import DUE, JOBS, UPKEEP, run_jobs
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from testkit.clinic.world import World

NOW = datetime(2027, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
OLD, NEW = NOW - 91 * DAY, NOW - 89 * DAY
KEPT = (
    "clinic_id",
    "channel",
    "template",
    "kind",
    "recipient",
    "state",
    "sent_at",
    "created_at",
    "unique_key",
    "error",
)


def write(world: World, **fields: Any) -> Message:
    """A mail that was sent 91 days ago."""
    mail: dict[str, Any] = {
        "channel": DeliveryChannel.EMAIL,
        "template": "confirmed",
        "kind": "change",
        "recipient": "paula@riverside.example",
        "subject": "Confirmed",
        "body": "Dear Paula",
        "attachment": {"name": "visit.ics", "content": "BEGIN:VCALENDAR"},
        "state": MessageState.SENT,
        "created_at": OLD,
        "send_at": OLD,
        "sent_at": OLD,
    }
    return Message.objects.create(clinic=world.clinic, **{**mail, **fields})


@pytest.fixture(autouse=True)
def _no_messages(world: World) -> None:
    Message.objects.all().delete()


def facts(message: Message) -> dict[str, Any]:
    row = Message.objects.get(pk=message.pk)
    return {name: getattr(row, name) for name in KEPT}


def has_words(message: Message) -> bool:
    row = Message.objects.get(pk=message.pk)
    return bool(row.subject or row.body or row.attachment or row.instead)


def test_words_and_attachments_go_after_90_days_and_the_facts_stay(world: World) -> None:
    old, sms, new = (
        write(world),
        write(world, channel=DeliveryChannel.SMS, instead={"body": "a mail"}),
        write(world, created_at=NEW),
    )
    before = facts(old)
    run_jobs(now=NOW)
    assert [has_words(one) for one in (old, sms, new)] == [False, False, True]
    assert facts(old) == before


def test_messages_that_are_still_to_be_sent_or_released_keep_their_words(world: World) -> None:
    queued = write(world, state=MessageState.QUEUED, sent_at=None, due_at=NOW + DAY)
    held = write(world, state=MessageState.HELD, sent_at=None)
    retention.prune(retention.WORDS, now=NOW)
    assert has_words(queued)
    assert has_words(held)


def test_message_without_words_is_not_sent_again(world: World) -> None:
    failed = write(world, state=MessageState.FAILED, sent_at=None)
    retention.prune(retention.WORDS, now=NOW)
    assert resend(Message.objects.filter(pk=failed.pk), now=NOW) == 0


def test_notifications_go_after_90_days_and_other_messages_do_not(world: World) -> None:
    shown: dict[str, Any] = {
        "channel": DeliveryChannel.IN_APP,
        "state": MessageState.DELIVERED,
        "user": world.sam,
        "attachment": None,
    }
    old, new, mail = write(world, **shown), write(world, **shown, created_at=NEW), write(world)
    MessageVisit.objects.create(message=old, appointment_id=1)
    run_jobs(now=NOW)
    assert set(Message.objects.filter(created_at__lte=NEW).values_list("pk", flat=True)) == {new.pk, mail.pk}


def test_incoming_sms_go_after_a_year(world: World) -> None:
    for days in (366, 364):
        InboundMessage.objects.create(
            clinic=world.clinic, provider_id=f"SM{days}", sender="+491701", received_at=NOW - days * DAY, body="Yes"
        )
    run_jobs(now=NOW)
    assert [one.provider_id for one in InboundMessage.objects.all()] == ["SM364"]


def test_zero_days_keep_for_ever(world: World, settings: Settings) -> None:
    never = dict.fromkeys(("keep_message_words_days", "keep_notifications_days", "keep_incoming_sms_days"), 0)
    settings.SHARED = settings.SHARED.model_copy(update=never)
    old = write(world)
    run_jobs(now=NOW)
    assert has_words(old)


def test_history_is_never_pruned(world: World) -> None:
    world.book(NOW - 1000 * DAY + timedelta(hours=9 - 12), outside_hours=True)
    before = AppointmentEvent.objects.count()
    run_jobs(now=NOW)
    assert AppointmentEvent.objects.count() == before > 0


def test_each_message_is_looked_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "STEP_ROWS", 3)
    messages = [write(world) for _ in range(7)]
    assert retention.prune(retention.WORDS, now=NOW) == 7
    assert not any(map(has_words, messages))
    assert retention.prune(retention.WORDS, now=NOW) == 0


def test_time_that_is_over_leaves_the_rest_for_the_next_round(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "STEP_ROWS", 2)
    messages = [write(world) for _ in range(5)]
    for expected in ([False, False, True, True, True], [False, False, False, False, True], [False] * 5):
        retention.prune(retention.WORDS, now=NOW, seconds=0)
        assert [has_words(one) for one in messages] == expected


def test_dry_run_says_what_would_go_and_removes_nothing(world: World) -> None:
    old, out = write(world, body="x" * 1_000_000), StringIO()
    call_command("prune_old", "--dry-run", stdout=out)
    assert "words of messages: 0 rows" in out.getvalue()  # These are of next year.
    Message.objects.update(created_at=datetime.now(UTC) - 100 * DAY)
    call_command("prune_old", "--dry-run", stdout=out)
    assert "words of messages: 1 rows older than" in out.getvalue()
    assert "(KEEP_MESSAGE_WORDS_DAYS), 1.0 MB of words" in out.getvalue()
    assert has_words(old)
    call_command("prune_old", stdout=out)
    assert not has_words(old)


def statements(work: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        work()
    return len([query for query in captured if "SAVEPOINT" not in query["sql"]])


def test_events_of_many_clinics_are_pruned_together(world: World) -> None:
    def add_events(clinics: range) -> None:
        RealtimeEvent.objects.bulk_create(
            RealtimeEvent(clinic_id=clinic, seq=seq, entity="appointment", entity_id=1, kind="update", at=OLD)
            for clinic in clinics
            for seq in (1, 2, 3)
        )

    add_events(range(1_000_001, 1_000_003))
    for_two = statements(lambda: prune_events(older_than=NEW))
    add_events(range(1_000_003, 1_000_103))
    assert statements(lambda: prune_events(older_than=NEW)) == for_two
    assert not RealtimeEvent.objects.filter(clinic_id__gt=1_000_000).exists()


def test_expired_refresh_tokens_are_found_by_an_index_and_go_in_steps(world: World) -> None:
    for number in range(5):
        token = OutstandingToken.objects.create(
            jti=f"jti {number}", token="", created_at=OLD, expires_at=OLD if number else NOW + DAY
        )
        BlacklistedToken.objects.create(token=token)
    run_jobs(now=NOW)
    assert [one.jti for one in OutstandingToken.objects.all()] == ["jti 0"]
    with connection.cursor() as cursor:
        cursor.execute("SHOW INDEX FROM token_blacklist_outstandingtoken WHERE Column_name = 'expires_at'")
        assert len(cursor.fetchall()) == 1


def test_due_jobs_run_apart_from_upkeep() -> None:
    assert not DUE.keys() & UPKEEP.keys()
    assert JOBS == DUE | UPKEEP
    assert all("prun" in name or name == "one address for all sign-ins" for name in UPKEEP)
