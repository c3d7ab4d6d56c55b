"""Answers by SMS to what the waitlist offers. ACCEPT and DECLINE answer an offer; so do YES and NO, if the sender has
one offer and nothing else they could mean."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from clinic.appointments.models import Channel
from clinic.common.errors import ChairsideError, OfferOver, OwnAppointment
from clinic.common.plain_names import shown_name
from clinic.common.transactions import savepoint
from clinic.messaging.replies import Intent, Reply
from clinic.messaging.services.sms_answers import SmsAnswer, format_visit, in_the_language_of, with_link
from clinic.waitlist.models import WaitlistOffer
from clinic.waitlist.services.answers import accept_offer, decline_offer

WORDS_FOR_OFFERS = frozenset({Intent.ACCEPT, Intent.DECLINE})
ACCEPTING = frozenset({Intent.ACCEPT, Intent.CONFIRM})
MAX_NAMED = 4


def answer_offer(reply: Reply, offers: Sequence[WaitlistOffer], *, missed: bool, now: datetime) -> SmsAnswer:
    """`offers`: the open ones of the sender; `missed`: whether one has ended unanswered."""
    wanted = [offer for offer in offers if reply.number in (None, offer.pk)]
    match wanted:
        case [offer]:
            return settle_offer(reply.intent, offer, now=now)
        case []:
            text = offer_is_over() if missed else _("We have not offered a time to this number.")
            return SmsAnswer(text, "no offer", is_for_desk=not missed)
    return SmsAnswer(ask_which_offer(reply.intent, wanted), "asked back", clinic=wanted[0].clinic)


def settle_offer(intent: Intent, offer: WaitlistOffer, *, now: datetime) -> SmsAnswer:
    with in_the_language_of(offer.entry.patient):
        try:
            with savepoint():
                return _accept(offer, now=now) if intent in ACCEPTING else _decline(offer, now=now)
        except ChairsideError as refusal:
            return SmsAnswer(_refused(refusal), refusal.code, clinic=offer.clinic)


def _accept(offer: WaitlistOffer, *, now: datetime) -> SmsAnswer:
    accepted = accept_offer(token=offer.token, viewer=None, now=now, channel=Channel.SMS)
    text = _("Thank you. We expect you on %(when)s.") % {"when": _when(offer)}
    return SmsAnswer(with_link(text, accepted.appointment), "done", accepted.appointment, clinic=offer.clinic)


def _decline(offer: WaitlistOffer, *, now: datetime) -> SmsAnswer:
    decline_offer(token=offer.token, now=now, channel=Channel.SMS)
    text = _("Thank you. %(when)s goes to somebody else. You stay on the waitlist.") % {"when": _when(offer)}
    return SmsAnswer(text, "done", clinic=offer.clinic)


def _refused(refusal: ChairsideError) -> str:
    match refusal:
        case OwnAppointment():
            return _("You have another appointment at that time. Please call the clinic.")
        case OfferOver():
            return offer_is_over()
    return _("The offered time cannot be booked any more. Please call the clinic.")


def offer_is_over() -> str:
    return _("The time that we offered to you is no longer kept.")


def ask_which_offer(intent: Intent, offers: Sequence[WaitlistOffer]) -> str:
    word = _("ACCEPT") if intent in ACCEPTING else _("DECLINE")
    is_family = len({offer.entry.patient_id for offer in offers}) > 1
    named = [
        f"{word} {offer.pk} ({shown_name(offer.entry.patient.name)}, {_when(offer)})"
        if is_family
        else f"{word} {offer.pk} ({_when(offer)})"
        for offer in offers[:MAX_NAMED]
    ]
    return _("You have been offered a time. To answer, reply with: %(named)s.") % {"named": ", ".join(named)}


def _when(offer: WaitlistOffer) -> str:
    patient = offer.entry.patient
    return format_visit(offer.starts_at, clinic=offer.clinic, patient=patient, practitioner=offer.practitioner)
