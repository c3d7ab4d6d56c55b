"""Refusals of the services, as sentences for a patient."""

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy, gettext_noop

from clinic.common.errors import ChairsideError

SENTENCES: dict[str, Promise] = {
    "slot_taken": gettext_lazy("This time has just been taken. Choose another one."),
    "own_appointment": gettext_lazy("There is another visit at this time. Choose another one."),
    "contact_not_verified": gettext_lazy(
        "Confirm your e-mail address first: open the link in the mail, or have it sent again on this page."
    ),
    "stale_version": gettext_lazy("This has changed meanwhile. Look at it again."),
    "transition_not_allowed": gettext_lazy("This visit has changed meanwhile, and this is not possible any more."),
    "too_late_to_cancel": gettext_lazy("It is too late to do this online. Please call the clinic."),
    "moves_not_offered": gettext_lazy("Visits are not moved online at this clinic. Please call."),
    "too_many_moves": gettext_lazy("This visit has been moved twice already. Please call the clinic."),
    "too_many_pending": gettext_lazy("Several requests wait for the clinic's answer already. Please wait for it."),
    "too_many_entries": gettext_lazy("You wait for enough times already. Leave one of them first."),
    "too_many_members": gettext_lazy("An account books for 20 people at most."),
    "already_in_family": gettext_lazy("You book for this person already."),
    "wrong_password": gettext_lazy("This is not your password."),
    "phone_not_proven": gettext_lazy("This code is wrong, or too old. Have a new one sent."),
    "throttled": gettext_lazy("Too many tries. Wait a few minutes."),
    "locked": gettext_lazy("Too many wrong passwords. Wait a few minutes."),
    "too_soon": gettext_lazy("This is too soon to book online. Please call the clinic."),
    "in_the_past": gettext_lazy("This time has passed. Choose another one."),
    "not_found": gettext_lazy("This is not there any more."),
    "permission_denied": gettext_lazy("This is not possible online. Please call the clinic."),
}
AS_THEY_ARE = (
    gettext_noop("The clinic sends no SMS to this number. Please call the clinic."),
    gettext_noop("This person has an account, and changes this there."),
)


def sentence_of(refusal: ChairsideError) -> str:
    words = SENTENCES.get(refusal.code)
    return str(words) if words is not None else gettext(refusal.detail)
