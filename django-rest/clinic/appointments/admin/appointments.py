"""Appointments, and what the desk decides about them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from clinic.accounts.own_clinic import (
    OfOwnClinicAdmin,
    OwnClinicFilter,
    VersionedForm,
    is_at_desk,
    user_of,
)
from clinic.appointments.actor import UserActor
from clinic.appointments.admin.history import HistoryInline
from clinic.appointments.admin.wording import say_instant, say_when
from clinic.appointments.lifecycle import UPCOMING, Action, Status, allowed_actions
from clinic.appointments.models import STATUS_CHOICES, ActorKind, Appointment, Channel, Source
from clinic.appointments.queries import appointments_visible_to
from clinic.appointments.services.decisions import change_status, correct_status, delete_appointment, facts_of
from clinic.appointments.services.guest_bookings import confirm_and_link
from clinic.appointments.services.moving import Edit, edit_appointment
from clinic.appointments.services.undoing import undo_deadline, undo_step
from clinic.common import clock
from clinic.common.admin import ChoicesFilter, DatesFilter, OneOfFilter
from clinic.common.errors import ChairsideError
from clinic.common.instants import local_date_of, zone_of
from clinic.common.versions import ANY_VERSION, Expected
from clinic.people.admin.patients import FoundByPhone, records_of_same_person
from clinic.people.models import Patient

STATUS_COLOURS = {
    "pending": "warning",
    "confirmed": "info",
    "checked in": "primary",
    "completed": "success",
    "cancelled": "default",
    "rejected": "default",
    "no show": "danger",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """A button: the action of the lifecycle behind it, and how it is said. Without an action: the undo of the last."""

    action: Action | None
    label: str
    done: str
    icon: str


DECISIONS = {
    "approve": Decision(Action.CONFIRM, "Approve", "approved", "check_circle"),
    "reject": Decision(Action.REJECT, "Reject", "rejected", "block"),
    "cancel": Decision(Action.CANCEL, "Cancel appointment", "cancelled", "event_busy"),
    "check_in": Decision(Action.CHECK_IN, "Check in", "checked in", "how_to_reg"),
    "complete": Decision(Action.COMPLETE, "Complete", "completed", "task_alt"),
    "mark_no_show": Decision(Action.NO_SHOW, "No-show", "marked as missed", "person_off"),
    "reopen": Decision(Action.REOPEN, "Re-open", "re-opened", "event_repeat"),
    "undo": Decision(None, "Undo the last step", "undone", "undo"),
}


def _button(name: str) -> Callable[[Any, HttpRequest, QuerySet[Appointment]], None]:
    decision = DECISIONS[name]

    @admin.action(description=decision.label)
    def press(self: "AppointmentAdmin", request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        self.decide(request, queryset, decision)

    press.icon = decision.icon  # type: ignore[attr-defined]
    return press


def when_asked(request: HttpRequest) -> str:
    looks_everywhere = any(name == SEARCH_VAR or name.startswith("local_date_") for name in request.GET)
    return request.GET.get(WhenFilter.parameter_name) or ("all" if looks_everywhere else "upcoming")


class WhenFilter(OneOfFilter):
    """Visits to come, the next first, unless something else is asked for; a search looks everywhere."""

    title = "when"
    parameter_name = "when"
    all_option = None

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(request, *args)
        self.request = request

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("today", "Today"), ("upcoming", "Upcoming"), ("past", "Past"), ("all", "All")]

    def value(self) -> str:
        return when_asked(self.request)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> QuerySet[Appointment]:
        clinic = user_of(request).clinic
        today = local_date_of(clock.now(), zone_of(clinic.timezone if clinic else "UTC"))
        match self.value():
            case "today":
                return queryset.filter(local_date=today)
            case "upcoming":
                return queryset.filter(local_date__gte=today)
            case "past":
                return queryset.filter(local_date__lt=today)
        return queryset


class AppointmentForm(VersionedForm):
    reason = forms.CharField(
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text="goes with a rejection or cancellation; the patient can read it",
    )

    link_to = forms.ModelChoiceField(
        Patient.objects.none(),
        required=False,
        label="Same person as",
        widget=UnfoldAdminSelectWidget,
        help_text="When you approve, the record of this request becomes part of the one chosen.",
    )
    correct_to = forms.ChoiceField(
        required=False,
        choices=[("", "as it is"), *STATUS_CHOICES],
        label="Correct the status to",
        widget=UnfoldAdminSelectWidget,
        help_text="sets right what was entered by mistake",
    )
    correction_reason = forms.CharField(
        required=False, max_length=500, widget=UnfoldAdminTextInputWidget, help_text="stands in the history"
    )

    class Meta:
        model = Appointment
        fields = ("notes",)
        widgets = {"notes": UnfoldAdminTextareaWidget(attrs={"rows": 3})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields.get("link_to")
        if choices is not None:
            choices.queryset = Patient.objects.filter(pk__in=_known_records(self.instance))

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("correct_to") and not cleaned.get("correction_reason"):
            self.add_error("correction_reason", "A correction needs a reason.")
        return cleaned


def _known_records(appointment: Appointment) -> list[int]:
    """Of a guest's request: the records of somebody with the same phone and name."""
    if appointment.pk is None or appointment.source != Source.GUEST or appointment.status != Status.PENDING:
        return []
    return [record.pk for record in records_of_same_person(appointment.patient)]


@admin.register(Appointment)
class AppointmentAdmin(FoundByPhone, OfOwnClinicAdmin):
    phone_prefix = "patient__"
    form = AppointmentForm
    list_display = ("when", "patient", "practitioner", "service", "status_label", "allow_overlap", "source", "clinic")
    list_filter = (
        WhenFilter,
        ("status", ChoicesFilter),
        ("local_date", DatesFilter),
        ("practitioner", OwnClinicFilter),
        ("service", OwnClinicFilter),
        ("source", ChoicesFilter),
        ("clinic", OwnClinicFilter),
    )
    search_fields = ("patient__name", "patient__phone", "patient__email", "practitioner__name")
    actions = tuple(DECISIONS)
    actions_submit_line = tuple(DECISIONS)
    inlines = (HistoryInline,)

    approve = _button("approve")
    reject = _button("reject")
    cancel = _button("cancel")
    check_in = _button("check_in")
    complete = _button("complete")
    mark_no_show = _button("mark_no_show")
    reopen = _button("reopen")
    undo = _button("undo")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Appointment]:
        visible = appointments_visible_to(user_of(request))
        return visible.select_related("clinic", "patient", "practitioner", "service", "series")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("starts_at", "id") if when_asked(request) in ("today", "upcoming") else ("-starts_at", "-id")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        words = ["notes", "seen_version"]
        if obj is not None and obj.status in UPCOMING:
            words.insert(1, "reason")
        if obj is not None and _known_records(obj):
            words.insert(0, "link_to")
        what = (("patient", "practitioner"), ("when", "service"), ("status_label", "source"))
        then = (("attended", "arrived"), ("cancel_reason", "series"), "allow_overlap", ("created", "updated"))
        correction = ("correct_to", "correction_reason")
        return (
            (None, {"fields": what}),
            ("Words", {"fields": words}),
            ("Correction", {"fields": correction}),
            ("What happened", {"fields": then}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return (
            "patient",
            "practitioner",
            "service",
            "when",
            "status_label",
            "source",
            "attended",
            "arrived",
            "cancel_reason",
            "series",
            "allow_overlap",
            "created",
            "updated",
        )

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_at_desk(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_at_desk(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        # A booking needs the slots in view; the API and the pages have them.
        return False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        # Many are cancelled, which leaves them to be seen; a deletion is of one.
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def get_actions_submit_line(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """The buttons of what is possible now."""
        appointment = self.get_object(request, str(object_id))
        if appointment is None:
            return []
        actor = actor_of(request)
        possible: set[Action | None] = set(possible_now(appointment, actor))
        if undo_deadline(appointment, actor, now=clock.now()) is not None:
            possible.add(None)
        return [self.get_unfold_action(name) for name, decision in DECISIONS.items() if decision.action in possible]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        actor, now = actor_of(request), clock.now()
        expected = Expected(form.cleaned_data["seen_version"])
        decision = self._pressed(request)
        if decision is not None:  # First: it locks practitioners, and those come before any appointment.
            reason, record = form.cleaned_data.get("reason", ""), form.cleaned_data.get("link_to")
            step: Callable[..., Appointment] = partial(take, decision)
            if decision.action is Action.CONFIRM and record is not None:
                step = partial(confirm_and_link, link_to=record.pk)
            done = step(appointment_id=obj.pk, actor=actor, now=now, reason=reason, expected=expected)
            expected = Expected(done.version)
        elif form.cleaned_data.get("correct_to"):
            done = correct_status(
                actor=actor,
                appointment_id=obj.pk,
                status=Status(form.cleaned_data["correct_to"]),
                reason=form.cleaned_data["correction_reason"],
                now=now,
                expected=expected,
            )
            expected = Expected(done.version)
        if "notes" in form.changed_data:
            edit = Edit(notes=form.cleaned_data["notes"])
            edit_appointment(actor=actor, appointment_id=obj.pk, edit=edit, now=now, expected=expected)

    def response_change(self, request: HttpRequest, obj: Appointment) -> HttpResponse:
        decision = self._pressed(request)
        if decision is None:
            return super().response_change(request, obj)
        self.message_user(request, f"{obj.patient}, {say_when(obj)}: {decision.done}.", messages.SUCCESS)
        return HttpResponseRedirect(request.get_full_path())

    def _pressed(self, request: HttpRequest) -> Decision | None:
        names = [name for name in DECISIONS if self.get_unfold_action(name).action_name in request.POST]
        return DECISIONS[names[0]] if names else None

    def delete_model(self, request: HttpRequest, obj: Appointment) -> None:
        delete_appointment(actor=actor_of(request), appointment_id=obj.pk, now=clock.now())

    def decide(self, request: HttpRequest, queryset: QuerySet[Appointment], decision: Decision) -> None:
        """Each by itself: one that cannot be is told, and does not hold up the others."""
        done: list[Appointment] = []
        for appointment in queryset:
            try:
                expected = Expected(appointment.version) if decision.action is None else ANY_VERSION
                take(decision, appointment.pk, actor=actor_of(request), now=clock.now(), expected=expected)
                done.append(appointment)
            except ChairsideError as error:
                line = f"{appointment.patient}, {say_when(appointment)}: {error.detail}"
                self.message_user(request, line, messages.ERROR)
        if done:
            said = f"{len(done)} {decision.done}."
            can_be_undone = len(done) == 1 and decision.action is not None and done[0].clinic.undo_seconds
            self.message_user(request, _with_undo(said, done[0], request) if can_be_undone else said, messages.SUCCESS)

    def get_custom_urls(self) -> tuple[tuple[str, str, Any], ...]:
        return (("<int:appointment_id>/<slug:name>/now/", "decide_appointment", self.decide_view),)

    def decide_view(self, request: HttpRequest, appointment_id: int, name: str, model_admin: Any) -> HttpResponse:
        """A button of the day's page, and back to it."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_change_permission(request):
            raise PermissionDenied
        if name not in DECISIONS:
            raise Http404
        self.decide(request, self.get_queryset(request).filter(pk=appointment_id), DECISIONS[name])
        return HttpResponseRedirect(reverse("admin:index"))

    @admin.display(description="when", ordering="starts_at")
    def when(self, appointment: Appointment) -> str:
        return say_when(appointment)

    @display(description="status", ordering="status", label=STATUS_COLOURS)  # type: ignore[untyped-decorator]
    def status_label(self, appointment: Appointment) -> str:
        return appointment.get_status_display()

    @admin.display(description="promised to come")
    def attended(self, appointment: Appointment) -> str:
        return say_instant(appointment.attendance_confirmed_at, appointment.clinic.timezone)

    @admin.display(description="checked in")
    def arrived(self, appointment: Appointment) -> str:
        return say_instant(appointment.checked_in_at, appointment.clinic.timezone)

    @admin.display(description="created")
    def created(self, appointment: Appointment) -> str:
        return say_instant(appointment.created_at, appointment.clinic.timezone)

    @admin.display(description="last change")
    def updated(self, appointment: Appointment) -> str:
        return say_instant(appointment.updated_at, appointment.clinic.timezone)


def _with_undo(said: str, appointment: Appointment, request: HttpRequest) -> SafeString:
    return format_html(
        '{} <form method="post" action="{}" class="inline-block">'
        '<input type="hidden" name="csrfmiddlewaretoken" value="{}">'
        '<button class="font-medium underline">Undo (within {} s)</button></form>',
        said,
        reverse("admin:decide_appointment", args=[appointment.pk, "undo"]),
        get_token(request),
        appointment.clinic.undo_seconds,
    )


def take(
    decision: Decision, appointment_id: int, *, actor: UserActor, now: datetime, reason: str = "", expected: Expected
) -> Appointment:
    if decision.action is None:
        return undo_step(actor=actor, appointment_id=appointment_id, now=now, expected=expected)
    return change_status(
        actor=actor, appointment_id=appointment_id, action=decision.action, now=now, reason=reason, expected=expected
    )


def actor_of(request: HttpRequest) -> UserActor:
    return UserActor(user_of(request), Channel.ADMIN, ActorKind.ADMIN)


def possible_now(appointment: Appointment, actor: UserActor) -> list[Action]:
    clinic, now = appointment.clinic, clock.now()
    return allowed_actions(
        facts_of(appointment),
        party=actor.party_to(appointment),
        now=now,
        today=local_date_of(now, zone_of(clinic.timezone)),
        cancellation_notice=timedelta(minutes=clinic.cancellation_notice_minutes),
        no_show_after=timedelta(minutes=clinic.no_show_after_minutes),
    )
