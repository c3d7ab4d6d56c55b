"""The base of the admin's pages: everybody sees rows and choices of their own clinic, a superuser those of all.

Whatever is changed here is changed by the services: a page validates, calls one, and shows its refusal beside what
was typed.
"""

import copy
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import ForeignKey, Model, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from rest_framework.serializers import Serializer

from clinic.accounts.models import Role, User
from clinic.common.admin import ModelAdmin, RelatedFilter, TabularInline
from clinic.common.errors import ChairsideError
from clinic.common.transactions import in_one_transaction
from clinic.common.versions import Expected

MAX_LISTED = 10
KEPT_NAMES = frozenset({"name", "specialisation"})


def user_of(request: HttpRequest) -> User:
    """The user of an admin page. Here, and nowhere else, a superuser reads the rows of every clinic."""
    assert isinstance(request.user, User)
    request.user.reads_every_clinic = request.user.is_superuser
    return request.user


def is_at_desk(request: HttpRequest) -> bool:
    """Owner and staff, and a superuser. `is_staff` alone lets nobody see anything."""
    user = request.user
    return isinstance(user, User) and (user.is_superuser or user.works_at_desk)


def is_owner(request: HttpRequest) -> bool:
    user = request.user
    return isinstance(user, User) and (user.is_superuser or user.role == Role.OWNER)


def acting_for(request: HttpRequest, clinic: Any) -> User:
    """The user as the services know them: a superuser is in every clinic what its owner is there."""
    user = user_of(request)
    if user.is_superuser:
        user = copy.copy(user)
        user.role, user.clinic = Role.OWNER, clinic
    return user


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


class OwnClinicFilter(RelatedFilter):
    """A filter by a related row offers those of the user's own clinic."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        ordering = self.field_admin_ordering(field, request, model_admin)
        own = own_rows(request, field.related_model)
        return field.get_choices(include_blank=False, ordering=ordering, limit_choices_to=own)


class VersionedForm(forms.ModelForm[Any]):
    """Remembers what the page showed: whoever changed it meanwhile is not overwritten."""

    seen_version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["seen_version"] = self.instance.version
        self.fields["seen_version"].required = self.instance.pk is not None

    def _get_validation_exclusions(self) -> set[str]:
        """A name from before there were rules stays until somebody changes it."""
        kept = KEPT_NAMES - set(self.changed_data) if self.instance.pk is not None else set()
        exclusions: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # Its stubs know less.
        return exclusions | kept

    @property
    def expected(self) -> Expected:
        return Expected(self.cleaned_data.get("seen_version"))


class OwnChoices:
    """Choices of a form are of the user's own clinic, and no other value is taken."""

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField[Any] | None:
        model = db_field.remote_field.model
        kwargs.setdefault("queryset", model._default_manager.filter(**own_rows(request, model)))
        field: forms.ModelChoiceField[Any] | None = super().formfield_for_foreignkey(  # type: ignore[misc]
            db_field, request, **kwargs
        )
        return field


class OfOwnClinicAdmin(OwnChoices, ModelAdmin[Any]):
    """Rows of the user's clinic. Desk staff look, the owner changes, a superuser works across clinics."""

    clinic_path = "clinic"
    list_filter_submit = True
    list_per_page = 50
    show_full_result_count = False
    warn_unsaved_form = True

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_at_desk(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_owner(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        user = user_of(request)
        return rows if user.is_superuser else rows.filter(**{self.clinic_path: user.clinic_id})

    def get_list_filter(self, request: HttpRequest) -> Any:
        return _without_clinic(super().get_list_filter(request), request)

    def get_list_display(self, request: HttpRequest) -> Any:
        return _without_clinic(super().get_list_display(request), request)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = [name for name in super().get_fields(request, obj) if name != "seen_version"]
        return _without_clinic(fields, request)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Add the version of the row that the form shows, so that a change names it."""
        fieldsets = super().get_fieldsets(request, obj)
        is_changed = obj is not None and self.has_change_permission(request, obj)
        if not is_changed or not issubclass(self.form, VersionedForm):
            return fieldsets
        return (*fieldsets, (None, {"fields": ("seen_version",)}))

    def get_exclude(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        # The clinic of a row is the user's own; who works across clinics says which, once.
        return [] if user_of(request).is_superuser else ["clinic"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        readonly = list(super().get_readonly_fields(request, obj))
        return [*readonly, "clinic"] if obj is not None and user_of(request).is_superuser else readonly

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """A refusal of a service is shown as an error of the form, with all that was typed."""
        view = in_one_transaction(super().changeform_view)
        try:
            return view(request, object_id, form_url, extra_context)
        except ChairsideError as refusal:
            request.refusal = refusal  # type: ignore[attr-defined]
            return view(request, object_id, form_url, extra_context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Made anew for each request, so it can know whose clinic its choices are of."""
        form: Any = super().get_form(request, obj, change, **kwargs)
        refusal: ChairsideError | None = getattr(request, "refusal", None)
        if refusal is not None:
            form = _refused(form, refusal)
        form.of_clinic = obj.clinic if hasattr(obj, "clinic") else user_of(request).clinic
        return form

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        try:
            return in_one_transaction(super().delete_view)(request, object_id, extra_context)
        except ChairsideError as refusal:
            for line in lines_of(refusal):
                self.message_user(request, line, messages.ERROR)
            return HttpResponseRedirect(request.path)


class LogAdmin(OfOwnClinicAdmin):
    """To be read: what is written here is written by the services alone."""

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class InlineOfOwnClinic(OwnChoices, TabularInline[Any, Any]):
    """Goes with its parent: whoever sees that sees these."""

    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_at_desk(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_at_desk(request)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_change_permission(request, obj)


def lines_of(refusal: ChairsideError) -> list[str]:
    """Why not, and which appointments stand in the way."""
    lines = [refusal.detail]
    concerned: Any = refusal.extra.get("appointments", [])
    for brief in concerned[:MAX_LISTED]:
        lines.append(f"{brief['patient_name']} with {brief['practitioner_name']}, {brief['start']}")
    if len(concerned) > MAX_LISTED:
        lines.append(f"… and {len(concerned) - MAX_LISTED} more.")
    return lines


def check_by(serializer: Serializer[Any], form: forms.ModelForm[Any], names: dict[str, str] | None = None) -> None:
    """Refuse the values that the API refuses. `names`: the API's name of a field, where the form has another."""
    if serializer.is_valid():
        return
    for name, errors in serializer.errors.items():
        field = (names or {}).get(name, name)
        form.add_error(field if field in form.fields else None, [str(error) for error in errors])


def _without_clinic(names: Sequence[Any], request: HttpRequest) -> Sequence[Any]:
    """A user of one clinic need not name it."""
    if user_of(request).is_superuser:
        return names
    return [name for name in names if name != "clinic" and not (isinstance(name, tuple) and name[0] == "clinic")]


def _refused(form: type[forms.ModelForm[Any]], refusal: ChairsideError) -> Any:
    def clean(self: forms.ModelForm[Any]) -> Any:
        cleaned = form.clean(self)
        self.add_error(refusal.attr if refusal.attr in self.fields else None, lines_of(refusal))
        return cleaned

    return type(form.__name__, (form,), {"clean": clean})
