"""Services of the clinic."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinic.clinic_setup.serializers.offered_services import ServiceInput
from clinic.portal.settings.fields import number_field, text_field
from clinic.portal.settings.forms import SettingsForm
from clinic.scheduling.models import Clinic, Practitioner, Service

OWN_FIELDS = ("name", "duration_minutes", "buffer_before_minutes", "buffer_after_minutes", "color")
NEW = {"duration_minutes": 30, "buffer_before_minutes": 0, "buffer_after_minutes": 0, "color": "#2563eb"}


class ServiceForm(SettingsForm):
    name = text_field(gettext_lazy("Name"), most=120)
    duration_minutes = number_field(gettext_lazy("Duration, in minutes"), least=5, most=480, step=5)
    buffer_before_minutes = number_field(
        gettext_lazy("Minutes before it"), least=0, most=240, step=5, hint=gettext_lazy("Kept free to prepare.")
    )
    buffer_after_minutes = number_field(
        gettext_lazy("Minutes after it"), least=0, most=240, step=5, hint=gettext_lazy("Kept free to clean up.")
    )
    color = forms.RegexField(
        r"^#[0-9a-fA-F]{6}$",
        label=gettext_lazy("Colour"),
        widget=forms.TextInput(attrs={"class": "input", "type": "color"}),
        error_messages={"invalid": gettext_lazy("Choose a colour.")},
    )
    practitioners = forms.ModelMultipleChoiceField(
        Practitioner.objects.none(),
        label=gettext_lazy("Who offers it"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, clinic: Clinic, row: Service | None = None, **kwargs: Any) -> None:
        values = NEW if row is None else self.values_of(row)
        super().__init__(*args, values=values, version=None if row is None else row.version, **kwargs)
        practitioners: Any = self.fields["practitioners"]
        practitioners.queryset = Practitioner.objects.filter(clinic=clinic, active=True)

    @staticmethod
    def values_of(row: Service) -> dict[str, Any]:
        """Without inactive practitioners: they are not offered to choose from."""
        offering = row.practitioners.filter(active=True).order_by("pk").values_list("pk", flat=True)
        return {**{name: getattr(row, name) for name in OWN_FIELDS}, "practitioners": list(offering)}

    def fields_to_save(self, *, is_new: bool) -> dict[str, Any]:
        fields = dict(self.cleaned_data if is_new else self.changes)
        if "practitioners" in fields:
            fields["practitioners"] = [practitioner.pk for practitioner in fields["practitioners"]]
        return fields

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            self.check_by(ServiceInput(data={name: cleaned[name] for name in OWN_FIELDS}))
        return cleaned


def say_service(service: Service) -> str:
    """In a line: its length and what is kept free around it."""
    length = service.duration_minutes
    said = ngettext("%(count)d minute", "%(count)d minutes", length) % {"count": length}
    buffers = [
        _("%(count)d before") % {"count": service.buffer_before_minutes} if service.buffer_before_minutes else "",
        _("%(count)d after") % {"count": service.buffer_after_minutes} if service.buffer_after_minutes else "",
    ]
    return " · ".join([said, *(buffer for buffer in buffers if buffer)])
