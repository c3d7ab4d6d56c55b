"""Somebody answers an SMS. The number it comes from is who they are: it acts on appointments of its own patients alone,
and learns nothing of any other. A message has its effect once, however often the provider delivers it. What is not
understood is shown to the desk.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from clinic.appointments.actor import Actor
from clinic.appointments.lifecycle import UPCOMING, Action, Status
from clinic.appointments.models import ActorKind, Appointment
from clinic.appointments.models import Channel as Through
from clinic.appointments.services.decisions import take
from clinic.appointments.services.effects import lock_what_effects_may_claim
from clinic.common.errors import ChairsideError, TooLateToCancel, TransitionNotAllowed
from clinic.common.instants import zone_of
from clinic.common.plain_names import shown_name
from clinic.common.transactions import in_one_transaction
from clinic.messaging.models import InboundMessage
from clinic.messaging.queries import (
    appointment_of_sender,
    is_offered_time,
    patients_of_sender,
    upcoming_of_sender,
)
from clinic.messaging.replies import Intent, Reply, read_reply
from clinic.messaging.services.desk import tell_desk, tell_of_limit
from clinic.outbox.counting import LIMITED, count_ends
from clinic.outbox.models import Channel
from clinic.outbox.optouts import lift_opt_out, record_opt_out
from clinic.outbox.sms_gate import admit_sms, countries_of, sms_day_of
from clinic.outbox.sms_numbers import LIMITS
from clinic.outbox.wording import say_when
from clinic.people.models import Patient
from clinic.people.services.reaching import language_of
from clinic.scheduling.models import Clinic

ACTIONS = {Intent.CONFIRM: Action.CONFIRM, Intent.CANCEL: Action.CANCEL}
# A list that still fits into a few SMS; and what a plain word may be about.
MOST_NAMED, MOST_AHEAD = 4, 20


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
    writers = patients_of_sender(received.sender)
    with _in_the_language_of(writers[0] if writers else None):
        answer = _answer_to(reply, received, now=now)
    message.answer, message.outcome = answer.text, answer.outcome
    if answer.appointment is not None:
        message.appointment_id, message.clinic_id = answer.appointment.pk, answer.appointment.clinic_id
    elif writers:
        message.clinic_id = writers[0].clinic_id
    clinic = _clinic_of(answer, writers)
    if answer.text:
        _admit_answer(message, clinic, now=now)
    message.save(update_fields=["answer", "answer_refusal", "outcome", "appointment", "clinic"])
    if reply.intent is Intent.UNKNOWN and writers and message.body.strip():
        _show_to_desk(message, writers, now=now)
    return message


def _clinic_of(answer: _Answer, writers: list[Patient]) -> Clinic | None:
    if answer.appointment is not None:
        return answer.appointment.clinic
    return writers[0].clinic if writers else None


def _admit_answer(message: InboundMessage, clinic: Clinic | None, *, now: datetime) -> None:
    """Two programs that answer each other come to an end: what was asked is done, and the answer is not sent."""
    clinics = [clinic] if clinic is not None else list(Clinic.objects.all())
    countries = frozenset[str]().union(*map(countries_of, clinics))
    refusal = admit_sms(clinic=clinic, phone=message.sender, countries=countries, now=now)
    if refusal is None:
        return
    message.answer, message.answer_refusal = "", refusal
    if refusal in LIMITS:
        count_ends(Channel.SMS, LIMITED)
        if clinic is not None:
            tell_of_limit(clinic, refusal, message.sender, day=sms_day_of(clinic, now=now), now=now)


def _show_to_desk(message: InboundMessage, writers: list[Patient], *, now: datetime) -> None:
    clinic = writers[0].clinic
    names = dict.fromkeys(writer.name for writer in writers if writer.clinic_id == clinic.pk)
    context = {"patient": ", ".join(names), "phone": message.sender, "text": message.body.strip()}
    tell_desk(clinic, template="sms_received", context=context, key=str(message.pk), now=now)


def _note_consent(received: ReceivedSms, reply: Reply, *, now: datetime) -> None:
    if reply.intent is Intent.STOP or received.opt_out_type == "STOP":
        record_opt_out(Channel.SMS, received.sender, source="reply", at=now)
    elif reply.opts_in or received.opt_out_type == "START":
        lift_opt_out(Channel.SMS, received.sender)


def _answer_to(reply: Reply, received: ReceivedSms, *, now: datetime) -> _Answer:
    match reply.intent:
        case Intent.CONFIRM | Intent.CANCEL:
            return _act(reply, received.sender, now=now)
        case Intent.STOP if reply.is_ours and not received.opt_out_type:
            return _Answer(_("You get no more SMS from us. START brings them back."), "done")
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
    meant = _meant(reply.intent, sender, now=now)
    if is_offered_time(sender, now=now):
        return _Answer(_about_the_offer(reply.intent, meant), "asked back")
    match meant:
        case []:
            return _Answer(_("We have no upcoming appointment for this number."), "nothing ahead")
        case [appointment]:
            return _act_on(appointment, reply.intent, now=now)
    named = _("You have more than one appointment. Please reply with one of: %(named)s.")
    return _Answer(named % {"named": _named(reply.intent, meant)}, "asked back")


def _meant(intent: Intent, sender: str, *, now: datetime) -> list[Appointment]:
    """What a plain word may be about. Who promises to come means what is agreed, if anything is."""
    ahead = upcoming_of_sender(sender, now=now, most=MOST_AHEAD)
    agreed = [appointment for appointment in ahead if appointment.status == Status.CONFIRMED]
    return agreed if agreed and intent is Intent.CONFIRM else ahead


def _in_the_language_of(patient: Patient | None) -> AbstractContextManager[None]:
    return translation.override("en" if patient is None else language_of(patient, patient.clinic))


def _act_on(appointment: Appointment, intent: Intent, *, now: datetime) -> _Answer:
    with _in_the_language_of(appointment.patient):
        return _act_and_say(appointment, intent, now=now)


def _act_and_say(appointment: Appointment, intent: Intent, *, now: datetime) -> _Answer:
    was = appointment.status
    try:
        with transaction.atomic():
            appointment = _take(appointment, ACTIONS[intent], now=now)
    except ChairsideError as refusal:
        return _Answer(_refused(appointment, refusal), refusal.code, appointment)
    return _Answer(_done(intent, was, appointment), "done", appointment)


def _take(seen: Appointment, action: Action, *, now: datetime) -> Appointment:
    if action is Action.CANCEL:
        lock_what_effects_may_claim(seen.clinic, [seen.practitioner_id], now=now)
    appointment = Appointment.objects.select_for_update().select_related(None).get(pk=seen.pk)
    appointment.clinic, appointment.practitioner, appointment.patient = seen.clinic, seen.practitioner, seen.patient
    actor = Actor(ActorKind.PATIENT_SMS, Through.SMS, patient=seen.patient)
    if action is Action.CONFIRM and appointment.attendance_confirmed_at is not None and appointment.status in UPCOMING:
        return appointment  # Said before.
    return take(action, appointment, actor=actor, now=now)


def _done(intent: Intent, was: str, appointment: Appointment) -> str:
    """A request is answered as what it is: nobody has agreed to it."""
    when = _when(appointment)
    if intent is Intent.CANCEL:
        return (
            _("Your request for %(when)s is withdrawn.") % {"when": when} if was == Status.PENDING else _cancelled(when)
        )
    if appointment.status == Status.PENDING:
        return _("Thank you. Your request for %(when)s is not decided yet: we will tell you.") % {"when": when}
    return _("Thank you. We expect you on %(when)s.") % {"when": when}


def _cancelled(when: str) -> str:
    return _("Your appointment on %(when)s is cancelled.") % {"when": when}


def _refused(appointment: Appointment, refusal: ChairsideError) -> str:
    when = _when(appointment)
    match refusal:
        case TooLateToCancel():
            return _("It is too late to cancel %(when)s by SMS. Please call the clinic.") % {"when": when}
        case TransitionNotAllowed() if appointment.status == Status.CANCELLED:
            return _cancelled(when)
    return _("The appointment on %(when)s cannot be changed by SMS any more. Please call the clinic.") % {"when": when}


def _about_the_offer(intent: Intent, meant: list[Appointment]) -> str:
    """A plain word might answer the offer, or be about what they have: neither is guessed."""
    offer = _("You have been offered a time: to answer that, please sign in or call us.")
    if not meant:
        return offer
    more = _("For your appointment reply with one of: %(named)s.") % {"named": _named(intent, meant)}
    return f"{offer} {more}"


def _named(intent: Intent, appointments: list[Appointment]) -> str:
    # NO in print, as CANCEL alone would unsubscribe them.
    word = "CONFIRM" if intent is Intent.CONFIRM else "NO"
    is_family = len({one.patient_id for one in appointments}) > 1
    named = [
        f"{word} {one.pk} ({shown_name(one.patient.name)}, {_when(one)})"
        if is_family
        else f"{word} {one.pk} ({_when(one)})"
        for one in appointments[:MOST_NAMED]
    ]
    return ", ".join([*named, "..."] if len(appointments) > MOST_NAMED else named)


def _how_to_answer() -> str:
    return _("Please reply CONFIRM to say that you come, or NO to cancel. For anything else call the clinic.")


def _when(appointment: Appointment) -> str:
    clinic = appointment.clinic
    when = say_when(appointment.starts_at, zone_of(clinic.timezone), language_of(appointment.patient, clinic))
    return f"{when}, {appointment.practitioner.name}"
