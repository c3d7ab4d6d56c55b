"""Slots that are kept for a few minutes while somebody fills in the form."""

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.requests import viewer_of
from clinic.appointments.actor import Actor
from clinic.appointments.serializers.holds import HoldInput, HoldNamedInput, HoldOutput, HoldReleaseInput
from clinic.appointments.services.holds import HoldRequest, hold_slot, release_hold
from clinic.appointments.views.appointments import BOOKING_RULES
from clinic.common import clock
from clinic.common.addresses import client_address, hash_of_address
from clinic.common.errors import PermissionDenied, SlotTaken, TooManyHolds
from clinic.common.idempotency import answer_once
from clinic.common.inputs import validated
from clinic.common.openapi import IDEMPOTENCY_KEY, answers
from clinic.common.views import ApiView
from clinic.scheduling.queries import get_practitioner_for

HOLD_TOKEN = OpenApiParameter("X-Hold-Token", str, OpenApiParameter.HEADER, description="instead of `token`")
HOLD_EXAMPLES = [
    OpenApiExample("A slot", value={"practitioner": 3, "start": "2026-11-20T09:30:00+01:00"}, request_only=True),
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
        },
        response_only=True,
    ),
]


class HoldListView(ApiView):
    """Anyone may hold a slot; somebody who is not signed in names the clinic by the practitioner."""

    permission_classes = (AllowAny,)

    @answers(SlotTaken, TooManyHolds, PermissionDenied, *BOOKING_RULES)
    @extend_schema(
        request=HoldInput,
        responses={201: HoldOutput},
        parameters=[IDEMPOTENCY_KEY],
        examples=HOLD_EXAMPLES,
        summary="Keep a slot for a few minutes",
    )
    def post(self, request: Request) -> Response:
        viewer, address = viewer_of(request), client_address(request)

        def create() -> Response:
            practitioner_id = validated(HoldNamedInput(data=request.data))["practitioner_id"]
            clinic = get_practitioner_for(viewer, practitioner_id).clinic
            wanted = HoldRequest(**validated(HoldInput(data=request.data, context={"clinic": clinic})))
            actor = Actor.by_guest() if viewer is None else Actor.by_user(viewer)
            hold = hold_slot(actor=actor, clinic=clinic, wanted=wanted, address=address, now=clock.now())
            return Response(HoldOutput(hold).data, status=201)

        owner = f"address:{hash_of_address(address)[:32]}" if viewer is None else f"user:{viewer.pk}"
        return answer_once(request, owner=owner, create=create)


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
