"""Sign-up: an account with a patient record. The answer is the same whoever has the address."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView

from clinic.accounts.models import User
from clinic.common import clock
from clinic.common.errors import ChairsideError
from clinic.common.limits import limit_address
from clinic.people.services.patients import SignUp, create_patient_account
from clinic.people.views.patients import SIGN_UPS
from clinic.portal.account.forms import SignUpForm
from clinic.portal.frame import home_for
from clinic.portal.page_sessions import sign_in_page
from clinic.portal.pages import PatientPage
from clinic.scheduling.models import Clinic
from clinic.scheduling.queries.clinics import clinics_to_choose


class SignUpPage(PatientPage, TemplateView):
    http_method_names = ["get", "head", "post", "options"]
    template_name = "portal/sign_up.html"
    title = gettext_lazy("Create an account")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if isinstance(request.user, User):
            return HttpResponseRedirect(home_for(request.user))
        return super().dispatch(request, *args, **kwargs)

    def get_clinic(self) -> Clinic | None:
        clinics = list(self._clinics()[:2])
        return clinics[0] if len(clinics) == 1 else None

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._show(SignUpForm(clinics=self._clinics()))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = SignUpForm(request.POST, clinics=self._clinics())
        if form.is_valid():
            given = dict(form.cleaned_data)
            clinic = given.pop("clinic")
            try:
                limit_address(SIGN_UPS, request)
                user = create_patient_account(clinic=clinic, sign_up=SignUp(**given), now=clock.now())
            except ChairsideError as refusal:
                form.add_refusal(refusal)
            else:
                sign_in_page(request, user)
                return HttpResponseRedirect(home_for(user))
        return self._show(form)

    def _show(self, form: SignUpForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form))

    def _clinics(self) -> QuerySet[Clinic]:
        return clinics_to_choose(self.request.GET.get("clinic", ""))
