from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from clinic.accounts.requests import viewer_of
from clinic.common.instants import say_minute, zone_of
from clinic.scheduling import queries
from clinic.scheduling.models import Clinic, Practitioner, Service
from clinic.scheduling.serializers import ClinicOutput, PractitionerOutput, ServiceOutput, SlotsInput, SlotsOutput

CLINIC_PARAMETER = OpenApiParameter(
    "clinic", str, description="slug, for people not signed in where several clinics are"
)


def clinic_of(request: Request) -> Clinic:
    return queries.get_clinic_for(viewer_of(request), slug=request.query_params.get("clinic"))


class ClinicView(APIView):
    permission_classes = (AllowAny,)

    @extend_schema(responses=ClinicOutput, parameters=[CLINIC_PARAMETER], summary="The clinic: name, zone, policy")
    def get(self, request: Request) -> Response:
        return Response(ClinicOutput(clinic_of(request)).data)


@extend_schema(parameters=[CLINIC_PARAMETER])
class ServiceListView(ListAPIView[Service]):
    permission_classes = (AllowAny,)
    serializer_class = ServiceOutput

    def get_queryset(self) -> QuerySet[Service]:
        return queries.services_of(clinic_of(self.request)).prefetch_related("practitioners")


@extend_schema(parameters=[CLINIC_PARAMETER])
class PractitionerListView(ListAPIView[Practitioner]):
    permission_classes = (AllowAny,)
    serializer_class = PractitionerOutput

    def get_queryset(self) -> QuerySet[Practitioner]:
        return queries.practitioners_of(clinic_of(self.request)).prefetch_related("services")


@extend_schema(parameters=[CLINIC_PARAMETER])
class PractitionerView(RetrieveAPIView[Practitioner]):
    permission_classes = (AllowAny,)
    serializer_class = PractitionerOutput

    def get_object(self) -> Practitioner:
        return queries.get_practitioner(clinic_of(self.request), self.kwargs["practitioner_id"])


class PractitionerSlotsView(APIView):
    permission_classes = (AllowAny,)

    @extend_schema(
        parameters=[
            SlotsInput,
            OpenApiParameter("from", str, description="first day, the clinic's"),
            CLINIC_PARAMETER,
        ],
        responses=SlotsOutput,
        summary="Open slots of a practitioner",
    )
    def get(self, request: Request, practitioner_id: int) -> Response:
        given = SlotsInput(data=request.query_params)
        given.is_valid(raise_exception=True)
        return Response(_slots(clinic_of(request), practitioner_id, **given.validated_data))


def _slots(clinic: Clinic, practitioner_id: int, *, service_id: int | None, **dates: Any) -> dict[str, Any]:
    practitioner = queries.get_practitioner(clinic, practitioner_id)
    service = None if service_id is None else queries.get_service(clinic, service_id)
    slots = queries.open_slots_of(clinic, [practitioner], service=service, now=timezone.now(), **dates)
    zone = zone_of(clinic.timezone)
    return {
        "practitioner": practitioner.pk,
        "service": service_id,
        "slots": [
            {
                "start": say_minute(slot.start, zone),
                "end": say_minute(slot.end, zone),
                "date": f"{slot.start.astimezone(zone):%Y-%m-%d}",
                "time": f"{slot.start.astimezone(zone):%H:%M}",
            }
            for slot in slots[practitioner.pk]
        ],
    }
