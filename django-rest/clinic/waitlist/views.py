from contextlib import AbstractContextManager
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.models import User
from clinic.accounts.requests import signed_in_user, viewer_of
from clinic.appointments.views.requests import actor_of, expected_version
from clinic.common import clock
from clinic.common.errors import (
    OfferOver,
    OwnAppointment,
    SlotTaken,
    TooManyEntries,
    TransitionNotAllowed,
)
from clinic.common.idempotency import answer_once
from clinic.common.inputs import read, validated
from clinic.common.openapi import IDEMPOTENCY_KEY, IF_MATCH, answers
from clinic.common.versions import current_on_conflict, etag
from clinic.common.views import ApiListView, ApiView
from clinic.scheduling.queries import get_clinic_for
from clinic.waitlist import queries
from clinic.waitlist.models import WaitlistEntry
from clinic.waitlist.serializers import EntryEditInput, EntryFilterInput, EntryInput, EntryOutput, OfferOutput
from clinic.waitlist.services.answers import accept_offer, decline_offer
from clinic.waitlist.services.entries import Wishes, edit_entry, join_waitlist, leave_waitlist

REQUEST_EXAMPLE = OpenApiExample(
    "any morning of a week",
    {
        "patient": 12,
        "service": 5,
        "first_date": "2026-11-30",
        "last_date": "2026-12-04",
        "part_of_day": "morning",
        "auto_accept": False,
    },
    request_only=True,
)


class WaitlistView(ApiListView[WaitlistEntry]):
    serializer_class = EntryOutput

    @extend_schema(parameters=[EntryFilterInput], summary="Who waits, in the order in which they are asked")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The clinic's; a practitioner's own; a patient's own. Each with the offer that is open for it."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[WaitlistEntry]:
        wanted = read(EntryFilterInput, self.request.query_params)["wanted"]
        return queries.list_entries(signed_in_user(self.request), wanted)

    @extend_schema(
        request=EntryInput,
        responses={201: EntryOutput},
        parameters=[IDEMPOTENCY_KEY],
        examples=[REQUEST_EXAMPLE],
        summary="Wait for a time",
    )
    @answers(TooManyEntries)
    def post(self, request: Request) -> Response:
        """When a time of these days becomes free, the first who can take it is offered it, or, with `auto_accept`,
        booked at once."""
        user = signed_in_user(request)

        def create() -> Response:
            given = validated(EntryInput(data=request.data))
            entry = join_waitlist(
                actor=actor_of(request),
                clinic=get_clinic_for(user),
                patient_id=given["patient_id"],
                wishes=Wishes(**given["wishes"]),
                now=clock.now(),
            )
            return _show(user, entry.pk, status=201)

        return answer_once(request, owner=f"user:{user.pk}", create=create)


class WaitlistEntryView(ApiView):
    @extend_schema(responses=EntryOutput, summary="One entry of the waitlist, with its open offer")
    def get(self, request: Request, entry_id: int) -> Response:
        return _show(signed_in_user(request), entry_id)

    @extend_schema(
        request=EntryEditInput,
        responses=EntryOutput,
        parameters=[IF_MATCH],
        examples=[OpenApiExample("also in the afternoon", {"part_of_day": "any", "version": 1}, request_only=True)],
        summary="Wait for something else",
    )
    @answers(TransitionNotAllowed)
    def patch(self, request: Request, entry_id: int) -> Response:
        """An offer that is open stays open."""
        user = signed_in_user(request)
        given = validated(EntryEditInput(data=request.data))
        with _current_entry_on_conflict(user, entry_id):
            edit_entry(
                actor=actor_of(request),
                entry_id=entry_id,
                changes=given["changes"],
                now=clock.now(),
                **expected_version(request, given["version"]),
            )
        return _show(user, entry_id)

    @extend_schema(responses={204: None}, parameters=[IF_MATCH], summary="Wait no longer")
    @answers(TransitionNotAllowed, OfferOver)
    def delete(self, request: Request, entry_id: int) -> Response:
        """What it was offered goes to the next. The entry stays, as withdrawn."""
        user = signed_in_user(request)
        with _current_entry_on_conflict(user, entry_id):
            leave_waitlist(
                actor=actor_of(request), entry_id=entry_id, now=clock.now(), **expected_version(request, None)
            )
        return Response(status=204)


class OfferView(ApiView):
    permission_classes = (AllowAny,)

    @extend_schema(responses=OfferOutput, summary="What is offered")
    def get(self, request: Request, token: str) -> Response:
        """The token is the authority: no sign-in is asked for."""
        return Response(OfferOutput(queries.get_offer(token)).data)


class AcceptOfferView(ApiView):
    permission_classes = (AllowAny,)

    @extend_schema(request=None, responses=OfferOutput, summary="Take the offered time")
    @answers(OfferOver, OwnAppointment, SlotTaken)
    def post(self, request: Request, token: str) -> Response:
        """Books it, confirmed. Again, it answers the same."""
        accept_offer(token=token, viewer=viewer_of(request), now=clock.now())
        return Response(OfferOutput(queries.get_offer(token)).data)


class DeclineOfferView(ApiView):
    permission_classes = (AllowAny,)

    @extend_schema(request=None, responses=OfferOutput, summary="Leave the offered time to the next")
    @answers(OfferOver)
    def post(self, request: Request, token: str) -> Response:
        """The entry waits on, for other times. Again, it answers the same."""
        decline_offer(token=token, now=clock.now())
        return Response(OfferOutput(queries.get_offer(token)).data)


def _show(user: User, entry_id: int, *, status: int = 200) -> Response:
    entry = queries.get_entry_for(user, entry_id)
    return Response(EntryOutput(entry).data, status=status, headers=etag(entry.version))


def _current_entry_on_conflict(user: User, entry_id: int) -> AbstractContextManager[None]:
    return current_on_conflict(lambda: EntryOutput(queries.get_entry_for(user, entry_id)).data)
