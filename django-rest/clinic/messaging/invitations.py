"""Calendar files (RFC 5545, 5546). A calendar knows an appointment by its UID: what comes with a higher SEQUENCE moves
or cancels what it has."""

from collections.abc import Sequence
from datetime import datetime
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from icalendar import Calendar as Ics
from icalendar import Event, vCalAddress, vText

from clinic.appointments.models import Appointment
from clinic.common.plain_names import shown_name
from clinic.messaging.catalogue import Calendar
from clinic.outbox.attachments import Attachment

NAME = "appointment.ics"


def invitation_to(
    appointments: Sequence[Appointment], what: Calendar, *, recipient: str, summary: str, now: datetime
) -> Attachment:
    """Needs clinic and patient fetched. Of several it is METHOD:PUBLISH, without attendees (RFC 5546, 3.2.1): a REQUEST
    or CANCEL is of one."""
    method = what.value if len(appointments) == 1 else "PUBLISH"
    ics = Ics()
    ics.add("prodid", "-//Chairside//appointments//EN")
    ics.add("version", "2.0")
    ics.add("method", method)
    for appointment in appointments:
        event = _event(appointment, what, summary=summary, now=now)
        if method != "PUBLISH":
            event.add("attendee", _address(recipient, shown_name(appointment.patient.name)))
        ics.add_component(event)
    return Attachment(NAME, f"text/calendar; method={method}", ics.to_ical().decode())


def _event(appointment: Appointment, what: Calendar, *, summary: str, now: datetime) -> Event:
    event = Event()
    fields: dict[str, Any] = {
        "uid": f"appointment-{appointment.pk}@{_host()}",
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
    event.add("organizer", _address(_sender(), appointment.clinic.name))
    return event


def _address(email: str, name: str) -> vCalAddress:
    address = vCalAddress(f"mailto:{email}")
    address.params["cn"] = vText(name.replace('"', "'"))
    return address


def _sender() -> str:
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1]


def _host() -> str:
    public_url: str | None = settings.SHARED.public_url
    return (urlsplit(public_url).hostname if public_url else None) or _sender().rpartition("@")[2] or "localhost"
