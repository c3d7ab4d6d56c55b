"""Walls: created and revoked by the owner; each gets tickets for its stream by its own token."""

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.models import DeviceKind, WallDevice
from clinic.accounts.permissions import OwnerOnly
from clinic.accounts.requests import signed_in_user
from clinic.accounts.serializers import StreamTicketOutput
from clinic.accounts.tokens import StreamTicket, device_ticket_for
from clinic.accounts.views import OpenView
from clinic.accounts.wall_devices import create_device, device_with_token, devices_of, note_seen, revoke_device
from clinic.common import clock
from clinic.common.inputs import validated
from clinic.common.limits import Limit
from clinic.common.names import validate_label
from clinic.common.views import ApiListView, ApiView

DEVICE_TICKETS = Limit("device_ticket", most=600, within=timedelta(hours=1))


class DeviceInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=60, validators=[validate_label])
    kind = serializers.ChoiceField(choices=DeviceKind.choices)
    shows_names = serializers.BooleanField(
        default=True, help_text="waiting room: first names with an initial; false: the numbers of arrivals"
    )


class DeviceOutput(serializers.ModelSerializer[WallDevice]):
    class Meta:
        model = WallDevice
        fields = ["id", "name", "kind", "shows_names", "created_at", "seen_at"]


class NewDeviceOutput(DeviceOutput):
    token = serializers.CharField(help_text="shown once: the wall's address is `/wall/<token>`")

    class Meta(DeviceOutput.Meta):
        fields = [*DeviceOutput.Meta.fields, "token"]


class DeviceTicketInput(serializers.Serializer[Any]):
    token = serializers.CharField(max_length=100, help_text="the wall's own, as it was shown once")


class DeviceListView(ApiListView[WallDevice]):
    permission_classes = (OwnerOnly,)
    serializer_class = DeviceOutput
    order = ("pk",)

    @extend_schema(summary="Walls (the owner)")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        return devices_of(signed_in_user(self.request))

    @extend_schema(request=DeviceInput, responses={201: NewDeviceOutput}, summary="A new wall (the owner)")
    def post(self, request: Request) -> Response:
        """The answer has the token, which is shown this once."""
        given = validated(DeviceInput(data=request.data))
        device, token = create_device(owner=signed_in_user(request), now=clock.now(), **given)
        return Response({**DeviceOutput(device).data, "token": token}, status=201)


class DeviceView(ApiView):
    permission_classes = (OwnerOnly,)

    @extend_schema(responses={204: None}, summary="Revoke a wall (the owner)")
    def delete(self, request: Request, device_id: int) -> Response:
        """Its stream ends within a second."""
        revoke_device(owner=signed_in_user(request), device_id=device_id, now=clock.now())
        return Response(status=204)


class DeviceTicketView(OpenView):
    address_limit = DEVICE_TICKETS

    @extend_schema(
        request=DeviceTicketInput, responses=StreamTicketOutput, summary="A ticket for a wall's stream: one minute"
    )
    def post(self, request: Request) -> Response:
        """The stream, `sse/wall`, stays for twelve hours, and ends when the wall is revoked."""
        device, now = device_with_token(validated(DeviceTicketInput(data=request.data))["token"]), clock.now()
        note_seen(device, now=now)
        ticket = device_ticket_for(device_id=device.pk, clinic_id=device.clinic_id, version=device.version, now=now)
        return Response({"ticket": str(ticket), "expires_in": int(StreamTicket.lifetime.total_seconds())})
