from datetime import date, timedelta
from typing import Any

from rest_framework import serializers

from clinic.scheduling.models import Clinic, Practitioner, Service

LONGEST_RANGE_DAYS = 31


class ClinicOutput(serializers.ModelSerializer[Clinic]):
    class Meta:
        model = Clinic
        fields = [
            "id",
            "name",
            "slug",
            "timezone",
            "phone_region",
            "slot_minutes",
            "hold_minutes",
            "horizon_days",
            "notice_minutes",
            "cancellation_notice_minutes",
        ]


class PractitionerOutput(serializers.ModelSerializer[Practitioner]):
    services = serializers.PrimaryKeyRelatedField[Service](many=True, read_only=True)

    class Meta:
        model = Practitioner
        fields = ["id", "name", "specialisation", "services"]


class ServiceOutput(serializers.ModelSerializer[Service]):
    practitioners = serializers.PrimaryKeyRelatedField[Practitioner](many=True, read_only=True)

    class Meta:
        model = Service
        fields = [
            "id",
            "name",
            "duration_minutes",
            "buffer_before_minutes",
            "buffer_after_minutes",
            "color",
            "practitioners",
        ]


class SlotsInput(serializers.Serializer[Any]):
    """`date`, or `from` and `to`, both included."""

    date = serializers.DateField(required=False, help_text="one day, the clinic's")
    to = serializers.DateField(required=False)
    service = serializers.IntegerField(required=False, min_value=1, help_text="length and buffers of this service")

    def get_fields(self) -> dict[str, "serializers.Field[Any, Any, Any, Any]"]:
        # "from" is a word of Python's.
        return {**super().get_fields(), "from": serializers.DateField(required=False)}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        first, last = attrs.get("date") or attrs.get("from"), attrs.get("date") or attrs.get("to") or attrs.get("from")
        if first is None or last is None:
            raise serializers.ValidationError({"date": "Give date=, or from= and to=."}, code="required")
        _check_range(first, last)
        return {"first_date": first, "last_date": last, "service_id": attrs.get("service")}


def _check_range(first: date, last: date) -> None:
    if last < first:
        raise serializers.ValidationError({"to": "The range ends before it begins."}, code="invalid")
    if last - first >= timedelta(days=LONGEST_RANGE_DAYS):
        raise serializers.ValidationError(
            {"to": f"A range is {LONGEST_RANGE_DAYS} days at most."}, code="range_too_long"
        )


class SlotOutput(serializers.Serializer[Any]):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    date = serializers.DateField()
    time = serializers.CharField(help_text="HH:MM, the clinic's")


class SlotsOutput(serializers.Serializer[Any]):
    practitioner = serializers.IntegerField()
    service = serializers.IntegerField(allow_null=True)
    slots = SlotOutput(many=True)
