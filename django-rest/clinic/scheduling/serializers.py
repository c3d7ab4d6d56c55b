from datetime import date, timedelta
from typing import Any

from rest_framework import serializers

from clinic.scheduling.soonest import HalfOfDay

MAX_RANGE_DAYS = 31
MIN_VISIT_MINUTES, MAX_VISIT_MINUTES = 5, 24 * 60


def check_dates(first: date | None, last: date | None, *, attr: str) -> None:
    if first is not None and last is not None and last < first:
        raise serializers.ValidationError({attr: "The dates end before they begin."}, code="dates_not_in_order")


def _length_field() -> serializers.IntegerField:
    return serializers.IntegerField(
        required=False,
        min_value=MIN_VISIT_MINUTES,
        max_value=MAX_VISIT_MINUTES,
        help_text="length of a visit that has one of its own; without: that of the service",
    )


class SlotsInput(serializers.Serializer[Any]):
    """`date`, or `from` and `to`, both included."""

    date = serializers.DateField(required=False, help_text="one day, the clinic's")
    to = serializers.DateField(required=False)
    service = serializers.IntegerField(required=False, min_value=1, help_text="length and buffers of this service")
    minutes = _length_field()

    def get_fields(self) -> dict[str, "serializers.Field[Any, Any, Any, Any]"]:
        # "from" is a word of Python's.
        return {**super().get_fields(), "from": serializers.DateField(required=False)}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        first, last = attrs.get("date") or attrs.get("from"), attrs.get("date") or attrs.get("to") or attrs.get("from")
        if first is None or last is None:
            raise serializers.ValidationError({"date": "Give date=, or from= and to=."}, code="required")
        _check_range(first, last)
        return {
            "first_date": first,
            "last_date": last,
            "service_id": attrs.get("service"),
            "minutes": attrs.get("minutes"),
        }


def _check_range(first: date, last: date) -> None:
    if last < first:
        raise serializers.ValidationError({"to": "The range ends before it begins."}, code="invalid")
    if last - first >= timedelta(days=MAX_RANGE_DAYS):
        raise serializers.ValidationError({"to": f"A range is {MAX_RANGE_DAYS} days at most."}, code="range_too_long")


class SoonestInput(serializers.Serializer[Any]):
    service = serializers.IntegerField(required=False, min_value=1, help_text="length and buffers of this service")
    minutes = _length_field()
    practitioner = serializers.IntegerField(required=False, min_value=1, help_text="without: all who offer the service")
    part_of_day = serializers.ChoiceField(
        choices=[half.value for half in HalfOfDay],
        required=False,
        help_text="by the clinic's time of the start: before 12:00, or from then on",
    )
    to = serializers.DateField(required=False, help_text="last day; without: as far ahead as patients book")
    count = serializers.IntegerField(required=False, min_value=1, max_value=20, default=3, help_text="how many times")

    def get_fields(self) -> dict[str, "serializers.Field[Any, Any, Any, Any]"]:
        # "from" is a word of Python's.
        return {**super().get_fields(), "from": serializers.DateField(required=False)}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        check_dates(attrs.get("from"), attrs.get("to"), attr="to")
        half = attrs.get("part_of_day")
        return {
            "service_id": attrs.get("service"),
            "minutes": attrs.get("minutes"),
            "practitioner_id": attrs.get("practitioner"),
            "half": None if half is None else HalfOfDay(half),
            "first_date": attrs.get("from"),
            "last_date": attrs.get("to"),
            "count": attrs["count"],
        }


class FreePractitionerOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class SlotOutput(serializers.Serializer[Any]):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    date = serializers.DateField()
    time = serializers.CharField(help_text="HH:MM, the clinic's")


class SlotsOutput(serializers.Serializer[Any]):
    practitioner = serializers.IntegerField()
    service = serializers.IntegerField(allow_null=True)
    slots = SlotOutput(many=True)


class AnySlotOutput(SlotOutput):
    practitioners = serializers.ListField(child=serializers.IntegerField(), help_text="who is free")


class SoonestSlotOutput(SlotOutput):
    practitioners = FreePractitionerOutput(many=True, help_text="who is free")


class SoonestOutput(serializers.Serializer[Any]):
    service = serializers.IntegerField(allow_null=True)
    slots = SoonestSlotOutput(many=True)


class AnySlotsOutput(serializers.Serializer[Any]):
    service = serializers.IntegerField(allow_null=True)
    slots = AnySlotOutput(many=True)
