"""Somebody answers an SMS. The number it comes from is who they are: it acts on appointments of its own patients alone,
and learns nothing of any other. A message has its effect once, however often the provider delivers it.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from clinic.appointments.actor import Actor
from clinic.appointments.lifecycle import Action, Status
from clinic.appointments.models import ActorKind, Appointment
from clinic.appointments.models import Channel as Through
from clinic.appointments.services.decisions import take
from clinic.appointments.services.effects import lock_what_effects_may_claim
from clinic.appointments.services.reaching import language_of
from clinic.common.errors import ChairsideError, TooLateToCancel, TransitionNotAllowed
from clinic.common.instants import zone_of
from clinic.common.transactions import in_one_transaction
from clinic.messaging.models import InboundMessage
from clinic.messaging.queries import appointment_of_sender, upcoming_of_sender
from clinic.messaging.replies import Intent, Reply, read_reply
from clinic.outbox.models import Channel
from clinic.outbox.optouts import lift_opt_out, record_opt_out

ACTIONS = {Intent.CONFIRM: Action.CONFIRM, Intent.CANCEL: Action.CANCEL}
# A list that still fits into a few SMS.
MOST_NAMED = 4


@dataclass(frozen=True, slots=True)
class ReceivedSms:
    """As the provider tells it. `opt_out_type`: what it has made of the words itself, if it says so."""

    provider_id: str
    sender: str
    recipient: str
    body: str
    opt_out_type: str = ""


@dataclass(frozen=True, slots=True)
class _Answer:
    text: str
    outcome: str
    appointment: Appointment | None = None


def answer_sms(received: ReceivedSms, *, now: datetime) -> InboundMessage:
    """Do what is asked, and say what was done: `answer`, empty where the provider answers by itself. The same message
    again gets the same answer and does nothing."""
    earlier = InboundMessage.objects.filter(provider_id=received.provider_id).first()
    if earlier is not None:
        return earlier
    try:
        return _answer_new(received, now=now)
    except IntegrityError:  # Delivered twice at once: the other one has it.
        return InboundMessage.objects.get(provider_id=received.provider_id)


@in_one_transaction
def _answer_new(received: ReceivedSms, *, now: datetime) -> InboundMessage:
    reply = read_reply(received.body)
    message = InboundMessage.objects.create(
        provider_id=received.provider_id,
        sender=received.sender,
        recipient=received.recipient,
        body=received.body,
        intent=reply.intent,
        received_at=now,
    )
    _note_consent(received, reply, now=now)
    answer = _answer_to(reply, received, now=now)
    message.answer, message.outcome = answer.text, answer.outcome
    if answer.appointment is not None:
        message.appointment_id, message.clinic_id = answer.appointment.pk, answer.appointment.clinic_id
    message.save(update_fields=["answer", "outcome", "appointment", "clinic"])
    return message


def _note_consent(received: ReceivedSms, reply: Reply, *, now: datetime) -> None:
    if reply.intent is Intent.STOP or received.opt_out_type == "STOP":
        record_opt_out(Channel.SMS, received.sender, source="reply", at=now)
    elif reply.opts_in or received.opt_out_type == "START":
        lift_opt_out(Channel.SMS, received.sender)


def _answer_to(reply: Reply, received: ReceivedSms, *, now: datetime) -> _Answer:
    match reply.intent:
        case Intent.CONFIRM | Intent.CANCEL:
            return _act(reply, received.sender, now=now)
        case Intent.STOP | Intent.START:
            return _Answer("", "done")  # The provider says so itself.
        case Intent.HELP:
            return _Answer("" if received.opt_out_type == "HELP" else _how_to_answer(), "told how")
    return _Answer(_how_to_answer(), "not understood")


def _act(reply: Reply, sender: str, *, now: datetime) -> _Answer:
    if reply.appointment_id is not None:
        appointment = appointment_of_sender(sender, reply.appointment_id)
        if appointment is None:
            return _Answer(_("We have no such appointment for this number."), "not_found")
        return _act_on(appointment, reply.intent, now=now)
    upcoming = upcoming_of_sender(sender, now=now, most=MOST_NAMED + 1)
    match upcoming:
        case []:
            return _Answer(_("We have no upcoming appointment for this number."), "nothing ahead")
        case [appointment]:
            return _act_on(appointment, reply.intent, now=now)
    with _in_their_language(upcoming[0]):
        return _Answer(_which_one(reply.intent, upcoming), "asked back")


def _in_their_language(appointment: Appointment) -> AbstractContextManager[None]:
    return translation.override(language_of(appointment.patient, appointment.clinic))


def _act_on(appointment: Appointment, intent: Intent, *, now: datetime) -> _Answer:
    with _in_their_language(appointment):
        return _act_and_say(appointment, intent, now=now)


def _act_and_say(appointment: Appointment, intent: Intent, *, now: datetime) -> _Answer:
    try:
        with transaction.atomic():
            appointment = _take(appointment, ACTIONS[intent], now=now)
    except ChairsideError as refusal:
        return _Answer(_refused(appointment, intent, refusal), refusal.code, appointment)
    say = _expected if intent is Intent.CONFIRM else _cancelled
    return _Answer(say(_when(appointment)), "done", appointment)


def _take(seen: Appointment, action: Action, *, now: datetime) -> Appointment:
    if action is Action.CANCEL:
        lock_what_effects_may_claim(seen.clinic, [seen.practitioner_id], now=now)
    appointment = Appointment.objects.select_for_update().select_related(None).get(pk=seen.pk)
    appointment.clinic, appointment.practitioner, appointment.patient = seen.clinic, seen.practitioner, seen.patient
    actor = Actor(ActorKind.PATIENT_SMS, Through.SMS, patient=seen.patient)
    if action is Action.CONFIRM and appointment.attendance_confirmed_at is not None:
        return appointment  # Said before.
    return take(action, appointment, actor=actor, now=now)


def _expected(when: str) -> str:
    return _("Thank you. We expect you on %(when)s.") % {"when": when}


def _cancelled(when: str) -> str:
    return _("Your appointment on %(when)s is cancelled.") % {"when": when}


def _refused(appointment: Appointment, intent: Intent, refusal: ChairsideError) -> str:
    when = _when(appointment)
    match refusal:
        case TooLateToCancel():
            return _("It is too late to cancel %(when)s by SMS. Please call the clinic.") % {"when": when}
        case TransitionNotAllowed() if intent is Intent.CANCEL and appointment.status == Status.CANCELLED:
            return _cancelled(when)
    return _("The appointment on %(when)s cannot be changed by SMS any more. Please call the clinic.") % {"when": when}


def _which_one(intent: Intent, upcoming: list[Appointment]) -> str:
    # NO in print, as CANCEL alone would unsubscribe them.
    word = "CONFIRM" if intent is Intent.CONFIRM else "NO"
    named = ", ".join(f"{word} {one.pk} ({_when(one)})" for one in upcoming[:MOST_NAMED])
    return _("You have more than one appointment. Please reply with one of: %(named)s.") % {"named": named}


def _how_to_answer() -> str:
    return _("Please reply CONFIRM to say that you come, or NO to cancel. For anything else call the clinic.")


def _when(appointment: Appointment) -> str:
    local = appointment.starts_at.astimezone(zone_of(appointment.clinic.timezone))
    return f"{local:%d.%m. %H:%M}, {appointment.practitioner.name}"
