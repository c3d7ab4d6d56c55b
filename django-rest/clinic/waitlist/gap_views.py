"""Free time of a day, and its offer to the waitlist."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.models import User
from clinic.accounts.permissions import AtDesk
from clinic.accounts.requests import signed_in_user
from clinic.common import clock
from clinic.common.inputs import read, validated
from clinic.common.instants import local_date_of, say_minute, zone_of
from clinic.common.views import ApiView
from clinic.scheduling.working_hours import Interval
from clinic.waitlist.gaps import Gap, gaps_of
from clinic.waitlist.services.gaps import offer_gap

MAX_GAP = timedelta(hours=24)


class GapFilterInput(serializers.Serializer[Any]):
    date = serializers.DateField(required=False, help_text="one day, the clinic's; today if it is not given")


class GapOutput(serializers.Serializer[Any]):
    practitioner = serializers.IntegerField()
    practitioner_name = serializers.CharField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField(help_text="an instant, when the free time ends")
    minutes = serializers.IntegerField(help_text="its length")
    waiting = serializers.IntegerField(help_text="entries of the waitlist that it suits")


class GapsOutput(serializers.Serializer[Any]):
    date = serializers.DateField()
    gaps = GapOutput(many=True, help_text="in order of their start")


class GapInput(serializers.Serializer[Any]):
    practitioner = serializers.IntegerField(min_value=1)
    start = serializers.DateTimeField()
    end = serializers.DateTimeField(help_text="an instant, at most 24 hours after the start")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        start, end = attrs["start"], attrs["end"]
        if not timedelta(0) < end - start <= MAX_GAP:
            raise serializers.ValidationError({"end": "The end is within 24 hours after the start."}, code="invalid")
        return attrs


class GapOfferedOutput(serializers.Serializer[Any]):
    offered = serializers.IntegerField(help_text="patients who are asked")
    booked = serializers.IntegerField(help_text="patients who wanted to be booked at once, and are")


class GapsView(ApiView):
    permission_classes = (IsAuthenticated, AtDesk)

    @extend_schema(parameters=[GapFilterInput], responses=GapsOutput, summary="Free time of a day (owner, staff)")
    def get(self, request: Request) -> Response:
        """Working time that is still ahead and nobody has claimed, of a slot's length or more."""
        user, now = signed_in_user(request), clock.now()
        zone = zone_of(user.clinic.timezone if user.clinic is not None else "UTC")
        day = read(GapFilterInput, request.query_params).get("date") or local_date_of(now, zone)
        return Response(present_gaps(user, day, now))


class OfferGapView(ApiView):
    permission_classes = (IsAuthenticated, AtDesk)

    @extend_schema(
        request=GapInput,
        responses=GapOfferedOutput,
        summary="Offer free time to the waitlist (owner, staff)",
        examples=[
            OpenApiExample(
                "An hour",
                {"practitioner": 3, "start": "2026-11-20T09:30:00+01:00", "end": "2026-11-20T10:30:00+01:00"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """As if it had just become free: to the best match, by priority and then the oldest; what that one leaves, to
        the next. Nobody is asked twice for the same time."""
        given = validated(GapInput(data=request.data))
        offered, booked = offer_gap(
            user=signed_in_user(request),
            practitioner_id=given["practitioner"],
            gap=Interval(given["start"], given["end"]),
            now=clock.now(),
        )
        return Response({"offered": offered, "booked": booked})


def present_gaps(user: User, day: Any, now: datetime) -> dict[str, Any]:
    zone = zone_of(user.clinic.timezone if user.clinic is not None else "UTC")
    return {"date": day.isoformat(), "gaps": [_present(gap, zone) for gap in gaps_of(user, day, now=now)]}


def _present(gap: Gap, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "practitioner": gap.practitioner.pk,
        "practitioner_name": gap.practitioner.name,
        "start": say_minute(gap.interval.start, zone),
        "end": say_minute(gap.interval.end, zone),
        "minutes": gap.minutes,
        "waiting": gap.waiting,
    }
