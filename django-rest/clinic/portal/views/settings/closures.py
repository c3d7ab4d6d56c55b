from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.clinic_setup.conflicts import PlannedChange
from clinic.clinic_setup.services.schedules import create_exception, delete_exception, edit_exception, outside_hours
from clinic.common import clock
from clinic.common.errors import ChairsideError, StaleVersion
from clinic.common.instants import local_date_of, zone_of
from clinic.common.versions import Expected
from clinic.portal.form_values import date_in, number_in
from clinic.portal.settings.closures import (
    MAX_YEARS_AHEAD,
    ClosureForm,
    kind_of,
    listed,
    say_days,
    say_exception,
    weekday_names,
    year_of,
)
from clinic.portal.settings.refusals import sentence_of
from clinic.portal.settings.visits import carry_out, decisions_in, keep_outcomes, visit_rows, visits_by_id
from clinic.portal.views.settings.base import RowPage
from clinic.portal.views.settings.deciding import DecidingPage, ids_of
from clinic.scheduling.models import Practitioner, ScheduleException
from clinic.scheduling.queries.practitioners import practitioners_of
from clinic.scheduling.queries.schedules import get_exception_for


class ClosuresPage(DecidingPage):
    """The year, and a form for a new closure, absence, or day with other hours."""

    topic = "closures"
    template_name = "portal/settings/closures.html"

    @property
    def today(self) -> date:
        return local_date_of(clock.now(), zone_of(self.clinic.timezone))

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render(form=self._form())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self._form(request.POST)
        if not form.is_valid():
            return self.render(form=form)
        practitioner: Practitioner | None = form.cleaned_data["who"]
        practitioner_id = None if practitioner is None else practitioner.pk
        made: list[ScheduleException] = []

        def create(force: bool) -> list[int]:
            exception, stranded = create_exception(
                user=self.user,
                practitioner_id=practitioner_id,
                fields=form.exception_fields,
                now=clock.now(),
                force=force,
            )
            made.append(exception)
            return ids_of(stranded)

        typed = form.cleaned_data
        try:
            conflicts = self.settle(
                create,
                PlannedChange(closures=[form.planned(practitioner_id)]),
                url=lambda: reverse("settings-closure", args=[made[0].pk]),
                reason=typed["reason"],
                one_day=typed["start_date"] == typed["end_date"],
            )
        except ChairsideError as refusal:
            form.add_refusal(refusal)
            return self.render(form=form)
        if conflicts is not None:
            return self.render(form=form, conflicts=conflicts)
        if self.request.POST.get("decided") == "1":
            return HttpResponseRedirect(reverse("settings-closure", args=[made[0].pk]))
        shown = {
            "year": typed["start_date"].year,
            "made": made[0].pk,
            **({"who": practitioner_id} if practitioner_id else {}),
        }
        return HttpResponseRedirect(f"{reverse('settings-closures')}?{urlencode(shown)}")

    def _form(self, *data: Any) -> ClosureForm:
        asked = self.request.GET
        values = {
            "who": self._who,
            "start_date": date_in(asked.get("start", "")),
            "end_date": date_in(asked.get("end", "")),
        }
        return ClosureForm(*data, practitioners=practitioners_of(self.clinic), values=values)

    @property
    def _who(self) -> int | None:
        return number_in(self.request.GET.get("who", ""))

    @property
    def _year(self) -> int:
        asked, now = number_in(self.request.GET.get("year", "")), self.today.year
        typed = date_in(self.request.POST.get("start_date") or self.request.GET.get("start", ""))
        year = asked or (typed.year if typed is not None else now)
        return min(max(year, now - 1), now + MAX_YEARS_AHEAD)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        months, exceptions = year_of(self.user, self.clinic, self._year, who=self._who, today=self.today)
        made = next((row for row in exceptions if str(row.pk) == self.request.GET.get("made")), None)
        return super().get_context_data(
            year=self._year,
            earlier=self._year - 1 if self._year > self.today.year - 1 else None,
            later=self._year + 1 if self._year < self.today.year + MAX_YEARS_AHEAD else None,
            who=self._who,
            months=months,
            weekdays=weekday_names(),
            practitioners=practitioners_of(self.clinic),
            exceptions=listed(exceptions, self.clinic, today=self.today),
            made=None if made is None else {"row": made, "days": say_days(made.start_date, made.end_date, self.clinic)},
            **kwargs,
        )


class ClosurePage(RowPage, DecidingPage):
    """One closure: its days, and the visits that are still booked in it."""

    topic = "closures"
    template_name = "portal/settings/closure.html"

    @property
    def row(self) -> ScheduleException:
        return get_exception_for(self.user, self.kwargs["exception_id"])

    def make_form(self, *data: Any) -> ClosureForm:
        return ClosureForm(*data, practitioners=practitioners_of(self.clinic), row=self.row)

    def values_now(self) -> tuple[Mapping[str, Any], int]:
        row = self.row
        return ClosureForm.values_of(row), row.version

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form, row = self.make_form(request.POST), self.row
        if not form.is_valid():
            return self.render(form=form)
        expected = form.expected

        def edit(force: bool) -> list[int]:
            _row, stranded = edit_exception(
                user=self.user,
                exception_id=row.pk,
                fields=form.exception_fields,
                now=clock.now(),
                force=force,
                expected=expected,
            )
            return ids_of(stranded)

        try:
            conflicts = self.settle(
                edit,
                PlannedChange(closures=[form.planned(row.practitioner_id)]),
                url=self.url,
                reason=form.cleaned_data["reason"],
            )
        except ChairsideError as refusal:
            if isinstance(refusal, StaleVersion):
                form.show_saved(*self.values_now())
            form.add_refusal(refusal)
            return self.render(form=form)
        if conflicts is not None:
            return self.render(form=form, conflicts=conflicts)
        return self.leave(self.url(), _("Saved."))

    def url(self) -> str:
        return reverse("settings-closure", args=[self.kwargs["exception_id"]])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row, now = self.row, clock.now()
        left = [] if "conflicts" in kwargs else self.visits_left(row)
        change = PlannedChange()
        return super().get_context_data(
            row=row,
            days=say_days(row.start_date, row.end_date, self.clinic),
            said=say_exception(row, self.clinic),
            kind=kind_of(row),
            whose=row.practitioner.name if row.practitioner is not None else _("The whole clinic"),
            left=visit_rows(visits_by_id(self.user, ids_of(left)), self.clinic, change, now=now),
            **kwargs,
        )

    def visits_left(self, row: ScheduleException) -> list[Any]:
        practitioner_ids = (
            [row.practitioner_id]
            if row.practitioner_id is not None
            else list(practitioners_of(self.clinic).values_list("pk", flat=True))
        )
        return outside_hours(self.clinic, practitioner_ids, (row.start_date, row.end_date), now=clock.now())


class ClosureVisitsPage(ClosurePage):
    """Decisions about the visits that are still booked in it."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        row, now = self.row, clock.now()
        visits = visits_by_id(self.user, ids_of(self.visits_left(row)))
        outcomes = carry_out(visits, decisions_in(request.POST), user=self.user, reason=row.reason, now=now)
        keep_outcomes(request, self.url(), outcomes, now=now)
        return HttpResponseRedirect(self.url())


class ClosureRemovePage(ClosurePage):
    """The weekly hours hold again. Extra hours that go may leave visits behind."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        row = self.row
        year = f"{reverse('settings-closures')}?year={row.start_date.year}"
        said = say_days(row.start_date, row.end_date, self.clinic)

        def remove(force: bool) -> list[int]:
            return ids_of(delete_exception(user=self.user, exception_id=row.pk, now=clock.now(), force=force))

        try:
            conflicts = self.settle(remove, PlannedChange(), url=lambda: reverse("settings-closures"))
        except ChairsideError as refusal:
            form = self.make_form()
            return self.render(form=form, refusal=sentence_of(refusal))
        if conflicts is not None:
            return self.render(form=self.make_form(), conflicts=conflicts, removes=True)
        return self.leave(year, _("%(days)s: the usual hours hold again.") % {"days": said})

    def save(self, form: Any, expected: Expected) -> str:
        raise NotImplementedError
