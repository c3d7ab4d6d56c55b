from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.permissions import AtDesk
from clinic.accounts.requests import signed_in_user
from clinic.appointments.export import csv_pieces
from clinic.appointments.reports import report_for
from clinic.appointments.serializers.reports import ReportInput, ReportOutput, csv_rows, present_report
from clinic.common import clock
from clinic.common.errors import NotFound
from clinic.common.inputs import read
from clinic.common.openapi import answers
from clinic.common.views import ApiView
from clinic.scheduling.queries.clinics import own_clinic_of

FROM = OpenApiParameter(
    "from", OpenApiTypes.DATE, description="first day; the first of the month if it is not given; 366 days at most"
)
CSV_EXAMPLE = """week,practitioner,practitioner_name,visits,booked_minutes,available_minutes,utilisation,…
2026-11-16,3,Dr Amara Osei,41,1640,2400,0.6833,…
"""


class ReportView(ApiView):
    permission_classes = (IsAuthenticated, AtDesk)

    @extend_schema(
        parameters=[ReportInput, FROM],
        responses=ReportOutput,
        summary="Figures of some days, compared with the period before (owner, staff)",
    )
    @answers(NotFound)
    def get(self, request: Request) -> Response:
        """Every visit counts under the clinic's date of its start. Requests count under the day on which they came."""
        user, wanted = signed_in_user(request), read(ReportInput, request.query_params)["wanted"]
        report = report_for(user, wanted, now=clock.now())
        return Response(present_report(report, own_clinic_of(user), wanted))


class ReportExportView(ApiView):
    permission_classes = (IsAuthenticated, AtDesk)

    @extend_schema(
        parameters=[ReportInput, FROM],
        responses={(200, "text/csv"): OpenApiTypes.STR},
        examples=[OpenApiExample("A week", CSV_EXAMPLE, response_only=True, media_type="text/csv")],
        summary="The same figures by week and practitioner, as CSV for a spreadsheet",
    )
    @answers(NotFound)
    def get(self, request: Request) -> StreamingHttpResponse:
        user, wanted = signed_in_user(request), read(ReportInput, request.query_params)["wanted"]
        report = report_for(user, wanted, now=clock.now())
        columns, rows = csv_rows(report)
        days = report.current.days
        name = f"report-{days.first.isoformat()}-{days.last.isoformat()}.csv"
        return StreamingHttpResponse(
            csv_pieces(iter(rows), columns),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # Serves text/csv when asked for it; a refusal is JSON nevertheless.
        return super().perform_content_negotiation(request, force=True)
