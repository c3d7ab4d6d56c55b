"""Links in mails about a changed address or phone number."""

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.generic import FormView

from clinic.accounts.models import User
from clinic.portal.forms import LinkForm, UndoContactForm, VerifyEmailForm
from clinic.portal.pages import Page


class LinkPage(Page, FormView[LinkForm]):
    """Where a link in a mail leads. Opening it does nothing: mail programs open links by themselves."""

    http_method_names = ["get", "head", "post", "options"]
    template_name = "portal/contact_link.html"

    def get_initial(self) -> dict[str, Any]:
        return {"token": self.request.GET.get("token", "")}

    def form_valid(self, form: LinkForm) -> HttpResponse:
        user = self.act(form)
        done = {"is_done": user is not None, "may_sign_in": user is not None}
        return self.render_to_response(self.get_context_data(form=form, **done))

    def act(self, form: LinkForm) -> User | None:
        raise NotImplementedError


class VerifyEmailPage(LinkPage):
    form_class = VerifyEmailForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        words = {
            "title": _("Confirm your e-mail address"),
            "lead": _("Only if it was you who gave it for an account."),
            "button": _("Confirm"),
            "done_title": _("Your e-mail address is confirmed"),
        }
        return super().get_context_data(**words, **kwargs)

    def act(self, form: LinkForm) -> User | None:
        assert isinstance(form, VerifyEmailForm)
        return form.verify(self.request)


class UndoContactPage(LinkPage):
    form_class = UndoContactForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        words = {
            "title": _("Take back the change"),
            "lead": _("Your account gets its former e-mail address or phone number again."),
            "button": _("Take it back"),
            "done_title": _("The change is taken back"),
            "offers_password": True,
        }
        return super().get_context_data(**words, **kwargs)

    def act(self, form: LinkForm) -> User | None:
        assert isinstance(form, UndoContactForm)
        return form.undo(self.request)
