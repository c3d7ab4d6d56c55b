from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.models import Role, User
from clinic.accounts.permissions import WorksAtClinic, WorksAtClinicOrReadOnly
from clinic.accounts.requests import signed_in_user, viewer_of
from clinic.appointments.models import Appointment
from clinic.appointments.services.briefs import MAX_LISTED, brief_of
from clinic.clinic_setup.conflicts import PlannedChange, free_times_for, visits_stranded_by
from clinic.clinic_setup.serializers.schedules import (
    AvailabilityChangedOutput,
    AvailabilityInput,
    AvailabilityOutput,
    ConflictsInput,
    ConflictsOutput,
    ExceptionChangedOutput,
    ForceInput,
    RangeInput,
    ScheduleExceptionEditInput,
    ScheduleExceptionInput,
    ScheduleExceptionOutput,
)
from clinic.clinic_setup.services.schedules import (
    NewAvailability,
    create_exception,
    delete_exception,
    edit_exception,
    replace_availability,
)
from clinic.common import clock
from clinic.common.errors import NotFound, WouldStrand
from clinic.common.idempotency import answer_once
from clinic.common.inputs import read, validated
from clinic.common.instants import local_date_of, say_minute, zone_of
from clinic.common.openapi import IDEMPOTENCY_KEY, IF_MATCH, answers
from clinic.common.versions import current_on_conflict, etag, expected_tag, expected_version
from clinic.common.views import ApiListView, ApiView
from clinic.scheduling.models import Practitioner, ScheduleException
from clinic.scheduling.queries.clinics import own_clinic_of
from clinic.scheduling.queries.practitioners import get_practitioner
from clinic.scheduling.queries.schedules import availability_of, get_exception_for, get_schedule_for, list_exceptions
from clinic.scheduling.views import CLINIC_PARAMETER, clinic_of
from clinic.scheduling.working_hours import DayException

FOR_CLINIC = {"for_clinic": True}
FROM = OpenApiParameter("from", OpenApiTypes.DATE, description="first day")


class AvailabilityView(ApiView):
    permission_classes = (WorksAtClinicOrReadOnly,)

    @extend_schema(
        parameters=[CLINIC_PARAMETER],
        responses=AvailabilityOutput,
        summary="Weekly hours and exceptions of a practitioner",
    )
    def get(self, request: Request, practitioner_id: int) -> Response:
        practitioner = get_practitioner(clinic_of(request, practitioner_id=practitioner_id), practitioner_id)
        body = _availability(request, practitioner)
        return Response(body, headers=etag(body["version"]))

    @answers(WouldStrand)
    @extend_schema(
        request=AvailabilityInput,
        parameters=[IF_MATCH],
        responses=AvailabilityChangedOutput,
        summary="Replace the hours of a practitioner (owner, staff, themselves)",
        description="What is booked and would no longer lie within the hours is listed in a 409 `would_strand`; "
        "`force: true` changes the hours anyway and leaves those appointments as they are. What `GET` answers can be "
        "sent back as it is.",
        examples=[
            OpenApiExample(
                "Mondays with a lunch break, Tuesday evenings",
                {
                    "blocks": [
                        {"weekday": 0, "start": "08:00", "end": "12:00"},
                        {"weekday": 0, "start": "13:00", "end": "17:00"},
                        {"weekday": 1, "start": "18:00", "end": "00:00", "valid_from": "2027-01-01"},
                    ],
                    "exceptions": [{"start_date": "2026-12-24", "end_date": "2026-12-26", "closed": True}],
                },
                request_only=True,
            )
        ],
    )
    def put(self, request: Request, practitioner_id: int) -> Response:
        user = signed_in_user(request)
        given = validated(AvailabilityInput(data=request.data))
        practitioner = get_schedule_for(user, practitioner_id)
        with current_on_conflict(lambda: _availability(request, practitioner)):
            stranded = replace_availability(
                user=user,
                practitioner_id=practitioner_id,
                new=NewAvailability(given["blocks"], given.get("exceptions")),
                now=clock.now(),
                force=given.get("force", False),
                expected=expected_tag(request, given.get("version")),
            )
        body = {**_availability(request, practitioner), "stranded": _ids(stranded)}
        return Response(body, headers=etag(body["version"]))


def _availability(request: Request, practitioner: Practitioner) -> dict[str, Any]:
    viewer = viewer_of(request)
    today = local_date_of(clock.now(), zone_of(practitioner.clinic.timezone))
    availability = availability_of(practitioner, today=today)
    shown = {
        "practitioner": practitioner.pk,
        "timezone": practitioner.clinic.timezone,
        "version": availability.version,
        "blocks": availability.blocks,
        "exceptions": availability.exceptions,
        "clinic_exceptions": availability.clinic_exceptions,
    }
    for_clinic = viewer is not None and viewer.role != Role.PATIENT
    return AvailabilityOutput(shown, context={"for_clinic": for_clinic}).data


class ScheduleExceptionListView(ApiListView[ScheduleException]):
    permission_classes = (WorksAtClinic,)
    serializer_class = ScheduleExceptionOutput
    order = ("start_date", "id")

    @extend_schema(
        parameters=[RangeInput, FROM],
        summary="Days off and other hours (owner, staff; a practitioner: their own and the clinic's)",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[ScheduleException]:
        wanted = read(RangeInput, self.request.query_params)
        return list_exceptions(signed_in_user(self.request), **wanted)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), **FOR_CLINIC}

    @answers(WouldStrand)
    @extend_schema(
        request=ScheduleExceptionInput,
        responses={201: ExceptionChangedOutput},
        parameters=[IDEMPOTENCY_KEY],
        summary="A day off or other hours, of a practitioner or the whole clinic",
        examples=[
            OpenApiExample(
                "The clinic is closed",
                {"start_date": "2026-12-24", "end_date": "2026-12-26", "reason": "Christmas"},
                request_only=True,
            ),
            OpenApiExample(
                "Only the morning",
                {"practitioner": 1, "start_date": "2026-12-31", "start": "09:00", "end": "12:00"},
                request_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        user = signed_in_user(request)

        def create() -> Response:
            fields = validated(ScheduleExceptionInput(data=request.data))
            exception, stranded = create_exception(
                user=user,
                practitioner_id=fields.pop("practitioner", None),
                force=fields.pop("force", False),
                fields=fields,
                now=clock.now(),
            )
            return _show(exception, stranded, status=201)

        return answer_once(request, owner=f"user:{user.pk}", create=create)


class ConflictsView(ApiView):
    """Reads alone: the closure is not made."""

    permission_classes = (WorksAtClinic,)

    @answers(NotFound)
    @extend_schema(
        parameters=[ConflictsInput],
        responses=ConflictsOutput,
        summary="Visits in the way of a closure or of other hours, with free times to move them to",
    )
    def get(self, request: Request) -> Response:
        user, given, now = signed_in_user(request), read(ConflictsInput, request.query_params), clock.now()
        closure = DayException(practitioner_id=given.pop("practitioner", None), **given)
        visits = visits_stranded_by(user, closure, now=now)
        clinic, shown = own_clinic_of(user), visits[:MAX_LISTED]
        times = free_times_for(shown, clinic, PlannedChange(closures=[closure]), now=now)
        zone = zone_of(clinic.timezone)
        rows = [
            {
                **brief_of(visit, clinic),
                "version": visit.version,
                "free_times": [
                    {
                        "start": say_minute(one.slot.start, zone),
                        "end": say_minute(one.slot.end, zone),
                        "practitioner": one.practitioner.pk,
                        "practitioner_name": one.practitioner.name,
                    }
                    for one in times[visit.pk]
                ],
            }
            for visit in shown
        ]
        return Response({"count": len(visits), "appointments": rows})


class ScheduleExceptionView(ApiView):
    permission_classes = (WorksAtClinic,)

    @extend_schema(responses=ScheduleExceptionOutput, summary="One exception")
    def get(self, request: Request, exception_id: int) -> Response:
        exception = get_exception_for(signed_in_user(request), exception_id)
        return Response(_shown(exception), headers=etag(exception.version))

    @answers(WouldStrand)
    @extend_schema(
        request=ScheduleExceptionEditInput,
        parameters=[IF_MATCH],
        responses=ExceptionChangedOutput,
        summary="Change an exception",
    )
    def patch(self, request: Request, exception_id: int) -> Response:
        user = signed_in_user(request)
        row = get_exception_for(user, exception_id)
        fields = validated(ScheduleExceptionEditInput(data=request.data, context={"row": row}))
        # Fields not named stay as they are in `row`: a change of them meanwhile is not overwritten either.
        expected = expected_version(request, fields.pop("version", row.version))
        with _current_on_conflict(user, exception_id):
            exception, stranded = edit_exception(
                user=user,
                exception_id=exception_id,
                force=fields.pop("force", False),
                fields=fields,
                now=clock.now(),
                expected=expected,
            )
        return _show(exception, stranded)

    @answers(WouldStrand)
    @extend_schema(
        request=None, parameters=[ForceInput, IF_MATCH], responses={204: None}, summary="Take an exception away"
    )
    def delete(self, request: Request, exception_id: int) -> Response:
        user, given = signed_in_user(request), read(ForceInput, request.query_params)
        with _current_on_conflict(user, exception_id):
            delete_exception(
                user=user,
                exception_id=exception_id,
                now=clock.now(),
                force=given.get("force", False),
                expected=expected_version(request, None),
            )
        return Response(status=204)


def _current_on_conflict(user: User, exception_id: int) -> AbstractContextManager[None]:
    return current_on_conflict(lambda: _shown(get_exception_for(user, exception_id)))


def _shown(exception: ScheduleException) -> dict[str, Any]:
    return ScheduleExceptionOutput(exception, context=FOR_CLINIC).data


def _show(exception: ScheduleException, stranded: Sequence[Appointment], *, status: int = 200) -> Response:
    body = {**_shown(exception), "stranded": _ids(stranded)}
    return Response(body, status=status, headers=etag(exception.version))


def _ids(appointments: Sequence[Appointment]) -> list[int]:
    return [appointment.pk for appointment in appointments]
