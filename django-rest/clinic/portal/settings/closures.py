"""Days on which the weekly hours do not hold, and the year in which they lie."""

import calendar
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django import forms
from django.db.models import Count
from django.utils.dates import MONTHS, WEEKDAYS_ABBR
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinic.accounts.models import User
from clinic.appointments.lifecycle import ACTIVE_STATUSES
from clinic.appointments.queries import appointments_visible_to
from clinic.clinic_setup.serializers.schedules import FORM_NAMES, ExceptionHoursInput
from clinic.portal.settings.fields import ClockField, choice_field, date_field, say_date, say_end, say_time, text_field
from clinic.portal.settings.forms import SettingsForm
from clinic.scheduling.models import Clinic, Practitioner, ScheduleException
from clinic.scheduling.queries.schedules import exceptions_visible_to
from clinic.scheduling.working_hours import DayException

CLOSED, ABSENT, HOURS = "closed", "absent", "hours"
KINDS = [
    (CLOSED, gettext_lazy("Closed all day")),
    (ABSENT, gettext_lazy("Away for a part of each day")),
    (HOURS, gettext_lazy("Other hours than usual")),
]
MAX_YEARS_AHEAD = 5


class ClosureForm(SettingsForm):
    """`who` is empty for the whole clinic."""

    who = forms.ModelChoiceField(
        Practitioner.objects.none(),
        label=gettext_lazy("Who"),
        required=False,
        empty_label=gettext_lazy("The whole clinic"),
        widget=forms.Select(attrs={"class": "input"}),
    )
    kind = choice_field(gettext_lazy("What"), KINDS)
    start_date = date_field(gettext_lazy("First day"))
    end_date = date_field(gettext_lazy("Last day"), required=False, hint=gettext_lazy("Empty: one day."))
    start_local = ClockField(label=gettext_lazy("From"), required=False)
    end_local = ClockField(label=gettext_lazy("Until"), required=False, ends_day=True)
    reason = text_field(
        gettext_lazy("Reason"), most=200, required=False, hint=gettext_lazy("For the people of the clinic alone.")
    )

    def __init__(
        self,
        *args: Any,
        practitioners: Any,
        row: ScheduleException | None = None,
        values: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        values = self.values_of(row) if row is not None else {"kind": CLOSED, **(values or {})}
        super().__init__(*args, values=values, version=None if row is None else row.version, **kwargs)
        who: Any = self.fields["who"]
        who.queryset = practitioners
        if row is not None:  # It stays whose it is.
            del self.fields["who"]

    @staticmethod
    def values_of(row: ScheduleException) -> dict[str, Any]:
        return {
            "kind": kind_of(row),
            "start_date": row.start_date,
            "end_date": row.end_date,
            "start_local": row.start_local,
            "end_local": row.end_local,
            "reason": row.reason,
        }

    @property
    def exception_fields(self) -> dict[str, Any]:
        typed = self.cleaned_data
        has_times = typed["kind"] != CLOSED
        return {
            "start_date": typed["start_date"],
            "end_date": typed["end_date"],
            "closed": typed["kind"] != HOURS,
            "start_local": typed["start_local"] if has_times else None,
            "end_local": typed["end_local"] if has_times else None,
            "reason": typed["reason"],
        }

    def planned(self, practitioner_id: int | None) -> DayException:
        fields = {name: value for name, value in self.exception_fields.items() if name != "reason"}
        return DayException(practitioner_id=practitioner_id, **fields)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        cleaned["end_date"] = cleaned.get("end_date") or cleaned["start_date"]
        if cleaned["end_date"] < cleaned["start_date"]:
            self.add_error("end_date", _("The last day is before the first."))
            return cleaned
        if cleaned["kind"] != CLOSED:
            for name in ("start_local", "end_local"):
                if cleaned.get(name) is None:
                    self.add_error(name, _("Type a time."))
        if not self.errors:
            self.check_by(ExceptionHoursInput(data=self._as_the_api_says()), FORM_NAMES)
        return cleaned

    def _as_the_api_says(self) -> dict[str, Any]:
        api_names = {form_name: name for name, form_name in FORM_NAMES.items()}
        given = {api_names.get(name, name): value for name, value in self.exception_fields.items()}
        return {name: value for name, value in given.items() if value is not None}


def kind_of(row: ScheduleException) -> str:
    if not row.closed:
        return HOURS
    return CLOSED if row.start_local is None else ABSENT


def say_days(first: date, last: date, clinic: Clinic) -> str:
    return " – ".join(say_date(day, clinic) for day in dict.fromkeys((first, last)))


def say_exception(row: ScheduleException, clinic: Clinic) -> str:
    """Its effect, without its days."""
    if row.start_local is None or row.end_local is None:
        return _("closed")
    times = f"{say_time(row.start_local, clinic)}–{say_end(row.end_local, clinic)}"
    return (_("away %(times)s") if row.closed else _("open %(times)s")) % {"times": times}


@dataclass(slots=True)
class ClosureDay:
    date: date
    clinic: Clinic
    closed: list[ScheduleException] = field(default_factory=list)
    absent: list[ScheduleException] = field(default_factory=list)
    hours: list[ScheduleException] = field(default_factory=list)
    visits: int = 0
    is_today: bool = False
    is_past: bool = False

    @property
    def state(self) -> str:
        """Of the whole clinic before that of a person."""
        if self.closed:
            return "closed"
        return "absent" if self.absent else "hours" if self.hours else ""

    @property
    def label(self) -> str:
        """To be heard."""
        parts = [f"{date_format(self.date, 'l')}, {say_date(self.date, self.clinic)}"]
        parts += [_said_of(row, self.clinic) for row in (*self.closed, *self.absent, *self.hours)]
        if self.visits:
            parts.append(ngettext("%(count)d visit", "%(count)d visits", self.visits) % {"count": self.visits})
        return ". ".join(parts)


def _said_of(row: ScheduleException, clinic: Clinic) -> str:
    whose = row.practitioner.name if row.practitioner is not None else _("The clinic")
    said = f"{whose}: {say_exception(row, clinic)}"
    return f"{said}, {row.reason}" if row.reason else said


@dataclass(frozen=True, slots=True)
class Month:
    number: int
    name: str
    # Weeks from Monday; None for days of another month.
    weeks: Sequence[Sequence[ClosureDay | None]]


def year_of(
    user: User, clinic: Clinic, year: int, *, who: int | None, today: date
) -> tuple[list[Month], list[ScheduleException]]:
    """Twelve months, and the exceptions in them. Of one practitioner: theirs and the clinic's. Three queries."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    rows = exceptions_visible_to(user).filter(start_date__lte=last, end_date__gte=first).order_by("start_date", "id")
    exceptions = [
        row
        for row in rows.select_related("practitioner")
        if who in (None, row.practitioner_id) or row.practitioner_id is None
    ]
    visits = appointments_visible_to(user).filter(
        clinic=clinic, local_date__range=(first, last), status__in=sorted(ACTIVE_STATUSES)
    )
    if who is not None:
        visits = visits.filter(practitioner_id=who)
    counts = dict(visits.values_list("local_date").annotate(count=Count("pk")).order_by())
    days = {
        day: ClosureDay(day, clinic, visits=counts.get(day, 0), is_today=day == today, is_past=day < today)
        for month in range(1, 13)
        for day in (date(year, month, number + 1) for number in range(calendar.monthrange(year, month)[1]))
    }
    for row in exceptions:
        for day in _days_between(max(row.start_date, first), min(row.end_date, last)):
            _list_of(days[day], row).append(row)
    return [_month(year, number, days) for number in range(1, 13)], exceptions


def _list_of(day: ClosureDay, row: ScheduleException) -> list[ScheduleException]:
    if not row.closed:
        return day.hours
    is_whole = row.start_local is None and row.practitioner_id is None
    return day.closed if is_whole else day.absent


def _days_between(first: date, last: date) -> Iterable[date]:
    return (date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1))


def _month(year: int, number: int, days: Mapping[date, ClosureDay]) -> Month:
    weeks = calendar.Calendar().monthdatescalendar(year, number)
    shown = [[days[day] if day.month == number and day.year == year else None for day in week] for week in weeks]
    return Month(number, str(MONTHS[number]), shown)


def weekday_names() -> list[str]:
    return [str(WEEKDAYS_ABBR[number]) for number in range(7)]


def listed(exceptions: Iterable[ScheduleException], clinic: Clinic, *, today: date) -> list[dict[str, Any]]:
    """Those that are not over."""
    return [
        {
            "row": row,
            "days": say_days(row.start_date, row.end_date, clinic),
            "said": say_exception(row, clinic),
            "whose": row.practitioner.name if row.practitioner is not None else _("The whole clinic"),
            "kind": kind_of(row),
        }
        for row in exceptions
        if row.end_date >= today
    ]
