from typing import Any

from rest_framework import serializers

from clinic.clinic_setup.serializers.fields import FiveMinutesField, IdsField
from clinic.common.names import validate_label
from clinic.common.versions import VersionInput
from clinic.scheduling.models import (
    Practitioner,
    Service,
)


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
            "active",
            "version",
        ]


class ListedInput(serializers.Serializer[Any]):
    active = serializers.ChoiceField(
        choices=["true", "false", "all"], required=False, help_text="false, all: for the owner and staff alone"
    )


class ServiceInput(serializers.Serializer[Any]):
    """A changed length or buffer counts for what is booked from then on."""

    name = serializers.CharField(max_length=120, validators=[validate_label])
    duration_minutes = FiveMinutesField(min_value=5, max_value=480)
    buffer_before_minutes = FiveMinutesField(required=False, min_value=0, max_value=240)
    buffer_after_minutes = FiveMinutesField(required=False, min_value=0, max_value=240)
    color = serializers.RegexField(r"^#[0-9a-fA-F]{6}$", required=False, help_text="#rrggbb")
    practitioners = IdsField(required=False, help_text="who offers it")
    active = serializers.BooleanField(required=False)


class ServiceEditInput(VersionInput, ServiceInput):
    pass
