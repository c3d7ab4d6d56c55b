"""The ticket with which whoever has a visit's reference opens its stream."""

from datetime import timedelta

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.serializers import StreamTicketOutput
from clinic.accounts.tokens import StreamTicket, visit_ticket_for
from clinic.accounts.views import OpenView
from clinic.appointments.queries import get_guest_booking
from clinic.common import clock
from clinic.common.limits import Limit

# A page asks at each connection; a family's phones share an address.
VISIT_TICKETS = Limit("visit_ticket", most=600, within=timedelta(hours=1))


class VisitTicketView(OpenView):
    address_limit = VISIT_TICKETS

    @extend_schema(
        request=None,
        responses=StreamTicketOutput,
        summary="A ticket for the stream of one visit, `sse/visit` and `sse/queue`: one minute",
    )
    def post(self, request: Request, reference: str) -> Response:
        """The stream stays for twelve hours, and ends when the visit gets another reference."""
        visit = get_guest_booking(reference)
        ticket = visit_ticket_for(
            visit_id=visit.pk, clinic_id=visit.clinic_id, reference=visit.reference, now=clock.now()
        )
        return Response({"ticket": str(ticket), "expires_in": int(StreamTicket.lifetime.total_seconds())})
