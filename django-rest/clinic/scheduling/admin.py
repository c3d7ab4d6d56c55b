from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from clinic.accounts.models import Role, User
from clinic.accounts.own_clinic import OfOwnClinicAdmin, OwnChoices, OwnClinicFilter, is_at_desk, is_owner, own_rows
from clinic.scheduling.models import Clinic, Practitioner, ScheduleException, Service, ServicePractitioner, WorkingBlock


class ClinicForm(forms.ModelForm[Clinic]):
    timezone = forms.ChoiceField(choices=[(name, name) for name in sorted(available_timezones())])

    class Meta:
        model = Clinic
        fields = "__all__"  # noqa: DJ007 - every part of the policy


@admin.register(Clinic)
class ClinicAdmin(OfOwnClinicAdmin):
    form = ClinicForm
    list_display = ("name", "slug", "timezone")
    clinic_path = "pk"

    def get_exclude(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return []

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return []

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.save()


class InlineOfOwnClinic(OwnChoices, admin.TabularInline[Any, Any]):
    """Goes with its parent: whoever may change that may change these."""

    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_at_desk(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_owner(request)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_change_permission(request, obj)


class WorkingBlockInline(InlineOfOwnClinic):
    model = WorkingBlock


@admin.register(Practitioner)
class PractitionerAdmin(OfOwnClinicAdmin):
    list_display = ("name", "specialisation", "clinic", "active")
    list_filter = ("active", "clinic")
    list_select_related = ("clinic",)
    search_fields = ("name", "specialisation")
    inlines = (WorkingBlockInline,)

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField[Any] | None:
        if db_field.name == "user":
            accounts = User.objects.filter(role=Role.PRACTITIONER, **own_rows(request, User))
            kwargs["queryset"] = accounts.order_by("name", "id")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class ServicePractitionerInline(InlineOfOwnClinic):
    model = ServicePractitioner
    autocomplete_fields = ("practitioner",)


@admin.register(Service)
class ServiceAdmin(OfOwnClinicAdmin):
    list_display = ("name", "duration_minutes", "buffer_before_minutes", "buffer_after_minutes", "color", "active")
    list_filter = ("active", "clinic")
    search_fields = ("name",)
    inlines = (ServicePractitionerInline,)


@admin.register(ScheduleException)
class ScheduleExceptionAdmin(OfOwnClinicAdmin):
    list_display = ("start_date", "end_date", "practitioner", "closed", "start_local", "end_local", "reason")
    list_filter = ("closed", ("practitioner", OwnClinicFilter))
    date_hierarchy = "start_date"
    autocomplete_fields = ("practitioner",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScheduleException]:
        return super().get_queryset(request).select_related("practitioner")
