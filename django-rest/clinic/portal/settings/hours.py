"""Weekly hours: a row for each block, as the form has them and as the week is painted."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.clinic_setup.serializers.schedules import BLOCK_FIELDS, FORM_NAMES, WorkingBlockInput
from clinic.portal.settings.fields import ClockField, date_field, reads_twelve_hours, say_date, say_end, say_time
from clinic.scheduling.models import MAX_EVERY_WEEKS, Clinic, WorkingBlock
from clinic.scheduling.working_hours import Block, first_clash

EMPTY_ROWS = 2
MAX_ROWS = 100


class BlockForm(forms.Form):
    weekday = forms.TypedChoiceField(
        label=gettext_lazy("Day"),
        choices=list(WEEKDAYS.items()),
        coerce=int,
        initial=0,
        widget=forms.Select(attrs={"class": "input"}),
    )
    start_local = ClockField(label=gettext_lazy("From"))
    end_local = ClockField(label=gettext_lazy("Until"), ends_day=True)
    every_weeks = forms.IntegerField(
        label=gettext_lazy("Every … weeks"),
        min_value=1,
        max_value=MAX_EVERY_WEEKS,
        initial=1,
        required=False,
        widget=forms.NumberInput(attrs={"class": "input short"}),
    )
    valid_from = date_field(gettext_lazy("First day"), required=False)
    valid_until = date_field(gettext_lazy("Last day"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})

    @property
    def main_fields(self) -> list[Any]:
        return [self[name] for name in ("weekday", "start_local", "end_local")]

    @property
    def week_fields(self) -> list[Any]:
        return [self[name] for name in ("every_weeks", "valid_from", "valid_until")]

    @property
    def holds_sometimes(self) -> bool:
        """Not every week, or not always."""
        every, *dates = (field.value() for field in self.week_fields)
        return str(every or 1) != "1" or any(dates) or any(field.errors for field in self.week_fields)

    def clean_every_weeks(self) -> int:
        return self.cleaned_data.get("every_weeks") or 1

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        given = {"start": cleaned["start_local"], "end": cleaned["end_local"]}
        given |= {name: cleaned.get(name) for name in ("weekday", "valid_from", "valid_until", "every_weeks")}
        serializer = WorkingBlockInput(data={name: value for name, value in given.items() if value is not None})
        if not serializer.is_valid():
            for name, errors in serializer.errors.items():
                self.add_error(FORM_NAMES.get(name, name), [_(str(error)) for error in errors])
        return cleaned


class _BlockFormSet(forms.BaseFormSet[BlockForm]):
    stamp_version: str = ""
    saved_meanwhile: Sequence[str] = ()

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        form.fields["DELETE"].label = _("Remove")

    def clean(self) -> None:
        if any(self.errors):
            return
        clash = first_clash([Block(**block) for block in self.blocks])
        if clash is not None:
            one, other = (f"{say_time(block.start_local)}–{say_end(block.end_local)}" for block in clash)
            day = WEEKDAYS[clash[0].weekday]
            raise forms.ValidationError(
                _("%(day)s: %(one)s and %(other)s overlap.") % {"day": day, "one": one, "other": other}
            )

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """Every row but the removed and the untouched empty ones."""
        return [
            {name: form.cleaned_data.get(name) for name in BLOCK_FIELDS}
            for form in self.forms
            if form.cleaned_data.get("start_local") and not form.cleaned_data.get("DELETE")
        ]

    @property
    def seen(self) -> str:
        return str(self.data.get("seen", ""))

    @property
    def stamp_seen(self) -> str:
        return seen_text(self.initial or [])


BlockFormSet = forms.formset_factory(
    BlockForm, formset=_BlockFormSet, extra=EMPTY_ROWS, can_delete=True, max_num=MAX_ROWS, absolute_max=2 * MAX_ROWS
)


def values_of(blocks: Iterable[WorkingBlock]) -> list[dict[str, Any]]:
    return [{name: getattr(block, name) for name in BLOCK_FIELDS} for block in blocks]


def seen_text(rows: Iterable[Mapping[str, Any]]) -> str:
    return json.dumps([[str(row[name]) for name in BLOCK_FIELDS] for row in rows])


def say_block(row: Mapping[str, Any], clinic: Clinic) -> str:
    """Day, times and weeks in a line."""
    said = f"{WEEKDAYS[row['weekday']]} {say_time(row['start_local'], clinic)}–{say_end(row['end_local'], clinic)}"
    if row["every_weeks"] > 1:
        said += ", " + _("every %(count)d weeks") % {"count": row["every_weeks"]}
    if row["valid_from"]:
        said += " " + _("from %(day)s") % {"day": say_date(row["valid_from"], clinic)}
    if row["valid_until"]:
        said += " " + _("until %(day)s") % {"day": say_date(row["valid_until"], clinic)}
    return said


def week_summary(blocks: Sequence[WorkingBlock], clinic: Clinic, *, today: date) -> list[dict[str, Any]]:
    """Seven days, each with its times; blocks that are over are left out."""
    current = [block for block in blocks if block.valid_until is None or block.valid_until >= today]
    return [
        {
            "name": str(WEEKDAYS_ABBR[weekday]),
            "long_name": str(WEEKDAYS[weekday]),
            "times": [
                {
                    "said": f"{say_time(block.start_local, clinic)}–{say_end(block.end_local, clinic)}",
                    "alternates": block.every_weeks > 1,
                }
                for block in current
                if block.weekday == weekday
            ],
        }
        for weekday in range(7)
    ]


def painted_week(clinic: Clinic) -> dict[str, Any]:
    """The words that the painted week needs."""
    return {
        "days": [str(WEEKDAYS[number]) for number in range(7)],
        "short": [str(WEEKDAYS_ABBR[number]) for number in range(7)],
        "working": _("working"),
        "free": _("not working"),
        "other": _("working, by another row"),
        "painted": _("%(day)s, %(from)s to %(until)s: working."),
        "erased": _("%(day)s, %(from)s to %(until)s: not working."),
        "remove": _("Remove"),
        "midnight": _("midnight"),
        "time": _("Time"),
        "twelveHours": reads_twelve_hours(clinic),
    }
