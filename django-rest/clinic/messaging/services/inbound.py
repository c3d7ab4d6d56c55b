"""Replies to an SMS. The sender's number is their identity: it acts on the appointments and offers of its own patients
alone, and learns nothing of any other. A message has its effect once, however often the provider delivers it. Whatever
is not understood without doubt is shown to the desk.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import IntegrityError
from django.utils.translation import gettext as _

from clinic.appointments.actor import PatientActor
from clinic.appointments.lifecycle import UPCOMING, Action, Status
from clinic.appointments.models import ActorKind, Appointment
from clinic.appointments.models import Channel as Through
from clinic.appointments.services.decisions import take
from clinic.appointments.services.effects import lock_what_effects_may_claim
from clinic.common.errors import ChairsideError, TooLateToCancel, TransitionNotAllowed
from clinic.common.mysql.conditions import is_duplicate
from clinic.common.plain_names import shown_name
from clinic.common.transactions import in_one_transaction, savepoint
from clinic.messaging.models import InboundMessage
from clinic.messaging.queries import (
    appointment_of_sender,
    missed_an_offer,
    offers_to_sender,
    patients_of_sender,
    upcoming_of_sender,
)
from clinic.messaging.replies import Intent, Reply, name_words, read_reply
from clinic.messaging.senders import is_plain_sms, number_of, numbers_of
from clinic.messaging.services.desk import tell_desk, tell_of_limit
from clinic.messaging.services.offer_replies import (
    WORDS_FOR_OFFERS,
    answer_offer,
    ask_which_offer,
    offer_is_over,
    settle_offer,
)
from clinic.messaging.services.sms_answers import SmsAnswer, format_visit, in_the_language_of, with_link
from clinic.outbox.counting import LIMITED, count_ends
from clinic.outbox.models import DeliveryChannel
from clinic.outbox.optouts import lift_opt_out, record_opt_out
from clinic.outbox.sms_gate import admit_sms, countries_of, sms_day_of
from clinic.outbox.sms_numbers import LIMITS
from clinic.people.models import Patient
from clinic.people.services.contact_routes import contact_of
from clinic.scheduling.models import Clinic

ACTIONS = {Intent.CONFIRM: Action.CONFIRM, Intent.CANCEL: Action.CANCEL}
# A list that still fits into a few SMS; and what a plain word may be about.
MAX_NAMED, MOST_AHEAD = 4, 20


@dataclass(frozen=True, slots=True)
class ReceivedSms:
    """As the provider tells it. `opt_out_type`: what it has made of the words itself, if it says so."""

    provider_id: str
    sender: str
    recipient: str
    body: str
    opt_out_type: str = ""

    @property
    def phone(self) -> str:
        return number_of(self.sender)

    @property
    def phones(self) -> list[str]:
        """Every form in which a record may have it."""
        return numbers_of(self.sender)


def answer_sms(received: ReceivedSms, *, now: datetime) -> InboundMessage:
    """Do what is asked, and say what was done: `answer`, empty where the provider answers by itself. The same message
    again gets the same answer and does nothing."""
    earlier = InboundMessage.objects.filter(provider_id=received.provider_id).first()
    if earlier is not None:
        return earlier
    try:
        return _answer_new(received, now=now)
    except IntegrityError as error:
        if not is_duplicate(error, "provider_id"):
            raise
        # Delivered twice at once: the other one has it.
        return InboundMessage.objects.get(provider_id=received.provider_id)


@in_one_transaction
def _answer_new(received: ReceivedSms, *, now: datetime) -> InboundMessage:
    writers = patients_of_sender(received.phones)
    reply = read_reply(received.body, names=[writer.name for writer in writers])
    message = InboundMessage.objects.create(
        provider_id=received.provider_id,
        sender=received.sender,
        recipient=received.recipient,
        body=received.body,
        intent=reply.intent,
        received_at=now,
        phone=contact_of(writers[0]).phone if writers else received.phone,
    )
    _note_consent(received, reply, writers, now=now)
    with in_the_language_of(writers[0] if writers else None):
        answer = _answer_to(reply, received, writers, now=now)
    message.answer, message.outcome = answer.text, answer.outcome
    if answer.appointment is not None:
        message.appointment_id, message.clinic_id = answer.appointment.pk, answer.appointment.clinic_id
    elif answer.clinic is not None:
        message.clinic_id = answer.clinic.pk
    elif writers:
        message.clinic_id = writers[0].clinic_id
    clinic = _clinic_of(answer, writers)
    if answer.text:
        _admit_answer(message, received.phone, clinic, now=now)
    message.for_desk = answer.is_for_desk and bool(writers) and bool(message.body.strip())
    message.save(update_fields=["answer", "answer_refusal", "outcome", "appointment", "clinic", "for_desk"])
    if message.for_desk:
        _show_to_desk(message, writers, now=now)
    return message


def _clinic_of(answer: SmsAnswer, writers: list[Patient]) -> Clinic | None:
    if answer.appointment is not None:
        return answer.appointment.clinic
    if answer.clinic is not None:
        return answer.clinic
    return writers[0].clinic if writers else None


def _admit_answer(message: InboundMessage, phone: str, clinic: Clinic | None, *, now: datetime) -> None:
    """Two programs that answer each other come to an end: what was asked is done, and the answer is not sent."""
    clinics = [clinic] if clinic is not None else list(Clinic.objects.all())
    countries = frozenset[str]().union(*map(countries_of, clinics))
    refusal = admit_sms(clinic=clinic, phone=phone, countries=countries, now=now)
    if refusal is None:
        return
    message.answer, message.answer_refusal = "", refusal
    if refusal in LIMITS:
        count_ends(DeliveryChannel.SMS, LIMITED)
        if clinic is not None:
            tell_of_limit(clinic, refusal, phone, day=sms_day_of(clinic, now=now), now=now)


def _show_to_desk(message: InboundMessage, writers: list[Patient], *, now: datetime) -> None:
    clinic = writers[0].clinic
    names = dict.fromkeys(writer.name for writer in writers if writer.clinic_id == clinic.pk)
    context = {"patient": ", ".join(names), "phone": message.sender, "text": message.body.strip()}
    tell_desk(clinic, template="sms_received", context=context, key=str(message.pk), now=now)


def _note_consent(received: ReceivedSms, reply: Reply, writers: list[Patient], *, now: datetime) -> None:
    if reply.intent is Intent.STOP or received.opt_out_type == "STOP":
        # Messages go to the number as it is stored.
        for phone in dict.fromkeys([received.phone, *(writer.phone for writer in writers)]):
            record_opt_out(DeliveryChannel.SMS, phone, source="reply", at=now)
    elif reply.opts_in or received.opt_out_type == "START":
        for phone in received.phones:
            lift_opt_out(DeliveryChannel.SMS, phone)


def _answer_to(reply: Reply, received: ReceivedSms, writers: list[Patient], *, now: datetime) -> SmsAnswer:
    says_so_itself = not reply.is_ours and is_plain_sms(received.sender)
    match reply.intent:
        case Intent.CONFIRM | Intent.CANCEL | Intent.ACCEPT | Intent.DECLINE:
            answer = _act(reply, received.phones, writers, now=now)
            return replace(answer, is_for_desk=answer.is_for_desk or reply.is_assumed)
        case Intent.STOP if not says_so_itself and not received.opt_out_type:
            return SmsAnswer(_("You get no more SMS from us. START brings them back."), "done")
        case Intent.START if not says_so_itself and not received.opt_out_type:
            return SmsAnswer(_("You get SMS from us again. STOP ends them."), "done")
        case Intent.STOP | Intent.START:
            return SmsAnswer("", "done")  # The provider says so itself.
        case Intent.HELP:
            return SmsAnswer("" if received.opt_out_type == "HELP" else _how_to_answer(), "told how")
    if writers and received.body.strip():
        text = f"{_('The clinic will read your message.')} {_how_to_answer()}"
        return SmsAnswer(text, "not understood", is_for_desk=True)
    return SmsAnswer(_how_to_answer(), "not understood")


def _act(reply: Reply, phones: Collection[str], writers: list[Patient], *, now: datetime) -> SmsAnswer:
    if reply.intent in WORDS_FOR_OFFERS:
        offers = offers_to_sender(phones, now=now)
        return answer_offer(reply, offers, missed=missed_an_offer(phones, now=now), now=now)
    if reply.number is None:
        return _act_without_number(reply, phones, writers, now=now)
    appointment = appointment_of_sender(phones, reply.number)
    if appointment is None:
        return SmsAnswer(_("We have no such appointment for this number."), "not_found")
    return _act_on(appointment, reply.intent, now=now)


def _act_without_number(reply: Reply, phones: Collection[str], writers: list[Patient], *, now: datetime) -> SmsAnswer:
    offers = offers_to_sender(phones, now=now)
    ahead = _meant(reply.intent, phones, now=now)
    if len(offers) == 1 and not ahead:
        return settle_offer(reply.intent, offers[0], now=now)
    if offers:
        text = _about_offers(ask_which_offer(reply.intent, offers), reply.intent, ahead)
        return SmsAnswer(text, "asked back", clinic=offers[0].clinic)
    if missed_an_offer(phones, now=now):
        return SmsAnswer(_about_offers(offer_is_over(), reply.intent, ahead), "asked back")
    if not ahead:
        return SmsAnswer(_("We have no upcoming appointment for this number."), "nothing ahead")
    if len(ahead) == 1 and not _names_somebody_else(reply, ahead[0], writers):
        return _act_on(ahead[0], reply.intent, now=now)
    which = (
        _("For your appointment reply with one of: %(named)s.")
        if len(ahead) == 1
        else _("You have more than one appointment. Please reply with one of: %(named)s.")
    )
    return SmsAnswer(which % {"named": _named(reply.intent, ahead)}, "asked back")


def _names_somebody_else(reply: Reply, appointment: Appointment, writers: list[Patient]) -> bool:
    """In a family: whether the reply is signed by another patient than the one who has the appointment."""
    signers = {writer.pk for writer in writers if reply.signed & name_words([writer.name])}
    return bool(signers) and appointment.patient_id not in signers


def _meant(intent: Intent, phones: Collection[str], *, now: datetime) -> list[Appointment]:
    """Appointments that a plain word may be about. A promise to come means the agreed ones, if there are any."""
    ahead = upcoming_of_sender(phones, now=now, most=MOST_AHEAD)
    agreed = [appointment for appointment in ahead if appointment.status == Status.CONFIRMED]
    return agreed if agreed and intent is Intent.CONFIRM else ahead


def _act_on(appointment: Appointment, intent: Intent, *, now: datetime) -> SmsAnswer:
    with in_the_language_of(appointment.patient):
        return _act_and_say(appointment, intent, now=now)


def _act_and_say(appointment: Appointment, intent: Intent, *, now: datetime) -> SmsAnswer:
    was = appointment.status
    try:
        with savepoint():
            appointment = _take(appointment, ACTIONS[intent], now=now)
    except ChairsideError as refusal:
        return SmsAnswer(with_link(_refused(appointment, refusal), appointment), refusal.code, appointment)
    return SmsAnswer(with_link(_done(intent, was, appointment), appointment), "done", appointment)


def _take(seen: Appointment, action: Action, *, now: datetime) -> Appointment:
    if action is Action.CANCEL:
        lock_what_effects_may_claim(seen.clinic, [seen.practitioner_id], now=now)
    appointment = Appointment.objects.select_for_update().select_related(None).get(pk=seen.pk)
    appointment.clinic, appointment.practitioner, appointment.patient = seen.clinic, seen.practitioner, seen.patient
    actor = PatientActor(seen.patient, Through.SMS, ActorKind.PATIENT_SMS)
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


def _about_offers(offer: str, intent: Intent, ahead: list[Appointment]) -> str:
    """A plain word might answer the offer, or be about what they have: neither is guessed."""
    if not ahead:
        return offer
    more = _("For your appointment reply with one of: %(named)s.") % {"named": _named(intent, ahead)}
    return f"{offer} {more}"


def _named(intent: Intent, appointments: list[Appointment]) -> str:
    # NO in print, as CANCEL alone would unsubscribe them.
    word = "CONFIRM" if intent is Intent.CONFIRM else "NO"
    is_family = len({one.patient_id for one in appointments}) > 1
    named = [
        f"{word} {one.pk} ({shown_name(one.patient.name)}, {_when(one)})"
        if is_family
        else f"{word} {one.pk} ({_when(one)})"
        for one in appointments[:MAX_NAMED]
    ]
    return ", ".join([*named, "..."] if len(appointments) > MAX_NAMED else named)


def _how_to_answer() -> str:
    return _("Please reply CONFIRM to say that you come, or NO to cancel. For anything else call the clinic.")


def _when(appointment: Appointment) -> str:
    return format_visit(
        appointment.starts_at,
        clinic=appointment.clinic,
        patient=appointment.patient,
        practitioner=appointment.practitioner,
    )
