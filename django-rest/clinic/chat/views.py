"""Booking by conversation: each call is one step, takes a flat body, and answers with a sentence to say."""

from collections.abc import Callable
from datetime import date
from hashlib import sha256
from typing import Any

from django.utils import translation
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.phones import normalise_phone
from clinic.accounts.views import OpenView
from clinic.appointments.actor import GuestActor, VisitorActor
from clinic.appointments.lifecycle import Status
from clinic.appointments.queries import appointments_of_proven_phone, get_guest_booking
from clinic.appointments.services.booking import Booking
from clinic.appointments.services.guest_bookings import book_as_guest, identify_guest, is_waiting
from clinic.appointments.services.holds import HoldRequest, hold_slot, release_hold
from clinic.appointments.services.visit_links import cancel_by_reference
from clinic.appointments.views.appointments import BOOKING_ERRORS, BOOKING_RULES, MOVE_ERRORS
from clinic.appointments.views.guests import GUEST_REQUESTS
from clinic.appointments.views.holds import HOLDS
from clinic.appointments.views.visit_links import VISIT_LINKS
from clinic.chat import sentences
from clinic.chat.presentation import present_booked, present_hold, present_time, present_visit
from clinic.chat.serializers import (
    ChatBookInput,
    ChatCancelInput,
    ChatClinicInput,
    ChatCodeInput,
    ChatCodeOutput,
    ChatHeldInput,
    ChatHeldOutput,
    ChatHoldInput,
    ChatMoveInput,
    ChatSaidOutput,
    ChatServicesOutput,
    ChatTimesInput,
    ChatTimesOutput,
    ChatVisitOutput,
    ChatVisitsInput,
    ChatVisitsOutput,
    ChatWaitInput,
    ChatWaitOutput,
)
from clinic.chat.services import move_to_held_time
from clinic.common import clock
from clinic.common.addresses import client_address, hash_of_address
from clinic.common.errors import (
    HoldExpired,
    NotFound,
    OwnAppointment,
    PhoneNotProven,
    SlotTaken,
    Throttled,
    TooLateToCancel,
    TooManyEntries,
    TooManyHolds,
    TooManyPending,
    TransitionNotAllowed,
)
from clinic.common.idempotency import SAME_REQUEST_WITHIN, answer_once, answer_repeated
from clinic.common.inputs import read, validated
from clinic.common.languages import choose_language
from clinic.common.openapi import IDEMPOTENCY_KEY, answers
from clinic.people.identities import Guest
from clinic.people.services.guests import guest_of
from clinic.people.services.phone_codes import CODE_HOLDS_FOR, CODE_TRIES, check_phone_code, send_phone_code
from clinic.scheduling.models import Clinic
from clinic.scheduling.queries.clinics import get_clinic_for
from clinic.scheduling.queries.holds import find_hold
from clinic.scheduling.queries.practitioners import get_practitioner, get_service, services_of
from clinic.scheduling.soonest import HalfOfDay, OpenTime, SoonestWish, soonest_times
from clinic.waitlist.services.entries import Wishes, join_waitlist

MAX_VISITS = 20


class ChatView(OpenView):
    """Speaks as the patient does: by `language`, `Accept-Language`, or as the clinic. A refusal has a `say`, too."""

    clinic: Clinic | None = None
    needs_code = False  # The step asks for a code that was not given.

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        given = request.query_params if request.method == "GET" else request.data
        language = given.get("language") if isinstance(given, dict) else None
        self.asked_for = language if isinstance(language, str) else ""
        self.accepted = request.headers.get("Accept-Language", "")
        translation.activate(choose_language(user=self.asked_for, accepted=self.accepted))
        super().initial(request, *args, **kwargs)

    def speak_for(self, clinic: Clinic) -> Clinic:
        self.clinic = clinic
        translation.activate(choose_language(user=self.asked_for, accepted=self.accepted, clinic=clinic.language))
        return clinic

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        response.data["say"] = sentences.say_refusal(response.data, self.clinic, needs_code=self.needs_code)
        return response

    def finalize_response(self, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(*args, **kwargs)
        response.headers["Content-Language"] = translation.get_language()
        return response


class ChatServicesView(ChatView):
    @extend_schema(parameters=[ChatClinicInput], responses=ChatServicesOutput, summary="What a patient may book")
    def get(self, request: Request) -> Response:
        clinic = self.speak_for(get_clinic_for(None, name=read(ChatClinicInput, request.query_params).get("clinic")))
        services = list(services_of(clinic).order_by("name", "id"))
        shown = {"clinic": clinic.pk, "clinic_name": clinic.name, "services": services}
        return Response(ChatServicesOutput({**shown, "say": sentences.say_services(clinic, services)}).data)


class ChatTimesView(ChatView):
    @extend_schema(
        parameters=[ChatTimesInput], responses=ChatTimesOutput, summary="Open times of a day, or the soonest"
    )
    def get(self, request: Request) -> Response:
        """Where nothing is free on that day, the next times after it."""
        given = read(ChatTimesInput, request.query_params)
        clinic = self.speak_for(_clinic_of(given))
        day: date | None = given["when"]
        times = _open_times(clinic, given, first_date=day, last_date=day)
        on_day = bool(times) or day is None
        if not on_day:
            times = _open_times(clinic, given, first_date=day, last_date=None)
        shown = [present_time(clinic, time) for time in times]
        say = sentences.say_times([one["say"] for one in shown], day=day, is_on_day=on_day)
        return Response(ChatTimesOutput({"clinic": clinic.pk, "on_day": on_day, "times": shown, "say": say}).data)


def _open_times(
    clinic: Clinic, given: dict[str, Any], *, first_date: date | None, last_date: date | None
) -> list[OpenTime]:
    half = given.get("part_of_day")
    if given.get("practitioner") is not None:
        get_practitioner(clinic, given["practitioner"])
    wish = SoonestWish(
        service=None if given.get("service") is None else get_service(clinic, given["service"]),
        practitioner_id=given.get("practitioner"),
        half=None if half is None else HalfOfDay(half),
        first_date=first_date,
        last_date=last_date,
        count=given["count"],
    )
    return soonest_times(clinic, wish, now=clock.now(), for_clinic=False)


class ChatHoldView(ChatView):
    address_limit = HOLDS

    @answers(SlotTaken, TooManyHolds, *BOOKING_RULES)
    @extend_schema(
        request=ChatHoldInput,
        responses={201: ChatHeldOutput},
        parameters=[IDEMPOTENCY_KEY],
        summary="Keep a time while talking",
    )
    def post(self, request: Request) -> Response:
        """With whoever is free, unless a practitioner is named. A hold comes before each booking and each move."""
        address = client_address(request)
        clinic = self.speak_for(_clinic_of(validated(ChatHoldInput(data=request.data))))

        def create() -> Response:
            given = validated(ChatHoldInput(data=request.data, context={"clinic": clinic}))
            wanted = HoldRequest(given.get("practitioner"), start=given["start"], service_id=given.get("service"))
            hold = hold_slot(actor=VisitorActor(), clinic=clinic, wanted=wanted, address=address, now=clock.now())
            return Response(ChatHeldOutput(present_hold(hold)).data, status=201)

        return answer_once(request, owner=f"address:{hash_of_address(address)[:32]}", create=create)


class ChatReleaseView(ChatView):
    address_limit = VISIT_LINKS

    @extend_schema(request=ChatHeldInput, responses=ChatSaidOutput, summary="Let a kept time go")
    def post(self, request: Request) -> Response:
        token = validated(ChatHeldInput(data=request.data))["hold"]
        hold = find_hold(token, now=clock.now())
        if hold is None:
            raise NotFound("There is no such hold.")
        self.speak_for(hold.clinic)
        release_hold(holder=None, hold_id=hold.pk, token=token)
        return Response(ChatSaidOutput({"say": sentences.say_released()}).data)


class ChatBookView(ChatView):
    address_limit = GUEST_REQUESTS

    @answers(*BOOKING_ERRORS, TooManyPending, PhoneNotProven)
    @extend_schema(
        request=ChatBookInput,
        responses={200: ChatVisitOutput, 201: ChatVisitOutput},
        parameters=[IDEMPOTENCY_KEY],
        summary="Book a kept time",
    )
    def post(self, request: Request) -> Response:
        """As `POST public/bookings`: the same records, limits and caps. Said twice, it books once."""
        given = validated(ChatBookInput(data=request.data))
        self.needs_code = "code" not in given
        hold = find_hold(given["hold"], now=clock.now())
        guest = None if hold is None else self._guest_of(self.speak_for(hold.clinic), given)

        def create() -> Response:
            if guest is None:  # Asked before the hold was booked by the same request, which then has its answer.
                raise HoldExpired
            booking = Booking(patient_id=None, hold_token=given["hold"], request_note=given.get("note", ""))
            made = book_as_guest(guest=guest, booking=booking, now=clock.now())
            return Response(ChatVisitOutput(present_booked(made)).data, status=201)

        return _answer_for_hold(request, given, same=(given["name"].casefold(), given["phone"]), create=create)

    @staticmethod
    def _guest_of(clinic: Clinic, given: dict[str, Any]) -> Guest:
        guest = guest_of(clinic, name=given["name"], phone=given["phone"], email=given.get("email", ""))
        return identify_guest(
            guest, phone_code=given.get("code", ""), reference=given.get("reference", ""), now=clock.now()
        )


def _answer_for_hold(
    request: Request, given: dict[str, Any], *, same: tuple[str, ...], create: Callable[[], Response]
) -> Response:
    """The first answer again, to a request that uses a hold a second time."""
    owner = f"hold:{sha256(given['hold'].encode()).hexdigest()[:32]}"
    if "Idempotency-Key" in request.headers:
        return answer_once(request, owner=owner, create=create)
    return answer_repeated(
        owner=owner,
        key=sha256(repr(same).encode()).hexdigest(),
        kept_for=SAME_REQUEST_WITHIN,
        holds=lambda body: is_waiting(body["reference"]),
        create=create,
    )


class ChatCodeView(ChatView):
    @answers(Throttled)
    @extend_schema(
        request=ChatCodeInput, responses={202: ChatCodeOutput}, summary="Have a code sent, to show one's visits"
    )
    def post(self, request: Request) -> Response:
        """The same answer for every number."""
        given = validated(ChatCodeInput(data=request.data))
        clinic = self.speak_for(_clinic_of(given))
        phone = normalise_phone(given["phone"], region=clinic.phone_region)
        send_phone_code(clinic=clinic, phone=phone, address=client_address(request), now=clock.now())
        expires_in = int(CODE_HOLDS_FOR.total_seconds())
        return Response(ChatCodeOutput({"expires_in": expires_in, "say": sentences.say_code_sent()}).data, status=202)


class ChatVisitsView(ChatView):
    address_limit = CODE_TRIES

    @answers(PhoneNotProven)
    @extend_schema(request=ChatVisitsInput, responses=ChatVisitsOutput, summary="The visits ahead, by phone and code")
    def post(self, request: Request) -> Response:
        """A POST, so that neither phone nor code stands in an address."""
        given = validated(ChatVisitsInput(data=request.data))
        clinic = self.speak_for(_clinic_of(given))
        now, phone = clock.now(), normalise_phone(given["phone"], region=clinic.phone_region)
        check_phone_code(clinic=clinic, phone=phone, code=given["code"], now=now)
        ahead = appointments_of_proven_phone(clinic, phone).filter(is_active=1, ends_at__gt=now)
        visits = ahead.select_related("clinic", "practitioner", "service").order_by("starts_at", "id")[:MAX_VISITS]
        shown = [present_visit(visit, sentences.say_visit) for visit in visits]
        return Response(ChatVisitsOutput({"visits": shown, "say": sentences.say_visits(len(shown))}).data)


class ChatMoveView(ChatView):
    address_limit = VISIT_LINKS

    @answers(
        SlotTaken, HoldExpired, OwnAppointment, TransitionNotAllowed, TooLateToCancel, *MOVE_ERRORS, *BOOKING_RULES
    )
    @extend_schema(request=ChatMoveInput, responses=ChatVisitOutput, summary="Move a visit to a kept time")
    def post(self, request: Request) -> Response:
        """Within the clinic's notice, and as often as it allows. Where the clinic decides about moves, it is asked."""
        given = validated(ChatMoveInput(data=request.data))
        self.speak_for(get_guest_booking(given["reference"]).clinic)
        move_to_held_time(reference=given["reference"], hold_token=given["hold"], now=clock.now())
        visit = get_guest_booking(given["reference"])
        is_asked = visit.requested_start is not None
        return Response(
            ChatVisitOutput(present_visit(visit, lambda time, _: sentences.say_moved(time, is_asked_for=is_asked))).data
        )


class ChatCancelView(ChatView):
    address_limit = VISIT_LINKS

    @answers(TooLateToCancel, TransitionNotAllowed)
    @extend_schema(
        request=ChatCancelInput, responses=ChatVisitOutput, summary="Cancel a visit, within the clinic's notice"
    )
    def post(self, request: Request) -> Response:
        given = validated(ChatCancelInput(data=request.data))
        visit = get_guest_booking(given["reference"])
        self.speak_for(visit.clinic)
        if visit.status != Status.CANCELLED:
            cancel_by_reference(reference=given["reference"], now=clock.now(), reason=given.get("reason", ""))
        visit = get_guest_booking(given["reference"])
        return Response(ChatVisitOutput(present_visit(visit, lambda time, _: sentences.say_cancelled(time))).data)


class ChatWaitlistView(ChatView):
    address_limit = GUEST_REQUESTS

    @answers(TooManyEntries, PhoneNotProven)
    @extend_schema(
        request=ChatWaitInput,
        responses={201: ChatWaitOutput},
        parameters=[IDEMPOTENCY_KEY],
        summary="Wait for a free time",
    )
    def post(self, request: Request) -> Response:
        """With a code: a time that becomes free is offered to a phone that is the patient's own."""
        given = validated(ChatWaitInput(data=request.data))
        clinic = self.speak_for(_clinic_of(given))
        guest = guest_of(clinic, name=given["name"], phone=given["phone"], email=given.get("email", ""))
        guest = identify_guest(guest, phone_code=given["code"], now=clock.now())
        names = ("first_date", "last_date", "part_of_day")
        wishes = Wishes(
            practitioner_id=given.get("practitioner"),
            service_id=given.get("service"),
            **{name: given[name] for name in names if name in given},
        )

        def create() -> Response:
            entry = join_waitlist(
                actor=GuestActor(guest), clinic=clinic, patient_id=None, wishes=wishes, now=clock.now()
            )
            shown = {name: getattr(entry, name) for name in names}
            say = sentences.say_waiting(clinic, entry.first_date, entry.last_date)
            shown |= {"practitioner": entry.practitioner_id, "service": entry.service_id, "say": say}
            return Response(ChatWaitOutput(shown).data, status=201)

        return answer_once(request, owner=f"guest:{clinic.pk}:{guest.phone}", create=create)


def _clinic_of(given: dict[str, Any]) -> Clinic:
    return get_clinic_for(
        None, name=given.get("clinic"), practitioner_id=given.get("practitioner"), service_id=given.get("service")
    )
