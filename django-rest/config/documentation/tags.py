"""How the page is grouped: the groups in order, and which paths stand in which."""

from clinic.compat.table import TABLE, RequestPart

OLDER = "Older front ends"


def _older_names() -> str:
    """The rewrite table, in words."""
    meanings: dict[tuple[RequestPart, str], set[str]] = {}
    for rewrite in TABLE:
        if rewrite.old != rewrite.new:
            meanings.setdefault((rewrite.place, rewrite.new), set()).add(rewrite.old)
    lines = [
        f"* in the {place}, {', '.join(f'`{name}`' for name in sorted(names))}: `{new}`"
        for (place, new), names in sorted(meanings.items())
    ]
    return "\n".join(lines)


OLDER_NAMES = f"""Paths and names of older front ends: deprecated, and understood.

{_older_names()}
* a patient's own user id as `patient`: their record; `appointment_type`: the service of that name

An empty one of these is not given. Two names for one thing in one body are 400 `ambiguous`. What is not listed is
refused like everywhere.

Three differences stay. Approved visits stay in `scope=active`: past ones are in `scope=history`. `by_phone` needs a
code: `POST public/phone-codes` first, then `code`. `EventSource` needs a ticket: `POST auth/stream-ticket`, then
`?ticket=`; each message is an object, whose rows are in `.appointments`.
"""

TAGS = {
    "Signing in": "Tokens, sign-up, passwords, and tickets for streams.",
    "My account": "The profile and photo of whoever is signed in.",
    "Clinic": "The clinic and its policy, what it offers, and who works there; the owner's to change.",
    "Hours": "When practitioners work: weekly hours, days off and other hours, requests for time off, delays.",
    "Slots and holds": "Open times, and how to keep one for a few minutes.",
    "Patients": "The clinic's records, with or without an account.",
    "Appointments": "Booking, moving, the steps from pending to completed, and the history of every change.",
    "Calendar": "What a screen of the calendar shows, in one answer.",
    "Series": "Appointments by a rule: weekly, biweekly, monthly.",
    "Look-ups": "By phone number, the day's summary, statistics, reports, and the exports.",
    "Guests": "Without an account: ask for an appointment, and prove a phone number.",
    "Chat": "Booking by conversation: one step a call, flat bodies, a sentence to say in every answer.",
    "Waitlist": "Who would come if a time became free, and what is offered to them.",
    "Messages": "What was sent to whom, and one's own notifications.",
    "Operations": "Whether the service is well, and its clock.",
    OLDER: OLDER_NAMES,
}

# The longest prefix wins.
PREFIXES = {
    "/api/token": "Signing in",
    "/api/v1/auth": "Signing in",
    "/api/v1/users": "My account",
    "/api/v1/photos": "My account",
    "/api/v1/profiles": OLDER,
    "/api/v1/clinic": "Clinic",
    "/api/v1/services": "Clinic",
    "/api/v1/practitioners": "Clinic",
    "/api/v1/staff": "Clinic",
    "/api/v1/devices": "Clinic",
    "/api/v1/doctors": OLDER,
    "/api/v1/practitioners/{practitioner_id}/availability": "Hours",
    "/api/v1/practitioners/{practitioner_id}/delay": "Hours",
    "/api/v1/absences": "Hours",
    "/api/v1/schedule-exceptions": "Hours",
    "/api/v1/availability": OLDER,
    "/api/v1/practitioners/{practitioner_id}/slots": "Slots and holds",
    "/api/v1/slots": "Slots and holds",
    "/api/v1/holds": "Slots and holds",
    "/api/v1/patients": "Patients",
    "/api/v1/appointments": "Appointments",
    "/api/v1/history": "Appointments",
    "/api/v1/appointments/series": "Series",
    "/api/v1/calendar": "Calendar",
    "/api/v1/series": OLDER,
    "/api/v1/appointments/by_phone": "Look-ups",
    "/api/v1/appointments/summary": "Look-ups",
    "/api/v1/appointments/stats": "Look-ups",
    "/api/v1/appointments/stats/doctor": OLDER,
    "/api/v1/appointments/export.csv": "Look-ups",
    "/api/v1/reports": "Look-ups",
    "/api/v1/public": "Guests",
    "/api/v1/chat": "Chat",
    "/api/v1/waitlist": "Waitlist",
    "/api/v1/messages": "Messages",
    "/api/v1/message-wordings": "Messages",
    "/api/v1/notifications": "Messages",
    "/api/v1/push-subscriptions": "Messages",
    "/api/v1/twilio": "Messages",
    "/api/v1/time": "Operations",
    "/api/v1/health": "Operations",
    "/health": "Operations",
    "/livez": "Operations",
    "/readyz": "Operations",
}


def tag_of(path: str) -> str | None:
    fitting = [prefix for prefix in PREFIXES if path == prefix or path.startswith((f"{prefix}/", f"{prefix}?"))]
    return PREFIXES[max(fitting, key=len)] if fitting else None
