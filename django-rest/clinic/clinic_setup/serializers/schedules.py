import calendar
from datetime import time
from typing import Any

from rest_framework import serializers

from clinic.clinic_setup.serializers.fields import WallTimeField
from clinic.common.versions import VersionInput
from clinic.scheduling.models import (
    MAX_EVERY_WEEKS,
    ScheduleException,
)
from clinic.scheduling.serializers import check_dates
from clinic.scheduling.working_hours import Block, first_clash

# Of hours that end on the next day; more is taken for a slip.
MAX_NIGHT_MINUTES = 16 * 60


def _check_hours(start: time, end: time, *, attr: str = "end") -> None:
    """An end that is not after the start lies on the next day. A whole night may; nearly a day is a slip."""
    minutes = (end.hour - start.hour) * 60 + end.minute - start.minute
    across_midnight = minutes <= 0 and end != time.min
    if across_midnight and (minutes == 0 or minutes + 24 * 60 > MAX_NIGHT_MINUTES):
        raise serializers.ValidationError(
            {attr: f"Hours across midnight last {MAX_NIGHT_MINUTES // 60} hours at most."}, code="times_not_in_order"
        )


class WorkingBlockInput(serializers.Serializer[Any]):
    weekday = serializers.IntegerField(min_value=0, max_value=6, help_text="0 = Monday")
    start = WallTimeField(source="start_local")
    end = WallTimeField(
        source="end_local", ends_day=True, help_text="00:00 is midnight; an end before the start is on the next day"
    )
    valid_from = serializers.DateField(required=False, allow_null=True)
    valid_until = serializers.DateField(required=False, allow_null=True, help_text="the last day, included")
    every_weeks = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_EVERY_WEEKS,
        help_text="2: every other week, counted from the week of `valid_from`",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        _check_hours(attrs["start_local"], attrs["end_local"])
        check_dates(attrs.get("valid_from"), attrs.get("valid_until"), attr="valid_until")
        if attrs.setdefault("every_weeks", 1) > 1 and attrs.get("valid_from") is None:
            raise serializers.ValidationError(
                {"valid_from": "Alternating weeks are counted from the week of a first date."}, code="required"
            )
        return attrs


class WorkingBlockOutput(WorkingBlockInput):
    id = serializers.IntegerField()
    valid_from = serializers.DateField(allow_null=True)
    valid_until = serializers.DateField(allow_null=True, help_text="the last day, included")
    every_weeks = serializers.IntegerField(help_text="2: every other week, counted from the week of `valid_from`")


class ExceptionHoursInput(serializers.Serializer[Any]):
    """On every day of the range: closed; closed from `start` to `end` (an absence); or, not closed, other hours from
    `start` to `end` instead of the weekly ones. A closure of the whole clinic wins over everybody's own hours."""

    start_date = serializers.DateField()
    end_date = serializers.DateField(required=False, help_text="the last day, included; else one day")
    closed = serializers.BooleanField(required=False, help_text="true unless hours are given")
    start = WallTimeField(source="start_local", required=False, allow_null=True)
    end = WallTimeField(source="end_local", required=False, allow_null=True, ends_day=True)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=200)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        row: ScheduleException | None = self.context.get("row")
        if row is not None:
            attrs = {
                **{name: getattr(row, name) for name in EXCEPTION_FIELDS},
                **_hours_that_go_with(attrs, row),
                **attrs,
            }
        attrs.setdefault("end_date", attrs["start_date"])
        check_dates(attrs["start_date"], attrs["end_date"], attr="end_date")
        start, end = attrs.setdefault("start_local", None), attrs.setdefault("end_local", None)
        closed = attrs.setdefault("closed", start is None and end is None)
        if (start is None) != (end is None) or (not closed and start is None):
            missing = "start" if start is None else "end"
            raise serializers.ValidationError({missing: "Times have a start and an end."}, code="required")
        if start is not None and end is not None:
            _check_hours(start, end)
        return attrs


BLOCK_FIELDS = ("weekday", "start_local", "end_local", "valid_from", "valid_until", "every_weeks")
# Fields of the API, with the columns by which forms know them.
FORM_NAMES = {"start": "start_local", "end": "end_local"}
EXCEPTION_FIELDS = ("start_date", "end_date", "closed", "start_local", "end_local", "reason")


def _hours_that_go_with(changes: dict[str, Any], row: ScheduleException) -> dict[str, Any]:
    """Closing a day takes its hours away; hours open a closed day. An absence stays one when its times change."""
    if changes.get("closed"):
        return {"start_local": None, "end_local": None}
    gives_hours = changes.get("start_local") is not None or changes.get("end_local") is not None
    is_absence = row.closed and row.start_local is not None
    return {"closed": False} if gives_hours and not is_absence else {}


class ScheduleExceptionInput(ExceptionHoursInput):
    practitioner = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, help_text="null: the whole clinic's"
    )
    force = serializers.BooleanField(required=False, help_text="although appointments are left outside of the hours")


class ForceInput(serializers.Serializer[Any]):
    force = serializers.BooleanField(required=False, help_text="although appointments are left outside of the hours")


class ScheduleExceptionEditInput(VersionInput, ExceptionHoursInput):
    start_date = serializers.DateField(required=False)
    force = serializers.BooleanField(required=False, help_text="although appointments are left outside of the hours")


class ScheduleExceptionOutput(serializers.Serializer[ScheduleException]):
    id = serializers.IntegerField()
    practitioner = serializers.IntegerField(source="practitioner_id", allow_null=True)
    start_date = serializers.DateField()
    end_date = serializers.DateField()
    closed = serializers.BooleanField()
    start = WallTimeField(source="start_local", allow_null=True)
    end = WallTimeField(source="end_local", allow_null=True)
    reason = serializers.CharField(required=False, help_text="for the people of the clinic alone")
    version = serializers.IntegerField(help_text="rises with every change; also the ETag")

    def to_representation(self, exception: ScheduleException) -> dict[str, Any]:
        shown = super().to_representation(exception)
        if not self.context.get("for_clinic"):
            del shown["reason"]
        return shown


class RangeInput(serializers.Serializer[Any]):
    to = serializers.DateField(required=False, help_text="last day")
    practitioner = serializers.IntegerField(required=False, min_value=1, help_text="theirs and the whole clinic's")

    def get_fields(self) -> dict[str, "serializers.Field[Any, Any, Any, Any]"]:
        # "from" is a word of Python's.
        return {**super().get_fields(), "from": serializers.DateField(required=False)}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        check_dates(attrs.get("from"), attrs.get("to"), attr="to")
        return {
            "first_date": attrs.get("from"),
            "last_date": attrs.get("to"),
            "practitioner_id": attrs.get("practitioner"),
        }


class AvailabilityInput(serializers.Serializer[Any]):
    """All weekly blocks, instead of those there were. `exceptions`, when given, replaces the practitioner's own that
    end today or later."""

    blocks = serializers.ListField(child=WorkingBlockInput(), max_length=200)
    exceptions = serializers.ListField(child=ExceptionHoursInput(), required=False, max_length=366)
    version = serializers.CharField(required=False, max_length=40, help_text="of the availability this is based on")
    force = serializers.BooleanField(required=False, help_text="although appointments are left outside of the hours")

    def validate_blocks(self, blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        clash = first_clash([Block(**block) for block in blocks])
        if clash is not None:
            one, other = (f"{block.start_local:%H:%M}–{block.end_local:%H:%M}" for block in clash)
            day = calendar.day_name[clash[0].weekday]
            raise serializers.ValidationError(f"{day}: {one} and {other} overlap.", code="overlap")
        return blocks


class AvailabilityOutput(serializers.Serializer[Any]):
    practitioner = serializers.IntegerField()
    timezone = serializers.CharField(help_text="of all times here")
    version = serializers.CharField(help_text="also the ETag")
    blocks = WorkingBlockOutput(many=True)
    exceptions = ScheduleExceptionOutput(many=True, help_text="the practitioner's own, from today on")
    clinic_exceptions = ScheduleExceptionOutput(many=True, help_text="the whole clinic's, from today on")


class AvailabilityChangedOutput(AvailabilityOutput):
    stranded = serializers.ListField(child=serializers.IntegerField(), help_text="appointments left outside, if forced")


class ExceptionChangedOutput(ScheduleExceptionOutput):
    stranded = serializers.ListField(child=serializers.IntegerField(), help_text="appointments left outside, if forced")


class ConflictsInput(ExceptionHoursInput):
    practitioner = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, help_text="none: the whole clinic's"
    )
    # Missing in a query, it would be read as false.
    closed = serializers.BooleanField(required=False, allow_null=True, help_text="true unless hours are given")
    reason = None  # type: ignore[assignment]  # Of no use to whoever only asks.

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return super().validate({name: value for name, value in attrs.items() if value is not None})


class FreeTimeOutput(serializers.Serializer[Any]):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    practitioner = serializers.IntegerField()
    practitioner_name = serializers.CharField()


class ConflictOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    patient = serializers.IntegerField()
    patient_name = serializers.CharField()
    practitioner = serializers.IntegerField()
    practitioner_name = serializers.CharField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    status = serializers.CharField()
    version = serializers.IntegerField()
    free_times = FreeTimeOutput(
        many=True,
        help_text="times it could move to: of its practitioner, then of others who offer the service, the nearest "
        "first; no two visits have the same first one",
    )


class ConflictsOutput(serializers.Serializer[Any]):
    count = serializers.IntegerField(help_text="of all; the first 100 are listed")
    appointments = ConflictOutput(many=True)
