"""The admin itself: its name, and what of the packages below it is of no use to anybody."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from unfold.forms import AdminOwnPasswordChangeForm

from clinic.accounts.models import User
from clinic.accounts.passwords import set_password

admin.site.site_header = "Chairside"
admin.site.site_title = "Chairside"
admin.site.index_title = "The clinic's day"
for of_no_use_here in (Group, BlacklistedToken, OutstandingToken):
    admin.site.unregister(of_no_use_here)


class OwnPasswordForm(AdminOwnPasswordChangeForm):  # type: ignore[misc]
    """By the service: every other session ends, and a mail tells."""

    user: User

    def save(self, commit: bool = True) -> User:
        self.user = set_password(user=self.user, password=self.cleaned_data["new_password1"])
        return self.user


def change_own_password(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
    view = PasswordChangeView.as_view(
        form_class=OwnPasswordForm,
        success_url=reverse("admin:password_change_done"),
        template_name="registration/password_change_form.html",
        extra_context={**admin.site.each_context(request), **(extra_context or {})},
    )
    return view(request)


admin.site.password_change = change_own_password  # type: ignore[method-assign,assignment]
