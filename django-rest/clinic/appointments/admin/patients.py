from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextInputWidget

from clinic.accounts.own_clinic import OfOwnClinicAdmin, OwnClinicFilter, acting_for, is_at_desk, user_of
from clinic.appointments.models import Patient
from clinic.appointments.services.patients import create_patient, edit_patient

EDITABLE = ("name", "email", "phone")


class PatientForm(forms.ModelForm[Patient]):
    # As a person writes it: the service stores it with its country code.
    phone = forms.CharField(required=False, max_length=40, widget=UnfoldAdminTextInputWidget)

    class Meta:
        model = Patient
        fields = ("clinic", *EDITABLE)


@admin.register(Patient)
class PatientAdmin(OfOwnClinicAdmin):
    form = PatientForm
    list_display = ("name", "phone", "email", "has_account", "clinic")
    list_filter = (("user", admin.EmptyFieldListFilter), ("clinic", OwnClinicFilter))
    list_select_related = ("clinic",)
    search_fields = ("name", "phone", "email")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_at_desk(request)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            changes = {name: form.cleaned_data[name] for name in EDITABLE if name in form.changed_data}
            edit_patient(editor=acting_for(request, obj.clinic), patient_id=obj.pk, changes=changes)
        else:
            obj.clinic = form.cleaned_data.get("clinic") or user_of(request).clinic
            obj.pk = create_patient(clinic=obj.clinic, **{name: form.cleaned_data[name] for name in EDITABLE}).pk

    @admin.display(boolean=True, description="has an account")
    def has_account(self, patient: Patient) -> bool:
        return patient.user_id is not None
