"""People of the clinic: accounts, and the records of practitioners."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.accounts.models import Role, User
from clinic.accounts.phones import MAX_EXTENSION_LENGTH
from clinic.accounts.serializers import PHONE_LENGTH, StaffEditInput
from clinic.clinic_setup.serializers.practitioners import PractitionerInput
from clinic.portal.settings.fields import choice_field, text_field
from clinic.portal.settings.forms import SettingsForm
from clinic.scheduling.models import Clinic, Practitioner, Service

ROLES = [
    (Role.OWNER.value, gettext_lazy("Owner: everything, these settings too")),
    (Role.STAFF.value, gettext_lazy("Desk: everybody’s visits and patients")),
    (Role.PRACTITIONER.value, gettext_lazy("Practitioner: their own visits and hours")),
]
ROLE_NAMES = {
    Role.OWNER: gettext_lazy("Owner"),
    Role.STAFF: gettext_lazy("Desk"),
    Role.PRACTITIONER: gettext_lazy("Practitioner"),
}


class MemberForm(SettingsForm):
    name = text_field(gettext_lazy("Name"), most=120, autocomplete="off")
    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        max_length=254,
        help_text=gettext_lazy("They sign in with it."),
        widget=forms.EmailInput(attrs={"class": "input", "autocomplete": "off"}),
    )
    phone = text_field(gettext_lazy("Phone"), most=PHONE_LENGTH, required=False, type="tel")
    phone_extension = text_field(
        gettext_lazy("Extension"), most=MAX_EXTENSION_LENGTH, required=False, inputmode="numeric"
    )
    role = choice_field(gettext_lazy("Role"), ROLES)
    practitioner = forms.ModelChoiceField(
        Practitioner.objects.none(),
        label=gettext_lazy("Own schedule"),
        required=False,
        empty_label=gettext_lazy("none"),
        help_text=gettext_lazy("Of a practitioner: whose visits and hours are theirs."),
        widget=forms.Select(attrs={"class": "input"}),
    )

    def __init__(self, *args: Any, clinic: Clinic, row: User | None = None, **kwargs: Any) -> None:
        values = {"role": Role.STAFF.value} if row is None else self.values_of(row)
        super().__init__(*args, values=values, version=None if row is None else row.version, **kwargs)
        practitioner: Any = self.fields["practitioner"]
        practitioner.queryset = Practitioner.objects.filter(clinic=clinic)

    @staticmethod
    def values_of(row: User) -> dict[str, Any]:
        phone = row.shown_phone
        linked = getattr(row, "practitioner", None)
        return {
            "name": row.name,
            "email": row.shown_email,
            "phone": phone.number,
            "phone_extension": phone.extension,
            "role": row.role,
            "practitioner": None if linked is None else linked.pk,
        }

    def fields_to_save(self, *, is_new: bool) -> dict[str, Any]:
        fields = dict(self.cleaned_data if is_new else self.changes)
        if "practitioner" in fields:
            fields["practitioner"] = None if fields["practitioner"] is None else fields["practitioner"].pk
        if fields.get("phone") == "":
            fields["phone"] = None
        if is_new:
            fields = {name: value for name, value in fields.items() if value not in (None, "")}
        return fields

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            given = {name: cleaned[name] for name in ("name", "email", "role")}
            self.check_by(StaffEditInput(data=given, partial=True))
            if cleaned.get("practitioner") is not None and cleaned["role"] != Role.PRACTITIONER.value:
                self.add_error("practitioner", _("Only a practitioner’s account has a schedule of its own."))
        return cleaned


class PhotoForm(forms.Form):
    photo = forms.FileField(
        label=gettext_lazy("Photo"),
        widget=forms.FileInput(attrs={"class": "input", "accept": "image/*"}),
        error_messages={"required": gettext_lazy("Choose a picture first.")},
    )


class PractitionerForm(SettingsForm):
    name = text_field(gettext_lazy("Name"), most=120, autocomplete="off")
    specialisation = text_field(
        gettext_lazy("Specialisation"), most=120, required=False, hint=gettext_lazy("Patients see it when they book.")
    )
    services = forms.ModelMultipleChoiceField(
        Service.objects.none(), label=gettext_lazy("Services"), required=False, widget=forms.CheckboxSelectMultiple
    )
    user = forms.ModelChoiceField(
        User.objects.none(),
        label=gettext_lazy("Account"),
        required=False,
        empty_label=gettext_lazy("none"),
        help_text=gettext_lazy("Who signs in as this practitioner. Accounts are invited under Staff."),
        widget=forms.Select(attrs={"class": "input"}),
    )

    def __init__(self, *args: Any, clinic: Clinic, row: Practitioner | None = None, **kwargs: Any) -> None:
        values = {} if row is None else self.values_of(row)
        super().__init__(*args, values=values, version=None if row is None else row.version, **kwargs)
        services: Any = self.fields["services"]
        services.queryset = Service.objects.filter(clinic=clinic, active=True)
        user: Any = self.fields["user"]
        user.queryset = User.objects.filter(clinic=clinic, role=Role.PRACTITIONER).order_by("name", "id")
        user.label_from_instance = lambda one: one.name

    @staticmethod
    def values_of(row: Practitioner) -> dict[str, Any]:
        offered = row.services.filter(active=True).order_by("pk").values_list("pk", flat=True)
        return {
            "name": row.name,
            "specialisation": row.specialisation,
            "services": list(offered),
            "user": row.user_id,
        }

    def fields_to_save(self, *, is_new: bool) -> dict[str, Any]:
        fields = dict(self.cleaned_data if is_new else self.changes)
        if "services" in fields:
            fields["services"] = [service.pk for service in fields["services"]]
        if "user" in fields:
            fields["user"] = None if fields["user"] is None else fields["user"].pk
        return fields

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            given = {name: cleaned[name] for name in ("name", "specialisation")}
            self.check_by(PractitionerInput(data=given))
        return cleaned


def initials(name: str) -> str:
    """In the place of a photo: of the first and the last name, without a title."""
    words = [word for word in name.split() if not word.endswith(".") and word != "Dr"] or name.split()
    return "".join(word[0] for word in dict.fromkeys((words[0], words[-1]))).upper() if words else ""
