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
    "until": "how long the time is kept",
    "code": "the code; it must be there",
    "minutes": "how long the code holds",
}
REQUIRED = frozenset({"code"})

PATIENTS = ("email", "sms", "in_app")
APPOINTMENT = ("clinic", "patient", "practitioner", "when", "when_at_length", "id")
WITH_REASON = (*APPOINTMENT, "reason")
SEVERAL = ("clinic", "patient", "practitioner", "when", "count", "all")


@dataclass(frozen=True, slots=True)
class Kind:
    title: str
    placeholders: tuple[str, ...]
    channels: tuple[str, ...] = PATIENTS


KINDS = {
    "request_received": Kind("Request received", APPOINTMENT, ("email", "sms")),
    "request_moved": Kind("Request moved", APPOINTMENT),
    "confirmed": Kind("Confirmed", APPOINTMENT),
    "rejected": Kind("Request rejected", WITH_REASON),
    "request_expired": Kind("Request not answered in time", APPOINTMENT),
    "request_cancelled": Kind("Request cancelled", WITH_REASON),
    "reminder": Kind("Reminder", APPOINTMENT),
    "moved": Kind("Moved", APPOINTMENT),
    "cancelled": Kind("Cancelled", WITH_REASON),
    "missed": Kind("Missed", APPOINTMENT),
    "several_confirmed": Kind("Several confirmed", SEVERAL),
    "several_moved": Kind("Several moved", SEVERAL),
    "several_cancelled": Kind("Several cancelled", (*SEVERAL, "reason")),
    "zone_changed": Kind("Rules of the time zone changed", APPOINTMENT),
    "waitlist_offer": Kind("Offer from the waitlist", ("clinic", "patient", "practitioner", "when", "until")),
    "phone_code": Kind("Code for a phone", ("clinic", "code", "minutes"), ("sms",)),
    "new_request": Kind("To the clinic: new request", APPOINTMENT, ("in_app",)),
    "new_booking": Kind("To the clinic: new booking", APPOINTMENT, ("in_app",)),
    "cancelled_by_patient": Kind("To the clinic: a patient cancelled", WITH_REASON, ("in_app",)),
    "zone_changed_visit": Kind("To the clinic: rules of the time zone changed", APPOINTMENT, ("in_app",)),
    "missed_by_patient": Kind("To the clinic: a patient did not come", APPOINTMENT, ("in_app",)),
}
# Of own words, before anything is filled in. An SMS is paid by the part, of 153 letters.
LONGEST = {"email": 10_000, "sms": 612, "in_app": 1_000}
