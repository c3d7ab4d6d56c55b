import re
from typing import Any

from rest_framework import serializers

from clinic.appointments.lifecycle import Status, parse_status
from clinic.appointments.models import STATUS_CHOICES, Appointment, AppointmentEvent, Source
from clinic.appointments.queries import ORDERINGS, AppointmentFilter, HistoryFilter, HistoryNames, history_names
from clinic.appointments.serializers.starts import PractitionerNames, StartInput, WhenAndWithWhom
from clinic.appointments.shown import ShownAppointment, shown_of
from clinic.common.errors import InvalidRequest
from clinic.common.instants import say_instant, say_minute, zone_of

# The part of a patient's own view that stays in the clinic.
INTERNAL_FIELDS = ("notes",)


class AppointmentOutput(serializers.Serializer[Any]):
    """An appointment as REST and the stream show it. `dentist…` repeats `practitioner…` for older front ends."""

    # Sent back with a change, these are not compared: other rows have them.
    computed = frozenset(
        {
            "patient_name",
            "patient_email",
            "patient_phone",
            "practitioner_name",
            "dentist_name",
            "service_name",
            "service_color",
        }
    )

    id = serializers.IntegerField()
    clinic = serializers.IntegerField()
    patient = serializers.IntegerField()
    patient_name = serializers.CharField()
    patient_email = serializers.CharField()
    patient_phone = serializers.CharField()
    practitioner = serializers.IntegerField()
    practitioner_name = serializers.CharField()
    dentist = serializers.IntegerField()
    dentist_name = serializers.CharField()
    service = serializers.IntegerField(allow_null=True)
    service_name = serializers.CharField(allow_null=True)
    service_color = serializers.CharField(allow_null=True)
    start = serializers.DateTimeField(help_text="in the clinic's zone")
    end = serializers.DateTimeField(help_text="in the clinic's zone")
    date = serializers.DateField(help_text="the clinic's")
    time = serializers.CharField(help_text="HH:MM, the clinic's")
    status = serializers.ChoiceField(choices=STATUS_CHOICES)
    attendance_confirmed_at = serializers.DateTimeField(allow_null=True)
    checked_in_at = serializers.DateTimeField(allow_null=True)
    notes = serializers.CharField(required=False, help_text="internal: not in a patient's own view")
    cancel_reason = serializers.CharField()
    source = serializers.ChoiceField(choices=Source.choices)  # type: ignore[assignment]  # a field named like an argument
    series = serializers.IntegerField(allow_null=True)
    version = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def to_representation(self, appointment: ShownAppointment | Appointment) -> dict[str, Any]:
        row = shown_of(appointment) if isinstance(appointment, Appointment) else appointment
        shown = present_appointment(row)
        if self.context.get("for_patient"):
            for name in INTERNAL_FIELDS:
                del shown[name]
        return shown


def present_appointment(row: ShownAppointment) -> dict[str, Any]:
    zone = zone_of(row.clinic__timezone)
    start = say_minute(row.starts_at, zone)
    return {
        "id": row.id,
        "clinic": row.clinic_id,
        "patient": row.patient_id,
        "patient_name": row.patient__name,
        "patient_email": row.patient__email,
        "patient_phone": row.patient__phone,
        "practitioner": row.practitioner_id,
        "practitioner_name": row.practitioner__name,
        "dentist": row.practitioner_id,
        "dentist_name": row.practitioner__name,
        "service": row.service_id,
        "service_name": row.service__name,
        "service_color": row.service__color,
        "start": start,
        "end": say_minute(row.ends_at, zone),
        "date": row.local_date.isoformat(),
        "time": start[11:16],
        "status": row.status,
        "attendance_confirmed_at": say_instant(row.attendance_confirmed_at, zone),
        "checked_in_at": say_instant(row.checked_in_at, zone),
        "notes": row.notes,
        "cancel_reason": row.cancel_reason,
        "source": row.source,
        "series": row.series_id,
        "version": row.version,
        "created_at": say_instant(row.created_at, zone),
        "updated_at": say_instant(row.updated_at, zone),
    }


class StatusField(serializers.CharField):
    """Any case; APPROVED and the like are understood."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return parse_status(super().to_internal_value(data))
        except InvalidRequest as error:
            raise serializers.ValidationError(error.detail, code="invalid_choice") from None


class AppointmentInput(WhenAndWithWhom):
    patient = serializers.IntegerField(required=False, min_value=1, help_text="a patient books for themselves")
    notes = serializers.CharField(required=False, allow_blank=True, max_length=4000)
    outside_hours = serializers.BooleanField(required=False, help_text="the desk may book outside of working hours")
    status = StatusField(required=False, help_text="`pending`, or `confirmed` by the clinic")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {
            **self.booked(attrs),
            "status": attrs.get("status"),
            "patient_id": attrs.get("patient"),
            "notes": attrs.get("notes", ""),
            "outside_hours": attrs.get("outside_hours", False),
        }


class RescheduleInput(StartInput, PractitionerNames):
    """Where the appointment is dropped; what is not said stays."""

    outside_hours = serializers.BooleanField(required=False, help_text="the desk may book outside of working hours")
    version = serializers.IntegerField(required=False, min_value=1, help_text="the version that was dragged")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        start = self.start_of(attrs)
        if start is None:
            raise serializers.ValidationError({"start": "This field is required."}, code="required")
        return {
            "start": start,
            "practitioner_id": self.practitioner_of(attrs),
            "outside_hours": attrs.get("outside_hours", False),
            "version": attrs.get("version"),
        }


class AppointmentEditInput(StartInput, PractitionerNames):
    patient = serializers.IntegerField(required=False, min_value=1, help_text="stays who it is")
    service = serializers.IntegerField(required=False, allow_null=True, min_value=1, help_text="null: as it is")
    notes = serializers.CharField(required=False, allow_blank=True, max_length=4000)
    outside_hours = serializers.BooleanField(required=False)
    status = StatusField(required=False)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)
    version = serializers.IntegerField(required=False, min_value=1)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {
            "start": self.start_of(attrs),
            "practitioner_id": self.practitioner_of(attrs),
            "service_id": attrs.pop("service", None),
            "patient_id": attrs.pop("patient", None),
            **attrs,
        }


class ActionInput(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)
    version = serializers.IntegerField(required=False, min_value=1)


class AppointmentFilterInput(PractitionerNames):
    scope = serializers.ChoiceField(choices=["active", "history", "all"], required=False)
    status = serializers.CharField(required=False, help_text="one or several, by commas; then scope is not looked at")
    date = serializers.DateField(required=False)
    to = serializers.DateField(required=False)
    patient = serializers.IntegerField(required=False, min_value=1)
    search = serializers.CharField(required=False, allow_blank=True, max_length=100)
    ordering = serializers.CharField(required=False, help_text=", ".join(ORDERINGS) + "; a minus turns it round")

    def get_fields(self) -> dict[str, "serializers.Field[Any, Any, Any, Any]"]:
        # "from" is a word of Python's.
        return {**super().get_fields(), "from": serializers.DateField(required=False)}

    def validate_status(self, text: str) -> tuple[Status, ...]:
        try:
            return tuple(parse_status(word) for word in text.split(",") if word.strip())
        except InvalidRequest as error:
            raise serializers.ValidationError(error.detail, code="invalid_choice") from None

    def validate_ordering(self, ordering: str) -> str:
        if not re.fullmatch(f"-?({'|'.join(ORDERINGS)})", ordering):
            raise serializers.ValidationError(f"Order by one of: {', '.join(ORDERINGS)}.", code="invalid_choice")
        return ordering

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        day = attrs.get("date")
        first, last = day or attrs.get("from"), day or attrs.get("to")
        if first and last and last < first:
            raise serializers.ValidationError({"to": "The range ends before it begins."}, code="invalid")
        return {
            "wanted": AppointmentFilter(
                scope=attrs.get("scope", "active"),
                statuses=attrs.get("status", ()),
                first_date=first,
                last_date=last,
                practitioner_id=self.practitioner_of(attrs),
                patient_id=attrs.get("patient"),
                search=attrs.get("search", "").strip(),
                ordering=attrs.get("ordering"),
            )
        }


class HistoryFilterInput(PractitionerNames):
    appointment = serializers.IntegerField(required=False, min_value=1)
    patient = serializers.IntegerField(required=False, min_value=1)
    action = serializers.CharField(required=False, max_length=20, help_text="one step, such as `cancel`")
    to = serializers.DateField(required=False, help_text="last day of the change, included")

    def get_fields(self) -> dict[str, "serializers.Field[Any, Any, Any, Any]"]:
        # "from" is a word of Python's.
        return {**super().get_fields(), "from": serializers.DateField(required=False)}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        first, last = attrs.get("from"), attrs.get("to")
        if first and last and last < first:
            raise serializers.ValidationError({"to": "The range ends before it begins."}, code="invalid")
        return {
            "wanted": HistoryFilter(
                appointment_id=attrs.get("appointment"),
                patient_id=attrs.get("patient"),
                practitioner_id=self.practitioner_of(attrs),
                action=attrs.get("action", ""),
                first_date=first,
                last_date=last,
            )
        }


class HistoryListSerializer(serializers.ListSerializer[Any]):
    """Names for all lines at once."""

    def to_representation(self, data: Any) -> list[Any]:
        events = list(data)
        assert isinstance(self.child, AppointmentEventOutput)
        self.child.names = history_names(events)
        return super().to_representation(events)


class AppointmentEventOutput(serializers.ModelSerializer[AppointmentEvent]):
    names: HistoryNames | None = None

    appointment = serializers.IntegerField(source="appointment_id")
    patient = serializers.IntegerField(read_only=True, allow_null=True)
    patient_name = serializers.CharField(read_only=True, allow_null=True, help_text="as it is now")
    practitioner = serializers.IntegerField(read_only=True, allow_null=True)
    practitioner_name = serializers.CharField(read_only=True, allow_null=True, help_text="as it is now")
    service = serializers.IntegerField(read_only=True, allow_null=True)
    service_name = serializers.CharField(read_only=True, allow_null=True, help_text="as it is now")
    actor = serializers.IntegerField(source="actor_id", allow_null=True)
    from_start = serializers.DateTimeField(source="from_starts_at", allow_null=True)
    to_start = serializers.DateTimeField(source="to_starts_at", allow_null=True)

    class Meta:
        model = AppointmentEvent
        list_serializer_class = HistoryListSerializer
        fields = [
            "id",
            "appointment",
            "patient",
            "patient_name",
            "practitioner",
            "practitioner_name",
            "service",
            "service_name",
            "action",
            "from_status",
            "to_status",
            "from_start",
            "to_start",
            "actor",
            "actor_name",
            "actor_kind",
            "channel",
            "reason",
            "at",
        ]

    def to_representation(self, event: AppointmentEvent) -> dict[str, Any]:
        """Call for a list: it looks the names up."""
        assert self.names is not None
        names = self.names
        patient, practitioner, service = (
            event.snapshot.get(column) for column in ("patient_id", "practitioner_id", "service_id")
        )
        return {
            **super().to_representation(event),
            "patient": patient,
            "patient_name": names.patients.get(patient),
            "practitioner": practitioner,
            "practitioner_name": names.practitioners.get(practitioner),
            "service": service,
            "service_name": names.services.get(service),
        }
