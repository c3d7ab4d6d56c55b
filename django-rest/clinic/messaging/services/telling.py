"""Whom a change of an appointment concerns is told, in the change's transaction.

Changes are collected, and told together as the last thing in the transaction: so many changes at once cost a few
statements, a patient with several is told once, and the clinic's number, which notifications take, is locked no longer
than need be. What is told again is known by its key (kind, appointment, start, version, channel or reader); what waits
and is not true any more is taken back.
"""

import copy
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Q, prefetch_related_objects

from clinic.accounts.models import Role, User
from clinic.appointments.lifecycle import ZONE_CHANGE, Status
from clinic.appointments.models import ActorKind, Appointment, Source
from clinic.appointments.models import Channel as Through
from clinic.appointments.services.effects import Change, Effect
from clinic.common.instants import zone_of
from clinic.common.plain_names import shown_name
from clinic.common.transactions import finish_with
from clinic.messaging.catalogue import (
    CATALOGUE,
    OF_ONE,
    OF_SEVERAL,
    ZONE_NEWS,
    Audience,
    Facts,
    News,
    Telling,
    is_outdated,
    is_worth_telling,
    news_of,
)
from clinic.messaging.invitations import invitation_to
from clinic.outbox.models import Channel, Message
from clinic.outbox.services import About, cancel_messages, compose_message, queue_messages
from clinic.outbox.ways import Way
from clinic.outbox.wording import say_when, say_when_at_length
from clinic.people.services.reaching import in_waking_hours, language_of, opted_out_among, ways_to_patient


@dataclass(frozen=True, slots=True)
class Event:
    """What has become of one appointment. `appointment` is as it stands, or stood before it was deleted."""

    news: News
    appointment: Appointment
    change: Change

    @property
    def key(self) -> str:
        one = self.appointment
        return f"{one.pk}:{one.starts_at:%Y%m%dT%H%M}:{one.version}"


def _collect(change: Change) -> None:
    # Commands that make data up, such as the demo clinic, tell nobody; a change of real visits is told.
    if change.actor.channel != Through.COMMAND or change.action == ZONE_CHANGE:
        finish_with(tell, change)


TELL = Effect(run=_collect)


def tell(changes: Sequence[Change]) -> None:
    """Call in their transaction, at its end."""
    in_short = _in_short(changes)
    _take_back(in_short)
    events = [event for change in in_short if (event := _event_of(change)) is not None]
    if events:
        _fetch_who_is_concerned(events)
        queue_messages([*_told_to_patients(events), *_told_to_clinic(events)])


def _in_short(changes: Iterable[Change]) -> list[Change]:
    """One of each appointment: what it was before all of this, what it is now."""
    short: dict[int, Change] = {}
    for change in changes:
        first = short.get(_appointment_of(change).pk)
        short[_appointment_of(change).pk] = replace(change, before=first.before) if first is not None else change
    return list(short.values())


def _take_back(changes: Sequence[Change]) -> None:
    outdated = [
        _appointment_of(change).pk for change in changes if is_outdated(_facts(change.before), _facts(change.after))
    ]
    if outdated:
        # One of a series that changes leaves the message about all of them as it is.
        templates = OF_ONE | OF_SEVERAL if len(outdated) > 1 else OF_ONE
        cancel_messages(appointment_ids=outdated, templates=templates)


def _event_of(change: Change) -> Event | None:
    appointment = _appointment_of(change)
    news = news_of(
        _facts(change.before), _facts(change.after), action=change.action, by_patient=change.actor.is_patient
    )
    return None if news is None else Event(news, appointment, change)


def _appointment_of(change: Change) -> Appointment:
    if change.after is not None:
        return change.after
    assert change.before is not None
    # That it is deleted is the last that becomes of it: without a version of its own, calendars would keep it.
    deleted = copy.copy(change.before)
    deleted.version += 1
    return deleted


def _facts(appointment: Appointment | None) -> Facts | None:
    if appointment is None:
        return None
    return Facts(Status(appointment.status), appointment.starts_at, appointment.ends_at, appointment.practitioner_id)


def _fetch_who_is_concerned(events: Sequence[Event]) -> None:
    appointments = [event.appointment for event in events]
    prefetch_related_objects(appointments, "clinic", "patient", "practitioner")


def _told_to_patients(events: Sequence[Event]) -> Iterator[Message]:
    together: dict[tuple[int, Telling], list[Event]] = defaultdict(list)
    for event in events:
        for telling in CATALOGUE[event.news]:
            if telling.to is Audience.PATIENT and _is_for_patient(event, telling):
                together[event.appointment.patient_id, telling].append(event)
    opted_out = opted_out_among(of_one[0].appointment.patient for of_one in together.values())
    for (_, telling), of_one_patient in together.items():
        if telling.several and len(of_one_patient) > 1:
            yield from messages_to_patient(telling, of_one_patient, opted_out)
        else:
            for event in of_one_patient:
                yield from messages_to_patient(telling, [event], opted_out)


def _is_for_patient(event: Event, telling: Telling) -> bool:
    # Of a demo's patients nobody is told what the clock does.
    is_made_up = event.appointment.source == Source.DEMO and event.change.actor.kind == ActorKind.SYSTEM
    return not is_made_up and is_worth_telling(telling, event.appointment.starts_at, now=event.change.now)


def messages_to_patient(telling: Telling, events: Sequence[Event], opted_out: Collection[str]) -> Iterator[Message]:
    """By each way that suits them; of several appointments together where there are several."""
    events = sorted(events, key=lambda event: event.appointment.starts_at)
    first, now = events[0].appointment, events[0].change.now
    language = language_of(first.patient, first.clinic)
    send_at = in_waking_hours(now, first.clinic) if telling.can_wait else now
    context = patient_context([event.appointment for event in events], language, with_offset=_names_offset(events))
    if events[0].change.actor.is_patient:
        context["reason"] = ""  # Typed by anybody who has the reference, and sent to any address.
    template = telling.several if len(events) > 1 else telling.template
    for way in ways_of(telling, first, opted_out):
        if way.channel == Channel.SMS and events[0].change.actor.kind == ActorKind.PATIENT_SMS:
            continue  # Their SMS is answered at once.
        yield compose_message(
            about=About(first.clinic_id, first.patient.user_id, first.pk),
            channel=Channel(way.channel),
            template=template,
            recipient=way.recipient,
            fallback_recipient=way.fallback_recipient,
            context=context,
            now=now,
            send_at=now if way.channel == Channel.IN_APP else send_at,
            expires_at=None if way.channel == Channel.IN_APP else first.starts_at + telling.worth_after,
            unique_key=f"{template}:{events[0].key}:{way.channel}",
            language=language,
            attachment=invitation_to(
                [event.appointment for event in events],
                telling.calendar,
                recipient=way.recipient,
                summary=f"{first.clinic.name}: {first.practitioner.name}",
                now=now,
            )
            if telling.calendar is not None and way.channel == Channel.EMAIL
            else None,
        )


def ways_of(telling: Telling, appointment: Appointment, opted_out: Collection[str]) -> list[Way]:
    """To the patient."""
    patient = appointment.patient
    ways = (
        []
        if telling.ways is None
        else ways_to_patient(patient, telling.ways, clinic=appointment.clinic, opted_out=opted_out)
    )
    if telling.in_app and patient.user_id is not None:
        ways.append(Way(Channel.IN_APP, patient.email))
    return ways


def _names_offset(events: Sequence[Event]) -> bool:
    """Whether times are told with their UTC offset, also far from a clock change: the offset is the news."""
    return any(event.news in ZONE_NEWS for event in events)


def patient_context(appointments: Sequence[Appointment], language: str, *, with_offset: bool = False) -> dict[str, Any]:
    """What the words to a patient are made of; `all` where there are several, of which the rest is the first."""
    first = appointments[0]
    zone = zone_of(first.clinic.timezone)
    how: dict[str, Any] = {"region": first.clinic.phone_region, "with_offset": with_offset}
    return {
        "id": first.pk,
        "clinic": first.clinic.name,
        "patient": shown_name(first.patient.name),
        "practitioner": first.practitioner.name,
        "when": say_when(first.starts_at, zone, language, **how),
        "when_at_length": say_when_at_length(first.starts_at, zone, language, **how),
        "reason": first.cancel_reason,
        "has_promised": first.attendance_confirmed_at is not None,
        "count": len(appointments),
        "all": [
            {"when": say_when_at_length(one.starts_at, zone, language, **how), "practitioner": one.practitioner.name}
            for one in appointments
        ],
    }


def _told_to_clinic(events: Sequence[Event]) -> Iterator[Message]:
    tellings = [
        (event, telling)
        for event in events
        for telling in CATALOGUE[event.news]
        if telling.to is Audience.CLINIC
        and is_worth_telling(telling, event.appointment.starts_at, now=event.change.now)
    ]
    if not tellings:
        return
    people = people_of(event.appointment for event, _ in tellings)
    for event, telling in tellings:
        doer = event.change.actor.user
        for reader in people:
            if _concerns(reader, event.appointment) and (doer is None or reader.pk != doer.pk):
                yield _note_to(reader, telling, event)


def people_of(appointments: Iterable[Appointment]) -> list[User]:
    """Owner and staff of their clinic, and the practitioners concerned. One query."""
    appointments = list(appointments)
    desk = Q(clinic_id__in={one.clinic_id for one in appointments}, role__in=(Role.OWNER, Role.STAFF))
    practitioners = Q(pk__in={one.practitioner.user_id for one in appointments} - {None})
    return list(User.objects.filter(desk | practitioners, is_active=True).order_by("pk"))


def _concerns(reader: User, appointment: Appointment) -> bool:
    at_desk = reader.works_at_desk and reader.clinic_id == appointment.clinic_id
    return at_desk or reader.pk == appointment.practitioner.user_id


def _note_to(reader: User, telling: Telling, event: Event) -> Message:
    appointment, now = event.appointment, event.change.now
    language = appointment.clinic.language
    return compose_message(
        about=About(appointment.clinic_id, reader.pk, appointment.pk),
        channel=Channel.IN_APP,
        template=telling.template,
        recipient=reader.email,
        context=patient_context([appointment], language, with_offset=_names_offset([event])),
        now=now,
        unique_key=f"{telling.template}:{event.key}:{reader.pk}",
        language=language,
    )
