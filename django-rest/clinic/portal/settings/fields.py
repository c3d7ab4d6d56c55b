"""Fields that settings are made of beside Django's own."""

from datetime import date, time
from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.utils.formats import date_format, time_format
from django.utils.text import format_lazy
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from clinic.common.instants import zone_of
from clinic.outbox.wording import uses_twelve_hours
from clinic.scheduling.models import Clinic, clock_of

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

# Words, perhaps translated only when they are shown.
Label: TypeAlias = "str | _StrPromise"
MINUTE, HOUR, DAY = 1, 60, 24 * 60
UNITS = [(MINUTE, gettext_lazy("minutes")), (HOUR, gettext_lazy("hours")), (DAY, gettext_lazy("days"))]


def in_units(minutes: int) -> tuple[int, int]:
    """As people say it: 90 minutes, 24 hours, 2 days."""
    if minutes % DAY == 0 and minutes > DAY:
        return minutes // DAY, DAY
    if minutes % HOUR == 0 and minutes > HOUR:
        return minutes // HOUR, HOUR
    return minutes, MINUTE


def say_duration(minutes: int) -> str:
    count, unit = in_units(minutes)
    if unit == DAY:
        return ngettext("%(count)d day", "%(count)d days", count) % {"count": count}
    if unit == HOUR:
        return ngettext("%(count)d hour", "%(count)d hours", count) % {"count": count}
    return ngettext("%(count)d minute", "%(count)d minutes", count) % {"count": count}


def say_time(at: time, clinic: Clinic | None = None) -> str:
    """By the clinic's clock, as messages say it; 14:30 without one."""
    return time_format(at, "g:i A" if clinic is not None and reads_twelve_hours(clinic) else "H:i")


def say_date(day: date, clinic: Clinic) -> str:
    """As it is written where the clinic is: 8 December 2026."""
    language = (get_language() or "en").partition("-")[0]
    is_in_the_us = uses_twelve_hours(clinic.phone_region, zone_of(clinic.timezone))
    formats = {"de": "j. F Y", "en": "F j, Y" if is_in_the_us else "j F Y"}
    return date_format(day, formats.get(language, "DATE_FORMAT"))


def reads_twelve_hours(clinic: Clinic) -> bool:
    """2:30 PM, in the reader's language."""
    is_english = (get_language() or "en").startswith("en")
    return is_english and uses_twelve_hours(zone=zone_of(clinic.timezone), **clock_of(clinic))


def say_end(at: time, clinic: Clinic | None = None) -> str:
    return _("midnight") if at == time.min else say_time(at, clinic)


class DurationWidget(forms.MultiWidget):
    """A number and its unit."""

    template_name = "portal/settings/duration.html"

    def __init__(self, label: Label) -> None:
        number = forms.NumberInput(attrs={"class": "input", "aria-label": label, "min": 0, "inputmode": "numeric"})
        unit_label = format_lazy("{label}: {unit}", label=label, unit=gettext_lazy("unit"))
        super().__init__([number, forms.Select(attrs={"class": "input", "aria-label": unit_label}, choices=UNITS)])

    def decompress(self, value: int | None) -> list[int | None]:
        return [None, HOUR] if value is None else list(in_units(value))


class DurationField(forms.MultiValueField):
    """Minutes, typed as a number and its unit. Empty: None."""

    def __init__(self, *, label: Label, least: int = 0, most: int, required: bool = True) -> None:
        self.least, self.most = least, most
        number = forms.IntegerField(min_value=0, max_value=most, required=required)
        unit = forms.TypedChoiceField(choices=UNITS, coerce=int)
        super().__init__(
            (number, unit),
            label=label,
            required=required,
            require_all_fields=False,
            widget=DurationWidget(label),
            error_messages={"incomplete": gettext_lazy("Type a number.")},
        )

    def compress(self, data_list: list[Any]) -> int | None:
        if not data_list or data_list[0] is None:
            return None
        minutes = int(data_list[0]) * int(data_list[1] or HOUR)
        if not self.least <= minutes <= self.most:
            raise forms.ValidationError(
                _("Between %(least)s and %(most)s.")
                % {"least": say_duration(self.least), "most": say_duration(self.most)}
            )
        return minutes


def text_field(label: Label, *, most: int, required: bool = True, hint: Label = "", **attrs: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"class": "input", **attrs})
    return forms.CharField(label=label, max_length=most, required=required, help_text=hint, widget=widget)


def number_field(label: Label, *, least: int, most: int, step: int = 1, hint: Label = "") -> forms.IntegerField:
    attrs = {"class": "input short", "inputmode": "numeric", "aria-label": label}
    return forms.IntegerField(
        label=label,
        min_value=least,
        max_value=most,
        step_size=step,
        help_text=hint,
        widget=forms.NumberInput(attrs=attrs),
    )


def choice_field(label: Label, choices: Any, *, hint: Label = "", required: bool = True) -> forms.ChoiceField:
    widget = forms.Select(attrs={"class": "input", "aria-label": label})
    return forms.ChoiceField(label=label, choices=choices, help_text=hint, required=required, widget=widget)


def either_field(label: Label, *, yes: Label, no: Label) -> forms.TypedChoiceField:
    """A truth, chosen by the words of a sentence."""
    return forms.TypedChoiceField(
        label=label,
        choices=[("True", yes), ("False", no)],
        coerce=lambda chosen: chosen == "True",
        widget=forms.Select(attrs={"class": "input", "aria-label": label}),
    )


class ClockField(forms.TimeField):
    """On five minutes; with `ends_day`, 24:00 is the midnight that is written 00:00."""

    def __init__(self, *, label: Label, required: bool = True, ends_day: bool = False, hint: Label = "") -> None:
        self.ends_day = ends_day
        widget = forms.TimeInput(format="%H:%M", attrs={"class": "input", "type": "time", "step": 300})
        super().__init__(label=label, required=required, help_text=hint, widget=widget)

    def to_python(self, value: Any) -> time | None:
        if self.ends_day and value in ("24:00", "24:00:00"):
            value = "00:00"
        at_local = super().to_python(value)
        if at_local is not None and (at_local.minute % 5 or at_local.second):
            raise forms.ValidationError(_("Hours begin and end on five minutes."))
        return at_local


def date_field(label: Label, *, required: bool = True, hint: Label = "") -> forms.DateField:
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"class": "input", "type": "date"})
    return forms.DateField(label=label, required=required, help_text=hint, widget=widget, input_formats=["%Y-%m-%d"])
