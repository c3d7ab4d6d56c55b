"""“You are next”: told once to the browsers of a visit, when nobody is before it any more on its day."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings

from clinic.appointments.lifecycle import UNDO, Status
from clinic.appointments.models import Appointment
from clinic.appointments.models import Channel as Through
from clinic.appointments.services.effects import Change, Effect
from clinic.common.instants import local_date_of, zone_of
from clinic.common.transactions import finish_with
from clinic.outbox.models import DeliveryChannel, MessageKind, VisitVersion
from clinic.outbox.push_subscriptions import subscribers
from clinic.outbox.services import About, NewMessage, queue_message
from clinic.people.services.contact_routes import account_id_of, language_of

# Statuses of visits that are expected or here, and not yet done.
IN_LINE = (Status.CONFIRMED, Status.CHECKED_IN)
# Visits further ahead than this have their reminder.
SOON = timedelta(minutes=90)
WORTH_FOR = timedelta(minutes=30)


def _collect(change: Change) -> None:
    if settings.SHARED.vapid_secret is not None and _leaves_the_line(change):
        finish_with(tell_next, change)


def _leaves_the_line(change: Change) -> bool:
    before, after = change.before, change.after
    if before is None or before.status not in IN_LINE:
        return False
    if change.action == UNDO or change.actor.channel == Through.COMMAND:
        return False
    if before.local_date != local_date_of(change.now, zone_of(before.clinic.timezone)):
        return False
    return after is None or after.status not in IN_LINE or _place(after) != _place(before)


def _place(appointment: Appointment) -> tuple[int, datetime]:
    return appointment.practitioner_id, appointment.starts_at


def tell_next(changes: Sequence[Change]) -> None:
    """Call in their transaction, at its end. Two queries for each practitioner's day."""
    left = {
        (before.practitioner_id, before.local_date): (before, change)
        for change in changes
        if (before := change.before) is not None
    }
    for before, change in left.values():
        visit = _first_in_line(before)
        is_soon = visit is not None and before.starts_at <= visit.starts_at <= change.now + SOON
        if visit is not None and is_soon:
            _tell(visit, now=change.now, send_at=change.told_at)


def _first_in_line(before: Appointment) -> Appointment | None:
    """Of the same practitioner's day."""
    line = Appointment.objects.filter(
        practitioner_id=before.practitioner_id,
        local_date=before.local_date,
        status__in=IN_LINE,
        deleted_at__isnull=True,
    )
    return line.select_related("clinic", "patient").order_by("starts_at", "pk").first()


def _tell(visit: Appointment, *, now: datetime, send_at: datetime) -> None:
    account_id = account_id_of(visit.patient)
    accounts = [account_id] if account_id is not None else []
    for subscription in subscribers(user_ids=accounts, appointment_ids=[visit.pk]):
        queue_message(
            NewMessage(
                about=About(visit.clinic_id, account_id, VisitVersion(visit.pk, visit.version)),
                kind=MessageKind.DAY,
                channel=DeliveryChannel.PUSH,
                template="push_next",
                recipient=str(subscription.pk),
                context={"clinic": visit.clinic.name},
                send_at=send_at,
                expires_at=max(visit.starts_at, now) + WORTH_FOR,
                unique_key=f"push_next:{visit.pk}:{subscription.pk}",
                language=language_of(visit.patient, visit.clinic),
            )
        )


TELL_NEXT = Effect(run=_collect)
