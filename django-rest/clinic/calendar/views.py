"""The calendar: all that one screen of it shows, in one answer."""

from datetime import date

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.models import User
from clinic.accounts.permissions import WorksAtClinic
from clinic.accounts.requests import signed_in_user
from clinic.calendar.queries import CalendarFilter, calendar_for, month_for
from clinic.calendar.serializers import (
    CalendarDayInput,
    CalendarMonthInput,
    CalendarMonthOutput,
    CalendarOutput,
    CalendarRangeInput,
    month_of,
    present_month_day,
)
from clinic.common import clock
from clinic.common.errors import NotFound
from clinic.common.inputs import read
from clinic.common.instants import local_date_of, say_instant, zone_of
from clinic.common.openapi import answers
from clinic.common.views import ApiView
from clinic.scheduling.queries.clinics import own_clinic_of
from clinic.scheduling.working_hours import days_later

FROM = OpenApiParameter("from", OpenApiTypes.DATE, description="first day; default today")
DEFAULT_RANGE_DAYS = 7
SCOPE = "Owner and staff: everybody of the clinic. A practitioner: their own."


class CalendarDayView(ApiView):
    permission_classes = (WorksAtClinic,)

    @answers(NotFound)
    @extend_schema(
        parameters=[CalendarDayInput],
        responses=CalendarOutput,
        summary="A day of the calendar: visits, hours, breaks, closures, holds and offers",
        description=SCOPE,
    )
    def get(self, request: Request) -> Response:
        user = _at_clinic(request)
        given = read(CalendarDayInput, request.query_params)
        day = given.get("date") or _today(user)
        return _calendar(user, CalendarFilter(day, day, given.get("practitioner")))


class CalendarView(ApiView):
    permission_classes = (WorksAtClinic,)

    @answers(NotFound)
    @extend_schema(
        parameters=[CalendarRangeInput, FROM],
        responses=CalendarOutput,
        summary="Some days of the calendar, as `calendar/day` shows one",
        description=SCOPE,
    )
    def get(self, request: Request) -> Response:
        user = _at_clinic(request)
        given = read(CalendarRangeInput, request.query_params)
        first, last = given.get("from"), given.get("to")
        first = first or (_today(user) if last is None else days_later(last, 1 - DEFAULT_RANGE_DAYS))
        last = last or days_later(first, DEFAULT_RANGE_DAYS - 1)
        return _calendar(user, CalendarFilter(first, last, given.get("practitioner")))


class CalendarMonthView(ApiView):
    permission_classes = (WorksAtClinic,)

    @answers(NotFound)
    @extend_schema(
        parameters=[CalendarMonthInput],
        responses=CalendarMonthOutput,
        summary="A month by day: counts, utilisation, full and closed days",
        description=SCOPE,
    )
    def get(self, request: Request) -> Response:
        user = _at_clinic(request)
        given = read(CalendarMonthInput, request.query_params)
        first = given.get("month") or _today(user).replace(day=1)
        now = clock.now()
        days = month_for(user, month_of(first, given.get("practitioner")), now=now)
        timezone = own_clinic_of(user).timezone
        return Response(
            {
                "month": first.isoformat()[:7],
                "timezone": timezone,
                "as_of": say_instant(now, zone_of(timezone)),
                "days": [present_month_day(day) for day in days],
            }
        )


def _calendar(user: User, wanted: CalendarFilter) -> Response:
    page = calendar_for(user, wanted, now=clock.now())
    return Response(CalendarOutput(page, context={"user_id": user.pk}).data)


def _at_clinic(request: Request) -> User:
    """Raises NotFound for a superuser of no clinic."""
    user = signed_in_user(request)
    own_clinic_of(user)
    return user


def _today(user: User) -> date:
    return local_date_of(clock.now(), zone_of(own_clinic_of(user).timezone))
