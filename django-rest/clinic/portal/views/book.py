"""The booking page: what, when and who, on one page, for guests and patients, with and without scripts."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import TemplateView
from rest_framework.response import Response

from clinic.accounts.models import Role, User
from clinic.accounts.phones import normalise_phone
from clinic.appointments.actor import GuestActor, UserActor
from clinic.appointments.models import Appointment, Channel
from clinic.appointments.queries import get_guest_booking
from clinic.appointments.references import new_reference
from clinic.appointments.services.booking import Booking, book_appointment
from clinic.appointments.services.guest_bookings import book_as_guest, identify_guest, is_waiting
from clinic.appointments.services.holds import release_refused
from clinic.appointments.views.guests import GUEST_REQUESTS
from clinic.common import clock
from clinic.common.addresses import client_address
from clinic.common.content_policy import content_policy
from clinic.common.error_pages import csrf_refused
from clinic.common.errors import ChairsideError, InvalidRequest, NotFound, SlotTaken
from clinic.common.idempotency import SAME_REQUEST_WITHIN, answer_repeated
from clinic.common.instants import local_date_of, zone_of
from clinic.common.limits import limit_address
from clinic.people.services.families import add_family_member
from clinic.people.services.guests import guest_of
from clinic.people.services.phone_codes import send_phone_code
from clinic.portal.booking_forms import SOMEBODY_NEW, GuestForm, GuestWaitForm, PatientForm, PatientWaitForm
from clinic.portal.booking_page import BookingWish, chosen_service, services_offered, when_for
from clinic.portal.booking_refusals import sentence_for_patient
from clinic.portal.frame import address_of
from clinic.portal.middleware import use_clinic_language
from clinic.portal.pages import PatientPage, is_cross_site
from clinic.scheduling.models import Clinic, Service, origins_in
from clinic.scheduling.queries.clinics import get_clinic_named
from clinic.scheduling.queries.holds import find_hold
from clinic.waitlist.models import WaitlistEntry
from clinic.waitlist.services.entries import Wishes, join_waitlist, join_with_new_member

WAIT_DAYS = timedelta(days=14)
# Another time is to be chosen.
TIME_IS_LOST = {"slot_taken", "hold_expired", "in_the_past", "too_soon", "off_grid", "outside_working_hours", "invalid"}
AnyForm = GuestForm | PatientForm


@method_decorator(csrf_exempt, name="dispatch")
class BookPage(PatientPage, TemplateView):
    """A guest's request has no authority of its own, in a frame not even a cookie: it needs no CSRF token, but it
    comes from this page. A signed-in patient's is checked. In a frame nobody is signed in."""

    template_name = "portal/book.html"
    http_method_names = ["get", "head", "post", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            self.clinic = get_clinic_named(kwargs["slug"])
        except NotFound:
            raise Http404 from None
        if self.clinic.slug != kwargs["slug"]:
            raise Http404
        use_clinic_language(request, self.clinic)
        self.is_embedded = "embed" in request.GET
        self.booker = None if self.is_embedded else _booker(request, self.clinic)
        response = super().dispatch(request, *args, **kwargs)
        if self.is_embedded:
            _allow_frames(response, self.clinic)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(title=_("Book a visit"), **kwargs)

    def get_clinic(self) -> Clinic:
        return self.clinic

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.show(BookingWish.read(request.GET.dict(), is_embedded=self.is_embedded))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if is_cross_site(request):
            return csrf_refused(request)
        refused = _refuse_forgery(request) if self.booker is not None else None
        if refused is not None:
            return refused
        wanted = BookingWish.read(request.POST.dict(), is_embedded=self.is_embedded)
        return self._wait(wanted) if request.POST.get("action") == "wait" else self._book(wanted)

    # Booking

    def _book(self, wanted: BookingWish) -> HttpResponse:
        form = self._form(self.request.POST)
        if not form.is_valid():
            return self.show(wanted, form=form)
        try:
            if isinstance(form, GuestForm) and self._wants_code(form):
                self._send_code(form)
                return self.show(wanted, form=form, code_sent_to=form.cleaned_data["phone"])
            visit = self._booked(wanted, form)
        except SlotTaken as refusal:
            return self.show(wanted, form=form, refusal=refusal)
        except ChairsideError as refusal:
            if isinstance(refusal, InvalidRequest) and refusal.attr in {field.name for field in form.visible_fields()}:
                form.refuse(refusal.attr, sentence_for_patient(refusal))
                return self.show(wanted, form=form)
            return self.show(wanted, form=form, refusal=refusal)
        return self._done(
            wanted,
            visit=visit,
            visit_address=address_of("visit", visit.reference),
            calendar_address=address_of("visit-calendar", visit.reference),
        )

    def _booked(self, wanted: BookingWish, form: AnyForm) -> Appointment:
        if wanted.start is None and not wanted.hold:
            raise InvalidRequest("Choose a time first.")
        now = clock.now()
        wanted_booking = Booking(
            patient_id=None,
            practitioner_id=wanted.practitioner_id,
            start=wanted.start,
            service_id=wanted.service_id,
            hold_token=wanted.hold or None,
            request_note=form.cleaned_data["note"].strip(),
        )
        if isinstance(form, PatientForm):
            return self._book_for_family(wanted_booking, form)
        limit_address(GUEST_REQUESTS, self.request)
        given = guest_of(self.clinic, **form.guest())
        guest = identify_guest(given, phone_code=form.cleaned_data.get("code", "").replace(" ", ""), now=now)
        return self._once(
            f"page:{self.clinic.pk}:{guest.phone}",
            (guest.name.casefold(), wanted.start, wanted.service_id, wanted.hold, client_address(self.request)),
            wanted_booking,
            lambda booking: book_as_guest(guest=guest, booking=booking, now=clock.now()),
        )

    def _book_for_family(self, booking: Booking, form: PatientForm) -> Appointment:
        user, chosen, now = form.user, form.cleaned_data["patient"], clock.now()

        def book(booking: Booking) -> Appointment:
            if chosen == SOMEBODY_NEW:
                member = add_family_member(user=user, name=form.cleaned_data["new_name"], now=now)
                patient_id = member.patient_id
            else:
                patient_id = int(chosen)
            mine = replace(booking, patient_id=patient_id)
            return book_appointment(
                actor=UserActor(user, Channel.PORTAL), clinic=self.clinic, booking=mine, now=clock.now()
            )

        key = (chosen, form.cleaned_data["new_name"], booking.start, booking.service_id, booking.hold_token)
        return self._once(f"page:user:{user.pk}", key, booking, book)

    def _once(
        self, owner: str, what: tuple[Any, ...], booking: Booking, book: Callable[[Booking], Appointment]
    ) -> Appointment:
        """A second click, or a reload of the confirmation, books nothing more."""
        kept = {"reference": new_reference()}

        def create() -> Response:
            book(replace(booking, reference=kept["reference"]))
            return Response(kept, status=201)

        answer = answer_repeated(
            owner=owner,
            key=sha256(repr(what).encode()).hexdigest(),
            kept_for=SAME_REQUEST_WITHIN,
            holds=lambda body: is_waiting(body["reference"]),
            create=create,
            kept=kept,
        )
        return get_guest_booking(answer.data["reference"])

    # Waiting

    def _wait(self, wanted: BookingWish) -> HttpResponse:
        form = self._wait_form(self.request.POST)
        if not form.is_valid():
            return self.show(wanted, wait_form=form)
        try:
            if isinstance(form, GuestForm) and self._wants_code(form):
                self._send_code(form)
                return self.show(wanted, wait_form=form, code_sent_to=form.cleaned_data["phone"])
            entry = self._waiting(form)
        except ChairsideError as refusal:
            attr = refusal.attr if isinstance(refusal, InvalidRequest) else None
            form.refuse(attr, sentence_for_patient(refusal))
            return self.show(wanted, wait_form=form)
        return self._done(wanted, entry=entry)

    def _waiting(self, form: Any) -> WaitlistEntry:
        wish: dict[str, Any] = {"clinic": self.clinic, "wishes": Wishes(**form.wishes()), "now": clock.now()}
        if self.booker is not None:
            actor, chosen = UserActor(self.booker, Channel.PORTAL), form.cleaned_data["patient"]
            if chosen == SOMEBODY_NEW:
                return join_with_new_member(actor=actor, name=form.cleaned_data["new_name"], **wish)
            return join_waitlist(actor=actor, patient_id=int(chosen), **wish)
        limit_address(GUEST_REQUESTS, self.request)
        given = guest_of(self.clinic, **form.guest())
        code = form.cleaned_data["code"].replace(" ", "")
        guest = identify_guest(given, phone_code=code, now=clock.now())
        return join_waitlist(actor=GuestActor(guest, Channel.PORTAL), patient_id=None, **wish)

    # Codes

    def _wants_code(self, form: GuestForm) -> bool:
        return "code" in form.fields and (
            self.request.POST.get("send") == "code" or not form.cleaned_data["code"].strip()
        )

    def _send_code(self, form: GuestForm) -> None:
        phone = normalise_phone(form.cleaned_data["phone"], region=self.clinic.phone_region)
        send_phone_code(clinic=self.clinic, phone=phone, address=client_address(self.request), now=clock.now())

    # Showing

    def _done(self, wanted: BookingWish, **shown: Any) -> HttpResponse:
        again = wanted.address(start=None, day=None, practitioner_id=None)
        context = self.get_context_data(again=again, is_embedded=self.is_embedded, **shown)
        return self.response_class(self.request, "portal/book_done.html", context)

    def show(
        self,
        wanted: BookingWish,
        *,
        form: AnyForm | None = None,
        wait_form: AnyForm | None = None,
        refusal: ChairsideError | None = None,
        code_sent_to: str = "",
    ) -> HttpResponse:
        services, now = services_offered(self.clinic), clock.now()
        service = chosen_service(services, wanted)
        is_lost = refusal is not None and refusal.code in TIME_IS_LOST
        if is_lost and wanted.hold:
            release_refused(clinic=self.clinic, token=wanted.hold, now=now)
        hold = find_hold(wanted.hold, now=now, clinic=self.clinic) if wanted.hold and not is_lost else None
        when = when_for(self.clinic, wanted, service, now=now) if service or not services else None
        start = None if is_lost else (hold.starts_at if hold else wanted.start)
        context = self.get_context_data(
            wanted=wanted,
            is_embedded=self.is_embedded,
            booker=self.booker,
            services=[(one, wanted.address(service_id=one.pk, start=None)) for one in services],
            service=service,
            other_service=wanted.address(service_id=None, practitioner_id=None, day=None, start=None),
            other_time=wanted.address(start=None),
            when=when,
            start=start,
            is_lost=is_lost,
            refusal="" if refusal is None else sentence_for_patient(refusal),
            code_sent_to=code_sent_to,
            form=form if form is not None else self._form(initial=_chosen(wanted, service)),
            wait_form=self._shown_wait_form(wait_form, wanted, service),
            is_waiting=wait_form is not None,
        )
        status = 409 if is_lost else 200
        return self.render_to_response(context, status=status)

    def _form(self, data: Any = None, initial: dict[str, Any] | None = None) -> AnyForm:
        if self.booker is not None:
            return PatientForm(data, initial=initial or {}, user=self.booker)
        return GuestForm(data, initial=initial or {}, asks_code=self.clinic.guests_verify_phone)

    def _wait_form(self, data: Any = None, initial: dict[str, Any] | None = None) -> Any:
        if self.booker is not None:
            return PatientWaitForm(data, initial=initial or {}, user=self.booker, prefix=None, auto_id="wait-%s")
        return GuestWaitForm(data, initial=initial or {}, asks_code=True, auto_id="wait-%s")

    def _shown_wait_form(self, form: AnyForm | None, wanted: BookingWish, service: Service | None) -> Any:
        if self.clinic.waitlist_mode == "off":
            return None
        if form is not None:
            return form
        today = local_date_of(clock.now(), zone_of(self.clinic.timezone))
        days = {"first_date": today, "last_date": today + WAIT_DAYS, "part_of_day": "any"}
        return self._wait_form(initial={**_chosen(wanted, service), **days})


def _chosen(wanted: BookingWish, service: Service | None) -> dict[str, Any]:
    return {
        "service": service.pk if service is not None else None,
        "practitioner": wanted.practitioner_id,
        "start": wanted.start.isoformat() if wanted.start is not None else "",
        "hold": wanted.hold,
    }


def _booker(request: HttpRequest, clinic: Clinic) -> User | None:
    """A patient of this clinic who is signed in. Others book as anybody does."""
    user = request.user
    if not isinstance(user, User) or user.role != Role.PATIENT or user.clinic_id != clinic.pk:
        return None
    return user if getattr(user, "patient", None) is not None else None


def _refuse_forgery(request: HttpRequest) -> HttpResponseBase | None:
    check = CsrfViewMiddleware(lambda _: HttpResponse())
    return check.process_view(request, _checked, (), {})


def _checked(request: HttpRequest) -> HttpResponse:
    raise NotImplementedError


def _allow_frames(response: HttpResponseBase, clinic: Clinic) -> None:
    """Within the web sites that the clinic names, and within none where it names none."""
    origins = origins_in(clinic.embed_origins)
    if not origins:
        return
    response.headers["Content-Security-Policy"] = content_policy(frame_ancestors=" ".join(origins))
    response.xframe_options_exempt = True  # type: ignore[attr-defined]
