"""Looking up: by phone, at a glance, in numbers, as a file."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.models import Role, User
from clinic.accounts.permissions import AtDesk, WorksAtClinic
from clinic.accounts.phones import normalise_phone
from clinic.accounts.requests import signed_in_user, viewer_of
from clinic.appointments import queries
from clinic.appointments.export import csv_pieces, in_chunks
from clinic.appointments.lists import AppointmentList
from clinic.appointments.matches import find_matches, match_of
from clinic.appointments.models import Appointment
from clinic.appointments.pages import PagesOfFew
from clinic.appointments.serializers.appointments import (
    INTERNAL_FIELDS,
    AppointmentFilterInput,
    AppointmentOutput,
    present_appointment,
)
from clinic.appointments.serializers.lookups import (
    ByPhoneInput,
    PatientMatchesInput,
    PatientMatchOutput,
    StatisticsInput,
    StatisticsOutput,
    SummaryOutput,
    present_counts,
)
from clinic.appointments.statistics import get_practitioner_with_statistics_for, statistics_for, total_of
from clinic.appointments.views.requests import output_context
from clinic.common import clock
from clinic.common.errors import PhoneNotProven, Throttled
from clinic.common.inputs import read
from clinic.common.instants import local_date_of, zone_of
from clinic.common.limits import limit_address
from clinic.common.openapi import answers
from clinic.common.views import ApiListView, ApiView
from clinic.people.services.phone_codes import CODE_TRIES, check_phone_code
from clinic.scheduling.models import Practitioner
from clinic.scheduling.queries.clinics import get_clinic_for

FROM = OpenApiParameter("from", OpenApiTypes.DATE, description="first date")
PHONE_CODE = OpenApiParameter("X-Phone-Code", str, OpenApiParameter.HEADER, description="instead of `code`")
MONTHS_EXAMPLE = OpenApiExample(
    "By month",
    value={
        "practitioner": 3,
        "practitioner_name": "Dr Petra",
        "group_by": "month",
        "total": 4,
        "counts": {"pending": 1, "confirmed": 0, "checked_in": 0, "completed": 2, "no_show": 1},
        "shares": {"pending": 0.25, "confirmed": 0.0, "checked_in": 0.0, "completed": 0.5, "no_show": 0.25},
        "no_show_rate": 0.3333,
        "periods": [
            {
                "period": "2026-11",
                "total": 4,
                "counts": {"pending": 1, "confirmed": 0, "checked_in": 0, "completed": 2, "no_show": 1},
                "shares": {"pending": 0.25, "confirmed": 0.0, "checked_in": 0.0, "completed": 0.5, "no_show": 0.25},
                "no_show_rate": 0.3333,
            }
        ],
    },
    response_only=True,
)


class ByPhoneView(ApiListView[Appointment]):
    """The clinic's people: the appointments they may see. Anyone else names the code that was sent to the phone."""

    permission_classes = (AllowAny,)
    serializer_class = AppointmentOutput
    order = ("-starts_at", "-id")
    pagination_class = PagesOfFew

    @answers(PhoneNotProven, Throttled)
    @extend_schema(
        parameters=[ByPhoneInput, PHONE_CODE],
        responses=AppointmentOutput(many=True),
        summary="Appointments of a phone number, active and past",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Appointment]:
        given = read(ByPhoneInput, self.request.query_params)
        viewer = viewer_of(self.request)
        if viewer is not None and viewer.role != Role.PATIENT:
            region = viewer.clinic.phone_region if viewer.clinic is not None else None
            return queries.appointments_by_phone(viewer, normalise_phone(given["phone"], region=region))
        limit_address(CODE_TRIES, self.request)
        clinic = get_clinic_for(viewer, name=given.get("clinic"))
        phone = normalise_phone(given["phone"], region=clinic.phone_region)
        code = self.request.headers.get("X-Phone-Code") or given.get("code", "")
        check_phone_code(clinic=clinic, phone=phone, code=code, now=clock.now())
        return queries.appointments_of_proven_phone(clinic, phone)

    def get_serializer_context(self) -> dict[str, Any]:
        viewer = viewer_of(self.request)
        return {**super().get_serializer_context(), **output_context(viewer)}


class SummaryView(ApiView):
    @extend_schema(responses=SummaryOutput, summary="Pending requests, today's list, the next appointment: mine to see")
    def get(self, request: Request) -> Response:
        user = signed_in_user(request)
        summary = queries.summary_for(user, now=clock.now())
        return Response(SummaryOutput(summary, context=output_context(user)).data)


class StatisticsView(ApiView):
    permission_classes = (WorksAtClinic,)

    @extend_schema(
        parameters=[StatisticsInput, FROM],
        responses=StatisticsOutput,
        examples=[MONTHS_EXAMPLE],
        summary="Counts by status, of the clinic; a practitioner's own",
    )
    def get(self, request: Request) -> Response:
        return _statistics(request, None)


class PractitionerStatisticsView(ApiView):
    permission_classes = (WorksAtClinic,)

    @extend_schema(
        parameters=[StatisticsInput, FROM],
        responses=StatisticsOutput,
        examples=[MONTHS_EXAMPLE],
        summary="Counts by status, of one practitioner",
    )
    def get(self, request: Request, practitioner_id: int) -> Response:
        return _statistics(request, get_practitioner_with_statistics_for(signed_in_user(request), practitioner_id))


def _statistics(request: Request, practitioner: Practitioner | None) -> Response:
    wanted = read(StatisticsInput, request.query_params)["wanted"]
    practitioner_id = practitioner.pk if practitioner is not None else None
    user = signed_in_user(request)
    today = local_date_of(clock.now(), zone_of(user.clinic.timezone if user.clinic is not None else "UTC"))
    periods = statistics_for(user, wanted, today=today, practitioner_id=practitioner_id)
    letters = len("2026-11" if wanted.group_by == "month" else "2026-11-20")
    return Response(
        {
            "practitioner": practitioner_id,
            "practitioner_name": practitioner.name if practitioner is not None else None,
            "group_by": wanted.group_by,
            **present_counts(total_of(periods)),
            "periods": [
                {"period": period.starts_on.isoformat()[:letters], **present_counts(period.counts)}
                for period in periods
            ],
        }
    )


class ExportView(ApiView):
    @extend_schema(
        parameters=[AppointmentFilterInput, FROM],
        responses={(200, "text/csv"): OpenApiTypes.STR},
        summary="Appointments I may see, as CSV for a spreadsheet",
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        user = signed_in_user(request)
        wanted = read(AppointmentFilterInput, request.query_params)["wanted"]
        rows = _rows(queries.list_appointments(user, wanted))
        return StreamingHttpResponse(
            csv_pieces(rows, _columns(user)),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="appointments.csv"', "Cache-Control": "no-store"},
        )

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # Serves text/csv when asked for it; a refusal is JSON nevertheless.
        return super().perform_content_negotiation(request, force=True)


def _rows(appointments: AppointmentList) -> Iterator[dict[str, Any]]:
    return map(present_appointment, in_chunks(appointments))


def _columns(user: User) -> list[str]:
    """The fields of an appointment without those repeated for older front ends, without alerts and references: a file
    goes far."""
    hidden = {
        "dentist",
        "dentist_name",
        "patient_alert",
        "reference",
        *(INTERNAL_FIELDS if user.role == Role.PATIENT else ()),
    }
    return [str(name) for name in AppointmentOutput().fields if name not in hidden]


class PatientMatchesView(ApiView):
    permission_classes = (AtDesk,)

    @extend_schema(
        parameters=[PatientMatchesInput],
        responses=PatientMatchOutput(many=True),
        summary="Patients to book for, with their next visit, missed visits and alert",
    )
    def get(self, request: Request) -> Response:
        """As somebody types a name or a phone: eight at most, those whose name begins with the text first."""
        user, given = signed_in_user(request), read(PatientMatchesInput, request.query_params)
        if "patient" in given:
            found = match_of(user, given["patient"], now=clock.now())
        else:
            found = find_matches(user, given["search"], now=clock.now())
        return Response(PatientMatchOutput(found, many=True).data)  # type: ignore[arg-type]
