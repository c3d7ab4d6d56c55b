from collections.abc import Sequence
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.clinic_setup.conflicts import PlannedChange
from clinic.clinic_setup.services.schedules import NewAvailability, replace_availability
from clinic.common import clock
from clinic.common.errors import ChairsideError, NotFound, StaleVersion
from clinic.common.instants import local_date_of, zone_of
from clinic.common.versions import Expected
from clinic.portal.form_values import number_in
from clinic.portal.settings.hours import (
    BlockFormSet,
    painted_week,
    say_block,
    values_of,
    week_summary,
)
from clinic.portal.settings.refusals import sentence_of
from clinic.portal.views.settings.deciding import DecidingPage, ids_of
from clinic.scheduling.models import Practitioner
from clinic.scheduling.queries.practitioners import practitioners_of
from clinic.scheduling.queries.schedules import availability_of, get_schedule_for
from clinic.scheduling.working_hours import Block


class HoursPage(DecidingPage):
    """The week of each practitioner, at a glance."""

    topic = "hours"
    template_name = "portal/settings/hours.html"

    @property
    def today(self) -> date:
        return local_date_of(clock.now(), zone_of(self.clinic.timezone))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        practitioners = practitioners_of(self.clinic).prefetch_related("working_blocks")
        weeks = [
            {"practitioner": one, "days": week_summary(list(one.working_blocks.all()), self.clinic, today=self.today)}
            for one in practitioners
        ]
        return super().get_context_data(weeks=weeks, **kwargs)


class WeekPage(DecidingPage):
    """Rows of hours, painted or typed; of one practitioner or of several."""

    topic = "hours"
    template_name = "portal/settings/week.html"

    @property
    def today(self) -> date:
        return local_date_of(clock.now(), zone_of(self.clinic.timezone))

    def formset(self, *data: Any) -> Any:
        raise NotImplementedError

    def save(self, formset: Any) -> HttpResponse:
        raise NotImplementedError

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render(formset=self.formset())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        formset = self.formset(request.POST)
        if "more" in request.POST:  # Without scripts: further empty rows.
            return self.render(formset=self._with_more_rows(request))
        if not formset.is_valid():
            return self.render(formset=formset)
        return self.save(formset)

    def _with_more_rows(self, request: HttpRequest) -> Any:
        sent = request.POST.copy()
        total = sent.get("form-TOTAL_FORMS", "0")
        sent["form-TOTAL_FORMS"] = str((number_in(total) or 0) + 5)
        return self.formset(sent)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            week_words=painted_week(self.clinic), empty_form=BlockFormSet().empty_form, **kwargs
        )

    def replace(self, practitioner: Practitioner, formset: Any, *, force: bool, expected: Expected) -> list[int]:
        return ids_of(
            replace_availability(
                user=self.user,
                practitioner_id=practitioner.pk,
                new=NewAvailability(formset.blocks),
                now=clock.now(),
                force=force,
                expected=expected,
            )
        )


def planned_blocks(formset: Any) -> list[Block]:
    return [Block(**block) for block in formset.blocks]


class PractitionerHoursPage(WeekPage):
    @property
    def practitioner(self) -> Practitioner:
        return get_schedule_for(self.user, self.kwargs["practitioner_id"])

    def formset(self, *data: Any) -> Any:
        availability = availability_of(self.practitioner, today=self.today)
        formset: Any = BlockFormSet(data[0] if data else None, initial=values_of(availability.blocks))
        formset.stamp_version = availability.version
        return formset

    def save(self, formset: Any) -> HttpResponse:
        practitioner = self.practitioner
        sent = self.request.POST.get("version", "")
        expected = Expected(sent or None)
        if sent != formset.stamp_version and formset.seen == formset.stamp_seen:
            expected = Expected(formset.stamp_version)  # Only closures changed meanwhile.
        try:
            conflicts = self.settle(
                lambda force: self.replace(practitioner, formset, force=force, expected=expected),
                PlannedChange(blocks={practitioner.pk: planned_blocks(formset)}),
                url=self._url,
            )
        except ChairsideError as refusal:
            if isinstance(refusal, StaleVersion):
                formset.saved_meanwhile = [say_block(row, self.clinic) for row in formset.initial or []]
            return self.render(formset=formset, refusal=sentence_of(refusal))
        if conflicts is not None:
            return self.render(formset=formset, conflicts=conflicts)
        return self.leave(self._url(), _("Saved."))

    def _url(self) -> str:
        return reverse("settings-hours-of", args=[self.kwargs["practitioner_id"]])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(practitioner=self.practitioner, **kwargs)


class ClinicHoursPage(WeekPage):
    """The same hours for several practitioners, instead of those they have."""

    def formset(self, *data: Any) -> Any:
        return BlockFormSet(*data)

    @property
    def chosen(self) -> Sequence[Practitioner]:
        ids = [number for one in self.request.POST.getlist("for") if (number := number_in(one)) is not None]
        found = list(practitioners_of(self.clinic).filter(pk__in=ids))
        if len(found) != len(set(ids)):
            raise NotFound
        return found

    def save(self, formset: Any) -> HttpResponse:
        chosen = self.chosen
        if not chosen:
            return self.render(formset=formset, refusal=_("Choose for whom these hours are."))
        open_ones: list[Practitioner] = []

        def replace_all(force: bool) -> list[int]:
            """One after the other, each on its own: those without visits in the way are saved at once."""
            stranded: list[int] = []
            left, first_refusal = [], None
            for practitioner in open_ones or chosen:
                try:
                    stranded += self.replace(practitioner, formset, force=force, expected=Expected())
                except ChairsideError as refusal:
                    left.append(practitioner)
                    first_refusal = _joined(first_refusal, refusal)
            open_ones[:] = left
            if first_refusal is not None:
                raise first_refusal
            return stranded

        try:
            conflicts = self.settle(
                replace_all,
                PlannedChange(blocks={one.pk: planned_blocks(formset) for one in chosen}),
                url=lambda: reverse("settings-hours"),
            )
        except ChairsideError as refusal:
            return self.render(formset=formset, refusal=sentence_of(refusal))
        if conflicts is not None:
            return self.render(formset=formset, conflicts=conflicts, chosen=[one.pk for one in open_ones])
        sentence = ngettext("Saved for %(count)d practitioner.", "Saved for %(count)d practitioners.", len(chosen)) % {
            "count": len(chosen)
        }
        return self.leave(reverse("settings-hours"), sentence)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        practitioners = list(practitioners_of(self.clinic))
        asked = (
            self.request.POST.getlist("for")
            if self.request.method == "POST"
            else [str(one.pk) for one in practitioners]
        )
        chosen = kwargs.pop("chosen", None) or [number for one in asked if (number := number_in(one)) is not None]
        return super().get_context_data(everybody=practitioners, chosen=chosen, **kwargs)


def _joined(former: Any, refusal: ChairsideError) -> ChairsideError:
    """The visits in the way of all of them, as of one change."""
    if former is None or "appointments" not in former.extra or "appointments" not in refusal.extra:
        return former if former is not None and "appointments" not in refusal.extra else refusal
    former.extra["appointments"] = [*former.extra["appointments"], *refusal.extra["appointments"]]  # type: ignore[misc]
    former.extra["count"] = int(str(former.extra["count"])) + int(str(refusal.extra["count"]))
    return former  # type: ignore[no-any-return]
