"""The admin itself: its name, and what of the packages below it is of no use to anybody."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse_lazy
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from unfold.forms import AdminOwnPasswordChangeForm, AuthenticationForm

from clinic.accounts.lockout import Locked
from clinic.accounts.models import User
from clinic.accounts.passwords import WrongPassword, check_own_password, set_password
from clinic.accounts.views import SIGN_INS
from clinic.common.addresses import client_address
from clinic.common.errors import Throttled
from clinic.common.limits import limit_address

admin.site.site_header = "Chairside"
admin.site.site_title = "Chairside"
admin.site.index_title = "The clinic's day"
for of_no_use_here in (Group, BlacklistedToken, OutstandingToken):
    admin.site.unregister(of_no_use_here)


class SignInForm(AuthenticationForm):  # type: ignore[misc]
    """The admin's, with the API's limit by address; the lock-out by account is the backend's."""

    password = forms.CharField(
        label="Password",
        max_length=256,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def clean(self) -> Any:
        if {"username", "password"} <= self.cleaned_data.keys():
            try:
                limit_address(SIGN_INS, self.request)
            except Throttled as refusal:
                raise forms.ValidationError(refusal.detail, refusal.code) from None
        return super().clean()


class OwnPasswordForm(AdminOwnPasswordChangeForm):  # type: ignore[misc]
    """By the service: every other session ends, and a mail tells."""

    user: User

    def __init__(self, *args: Any, address: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._address = address

    def clean_old_password(self) -> str:
        """A stolen session cannot guess the password here either."""
        password: str = self.cleaned_data["old_password"]
        try:
            check_own_password(user=self.user, password=password, address=self._address)
        except (WrongPassword, Locked) as refusal:
            raise forms.ValidationError(refusal.detail, refusal.code) from None
        return password

    def save(self, commit: bool = True) -> User:
        self.user = set_password(user=self.user, password=self.cleaned_data["new_password1"])
        return self.user


class OwnPasswordPage(PasswordChangeView):
    form_class = OwnPasswordForm
    success_url = reverse_lazy("admin:password_change_done")
    template_name = "registration/password_change_form.html"

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "address": client_address(self.request)}


def change_own_password(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
    view = OwnPasswordPage.as_view(extra_context={**admin.site.each_context(request), **(extra_context or {})})
    return view(request)


admin.site.login_form = SignInForm
admin.site.password_change = change_own_password  # type: ignore[method-assign,assignment]
