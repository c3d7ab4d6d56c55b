from contextlib import AbstractContextManager
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.models import User
from clinic.accounts.requests import signed_in_user
from clinic.appointments.models import Series
from clinic.appointments.queries import appointments_of_series, get_series_for
from clinic.appointments.serializers.series import (
    SeriesBookedOutput,
    SeriesCancelInput,
    SeriesEditInput,
    SeriesInput,
    SeriesOutput,
    SeriesScopeInput,
)
from clinic.appointments.services.series import OnConflict, SeriesBooking, book_series, plan_series
from clinic.appointments.services.series_changes import Scope, Selection, SeriesEdit, cancel_series, edit_series
from clinic.appointments.services.series_dates import tell
from clinic.appointments.views.requests import actor_of, output_context
from clinic.common import clock
from clinic.common.idempotency import answer_once
from clinic.common.inputs import read, validated
from clinic.common.openapi import IDEMPOTENCY_KEY, IF_MATCH
from clinic.common.versions import current_on_conflict, etag, expected_version
from clinic.common.views import ApiView
from clinic.scheduling.queries.clinics import get_clinic_for

SCOPE_PARAMETERS: list[OpenApiParameter | type[SeriesScopeInput]] = [
    SeriesScopeInput,
    OpenApiParameter("from", OpenApiTypes.DATE, description="a date of the clinic's, instead of an appointment"),
]
CONFLICT = OpenApiResponse(
    {"$ref": "#/components/schemas/Error"},
    description="`series_conflict`: nothing was written, `conflicts` lists the dates. "
    "`transition_not_allowed`: nothing of it is ahead. `stale_version`: `current` is the series as it is.",
    examples=[
        OpenApiExample(
            "series_conflict",
            {
                "type": "client_error",
                "errors": [
                    {
                        "code": "series_conflict",
                        "detail": "Some dates of this series cannot be booked.",
                        "attr": None,
                    }
                ],
                "conflicts": [
                    {
                        "date": "2026-12-07",
                        "time": "09:00",
                        "start": "2026-12-07T09:00:00+01:00",
                        "appointment": None,
                        "outcome": "refused",
                        "code": "slot_taken",
                        "reason": "This time is already taken.",
                    }
                ],
            },
        )
    ],
)
REQUEST_EXAMPLE = OpenApiExample(
    "every second Monday and Wednesday, ten times",
    {
        "patient": 12,
        "practitioner": 3,
        "service": 5,
        "date": "2026-11-30",
        "time": "09:00",
        "rule": {"frequency": "biweekly", "count": 10, "weekdays": [0, 2]},
        "on_conflict": "skip",
    },
    request_only=True,
)
DRY_RUN_EXAMPLE = OpenApiExample(
    "a dry run",
    {
        "series": None,
        "dates": [
            {
                "date": "2026-11-30",
                "time": "09:00",
                "start": "2026-11-30T09:00:00+01:00",
                "appointment": None,
                "outcome": "free",
                "code": None,
                "reason": None,
            }
        ],
    },
    response_only=True,
    status_codes=["200"],
)


class SeriesListView(ApiView):
    @extend_schema(
        request=SeriesInput,
        responses={200: OpenApiResponse(SeriesBookedOutput, "dry run"), 201: SeriesBookedOutput, 409: CONFLICT},
        parameters=[IDEMPOTENCY_KEY],
        examples=[REQUEST_EXAMPLE, DRY_RUN_EXAMPLE],
        summary="Book by a rule",
    )
    def post(self, request: Request) -> Response:
        """Every date is checked, under one lock, and booked in one transaction. With `on_conflict: fail` one date
        that cannot be had refuses all; with `skip` the others are booked and the answer tells what was left out."""
        user = signed_in_user(request)
        clinic = get_clinic_for(user)
        given = validated(SeriesInput(data=request.data, context={"clinic": clinic}))
        booking = SeriesBooking(**given["booking"])
        if given["dry_run"]:
            planned = plan_series(actor=actor_of(request), clinic=clinic, booking=booking, now=clock.now())
            return Response({"series": None, "dates": [tell(plan, clinic, booking.start_local) for plan in planned]})

        def create() -> Response:
            series, planned = book_series(
                actor=actor_of(request),
                clinic=clinic,
                booking=booking,
                on_conflict=OnConflict(given["on_conflict"]),
                now=clock.now(),
            )
            dates = [tell(plan, clinic, booking.start_local) for plan in planned]
            return Response({"series": _shown(series, user), "dates": dates}, status=201)

        return answer_once(request, owner=f"user:{user.pk}", create=create)


class SeriesView(ApiView):
    @extend_schema(responses=SeriesOutput, summary="One series with its appointments")
    def get(self, request: Request, series_id: int) -> Response:
        user = signed_in_user(request)
        return _show(get_series_for(user, series_id), user)

    @extend_schema(
        request=SeriesEditInput,
        responses={200: SeriesOutput, 409: CONFLICT},
        parameters=[*SCOPE_PARAMETERS, IF_MATCH],
        examples=[OpenApiExample("an hour later", {"time": "10:00", "version": 1}, request_only=True)],
        summary="Change what is still ahead",
    )
    def patch(self, request: Request, series_id: int) -> Response:
        """All of the selected appointments or none. What is past never changes."""
        user = signed_in_user(request)
        series = get_series_for(user, series_id)
        selection = _selection_of(request)
        given = validated(SeriesEditInput(data=request.data))
        with _current_series_on_conflict(user, series_id):
            series = edit_series(
                actor=actor_of(request),
                series_id=series_id,
                selection=selection,
                edit=SeriesEdit(**given["edit"]),
                now=clock.now(),
                expected=expected_version(request, given["version"]),
            )
        return _show(series, user)

    @extend_schema(
        request=None,
        responses={200: SeriesOutput, 409: CONFLICT},
        parameters=[*SCOPE_PARAMETERS, SeriesCancelInput, IF_MATCH],
        summary="Cancel what is still ahead",
    )
    def delete(self, request: Request, series_id: int) -> Response:
        """Each is cancelled as one would be by itself, with its line of history. The series stays."""
        user = signed_in_user(request)
        series = get_series_for(user, series_id)
        selection, reason = _selection_of(request), read(SeriesCancelInput, request.query_params).get("reason", "")
        with _current_series_on_conflict(user, series_id):
            series = cancel_series(
                actor=actor_of(request),
                series_id=series_id,
                selection=selection,
                now=clock.now(),
                reason=reason,
                expected=expected_version(request, None),
            )
        return _show(series, user)


def _selection_of(request: Request) -> Selection:
    given = read(SeriesScopeInput, request.query_params)
    return Selection(scope=Scope(given.pop("scope")), **given)


def _shown(series: Series, user: User) -> Any:
    fresh = get_series_for(user, series.pk)
    context = {**output_context(user), "appointments": appointments_of_series(user, fresh)}
    return SeriesOutput(fresh, context=context).data


def _show(series: Series, user: User) -> Response:
    return Response(_shown(series, user), headers=etag(series.version))


def _current_series_on_conflict(user: User, series_id: int) -> AbstractContextManager[None]:
    return current_on_conflict(lambda: _shown(get_series_for(user, series_id), user))
