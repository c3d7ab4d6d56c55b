"""The base of the pages of a patient's account."""

from typing import Any, ClassVar

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse, reverse_lazy
from django.utils.functional import Promise
from django.views.generic import TemplateView

from clinic.accounts.models import CLINIC_ROLES, User
from clinic.appointments.actor import UserActor
from clinic.appointments.models import Channel
from clinic.common.errors import ChairsideError, NotFound
from clinic.portal.account.forms import AccountForm
from clinic.portal.account.refusals import sentence_of
from clinic.portal.flashes import leave
from clinic.portal.frame import home_for
from clinic.portal.pages import PatientPage, SignedInPage
from clinic.scheduling.models import Clinic
from clinic.scheduling.queries.clinics import own_clinic_of


class AccountPage(PatientPage, SignedInPage, TemplateView):
    """A page for a patient who is signed in; others are led to their own home. `tab`: the marked one of the three."""

    http_method_names = ["get", "head", "post", "options"]
    tab: ClassVar[str] = "visits"
    fragment_name: ClassVar[str] = ""

    @property
    def clinic(self) -> Clinic:
        return own_clinic_of(self.user)

    @property
    def actor(self) -> UserActor:
        return UserActor(self.user, Channel.PORTAL)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        if isinstance(user, User) and (user.clinic is None or user.role in CLINIC_ROLES):
            return HttpResponseRedirect(home_for(user))
        try:
            return super().dispatch(request, *args, **kwargs)
        except NotFound:
            raise Http404 from None

    def get_template_names(self) -> list[str]:
        is_fragment = self.fragment_name and "fragment" in self.request.GET
        return [self.fragment_name if is_fragment else self.template_name or ""]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**{"tab": self.tab, "fragment": self.fragment_name, **kwargs})
        if context["frame"] is not None:
            context["frame"] |= {"token": reverse("me-token"), "signIn": reverse("sign-in"), "account": self.user.pk}
        return context

    def render(self, **context: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(**context))


class StepPage(AccountPage):
    """A button: it does one thing and leads back."""

    http_method_names = ["post", "options"]
    back: Any = reverse_lazy("me")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            sentence = self.act()
        except NotFound:
            raise
        except ChairsideError as refusal:
            messages.error(request, sentence_of(refusal))
            return HttpResponseRedirect(str(self.back))
        return leave(request, str(self.back), sentence)

    def act(self) -> str | Promise:
        raise NotImplementedError


class FormPage(AccountPage):
    """A page with one form; `save` answers where to go."""

    template_name = "portal/me/form.html"
    back: Any = reverse_lazy("me-account")
    button: Any = ""
    lead: Any = ""

    def make_form(self, *data: Any) -> AccountForm:
        raise NotImplementedError

    def save(self, form: Any) -> HttpResponse:
        raise NotImplementedError

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.show(self.make_form())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.make_form(request.POST, request.FILES)
        if form.is_valid():
            try:
                return self.save(form)
            except NotFound:
                raise
            except ChairsideError as refusal:
                form.add_refusal(refusal)
        return self.show(form)

    def show(self, form: AccountForm) -> HttpResponse:
        return self.render(form=form, back=str(self.back), button=self.button, lead=self.lead)
