"""The waitlist: who waits, what suits them, what they are offered."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.accounts.models import DESK_ROLES
from clinic.common import clock
from clinic.common.errors import ChairsideError, NotFound
from clinic.common.instants import local_date_of
from clinic.people.queries import MAX_SEARCH_LENGTH, get_patient_for, search_patients
from clinic.portal.flashes import forget_undo, leave, leave_refused, leave_with_undo
from clinic.portal.form_values import instant_in, number_in
from clinic.portal.views.records import RecordsPage
from clinic.portal.waitlist_forms import EntryForm
from clinic.waitlist.models import EntryState, WaitlistEntry
from clinic.waitlist.queries import get_entry_for, get_offer, open_offer_of, waitlist_of
from clinic.waitlist.services.answers import accept_offer, decline_offer, take_back_offer_by_hand
from clinic.waitlist.services.entries import Wishes, join_waitlist, leave_waitlist
from clinic.waitlist.services.offering import offer_by_hand

PATIENTS_OFFERED = 20


class WaitlistPage(RecordsPage):
    section = "waitlist"
    template_name = "portal/waitlist/list.html"
    fragment_name = "portal/waitlist/entries.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        waitlist = waitlist_of(self.user, self.clinic, now=clock.now())
        rows = [
            {"entry": entry, "offer": open_offer_of(entry), "matches": waitlist.matches.get(entry.pk, [])}
            for entry in waitlist.entries
        ]
        rows.sort(key=lambda row: row["offer"] is None)  # Those who were asked first.
        return self.render(rows=rows, waitlist=waitlist, may_write=self.user.works_at_desk)


class AddToWaitlistPage(RecordsPage):
    """For whom is chosen first, by a search that needs no script; then what they wait for."""

    section = "waitlist"
    roles = DESK_ROLES
    template_name = "portal/waitlist/add.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        patient_id = number_in(request.GET.get("patient", ""))
        if patient_id is not None:
            return self._ask(patient_id)
        text = request.GET.get("search", "").strip()[:MAX_SEARCH_LENGTH]
        found = list(search_patients(self.user, text)[:PATIENTS_OFFERED]) if text else []
        return self.render(search=text, found=found)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        patient_id = number_in(request.POST.get("patient", ""))
        if patient_id is None:
            raise NotFound
        form = EntryForm(request.POST, clinic=self.clinic)
        if form.is_valid():
            try:
                entry = join_waitlist(
                    actor=self.actor,
                    clinic=self.clinic,
                    patient_id=patient_id,
                    wishes=Wishes(**form.wishes()),
                    now=clock.now(),
                )
            except NotFound:
                raise
            except ChairsideError as refusal:
                form.add_refusal(refusal)
            else:
                sentence = _("%(name)s waits. A time that becomes free is offered by itself.")
                return leave(request, reverse("waitlist"), sentence % {"name": entry.patient.name})
        return self._ask(patient_id, form)

    def _ask(self, patient_id: int, form: EntryForm | None = None) -> HttpResponse:
        today = local_date_of(clock.now(), self.zone)
        values = {"first_date": today, "last_date": today + timedelta(days=14), "part_of_day": "any"}
        return self.render(
            patient=get_patient_for(self.user, patient_id),
            form=form or EntryForm(clinic=self.clinic, values=values),
        )


class EntryStepPage(RecordsPage):
    """One button of an entry."""

    section = "waitlist"
    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        entry = get_entry_for(self.user, self.kwargs["entry_id"])
        try:
            return self.take(entry)
        except ChairsideError as refusal:
            return leave_refused(request, self.url, refusal)

    @property
    def url(self) -> str:
        return self.back_to(reverse("waitlist"))

    def take(self, entry: WaitlistEntry) -> HttpResponse:
        raise NotImplementedError


class WaitlistOfferPage(EntryStepPage):
    def take(self, entry: WaitlistEntry) -> HttpResponse:
        practitioner, _at, instant = self.request.POST.get("to", "").partition("@")
        practitioner_id, start, now = number_in(practitioner), instant_in(instant), clock.now()
        if start is None or practitioner_id is None:
            raise NotFound
        offer_by_hand(actor=self.actor, entry_id=entry.pk, practitioner_id=practitioner_id, start=start, now=now)
        if get_entry_for(self.user, entry.pk).state == EntryState.BOOKED:
            return leave(self.request, self.url, _("%(name)s is booked.") % {"name": entry.patient.name})
        sentence = _("Offered to %(name)s, who is told unless you undo it.") % {"name": entry.patient.name}
        until = now + timedelta(seconds=self.clinic.undo_seconds)
        undo_url = reverse("waitlist-take-back", args=[entry.pk])
        return leave_with_undo(self.request, self.url, sentence, undo_url=undo_url, until=until)


class TakeBackPage(EntryStepPage):
    def take(self, entry: WaitlistEntry) -> HttpResponse:
        forget_undo(self.request)
        take_back_offer_by_hand(user=self.user, entry_id=entry.pk, now=clock.now())
        sentence = _("The offer to %(name)s is taken back. They wait on.") % {"name": entry.patient.name}
        return leave(self.request, self.url, sentence)


class AnswerPage(EntryStepPage):
    """The patient has said it by phone."""

    def take(self, entry: WaitlistEntry) -> HttpResponse:
        offer, now = open_offer_of(entry), clock.now()
        # The one that the page showed: another one may be open by now.
        token = get_offer(self.request.POST.get("offer", "")).token
        if offer is None or offer.token != token:
            raise NotFound
        if self.request.POST.get("answer") == "accept":
            accept_offer(token=token, viewer=self.user, now=now, channel=self.actor.channel)
            return leave(self.request, self.url, _("%(name)s is booked.") % {"name": entry.patient.name})
        decline_offer(token=token, now=now, channel=self.actor.channel)
        return leave(self.request, self.url, _("%(name)s waits on.") % {"name": entry.patient.name})


class RemovePage(EntryStepPage):
    def take(self, entry: WaitlistEntry) -> HttpResponse:
        leave_waitlist(actor=self.actor, entry_id=entry.pk, now=clock.now())
        return leave(self.request, self.url, _("%(name)s is off the waitlist.") % {"name": entry.patient.name})
