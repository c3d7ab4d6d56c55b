"""Pure: what a clinic may put into its own words, and the placeholders of each. The one table of it.

Mails about accounts and passwords are not among them, nor what the desk is told of dead letters and of what came in by
SMS: those stay as they are.
"""

from dataclasses import dataclass

MEANINGS = {
    "clinic": "the clinic’s name",
    "patient": "the patient’s name",
    "practitioner": "the practitioner’s name",
    "when": "date and time, short: Fri 19 Mar, 09:30",
    "when_at_length": "date and time: Friday 19 March 2027, 09:30",
    "reason": "why, where somebody has said it",
    "id": "the appointment’s number, for answers by SMS: CONFIRM {id}, NO {id}",
    "count": "how many appointments",
    "all": "the appointments, each on a line of its own",
    "link": "the address of its page; where it is left out, it stands at the end",
    "until": "how long the time is kept",
    "delay": "minutes of the delay",
    "room": "where to, where somebody has said it",
    "expected": "date and time at which the visit is expected to begin",
    "code": "the code; it must be there",
    "minutes": "how long the code holds",
}
REQUIRED = frozenset({"code"})

PATIENTS = ("email", "sms", "in_app")
APPOINTMENT = ("clinic", "patient", "practitioner", "when", "when_at_length", "id")
VISIT = (*APPOINTMENT, "link")
WITH_REASON = (*APPOINTMENT, "reason")
SEVERAL = ("clinic", "patient", "practitioner", "when", "count", "all")


@dataclass(frozen=True, slots=True)
class WordingKind:
    title: str
    placeholders: tuple[str, ...]
    channels: tuple[str, ...] = PATIENTS


KINDS = {
    "request_received": WordingKind("Request received", VISIT, ("email", "sms")),
    "request_moved": WordingKind("Request moved", VISIT),
    "confirmed": WordingKind("Confirmed", VISIT),
    "rejected": WordingKind("Request rejected", (*VISIT, "reason")),
    "request_expired": WordingKind("Request not answered in time", VISIT),
    "request_cancelled": WordingKind("Request cancelled", (*VISIT, "reason")),
    "reminder": WordingKind("Reminder", VISIT),
    "running_late": WordingKind("Running late", (*VISIT, "delay", "expected")),
    "on_time_again": WordingKind("On time again", VISIT),
    "called_in": WordingKind("Please come in", (*VISIT, "room"), ("sms", "in_app")),
    "moved": WordingKind("Moved", VISIT),
    "time_kept": WordingKind("Time kept, though the patient asked for another", VISIT),
    "cancelled": WordingKind("Cancelled", (*VISIT, "reason")),
    "missed": WordingKind("Missed", VISIT),
    "several_confirmed": WordingKind("Several confirmed", SEVERAL),
    "several_moved": WordingKind("Several moved", SEVERAL),
    "several_cancelled": WordingKind("Several cancelled", (*SEVERAL, "reason")),
    "zone_changed": WordingKind("Rules of the time zone changed", VISIT),
    "waitlist_offer": WordingKind(
        "Offer from the waitlist", ("clinic", "patient", "practitioner", "when", "until", "link")
    ),
    "phone_code": WordingKind("Code for a phone", ("clinic", "code", "minutes"), ("sms",)),
    "new_request": WordingKind("To the clinic: new request", APPOINTMENT, ("email", "in_app")),
    "new_booking": WordingKind("To the clinic: new booking", APPOINTMENT, ("in_app",)),
    "cancelled_by_patient": WordingKind("To the clinic: a patient cancelled", WITH_REASON, ("in_app",)),
    "moved_by_patient": WordingKind("To the clinic: a patient moved", APPOINTMENT, ("in_app",)),
    "move_asked": WordingKind("To the clinic: a patient asks for another time", WITH_REASON, ("in_app",)),
    "zone_changed_visit": WordingKind("To the clinic: rules of the time zone changed", APPOINTMENT, ("in_app",)),
    "missed_by_patient": WordingKind("To the clinic: a patient did not come", APPOINTMENT, ("email", "in_app")),
}
# Of own words, before anything is filled in. An SMS is paid by the part, of 153 letters.
LONGEST = {"email": 10_000, "sms": 612, "in_app": 1_000}
