"""Forms of a patient's account. They work without scripts."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from clinic.accounts.serializers import PHONE_LENGTH
from clinic.common.errors import ChairsideError
from clinic.portal.account.refusals import sentence_of
from clinic.portal.choices import LANGUAGE_CHOICES
from clinic.portal.waitlist_forms import PARTS, practitioner_field, service_field
from clinic.scheduling.models import Clinic
from clinic.scheduling.queries.practitioners import practitioners_of, services_of

REQUIRED = {"required": gettext_lazy("This is needed.")}


class AccountForm(forms.Form):
    def __init__(self, data: Any = None, files: Any = None, *, values: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, files, initial=dict(values or {}), label_suffix="")
        for bound in self:
            bound.field.error_messages["required"] = REQUIRED["required"]

    def add_refusal(self, refusal: ChairsideError, names: Mapping[str, str] | None = None) -> None:
        attr = (names or {}).get(refusal.attr or "", refusal.attr)
        self.add_error(attr if attr in self.fields else None, sentence_of(refusal))


def _text(label: Any, *, most: int = 120, required: bool = True, hint: Any = "", **attrs: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"class": "input", **attrs})
    return forms.CharField(label=label, max_length=most, required=required, help_text=hint, widget=widget)


def _email() -> forms.EmailField:
    return forms.EmailField(
        label=gettext_lazy("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"class": "input", "autocomplete": "email"}),
        error_messages={"invalid": gettext_lazy("This is not an e-mail address.")},
    )


def _password(label: Any, autocomplete: str, *, required: bool = True, hint: Any = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=256,
        strip=False,
        required=required,
        help_text=hint,
        widget=forms.PasswordInput(attrs={"class": "input", "autocomplete": autocomplete}),
    )


def _date(label: Any, *, required: bool = True, hint: Any = "") -> forms.DateField:
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"class": "input", "type": "date"})
    return forms.DateField(label=label, required=required, help_text=hint, widget=widget, input_formats=["%Y-%m-%d"])


class SignUpForm(AccountForm):
    clinic = forms.ModelChoiceField(
        Clinic.objects.none(),
        label=gettext_lazy("Clinic"),
        to_field_name="slug",
        empty_label=gettext_lazy("Choose your clinic"),
        widget=forms.Select(attrs={"class": "input"}),
    )
    name = _text(gettext_lazy("Name"), autocomplete="name")
    email = _email()
    phone = _text(
        gettext_lazy("Phone, if you like SMS"), most=PHONE_LENGTH, required=False, type="tel", autocomplete="tel"
    )
    password = _password(
        gettext_lazy("Password"),
        "new-password",
        hint=gettext_lazy("At least eight characters; several words are easy to keep."),
    )

    def __init__(self, *args: Any, clinics: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["clinic"]
        field.queryset = clinics
        choices = list(clinics[:2])
        if len(choices) == 1:
            field.widget, self.initial["clinic"] = forms.HiddenInput(), choices[0].slug


class ProfileForm(AccountForm):
    name = _text(gettext_lazy("Name"), autocomplete="name")
    email = _email()
    phone = _text(gettext_lazy("Phone"), most=PHONE_LENGTH, required=False, type="tel", autocomplete="tel")
    password = _password(
        gettext_lazy("Your password"),
        "current-password",
        required=False,
        hint=gettext_lazy("Only for another e-mail address or phone."),
    )


class PreferencesForm(AccountForm):
    language = forms.ChoiceField(
        label=gettext_lazy("Language of messages"),
        choices=LANGUAGE_CHOICES,
        required=False,
        widget=forms.Select(attrs={"class": "input"}),
    )
    wants_email = forms.BooleanField(label=gettext_lazy("Mails"), required=False)
    wants_sms = forms.BooleanField(label=gettext_lazy("SMS"), required=False)
    wants_reminders = forms.BooleanField(label=gettext_lazy("Reminders before a visit"), required=False)


class PasswordForm(AccountForm):
    old_password = _password(gettext_lazy("Your password now"), "current-password")
    new_password = _password(
        gettext_lazy("New password"),
        "new-password",
        hint=gettext_lazy("At least eight characters; several words are easy to keep."),
    )


class FamilyMemberForm(AccountForm):
    name = _text(gettext_lazy("Name"), autocomplete="off")
    birth_date = _date(gettext_lazy("Date of birth, if you like"), required=False)


class CodeForm(AccountForm):
    code = _text(gettext_lazy("Code from the SMS"), most=10, inputmode="numeric", autocomplete="one-time-code")


class AccountPhotoForm(AccountForm):
    photo = forms.FileField(
        label=gettext_lazy("A picture"),
        widget=forms.FileInput(attrs={"class": "input", "accept": "image/jpeg,image/png,image/webp"}),
    )


class WishForm(AccountForm):
    """The wish for a visit: service, practitioner, and for whom."""

    service = service_field()
    practitioner = practitioner_field()
    patient = forms.ChoiceField(label=gettext_lazy("For whom"), widget=forms.Select(attrs={"class": "input"}))

    def __init__(self, *args: Any, clinic: Clinic, people: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        service: Any = self.fields["service"]
        practitioner: Any = self.fields["practitioner"]
        whom: Any = self.fields["patient"]
        service.queryset, practitioner.queryset = services_of(clinic), practitioners_of(clinic)
        whom.choices = people
        if len(people) == 1:
            whom.widget, whom.required = forms.HiddenInput(), False

    @property
    def patient_id(self) -> int | None:
        chosen = self.cleaned_data.get("patient")
        return int(chosen) if chosen else None

    def wished(self) -> dict[str, Any]:
        service, practitioner = self.cleaned_data["service"], self.cleaned_data["practitioner"]
        return {
            "service_id": service.pk if service is not None else None,
            "practitioner_id": practitioner.pk if practitioner is not None else None,
        }


class WaitForm(WishForm):
    first_date = _date(gettext_lazy("From"))
    last_date = _date(gettext_lazy("Until"))
    part_of_day = forms.ChoiceField(
        label=gettext_lazy("When"), choices=PARTS, widget=forms.Select(attrs={"class": "input"})
    )
    auto_accept = forms.BooleanField(
        label=gettext_lazy("Book at once, without asking me"),
        required=False,
    )

    def wished(self) -> dict[str, Any]:
        names = ("first_date", "last_date", "part_of_day", "auto_accept")
        return super().wished() | {name: self.cleaned_data[name] for name in names}
