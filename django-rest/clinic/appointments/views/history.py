from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.requests import signed_in_user
from clinic.appointments import queries
from clinic.appointments.history_lists import list_history
from clinic.appointments.models import AppointmentEvent
from clinic.appointments.serializers.history import AppointmentEventOutput, HistoryFilterInput
from clinic.common.indexed_lists import IndexedPages
from clinic.common.inputs import read
from clinic.common.views import ApiListView


class AppointmentHistoryView(ApiListView[AppointmentEvent]):
    """The first change first: from what to what, by whom, through what, when."""

    summary = "Every change of an appointment"
    serializer_class = AppointmentEventOutput
    order = ("at", "id")

    def get_queryset(self) -> QuerySet[AppointmentEvent]:
        return queries.history_of(signed_in_user(self.request), self.kwargs["appointment_id"])


class HistoryView(ApiListView[AppointmentEvent]):
    serializer_class = AppointmentEventOutput
    pagination_class = IndexedPages
    order = ("-at", "-id")

    @extend_schema(
        parameters=[
            HistoryFilterInput,
            OpenApiParameter("from", OpenApiTypes.DATE, description="first day of the change"),
        ],
        summary="Every change of every appointment I may see",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The newest first; owner and staff also see that of what was deleted. A practitioner: changes after which the
        visit was theirs."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        wanted = read(HistoryFilterInput, self.request.query_params)["wanted"]
        return list_history(signed_in_user(self.request), wanted)
