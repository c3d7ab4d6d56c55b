from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import BaseUserCreationForm
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.forms import ModelChoiceField
from django.http import HttpRequest

from clinic.accounts.models import Role, User

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


class OfOwnClinicAdmin(admin.ModelAdmin[Any]):
    """Rows of the user's clinic. Desk staff look, the owner changes, a superuser works across clinics."""

    clinic_path = "clinic"

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        user = request.user
        return isinstance(user, User) and (user.is_superuser or user.works_at_desk)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        user = request.user
        return isinstance(user, User) and (user.is_superuser or user.role == Role.OWNER)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_change_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(**{self.clinic_path: _clinic_id(request)})

    def get_exclude(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        # The clinic of a row is the user's own; who works across clinics says which, once.
        return [] if request.user.is_superuser else ["clinic"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        readonly = list(super().get_readonly_fields(request, obj))
        return [*readonly, "clinic"] if obj is not None and request.user.is_superuser else readonly

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change and not request.user.is_superuser:
            obj.clinic_id = _clinic_id(request)
        super().save_model(request, obj, form, change)

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        model = db_field.remote_field.model
        if not request.user.is_superuser and any(field.name == "clinic" for field in model._meta.fields):
            kwargs["queryset"] = model._default_manager.filter(clinic_id=_clinic_id(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


def _clinic_id(request: HttpRequest) -> int | None:
    assert isinstance(request.user, User)
    return request.user.clinic_id
