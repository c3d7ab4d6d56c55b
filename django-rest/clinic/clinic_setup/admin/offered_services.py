from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminColorInputWidget

from clinic.accounts.own_clinic import (
    OfOwnClinicAdmin,
    OwnClinicFilter,
    VersionedForm,
    acting_for,
    check_by,
    user_of,
)
from clinic.clinic_setup.serializers.offered_services import ServiceInput
from clinic.clinic_setup.services.offered_services import create_service, edit_service
from clinic.scheduling.models import Clinic, Practitioner, Service

OWN_FIELDS = ("name", "duration_minutes", "buffer_before_minutes", "buffer_after_minutes", "color", "active")


class ServiceForm(VersionedForm):
    of_clinic: ClassVar[Clinic | None]

    offered_by = forms.ModelMultipleChoiceField(
        Practitioner.objects.filter(active=True), required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    class Meta:
        model = Service
        fields = ("clinic", *OWN_FIELDS)
        widgets = {"color": UnfoldAdminColorInputWidget}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered_by: Any = self.fields["offered_by"]
        if self.of_clinic is not None:
            offered_by.queryset = Practitioner.objects.filter(clinic=self.of_clinic, active=True)
        if self.instance.pk is not None:
            # As offered to choose from: else a page saved as it stood would take away who is not active now.
            offering = self.instance.practitioners.filter(active=True)
            self.initial["offered_by"] = list(offering.values_list("pk", flat=True))

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            check_by(ServiceInput(data={name: cleaned[name] for name in OWN_FIELDS}), self)
        return cleaned


@admin.register(Service)
class ServiceAdmin(OfOwnClinicAdmin):
    form = ServiceForm
    list_display = (
        "name",
        "duration_minutes",
        "buffer_before_minutes",
        "buffer_after_minutes",
        "color",
        "active",
        "clinic",
    )
    list_filter = ("active", ("practitioners", OwnClinicFilter), ("clinic", OwnClinicFilter))
    list_select_related = ("clinic",)
    search_fields = ("name",)
    fields = ("clinic", *OWN_FIELDS, "offered_by")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        fields = {name: form.cleaned_data[name] for name in OWN_FIELDS if not change or name in form.changed_data}
        if "offered_by" in form.changed_data:
            fields["practitioners"] = [practitioner.pk for practitioner in form.cleaned_data["offered_by"]]
        if change:
            owner = acting_for(request, obj.clinic)
            edit_service(owner=owner, service_id=obj.pk, changes=fields, expected=form.expected)
        else:
            obj.clinic = form.cleaned_data.get("clinic") or user_of(request).clinic
            obj.pk = create_service(owner=acting_for(request, obj.clinic), fields=fields).pk

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The practitioners of a service are saved with it."""
