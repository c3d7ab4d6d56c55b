"""Refusals of the services, as sentences for a patient or guest."""

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy, gettext_noop, ngettext

from clinic.common.errors import ChairsideError, Throttled

SENTENCES: dict[str, Promise] = {
    "slot_taken": gettext_lazy("Somebody else has just taken this time. Choose another one."),
    "hold_expired": gettext_lazy("The time is no longer held for you. Choose it again, or another one."),
    "own_appointment": gettext_lazy("There is another visit at this time already. Choose another time."),
    "too_many_pending": gettext_lazy("Several requests wait for the clinic’s answer already. Please call the clinic."),
    "too_many_holds": gettext_lazy("Too many times are held already. Wait a few minutes, and try again."),
    "too_many_entries": gettext_lazy("You wait for enough times already. Please call the clinic."),
    "phone_not_proven": gettext_lazy("This code is wrong or too old. Type it as it stands in the newest SMS."),
    "contact_not_verified": gettext_lazy("First follow the link in the mail that verifies your e-mail address."),
    "in_the_past": gettext_lazy("This time has passed. Choose another one."),
    "too_soon": gettext_lazy("This time is too soon to book it here. Choose a later one, or call the clinic."),
    "too_far_ahead": gettext_lazy("This day is too far ahead. Choose an earlier one."),
    "outside_working_hours": gettext_lazy("The clinic is closed then. Choose another time."),
    "off_grid": gettext_lazy("The clinic does not begin visits at this time. Choose another one."),
    "not_a_phone": gettext_lazy("This is not a phone number. Write it with its country code, as +1 212 555 0123."),
    "phone_has_extension": gettext_lazy("Give the number without its extension here."),
    "already_in_family": gettext_lazy("You book for this person already: choose them above."),
    "too_many_members": gettext_lazy("You book for as many people as an account can. Please call the clinic."),
    "service_unavailable": gettext_lazy("The clinic’s calendar is busy. Please try again in a moment."),
    "not_found": gettext_lazy("This is not offered any more. Choose again."),
}


# Sentences of this page and of services that are shown as they are, in the reader's language.
AS_THEY_ARE = (gettext_noop("Choose a time first."),)


def sentence_for_patient(refusal: ChairsideError) -> str:
    if isinstance(refusal, Throttled):
        minutes = max(1, round(refusal.wait_seconds / 60))
        return ngettext(
            "Too many tries in a short time. Wait a minute, and try again.",
            "Too many tries in a short time. Wait %(minutes)s minutes, and try again.",
            minutes,
        ) % {"minutes": minutes}
    words = SENTENCES.get(refusal.code)
    return str(words) if words is not None else gettext(refusal.detail)
