"""“Please come in”: told at once in the app and to the browsers of a visit, and by SMS where the clinic wants it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from clinic.appointments.lifecycle import CALL
from clinic.appointments.models import Appointment
from clinic.appointments.models import Channel as Through
from clinic.appointments.services.effects import Change, Effect
from clinic.common.transactions import finish_with
from clinic.messaging.catalogue import CATALOGUE, News
from clinic.messaging.services.telling import ways_of
from clinic.messaging.services.visit_context import patient_context
from clinic.outbox.contact_routes import Ways
from clinic.outbox.models import DeliveryChannel, Message, MessageKind, VisitVersion
from clinic.outbox.push_subscriptions import subscribers
from clinic.outbox.services import About, NewMessage, compose_message, queue_messages, withdraw_of_visits
from clinic.people.services.contact_routes import account_id_of, language_of, opted_out_among

[TELLING] = CATALOGUE[News.CALLED_IN]
WORTH_FOR = timedelta(minutes=30)


def _collect(change: Change) -> None:
    if change.action == CALL and change.actor.channel != Through.COMMAND:
        finish_with(tell_called, change)


def tell_called(changes: Sequence[Change]) -> None:
    """Call in their transaction, at its end. An earlier call that was not sent yet is withdrawn."""
    for change in changes:
        if change.after is not None:
            appointment = change.after
            withdraw_of_visits([appointment.pk], kinds=[MessageKind.DAY], causes=[News.CALLED_IN])
            queue_messages(list(_messages_of(appointment, now=change.now)))


def _messages_of(appointment: Appointment, *, now: datetime) -> Iterator[Message]:
    clinic, patient = appointment.clinic, appointment.patient
    language, account_id = language_of(patient, clinic), account_id_of(patient)
    about = About(clinic.pk, account_id, VisitVersion(appointment.pk, appointment.version))
    context = {**patient_context([appointment], language), "room": appointment.room}
    expires_at = max(now, appointment.starts_at) + WORTH_FOR
    telling = replace(TELLING, ways=Ways.SMS) if clinic.call_by_sms else TELLING
    opted_out: Collection[str] = opted_out_among([patient]) if clinic.call_by_sms else ()
    for way in ways_of(telling, appointment, opted_out):
        yield compose_message(
            NewMessage(
                about=about,
                kind=MessageKind.DAY,
                cause=News.CALLED_IN,
                channel=DeliveryChannel(way.channel),
                template=telling.template,
                recipient=way.recipient,
                context=context,
                expires_at=None if way.channel == DeliveryChannel.IN_APP else expires_at,
                unique_key=f"called_in:{appointment.pk}:{appointment.version}:{way.channel}",
                language=language,
            ),
            now=now,
        )
    accounts = [account_id] if account_id is not None else []
    for subscription in subscribers(user_ids=accounts, appointment_ids=[appointment.pk]):
        yield compose_message(
            NewMessage(
                about=replace(about, user_id=subscription.user_id),
                kind=MessageKind.DAY,
                cause=News.CALLED_IN,
                channel=DeliveryChannel.PUSH,
                template="push_called",
                recipient=str(subscription.pk),
                context=context,
                expires_at=expires_at,
                unique_key=f"push_called:{appointment.pk}:{appointment.version}:{subscription.pk}",
                language=language,
            ),
            now=now,
        )


TELL_CALLED = Effect(run=_collect)
