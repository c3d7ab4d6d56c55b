from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from clinic.accounts.own_clinic import OfOwnClinicAdmin, VersionedForm, acting_for, check_by
from clinic.clinic_setup.serializers.clinics import ClinicInput
from clinic.clinic_setup.services.clinics import edit_clinic
from clinic.common import clock
from clinic.scheduling.models import Clinic

NO_SETTING = {"slug", "seen_version"}


class ClinicForm(VersionedForm):
    timezone = forms.ChoiceField(
        choices=[(name, name) for name in sorted(available_timezones())], widget=UnfoldAdminSelectWidget
    )
    force = forms.BooleanField(
        required=False,
        label="Change the zone although appointments are ahead",
        widget=UnfoldBooleanSwitchWidget,
    )

    class Meta:
        model = Clinic
        fields = "__all__"

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        changed = {name: cleaned[name] for name in self.changed_data if name in cleaned and name not in NO_SETTING}
        if not self.errors:
            row = Clinic.objects.filter(pk=self.instance.pk).first()
            check_by(ClinicInput(row, data=changed, partial=True), self)
        return cleaned


@admin.register(Clinic)
class ClinicAdmin(OfOwnClinicAdmin):
    """Name, zone, policy. A new clinic is a superuser's to make."""

    form = ClinicForm
    list_display = ("name", "slug", "timezone")
    search_fields = ("name", "slug")
    clinic_path = "pk"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def get_exclude(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return []

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [] if obj is None else ["slug"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.save()
            return
        changes = {name: form.cleaned_data[name] for name in form.changed_data if name not in {"force", "seen_version"}}
        clinic = Clinic.objects.get(pk=obj.pk)  # The form has written on its own copy already.
        force = form.cleaned_data["force"]
        edit_clinic(
            owner=acting_for(request, clinic), changes=changes, now=clock.now(), force=force, expected=form.expected
        )
