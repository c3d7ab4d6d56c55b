from typing import Any

from rest_framework import serializers

from clinic.appointments.serializers.starts import PractitionerNames, StartInput
from clinic.common.instants import say_instant, say_minute, zone_of
from clinic.scheduling.models import Hold


class HoldInput(StartInput, PractitionerNames):
    service = serializers.IntegerField(required=False, allow_null=True, min_value=1)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        start, practitioner_id = self.start_of(attrs), self.practitioner_of(attrs)
        missing = [name for name, value in (("start", start), ("practitioner", practitioner_id)) if not value]
        if missing:
            raise serializers.ValidationError(dict.fromkeys(missing, "This field is required."), code="required")
        return {"start": start, "practitioner_id": practitioner_id, "service_id": attrs.get("service")}


class HoldNamedInput(PractitionerNames):
    """Only with whom: that says which clinic it is, and in its zone the start is read."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        practitioner_id = self.practitioner_of(attrs)
        if practitioner_id is None:
            raise serializers.ValidationError({"practitioner": "This field is required."}, code="required")
        return {"practitioner_id": practitioner_id}


class HoldReleaseInput(serializers.Serializer[Any]):
    token = serializers.CharField(required=False, max_length=64, help_text="by whoever is not its user")


class HoldOutput(serializers.Serializer[Hold]):
    id = serializers.IntegerField()
    token = serializers.CharField(help_text="books the time, and lets it go: keep it to yourself")
    practitioner = serializers.IntegerField(source="practitioner_id")
    service = serializers.IntegerField(source="service_id", allow_null=True)
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()

    def to_representation(self, hold: Hold) -> dict[str, Any]:
        zone = zone_of(hold.clinic.timezone)
        return {
            "id": hold.pk,
            "token": hold.token,
            "practitioner": hold.practitioner_id,
            "service": hold.service_id,
            "start": say_minute(hold.starts_at, zone),
            "end": say_minute(hold.ends_at, zone),
            "expires_at": say_instant(hold.expires_at, zone),
        }
