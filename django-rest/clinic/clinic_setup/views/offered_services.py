from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.permissions import OwnerOrReadOnly
from clinic.accounts.requests import signed_in_user, viewer_of
from clinic.clinic_setup.serializers.offered_services import ListedInput, ServiceEditInput, ServiceInput, ServiceOutput
from clinic.clinic_setup.services.offered_services import create_service, edit_service
from clinic.clinic_setup.views.requests import listed
from clinic.common.idempotency import answer_once
from clinic.common.openapi import IDEMPOTENCY_KEY, IF_MATCH
from clinic.common.versions import current_on_conflict, etag, expected_version
from clinic.common.views import ApiListView, ApiView
from clinic.scheduling.models import Service
from clinic.scheduling.queries.practitioners import get_service_for_owner, services_listed_for
from clinic.scheduling.queries.rows import one_of
from clinic.scheduling.views import CLINIC_PARAMETER, clinic_of


class ServiceListView(ApiListView[Service]):
    permission_classes = (OwnerOrReadOnly,)
    serializer_class = ServiceOutput
    order = ("name", "id")

    @extend_schema(parameters=[CLINIC_PARAMETER, ListedInput], summary="Services")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Service]:
        services = services_listed_for(viewer_of(self.request), clinic_of(self.request), **listed(self.request))
        return services.prefetch_related("practitioners")

    @extend_schema(
        request=ServiceInput,
        responses={201: ServiceOutput},
        parameters=[IDEMPOTENCY_KEY],
        summary="A new service (the owner)",
        examples=[
            OpenApiExample(
                "A filling",
                {"name": "Filling", "duration_minutes": 45, "buffer_after_minutes": 10, "practitioners": [1, 2]},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        owner = signed_in_user(request)

        def create() -> Response:
            given = ServiceInput(data=request.data)
            given.is_valid(raise_exception=True)
            service = create_service(owner=owner, fields=given.validated_data)
            return _show_service(service, status=201)

        return answer_once(request, owner=f"user:{owner.pk}", create=create)


class ServiceView(ApiView):
    permission_classes = (OwnerOrReadOnly,)

    @extend_schema(parameters=[CLINIC_PARAMETER], responses=ServiceOutput, summary="One service")
    def get(self, request: Request, service_id: int) -> Response:
        listed_ones = services_listed_for(viewer_of(request), clinic_of(request, service_id=service_id), active="all")
        return _show_service(one_of(listed_ones, service_id, "service"))

    @extend_schema(
        request=ServiceEditInput,
        parameters=[IF_MATCH],
        responses=ServiceOutput,
        summary="Change a service (the owner); what is booked keeps its length",
    )
    def patch(self, request: Request, service_id: int) -> Response:
        given = ServiceEditInput(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        return _show_service(_edit(request, service_id, dict(given.validated_data)))

    @extend_schema(
        parameters=[IF_MATCH],
        responses={204: None},
        summary="Offer a service no more (the owner); what is booked stays",
    )
    def delete(self, request: Request, service_id: int) -> Response:
        _edit(request, service_id, {"active": False})
        return Response(status=204)


def _show_service(service: Service, *, status: int = 200) -> Response:
    return Response(ServiceOutput(service).data, status=status, headers=etag(service.version))


def _edit(request: Request, service_id: int, changes: dict[str, Any]) -> Service:
    owner, expected = signed_in_user(request), expected_version(request, changes.pop("version", None))
    with current_on_conflict(lambda: ServiceOutput(get_service_for_owner(owner, service_id)).data):
        return edit_service(owner=owner, service_id=service_id, changes=changes, expected=expected)
