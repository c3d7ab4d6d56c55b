"""How the service is: what the health endpoints tell. How the clinic's day is: what the admin begins with."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection
from django.db.models import Q

from clinic.accounts.models import User
from clinic.accounts.sign_in_addresses import sign_in_spread
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment
from clinic.appointments.queries import appointments_visible_to
from clinic.common import clock
from clinic.common.instants import local_date_of, zone_of
from clinic.common.mysql.conditions import code_of
from clinic.ops.models import JobRun
from clinic.ops.workers import running_workers
from clinic.outbox.counting import LIMITED
from clinic.outbox.models import Message
from clinic.outbox.queries import outbox_state
from clinic.scheduling.queries import clinics_in_unknown_zones
from clinic.waitlist.models import OfferState, WaitlistOffer

# A worker begins a round every minute.
LATE_AFTER = timedelta(minutes=3)
# Our own processes are limited to less while they are idle; longer ones hold up changes of the schema.
OLD_TRANSACTION_SECONDS = 30
MAX_CLINICS_NAMED = 20
MAY_NOT_SEE = frozenset({1044, 1142, 1227})


def server_version() -> str:
    """Raises DatabaseError."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        return str(cursor.fetchone()[0])


def transaction_health() -> dict[str, Any] | None:
    """Transactions of all sessions with the server; None where our user may not see them (PROCESS)."""
    query = (
        "SELECT COALESCE(MAX(TIMESTAMPDIFF(SECOND, trx_started, NOW())), 0),"
        " COALESCE(SUM(trx_started < NOW() - INTERVAL %s SECOND), 0) FROM information_schema.innodb_trx"
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute(query, [OLD_TRANSACTION_SECONDS])
            oldest, old = cursor.fetchone()
    except DatabaseError as error:
        if code_of(error) in MAY_NOT_SEE:
            return None
        raise
    return {"oldest_seconds": int(oldest), "old": int(old)}


def outbox_health(*, now: datetime) -> dict[str, Any]:
    state = outbox_state(now=now)
    return {
        "due": sum(state.due.values()),
        "oldest_due_seconds": round(state.oldest_due_seconds, 3),
        "retrying": sum(state.retrying.values()),
        "held": state.held,
        "sms_limited": state.ended.get(("sms", LIMITED), 0),
        "oldest_undelivered_seconds": round(state.oldest_undelivered_seconds, 3),
    }


def worker_health(*, now: datetime) -> dict[str, Any]:
    runs = list(JobRun.objects.all())
    last = max((run.started_at for run in runs), default=None)
    skews: list[float] = [worker.clock_skew_seconds for worker in running_workers(now=now)]
    largest: float = max(skews, key=abs, default=0.0)
    return {
        "last_round_at": last,
        "late": last is None or now - last > LATE_AFTER,
        "failing": [run.name for run in runs if run.error],
        "clock_skew_seconds": round(largest, 3) if skews else None,
        "stopped_by_clock": sum(abs(skew) > clock.MAX_SKEW_SECONDS for skew in skews),
    }


def sign_in_health(*, now: datetime) -> dict[str, Any]:
    spread = sign_in_spread(now=now)
    return {
        "accounts": spread.accounts,
        "addresses": spread.addresses,
        "share_one_address": spread.shares_one_address,
    }


def time_zone_health() -> dict[str, Any]:
    """Two queries, three if there are any."""
    lost = clinics_in_unknown_zones()
    count = lost.count()
    named = list(lost.values("id", "slug")[:MAX_CLINICS_NAMED]) if count else []
    return {"unknown": count, "clinics": named}


def clock_health() -> dict[str, Any]:
    """Of this process. No query."""
    return {"skew_seconds": round(clock.skew_seconds(), 3), "off": clock.is_off()}


def is_still_offered(message: Message, *, now: datetime) -> bool:
    """Of what the waitlist offers: whether it can still be answered, by whom it was sent to. True of anything else."""
    if message.template != "waitlist_offer":
        return True
    theirs = Q(entry__patient__phone=message.recipient) | Q(entry__patient__email=message.recipient)
    offers = WaitlistOffer.objects.filter(clinic=message.clinic_id, state=OfferState.OPEN, expires_at__gt=now)
    # A mail in the place of an SMS knows the end of its offer, and nothing else of it.
    ends = set(offers.filter(theirs).values_list("expires_at", flat=True))
    return message.expires_at in ends


@dataclass(frozen=True, slots=True)
class ClinicDay:
    """What the desk looks at in the morning: what waits for a decision, however far ahead, and who comes today."""

    date: date
    pending_count: int
    pending: list[Appointment]
    today: list[Appointment]

    def count(self, *statuses: Status) -> int:
        return sum(appointment.status in statuses for appointment in self.today)


MOST_PENDING = 8
MOST_TODAY = 200


def clinic_day_of(user: User, *, now: datetime) -> ClinicDay:
    """Without what was called off. Three queries."""
    today = local_date_of(now, zone_of(user.clinic.timezone if user.clinic is not None else "UTC"))
    visible = appointments_visible_to(user).order_by("starts_at", "id")
    shown = visible.select_related("clinic", "patient", "practitioner", "service")
    called_off = (Status.CANCELLED, Status.REJECTED)
    return ClinicDay(
        date=today,
        pending_count=visible.filter(status=Status.PENDING).count(),
        pending=list(shown.filter(status=Status.PENDING)[:MOST_PENDING]),
        today=list(shown.filter(local_date=today).exclude(status__in=called_off)[:MOST_TODAY]),
    )
