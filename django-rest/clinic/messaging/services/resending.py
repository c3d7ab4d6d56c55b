"""Undelivered messages are sent again, if they still hold."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from django.db.models import Q, QuerySet

from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.common.transactions import in_one_transaction
from clinic.messaging.catalogue import is_true_of
from clinic.messaging.due import due_reminder
from clinic.messaging.services.reminders import rules_of
from clinic.outbox.models import Message, MessageKind, MessageState
from clinic.outbox.queries import further_visits_of
from clinic.outbox.services import resend
from clinic.people.services.contact_routes import wants_reminders

# After these an appointment is what it was before.
CHANGES_NOTHING_TOLD = ("create", "edit", "attend", "link", "ask-move", "arrive", "revoke-link", "keep-time", "call")


class WhyNot(StrEnum):
    NOT_FAILED = "not failed"
    TAKEN_BACK = "taken back"
    SECRET = "secret"  # noqa: S105 - a reason
    TOO_LATE = "too late"
    NOT_TRUE = "not true"


@in_one_transaction
def send_again(
    messages: QuerySet[Message], *, now: datetime, also_holds: Callable[[Message], bool]
) -> tuple[int, Counter[WhyNot]]:
    """Returns how many are due again, and why how many are not. `also_holds`: what the caller knows of them."""
    # Locked before their messages, as whatever changes them does: it has done so, or takes back what is due again.
    ids = list(messages.filter(appointment__isnull=False).values_list("appointment_id", flat=True))
    locked = Appointment.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    fetched = locked.prefetch_related("clinic", "patient")
    appointments: dict[int | None, Appointment] = {one.pk: one for one in fetched}
    again, not_again = [], Counter[WhyNot]()
    for message in messages.order_by("pk"):
        reason = _why_not(message, now=now) or _why_untrue(message, appointments.get(message.appointment_id), now=now)
        if reason is None and not also_holds(message):
            reason = WhyNot.NOT_TRUE
        if reason is None:
            again.append(message.pk)
        else:
            not_again[reason] += 1
    return resend(Message.objects.filter(pk__in=again), now=now), not_again


def still_holds(message: Message) -> bool:
    """Whether what was told of an appointment is as it was when it was written. One query or two."""
    if message.appointment_id is None:
        return True
    return _still_holds(message, Appointment.objects.filter(pk=message.appointment_id).first())


def _why_not(message: Message, *, now: datetime) -> WhyNot | None:
    if message.withdrawn or message.state == MessageState.CANCELLED:
        return WhyNot.TAKEN_BACK
    if message.state not in (MessageState.FAILED, MessageState.DEAD):
        return WhyNot.NOT_FAILED
    if message.secret:
        return WhyNot.SECRET
    return WhyNot.TOO_LATE if message.expires_at is not None and message.expires_at <= now else None


def _why_untrue(message: Message, appointment: Appointment | None, *, now: datetime) -> WhyNot | None:
    if not _still_holds(message, appointment):
        return WhyNot.NOT_TRUE
    if appointment is not None and message.kind == MessageKind.REMINDER:
        return None if _is_still_due(message, appointment, now=now) else WhyNot.TOO_LATE
    return None


def _still_holds(message: Message, appointment: Appointment | None) -> bool:
    if message.appointment_id is None:
        return True
    status = Status(appointment.status) if appointment is not None else None
    return is_true_of(message.cause, status) and not _has_changed_since(message)


def _has_changed_since(message: Message) -> bool:
    """By the history of each appointment that it tells of, since the version that it tells."""
    concerned = Q(pk__in=[])
    for visit in [message.visit, *further_visits_of(message)]:
        if visit is not None:
            since = Q(at__gt=message.created_at) if visit.version is None else Q(snapshot__version__gt=visit.version)
            concerned |= Q(since, appointment_id=visit.appointment_id)
    events = AppointmentEvent.objects.filter(concerned)
    return events.exclude(action__in=CHANGES_NOTHING_TOLD).exists()


def _is_still_due(message: Message, appointment: Appointment, *, now: datetime) -> bool:
    """Each reminder of an appointment has an end of its own."""
    due = due_reminder(appointment.starts_at, rules_of(appointment.clinic), now=now)
    return due is not None and due.expires_at == message.expires_at and wants_reminders(appointment.patient)
