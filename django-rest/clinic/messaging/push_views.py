"""Web push: browsers of an account, and of whoever has the reference of a visit."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.requests import device_of, sign_in_of, signed_in_user
from clinic.accounts.views import OpenView
from clinic.appointments.queries import get_guest_booking
from clinic.common import clock
from clinic.common.errors import NotFound
from clinic.common.inputs import validated
from clinic.common.limits import Limit
from clinic.common.openapi import answers
from clinic.common.views import ApiListView, ApiView
from clinic.outbox.models import PushSubscription
from clinic.outbox.push_subscriptions import (
    PushNotOffered,
    offered_key,
    subscribe,
    subscriptions_of,
    unsubscribe,
)

BASE64URL = r"^[A-Za-z0-9_-]+={0,2}$"
# One address may stand for a whole clinic.
SUBSCRIPTIONS = Limit("push-subscription", 60, timedelta(hours=1))


class PushKeysInput(serializers.Serializer[Any]):
    p256dh = serializers.RegexField(BASE64URL, min_length=80, max_length=100)
    auth = serializers.RegexField(BASE64URL, min_length=16, max_length=40)


class PushSubscriptionInput(serializers.Serializer[Any]):
    """As a browser's `PushSubscription.toJSON()` writes it, but for `expirationTime`."""

    endpoint = serializers.CharField(max_length=1000)
    keys = PushKeysInput()


class PushSubscriptionOutput(serializers.ModelSerializer[PushSubscription]):
    class Meta:
        model = PushSubscription
        fields = ("id", "device", "created_at")
        read_only_fields = fields


class PushKeyOutput(serializers.Serializer[Any]):
    public_key = serializers.CharField()


class PushKeyView(OpenView):
    """For the browser's `applicationServerKey`. 404: there is no web push here."""

    @answers(NotFound)
    @extend_schema(responses=PushKeyOutput, summary="The public key of web push")
    def get(self, request: Request) -> Response:
        key = offered_key()
        if key is None:
            raise NotFound("There is no web push here.")
        return Response({"public_key": key})


class PushSubscriptionListView(ApiListView[PushSubscription]):
    """Browsers that are told of an answer, an offer, and that it is their turn; without any detail."""

    serializer_class = PushSubscriptionOutput
    order = ("pk",)

    @extend_schema(summary="My browsers with web push")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[PushSubscription]:
        return subscriptions_of(user_id=signed_in_user(self.request).pk)

    @answers(PushNotOffered)
    @extend_schema(
        request=PushSubscriptionInput,
        responses={201: PushSubscriptionOutput},
        summary="Subscribe a browser to web push",
    )
    def post(self, request: Request) -> Response:
        """The same browser again is the same row. It ends with this sign-in, or when the push service says that the
        browser has withdrawn it."""
        return _subscribe(request, user_id=signed_in_user(request).pk, sign_in=sign_in_of(request))


class PushSubscriptionView(ApiView):
    @extend_schema(responses={204: None}, summary="End web push to one of my browsers")
    def delete(self, request: Request, subscription_id: int) -> Response:
        unsubscribe(subscription_id, user_id=signed_in_user(request).pk)
        return Response(status=204)


class BookingPushListView(OpenView):
    address_limit = SUBSCRIPTIONS

    @answers(NotFound)
    @extend_schema(
        responses=PushSubscriptionOutput(many=True),
        operation_id="booking_push_list",
        summary="Browsers with web push for this booking",
    )
    def get(self, request: Request, reference: str) -> Response:
        booking = get_guest_booking(reference)
        return Response(PushSubscriptionOutput(subscriptions_of(appointment_id=booking.pk), many=True).data)

    @answers(NotFound, PushNotOffered)
    @extend_schema(
        request=PushSubscriptionInput,
        responses={201: PushSubscriptionOutput},
        summary="Subscribe a browser to web push for this booking",
    )
    def post(self, request: Request, reference: str) -> Response:
        return _subscribe(request, appointment_id=get_guest_booking(reference).pk)


class BookingPushView(OpenView):
    address_limit = SUBSCRIPTIONS

    @answers(NotFound)
    @extend_schema(responses={204: None}, summary="End web push to a browser for this booking")
    def delete(self, request: Request, reference: str, subscription_id: int) -> Response:
        unsubscribe(subscription_id, appointment_id=get_guest_booking(reference).pk)
        return Response(status=204)


def _subscribe(request: Request, **whose: Any) -> Response:
    given = validated(PushSubscriptionInput(data=request.data))
    kept = subscribe(endpoint=given["endpoint"], **given["keys"], device=device_of(request), now=clock.now(), **whose)
    return Response(PushSubscriptionOutput(kept).data, status=201)
