"""The form of an entry of the waitlist."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from clinic.portal.settings.fields import choice_field
from clinic.portal.settings.forms import SettingsForm
from clinic.scheduling.models import Clinic, Practitioner, Service
from clinic.scheduling.queries.practitioners import practitioners_of, services_of
from clinic.waitlist.models import HIGHEST_PRIORITY

PARTS = [
    ("any", gettext_lazy("At any time")),
    ("morning", gettext_lazy("In the morning, before 12")),
    ("afternoon", gettext_lazy("In the afternoon, 12 to 17")),
    ("evening", gettext_lazy("In the evening, from 17")),
]


def _date_field(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label, widget=forms.DateInput(attrs={"class": "input", "type": "date"}, format="%Y-%m-%d")
    )


def service_field() -> forms.ModelChoiceField[Service]:
    """Without choices until the form knows the clinic."""
    return forms.ModelChoiceField(
        Service.objects.none(),
        label=gettext_lazy("For what"),
        required=False,
        empty_label=gettext_lazy("A visit of usual length"),
        widget=forms.Select(attrs={"class": "input"}),
    )


def practitioner_field() -> forms.ModelChoiceField[Practitioner]:
    """Without choices until the form knows the clinic."""
    return forms.ModelChoiceField(
        Practitioner.objects.none(),
        label=gettext_lazy("With whom"),
        required=False,
        empty_label=gettext_lazy("Anybody"),
        widget=forms.Select(attrs={"class": "input"}),
    )


class EntryForm(SettingsForm):
    service = service_field()
    practitioner = practitioner_field()
    first_date = _date_field(gettext_lazy("From"))
    last_date = _date_field(gettext_lazy("Until"))
    part_of_day = choice_field(gettext_lazy("When"), PARTS)
    priority = forms.IntegerField(
        label=gettext_lazy("Priority"),
        min_value=0,
        max_value=HIGHEST_PRIORITY,
        initial=0,
        help_text=gettext_lazy("0 to 9: the higher is asked first."),
        widget=forms.NumberInput(attrs={"class": "input short"}),
    )
    auto_accept = forms.BooleanField(
        label=gettext_lazy("Book at once, without asking"),
        required=False,
        help_text=gettext_lazy("They have said that any time which suits is fine."),
    )

    def __init__(self, *args: Any, clinic: Clinic, values: Mapping[str, Any] | None = None) -> None:
        super().__init__(*args, values={"priority": 0, **(values or {})})
        service: Any = self.fields["service"]
        practitioner: Any = self.fields["practitioner"]
        service.queryset, practitioner.queryset = services_of(clinic), practitioners_of(clinic)

    def wishes(self) -> dict[str, Any]:
        given = dict(self.cleaned_data)
        service, practitioner = given.pop("service"), given.pop("practitioner")
        return {
            **given,
            "service_id": service.pk if service is not None else None,
            "practitioner_id": practitioner.pk if practitioner is not None else None,
        }
