"""A forgotten password, and a new one."""

from typing import Any

from django.http import HttpResponse
from django.views.generic import FormView

from clinic.portal.forms import ForgottenForm, NewPasswordForm
from clinic.portal.pages import Page


class ForgottenPasswordPage(Page, FormView[ForgottenForm]):
    form_class = ForgottenForm
    http_method_names = ["get", "head", "post", "options"]
    template_name = "portal/password_forgotten.html"

    def form_valid(self, form: ForgottenForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form, is_sent=form.send_mail(self.request)))


class NewPasswordPage(Page, FormView[NewPasswordForm]):
    """Where the link in a mail leads."""

    form_class = NewPasswordForm
    http_method_names = ["get", "head", "post", "options"]
    template_name = "portal/password.html"

    def get_initial(self) -> dict[str, Any]:
        return {"token": self.request.GET.get("token", "")}

    def form_valid(self, form: NewPasswordForm) -> HttpResponse:
        user = form.set_password(self.request)
        context = {"is_set": user is not None, "may_sign_in": user is not None}
        return self.render_to_response(self.get_context_data(form=form, **context))
