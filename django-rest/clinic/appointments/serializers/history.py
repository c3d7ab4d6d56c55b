from typing import Any

from rest_framework import serializers

from clinic.appointments.history_lists import HistoryFilter
from clinic.appointments.models import AppointmentEvent
from clinic.appointments.queries import HistoryNames, history_names
from clinic.appointments.serializers.starts import PractitionerNames


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
    names: HistoryNames  # Of all lines at once: set by the list.

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
