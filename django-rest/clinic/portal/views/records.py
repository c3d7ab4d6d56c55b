"""The base of the pages of patients, the waitlist and messages."""

from typing import Any
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import url_has_allowed_host_and_scheme

from clinic.appointments.actor import UserActor
from clinic.appointments.models import Channel
from clinic.common.errors import NotFound
from clinic.common.instants import zone_of
from clinic.portal.flashes import undo_offer
from clinic.portal.pages import ClinicPage
from clinic.scheduling.models import Clinic
from clinic.scheduling.queries.clinics import own_clinic_of


class RecordsPage(ClinicPage):
    """A page whose changing part is a fragment: `?fragment=1` answers it alone, so that a script can renew it."""

    fragment_name = ""

    @property
    def clinic(self) -> Clinic:
        return own_clinic_of(self.user)

    @property
    def zone(self) -> ZoneInfo:
        return zone_of(self.clinic.timezone)

    @property
    def actor(self) -> UserActor:
        return UserActor(self.user, Channel.PORTAL)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """A row of another clinic is not there."""
        try:
            return super().dispatch(request, *args, **kwargs)
        except NotFound:
            return self.not_there()

    def not_there(self) -> HttpResponseBase:
        raise Http404 from None

    def get_template_names(self) -> list[str]:
        return [self.fragment_name] if self.is_fragment else [self.template_name or ""]

    @property
    def is_fragment(self) -> bool:
        return self.fragment_name != "" and "fragment" in self.request.GET

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        undo = None if self.is_fragment else undo_offer(self.request)
        return super().get_context_data(**{"undo": undo, "fragment": self.fragment_name, **kwargs})

    def render(self, **context: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(**context))

    def back_to(self, default: str) -> str:
        """The address that a form names, if it is one of ours."""
        back = self.request.POST.get("back", "")
        is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts=None) and back.startswith("/")
        return back if is_ours else default
