"""Reminders are queued as they fall due: which, says `clinic.messaging.due`, and why that way."""

from collections.abc import Collection, Iterator
from datetime import datetime
from functools import partial

from django.db.models import CharField, Exists, F, Func, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat

from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment, Source
from clinic.common.instants import zone_of
from clinic.common.isolation import sum_isolated
from clinic.common.transactions import in_one_transaction
from clinic.messaging.catalogue import CATALOGUE, News
from clinic.messaging.due import Rules, Window, due_reminder, due_windows, leads_of
from clinic.messaging.services.telling import patient_context, ways_of
from clinic.outbox.models import Channel, Message
from clinic.outbox.services import About, compose_message, queue_messages
from clinic.people.services.reaching import language_of, opted_out_among
from clinic.scheduling.models import Clinic, reminder_minutes_in

# Each batch is a transaction that locks so many appointments.
BATCH = 200
[TELLING] = CATALOGUE[News.REMINDER]


def queue_due_reminders(*, now: datetime) -> int:
    """Of every clinic. Returns how many appointments were reminded of. Any number may run at once. Raises
    PartlyFailed."""
    return sum_isolated(Clinic.objects.all(), partial(_queue_for, now=now))


def _queue_for(clinic: Clinic, *, now: datetime) -> int:
    windows = due_windows(rules_of(clinic), now=now)
    return sum(_queue(ids, clinic, now=now) for window in windows for ids in _batches(clinic, window))


def rules_of(clinic: Clinic) -> Rules:
    return Rules(
        leads_of(reminder_minutes_in(clinic.reminder_minutes)),
        zone_of(clinic.timezone),
        clinic.quiet_from,
        clinic.quiet_until,
    )


def _batches(clinic: Clinic, window: Window) -> Iterator[list[int]]:
    """The ids of what is due and was not queued, in order of their start. One query a batch, by indices."""
    after = Q(starts_at__gt=window.after)
    while batch := list(_waiting(clinic, window).filter(after).values_list("starts_at", "pk")[:BATCH]):
        yield [pk for _, pk in batch]
        # On from here: one that cannot be told, or is just being changed, is not asked for again in this round.
        starts_at, pk = batch[-1]
        after = Q(starts_at__gt=starts_at) | Q(starts_at=starts_at, pk__gt=pk)


def _waiting(clinic: Clinic, window: Window) -> QuerySet[Appointment]:
    start = Func(F("starts_at"), Value("%Y%m%dT%H%i"), function="DATE_FORMAT", output_field=CharField())
    key = Concat(
        Value("reminder:"), F("pk"), Value(":"), start, Value(f":{_minutes(window)}"), output_field=CharField()
    )
    awaited = Appointment.objects.filter(
        clinic=clinic,
        status=Status.CONFIRMED,
        starts_at__gt=window.after,
        starts_at__lte=window.until,
    ).exclude(source=Source.DEMO)
    was_queued = Exists(Message.objects.filter(unique_key=OuterRef("key")))
    return awaited.annotate(key=key).exclude(was_queued).order_by("starts_at", "pk")


def _minutes(window: Window) -> int:
    return int(window.lead.total_seconds()) // 60


@in_one_transaction
def _queue(ids: list[int], clinic: Clinic, *, now: datetime) -> int:
    # Locked: who cancels or moves one of these either has done so, or finds its reminder and takes it back.
    locked = Appointment.objects.select_for_update(skip_locked=True).filter(pk__in=ids, status=Status.CONFIRMED)
    awaited = list(locked.order_by("pk").prefetch_related("patient", "practitioner"))
    rules, opted_out = rules_of(clinic), opted_out_among(appointment.patient for appointment in awaited)
    messages: list[Message] = []
    for appointment in awaited:
        appointment.clinic = clinic
        messages += _reminders_of(appointment, rules, opted_out, now=now)
    queue_messages(messages)
    return len({message.appointment_id for message in messages})


def _reminders_of(
    appointment: Appointment, rules: Rules, opted_out: Collection[str], *, now: datetime
) -> Iterator[Message]:
    due = due_reminder(appointment.starts_at, rules, now=now)
    patient = appointment.patient
    if due is None or not patient.wants_reminders:
        return
    language = language_of(patient, appointment.clinic)
    key = f"reminder:{appointment.pk}:{appointment.starts_at:%Y%m%dT%H%M}:{int(due.lead.total_seconds()) // 60}"
    for way in ways_of(TELLING, appointment, opted_out):
        yield compose_message(
            about=About(appointment.clinic_id, patient.user_id, appointment.pk),
            channel=Channel(way.channel),
            template=TELLING.template,
            recipient=way.recipient,
            fallback_recipient=way.fallback_recipient,
            context=patient_context([appointment], language),
            now=now,
            expires_at=None if way.channel == Channel.IN_APP else due.expires_at,
            unique_key=key,
            language=language,
        )
        # The first has the key by which a reminder is known to be queued, whichever way it went.
        key = f"{key}:{Channel.IN_APP}"
