from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html_join
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from clinic.accounts.own_clinic import OfOwnClinicAdmin, OwnClinicFilter, VersionedForm, acting_for, is_at_desk, user_of
from clinic.common import clock
from clinic.people.models import PREFERENCES, Patient, PatientAction, PatientEvent
from clinic.people.queries import is_phone, phone_condition, possible_duplicates
from clinic.people.services.merging import merge_patients
from clinic.people.services.patients import create_patient, edit_patient

EDITABLE = ("name", "email", "phone")


class FoundByPhone:
    """The search takes a phone number as it is said: with blanks, and without a country code."""

    phone_prefix = ""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found, may_repeat = super().get_search_results(request, queryset, search_term)  # type: ignore[misc]
        if is_phone(search_term):
            clinic = user_of(request).clinic
            region = clinic.phone_region if clinic is not None else None
            found |= queryset.filter(phone_condition(search_term, region=region, prefix=self.phone_prefix))
        return found, may_repeat


class PatientForm(VersionedForm):
    # As a person writes it: the service stores it with its country code.
    phone = forms.CharField(required=False, max_length=40, widget=UnfoldAdminTextInputWidget)

    merge_into = forms.ModelChoiceField(
        Patient.objects.none(),
        required=False,
        label="Same person as",
        widget=UnfoldAdminSelectWidget,
        help_text="When you save, everything attached to this record moves to the one chosen, and this one is gone.",
    )

    class Meta:
        model = Patient
        fields = ("clinic", *EDITABLE, *PREFERENCES)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields["merge_into"]
        if self.instance.pk is not None:
            choices.queryset = Patient.objects.filter(pk__in=[other.pk for other in _duplicates_of(self.instance)])


@admin.register(Patient)
class PatientAdmin(FoundByPhone, OfOwnClinicAdmin):
    form = PatientForm
    list_display = ("name", "phone", "email", "has_account", "clinic")
    list_filter = (("user", admin.EmptyFieldListFilter), ("clinic", OwnClinicFilter))
    list_select_related = ("clinic",)
    search_fields = ("name", "phone", "email")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = super().get_fields(request, obj)
        merges = isinstance(obj, Patient) and self.has_change_permission(request, obj) and _duplicates_of(obj)
        return fields if merges else [name for name in fields if name != "merge_into"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return (*fields, "possibly_the_same_person") if obj is not None else fields

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_at_desk(request)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            editable = (*EDITABLE, *PREFERENCES)
            changes = {name: form.cleaned_data[name] for name in editable if name in form.changed_data}
            editor = acting_for(request, obj.clinic)
            edit_patient(editor=editor, patient_id=obj.pk, changes=changes, expected=form.expected)
            into = form.cleaned_data.get("merge_into")
            if into is not None:
                merge_patients(editor=editor, patient_id=obj.pk, into_id=into.pk, now=clock.now())
        else:
            obj.clinic = form.cleaned_data.get("clinic") or user_of(request).clinic
            named = {name: form.cleaned_data[name] for name in EDITABLE}
            preferences = {name: form.cleaned_data[name] for name in PREFERENCES}
            obj.pk = create_patient(clinic=obj.clinic, **named, preferences=preferences).pk

    def response_change(self, request: HttpRequest, obj: Patient) -> HttpResponse:
        if Patient.objects.filter(pk=obj.pk).exists():
            return super().response_change(request, obj)
        merge = PatientEvent.objects.filter(patient=obj.pk, action=PatientAction.MERGE).latest("pk")
        assert merge.other_patient_id is not None
        self.message_user(request, f"{obj.name} is one record now.", messages.SUCCESS)
        return HttpResponseRedirect(_page_of(merge.other_patient_id))

    @admin.display(description="possibly the same person")
    def possibly_the_same_person(self, patient: Patient) -> str:
        links = [
            (_page_of(other.pk), other.name, "has an account" if other.user_id is not None else "no account")
            for other in _duplicates_of(patient)
        ]
        return format_html_join(", ", '<a href="{}">{}</a> ({})', links) or "–"

    @admin.display(boolean=True, description="has an account")
    def has_account(self, patient: Patient) -> bool:
        return patient.user_id is not None


def _duplicates_of(patient: Patient) -> list[Patient]:
    return possible_duplicates([patient], among=Patient.objects.filter(clinic=patient.clinic_id))[patient.pk]


def _page_of(patient_id: int) -> str:
    return reverse("admin:appointments_patient_change", args=[patient_id])
