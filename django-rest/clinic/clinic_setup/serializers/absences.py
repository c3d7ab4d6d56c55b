from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clinic.clinic_setup.serializers.fields import WallTimeField
from clinic.clinic_setup.serializers.schedules import ExceptionHoursInput
from clinic.common.versions import VersionInput
from clinic.scheduling.models import AbsenceState


class AbsenceFilterInput(serializers.Serializer[Any]):
    state = serializers.ChoiceField(
        choices=[*AbsenceState.values, "all"], required=False, help_text="`requested` if it is not given"
    )
    practitioner = serializers.IntegerField(required=False, min_value=1, help_text="id: theirs alone")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        state = attrs.get("state", AbsenceState.REQUESTED)
        states = AbsenceState.values if state == "all" else [state]
        return {"states": states, "practitioner_id": attrs.get("practitioner")}


class AbsenceInput(ExceptionHoursInput):
    """Whole days, or a time of each day."""

    def get_fields(self) -> dict[str, "serializers.Field[Any, Any, Any, Any]"]:
        fields = super().get_fields()
        del fields["closed"]
        return fields

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        # With times it is an absence, not other hours.
        checked = super().validate({**attrs, "closed": True})
        del checked["closed"]
        return checked


class ApproveInput(VersionInput):
    force = serializers.BooleanField(required=False, help_text="although appointments are left outside of the hours")


class DeclineInput(VersionInput):
    answer = serializers.CharField(
        required=False, allow_blank=True, max_length=200, help_text="in words, for the practitioner"
    )


class AbsenceVisitOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="of the appointment")
    patient = serializers.IntegerField()
    patient_name = serializers.CharField()
    practitioner = serializers.IntegerField()
    practitioner_name = serializers.CharField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    status = serializers.CharField()


class AbsenceOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    practitioner = serializers.IntegerField(source="practitioner_id")
    practitioner_name = serializers.CharField(source="practitioner.name")
    start_date = serializers.DateField()
    end_date = serializers.DateField()
    start = WallTimeField(
        source="start_local", allow_null=True, help_text="HH:MM on the clinic's clock; null: whole days"
    )
    end = WallTimeField(source="end_local", allow_null=True, help_text="HH:MM on the clinic's clock; null: whole days")
    reason = serializers.CharField(help_text="for the people of the clinic alone")
    state = serializers.ChoiceField(choices=AbsenceState.choices)
    answer = serializers.CharField(help_text="of the desk; empty if none was given")
    requested_at = serializers.DateTimeField(help_text="an instant")
    decided_at = serializers.DateTimeField(allow_null=True, help_text="an instant; null: not yet")
    decided_by_name = serializers.CharField(
        source="decided_by.name", default=None, allow_null=True, help_text="null: nobody yet"
    )
    exception = serializers.IntegerField(
        source="exception_id", allow_null=True, help_text="id of the exception it became; null: none"
    )
    version = serializers.IntegerField(help_text="rises with every change; also the ETag")
    conflicts = serializers.SerializerMethodField(help_text="appointments that would be left outside of the hours")

    @extend_schema_field(AbsenceVisitOutput(many=True))
    def get_conflicts(self, absence: Any) -> list[dict[str, object]]:
        found: list[dict[str, object]] = self.context["conflicts"].get(absence.pk, [])
        return found
