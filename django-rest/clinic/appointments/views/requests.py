"""What the views of this app read from a request."""

from contextlib import AbstractContextManager
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.models import Role, User
from clinic.accounts.requests import signed_in_user
from clinic.appointments.actor import Actor
from clinic.appointments.models import Appointment
from clinic.appointments.queries import get_appointment_for
from clinic.appointments.serializers.appointments import AppointmentOutput
from clinic.common import versions


def actor_of(request: Request) -> Actor:
    return Actor.by_user(signed_in_user(request))


def show(appointment: Appointment, user: User, *, status: int = 200) -> Response:
    """The appointment as this user sees it, freshly read, with its version as the ETag."""
    shown = get_appointment_for(user, appointment.pk)
    body = AppointmentOutput(shown, context=output_context(user)).data
    return Response(body, status=status, headers=versions.etag(shown.version))


def output_context(viewer: User | None) -> dict[str, bool]:
    """None is somebody who is not signed in, and sees what a patient sees."""
    return {"for_patient": viewer is None or viewer.role == Role.PATIENT}


def expected_version(request: Request, version: int | None) -> dict[str, Any]:
    """As the services of appointments, series and the waitlist take it. Raises InvalidRequest."""
    expected = versions.expected_version(request, version)
    return {"version": expected.version, "if_match": expected.by_if_match}


def current_row_on_conflict(user: User, appointment_id: int) -> AbstractContextManager[None]:
    """Who comes too late is shown what is there now."""

    def current() -> Any:
        return AppointmentOutput(get_appointment_for(user, appointment_id), context=output_context(user)).data

    return versions.current_on_conflict(current)
