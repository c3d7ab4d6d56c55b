"""Visits by phone number and a code sent to it, for people without an account or a link."""

from datetime import datetime
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import TemplateView

from clinic.accounts.phones import normalise_phone
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment
from clinic.appointments.queries import appointments_of_proven_phone
from clinic.common import clock
from clinic.common.addresses import client_address
from clinic.common.error_pages import csrf_refused
from clinic.common.errors import ChairsideError, InvalidRequest, NotFound
from clinic.common.limits import limit_address
from clinic.people.services.phone_codes import CODE_TRIES, check_phone_code, send_phone_code
from clinic.portal.board import status_names
from clinic.portal.booking_forms import PlainForm
from clinic.portal.booking_refusals import sentence_for_patient
from clinic.portal.frame import address_of
from clinic.portal.middleware import use_clinic_language
from clinic.portal.pages import PatientPage, is_cross_site
from clinic.scheduling.models import Clinic
from clinic.scheduling.queries.clinics import get_clinic_for

MAX_VISITS = 20


class PhoneForm(PlainForm):
    phone = forms.CharField(
        label=gettext_lazy("Phone"),
        max_length=60,
        widget=forms.TextInput(attrs={"class": "input", "type": "tel", "autocomplete": "tel"}),
        error_messages={"required": gettext_lazy("Type the number that the clinic has of you.")},
    )
    code = forms.CharField(
        label=gettext_lazy("Code from the SMS"),
        max_length=16,
        required=False,
        widget=forms.TextInput(
            attrs={"class": "input", "inputmode": "numeric", "autocomplete": "one-time-code", "pattern": "[0-9 ]*"}
        ),
    )


@method_decorator(csrf_exempt, name="dispatch")
class StatusPage(PatientPage, TemplateView):
    """The same for a number that the clinic knows and for one it does not. Phone and code alone are the authority: no
    session is made, so that nothing stays on a borrowed device, and no CSRF token is needed."""

    template_name = "portal/status.html"
    http_method_names = ["get", "head", "post", "options"]
    clinic: Clinic | None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            self.clinic = get_clinic_for(None, name=request.GET.get("clinic"))
        except InvalidRequest:
            self.clinic = None
        except NotFound:
            raise Http404 from None
        if self.clinic is not None:
            use_clinic_language(request, self.clinic)
        return super().dispatch(request, *args, **kwargs)

    def get_clinic(self) -> Clinic | None:
        return self.clinic

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.show(PhoneForm())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if is_cross_site(request):
            return csrf_refused(request)
        if self.clinic is None:
            return self.show(PhoneForm())
        form = PhoneForm(request.POST)
        if not form.is_valid():
            return self.show(form)
        code = form.cleaned_data["code"].replace(" ", "")
        try:
            phone = normalise_phone(form.cleaned_data["phone"], region=self.clinic.phone_region)
            if request.POST.get("send") == "code" or not code:
                address = client_address(request)
                send_phone_code(clinic=self.clinic, phone=phone, address=address, now=clock.now())
                return self.show(form, asks_code=True)
            limit_address(CODE_TRIES, request)
            check_phone_code(clinic=self.clinic, phone=phone, code=code, now=clock.now())
        except ChairsideError as refusal:
            attr = refusal.attr if isinstance(refusal, InvalidRequest) else "code"
            form.refuse(attr, sentence_for_patient(refusal))
            return self.show(form, asks_code=attr == "code")
        return self.show(form, visits=_visits_of(self.clinic, phone, now=clock.now()))

    def show(self, form: PhoneForm, *, asks_code: bool = False, visits: Any = None) -> HttpResponse:
        context = self.get_context_data(title=_("Your visits"), form=form, asks_code=asks_code, visits=visits)
        return self.render_to_response(context)


def _visits_of(clinic: Clinic, phone: str, *, now: datetime) -> dict[str, list[dict[str, Any]]]:
    """Ahead, the next first, and past, the newest first. Two queries."""
    visits = appointments_of_proven_phone(clinic, phone).select_related("practitioner", "service", "patient")
    names = status_names()
    ahead = visits.filter(ends_at__gt=now, is_active=1).order_by("starts_at", "id")[:MAX_VISITS]
    past = visits.exclude(ends_at__gt=now, is_active=1)[:MAX_VISITS]
    return {
        "ahead": [_shown(visit, names) for visit in ahead],
        "past": [_shown(visit, names) for visit in past],
    }


def _shown(visit: Appointment, names: dict[Status, str]) -> dict[str, Any]:
    return {
        "visit": visit,
        "status": names[Status(visit.status)],
        "address": address_of("visit", visit.reference),
    }
