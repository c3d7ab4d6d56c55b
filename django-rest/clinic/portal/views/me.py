"""A patient's visits: next and past, the waitlist, and what is done with them."""

from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.appointments.lifecycle import Action, Status
from clinic.appointments.models import Appointment
from clinic.appointments.queries import get_appointment_for
from clinic.appointments.services.booking import Booking, book_appointment
from clinic.appointments.services.decisions import change_status
from clinic.appointments.services.holds import release_refused
from clinic.appointments.services.moving import Edit, edit_appointment
from clinic.appointments.slot_assignment import booked_treatment
from clinic.common import clock
from clinic.common.errors import ChairsideError
from clinic.common.instants import local_date_of, say_minute, zone_of
from clinic.common.versions import Expected
from clinic.portal.account.forms import AccountForm, WaitForm, WishForm
from clinic.portal.account.reads import DAYS_AT_ONCE, free_days, own_records, own_visits
from clinic.portal.account.refusals import sentence_of
from clinic.portal.flashes import leave
from clinic.portal.form_values import date_in, instant_in, number_in
from clinic.portal.time_picker import people_offering, picker_setup
from clinic.portal.views.account_base import AccountPage, FormPage, StepPage
from clinic.scheduling.models import PatientMoves, Service
from clinic.scheduling.slots import Treatment
from clinic.waitlist.services.entries import Wishes, join_waitlist, leave_waitlist

MAX_HOLD_TOKEN = 64


class VisitsPage(AccountPage):
    template_name = "portal/me/visits.html"
    fragment_name = "portal/me/visits_part.html"
    title = gettext_lazy("Your visits")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render(visits=own_visits(self.user, now=clock.now()))


class VisitStepPage(StepPage):
    """`action` of one of the patient's or their family's visits."""

    action: Action
    sentence: Any = ""

    def act(self) -> str | Promise:
        version = self.request.POST.get("version", "")
        change_status(
            actor=self.actor,
            appointment_id=self.kwargs["visit_id"],
            action=self.action,
            now=clock.now(),
            expected=Expected(number_in(version)),
        )
        return str(self.sentence)


class PromisePage(VisitStepPage):
    action = Action.CONFIRM
    sentence = gettext_lazy("Thank you. The clinic knows that you come.")


class CancelPage(AccountPage):
    """Asks once more, and cancels."""

    template_name = "portal/me/cancel.html"
    title = gettext_lazy("Cancel the visit")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._show("")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        version = request.POST.get("version", "")
        try:
            change_status(
                actor=self.actor,
                appointment_id=self.kwargs["visit_id"],
                action=Action.CANCEL,
                now=clock.now(),
                expected=Expected(number_in(version)),
            )
        except ChairsideError as refusal:
            return self._show(sentence_of(refusal))
        return leave(request, reverse("me"), _("The visit is cancelled, and the clinic is told."))

    def _show(self, refusal: str) -> HttpResponse:
        return self.render(visit=get_appointment_for(self.user, self.kwargs["visit_id"]), refusal=refusal)


class TimesPage(AccountPage):
    """Free times of a week; the one chosen is taken."""

    template_name = "portal/me/times.html"

    def show(self, refusal: str = "", **context: Any) -> HttpResponse:
        day, today = self._day(), local_date_of(clock.now(), zone_of(self.clinic.timezone))
        days = self.free_days(day)
        first = day or (days[0].date if days else today)
        return self.render(
            days=days,
            refusal=refusal,
            query=self.query,
            earlier=first - timedelta(days=DAYS_AT_ONCE) if first > today else None,
            later=first + timedelta(days=DAYS_AT_ONCE),
            first=first,
            **context,
        )

    @property
    def query(self) -> dict[str, str]:
        """Choices beside the day, for the links to other weeks."""
        return {}

    def free_days(self, day: date | None) -> Any:
        raise NotImplementedError

    def chosen_practitioner(self) -> int | None:
        return number_in(self.request.POST.get("with", ""))

    def picker(self, service: Service | None, *, treatment: Treatment | None = None, **more: Any) -> dict[str, Any]:
        """Setup of the `<time-picker>`. One query."""
        people = people_offering(self.clinic, service)
        setup = picker_setup(self.clinic, people, service=service, now=clock.now(), treatment=treatment)
        return {**setup, **more}

    def chosen_start(self) -> datetime | None:
        return instant_in(self.request.POST.get("start", ""))

    def _day(self) -> date | None:
        return date_in(self.request.GET.get("date", ""))


class AccountMovePage(TimesPage):
    title = gettext_lazy("Move the visit")

    @property
    def visit(self) -> Appointment:
        return get_appointment_for(self.user, self.kwargs["visit_id"])

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.show(visit=self.visit)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        visit, start = self.visit, self.chosen_start()
        version = request.POST.get("version", "")
        if start is None:
            return self.show(_("Choose a time."), visit=visit)
        try:
            edit_appointment(
                actor=self.actor,
                appointment_id=visit.pk,
                edit=Edit(start=start, practitioner_id=self.chosen_practitioner()),
                now=clock.now(),
                expected=Expected(number_in(version)),
            )
        except ChairsideError as refusal:
            return self.show(sentence_of(refusal), visit=self.visit)
        if self.clinic.patient_moves == PatientMoves.REQUEST:
            return leave(request, reverse("me"), _("The clinic is asked. Until it answers, the visit keeps its time."))
        return leave(request, reverse("me"), _("The visit is moved."))

    def show(self, refusal: str = "", **context: Any) -> HttpResponse:
        visit = context["visit"]
        start = say_minute(visit.starts_at, zone_of(self.clinic.timezone))
        treatment = booked_treatment(visit)
        own = {"start": start, "practitioner": visit.practitioner_id, "minutes": treatment.minutes}
        setup = self.picker(visit.service, treatment=treatment, own=own, practitioner=visit.practitioner_id)
        return super().show(refusal, setup=setup, **context)

    def free_days(self, day: date | None) -> Any:
        visit = self.visit
        return free_days(
            self.clinic,
            service=visit.service,
            practitioner=visit.practitioner,
            treatment=booked_treatment(visit),
            first_date=day,
            now=clock.now(),
        )


class AccountBookPage(TimesPage):
    """A visit for oneself or one's family. `service`, `practitioner` and `patient` may be chosen beforehand."""

    title = gettext_lazy("Book a visit")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.show(form=self._form())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form, start = self._form(), self.chosen_start()
        if start is None or not form.is_valid():
            self._release_hold()
            return self.show(_("Choose a time."), form=form)
        try:
            booked = book_appointment(
                actor=self.actor,
                clinic=self.clinic,
                booking=self._booking(form, start),
                now=clock.now(),
            )
        except ChairsideError as refusal:
            self._release_hold()
            return self.show(sentence_of(refusal), form=form)
        is_asked = booked.status == Status.PENDING
        sentence = _("The clinic is asked, and answers soon.") if is_asked else _("The visit is booked.")
        return leave(request, reverse("me"), sentence)

    def _release_hold(self) -> None:
        """The page begins anew: what the picker has held is nobody's any more."""
        if token := self.request.POST.get("hold"):
            release_refused(clinic=self.clinic, token=token[:MAX_HOLD_TOKEN], now=clock.now())

    def _booking(self, form: WishForm, start: datetime) -> Booking:
        """A time that the picker has held says with whom it is."""
        wished = form.wished()
        if practitioner_id := self.chosen_practitioner():
            wished["practitioner_id"] = practitioner_id
        hold_token = self.request.POST.get("hold") or None
        return Booking(patient_id=form.patient_id, start=start, hold_token=hold_token, **wished)

    def show(self, refusal: str = "", **context: Any) -> HttpResponse:
        chosen = self._form()
        wished = chosen.cleaned_data if chosen.is_valid() else {"service": None, "practitioner": None}
        practitioner = wished["practitioner"]
        setup = self.picker(wished["service"], practitioner=practitioner.pk if practitioner is not None else 0)
        return super().show(refusal, setup=setup, **context)

    @property
    def query(self) -> dict[str, str]:
        names = ("service", "practitioner", "patient")
        return {name: value for name in names if (value := self.request.GET.get(name, ""))}

    def free_days(self, day: date | None) -> Any:
        form = self._form()
        if not form.is_valid():
            return []
        service, practitioner = form.cleaned_data["service"], form.cleaned_data["practitioner"]
        return free_days(self.clinic, service=service, practitioner=practitioner, first_date=day, now=clock.now())

    def _form(self) -> WishForm:
        people = [(one.pk, one.name) for one in own_records(self.user)]
        values = {"patient": people[0][0], **self.query} if people else self.query
        return WishForm(values, clinic=self.clinic, people=people)


class WaitPage(FormPage):
    title = gettext_lazy("Wait for a time")
    lead = gettext_lazy("When a time becomes free that suits you, it is kept for you and you are told.")
    button = gettext_lazy("Join the waitlist")
    back = "/me"

    def make_form(self, *data: Any) -> AccountForm:
        people = [(one.pk, one.name) for one in own_records(self.user)]
        today = local_date_of(clock.now(), zone_of(self.clinic.timezone))
        given = {name: self.request.GET[name] for name in ("service", "practitioner") if name in self.request.GET}
        values = {"first_date": today, "last_date": today + timedelta(days=14), "part_of_day": "any", **given}
        return WaitForm(*data, clinic=self.clinic, people=people, values=values)

    def save(self, form: Any) -> HttpResponse:
        join_waitlist(
            actor=self.actor,
            clinic=self.clinic,
            patient_id=form.patient_id,
            wishes=Wishes(**form.wished()),
            now=clock.now(),
        )
        return leave(self.request, reverse("me"), _("You are on the waitlist."))


class LeaveWaitlistPage(StepPage):
    def act(self) -> str | Promise:
        leave_waitlist(actor=self.actor, entry_id=self.kwargs["entry_id"], now=clock.now())
        return _("You wait for this no more.")
