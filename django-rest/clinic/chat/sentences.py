"""Sentences that a chatbot says to a patient, in the active language and on the clinic's clock.

No field name, code or reference stands in one: they are read out as they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext, ngettext

from clinic.appointments.lifecycle import Status
from clinic.common.instants import zone_of
from clinic.outbox.wording import say_when
from clinic.scheduling.models import Clinic, Service, clock_of

MAX_NAMED = 3


def say_start(clinic: Clinic, start: datetime) -> str:
    return say_when(start, zone_of(clinic.timezone), get_language() or clinic.language, **clock_of(clinic))


def say_day(day: date) -> str:
    return date_format(day, "j F Y" if (get_language() or "").startswith("en") else "j. F Y")


def say_time(clinic: Clinic, start: datetime, practitioner: str) -> str:
    return gettext("%(when)s with %(who)s") % {"when": say_start(clinic, start), "who": practitioner}


def say_services(clinic: Clinic, services: Sequence[Service]) -> str:
    if not services:
        return gettext("%(clinic)s has no treatments to choose from. Ask for a time.") % {"clinic": clinic.name}
    named = [
        gettext("%(service)s (%(minutes)d minutes)") % {"service": service.name, "minutes": service.duration_minutes}
        for service in services
    ]
    return gettext("%(clinic)s offers %(services)s. What would you like?") % {
        "clinic": clinic.name,
        "services": say_list(named, last=gettext("and")),
    }


def say_times(times: Sequence[str], *, day: date | None, is_on_day: bool) -> str:
    """`times` as `say_time` has them. `day`: the one that was asked for; None: the soonest were."""
    if not times:
        return gettext("Nothing is free then. Shall I put you on the waitlist?")
    named = say_list(list(times)[:MAX_NAMED], last=gettext("or"))
    if day is not None and not is_on_day:
        return gettext("Nothing is free on %(day)s. The next times are %(times)s. Which one suits you?") % {
            "day": say_day(day),
            "times": named,
        }
    return gettext("I can offer you %(times)s. Which one suits you?") % {"times": named}


def say_held(time: str, minutes: int) -> str:
    return ngettext(
        "I keep %(time)s for you for %(minutes)d minute.", "I keep %(time)s for you for %(minutes)d minutes.", minutes
    ) % {"time": time, "minutes": minutes}


def say_released() -> str:
    return gettext("The time is free again. Would you like another one?")


def say_booked(clinic: Clinic, time: str, status: str) -> str:
    if status == Status.PENDING:
        sentence = gettext("I have asked %(clinic)s for %(time)s. You will hear from them.")
    else:
        sentence = gettext("You are booked at %(clinic)s: %(time)s.")
    return sentence % {"clinic": clinic.name, "time": time}


def say_moved(time: str, *, is_asked_for: bool) -> str:
    """`is_asked_for`: the clinic decides about the move, and the visit keeps its time until then."""
    if is_asked_for:
        return gettext("I have asked the clinic to move your visit. Until they answer it stays at %(time)s.") % {
            "time": time
        }
    return gettext("Your visit is moved: %(time)s.") % {"time": time}


def say_cancelled(time: str) -> str:
    return gettext("Your visit is cancelled: %(time)s.") % {"time": time}


def say_code_sent() -> str:
    """The same for every number, known or not."""
    return gettext("If the clinic knows this number, it gets a code by SMS. Please tell me the six digits.")


def say_visit(time: str, status: str) -> str:
    if status == Status.PENDING:
        return gettext("%(time)s. The clinic has not answered yet.") % {"time": time}
    return gettext("%(time)s. It is confirmed.") % {"time": time}


def say_visits(count: int) -> str:
    if not count:
        return gettext("You have no visits ahead.")
    return ngettext("You have %(count)d visit ahead.", "You have %(count)d visits ahead.", count) % {"count": count}


def say_waiting(clinic: Clinic, first: date, last: date) -> str:
    days = {"clinic": clinic.name, "first": say_day(first), "last": say_day(last)}
    if first == last:
        return gettext("You are on the waitlist of %(clinic)s for %(first)s. You will hear of a free time.") % days
    return gettext(
        "You are on the waitlist of %(clinic)s from %(first)s to %(last)s. You will hear of a free time."
    ) % (days)


def say_list(named: Sequence[str], *, last: str) -> str:
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} {last} {named[-1]}"


# Refusals


def say_refusal(body: Mapping[str, Any], clinic: Clinic | None, *, needs_code: bool = False) -> str:
    """The problem and the next step, of a refusal in the one shape of the API."""
    error = body["errors"][0]
    code, attr = error["code"], error["attr"]
    if code == "slot_taken":
        return _say_taken(clinic, body.get("nearest", ()))
    if code == "phone_not_proven" and needs_code:
        return gettext("The clinic has to know that this phone is yours. Shall I have a code sent to it?")
    if code in _said_of_codes():
        return _said_of_codes()[code]
    if body["type"] == "validation_error":
        return _said_of_inputs().get(attr) or gettext("I did not understand that. Please say it in another way.")
    return gettext("I cannot do that now. Please try again in a moment, or call the clinic.")


def _say_taken(clinic: Clinic | None, nearest: Iterable[Mapping[str, Any]]) -> str:
    starts = [parse_datetime(slot["start"]) for slot in nearest]
    times = [] if clinic is None else [say_start(clinic, start) for start in starts if start is not None]
    if not times:
        return gettext("This time has just been taken. Please choose another one.")
    return gettext("This time has just been taken. Near it, %(times)s is free.") % {
        "times": say_list(times, last=gettext("or"))
    }


def _said_of_codes() -> dict[str, str]:
    call = gettext("I cannot do that for you. Please call the clinic.")
    return {
        "hold_expired": gettext("I kept the time for you too long ago. Please choose it again."),
        "too_many_holds": gettext("Too many times are kept for you already. Book one of them first, or wait a moment."),
        "too_many_pending": gettext("The clinic has several requests of yours already. Please wait for its answer."),
        "throttled": gettext("That was too often in a short time. Please wait a while, or call the clinic."),
        "phone_not_proven": gettext(
            "This code is not right, or too old. Ask for a new one, and tell me its six digits."
        ),
        "not_a_phone": gettext("That is not a phone number. Please give it with its country code."),
        "phone_has_extension": gettext("Please give the number without its extension."),
        "not_a_name": gettext("That is not a name. Please tell me your name only."),
        "too_late_to_cancel": gettext("It is too late to change this visit here. Please call the clinic."),
        "moves_not_offered": gettext("The clinic moves visits by phone only. Please call it."),
        "too_many_moves": gettext("This visit was moved often enough. Please call the clinic."),
        "transition_not_allowed": gettext("This visit can no longer be changed."),
        "own_appointment": gettext("You have another visit at this time. Please choose another one."),
        "too_many_entries": gettext("You wait for several times already."),
        "in_the_past": gettext("That time is past. Please choose a later one."),
        "too_soon": gettext("The clinic cannot be ready so soon. Please choose a later time."),
        "too_far_ahead": gettext("The clinic does not plan so far ahead yet. Please choose an earlier time."),
        "off_grid": gettext("Visits do not begin at this minute. Ask me for the free times."),
        "outside_working_hours": gettext("The clinic is closed then. Ask me for the free times."),
        "no_such_local_time": gettext(
            "The clocks change then, and this time does not exist. Please choose another one."
        ),
        "not_found": gettext("I cannot find that. Please begin again, or call the clinic."),
        "unknown_field": call,
        "repeated_parameter": call,
        "permission_denied": call,
    }


def _said_of_inputs() -> dict[str, str]:
    return {
        "clinic": gettext("Which clinic do you mean?"),
        "service": gettext("Which treatment would you like?"),
        "practitioner": gettext("Whom would you like to see? Anybody is fine, too."),
        "start": gettext("When would you like to come?"),
        "date": gettext("On which day would you like to come?"),
        "time": gettext("At what time would you like to come?"),
        "when": gettext("On which day would you like to come? Or say: as soon as possible."),
        "first_date": gettext("From which day on could you come?"),
        "last_date": gettext("Until which day could you come? It has to lie ahead, within a year."),
        "hold": gettext("Please choose a time first."),
        "name": gettext("What is your name?"),
        "phone": gettext("What is your phone number?"),
        "email": gettext("That is not an e-mail address. Please spell it again."),
        "code": gettext("Which code did you get by SMS?"),
        "reference": gettext("I cannot find this visit. Please begin again, or call the clinic."),
    }
