"""Values for the words of messages about visits."""

from collections.abc import Sequence
from typing import Any

from clinic.appointments.models import Appointment
from clinic.common.instants import zone_of
from clinic.common.plain_names import shown_name
from clinic.common.public_links import visit_address
from clinic.outbox.wording import say_when, say_when_at_length
from clinic.scheduling.models import clock_of


def patient_context(
    appointments: Sequence[Appointment], language: str, *, with_offset: bool = False, with_links: bool = True
) -> dict[str, Any]:
    """Values of the words to a patient; `all` where there are several, of which the rest is the first. Links are
    for the patient alone."""
    first = appointments[0]
    zone = zone_of(first.clinic.timezone)
    how: dict[str, Any] = {**clock_of(first.clinic), "with_offset": with_offset}
    each = [
        {
            "when": say_when_at_length(one.starts_at, zone, language, **how),
            "practitioner": one.practitioner.name,
            "link": visit_address(one.reference) if with_links else "",
        }
        for one in appointments
    ]
    return {
        "id": first.pk,
        "clinic": first.clinic.name,
        "patient": shown_name(first.patient.name),
        "practitioner": first.practitioner.name,
        "when": say_when(first.starts_at, zone, language, **how),
        "when_at_length": each[0]["when"],
        "reason": first.cancel_reason,
        "link": each[0]["link"],
        "has_promised": first.attendance_confirmed_at is not None,
        "count": len(appointments),
        "all": each,
    }
