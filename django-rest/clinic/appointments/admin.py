"""The admin over the same services as the API: nothing about an appointment is changed around them."""

import itertools
from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from clinic.accounts.own_clinic import OfOwnClinicAdmin, OwnClinicFilter, is_at_desk, user_of
from clinic.accounts.phones import normalise_phone
from clinic.appointments.actor import Actor
from clinic.appointments.lifecycle import Action
from clinic.appointments.models import ActorKind, Appointment, Channel, Patient
from clinic.appointments.queries import appointments_visible_to
from clinic.appointments.services.booking import Edit, edit_appointment
from clinic.appointments.services.decisions import change_status, delete_appointment
from clinic.appointments.services.patients import create_patient, edit_patient
from clinic.common.errors import ChairsideError, InvalidRequest, StaleVersion
from clinic.common.instants import local_date_of, zone_of
from clinic.scheduling.models import Clinic


class PatientForm(forms.ModelForm[Patient]):
    own_clinic: Clinic | None = None

    class Meta:
        model = Patient
        fields = ("clinic", "name", "email", "phone")

    def clean_phone(self) -> str:
        phone: str = self.cleaned_data["phone"]
        known = self.instance.clinic if self.instance.clinic_id else self.own_clinic
        clinic = self.cleaned_data.get("clinic") or known
        try:
            return normalise_phone(phone, region=clinic.phone_region if clinic else None) if phone else ""
        except InvalidRequest as error:
            raise ValidationError(error.detail) from None


@admin.register(Patient)
class PatientAdmin(OfOwnClinicAdmin):
    form = PatientForm
    list_display = ("name", "phone", "email", "clinic", "has_account")
    list_filter = ("clinic",)
    list_select_related = ("clinic",)
    search_fields = ("name", "phone", "email")

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.own_clinic = user_of(request).clinic
        return form

    def save_model(self, request: HttpRequest, obj: Patient, form: Any, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in ("name", "email", "phone")}
        if change:
            edit_patient(editor=user_of(request), patient_id=obj.pk, changes=values)
        else:
            clinic: Any = form.cleaned_data.get("clinic") or user_of(request).clinic
            obj.clinic = clinic
            obj.pk = create_patient(clinic=obj.clinic, **values).pk

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_view_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @admin.display(boolean=True, description="has an account")
    def has_account(self, patient: Patient) -> bool:
        return patient.user_id is not None


class WhenFilter(admin.SimpleListFilter):
    """What is still to come, the next first, unless something else is asked for; a search looks everywhere."""

    title = "when"
    parameter_name = "when"

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(request, *args)
        self.request = request

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("today", "Today"), ("upcoming", "Upcoming"), ("past", "Past"), ("all", "All")]

    def value(self) -> str:
        return super().value() or when_asked(self.request)

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        # Without Django's own "All": that is the bare page, which is not all here.
        return itertools.islice(super().choices(changelist), 1, None)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> QuerySet[Appointment]:
        clinic = user_of(request).clinic
        today = local_date_of(timezone.now(), zone_of(clinic.timezone if clinic else "UTC"))
        match self.value():
            case "today":
                return queryset.filter(local_date=today)
            case "upcoming":
                return queryset.filter(local_date__gte=today)
            case "past":
                return queryset.filter(local_date__lt=today)
        return queryset


def when_asked(request: HttpRequest) -> str:
    looks_everywhere = any(name == SEARCH_VAR or name.startswith("local_date__") for name in request.GET)
    return request.GET.get(WhenFilter.parameter_name) or ("all" if looks_everywhere else "upcoming")


class AppointmentForm(forms.ModelForm[Appointment]):
    """The notes, and the version they were read at: nobody overwrites what somebody else wrote meanwhile."""

    version_read = forms.IntegerField(widget=forms.HiddenInput)

    class Meta:
        model = Appointment
        fields = ("notes",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["version_read"] = self.instance.version

    def clean_version_read(self) -> int:
        version: int = self.cleaned_data["version_read"]
        if version != self.instance.version:
            raise ValidationError(StaleVersion.detail)
        return version


@admin.register(Appointment)
class AppointmentAdmin(admin.ModelAdmin[Appointment]):
    form = AppointmentForm
    list_display = ("when", "patient", "practitioner", "service", "status", "source")
    list_filter = (
        WhenFilter,
        "status",
        ("practitioner", OwnClinicFilter),
        ("service", OwnClinicFilter),
        "source",
        "clinic",
    )
    search_fields = ("patient__name", "patient__phone", "patient__email", "practitioner__name")
    date_hierarchy = "local_date"
    list_per_page = 50
    actions = ("approve", "reject", "cancel", "check_in", "complete", "mark_no_show", "reopen")
    fields = (
        ("patient", "practitioner", "service"),
        ("when", "status", "source"),
        "notes",
        "version_read",
        "cancel_reason",
        ("attendance_confirmed_at", "checked_in_at"),
        ("version", "created_at", "updated_at"),
        "history",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Appointment]:
        rows = appointments_visible_to(user_of(request)).select_related("clinic", "patient", "practitioner", "service")
        return rows.order_by(*self.get_ordering(request))

    def get_ordering(self, request: HttpRequest) -> tuple[str, str]:
        return ("starts_at", "id") if when_asked(request) in ("today", "upcoming") else ("-starts_at", "-id")

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return [name for name in self.list_filter if user_of(request).is_superuser or name != "clinic"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        names = [name for group in self.fields for name in (group if isinstance(group, tuple) else (group,))]
        return [name for name in names if name not in ("notes", "version_read")]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        # Many are cancelled, which leaves them to be seen; a deletion is of one.
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_at_desk(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_view_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        # A booking needs the slots in view; the API and the pages have them.
        return False

    def save_model(self, request: HttpRequest, obj: Appointment, form: Any, change: bool) -> None:
        edit_appointment(
            actor=_actor(request),
            appointment_id=obj.pk,
            edit=Edit(notes=form.cleaned_data["notes"]),
            now=timezone.now(),
            version=form.cleaned_data["version_read"],
        )

    def delete_model(self, request: HttpRequest, obj: Appointment) -> None:
        delete_appointment(actor=_actor(request), appointment_id=obj.pk, now=timezone.now())

    @admin.display(description="when", ordering="starts_at")
    def when(self, appointment: Appointment) -> str:
        zone = zone_of(appointment.clinic.timezone)
        start, end = appointment.starts_at.astimezone(zone), appointment.ends_at.astimezone(zone)
        # In one line, however narrow the column is.
        return f"{start:%a %d %b %Y, %H:%M}–{end:%H:%M}".replace(" ", "\N{NO-BREAK SPACE}")

    @admin.display(description="history")
    def history(self, appointment: Appointment) -> SafeString:
        zone = zone_of(appointment.clinic.timezone)
        rows = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{} → {}</td><td>{} ({})</td><td>{}</td></tr>",
            (
                (
                    f"{event.at.astimezone(zone):%d %b %Y, %H:%M:%S}",
                    event.action,
                    event.from_status or "–",
                    event.to_status or "–",
                    event.actor_name,
                    event.channel,
                    event.reason,
                )
                for event in appointment.events.order_by("at", "id")
            ),
        )
        return format_html("<table>{}</table>", rows)

    @admin.action(description="Approve")
    def approve(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        self._take(request, queryset, Action.CONFIRM)

    @admin.action(description="Reject")
    def reject(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        self._take(request, queryset, Action.REJECT)

    @admin.action(description="Cancel")
    def cancel(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        self._take(request, queryset, Action.CANCEL)

    @admin.action(description="Check in")
    def check_in(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        self._take(request, queryset, Action.CHECK_IN)

    @admin.action(description="Complete")
    def complete(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        self._take(request, queryset, Action.COMPLETE)

    @admin.action(description="Mark as no-show")
    def mark_no_show(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        self._take(request, queryset, Action.NO_SHOW)

    @admin.action(description="Re-open after a no-show")
    def reopen(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        self._take(request, queryset, Action.REOPEN)

    def _take(self, request: HttpRequest, queryset: QuerySet[Appointment], action: Action) -> None:
        done = 0
        for appointment in queryset:
            try:
                change_status(actor=_actor(request), appointment_id=appointment.pk, action=action, now=timezone.now())
                done += 1
            except ChairsideError as error:
                line = f"{appointment.patient}, {self.when(appointment)}: {error.detail}"
                self.message_user(request, line, messages.ERROR)
        if done:
            self.message_user(request, f"{action.value.capitalize()}: {done} done.", messages.SUCCESS)


def _actor(request: HttpRequest) -> Actor:
    return Actor(ActorKind.ADMIN, Channel.ADMIN, user_of(request))
