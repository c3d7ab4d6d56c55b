"""`/a/<reference>`: one visit, for whoever has its link. Everything works without scripts; with them it is live."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView

from clinic.appointments.actor import PatientActor
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment
from clinic.appointments.queries import get_guest_booking
from clinic.appointments.services.moving import move_by_reference
from clinic.appointments.services.undoing import undo_by_reference, undo_deadline
from clinic.appointments.services.visit_links import (
    Possible,
    arrive_by_reference,
    attend_by_reference,
    cancel_by_reference,
    possible_with,
    times_to_move_to,
)
from clinic.appointments.slot_assignment import booked_treatment
from clinic.appointments.views.visit_links import VISIT_LINKS
from clinic.common import clock
from clinic.common.errors import ChairsideError, InvalidRequest, NotFound, Throttled
from clinic.common.instants import local_date_of, say_minute, zone_of
from clinic.common.limits import limit_address
from clinic.common.versions import Expected
from clinic.messaging.invitations import calendar_file
from clinic.outbox.push_subscriptions import offered_key
from clinic.portal.form_values import date_in, instant_in, number_in
from clinic.portal.middleware import use_clinic_language
from clinic.portal.pages import PatientPage
from clinic.portal.time_picker import SHOWN_DAYS, people_offering, picker_setup
from clinic.scheduling.models import Clinic, PatientMoves
from clinic.scheduling.slots import Slot

# A move is looked for around the visit's day first.
SHOWN_BEFORE = timedelta(days=3)
MAX_REASON = 500

# After a step, by its name in the address.
DONE = {
    "attend": gettext_lazy("Thank you. The clinic knows that you will come."),
    "move": gettext_lazy("Your visit is moved."),
    "ask": gettext_lazy("The clinic is asked for the other time. Until it answers, your visit stays as it is."),
    "cancel": gettext_lazy("Your visit is cancelled. Thank you for telling us."),
    "undo": gettext_lazy("Undone. Your visit is as it was before."),
}
UNDOABLE = ("move", "cancel")


class SecretLinkPage(PatientPage, TemplateView):
    """A page whose address is a secret. Tries are counted alike, whether or not the address leads somewhere."""

    http_method_names = ["get", "head", "post", "options"]
    lost_template = "portal/link_lost.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            limit_address(VISIT_LINKS, request)
            return super().dispatch(request, *args, **kwargs)
        except NotFound:
            return self._lost(request, 404)
        except Throttled as refusal:
            response = self._lost(request, 429)
            response.headers["Retry-After"] = str(refusal.wait_seconds)
            return response

    def _lost(self, request: HttpRequest, status: int) -> HttpResponse:
        self.setup(request)
        context = PatientPage.get_context_data(self, title=_("This link leads nowhere"), is_throttled=status == 429)
        response = self.response_class(request, self.lost_template, context, status=status)
        response.headers["Referrer-Policy"] = "strict-origin"
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        return response


class VisitPage(SecretLinkPage):
    template_name = "portal/visit.html"
    title = gettext_lazy("Your visit")

    @property
    def reference(self) -> str:
        return str(self.kwargs["reference"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        visit, now = get_guest_booking(self.reference), clock.now()
        use_clinic_language(self.request, visit.clinic)
        return super().get_context_data(
            **{
                "clinic": visit.clinic,
                **card_of(visit, possible_with(visit, now=now), now=now),
                "done": DONE.get(self.request.GET.get("done", "")),
                "may_undo": self._may_undo(visit, now=now),
                **self._times(visit, now=now),
                "move_setup": self._setup(visit, now=now),
                "push_key": offered_key(),
                **kwargs,
            }
        )

    def _may_undo(self, visit: Appointment, *, now: datetime) -> bool:
        """Right after the patient's own step. Two queries then, else none."""
        is_after_step = self.request.GET.get("done") in UNDOABLE
        return is_after_step and undo_deadline(visit, PatientActor(visit.patient), now=now) is not None

    def _times(self, visit: Appointment, *, now: datetime) -> dict[str, Any]:
        """Open times for a browser without scripts; only where they are asked for: `?move=2026-12-01`."""
        wanted = self.request.GET.get("move")
        if wanted is None:
            return {}
        today = local_date_of(now, zone_of(visit.clinic.timezone))
        first = max(date_in(wanted) or today, today)
        last = first + timedelta(days=SHOWN_DAYS - 1)
        slots = times_to_move_to(visit, first=first, last=last, now=now)
        return {"is_moving": True, "days": days_of(slots, visit.clinic), "later": last + timedelta(days=1)}

    def _setup(self, visit: Appointment, *, now: datetime) -> dict[str, Any] | None:
        """Of the `<time-picker>`. One query."""
        if visit.status not in (Status.PENDING, Status.CONFIRMED) or visit.clinic.patient_moves == PatientMoves.OFF:
            return None
        people = people_offering(visit.clinic, visit.service)
        treatment = booked_treatment(visit)
        setup = picker_setup(visit.clinic, people, service=visit.service, now=now, treatment=treatment)
        own = {
            "start": say_minute(visit.starts_at, zone_of(visit.clinic.timezone)),
            "practitioner": visit.practitioner_id,
            "minutes": treatment.minutes,
        }
        is_offered = any(one.pk == visit.practitioner_id for one in people)
        first = max(visit.local_date - SHOWN_BEFORE, local_date_of(now, zone_of(visit.clinic.timezone)))
        return {
            **setup,
            "date": first.isoformat(),
            "own": own,
            "practitioner": visit.practitioner_id if is_offered else 0,
        }

    def post(self, request: HttpRequest, reference: str) -> HttpResponse:
        try:
            done = self._take(request.POST.get("step", ""))
        except NotFound:
            raise
        except ChairsideError as refusal:
            context = self.get_context_data()
            return self.render_to_response({**context, "refusal": sentence_of(refusal)}, status=refusal.status)
        return HttpResponseRedirect(f"{reverse('visit', args=[reference])}?done={done}")

    def _take(self, step: str) -> str:
        """The name of what was done. Raises what the services raise, InvalidRequest."""
        now, given = clock.now(), self.request.POST
        steps: dict[str, Callable[..., Appointment]] = {
            "attend": attend_by_reference,
            "arrive": arrive_by_reference,
            "cancel": partial(cancel_by_reference, reason=given.get("reason", "")[:MAX_REASON]),
        }
        if step == "move":
            return self._move(now)
        if step == "undo":
            return self._undo(now)
        if step not in steps:
            raise InvalidRequest(_("This cannot be done here."))
        steps[step](reference=self.reference, now=now)
        return step

    def _undo(self, now: datetime) -> str:
        version = number_in(self.request.POST.get("version", ""))
        if version is None:
            raise InvalidRequest(_("This cannot be done here."))
        undo_by_reference(reference=self.reference, now=now, expected=Expected(version))
        return "undo"

    def _move(self, now: datetime) -> str:
        start = instant_in(self.request.POST.get("start", ""))
        if start is None:
            raise InvalidRequest(_("Choose a time first."))
        moved = move_by_reference(
            reference=self.reference,
            start=start,
            practitioner_id=number_in(self.request.POST.get("with", "")),
            now=now,
        )
        return "move" if moved.starts_at == start else "ask"


class VisitCardPage(VisitPage):
    """The card alone, when something has changed."""

    http_method_names = ["get", "head", "options"]
    template_name = "portal/visit_card.html"

    def _setup(self, visit: Appointment, *, now: datetime) -> dict[str, Any] | None:
        return None


class VisitCalendarFile(SecretLinkPage):
    """The visit for a calendar program."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        visit = get_guest_booking(kwargs["reference"])
        file = calendar_file(visit, now=clock.now())
        headers = {"Content-Disposition": f'attachment; filename="{file.name}"'}
        return HttpResponse(file.text, content_type=file.content_type, headers=headers)


def card_of(visit: Appointment, possible: Possible, *, now: datetime) -> dict[str, Any]:
    """Content of the card. No query."""
    zone, clinic = zone_of(visit.clinic.timezone), visit.clinic
    is_ahead = visit.status in (Status.PENDING, Status.CONFIRMED)
    return {
        "visit": visit,
        "possible": possible,
        "is_ahead": is_ahead,
        "is_today": local_date_of(now, zone) == visit.local_date,
        "is_here": visit.arrived_at is not None or visit.status == Status.CHECKED_IN,
        "is_called": visit.called_at is not None and visit.status in (Status.CONFIRMED, Status.CHECKED_IN),
        "is_late": is_ahead and not possible.cancel and now < visit.starts_at,
        "asks": clinic.patient_moves == PatientMoves.REQUEST,
        "headline": headline_of(visit),
    }


def headline_of(visit: Appointment) -> str:
    match Status(visit.status):
        case Status.PENDING:
            return _("Requested")
        case Status.CONFIRMED:
            return _("Confirmed")
        case Status.CHECKED_IN:
            return _("You are checked in")
        case Status.COMPLETED:
            return _("Completed")
        case Status.CANCELLED:
            return _("Cancelled")
        case Status.REJECTED:
            return _("Not possible")
        case Status.NO_SHOW:
            return _("Missed")


def days_of(slots: list[Slot], clinic: Clinic) -> list[dict[str, Any]]:
    zone = zone_of(clinic.timezone)
    in_order = sorted(slots, key=lambda slot: slot.start)
    return [
        {"date": day, "slots": list(of_day)}
        for day, of_day in groupby(in_order, key=lambda slot: slot.start.astimezone(zone).date())
    ]


def sentence_of(refusal: ChairsideError) -> str:
    """For people who may never have called an API."""
    sentences = {
        "slot_taken": _("This time has just been taken. Choose another one."),
        "own_appointment": _("You have another visit at that time. Choose another one."),
        "too_late_to_cancel": _("It is too late to change this here. Please call the clinic."),
        "too_many_moves": _("This visit was moved often enough online. Please call the clinic."),
        "moves_not_offered": _("Visits cannot be moved online. Please call the clinic."),
        "too_early": _("You can say that you are here from one hour before the start."),
        "not_today": _("You can say that you are here on the day of the visit."),
        "transition_not_allowed": _("This is not possible any more. Look at your visit below."),
        "stale_version": _("The clinic has changed your visit meanwhile. Look at it below."),
        "undo_over": _("It is too late to undo this: the clinic knows already."),
        "nothing_to_undo": _("There is nothing to undo any more."),
        "offer_over": _("This time is not kept any more."),
        "invalid": str(refusal.detail),
    }
    return sentences.get(refusal.code, _("This time is not open. Choose another one."))
