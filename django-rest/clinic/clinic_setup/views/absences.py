from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.models import User
from clinic.accounts.permissions import WorksAtClinic
from clinic.accounts.requests import signed_in_user
from clinic.appointments.services.briefs import brief_of
from clinic.clinic_setup.serializers.absences import (
    AbsenceFilterInput,
    AbsenceInput,
    AbsenceOutput,
    ApproveInput,
    DeclineInput,
)
from clinic.clinic_setup.services.absences import (
    approve_absence,
    conflicts_of,
    decline_absence,
    request_absence,
    withdraw_absence,
)
from clinic.common import clock
from clinic.common.errors import TransitionNotAllowed, WouldStrand
from clinic.common.idempotency import answer_once
from clinic.common.inputs import read, validated
from clinic.common.openapi import IDEMPOTENCY_KEY, IF_MATCH, answers
from clinic.common.versions import current_on_conflict, etag, expected_version
from clinic.common.views import ApiListView, ApiView
from clinic.scheduling.models import Absence
from clinic.scheduling.queries.schedules import get_absence_for, list_absences


class AbsenceListView(ApiListView[Absence]):
    permission_classes = (WorksAtClinic,)
    serializer_class = AbsenceOutput
    order = ("start_date", "id")

    @extend_schema(
        parameters=[AbsenceFilterInput], summary="Requests for time off (owner, staff; a practitioner: their own)"
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Each with the appointments it would leave outside of the hours."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(_shown_all(page or []))

    def get_queryset(self) -> QuerySet[Absence]:
        return list_absences(signed_in_user(self.request), **read(AbsenceFilterInput, self.request.query_params))

    @extend_schema(
        request=AbsenceInput,
        responses={201: AbsenceOutput},
        parameters=[IDEMPOTENCY_KEY],
        summary="Ask for time off (a practitioner)",
        examples=[
            OpenApiExample(
                "Three days",
                {"start_date": "2026-12-24", "end_date": "2026-12-26", "reason": "Family"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Owner and staff are told in the app."""
        user = signed_in_user(request)

        def create() -> Response:
            fields = validated(AbsenceInput(data=request.data))
            return _show(request_absence(user=user, fields=fields, now=clock.now()), status=201)

        return answer_once(request, owner=f"user:{user.pk}", create=create)


class AbsenceView(ApiView):
    permission_classes = (WorksAtClinic,)

    @extend_schema(responses=AbsenceOutput, summary="One request for time off")
    def get(self, request: Request, absence_id: int) -> Response:
        return _show(get_absence_for(signed_in_user(request), absence_id))

    @answers(TransitionNotAllowed)
    @extend_schema(
        request=None,
        parameters=[IF_MATCH],
        responses={204: None},
        summary="Withdraw a request for time off before it is answered (the practitioner)",
    )
    def delete(self, request: Request, absence_id: int) -> Response:
        user = signed_in_user(request)
        with _current_on_conflict(user, absence_id):
            withdraw_absence(user=user, absence_id=absence_id, expected=expected_version(request, None))
        return Response(status=204)


class ApproveAbsenceView(ApiView):
    permission_classes = (WorksAtClinic,)

    @answers(TransitionNotAllowed, WouldStrand)
    @extend_schema(
        request=ApproveInput,
        responses=AbsenceOutput,
        parameters=[IF_MATCH],
        summary="Approve time off (owner, staff)",
    )
    def post(self, request: Request, absence_id: int) -> Response:
        """It becomes a schedule exception. What is booked and would no longer lie within the hours is listed in a 409
        `would_strand`; `force: true` approves anyway and leaves those appointments as they are."""
        user, given = signed_in_user(request), validated(ApproveInput(data=request.data))
        with _current_on_conflict(user, absence_id):
            absence, _ = approve_absence(
                user=user,
                absence_id=absence_id,
                now=clock.now(),
                force=given.get("force", False),
                expected=expected_version(request, given.get("version")),
            )
        return _show(absence)


class DeclineAbsenceView(ApiView):
    permission_classes = (WorksAtClinic,)

    @answers(TransitionNotAllowed)
    @extend_schema(
        request=DeclineInput, responses=AbsenceOutput, parameters=[IF_MATCH], summary="Decline time off (owner, staff)"
    )
    def post(self, request: Request, absence_id: int) -> Response:
        """The practitioner is told in the app."""
        user, given = signed_in_user(request), validated(DeclineInput(data=request.data))
        with _current_on_conflict(user, absence_id):
            absence = decline_absence(
                user=user,
                absence_id=absence_id,
                answer=given.get("answer", ""),
                now=clock.now(),
                expected=expected_version(request, given.get("version")),
            )
        return _show(absence)


def _current_on_conflict(user: User, absence_id: int) -> AbstractContextManager[None]:
    return current_on_conflict(lambda: _shown_all([get_absence_for(user, absence_id)])[0])


def _shown_all(absences: Sequence[Absence]) -> list[dict[str, Any]]:
    found = conflicts_of(absences, now=clock.now())
    briefs = {pk: [brief_of(one, one.clinic) for one in of_one] for pk, of_one in found.items()}
    return [dict(AbsenceOutput(absence, context={"conflicts": briefs}).data) for absence in absences]


def _show(absence: Absence, *, status: int = 200) -> Response:
    return Response(_shown_all([absence])[0], status=status, headers=etag(absence.version))
