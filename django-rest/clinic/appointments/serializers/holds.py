from typing import Any

from rest_framework import serializers

from clinic.appointments.serializers.starts import PractitionerNames, StartInput
from clinic.common.instants import say_instant, say_minute, zone_of
from clinic.scheduling.models import Hold


class HoldInput(StartInput, PractitionerNames):
    service = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    clinic = serializers.CharField(
        required=False,
        max_length=60,
        help_text="slug or id, for people not signed in where several clinics are and nothing else names one",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        start = self.start_of(attrs)
        if not start:
            raise serializers.ValidationError({"start": "This field is required."}, code="required")
        return {"start": start, "practitioner_id": self.practitioner_of(attrs), "service_id": attrs.get("service")}


class HoldNamedInput(PractitionerNames):
    """Only what says which clinic it is: in its zone the start is read."""

    clinic = serializers.CharField(required=False, max_length=60)
    service = serializers.IntegerField(required=False, allow_null=True, min_value=1)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {
            "practitioner_id": self.practitioner_of(attrs),
            "name": attrs.get("clinic"),
            "service_id": attrs.get("service"),
        }


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
    renewable = serializers.BooleanField(help_text="whether it can be renewed: once")

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
            "renewable": hold.is_renewable,
        }
