"""The clinic calls a patient in."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.requests import signed_in_user
from clinic.appointments.serializers.appointments import AppointmentDetailOutput
from clinic.appointments.services.calling import call_in
from clinic.appointments.views.requests import actor_of, current_row_on_conflict, show
from clinic.common import clock
from clinic.common.errors import NotToday, PermissionDenied, StaleVersion, TransitionNotAllowed
from clinic.common.inputs import validated
from clinic.common.names import validate_label
from clinic.common.openapi import IF_MATCH, answers
from clinic.common.versions import expected_version
from clinic.common.views import ApiView

MAX_ROOM_LENGTH = 60


class CallInput(serializers.Serializer[Any]):
    room = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=MAX_ROOM_LENGTH,
        validators=[validate_label],
        help_text="where to; without it the room that the practitioner last called into today",
    )
    version = serializers.IntegerField(required=False, min_value=1)


class CallView(ApiView):
    @answers(PermissionDenied, NotToday, TransitionNotAllowed, StaleVersion)
    @extend_schema(
        request=CallInput,
        responses=AppointmentDetailOutput,
        parameters=[IF_MATCH],
        summary="Call the patient in (the clinic)",
    )
    def post(self, request: Request, appointment_id: int) -> Response:
        """On the day, confirmed or checked in. Waiting-room walls and the visit's page say "please come in" at once.
        Calling again is a new call."""
        user = signed_in_user(request)
        given = validated(CallInput(data=request.data))
        with current_row_on_conflict(user, appointment_id):
            appointment = call_in(
                actor=actor_of(request),
                appointment_id=appointment_id,
                room=given.get("room"),
                now=clock.now(),
                expected=expected_version(request, given.get("version")),
            )
        return show(appointment, user)
