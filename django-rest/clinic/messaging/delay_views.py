"""A practitioner runs late: told to whom it concerns, and shown to the clinic."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.models import User
from clinic.accounts.permissions import WorksAtClinic
from clinic.accounts.requests import signed_in_user
from clinic.clinic_setup.serializers.fields import refuse_off_grid
from clinic.common import clock
from clinic.common.inputs import validated
from clinic.common.instants import local_date_of, say_instant, zone_of
from clinic.common.views import ApiView
from clinic.messaging.services.delays import announce_delay, end_delay
from clinic.scheduling.queries.schedules import delays_on, get_schedule_for

MAX_DELAY_MINUTES = 240


class DelayInput(serializers.Serializer[Any]):
    minutes = serializers.IntegerField(
        min_value=5, max_value=MAX_DELAY_MINUTES, help_text="in all, not on top of a former delay; a multiple of 5"
    )

    def validate_minutes(self, minutes: int) -> int:
        return refuse_off_grid(minutes)


class DelayOutput(serializers.Serializer[Any]):
    practitioner = serializers.IntegerField()
    date = serializers.DateField(help_text="today, the clinic's")
    minutes = serializers.IntegerField(help_text="0: on time")
    started_at = serializers.DateTimeField(allow_null=True, help_text="since when; null: on time")


class DelayAnnouncedOutput(DelayOutput):
    notified = serializers.IntegerField(help_text="patients of today who are told by this request")


class DelayView(ApiView):
    permission_classes = (WorksAtClinic,)

    @extend_schema(responses=DelayOutput, summary="How late a practitioner runs today (owner, staff, themselves)")
    def get(self, request: Request, practitioner_id: int) -> Response:
        return Response(_shown(signed_in_user(request), practitioner_id))

    @extend_schema(
        request=DelayInput,
        responses=DelayAnnouncedOutput,
        summary="Run late today (owner, staff, themselves)",
        examples=[OpenApiExample("Ten minutes", {"minutes": 10}, request_only=True)],
    )
    def post(self, request: Request, practitioner_id: int) -> Response:
        """The patients who follow today are told at once. No visit moves. The same delay again tells nobody."""
        user, given = signed_in_user(request), validated(DelayInput(data=request.data))
        _, notified = announce_delay(
            user=user, practitioner_id=practitioner_id, minutes=given["minutes"], now=clock.now()
        )
        return Response({**_shown(user, practitioner_id), "notified": notified})

    @extend_schema(responses={204: None}, summary="Be on time again (owner, staff, themselves)")
    def delete(self, request: Request, practitioner_id: int) -> Response:
        """Patients who were told of the delay are told that it is over. Messages not sent yet are withdrawn."""
        end_delay(user=signed_in_user(request), practitioner_id=practitioner_id, now=clock.now())
        return Response(status=204)


def _shown(user: User, practitioner_id: int) -> dict[str, Any]:
    practitioner = get_schedule_for(user, practitioner_id)
    zone = zone_of(practitioner.clinic.timezone)
    today = local_date_of(clock.now(), zone)
    delay = delays_on(user, today).filter(practitioner_id=practitioner.pk).first()
    return {
        "practitioner": practitioner.pk,
        "date": today.isoformat(),
        "minutes": delay.minutes if delay is not None else 0,
        "started_at": say_instant(delay.started_at, zone) if delay is not None else None,
    }
