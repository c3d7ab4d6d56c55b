from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from clinic.accounts.models import User
from clinic.accounts.services import sign_out_everywhere
from clinic.common.admin import ModelAdmin, RelatedFilter

admin.site.site_header = "Chairside"
admin.site.site_title = "Chairside"
admin.site.index_title = "The clinic's day"
for of_no_use_here in (Group, BlacklistedToken, OutstandingToken):
    admin.site.unregister(of_no_use_here)


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User], ModelAdmin[User]):
    """Superusers alone: who may sign in, and as what."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "name", "role", "clinic", "is_active")
    list_filter = ("role", ("clinic", RelatedFilter), "is_active", "is_staff")
    list_filter_submit = True
    list_select_related = ("clinic",)
    search_fields = ("email", "name", "phone")
    ordering = ("email",)
    readonly_fields = ("token_version", "last_login", "created_at")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("email", "password", "name", "phone")}),
        ("What they may do", {"fields": ("role", "clinic", "is_active", "is_staff", "is_superuser")}),
        ("Sign-ins", {"fields": ("token_version", "last_login", "created_at")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "role", "clinic", "password1", "password2")}),)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.is_superuser)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        response: HttpResponse = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == 302:
            # Whoever knew the old one is signed in no longer.
            sign_out_everywhere(user=User.objects.get(pk=id))
        return response
