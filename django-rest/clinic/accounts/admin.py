from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import BaseUserCreationForm
from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import HttpRequest

from clinic.accounts.models import User

admin.site.site_header = "Chairside"
admin.site.site_title = "Chairside"
admin.site.index_title = "The clinic"
admin.site.unregister(Group)


class UserCreationForm(BaseUserCreationForm[User]):
    class Meta:
        model = User
        fields = ("email", "name", "role", "clinic")


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User]):
    """Superusers alone: who may sign in, and as what."""

    add_form = UserCreationForm
    list_display = ("email", "name", "role", "clinic", "is_active")
    list_filter = ("role", "clinic", "is_active")
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
