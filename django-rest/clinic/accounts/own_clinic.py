"""The base of the admin's pages: everybody sees rows and choices of their own clinic, a superuser those of all."""

from typing import Any

from django.contrib import admin
from django.db.models import ForeignKey, Model, QuerySet
from django.forms import ModelChoiceField
from django.http import HttpRequest

from clinic.accounts.models import Role, User


def user_of(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def is_at_desk(request: HttpRequest) -> bool:
    """Owner and staff, and a superuser. `is_staff` alone lets nobody see anything."""
    user = request.user
    return isinstance(user, User) and (user.is_superuser or user.works_at_desk)


def is_owner(request: HttpRequest) -> bool:
    user = request.user
    return isinstance(user, User) and (user.is_superuser or user.role == Role.OWNER)


def own_rows(request: HttpRequest, model: type[Model]) -> dict[str, Any]:
    """The condition that leaves a model's rows of the user's own clinic. A model that belongs to no clinic has none."""
    user = user_of(request)
    if user.is_superuser:
        return {}
    clinic: ForeignKey[Any, Any] = User._meta.get_field("clinic")
    if model is clinic.related_model:
        return {"pk": user.clinic_id}
    if any(field.name == "clinic" for field in model._meta.fields):
        return {"clinic_id": user.clinic_id}
    return {"pk__in": []}


class OwnClinicFilter(admin.RelatedFieldListFilter):
    """A filter by a related row offers those of the user's own clinic."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[Any]:
        ordering = self.field_admin_ordering(field, request, model_admin)
        own = own_rows(request, field.related_model)
        choices: list[Any] = field.get_choices(include_blank=False, ordering=ordering, limit_choices_to=own)
        return choices


class OwnChoices:
    """Whatever a form offers to choose from is of the user's own clinic, and nothing else is taken."""

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        model = db_field.remote_field.model
        kwargs.setdefault("queryset", model._default_manager.filter(**own_rows(request, model)))
        field: ModelChoiceField[Any] | None = super().formfield_for_foreignkey(  # type: ignore[misc]
            db_field, request, **kwargs
        )
        return field


class OfOwnClinicAdmin(OwnChoices, admin.ModelAdmin[Any]):
    """Rows of the user's clinic. Desk staff look, the owner changes, a superuser works across clinics."""

    clinic_path = "clinic"

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_at_desk(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_owner(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_change_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        user, rows = user_of(request), super().get_queryset(request)
        return rows if user.is_superuser else rows.filter(**{self.clinic_path: user.clinic_id})

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return self._without_clinic(request, super().get_list_display(request))

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return self._without_clinic(request, super().get_list_filter(request))

    def get_exclude(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        # The clinic of a row is the user's own; who works across clinics says which, once.
        return [] if user_of(request).is_superuser else ["clinic"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        readonly = list(super().get_readonly_fields(request, obj))
        return [*readonly, "clinic"] if obj is not None and user_of(request).is_superuser else readonly

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        user = user_of(request)
        if not change and not user.is_superuser:
            obj.clinic_id = user.clinic_id
        super().save_model(request, obj, form, change)

    def _without_clinic(self, request: HttpRequest, names: Any) -> list[Any]:
        """Whoever has one clinic needs no column and no filter for it."""
        return [name for name in names if user_of(request).is_superuser or name != "clinic"]
