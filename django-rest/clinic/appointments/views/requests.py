"""Parts of a request for the views of this app."""

from contextlib import AbstractContextManager
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.models import Role, User
from clinic.accounts.requests import signed_in_user
from clinic.appointments.actor import UserActor
from clinic.appointments.models import Appointment
from clinic.appointments.queries import get_appointment_for
from clinic.appointments.serializers.appointments import AppointmentDetailOutput
from clinic.appointments.services.undoing import undo_deadline
from clinic.common import clock, versions
from clinic.common.instants import say_instant, zone_of


def actor_of(request: Request) -> UserActor:
    return UserActor(signed_in_user(request))


def show(appointment: Appointment, user: User, *, status: int = 200) -> Response:
    """The appointment as this user sees it, freshly read, with its version as the ETag."""
    shown = get_appointment_for(user, appointment.pk)
    return _answer(shown, user, undo_until=_undo_until(shown, user), status=status)


def show_new(appointment: Appointment, user: User) -> Response:
    """A new appointment with all that belongs to it: no query."""
    return _answer(appointment, user, undo_until=None, status=201)


def _answer(shown: Appointment, user: User, *, undo_until: str | None, status: int) -> Response:
    body = _details(shown, user, undo_until=undo_until)
    return Response(body, status=status, headers=versions.etag(shown.version))


def _details(shown: Appointment, user: User, *, undo_until: str | None) -> dict[str, Any]:
    details: dict[str, Any] = AppointmentDetailOutput(shown, context=output_context(user)).data
    return details if user.role == Role.PATIENT else {**details, "undo_until": undo_until}


def _undo_until(shown: Appointment, user: User) -> str | None:
    """Two queries for the clinic's people."""
    if user.role == Role.PATIENT:
        return None
    until = undo_deadline(shown, UserActor(user), now=clock.now())
    return say_instant(until, zone_of(shown.clinic.timezone))


def output_context(viewer: User | None) -> dict[str, bool]:
    """None is somebody who is not signed in, and sees what a patient sees."""
    return {"for_patient": viewer is None or viewer.role == Role.PATIENT}


def current_row_on_conflict(
    user: User, appointment_id: int, *, also_deleted: bool = False
) -> AbstractContextManager[None]:
    """Adds the current row, as `show` gives it, to the refusal of a stale version."""

    def current() -> Any:
        appointment = get_appointment_for(user, appointment_id, also_deleted=also_deleted)
        return _details(appointment, user, undo_until=_undo_until(appointment, user))

    return versions.current_on_conflict(current)
