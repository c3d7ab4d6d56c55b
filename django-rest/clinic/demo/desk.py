"""Messages and waitlist of the demo clinic, so that its pages have something to show. Nothing of it is sent."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from clinic.accounts.models import User
from clinic.appointments.actor import UserActor
from clinic.appointments.models import Appointment
from clinic.appointments.models import Channel as ActorChannel
from clinic.common.instants import local_date_of, zone_of
from clinic.common.transactions import in_one_transaction
from clinic.messaging.models import InboundMessage
from clinic.outbox.models import DeliveryChannel, Message, MessageKind, MessageState
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic, Practitioner
from clinic.scheduling.queries.open_times import open_slots_of
from clinic.scheduling.slots import Slot
from clinic.scheduling.working_hours import Interval
from clinic.waitlist.queries import appointments_of_patients
from clinic.waitlist.services.entries import Wishes, join_waitlist
from clinic.waitlist.services.offering import offer_by_hand

OWN_NUMBER = "+12125550100"
# Of the waitlist: so far ahead, and with one practitioner alone, that hardly any time that somebody frees to try
# something is offered at once.
FIRST_DAY, LAST_DAY = timedelta(days=8), timedelta(days=22)
ASKING = "Hello, I will be ten minutes late tomorrow. Is that all right?"
TOLD = (
    ("confirmed", DeliveryChannel.SMS, "Your appointment is confirmed. To cancel it, answer NO.", timedelta(days=2)),
    (
        "reminder",
        DeliveryChannel.SMS,
        "A reminder of your appointment tomorrow. Answer YES if you will come.",
        timedelta(hours=9),
    ),
    (
        "moved",
        DeliveryChannel.EMAIL,
        "Your appointment was moved. The new time is in the attached calendar file.",
        timedelta(hours=4),
    ),
)
NOT_TOLD = (
    "reminder",
    DeliveryChannel.SMS,
    "A reminder of your appointment. Answer YES if you will come.",
    timedelta(hours=1),
)
WHY_NOT = "The phone cannot be reached: the number is not in use."


@in_one_transaction
def fill_desk(
    *, clinic: Clinic, desk: User, patients: Sequence[Patient], practitioner: Practitioner, now: datetime
) -> None:
    """Requires: at least five patients with a phone and a visit."""
    visits = dict(Appointment.objects.filter(clinic=clinic).order_by("pk").values_list("patient_id", "pk"))
    known = [patient for patient in patients if patient.phone and patient.pk in visits][:5]
    first, second, third, fourth, fifth = known
    messages = [_told(clinic, patient, *told, now=now) for patient, told in zip(known, TOLD, strict=False)]
    messages.append(_not_told(clinic, fourth, now=now))
    for message, patient in zip(messages, known, strict=False):
        message.appointment_id = visits[patient.pk]
    Message.objects.bulk_create(messages)
    _ask_desk(clinic, second, now=now)
    entries = list(_wait(clinic, desk, (third, fifth, first), practitioner, now=now))
    _offer(clinic, desk, entries[0], third, practitioner, now=now)


def _told(
    clinic: Clinic,
    patient: Patient,
    template: str,
    channel: DeliveryChannel,
    body: str,
    ago: timedelta,
    *,
    now: datetime,
) -> Message:
    at = now - ago
    return Message(
        clinic=clinic,
        channel=channel,
        template=template,
        kind=MessageKind.REMINDER if template == "reminder" else MessageKind.CHANGE,
        recipient=patient.phone if channel == DeliveryChannel.SMS else patient.email,
        subject="" if channel == DeliveryChannel.SMS else clinic.name,
        body=f"{clinic.name}: {body}",
        state=MessageState.DELIVERED,
        attempts=1,
        created_at=at,
        send_at=at,
        sent_at=at,
    )


def _not_told(clinic: Clinic, patient: Patient, *, now: datetime) -> Message:
    message = _told(clinic, patient, *NOT_TOLD, now=now)
    message.state, message.sent_at, message.error = MessageState.FAILED, None, WHY_NOT
    message.reported_at = message.created_at
    return message


def _ask_desk(clinic: Clinic, patient: Patient, *, now: datetime) -> None:
    InboundMessage.objects.create(
        clinic=clinic,
        provider_id=f"demo-{clinic.pk}-{patient.pk}",
        sender=patient.phone,
        recipient=OWN_NUMBER,
        body=ASKING,
        received_at=now - timedelta(minutes=25),
        phone=patient.phone,
        for_desk=True,
    )


def _wait(
    clinic: Clinic,
    desk: User,
    patients: Sequence[Patient],
    practitioner: Practitioner,
    *,
    now: datetime,
) -> Iterator[int]:
    """Ids of the entries."""
    today = local_date_of(now, zone_of(clinic.timezone))
    for number, patient in enumerate(patients):
        entry = join_waitlist(
            actor=UserActor(desk, ActorChannel.COMMAND),
            clinic=clinic,
            patient_id=patient.pk,
            wishes=Wishes(
                first_date=today + FIRST_DAY,
                last_date=today + LAST_DAY,
                practitioner_id=practitioner.pk,
                part_of_day="morning" if number == 1 else "any",
                priority=number % 2,
            ),
            now=now - timedelta(days=3 - number),
        )
        yield entry.pk


def _offer(
    clinic: Clinic, desk: User, entry_id: int, patient: Patient, practitioner: Practitioner, *, now: datetime
) -> None:
    """The first time at which both are free; none, if there is no such time."""
    today = local_date_of(now, zone_of(clinic.timezone))
    slots = open_slots_of(
        clinic, [practitioner], first_date=today + FIRST_DAY, last_date=today + LAST_DAY, now=now, for_clinic=True
    )[practitioner.pk]
    start = next((slot.start for slot in slots if not _is_busy(patient, slot)), None)
    if start is None:
        return
    offer_by_hand(
        actor=UserActor(desk, ActorChannel.COMMAND),
        entry_id=entry_id,
        practitioner_id=practitioner.pk,
        start=start,
        now=now,
    )
    # As if it had gone out: the people of the demo have no phones.
    waiting = Message.objects.filter(clinic=clinic, offer__entry=entry_id, state=MessageState.QUEUED)
    waiting.update(state=MessageState.DELIVERED, sent_at=now, due_at=None)


def _is_busy(patient: Patient, slot: Slot) -> bool:
    return bool(appointments_of_patients([patient.pk], Interval(slot.start, slot.end))[patient.pk])
