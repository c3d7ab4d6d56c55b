"""Messages to everybody concerned by a change of an appointment, in the change's transaction.

Changes are collected, and told together as the last thing in the transaction: so many changes at once cost a few
statements, a patient with several is told once, and the clinic's number, which notifications take, is locked no longer
than need be. What is told again is known by its key (kind, appointment, start, version, channel or reader); what waits
and is not true any more is taken back.
"""

import copy
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import prefetch_related_objects

from clinic.appointments.actor import user_of
from clinic.appointments.lifecycle import UNDO, ZONE_CHANGE, Status
from clinic.appointments.models import ActorKind, Appointment, Source
from clinic.appointments.models import Channel as Through
from clinic.appointments.services.effects import Change, Effect, Undoing
from clinic.common.errors import UndoOver
from clinic.common.transactions import finish_with
from clinic.messaging.catalogue import (
    CATALOGUE,
    PUSHED,
    ZONE_NEWS,
    ClinicMail,
    MessageAudience,
    MessageFacts,
    News,
    Telling,
    is_outdated,
    is_worth_telling,
    news_of,
)
from clinic.messaging.invitations import invitation_to
from clinic.messaging.services.visit_context import patient_context
from clinic.messaging.telling_facts import PUSH_TEMPLATE, ClinicReader, facts_for
from clinic.outbox.contact_routes import Way
from clinic.outbox.models import ABOUT_VISIT, DeliveryChannel, Message, MessageKind, PushSubscription, VisitVersion
from clinic.outbox.push_subscriptions import subscribers
from clinic.outbox.services import (
    About,
    NewMessage,
    compose_message,
    queue_messages,
    undo_messages_of,
    withdraw_of_visits,
)
from clinic.people.services.contact_routes import (
    account_id_of,
    contact_of,
    in_waking_hours,
    language_of,
    ways_to_patient,
)


@dataclass(frozen=True, slots=True)
class Event:
    """The outcome for one appointment. `appointment` is as it stands, or stood before it was deleted."""

    news: News
    appointment: Appointment
    change: Change

    @property
    def send_at(self) -> datetime:
        return self.change.told_at

    @property
    def key(self) -> str:
        one = self.appointment
        return f"{one.pk}:{one.starts_at:%Y%m%dT%H%M}:{one.version}"


def _collect(change: Change) -> None:
    if change.action == UNDO:
        return  # Nobody was told of what is undone: `_take_back_step`.
    # Commands that make data up, such as the demo clinic, tell nobody; a change of real visits is told.
    if change.actor.channel != Through.COMMAND or change.action == ZONE_CHANGE:
        finish_with(tell, change)


def _take_back_step(undoing: Undoing) -> None:
    if not undo_messages_of(undoing.step, versions=undoing.versions, now=undoing.now):
        raise UndoOver("Somebody has been told of this step already.")


TELL = Effect(run=_collect, take_back=_take_back_step)


def tell(changes: Sequence[Change]) -> None:
    """Call in their transaction, at its end."""
    in_short = _in_short(changes)
    _take_back(in_short)
    events = [event for change in in_short if (event := _event_of(change)) is not None]
    if events:
        _fetch_who_is_concerned(events)
        facts = facts_for(_tellings_of(events), [event.appointment for event in events])
        messages = [
            *_told_to_patients(events, facts.opted_out),
            *_pushed(events),
            *_told_to_clinic(events, facts.people),
        ]
        queue_messages(messages, facts.own_words)


def _tellings_of(events: Sequence[Event]) -> list[Telling]:
    return [
        telling
        for event in events
        for telling in CATALOGUE[event.news]
        if is_worth_telling(telling, event.appointment.starts_at, now=event.change.now)
    ]


def _in_short(changes: Iterable[Change]) -> list[Change]:
    """One of each appointment: what it was before all of this, what it is now."""
    short: dict[int, Change] = {}
    for change in changes:
        first = short.get(_appointment_of(change).pk)
        short[_appointment_of(change).pk] = replace(change, before=first.before) if first is not None else change
    return list(short.values())


def _take_back(changes: Sequence[Change]) -> None:
    """Messages to the clinic are withdrawn with a status alone: a request that was moved is still one."""
    outdated: dict[bool, set[int]] = defaultdict(set)
    for change in changes:
        if is_outdated(_facts(change.before), _facts(change.after)):
            outdated[_keeps_status(change)].add(_appointment_of(change).pk)
    for keeps_status, appointment_ids in outdated.items():
        kinds = ABOUT_VISIT if keeps_status else (*ABOUT_VISIT, MessageKind.CLINIC)
        withdraw_of_visits(appointment_ids, kinds=kinds, by_step=changes[0].step)


def _keeps_status(change: Change) -> bool:
    return change.before is not None and change.after is not None and change.before.status == change.after.status


def _event_of(change: Change) -> Event | None:
    appointment = _appointment_of(change)
    news = news_of(
        _facts(change.before), _facts(change.after), action=change.action, by_patient=change.actor.is_patient
    )
    return None if news is None else Event(news, appointment, change)


def _appointment_of(change: Change) -> Appointment:
    if change.after is not None:
        return change.after
    if change.before is None:
        raise ValueError("A change needs the row before it or after it.")
    # That it is deleted is the last that becomes of it: without a version of its own, calendars would keep it.
    deleted = copy.copy(change.before)
    deleted.version += 1
    return deleted


def _facts(appointment: Appointment | None) -> MessageFacts | None:
    if appointment is None:
        return None
    return MessageFacts(
        Status(appointment.status), appointment.starts_at, appointment.ends_at, appointment.practitioner_id
    )


def _fetch_who_is_concerned(events: Sequence[Event]) -> None:
    appointments = [event.appointment for event in events]
    prefetch_related_objects(appointments, "clinic", "patient", "practitioner")


def _told_to_patients(events: Sequence[Event], opted_out: Collection[str]) -> Iterator[Message]:
    together: dict[tuple[int, Telling], list[Event]] = defaultdict(list)
    for event in events:
        for telling in CATALOGUE[event.news]:
            if telling.to is MessageAudience.PATIENT and _is_for_patient(event, telling):
                together[event.appointment.patient_id, telling].append(event)
    for (_, telling), of_one_patient in together.items():
        if telling.several and len(of_one_patient) > 1:
            yield from messages_to_patient(telling, of_one_patient, opted_out)
        else:
            for event in of_one_patient:
                yield from messages_to_patient(telling, [event], opted_out)


def _pushed(events: Sequence[Event]) -> Iterator[Message]:
    """To browsers that want it: that the clinic has answered or changed something. No query without web push."""
    pushed = [event for event in events if event.news in PUSHED and _is_for_patient(event, CATALOGUE[event.news][0])]
    for subscription, event in browsers_of(pushed):
        appointment = event.appointment
        yield compose_message(
            NewMessage(
                about=About(appointment.clinic_id, subscription.user_id, _visit(appointment)),
                kind=MessageKind.CHANGE,
                cause=event.news,
                channel=DeliveryChannel.PUSH,
                template=PUSH_TEMPLATE,
                recipient=str(subscription.pk),
                context={"clinic": appointment.clinic.name},
                send_at=event.send_at,
                expires_at=appointment.starts_at,
                unique_key=f"push:{event.news}:{event.key}:{subscription.pk}",
                language=language_of(appointment.patient, appointment.clinic),
                step=event.change.step,
            ),
            now=event.change.now,
        )


def browsers_of(events: Sequence[Event]) -> list[tuple[PushSubscription, Event]]:
    """Those of each visit's account, and those that its reference has subscribed. One query, none for new visits of
    patients without an account: a reference that nobody has been told has subscribed no browser."""
    accounts = {event.appointment.pk: account_id_of(event.appointment.patient) for event in events}
    known = {account for account in accounts.values() if account is not None}
    older = [event.appointment.pk for event in events if event.change.before is not None]
    found = subscribers(user_ids=known, appointment_ids=older)
    return [
        (one, event)
        for event in events
        for one in found
        if event.appointment.pk == one.appointment_id
        or (one.user_id is not None and one.user_id == accounts[event.appointment.pk])
    ]


def _is_for_patient(event: Event, telling: Telling) -> bool:
    # Of a demo's patients nobody is told what the clock does.
    is_made_up = event.appointment.source == Source.DEMO and event.change.actor.kind == ActorKind.SYSTEM
    is_wanted = not telling.setting or getattr(event.appointment.clinic, telling.setting)
    return is_wanted and not is_made_up and is_worth_telling(telling, event.appointment.starts_at, now=event.change.now)


def messages_to_patient(telling: Telling, events: Sequence[Event], opted_out: Collection[str]) -> Iterator[Message]:
    """By each way that suits them; of several appointments together where there are several."""
    events = sorted(events, key=lambda event: event.appointment.starts_at)
    first, now = events[0].appointment, events[0].change.now
    language = language_of(first.patient, first.clinic)
    not_before = max(now + telling.delay, *(event.send_at for event in events))
    send_at = in_waking_hours(not_before, first.clinic) if telling.can_wait else not_before
    context = patient_context([event.appointment for event in events], language, with_offset=_names_offset(events))
    if events[0].change.actor.is_patient:
        context["reason"] = ""  # Typed by anybody who has the reference, and sent to any address.
    template = telling.several if len(events) > 1 else telling.template
    visit, *further_visits = [_visit(event.appointment) for event in events]
    for way in ways_of(telling, first, opted_out):
        if way.channel == DeliveryChannel.SMS and events[0].change.actor.kind == ActorKind.PATIENT_SMS:
            continue  # Their SMS is answered at once.
        yield compose_message(
            NewMessage(
                about=About(first.clinic_id, account_id_of(first.patient), visit, further_visits),
                kind=MessageKind.CHANGE,
                cause=events[0].news,
                channel=DeliveryChannel(way.channel),
                template=template,
                recipient=way.recipient,
                fallback_recipient=way.fallback_recipient,
                context=context,
                send_at=not_before if way.channel == DeliveryChannel.IN_APP else send_at,
                expires_at=None if way.channel == DeliveryChannel.IN_APP else first.starts_at + telling.worth_after,
                unique_key=f"{template}:{events[0].key}:{way.channel}",
                language=language,
                step=events[0].change.step,
                attachment=invitation_to(
                    [event.appointment for event in events],
                    telling.calendar,
                    recipient=way.recipient,
                    summary=f"{first.clinic.name}: {first.practitioner.name}",
                    now=now,
                )
                if telling.calendar is not None and way.channel == DeliveryChannel.EMAIL
                else None,
            ),
            now=now,
        )


def ways_of(telling: Telling, appointment: Appointment, opted_out: Collection[str]) -> list[Way]:
    """To the patient."""
    patient = appointment.patient
    ways = (
        []
        if telling.ways is None
        else ways_to_patient(patient, telling.ways, clinic=appointment.clinic, opted_out=opted_out)
    )
    if telling.in_app and account_id_of(patient) is not None:
        ways.append(Way(DeliveryChannel.IN_APP, contact_of(patient).email))
    return ways


def _visit(appointment: Appointment) -> VisitVersion:
    return VisitVersion(appointment.pk, appointment.version)


def _names_offset(events: Sequence[Event]) -> bool:
    """Whether times are told with their UTC offset, also far from a clock change: the offset is the news."""
    return any(event.news in ZONE_NEWS for event in events)


def _told_to_clinic(events: Sequence[Event], people: Sequence[ClinicReader]) -> Iterator[Message]:
    for event in events:
        for telling in CATALOGUE[event.news]:
            is_told = is_worth_telling(telling, event.appointment.starts_at, now=event.change.now)
            if telling.to is MessageAudience.CLINIC and is_told:
                yield from _told_to_people(event, telling, people)


def _told_to_people(event: Event, telling: Telling, people: Sequence[ClinicReader]) -> Iterator[Message]:
    doer = user_of(event.change.actor)
    for reader in people:
        if _concerns(reader, event.appointment) and (doer is None or reader.pk != doer.pk):
            yield _note_to(reader, telling, event)
            if _wants_mail(reader, telling, event.appointment):
                yield _mail_to(reader, telling, event)


def _concerns(reader: ClinicReader, appointment: Appointment) -> bool:
    at_desk = reader.works_at_desk and reader.clinic_id == appointment.clinic_id
    return at_desk or reader.pk == appointment.practitioner.user_id


def _wants_mail(reader: ClinicReader, telling: Telling, appointment: Appointment) -> bool:
    if not reader.email:  # Mail goes to verified addresses alone.
        return False
    match telling.mail:
        case ClinicMail.DESK:
            return reader.works_at_desk and appointment.clinic.mail_new_requests
        case ClinicMail.PRACTITIONER:
            return reader.pk == appointment.practitioner.user_id
    return False


def _note_to(reader: ClinicReader, telling: Telling, event: Event) -> Message:
    return _compose_for_clinic(reader, telling, event, DeliveryChannel.IN_APP, key=str(reader.pk))


def _mail_to(reader: ClinicReader, telling: Telling, event: Event) -> Message:
    expires_at = event.appointment.starts_at + telling.worth_after
    key = f"{reader.pk}.{DeliveryChannel.EMAIL}"
    return _compose_for_clinic(reader, telling, event, DeliveryChannel.EMAIL, key=key, expires_at=expires_at)


def _compose_for_clinic(
    reader: ClinicReader,
    telling: Telling,
    event: Event,
    channel: DeliveryChannel,
    *,
    key: str,
    expires_at: datetime | None = None,
) -> Message:
    appointment = event.appointment
    language = appointment.clinic.language
    context = patient_context([appointment], language, with_offset=_names_offset([event]), with_links=False)
    if event.news == News.MOVE_ASKED:
        context["reason"] = event.change.reason
    return compose_message(
        NewMessage(
            about=About(appointment.clinic_id, reader.pk, _visit(appointment)),
            kind=MessageKind.CLINIC,
            cause=event.news,
            channel=channel,
            template=telling.template,
            recipient=reader.email,
            context=context,
            send_at=event.send_at,
            expires_at=expires_at,
            unique_key=f"{telling.template}:{event.key}:{key}",
            language=language,
            step=event.change.step,
        ),
        now=event.change.now,
    )
