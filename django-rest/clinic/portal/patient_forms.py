"""The form of a patient's record."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from clinic.accounts.phones import MAX_EXTENSION_LENGTH
from clinic.accounts.serializers import PHONE_LENGTH
from clinic.people.models import MAX_ALERT_LENGTH, PREFERENCES, Patient
from clinic.people.serializers.patients import PatientEditInput
from clinic.portal.choices import LANGUAGE_CHOICES
from clinic.portal.settings.fields import choice_field, text_field
from clinic.portal.settings.forms import SettingsForm


class PatientForm(SettingsForm):
    name = text_field(gettext_lazy("Name"), most=120, autocomplete="off")
    alert = text_field(gettext_lazy("Alert"), most=MAX_ALERT_LENGTH, required=False)
    birth_date = forms.DateField(
        label=gettext_lazy("Date of birth"),
        required=False,
        widget=forms.DateInput(attrs={"class": "input", "type": "date"}, format="%Y-%m-%d"),
    )
    phone = text_field(gettext_lazy("Phone"), most=PHONE_LENGTH, required=False, type="tel", autocomplete="off")
    phone_extension = text_field(
        gettext_lazy("Extension"), most=MAX_EXTENSION_LENGTH, required=False, inputmode="numeric"
    )
    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        required=False,
        max_length=254,
        widget=forms.EmailInput(attrs={"class": "input", "autocomplete": "off"}),
    )
    language = choice_field(gettext_lazy("Language of messages"), LANGUAGE_CHOICES, required=False)
    wants_sms = forms.BooleanField(label=gettext_lazy("SMS"), required=False)
    wants_email = forms.BooleanField(label=gettext_lazy("Mails"), required=False)
    wants_reminders = forms.BooleanField(label=gettext_lazy("Reminders"), required=False)

    def __init__(self, *args: Any, values: Mapping[str, Any], version: int | None = None) -> None:
        wanted = {"wants_sms": True, "wants_email": True, "wants_reminders": True, "language": ""}
        super().__init__(*args, values={**wanted, **values}, version=version)
        self.fields["alert"].widget = forms.Textarea(
            attrs={"class": "input", "rows": 2, "maxlength": MAX_ALERT_LENGTH, "aria-describedby": "about-alert"}
        )
        self.fields["alert"].help_text = gettext_lazy("Shown first, to the clinic alone: an allergy, a need for help.")

    @staticmethod
    def values_of(patient: Patient) -> dict[str, Any]:
        names = ("name", "alert", "birth_date", "phone", "phone_extension", "email", *PREFERENCES)
        return {name: getattr(patient, name) for name in names}

    def fields_to_save(self, given: Mapping[str, Any]) -> dict[str, Any]:
        fields = {name: value for name, value in given.items() if name not in PREFERENCES}
        preferences = {name: value for name, value in given.items() if name in PREFERENCES}
        return fields | ({"preferences": preferences} if preferences else {})

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            fields = self.fields_to_save(cleaned)
            self.check_by(PatientEditInput(data=fields, partial=True))
        return cleaned
