"""Calendar files (RFC 5545, 5546). A calendar knows an appointment by its UID: what comes with a higher SEQUENCE moves
or cancels what it has. Accepting or declining sends a mail to the ORGANIZER: the clinic's address, or nobody is asked
to answer. Either way the description says how to reach the clinic."""

from collections.abc import Sequence
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from icalendar import Calendar as Ics
from icalendar import Event, vCalAddress, vText

from clinic.appointments.lifecycle import Status
from clinic.appointments.models import ACTIVE, Appointment
from clinic.common.plain_names import shown_name
from clinic.messaging.catalogue import Calendar
from clinic.outbox.attachments import Attachment
from clinic.people.services.contact_routes import language_of

INVITATION, SEVERAL = "invite.ics", "appointments.ics"


def invitation_to(
    appointments: Sequence[Appointment], what: Calendar, *, recipient: str, summary: str, now: datetime
) -> Attachment:
    """Needs clinic and patient fetched. Of several it is METHOD:PUBLISH, without attendees (RFC 5546, 3.2.1): a REQUEST
    or CANCEL is of one."""
    is_of_one = len(appointments) == 1
    method = what.value if is_of_one else "PUBLISH"
    ics = Ics()
    ics.add("prodid", "-//Chairside//appointments//EN")
    ics.add("version", "2.0")
    ics.add("method", method)
    for appointment in appointments:
        event = _event(appointment, what, summary=summary, now=now)
        if is_of_one:
            event.add("attendee", _attendee(appointment, recipient))
        ics.add_component(event)
    name = INVITATION if is_of_one else SEVERAL
    return Attachment(name, f"text/calendar; method={method}; name={name}", ics.to_ical().decode())


def calendar_file(appointment: Appointment, *, now: datetime) -> Attachment:
    """Of one visit, to be kept in a calendar by whoever opens it. Needs clinic, patient and practitioner fetched."""
    what = Calendar.CANCEL if appointment.status not in ACTIVE else Calendar.REQUEST
    ics = Ics()
    ics.add("prodid", "-//Chairside//appointments//EN")
    ics.add("version", "2.0")
    ics.add("method", "PUBLISH")
    summary = f"{appointment.clinic.name}: {appointment.practitioner.name}"
    event = _event(appointment, what, summary=summary, now=now)
    if appointment.status == Status.PENDING:
        event["status"] = "TENTATIVE"
    ics.add_component(event)
    return Attachment("visit.ics", "text/calendar; charset=utf-8", ics.to_ical().decode())


def _event(appointment: Appointment, what: Calendar, *, summary: str, now: datetime) -> Event:
    event = Event()
    fields: dict[str, Any] = {
        "uid": appointment.calendar_uid,
        "sequence": appointment.version,
        "dtstamp": now,
        "dtstart": appointment.starts_at,
        "dtend": appointment.ends_at,
        "summary": summary,
        "location": ", ".join(filter(None, (appointment.clinic.name, appointment.clinic.address))),
        "status": "CANCELLED" if what is Calendar.CANCEL else "CONFIRMED",
    }
    for name, value in fields.items():
        event.add(name, value)
    if what is Calendar.REQUEST:
        event.add("description", _how_to_answer(appointment))
    event.add("organizer", _address(appointment.clinic.email or _sender(), appointment.clinic.name))
    return event


def _attendee(appointment: Appointment, recipient: str) -> vCalAddress:
    attendee = _address(recipient, shown_name(appointment.patient.name))
    attendee.params["cutype"] = vText("INDIVIDUAL")
    attendee.params["role"] = vText("REQ-PARTICIPANT")
    attendee.params["partstat"] = vText("NEEDS-ACTION")
    attendee.params["rsvp"] = vText("TRUE" if appointment.clinic.email else "FALSE")
    return attendee


def _how_to_answer(appointment: Appointment) -> str:
    clinic = appointment.clinic
    with translation.override(language_of(appointment.patient, clinic)):
        answers = (
            _("Your answer to this invitation reaches the clinic by e-mail.")
            if clinic.email
            else _("Answers to this invitation are not read.")
        )
        change = _("If you cannot come, please tell us early: the clinic then changes or cancels the appointment.")
    return "\n".join(filter(None, (answers, change, clinic.contact)))


def _address(email: str, name: str) -> vCalAddress:
    address = vCalAddress(f"mailto:{email}")
    address.params["cn"] = vText(name.replace('"', "'"))
    return address


def _sender() -> str:
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
