"""The admin over the same services as the API: nothing about an appointment is changed around them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from clinic.accounts.admin import OfOwnClinicAdmin
from clinic.accounts.models import User
from clinic.accounts.phones import normalise_phone
from clinic.appointments.actor import Actor
from clinic.appointments.lifecycle import Action
from clinic.appointments.models import ActorKind, Appointment, Channel, Patient
from clinic.appointments.queries import appointments_visible_to
from clinic.appointments.services.booking import Edit, edit_appointment
from clinic.appointments.services.decisions import change_status, delete_appointment
from clinic.common.errors import ChairsideError, InvalidRequest
from clinic.common.instants import zone_of


class PatientForm(forms.ModelForm[Patient]):
    class Meta:
        model = Patient
        fields = ("clinic", "name", "email", "phone")

    def clean_phone(self) -> str:
        phone: str = self.cleaned_data["phone"]
        clinic = self.cleaned_data.get("clinic") or (self.instance.clinic if self.instance.clinic_id else None)
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

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_view_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @admin.display(boolean=True, description="has an account")
    def has_account(self, patient: Patient) -> bool:
        return patient.user_id is not None


@admin.register(Appointment)
class AppointmentAdmin(admin.ModelAdmin[Appointment]):
    list_display = ("when", "patient", "practitioner", "service", "status", "source", "version")
    list_filter = ("status", "local_date", "practitioner", "service", "clinic")
    search_fields = ("patient__name", "patient__phone", "patient__email", "practitioner__name")
    date_hierarchy = "local_date"
    ordering = ("-starts_at", "-id")
    list_per_page = 50
    actions = ("approve", "reject", "cancel", "check_in", "complete", "mark_no_show", "reopen")
    fields = (
        ("patient", "practitioner", "service"),
        ("when", "status", "source"),
        "notes",
        "cancel_reason",
        ("attendance_confirmed_at", "checked_in_at"),
        ("version", "created_at", "updated_at"),
        "history",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Appointment]:
        rows = appointments_visible_to(_user(request)).select_related("clinic", "patient", "practitioner", "service")
        return rows.order_by(*self.ordering)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        names = [name for group in self.fields for name in (group if isinstance(group, tuple) else (group,))]
        return [name for name in names if name != "notes"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        user = request.user
        return isinstance(user, User) and (user.is_superuser or user.works_at_desk)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_view_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        # A booking needs the slots in view; the API and the pages have them.
        return False

    def save_model(self, request: HttpRequest, obj: Appointment, form: Any, change: bool) -> None:
        edit = Edit(notes=form.cleaned_data["notes"])
        edit_appointment(actor=_actor(request), appointment_id=obj.pk, edit=edit, now=timezone.now())

    def delete_model(self, request: HttpRequest, obj: Appointment) -> None:
        delete_appointment(actor=_actor(request), appointment_id=obj.pk, now=timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        for appointment in queryset:
            self.delete_model(request, appointment)

    @admin.display(description="when", ordering="starts_at")
    def when(self, appointment: Appointment) -> str:
        zone = zone_of(appointment.clinic.timezone)
        start, end = appointment.starts_at.astimezone(zone), appointment.ends_at.astimezone(zone)
        return f"{start:%a %d %b %Y, %H:%M}–{end:%H:%M}"

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
            self.message_user(request, f"{action.value}: {done} done.", messages.SUCCESS)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _actor(request: HttpRequest) -> Actor:
    return Actor(ActorKind.ADMIN, Channel.ADMIN, _user(request))
