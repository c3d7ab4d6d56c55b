"""The clinic's log of messages, the newest first, each page by an index that begins with what is asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import product

from django.db.models import Q, QuerySet

from clinic.accounts.models import User
from clinic.appointments.models import Appointment
from clinic.common.indexed_lists import IndexedList, Part, in_order_of
from clinic.common.instants import end_of_day, start_of_day
from clinic.messaging.queries import messages_visible_to, zone_for
from clinic.outbox.models import DeliveryChannel, Message, MessageState
from clinic.people.models import FamilyMember
from clinic.people.queries import patients_visible_to


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Dates are the clinic's, of the writing, and included. `recipient` is the whole address or phone."""

    channel: DeliveryChannel | None = None
    states: tuple[MessageState, ...] = ()
    appointment_id: int | None = None
    patient_id: int | None = None
    recipient: str = ""
    first_date: date | None = None
    last_date: date | None = None


def list_messages(user: User, wanted: MessageFilter) -> IndexedList[Message]:
    """No query; four to find out what is a patient's."""
    dates = {
        "created_at__gte": wanted.first_date and start_of_day(wanted.first_date, zone_for(user)),
        "created_at__lt": wanted.last_date and end_of_day(wanted.last_date, zone_for(user)),
    }
    messages = messages_visible_to(user).filter(**{name: value for name, value in dates.items() if value})
    return IndexedList(
        Message,
        tuple(_parts(user, messages, wanted)),
        ("-created_at", "-id"),
        lambda ids: in_order_of(ids, Message.objects.all()),
    )


def _parts(user: User, messages: QuerySet[Message], wanted: MessageFilter) -> Iterator[Part]:
    if wanted.patient_id is not None:
        for condition, index in _told_to(user, wanted.patient_id):
            yield Part(_filtered(messages.filter(condition), wanted), index)
    elif wanted.appointment_id is not None:
        yield Part(_filtered(messages, wanted), BY_VISIT)
    elif wanted.recipient:
        yield Part(_filtered(messages, wanted), "message_clinic_recipient")
    elif wanted.channel is None and not wanted.states:
        yield Part(messages, "message_clinic_created")
    else:
        channels = [wanted.channel] if wanted.channel else list(DeliveryChannel)
        for channel, state in product(channels, dict.fromkeys(wanted.states) or MessageState):
            yield Part(messages.filter(channel=channel, state=state), "message_clinic_found")


BY_VISIT, BY_ACCOUNT = "message_appointment", "message_user_sent"


def _filtered(messages: QuerySet[Message], wanted: MessageFilter) -> QuerySet[Message]:
    conditions = {
        "channel": wanted.channel,
        "state__in": wanted.states or None,
        "appointment_id": wanted.appointment_id,
        "recipient": wanted.recipient or None,
    }
    return messages.filter(**{name: value for name, value in conditions.items() if value})


def _told_to(user: User, patient_id: int) -> Iterator[tuple[Q, str]]:
    """By their appointments, and by their account. Not by address: families share a phone."""
    patient = patients_visible_to(user).filter(pk=patient_id).first()
    if patient is None:
        return
    appointment_ids = list(Appointment.objects.filter(patient=patient).values_list("pk", flat=True))
    # The account that books for them is told as well; the clinic's people are not meant.
    family = FamilyMember.objects.filter(patient=patient).exclude(user=patient.user_id)
    to_nobody_else = Q(user__isnull=True) | Q(user_id__in=list(family.values_list("user_id", flat=True)))
    yield Q(appointment_id__in=appointment_ids) & to_nobody_else, BY_VISIT
    if patient.user_id is not None:
        yield Q(user=patient.user_id), BY_ACCOUNT
