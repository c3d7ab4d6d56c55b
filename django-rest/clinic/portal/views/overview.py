"""The content of a record's page, for scripts and other front ends."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.permissions import AtDeskOrReadOnly
from clinic.accounts.requests import signed_in_user
from clinic.common import clock
from clinic.common.versions import etag
from clinic.common.views import ApiView
from clinic.portal.patients import overview_of
from clinic.portal.serializers import OverviewOutput


class PatientOverviewView(ApiView):
    permission_classes = (AtDeskOrReadOnly,)

    @extend_schema(responses=OverviewOutput, summary="A patient with visits, messages, waitlist and family")
    def get(self, request: Request, patient_id: int) -> Response:
        """All that a page of the record shows. A practitioner sees their own patients, and of those their own visits
        and what waits for themselves."""
        overview = overview_of(signed_in_user(request), patient_id, now=clock.now())
        return Response(OverviewOutput(overview).data, headers=etag(overview.patient.version))
