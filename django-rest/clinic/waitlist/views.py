from contextlib import AbstractContextManager
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.contacts import ContactNotVerified
from clinic.accounts.models import User
from clinic.accounts.permissions import WorksAtClinic
from clinic.accounts.requests import signed_in_user, viewer_of
from clinic.appointments.views.appointments import BOOKING_RULES
from clinic.appointments.views.requests import actor_of
from clinic.appointments.views.visit_links import VISIT_LINKS
from clinic.common import clock
from clinic.common.errors import (
    OfferOver,
    OwnAppointment,
    SlotTaken,
    TooManyEntries,
    TooSoonToOffer,
    TransitionNotAllowed,
)
from clinic.common.idempotency import answer_once
from clinic.common.indexed_lists import IndexedPages
from clinic.common.inputs import read, validated
from clinic.common.instants import zone_of
from clinic.common.limits import ByAddress
from clinic.common.openapi import IDEMPOTENCY_KEY, IF_MATCH, answers
from clinic.common.versions import current_on_conflict, etag, expected_version
from clinic.common.views import ApiListView, ApiView
from clinic.scheduling.queries.clinics import get_clinic_for
from clinic.waitlist import queries
from clinic.waitlist.models import WaitlistEntry
from clinic.waitlist.serializers import (
    EntryEditInput,
    EntryFilterInput,
    EntryInput,
    EntryOutput,
    OfferInput,
    OfferOutput,
    WaitlistOutput,
)
from clinic.waitlist.services.answers import accept_offer, decline_offer, take_back_offer_by_hand
from clinic.waitlist.services.entries import Wishes, edit_entry, join_waitlist, leave_waitlist
from clinic.waitlist.services.offering import offer_by_hand

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
    pagination_class = IndexedPages
    order = ("-priority", "created_at", "id")

    @extend_schema(parameters=[EntryFilterInput], summary="Who waits, in the order in which they are asked")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The clinic's; a practitioner's own; a patient's own. Each with the offer that is open for it."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        wanted = read(EntryFilterInput, self.request.query_params)["wanted"]
        return queries.listed_entries(signed_in_user(self.request), wanted)

    @extend_schema(
        request=EntryInput,
        responses={201: EntryOutput},
        parameters=[IDEMPOTENCY_KEY],
        examples=[REQUEST_EXAMPLE],
        summary="Wait for a time",
    )
    @answers(TooManyEntries, ContactNotVerified)
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
                expected=expected_version(request, given["version"]),
            )
        return _show(user, entry_id)

    @extend_schema(responses={204: None}, parameters=[IF_MATCH], summary="Wait no longer")
    @answers(TransitionNotAllowed, OfferOver)
    def delete(self, request: Request, entry_id: int) -> Response:
        """Withdraw the entry; a time it was offered goes to the next."""
        user = signed_in_user(request)
        with _current_entry_on_conflict(user, entry_id):
            leave_waitlist(
                actor=actor_of(request), entry_id=entry_id, now=clock.now(), expected=expected_version(request, None)
            )
        return Response(status=204)


class WaitlistOverviewView(ApiView):
    permission_classes = (WorksAtClinic,)

    @extend_schema(responses=WaitlistOutput, summary="The waitlist, with the free times that suit each entry")
    def get(self, request: Request) -> Response:
        """All that a page shows: the clinic's, or a practitioner's own."""
        user = signed_in_user(request)
        clinic = get_clinic_for(user)
        shown = queries.waitlist_of(user, clinic, now=clock.now())
        context = {"matches": shown.matches, "zone": zone_of(clinic.timezone)}
        return Response(WaitlistOutput(shown, context=context).data)


class OfferByHandView(ApiView):
    permission_classes = (WorksAtClinic,)

    @extend_schema(
        request=OfferInput,
        responses={201: EntryOutput},
        parameters=[IDEMPOTENCY_KEY],
        examples=[
            OpenApiExample("a free time", {"practitioner": 1, "start": "2026-12-01T09:30:00+01:00"}, request_only=True)
        ],
        summary="Offer a free time to an entry (the clinic)",
    )
    @answers(TransitionNotAllowed, SlotTaken, OwnAppointment, TooSoonToOffer, *BOOKING_RULES)
    def post(self, request: Request, entry_id: int) -> Response:
        """It is kept for them until they answer, for as long as the clinic's offers are. They are told at the end of
        the undo window. An entry with `auto_accept` is booked at once."""
        user = signed_in_user(request)

        def create() -> Response:
            given = validated(OfferInput(data=request.data))
            offer_by_hand(
                actor=actor_of(request),
                entry_id=entry_id,
                practitioner_id=given["practitioner"],
                start=given["start"],
                now=clock.now(),
            )
            return _show(user, entry_id, status=201)

        return answer_once(request, owner=f"user:{user.pk}", create=create)

    @extend_schema(responses=EntryOutput, summary="Take back the open offer of an entry (the clinic)")
    @answers(OfferOver)
    def delete(self, request: Request, entry_id: int) -> Response:
        """The entry waits on, and the time is free. If it has not gone out yet, the patient is told nothing."""
        user = signed_in_user(request)
        take_back_offer_by_hand(user=user, entry_id=entry_id, now=clock.now())
        return _show(user, entry_id)


class ByTokenView(ApiView):
    """The token is the authority. Tries are counted with those of other links, whether or not one exists."""

    permission_classes = (AllowAny,)
    throttle_classes = (ByAddress,)
    address_limit = VISIT_LINKS


class OfferView(ByTokenView):
    @extend_schema(responses=OfferOutput, summary="What is offered")
    def get(self, request: Request, token: str) -> Response:
        """The token is the authority: no sign-in is asked for."""
        return Response(OfferOutput(queries.get_offer(token)).data)


class AcceptOfferView(ByTokenView):
    @extend_schema(request=None, responses=OfferOutput, summary="Take the offered time")
    @answers(OfferOver, OwnAppointment, SlotTaken)
    def post(self, request: Request, token: str) -> Response:
        """Books it, confirmed. Again, it answers the same."""
        accept_offer(token=token, viewer=viewer_of(request), now=clock.now())
        return Response(OfferOutput(queries.get_offer(token)).data)


class DeclineOfferView(ByTokenView):
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
