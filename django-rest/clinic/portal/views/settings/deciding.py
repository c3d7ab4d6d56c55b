"""Changes in whose way visits are: the page lists them, the owner decides about each, then the change is made."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from clinic.appointments.actor import UserActor
from clinic.appointments.models import Appointment, Channel
from clinic.appointments.services.undoing import undo_step
from clinic.clinic_setup.conflicts import PlannedChange
from clinic.common import clock
from clinic.common.errors import ChairsideError, HasAppointments, WouldStrand
from clinic.common.versions import Expected
from clinic.portal.form_values import number_in
from clinic.portal.settings.refusals import sentence_of
from clinic.portal.settings.visits import (
    carry_out,
    decisions_in,
    keep_outcomes,
    mark_undone,
    outcomes_of,
    say_count,
    visit_rows,
    visits_by_id,
)
from clinic.portal.views.settings.base import SettingsPage

# Makes the change; with True although visits are in its way. Returns the ids of those, where it knows them.
Attempt = Callable[[bool], Collection[int] | None]


class DecidingPage(SettingsPage):
    """`conflicts` in its template: the visits in the way."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = clock.now()
        return super().get_context_data(outcomes=outcomes_of(self.request, now=now), **kwargs)

    def settle(
        self,
        attempt: Attempt,
        change: PlannedChange | None,
        *,
        url: Callable[[], str],
        reason: str = "",
        one_day: bool = False,
    ) -> dict[str, Any] | None:
        """Make the change and carry out what was decided; or what the page shows so that it can be decided."""
        decisions, now = decisions_in(self.request.POST), clock.now()
        try:
            attempt(False)
        except (WouldStrand, HasAppointments) as refusal:
            briefs: Any = refusal.extra["appointments"]
            ids, count = [int(brief["id"]) for brief in briefs], int(str(refusal.extra["count"]))
            if not decisions.cover(ids, count=count):
                rows = visit_rows(visits_by_id(self.user, ids), self.clinic, change, now=now, decisions=decisions)
                return {
                    "rows": rows,
                    "count": count,
                    "more": count - len(rows),
                    "sentence": say_count(count, one_day=one_day),
                    "can_move": change is not None,
                    "undecided": bool(decisions.by_visit) or self.request.POST.get("decided") == "1",
                }
            ids = list(attempt(True) or ids)
            outcomes = carry_out(
                visits_by_id(self.user, ids), decisions, user=self.user, reason=reason, now=clock.now()
            )
            keep_outcomes(self.request, url(), outcomes, now=clock.now())
        return None


def ids_of(visits: Sequence[Appointment]) -> list[int]:
    return [visit.pk for visit in visits]


class UndoPage(SettingsPage):
    """Undo of what was decided about a visit. Back to the page on which it was."""

    topic = "closures"
    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        visit_id, version = int(kwargs["appointment_id"]), request.POST.get("version", "")
        try:
            visit = undo_step(
                actor=UserActor(self.user, Channel.PORTAL),
                appointment_id=visit_id,
                now=clock.now(),
                expected=Expected(number_in(version)),
            )
        except ChairsideError as refusal:
            mark_undone(request, visit_id, sentence_of(refusal))
        else:
            mark_undone(request, visit_id, _("%(patient)s: undone, nobody is told.") % {"patient": visit.patient.name})
        back = request.POST.get("back", "")
        is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts=None) and back.startswith("/settings/")
        return HttpResponseRedirect(back if is_ours else reverse("settings-closures"))
