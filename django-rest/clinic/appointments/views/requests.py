"""What the views of this app read from a request."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from clinic.accounts.models import Role, User
from clinic.accounts.requests import signed_in_user
from clinic.appointments.actor import Actor
from clinic.appointments.models import Appointment
from clinic.appointments.queries import get_appointment_for
from clinic.appointments.serializers.appointments import AppointmentOutput
from clinic.common.errors import InvalidRequest, PreconditionFailed, StaleVersion

# A version fits into ten digits.
ETAG = re.compile(r'(?:W/)?"([0-9]{1,10})"|([0-9]{1,10})')


def actor_of(request: Request) -> Actor:
    return Actor.by_user(signed_in_user(request))


def validated(serializer: BaseSerializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def show(appointment: Appointment, user: User, *, status: int = 200) -> Response:
    """The appointment as this user sees it, freshly read, with its version as the ETag."""
    shown = get_appointment_for(user, appointment.pk)
    body = AppointmentOutput(shown, context=output_context(user)).data
    return Response(body, status=status, headers={"ETag": f'"{shown.version}"'})


def output_context(viewer: User | None) -> dict[str, bool]:
    """None is somebody who is not signed in, and sees what a patient sees."""
    return {"for_patient": viewer is None or viewer.role == Role.PATIENT}


def expected_version(request: Request, version: int | None) -> dict[str, Any]:
    """`If-Match` wins over `version` in the body (RFC 9110, 13.1.1). Raises InvalidRequest."""
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return {"version": version, "if_match": False}
    tag = ETAG.fullmatch(header.strip())
    if tag is None:
        raise InvalidRequest('If-Match is the ETag of a former answer, such as "3".', attr="If-Match")
    return {"version": int(tag[1] or tag[2]), "if_match": True}


@contextmanager
def current_row_on_conflict(user: User, appointment_id: int) -> Iterator[None]:
    """Who comes too late is shown what is there now."""
    try:
        yield
    except (StaleVersion, PreconditionFailed) as error:
        current = get_appointment_for(user, appointment_id)
        error.extra["current"] = AppointmentOutput(current, context=output_context(user)).data
        raise
