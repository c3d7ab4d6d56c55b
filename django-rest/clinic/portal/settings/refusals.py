"""Refusals of the services, as sentences for an owner."""

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy, gettext_noop

from clinic.common.errors import ChairsideError

# Those whose own words speak to a program. The others are translated as they are.
SENTENCES: dict[str, Promise] = {
    "stale_version": gettext_lazy(
        "Somebody else saved this meanwhile. Your entries are still here, with what is saved now beside them. "
        "Save again to keep yours."
    ),
    "would_strand": gettext_lazy("Visits are booked in this time. Move, keep or cancel them."),
    "has_appointments": gettext_lazy("Visits are booked. Move, keep or cancel them."),
    "zone_has_appointments": gettext_lazy(
        "Visits are booked. They stay at the same moment, so that their time on the clinic’s clock changes. "
        "Tick “Change the zone although visits are booked” if that is meant."
    ),
    "cannot_move": gettext_lazy("Not every visit can be moved, so none was. Decide about each of them below."),
    "slot_taken": gettext_lazy("This time has just been taken. Choose another one."),
    "own_appointment": gettext_lazy("The patient has another visit at this time. Choose another one."),
    "undo_over": gettext_lazy("It is too late to undo this."),
    "nothing_to_undo": gettext_lazy("There is nothing to undo any more."),
    "transition_not_allowed": gettext_lazy("This visit has changed meanwhile, and this is not possible any more."),
    "not_found": gettext_lazy("This is not there any more."),
    "permission_denied": gettext_lazy("This is for the owner of the clinic."),
}

# Sentences of services and serializers that are shown as they are, in the reader's language.
AS_THEY_ARE = (
    gettext_noop("A clinic keeps at least one owner. Make somebody else an owner first."),
    gettext_noop("This practitioner has an account already."),
    gettext_noop("This account belongs to another practitioner."),
    gettext_noop("This must not be empty."),
    gettext_noop("An SMS has no subject."),
    gettext_noop("Braces stand only around the name of a placeholder."),
    gettext_noop("A multiple of 5 minutes."),
    gettext_noop("Hours across midnight last 16 hours at most."),
    gettext_noop("Alternating weeks are counted from the week of a first date."),
    gettext_noop("The dates end before they begin."),
    gettext_noop("This person cannot sign in. Activate the account first."),
    gettext_noop("A name has no control or invisible characters."),
    gettext_noop("A name has no control or invisible characters, and stands on one line."),
    gettext_noop("A name has at least one visible character."),
    gettext_noop("A name has no web address in it. Write a space after a full stop."),
    gettext_noop("A name has no phone number in it."),
    gettext_noop("A name has at least one letter."),
    gettext_noop("This is not a JPEG, PNG or WebP picture."),
    gettext_noop("A picture has one frame: this one is animated."),
    gettext_noop("There is an account with this e-mail already."),
    gettext_noop("This is not a phone number. Write it with its country code, as +1 212 555 0123."),
    gettext_noop("An extension goes with a phone number."),
    gettext_noop("Too many requests. Please wait."),
    gettext_noop("Other photos are being stored. Please try again in a moment."),
    gettext_noop("There is a letter in it that cannot be seen."),
    # Of the framework, which speaks to a friend in German.
    gettext_noop("Ensure this field has no more than {max_length} characters."),
    gettext_noop("Ensure this field has at least {min_length} characters."),
    gettext_noop("Ensure this value is less than or equal to {max_value}."),
    gettext_noop("Ensure this value is greater than or equal to {min_value}."),
)


def sentence_of(refusal: ChairsideError) -> str:
    words = SENTENCES.get(refusal.code)
    return str(words) if words is not None else gettext(refusal.detail)
