"""Reminders are queued as they fall due: which, says `clinic.messaging.due`, and why that way.

One query finds the visits of all clinics whose reminder may be due. What their messages are made of is read for many
visits at once. Each clinic's messages are written in a transaction of their own, which locks the visits and leaves out
those that have changed since.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import attrgetter

from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment
from clinic.appointments.queries import agreement_times
from clinic.common.instants import is_known_zone, zone_of
from clinic.common.isolation import sum_isolated
from clinic.common.transactions import in_one_transaction
from clinic.messaging.catalogue import CATALOGUE, News
from clinic.messaging.due import APART, Reminder, Rules, VisitTimes, due_reminder, leads_of, minutes_of
from clinic.messaging.due_visits import FoundVisit, ReminderPolicies, find_visits
from clinic.messaging.services.telling import ways_of
from clinic.messaging.services.visit_context import patient_context
from clinic.outbox.contact_routes import Ways
from clinic.outbox.models import DeliveryChannel, Message, MessageKind, VisitVersion
from clinic.outbox.queries import times_told
from clinic.outbox.services import About, NewMessage, compose_message, write_messages
from clinic.outbox.wording_messages import OwnWords, own_words, word_messages
from clinic.people.services.contact_routes import account_id_of, language_of, opted_out_among, wants_reminders
from clinic.scheduling.models import Clinic, ReminderWays, reminder_minutes_in

# Visits whose times, patients and wishes are read together.
BATCH = 1000
# Each transaction locks so many at most.
MAX_LOCKED = 200
[TELLING] = CATALOGUE[News.REMINDER]
# By what the clinic has chosen.
TELLINGS = {
    ReminderWays.SMS_FIRST.value: replace(TELLING, ways=Ways.SMS_FIRST),
    ReminderWays.MAIL_FIRST.value: replace(TELLING, ways=Ways.MAIL_FIRST),
    ReminderWays.MAIL.value: replace(TELLING, ways=Ways.MAIL),
    ReminderWays.EVERY.value: replace(TELLING, ways=Ways.EVERY),
}


@dataclass(frozen=True, slots=True)
class ClinicPart:
    """Visits of one clinic that are reminded of in one transaction; none of a clinic in an unknown zone."""

    clinic: Clinic
    due: Sequence[tuple[Appointment, Reminder]] = ()
    opted_out: Collection[str] = ()
    words: OwnWords = field(default_factory=dict)

    @property
    def pk(self) -> int:
        return self.clinic.pk


def queue_due_reminders(*, now: datetime) -> int:
    """Of every clinic. Returns how many appointments were reminded of. Two queries where nothing is due. Any number may
    run at once. Raises PartlyFailed."""
    return sum_isolated(_parts(now), partial(_queue, now=now))


def rules_of(clinic: Clinic) -> Rules:
    return Rules(
        leads_of(reminder_minutes_in(clinic.reminder_minutes)),
        zone_of(clinic.timezone),
        clinic.quiet_from,
        clinic.quiet_until,
    )


def _parts(now: datetime) -> Iterator[ClinicPart]:
    for found in find_visits(ReminderPolicies.read(now=now)):
        for visits in _batches(found):
            yield from _read_parts(visits, now=now)


def _batches(found: Sequence[FoundVisit]) -> Iterator[list[FoundVisit]]:
    """Clinic by clinic, so that few transactions are needed."""
    ordered = sorted(found, key=attrgetter("clinic_id", "starts_at", "pk"))
    for start in range(0, len(ordered), BATCH):
        yield ordered[start : start + BATCH]


def _read_parts(visits: Sequence[FoundVisit], *, now: datetime) -> Iterator[ClinicPart]:
    """At most nine queries, without a lock: what is not due yet is not locked every minute."""
    clinics = Clinic.objects.in_bulk({visit.clinic_id for visit in visits})
    yield from (ClinicPart(clinic) for clinic in clinics.values() if not is_known_zone(clinic.timezone))
    rules = {pk: rules_of(clinic) for pk, clinic in clinics.items() if is_known_zone(clinic.timezone)}
    reminders = _reminders_due([visit for visit in visits if visit.clinic_id in rules], rules, now=now)
    if not reminders:
        return
    confirmed = Appointment.objects.filter(pk__in=reminders, status=Status.CONFIRMED)
    awaited = list(confirmed.order_by("clinic_id", "pk").prefetch_related("patient", "practitioner"))
    opted_out = opted_out_among(appointment.patient for appointment in awaited)
    words = own_words(clinics, {TELLING.template})
    for clinic_id, of_clinic in groupby(awaited, key=attrgetter("clinic_id")):
        due = [(one, reminders[one.pk]) for one in of_clinic if wants_reminders(one.patient)]
        for start in range(0, len(due), MAX_LOCKED):
            yield ClinicPart(clinics[clinic_id], due[start : start + MAX_LOCKED], opted_out, words)


def _reminders_due(visits: Sequence[FoundVisit], rules: dict[int, Rules], *, now: datetime) -> dict[int, Reminder]:
    """By visit. Three queries."""
    ids = [visit.pk for visit in visits]
    agreed_at, told_at = agreement_times(ids), times_told(ids, now=now, within=APART)
    due = {
        visit.pk: due_reminder(
            visit.starts_at,
            rules[visit.clinic_id],
            now=now,
            visit=VisitTimes(agreed_at.get(visit.pk), tuple(told_at.get(visit.pk, ()))),
        )
        for visit in visits
    }
    return {pk: reminder for pk, reminder in due.items() if reminder is not None}


def _queue(part: ClinicPart, *, now: datetime) -> int:
    """Worded before anything is locked."""
    zone_of(part.clinic.timezone)
    messages: list[Message] = []
    for appointment, due in part.due:
        appointment.clinic = part.clinic
        messages += _messages_of(due, appointment, part.opted_out, now=now)
    if not messages:
        return 0
    word_messages(messages, part.words)
    return _write(messages, {appointment.pk: appointment for appointment, _ in part.due})


@in_one_transaction
def _write(messages: Sequence[Message], seen: dict[int, Appointment]) -> int:
    """Of how many visits. Whoever cancels or moves one of these either has done so, which the version shows, or finds
    its reminder and takes it back."""
    ids = {message.appointment_id for message in messages}
    told = [pk for pk in seen if pk in ids]
    locked = Appointment.objects.select_for_update(skip_locked=True).filter(pk__in=told, status=Status.CONFIRMED)
    unchanged = {
        pk
        for pk, version, starts_at in locked.order_by("pk").values_list("pk", "version", "starts_at")
        if (version, starts_at) == (seen[pk].version, seen[pk].starts_at)
    }
    write_messages([message for message in messages if message.appointment_id in unchanged])
    return len(unchanged)


def _messages_of(
    due: Reminder, appointment: Appointment, opted_out: Collection[str], *, now: datetime
) -> Iterator[Message]:
    patient = appointment.patient
    language = language_of(patient, appointment.clinic)
    context = patient_context([appointment], language)
    key = f"reminder:{appointment.pk}:{appointment.starts_at:%Y%m%dT%H%M}:{minutes_of(due.lead)}"
    telling = TELLINGS[appointment.clinic.reminder_ways]
    for number, way in enumerate(ways_of(telling, appointment, opted_out)):
        yield compose_message(
            NewMessage(
                about=About(
                    appointment.clinic_id, account_id_of(patient), VisitVersion(appointment.pk, appointment.version)
                ),
                kind=MessageKind.REMINDER,
                cause=News.REMINDER,
                channel=DeliveryChannel(way.channel),
                template=TELLING.template,
                recipient=way.recipient,
                fallback_recipient=way.fallback_recipient,
                context=context,
                expires_at=None if way.channel == DeliveryChannel.IN_APP else due.expires_at,
                # The first has the key by which a reminder is known to be queued, whichever way it went.
                unique_key=key if number == 0 else f"{key}:{way.channel}",
                language=language,
            ),
            now=now,
        )
