"""Patients: the list, a record, and what is done with it."""

from datetime import date, timedelta
from typing import Any

from django.core.paginator import Page
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.accounts.models import DESK_ROLES
from clinic.appointments.services.moving import Edit, edit_appointment
from clinic.appointments.services.undoing import undo_step
from clinic.common import clock
from clinic.common.errors import ChairsideError, NotFound
from clinic.common.instants import local_date_of
from clinic.common.versions import Expected
from clinic.people.models import Patient
from clinic.people.pages import FoundPages
from clinic.people.queries import MAX_SEARCH_LENGTH, get_patient_for, search_patients
from clinic.people.services.duplicates import dismiss_duplicate
from clinic.people.services.linking import link_patient, unlink_patient
from clinic.people.services.merging import merge_patients, preview_merge
from clinic.people.services.patients import create_patient, edit_patient
from clinic.portal.flashes import forget_undo, leave, leave_refused, leave_with_undo
from clinic.portal.form_values import date_in, instant_in, number_in
from clinic.portal.patient_forms import PatientForm
from clinic.portal.patients import (
    PATIENTS_ON_A_PAGE,
    get_own_visit,
    glances_at,
    merged_into,
    overview_of,
    times_to_move,
)
from clinic.portal.settings.refusals import sentence_of
from clinic.portal.views.records import RecordsPage

FOUND_AT_MOST = 20


def search_text_of(request: HttpRequest) -> str:
    return request.GET.get("search", "").strip()[:MAX_SEARCH_LENGTH]


class PatientsPage(RecordsPage):
    section = "patients"
    template_name = "portal/patients/list.html"
    fragment_name = "portal/patients/found.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        text = search_text_of(self.request)
        found = search_patients(self.user, text)
        pages = FoundPages(found, PATIENTS_ON_A_PAGE)
        page: Page[Patient] = pages.get_page(self.request.GET.get("page"))
        glances = glances_at(self.user, list(page.object_list), now=clock.now())
        return super().get_context_data(
            search=text, page=page, pages=pages, glances=glances, may_write=self.user.works_at_desk, **kwargs
        )


class RecordPage(RecordsPage):
    """The base of the pages about one record. One that is gone says where it went."""

    section = "patients"

    @property
    def patient_id(self) -> int:
        return int(self.kwargs["patient_id"])

    @property
    def url(self) -> str:
        return reverse("patient", args=[self.patient_id])

    def not_there(self) -> HttpResponseBase:
        other = merged_into(self.user, self.patient_id)
        context = {"other": other, "fragment": "", "undo": None}
        name = "portal/patients/gone_part.html" if "fragment" in self.request.GET else "portal/patients/gone.html"
        return self.response_class(self.request, name, self.get_context_data(**context), status=404)


class PatientRecordPage(RecordPage):
    template_name = "portal/patients/record.html"
    fragment_name = "portal/patients/record_part.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        overview = overview_of(self.user, self.patient_id, now=clock.now())
        return self.render(overview=overview, patient=overview.patient, may_write=self.user.works_at_desk)


class PatientFormPage(RecordPage):
    roles = DESK_ROLES
    template_name = "portal/patients/edit.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render(form=self.make_form())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.make_form(request.POST)
        if form.is_valid():
            try:
                return self.save(form)
            except ChairsideError as refusal:
                form.add_refusal(refusal)
        return self.render(form=form)

    def make_form(self, *data: Any) -> PatientForm:
        raise NotImplementedError

    def save(self, form: PatientForm) -> HttpResponse:
        raise NotImplementedError


class NewPatientPage(PatientFormPage):
    def make_form(self, *data: Any) -> PatientForm:
        return PatientForm(*data, values={"name": self.request.GET.get("name", "")})

    def save(self, form: PatientForm) -> HttpResponse:
        patient = create_patient(clinic=self.clinic, **form.fields_to_save(form.cleaned_data))
        url = reverse("patient", args=[patient.pk])
        return leave(self.request, url, _("%(name)s has a record now.") % {"name": patient.name})


class EditPatientPage(PatientFormPage):
    def make_form(self, *data: Any) -> PatientForm:
        self.patient = get_patient_for(self.user, self.patient_id)
        return PatientForm(*data, values=PatientForm.values_of(self.patient), version=self.patient.version)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(patient=getattr(self, "patient", None), **kwargs)

    def save(self, form: PatientForm) -> HttpResponse:
        """A change that somebody else made meanwhile of what this page does not change is in nobody's way."""
        expected, changes = form.expected, form.fields_to_save(form.changes)
        if expected.version != self.patient.version and not form.show_saved(
            PatientForm.values_of(self.patient), self.patient.version
        ):
            expected = Expected(self.patient.version)
        edit_patient(editor=self.user, patient_id=self.patient_id, changes=changes, expected=expected)
        return leave(self.request, self.url, _("Saved."))


class MergePage(RecordPage):
    """Which record stays is chosen, then what moves is shown, then it is done."""

    roles = DESK_ROLES
    template_name = "portal/patients/merge.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        patient = get_patient_for(self.user, self.patient_id)
        into = number_in(request.GET.get("into", ""))
        if into is not None:
            return self._preview(patient, into)
        text = search_text_of(request)
        found = list(search_patients(self.user, text).exclude(pk=patient.pk)[:FOUND_AT_MOST]) if text else []
        overview = overview_of(self.user, self.patient_id, now=clock.now())
        return self.render(patient=patient, search=text, found=found, duplicates=overview.duplicates)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        patient, into = get_patient_for(self.user, self.patient_id), number_in(request.POST.get("into", "")) or 0
        try:
            merge = merge_patients(
                editor=self.user,
                patient_id=self.patient_id,
                into_id=into,
                now=clock.now(),
                allow_overlap=request.POST.get("allow_overlap") == "1",
            )
        except NotFound:
            raise
        except ChairsideError as refusal:
            return self._preview(patient, into, refusal=sentence_of(refusal))
        url = reverse("patient", args=[merge.into.pk])
        return leave(request, url, _("%(name)s is one record now.") % {"name": merge.into.name})

    def _preview(self, patient: Patient, into_id: int, *, refusal: str = "") -> HttpResponse:
        try:
            merge = preview_merge(editor=self.user, patient_id=patient.pk, into_id=into_id)
        except NotFound:
            raise
        except ChairsideError as problem:
            return self.render(patient=patient, refusal=sentence_of(problem), duplicates=[], found=[])
        overlaps = [(one["practitioner_name"], parse_datetime(str(one["start"]))) for one in merge.overlaps]
        return self.render(patient=patient, merge=merge, moves=_moves(merge.moves), overlaps=overlaps, refusal=refusal)


def _moves(counts: dict[str, int]) -> list[str]:
    visits, series = counts.get("appointments", 0), counts.get("series", 0)
    waiting, family = counts.get("waitlist", 0), counts.get("family_of", 0)
    sentences = [
        (visits, ngettext("%d visit", "%d visits", visits)),
        (series, ngettext("%d series", "%d series", series)),
        (waiting, ngettext("%d waitlist entry", "%d waitlist entries", waiting)),
        (family, ngettext("%d link of a family", "%d links of a family", family)),
    ]
    return [sentence % count for count, sentence in sentences if count]


class RecordStepPage(RecordPage):
    """One button of the page."""

    roles = DESK_ROLES
    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            sentence = self.take()
        except NotFound:
            raise
        except ChairsideError as refusal:
            return leave_refused(request, self.url, refusal)
        return leave(request, self.url, sentence)

    def take(self) -> str:
        raise NotImplementedError


class DistinctPage(RecordStepPage):
    def take(self) -> str:
        other_id = number_in(self.request.POST.get("other", "")) or 0
        dismiss_duplicate(editor=self.user, patient_id=self.patient_id, other_id=other_id, now=clock.now())
        return _("They are two people, and are not shown as possibly one any more.")


class PatientLinkPage(RecordPage):
    """The other record is chosen; the one of the two that has an account books for the other."""

    roles = DESK_ROLES
    template_name = "portal/patients/link.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        patient = get_patient_for(self.user, self.patient_id)
        text = search_text_of(request)
        found = search_patients(self.user, text).exclude(pk=patient.pk) if text else Patient.objects.none()
        if patient.user_id is None:
            found = found.exclude(user=None)
        return self.render(patient=patient, search=text, found=list(found[:FOUND_AT_MOST]))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        patient = get_patient_for(self.user, self.patient_id)
        other = get_patient_for(self.user, number_in(request.POST.get("other", "")) or 0)
        member, holder = (patient, other) if other.user_id is not None else (other, patient)
        if holder.user_id is None:
            refusal = _("Neither record has an account. Choose one that has: it books for the other.")
            return self.render(patient=patient, search="", found=[], refusal=refusal)
        try:
            link_patient(
                editor=self.user, patient_id=member.pk, user_id=holder.user_id, as_family=True, now=clock.now()
            )
        except NotFound:
            raise
        except ChairsideError as refusal:
            return leave_refused(request, self.url, refusal)
        sentence = _("%(account)s’s account books for %(name)s now.") % {"account": holder.name, "name": member.name}
        return leave(request, self.url, sentence)


class UnlinkPage(RecordStepPage):
    def take(self) -> str:
        account = number_in(self.request.POST.get("account", ""))
        patient = unlink_patient(editor=self.user, patient_id=self.patient_id, user_id=account, now=clock.now())
        return _("%(name)s’s record is parted from the account. The visits stay.") % {"name": patient.name}


class PatientMovePage(RecordPage):
    """Free times of a day; the one chosen moves the visit."""

    template_name = "portal/patients/move.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._show(refusal="")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        visit, now = get_own_visit(self.user, self.patient_id, self.kwargs["visit_id"]), clock.now()
        practitioner, _at, instant = request.POST.get("to", "").partition("@")
        start = instant_in(instant)
        if start is None:
            return self._show(refusal=_("Choose a time."))
        version = request.POST.get("version", "")
        try:
            moved = edit_appointment(
                actor=self.actor,
                appointment_id=visit.pk,
                edit=Edit(start=start, practitioner_id=number_in(practitioner)),
                now=now,
                expected=Expected(number_in(version)),
            )
        except ChairsideError as refusal:
            return self._show(refusal=sentence_of(refusal))
        sentence = _("Moved. The patient is told unless you undo it.")
        undo_url = reverse("patient-undo", args=[self.patient_id, visit.pk])
        until = now + timedelta(seconds=self.clinic.undo_seconds)
        return leave_with_undo(request, self.url, sentence, undo_url=undo_url, until=until, version=moved.version)

    def _show(self, *, refusal: str) -> HttpResponse:
        visit = get_own_visit(self.user, self.patient_id, self.kwargs["visit_id"])
        today = local_date_of(clock.now(), self.zone)
        day = max(self._day() or visit.local_date, today)
        times = times_to_move(self.user, visit, day, now=clock.now())
        return self.render(
            patient=visit.patient,
            visit=visit,
            day=day,
            earlier=day - timedelta(days=1) if day > today else None,
            later=day + timedelta(days=1),
            times=times,
            refusal=refusal,
        )

    def _day(self) -> date | None:
        return date_in(self.request.GET.get("date", ""))


class UndoVisitPage(RecordPage):
    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        visit = get_own_visit(self.user, self.patient_id, self.kwargs["visit_id"])
        version = request.POST.get("version", "")
        forget_undo(request)
        try:
            undo_step(
                actor=self.actor,
                appointment_id=visit.pk,
                now=clock.now(),
                expected=Expected(number_in(version)),
            )
        except ChairsideError as refusal:
            return leave_refused(request, self.url, refusal)
        return leave(request, self.url, _("Undone. Nobody is told."))
