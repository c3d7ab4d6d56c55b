from datetime import date, time
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from clinic.common.instants import as_utc, zone_of
from clinic.scheduling.models import Clinic
from clinic.scheduling.slots import local_instant


class WallTime(serializers.TimeField):
    def to_internal_value(self, value: Any) -> Any:
        if isinstance(value, str) and "\0" in value:  # `time.fromisoformat` stops reading there.
            self.fail("invalid", format="hh:mm[:ss]")
        return super().to_internal_value(value)


class InstantOrWallTime(serializers.DateTimeField):
    def enforce_timezone(self, value: Any) -> Any:
        if timezone.is_naive(value):
            return value
        if not 1 < value.year < 9999:
            self.fail("overflow")
        return as_utc(value)


class StartInput(serializers.Serializer[Any]):
    """`start`, or `date` and `time` in the clinic's zone. A start without offset is the clinic's wall time."""

    start = serializers.DateTimeField(required=False)
    date = serializers.DateField(required=False)
    time = WallTime(required=False)

    def get_fields(self) -> dict[str, "serializers.Field[Any, Any, Any, Any]"]:
        fields = super().get_fields()
        if "clinic" in self.context:
            # Read as it stands: local_instant turns a wall time into an instant, and refuses what the clock skips.
            fields["start"] = InstantOrWallTime(required=False)
        return fields

    def start_of(self, attrs: dict[str, Any]) -> Any:
        clinic: Clinic = self.context["clinic"]
        day: date | None = attrs.pop("date", None)
        at: time | None = attrs.pop("time", None)
        start = attrs.pop("start", None)
        if start is not None and start.tzinfo is None:
            day, at, start = start.date(), start.time(), None
        if start is not None:
            return start
        if (day is None) != (at is None):
            raise serializers.ValidationError({"time" if at is None else "date": "Give both."}, code="required")
        return None if day is None or at is None else as_utc(local_instant(day, at, zone_of(clinic.timezone)))


class PractitionerNames(serializers.Serializer[Any]):
    """`dentist` is what older front ends say for `practitioner`."""

    practitioner = serializers.IntegerField(required=False, min_value=1)
    dentist = serializers.IntegerField(required=False, min_value=1)

    def practitioner_of(self, attrs: dict[str, Any]) -> int | None:
        dentist = attrs.pop("dentist", None)
        practitioner: int | None = attrs.pop("practitioner", dentist)
        return practitioner


class WhenAndWithWhom(StartInput, PractitionerNames):
    """A start, or a hold that says it. Without a practitioner a free one is chosen."""

    service = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    hold = serializers.CharField(
        required=False, max_length=64, help_text="the token of a hold: says when and with whom"
    )

    def booked(self, attrs: dict[str, Any]) -> dict[str, Any]:
        start, practitioner_id, hold = self.start_of(attrs), self.practitioner_of(attrs), attrs.get("hold")
        if start is None and hold is None:
            raise serializers.ValidationError({"start": "This field is required."}, code="required")
        return {
            "start": start,
            "practitioner_id": practitioner_id,
            "service_id": attrs.get("service"),
            "hold_token": hold,
        }
