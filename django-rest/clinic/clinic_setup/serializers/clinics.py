from typing import Any

from django.core.exceptions import ValidationError
from phonenumbers import SUPPORTED_REGIONS
from rest_framework import serializers
from shared_config import is_time_zone

from clinic.clinic_setup.serializers.fields import refuse_off_grid
from clinic.common.versions import VersionInput
from clinic.outbox.sms_numbers import countries_in
from clinic.scheduling.models import (
    MAX_COUNTRIES,
    MAX_LEAD_MINUTES,
    MAX_REMINDERS,
    SHORTEST_LEAD_MINUTES,
    Clinic,
    origins_in,
    reminder_minutes_in,
    validate_origins,
)


class ReminderMinutesField(serializers.ListField):
    """A list of numbers; the clinic's row keeps them as text."""

    def __init__(self, **options: Any) -> None:
        child = serializers.IntegerField(min_value=SHORTEST_LEAD_MINUTES, max_value=MAX_LEAD_MINUTES)
        help_text = "how long before the start patients are reminded; an empty list: not at all"
        super().__init__(child=child, help_text=help_text, **options)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str):  # As a form has it.
            data = [part.strip() for part in data.split(",") if part.strip()]
        minutes = super().to_internal_value(data)
        if len(minutes) > MAX_REMINDERS:
            raise serializers.ValidationError(f"{MAX_REMINDERS} at most.", code="max_length")
        if len(set(minutes)) < len(minutes):
            raise serializers.ValidationError("Twice the same.", code="invalid")
        return ",".join(map(str, sorted(minutes, reverse=True)))

    def to_representation(self, text: Any) -> list[int]:
        return reminder_minutes_in(text)


class CountriesField(serializers.ListField):
    """A list of country codes; the clinic's row keeps them as text."""

    def __init__(self, **options: Any) -> None:
        child = serializers.CharField(max_length=2)
        help_text = "countries whose numbers get SMS, ISO 3166; an empty list: the country of `phone_region`"
        super().__init__(child=child, help_text=help_text, **options)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str):  # As a form has it.
            data = [part.strip() for part in data.split(",") if part.strip()]
        countries = [country.upper() for country in super().to_internal_value(data)]
        if unknown := sorted(set(countries) - SUPPORTED_REGIONS):
            raise serializers.ValidationError(f"Not a country code: {', '.join(unknown)}.", code="invalid_choice")
        if len(countries) > MAX_COUNTRIES:
            raise serializers.ValidationError(f"{MAX_COUNTRIES} at most.", code="max_length")
        return ",".join(sorted(set(countries)))

    def to_representation(self, text: Any) -> list[str]:
        return sorted(countries_in(text))


MAX_ORIGINS = 10


class OriginsField(serializers.ListField):
    """A list of web sites; the clinic's row keeps them as text."""

    def __init__(self, **options: Any) -> None:
        help_text = "web sites that may show the booking page within theirs: https://www.example.org"
        super().__init__(child=serializers.CharField(max_length=200), help_text=help_text, **options)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str):  # As a form has it.
            data = origins_in(data)
        origins = [origin.lower().rstrip("/") for origin in super().to_internal_value(data)]
        if len(origins) > MAX_ORIGINS:  # A validator of the list would see the text.
            raise serializers.ValidationError(f"{MAX_ORIGINS} web sites at most.", code="max_length")
        try:
            validate_origins(",".join(origins))
        except ValidationError as error:
            raise serializers.ValidationError(error.messages, code="invalid") from None
        return ",".join(dict.fromkeys(origins))

    def to_representation(self, text: Any) -> list[str]:
        return origins_in(text)


class ClinicOutput(serializers.ModelSerializer[Clinic]):
    """The policy as a whole for the people of the clinic, for everybody else what they need in order to book."""

    PUBLIC = frozenset(
        {
            "id",
            "name",
            "slug",
            "phone",
            "email",
            "address",
            "timezone",
            "phone_region",
            "hour_format",
            "slot_minutes",
            "hold_minutes",
            "horizon_days",
            "notice_minutes",
            "guests_verify_phone",
            "cancellation_notice_minutes",
            "version",
            "language",
        }
    )

    reminder_minutes = ReminderMinutesField(required=False)
    sms_countries = CountriesField(required=False)
    embed_origins = OriginsField(required=False)

    class Meta:
        model = Clinic
        exclude = ["created_at"]

    def to_representation(self, clinic: Clinic) -> dict[str, Any]:
        shown = super().to_representation(clinic)
        whole = self.context.get("for_clinic", False)
        return {name: value for name, value in shown.items() if whole or name in self.PUBLIC}


class ClinicInput(VersionInput, serializers.ModelSerializer[Clinic]):
    """Settings that are named change."""

    force = serializers.BooleanField(required=False, help_text="change the zone although appointments are ahead")
    reminder_minutes = ReminderMinutesField(required=False)
    sms_countries = CountriesField(required=False)
    embed_origins = OriginsField(required=False)

    class Meta:
        model = Clinic
        exclude = ["id", "created_at"]
        extra_kwargs = {"horizon_days": {"min_value": 1, "max_value": 730}}

    def validate_timezone(self, name: str) -> str:
        if not is_time_zone(name):
            raise serializers.ValidationError("Not an IANA time zone, such as Europe/Berlin.", code="invalid_choice")
        return name

    def validate_phone_region(self, region: str) -> str:
        if region.upper() not in SUPPORTED_REGIONS:
            raise serializers.ValidationError("Not a country code, such as DE.", code="invalid_choice")
        return region.upper()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        ends = [attrs.get(name, getattr(self.instance, name, None)) for name in ("quiet_from", "quiet_until")]
        if self.instance is not None and ends.count(None) == 1:
            missing = ("quiet_from", "quiet_until")[ends.index(None)]
            raise serializers.ValidationError({missing: "Quiet hours have a beginning and an end."}, code="required")
        return attrs

    def validate_slug(self, slug: str) -> str:
        return slug.lower()

    def validate_slot_minutes(self, minutes: int) -> int:
        return refuse_off_grid(minutes)
