from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html_join
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from clinic.accounts.own_clinic import OfOwnClinicAdmin, OwnClinicFilter, VersionedForm, acting_for, is_at_desk, user_of
from clinic.accounts.serializers import PHONE_LENGTH
from clinic.common import clock
from clinic.people.models import PREFERENCES, Patient, PatientAction, PatientEvent
from clinic.people.names import is_same_name
from clinic.people.queries import families_of, is_phone, phone_condition, possible_duplicates
from clinic.people.services.duplicates import dismiss_duplicate
from clinic.people.services.merging import merge_patients
from clinic.people.services.patients import create_patient, edit_patient

EDITABLE = ("name", "email", "phone", "phone_extension", "birth_date", "alert")
DUPLICATE_FIELDS = ("merge_into", "distinct_from")


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
    phone = forms.CharField(required=False, max_length=PHONE_LENGTH, widget=UnfoldAdminTextInputWidget)

    merge_into = forms.ModelChoiceField(
        Patient.objects.none(),
        required=False,
        label="Same person as",
        widget=UnfoldAdminSelectWidget,
        help_text="When you save, everything attached to this record moves to the one chosen, and this one is gone.",
    )

    distinct_from = forms.ModelMultipleChoiceField(
        Patient.objects.none(),
        required=False,
        label="Not the same person as",
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="Those chosen are not shown here any more.",
    )

    class Meta:
        model = Patient
        fields = ("clinic", *EDITABLE, *PREFERENCES)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            return
        others = Patient.objects.filter(pk__in=[other.pk for other in _duplicates_of(self.instance)])
        for name in DUPLICATE_FIELDS:
            choices: Any = self.fields.get(name)
            if choices is not None:
                choices.queryset = others


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
        return fields if merges else [name for name in fields if name not in DUPLICATE_FIELDS]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return (*fields, "possibly_the_same_person", "booked_for_by") if obj is not None else fields

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_at_desk(request)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            editable = (*EDITABLE, *PREFERENCES)
            changes = {name: form.cleaned_data[name] for name in editable if name in form.changed_data}
            editor = acting_for(request, obj.clinic)
            edit_patient(editor=editor, patient_id=obj.pk, changes=changes, expected=form.expected)
            for other in form.cleaned_data.get("distinct_from") or ():
                dismiss_duplicate(editor=editor, patient_id=obj.pk, other_id=other.pk, now=clock.now())
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
        if merge.other_patient_id is None:
            raise LookupError(f"The merge {merge.pk} names no other record.")
        self.message_user(request, f"{obj.name} is one record now.", messages.SUCCESS)
        return HttpResponseRedirect(_page_of(merge.other_patient_id))

    @admin.display(description="possibly the same person")
    def possibly_the_same_person(self, patient: Patient) -> str:
        links = [
            (_page_of(other.pk), other.name, "has an account" if other.user_id is not None else "no account")
            for other in _duplicates_of(patient)
        ]
        return format_html_join(", ", '<a href="{}">{}</a> ({})', links) or "–"

    @admin.display(description="family of")
    def booked_for_by(self, patient: Patient) -> str:
        return ", ".join(link.user.name for link in patient.family_of.select_related("user")) or "–"

    @admin.display(boolean=True, description="has an account")
    def has_account(self, patient: Patient) -> bool:
        return patient.user_id is not None


def records_of_same_person(patient: Patient) -> list[Patient]:
    """Those with the same phone and name."""
    return [other for other in _duplicates_of(patient) if is_same_name(other.name, patient.name)]


def _duplicates_of(patient: Patient) -> list[Patient]:
    among = Patient.objects.filter(clinic=patient.clinic_id)
    return possible_duplicates([patient], among=among, families=families_of([patient]))[patient.pk]


def _page_of(patient_id: int) -> str:
    return reverse("admin:appointments_patient_change", args=[patient_id])
