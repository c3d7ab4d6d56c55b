"""The frame of the admin: where it leads, the page it begins with, and the log of messages."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import flatten
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from clinic.accounts.models import User
from clinic.accounts.own_clinic import LogAdmin, OwnClinicFilter, is_at_desk, user_of
from clinic.admin_site import wordings as wordings
from clinic.admin_site.queries import ClinicDay, clinic_day_of
from clinic.appointments.actor import UserActor
from clinic.appointments.admin.appointments import DECISIONS, STATUS_COLOURS, Decision, actor_of, possible_now
from clinic.appointments.admin.wording import say_instant, say_when
from clinic.appointments.lifecycle import Action, Status
from clinic.appointments.models import Appointment
from clinic.appointments.queries import appointments_visible_to
from clinic.common import clock
from clinic.common.admin import ChoicesFilter, DatesFilter
from clinic.common.errors import UnknownTimeZone
from clinic.common.public_links import mask_links
from clinic.messaging.models import InboundMessage
from clinic.messaging.queries import is_still_offered
from clinic.messaging.services.resending import WhyNot, send_again
from clinic.outbox.models import Message
from clinic.people.models import Patient
from clinic.worker.models import JobRun

admin.site.index_template = "admin_site/the_day.html"

# Next steps of an appointment of the day, the likeliest first; the rest is on its own page.
NEXT_STEPS = ("approve", "reject", "check_in", "complete", "mark_no_show")
WHY_NOT_AGAIN = {
    WhyNot.NOT_FAILED: "on the way or sent already",
    WhyNot.TAKEN_BACK: "taken back, because the appointment had changed",
    WhyNot.SECRET: "with a code or a link, which is asked for anew by who wants it",
    WhyNot.TOO_LATE: "too late to be of use",
    WhyNot.NOT_TRUE: "no longer true",
}
# Group, then the rows of its pages: the model, what it is called, its sign.
PAGES: dict[str, list[tuple[str, str, str]]] = {
    "Appointments": [
        ("appointments_appointment", "Appointments", "event"),
        ("appointments_series", "Series", "event_repeat"),
        ("waitlist_waitlistentry", "Waitlist", "pending_actions"),
        ("appointments_appointmentevent", "History", "history"),
        ("appointments_patient", "Patients", "groups"),
    ],
    "The clinic": [
        ("scheduling_practitioner", "Practitioners", "stethoscope"),
        ("scheduling_service", "Services", "medical_services"),
        ("scheduling_scheduleexception", "Days off", "beach_access"),
        ("accounts_user", "Accounts", "badge"),
        ("scheduling_clinic", "Policy", "tune"),
        ("outbox_messagetemplate", "Wording", "edit_note"),
    ],
    "Behind the scenes": [
        ("scheduling_hold", "Holds", "hourglass_top"),
        ("outbox_message", "Messages", "mail"),
        ("messaging_inboundmessage", "Answers by SMS", "sms"),
        ("ops_jobrun", "The worker", "schedule"),
    ],
}


def clinic_name(request: HttpRequest) -> str:
    user = request.user
    if not isinstance(user, User):
        return "Live appointments"
    return user.clinic.name if user.clinic is not None else "Every clinic"


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar: the pages this user may see, and how many requests wait. One query."""
    first = [_item("The day", "today", reverse("admin:index"))]
    if user_of(request).clinic is not None:  # The board is of one clinic.
        first.append(_item("Live board", "view_column", reverse("board")))
    groups: list[dict[str, Any]] = [{"title": None, "items": first}]
    for title, pages in PAGES.items():
        items = [
            _item(name, icon, reverse(f"admin:{model}_changelist"))
            for model, name, icon in pages
            if _may_see(request, model)
        ]
        groups.append({"title": title, "items": items})
    pending = appointments_visible_to(user_of(request)).filter(status=Status.PENDING).count()
    if pending:
        groups[0]["items"][0]["badge"] = str(pending)
    return [group for group in groups if group["items"]]


def _item(title: str, icon: str, link: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": link, "badge_variant": "warning"}


def _may_see(request: HttpRequest, model: str) -> bool:
    return any(
        f"{page.opts.app_label}_{page.opts.model_name}" == model and page.has_module_permission(request)
        for page in admin.site._registry.values()
    )


@dataclass(frozen=True, slots=True)
class Row:
    appointment: Appointment
    when: str
    colour: str
    buttons: dict[str, Decision]


def the_day(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Requests first: nobody should wait for a decision."""
    if not is_at_desk(request):
        return context
    try:
        day = clinic_day_of(user_of(request), now=clock.now())
    except UnknownTimeZone as problem:
        return {**context, "zone_problem": problem.detail, "clinic_id": user_of(request).clinic_id}
    cards = [
        ("Requests", day.pending_count, "wait for a decision"),
        ("Today", len(day.today), "appointments"),
        ("To come", day.count(Status.CONFIRMED, Status.PENDING), "not here yet"),
        ("Here", day.count(Status.CHECKED_IN), "checked in"),
        ("Done", day.count(Status.COMPLETED), "completed"),
    ]
    more = day.pending_count - len(day.pending)
    return {**context, "day": day, "cards": cards, "more_pending": more, **_rows(request, day)}


def _rows(request: HttpRequest, day: ClinicDay) -> dict[str, list[Row]]:
    def row(appointment: Appointment, when: str) -> Row:
        possible = _possible_now(appointment, actor_of(request))
        buttons = {name: DECISIONS[name] for name in NEXT_STEPS if DECISIONS[name].action in possible}
        return Row(appointment, when, STATUS_COLOURS[appointment.get_status_display()], buttons)

    return {
        "pending": [row(appointment, say_when(appointment)) for appointment in day.pending],
        "today": [row(appointment, say_when(appointment).split(",\u00a0")[1]) for appointment in day.today],
    }


def _possible_now(appointment: Appointment, actor: UserActor) -> list[Action]:
    """Nothing in a clinic whose time nobody can tell; a superuser still decides for the others."""
    try:
        return possible_now(appointment, actor)
    except UnknownTimeZone:
        return []


class ToldAdmin(LogAdmin):
    """A log of what was said, on the clock of its clinic; each row leads to whom and what it was about."""

    list_select_related = ("clinic",)

    def say(self, at: datetime | None, row: Message | InboundMessage) -> str:
        return say_instant(at, row.clinic.timezone if row.clinic is not None else "UTC")

    @admin.display(description="appointment")
    def about(self, row: Message | InboundMessage) -> str:
        appointment = _appointment_of(row)
        return "–" if appointment is None else _link_to(appointment, say_when(appointment))

    @admin.display(description="patient")
    def patient(self, row: Message | InboundMessage) -> str:
        appointment = _appointment_of(row)
        patient = Patient.objects.filter(user=row.user_id).first() if isinstance(row, Message) and row.user_id else None
        patient = appointment.patient if appointment is not None else patient
        return "–" if patient is None else _link_to(patient, patient.name)


def _appointment_of(row: Message | InboundMessage) -> Appointment | None:
    """None where it is gone for the clinic: the log outlives it."""
    appointments = (
        Appointment.objects.filter(pk=row.appointment_id, deleted_at__isnull=True)
        if row.appointment_id
        else Appointment.objects.none()
    )
    return appointments.prefetch_related("clinic", "patient").first()


def _link_to(row: Model, words: str) -> str:
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', url, words)


@admin.register(Message)
class MessageAdmin(ToldAdmin):
    list_display = ("written", "channel", "template", "recipient", "state", "attempts", "error", "clinic")
    list_filter = (
        ("state", ChoicesFilter),
        ("channel", ChoicesFilter),
        ("created_at", DatesFilter),
        ("clinic", OwnClinicFilter),
    )
    search_fields = ("recipient", "template", "subject")
    actions = ("send_again",)
    fields = (
        ("patient", "about"),
        ("channel", "template"),
        "recipient",
        "subject",
        "text",
        ("state", "attempts"),
        "error",
        ("written", "sent"),
        "due_from",
    )
    readonly_fields = tuple(flatten(fields))

    @admin.display(description="written", ordering="created_at")
    def written(self, message: Message) -> str:
        return self.say(message.created_at, message)

    @admin.display(description="to be sent from")
    def due_from(self, message: Message) -> str:
        return self.say(message.send_at, message)

    @admin.display(description="sent")
    def sent(self, message: Message) -> str:
        return self.say(message.sent_at, message)

    @admin.display(description="text")
    def text(self, message: Message) -> str:
        return "It holds a code or a link that is nobody else’s." if message.secret else mask_links(message.body)

    @admin.action(description="Send again", permissions=["view"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        """Messages that failed or were given up, and are still true."""
        chosen, now = queryset.count(), clock.now()
        count, not_again = send_again(queryset, now=now, also_holds=lambda one: is_still_offered(one, now=now))
        if count:
            self.message_user(request, f"{count} of {chosen} messages go out again.", messages.SUCCESS)
        if not_again:
            reasons = "; ".join(f"{number} {WHY_NOT_AGAIN[why]}" for why, number in sorted(not_again.items()))
            self.message_user(request, f"Not sent again: {reasons}.", messages.WARNING)


@admin.register(InboundMessage)
class InboundMessageAdmin(ToldAdmin):
    list_display = ("received", "sender", "body", "intent", "outcome", "answer", "clinic")
    list_filter = (("intent", ChoicesFilter), ("received_at", DatesFilter), ("clinic", OwnClinicFilter))
    search_fields = ("sender", "body")
    fields = (("patient", "about"), ("received", "sender"), "body", ("intent", "outcome"), "answer")
    readonly_fields = tuple(flatten(fields))

    @admin.display(description="received", ordering="received_at")
    def received(self, message: InboundMessage) -> str:
        return self.say(message.received_at, message)


@admin.register(JobRun)
class JobRunAdmin(LogAdmin):
    """For a superuser: the jobs are those of all clinics."""

    list_display = ("name", "started_at", "took", "did", "succeeded_at", "failures", "error")
    fields = readonly_fields = list_display

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return isinstance(request.user, User) and request.user.is_superuser

    def get_queryset(self, request: HttpRequest) -> QuerySet[JobRun]:
        """A job has no clinic."""
        return JobRun.objects.all() if user_of(request).is_superuser else JobRun.objects.none()

    @admin.display(description="took", ordering="seconds")
    def took(self, run: JobRun) -> str:
        return f"{run.seconds * 1000:.0f} ms"
