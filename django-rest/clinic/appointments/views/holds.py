"""Slots that are kept for a few minutes while somebody fills in the form."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.models import Role, User
from clinic.accounts.requests import signed_in_user, viewer_of
from clinic.appointments.actor import UserActor, VisitorActor
from clinic.appointments.serializers.holds import HoldInput, HoldNamedInput, HoldOutput, HoldReleaseInput
from clinic.appointments.services.holds import HoldRequest, hold_slot, release_hold, renew_hold
from clinic.appointments.views.appointments import BOOKING_RULES
from clinic.common import clock
from clinic.common.addresses import client_address, hash_of_address
from clinic.common.errors import AlreadyRenewed, HoldExpired, PermissionDenied, SlotTaken, Throttled, TooManyHolds
from clinic.common.idempotency import answer_once
from clinic.common.inputs import validated
from clinic.common.limits import Limit, limit_address
from clinic.common.openapi import IDEMPOTENCY_KEY, answers
from clinic.common.views import ApiListView, ApiView
from clinic.scheduling.models import Clinic, Hold
from clinic.scheduling.queries.clinics import get_clinic_for
from clinic.scheduling.queries.holds import live_holds_of
from clinic.scheduling.queries.practitioners import get_practitioner_for

# More than anybody chooses, and few enough that no address keeps a clinic's pages busy with what it holds and lets go.
HOLDS = Limit("hold", most=300, within=timedelta(minutes=10))
HOLD_TOKEN = OpenApiParameter("X-Hold-Token", str, OpenApiParameter.HEADER, description="instead of `token`")
HOLD_EXAMPLES = [
    OpenApiExample("A slot", value={"practitioner": 3, "start": "2026-11-20T09:30:00+01:00"}, request_only=True),
    OpenApiExample(
        "With anybody who is free",
        value={"clinic": "riverside", "service": 5, "start": "2026-11-20T09:30:00+01:00"},
        request_only=True,
    ),
    OpenApiExample(
        "Kept",
        value={
            "id": 71,
            "token": "fZ0w5Yk1cR3b0o8dQpXUu7mJr2sT9vKxN4hLgEaPi6M",
            "practitioner": 3,
            "service": None,
            "start": "2026-11-20T09:30:00+01:00",
            "end": "2026-11-20T10:00:00+01:00",
            "expires_at": "2026-11-19T17:05:12.345+01:00",
            "renewable": True,
        },
        response_only=True,
    ),
]


class HoldListView(ApiListView[Hold]):
    """Anyone may hold a slot; somebody who is not signed in names the clinic, or the practitioner or service."""

    serializer_class = HoldOutput
    order = ("expires_at", "id")

    def get_permissions(self) -> list[BasePermission]:
        return [AllowAny() if self.request.method == "POST" else IsAuthenticated()]

    def get_queryset(self) -> QuerySet[Hold]:
        return live_holds_of(signed_in_user(self.request), now=clock.now())

    @extend_schema(summary="One's own times that are kept at this moment")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """With their tokens: a page that was closed goes on where it was."""
        return super().get(request, *args, **kwargs)

    @answers(SlotTaken, TooManyHolds, Throttled, PermissionDenied, *BOOKING_RULES)
    @extend_schema(
        request=HoldInput,
        responses={201: HoldOutput},
        parameters=[IDEMPOTENCY_KEY],
        examples=HOLD_EXAMPLES,
        summary="Keep a slot for a few minutes",
    )
    def post(self, request: Request) -> Response:
        viewer, address = viewer_of(request), client_address(request)
        if viewer is None or viewer.role == Role.PATIENT:
            limit_address(HOLDS, request)

        def create() -> Response:
            clinic = _clinic_meant(viewer, **validated(HoldNamedInput(data=request.data)))
            wanted = HoldRequest(**validated(HoldInput(data=request.data, context={"clinic": clinic})))
            actor = VisitorActor() if viewer is None else UserActor(viewer)
            hold = hold_slot(actor=actor, clinic=clinic, wanted=wanted, address=address, now=clock.now())
            return Response(HoldOutput(hold).data, status=201)

        owner = f"address:{hash_of_address(address)[:32]}" if viewer is None else f"user:{viewer.pk}"
        return answer_once(request, owner=owner, create=create)


def _clinic_meant(
    viewer: User | None, *, practitioner_id: int | None, name: str | None, service_id: int | None
) -> Clinic:
    if practitioner_id is not None:
        return get_practitioner_for(viewer, practitioner_id).clinic
    return get_clinic_for(viewer, name=name, service_id=service_id)


class RenewHoldView(ApiView):
    """By the user who made it, or by whoever has its token."""

    permission_classes = (AllowAny,)

    @answers(HoldExpired, AlreadyRenewed)
    @extend_schema(
        request=HoldReleaseInput,
        responses=HoldOutput,
        parameters=[HOLD_TOKEN],
        summary="Keep a held slot longer, once",
    )
    def post(self, request: Request, hold_id: int) -> Response:
        token = request.headers.get("X-Hold-Token") or validated(HoldReleaseInput(data=request.data)).get("token")
        hold = renew_hold(holder=viewer_of(request), hold_id=hold_id, token=token, now=clock.now())
        return Response(HoldOutput(hold).data)


class HoldView(ApiView):
    """By the user who made it, or by whoever has its token."""

    permission_classes = (AllowAny,)

    @extend_schema(
        request=HoldReleaseInput,
        responses={204: OpenApiResponse(description="The time is free again.")},
        parameters=[HOLD_TOKEN],
        summary="Let a held slot go",
    )
    def delete(self, request: Request, hold_id: int) -> Response:
        token = request.headers.get("X-Hold-Token") or validated(HoldReleaseInput(data=request.data)).get("token")
        release_hold(holder=viewer_of(request), hold_id=hold_id, token=token)
        return Response(status=204)
