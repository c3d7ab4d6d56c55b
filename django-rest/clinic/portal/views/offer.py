"""`/offer/<token>`: a freed time, for whoever has its link: yes or no, without signing in."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.appointments.models import Appointment
from clinic.appointments.queries import was_link_replaced
from clinic.common import clock
from clinic.common.errors import ChairsideError, InvalidRequest, NotFound
from clinic.portal.middleware import use_clinic_language
from clinic.portal.views.visit import SecretLinkPage, sentence_of
from clinic.waitlist.models import OfferState, WaitlistOffer
from clinic.waitlist.queries import get_offer
from clinic.waitlist.services.answers import accept_offer, decline_offer


class OfferPage(SecretLinkPage):
    template_name = "portal/offer.html"
    title = gettext_lazy("A time for you")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        offer = get_offer(self.kwargs["token"])
        use_clinic_language(self.request, offer.clinic)
        is_open = offer.state == OfferState.OPEN and offer.expires_at > clock.now()
        visit = visit_of(offer)
        leads_to_visit = visit is not None and not was_link_replaced(visit)
        context = {"clinic": offer.clinic, "offer": offer, "is_open": is_open, "visit": visit}
        context["leads_to_visit"] = leads_to_visit
        return super().get_context_data(**{**context, "headline": headline_of(offer, is_open=is_open), **kwargs})

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            match request.POST.get("answer"):
                case "yes":
                    accept_offer(token=token, viewer=None, now=clock.now())
                case "no":
                    decline_offer(token=token, now=clock.now())
                case _:
                    raise InvalidRequest(_("This cannot be done here."))
        except NotFound:
            raise
        except ChairsideError as refusal:
            context = self.get_context_data()
            return self.render_to_response({**context, "refusal": sentence_of(refusal)}, status=refusal.status)
        return HttpResponseRedirect(reverse("offer", args=[token]))


def visit_of(offer: WaitlistOffer) -> Appointment | None:
    """The visit that was booked by it."""
    if offer.state != OfferState.ACCEPTED or offer.appointment_id is None:
        return None
    return Appointment.objects.filter(pk=offer.appointment_id).first()


def headline_of(offer: WaitlistOffer, *, is_open: bool) -> str:
    if is_open:
        return _("A time has become free for you")
    match offer.state:
        case OfferState.ACCEPTED:
            return _("It is yours")
        case OfferState.DECLINED:
            return _("You left this time to others")
    return _("This time is not kept any more")
