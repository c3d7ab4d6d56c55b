"""Forms of the booking page: who comes, and for what a visitor waits."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.accounts.models import User
from clinic.people.queries import family_of
from clinic.portal.waitlist_forms import PARTS

SOMEBODY_NEW = "new"
MAX_NOTE = 1000


def _text(label: Any, *, most: int, required: bool = True, error: Any = None, **attributes: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=most,
        required=required,
        widget=forms.TextInput(attrs={"class": "input", **attributes}),
        error_messages={"required": error} if error else None,
    )


class PlainForm(forms.Form):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})

    def refuse(self, field: str | None, sentence: str) -> None:
        self.add_error(field if field in self.fields else None, sentence)


class ChosenForm(PlainForm):
    """The hidden part of every form here: what was chosen before."""

    service = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)
    practitioner = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)
    start = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    hold = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)


class NoteField(forms.CharField):
    def __init__(self) -> None:
        super().__init__(
            label=gettext_lazy("Anything the clinic should know?"),
            required=False,
            max_length=MAX_NOTE,
            widget=forms.Textarea(attrs={"class": "input", "rows": 2}),
        )


class GuestForm(ChosenForm):
    """A visitor without an account. With `code`, one that was sent to the phone is asked for."""

    name = _text(
        gettext_lazy("Name"), most=120, autocomplete="name", error=gettext_lazy("Tell the clinic who is coming.")
    )
    phone = _text(
        gettext_lazy("Phone"),
        most=60,
        autocomplete="tel",
        type="tel",
        error=gettext_lazy("The clinic needs a number to reach you."),
    )
    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        required=False,
        max_length=254,
        widget=forms.EmailInput(attrs={"class": "input", "autocomplete": "email"}),
        error_messages={"invalid": gettext_lazy("This is not an e-mail address. Write it as name@example.org.")},
    )
    note = NoteField()
    code = _text(
        gettext_lazy("Code from the SMS"),
        most=16,
        required=False,
        autocomplete="one-time-code",
        inputmode="numeric",
        pattern="[0-9 ]*",
    )

    def __init__(self, *args: Any, asks_code: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not asks_code:
            del self.fields["code"]

    def guest(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in ("name", "phone", "email")}


class PatientForm(ChosenForm):
    """A signed-in patient: for themselves, for one of the family, or for somebody who joins it now."""

    patient = forms.ChoiceField(label=gettext_lazy("Who comes?"), widget=forms.RadioSelect)
    new_name = _text(gettext_lazy("Name"), most=120, required=False, autocomplete="off")
    note = NoteField()

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        self.user = user
        own_id = str(user.patient.pk)
        members = [(str(member.patient_id), member.patient.name) for member in family_of(user)]
        kwargs["initial"] = {"patient": own_id, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        field: Any = self.fields["patient"]
        field.choices = [(own_id, user.patient.name), *members, (SOMEBODY_NEW, _("Somebody else of my family"))]

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if given.get("patient") == SOMEBODY_NEW and not given.get("new_name", "").strip():
            self.add_error("new_name", _("Tell the clinic who is coming."))
        return given


class WishMixin(forms.Form):
    """Days and times for which a visitor waits."""

    first_date = forms.DateField(
        label=gettext_lazy("From"), widget=forms.DateInput(attrs={"class": "input", "type": "date"}, format="%Y-%m-%d")
    )
    last_date = forms.DateField(
        label=gettext_lazy("Until"), widget=forms.DateInput(attrs={"class": "input", "type": "date"}, format="%Y-%m-%d")
    )
    part_of_day = forms.ChoiceField(
        label=gettext_lazy("When"), choices=PARTS, widget=forms.Select(attrs={"class": "input"})
    )

    def wishes(self) -> Mapping[str, Any]:
        given = self.cleaned_data
        return {
            "first_date": given["first_date"],
            "last_date": given["last_date"],
            "part_of_day": given["part_of_day"],
            "service_id": given["service"],
            "practitioner_id": given["practitioner"],
        }


class GuestWaitForm(WishMixin, GuestForm):
    field_order = ("first_date", "last_date", "part_of_day")


class PatientWaitForm(WishMixin, PatientForm):
    field_order = ("first_date", "last_date", "part_of_day")
