"""Steps that were taken, on the page of an appointment and by themselves."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from clinic.accounts.own_clinic import (
    InlineOfOwnClinic,
    LogAdmin,
    OwnClinicFilter,
)
from clinic.appointments.admin.wording import NO_BREAK, say_instant
from clinic.appointments.lifecycle import Action
from clinic.appointments.models import AppointmentEvent
from clinic.common.admin import ChoicesFilter, DatesFilter, OneOfFilter
from clinic.people.models import Patient

# Entries of the history beside the lifecycle's actions.
OTHER_ACTIONS = ("create", "edit", "move", "attend", "link", "delete", "ask-move", "undo", "correct")


class HistoryInline(InlineOfOwnClinic):
    """Every change, the newest first."""

    model = AppointmentEvent
    verbose_name_plural = "history"
    hide_title = True
    fields = readonly_fields = ("when", "action", "status", "start", "who", "channel", "reason")
    ordering = ("-at", "-id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AppointmentEvent]:
        return super().get_queryset(request).select_related("clinic")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def when(self, event: AppointmentEvent) -> str:
        return say_instant(event.at, event.clinic.timezone)

    def status(self, event: AppointmentEvent) -> str:
        return say_step(event)

    def start(self, event: AppointmentEvent) -> str:
        return say_move(event)

    def who(self, event: AppointmentEvent) -> str:
        return event.actor_name


def say_step(event: AppointmentEvent) -> str:
    statuses = [status.replace("_", NO_BREAK) for status in (event.from_status, event.to_status) if status]
    return f"{NO_BREAK}→{NO_BREAK}".join(dict.fromkeys(statuses)) or "–"


def say_move(event: AppointmentEvent) -> str:
    starts = [say_instant(at, event.clinic.timezone) for at in (event.from_starts_at, event.to_starts_at) if at]
    return " → ".join(dict.fromkeys(starts)) or "–"


class DoneFilter(OneOfFilter):
    title = "what"
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name.replace("-", " ")) for name in (*OTHER_ACTIONS, *Action)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AppointmentEvent]) -> QuerySet[AppointmentEvent]:
        return queryset.filter(action=self.value()) if self.value() else queryset


@admin.register(AppointmentEvent)
class HistoryAdmin(LogAdmin):
    """Also of appointments that are gone."""

    list_display = ("when", "patient", "action", "status", "start", "who", "channel", "reason", "clinic")
    list_filter = (
        ("at", DatesFilter),
        DoneFilter,
        ("actor_kind", ChoicesFilter),
        ("channel", ChoicesFilter),
        ("clinic", OwnClinicFilter),
    )
    search_fields = ("actor_name", "reason", "patient_name")
    ordering = ("-at", "-id")
    fields = ("when", "patient", "action", "status", "start", "who", "actor_kind", "channel", "reason", "snapshot")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[AppointmentEvent]:
        # By the snapshot: a join with appointments would leave out what was deleted.
        events = super().get_queryset(request).select_related("clinic")
        names = Patient.objects.filter(pk=OuterRef("patient_id")).values("name")
        named: QuerySet[AppointmentEvent] = events.annotate(patient_name=Subquery(names))
        return named

    @admin.display(description="when", ordering="at")
    def when(self, event: AppointmentEvent) -> str:
        return say_instant(event.at, event.clinic.timezone)

    @admin.display(description="patient")
    def patient(self, event: Any) -> str:
        return event.patient_name or "–"

    @admin.display(description="status")
    def status(self, event: AppointmentEvent) -> str:
        return say_step(event)

    @admin.display(description="start")
    def start(self, event: AppointmentEvent) -> str:
        return say_move(event)

    @admin.display(description="who", ordering="actor_name")
    def who(self, event: AppointmentEvent) -> str:
        return event.actor_name
