from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from rest_framework.exceptions import AuthenticationFailed

from clinic.accounts.contacts import undo_contact_change, verify_email
from clinic.accounts.link_tokens import LinkNotValid
from clinic.accounts.lockout import Locked
from clinic.accounts.models import User
from clinic.accounts.passwords import confirm_reset, request_reset
from clinic.accounts.services import check_credentials
from clinic.accounts.views import PASSWORD_LINKS, PASSWORD_MAILS, SIGN_INS
from clinic.common import clock
from clinic.common.addresses import client_address
from clinic.common.errors import InvalidRequest, Throttled
from clinic.common.limits import limit_address

MINUTE = timedelta(minutes=1).total_seconds()


class SignInForm(AuthenticationForm):
    """The API's check, with its lockout and limits; and, unlike the admin's, it says which of them refused."""

    username = forms.CharField(
        label=gettext_lazy("E-mail or phone"),
        max_length=254,
        widget=forms.TextInput(
            attrs={
                "class": "input",
                "autofocus": True,
                "autocomplete": "username",
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        ),
        error_messages={"required": gettext_lazy("Type your e-mail or phone number.")},
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        max_length=256,
        strip=False,
        widget=forms.PasswordInput(attrs={"class": "input", "autocomplete": "current-password"}),
        error_messages={"required": gettext_lazy("Type your password.")},
    )
    request: HttpRequest

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if "username" in given and "password" in given:
            try:
                limit_address(SIGN_INS, self.request)
                self.user_cache = check_credentials(**given, address=client_address(self.request))
            except AuthenticationFailed:
                raise forms.ValidationError(
                    _("No active account has this name and password."), "no_active_account"
                ) from None
            except Throttled as refusal:
                why = _why_to_wait(refusal, else_why=_("Too many people sign in from here."))
                raise forms.ValidationError(why, refusal.code) from None
        return given


class ForgottenForm(forms.Form):
    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"class": "input", "autofocus": True, "autocomplete": "username"}),
        error_messages={
            "required": gettext_lazy("Type your e-mail address."),
            "invalid": gettext_lazy("This is not an e-mail address."),
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})

    def send_mail(self, request: HttpRequest) -> bool:
        """Whether it was not refused. Nothing tells whether there is such an account."""
        try:
            limit_address(PASSWORD_MAILS, request)
            request_reset(email=self.cleaned_data["email"], now=clock.now())
        except Throttled as refusal:
            self.add_error(None, _why_to_wait(refusal))
        return not self.errors


class LinkForm(forms.Form):
    """`token` comes with the link; who has a mail without one types it."""

    token = forms.CharField(
        label=gettext_lazy("Code from the mail"),
        max_length=100,
        widget=forms.TextInput(
            attrs={"class": "input", "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
        error_messages={"required": gettext_lazy("Type the code from the mail.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        if self.initial.get("token"):
            self.fields["token"].widget = forms.HiddenInput()
        else:
            self.fields["token"].widget.attrs["autofocus"] = True

    def use_link(self, request: HttpRequest, act: Callable[[str], User]) -> User | None:
        """The account of the link; None, with the errors, where it was refused."""
        try:
            limit_address(PASSWORD_LINKS, request)
            return act(self.cleaned_data["token"])
        except Throttled as refusal:
            self.add_error(None, _why_to_wait(refusal))
        except LinkNotValid as refusal:
            self.add_error(None, refusal.detail)
        return None


class VerifyEmailForm(LinkForm):
    def verify(self, request: HttpRequest) -> User | None:
        return self.use_link(request, lambda token: verify_email(token=token, now=clock.now()))


class UndoContactForm(LinkForm):
    def undo(self, request: HttpRequest) -> User | None:
        return self.use_link(request, lambda token: undo_contact_change(token=token, now=clock.now()))


class NewPasswordForm(LinkForm):
    password = forms.CharField(
        label=gettext_lazy("New password"),
        max_length=256,
        strip=False,
        widget=forms.PasswordInput(attrs={"class": "input", "autocomplete": "new-password"}),
        error_messages={"required": gettext_lazy("Type a password.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.initial.get("token"):
            self.fields["password"].widget.attrs["autofocus"] = True

    def set_password(self, request: HttpRequest) -> User | None:
        """The account that has the new password; None, with the errors, where it was refused."""
        try:
            limit_address(PASSWORD_LINKS, request)
            return confirm_reset(**self.cleaned_data, address=client_address(request))
        except Throttled as refusal:
            self.add_error(None, _why_to_wait(refusal))
        except InvalidRequest as refusal:
            self.add_error("password" if refusal.attr == "password" else None, refusal.detail)
        return None


def _why_to_wait(refusal: Throttled, *, else_why: str = "") -> str:
    minutes = -int(-refusal.wait_seconds // MINUTE)
    wait = ngettext("Try again in a minute.", "Try again in %(minutes)d minutes.", minutes) % {"minutes": minutes}
    other = else_why or _("Too many attempts from here.")
    return f"{_('Too many wrong passwords.') if isinstance(refusal, Locked) else other} {wait}"
