from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from rest_framework import serializers

from clinic.appointments.models import Appointment
from clinic.common.instants import as_utc, zone_of
from clinic.scheduling.models import Clinic
from clinic.scheduling.working_hours import local_instant


class WallTime(serializers.TimeField):
    def to_internal_value(self, value: Any) -> Any:
        if isinstance(value, str) and "\0" in value:  # `time.fromisoformat` stops reading there.
            self.fail("invalid", format="hh:mm[:ss]")
        return super().to_internal_value(value)


class InstantOrWallTime(serializers.DateTimeField):
    def to_internal_value(self, value: Any) -> Any:
        if isinstance(value, str) and "\0" in value:  # `datetime.fromisoformat` stops reading there.
            self.fail("invalid", format="YYYY-MM-DDThh:mm[:ss][+HH:MM]")
        return super().to_internal_value(value)

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
        zone = zone_of(clinic.timezone)
        day: date | None = attrs.pop("date", None)
        at: time | None = attrs.pop("time", None)
        start: datetime | None = attrs.pop("start", None)
        if start is not None and start.tzinfo is None:
            start = as_utc(local_instant(start.date(), start.time(), zone))
        row: Appointment | None = self.context.get("row")
        if row is not None:
            start, day, at = _changed(row, zone, start, day, at)
        if start is None and (day is None) != (at is None):
            raise serializers.ValidationError({"time" if at is None else "date": "Give both."}, code="required")
        named = None if day is None or at is None else as_utc(local_instant(day, at, zone))
        if start is not None and (day or at) is not None and start != named:
            raise serializers.ValidationError({"start": "Send `start`, or `date` and `time`."}, code="ambiguous")
        return start or named


def _changed(
    row: Appointment, zone: ZoneInfo, start: datetime | None, day: date | None, at: time | None
) -> tuple[datetime | None, date | None, time | None]:
    """Of a row that may be sent back as a whole. `date` or `time` alone leaves the other as it is."""
    local = row.starts_at.astimezone(zone)
    if day in (None, local.date()) and at in (None, local.time()):
        return start, None, None
    return (start if start != row.starts_at else None), day or local.date(), at or local.time()


class PractitionerNames(serializers.Serializer[Any]):
    practitioner = serializers.IntegerField(required=False, min_value=1)

    def practitioner_of(self, attrs: dict[str, Any]) -> int | None:
        practitioner: int | None = attrs.pop("practitioner", None)
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
