from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from rest_framework.exceptions import AuthenticationFailed

from clinic.accounts.lockout import Locked
from clinic.accounts.services import check_credentials
from clinic.accounts.views import SIGN_INS
from clinic.common.addresses import client_address
from clinic.common.errors import Throttled
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
        super().__init__(*args, label_suffix="", **kwargs)

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
                raise forms.ValidationError(_why_to_wait(refusal), refusal.code) from None
        return given


def _why_to_wait(refusal: Throttled) -> str:
    minutes = -int(-refusal.wait_seconds // MINUTE)
    wait = ngettext("Try again in a minute.", "Try again in %(minutes)d minutes.", minutes) % {"minutes": minutes}
    why = _("Too many wrong passwords.") if isinstance(refusal, Locked) else _("Too many people sign in from here.")
    return f"{why} {wait}"
