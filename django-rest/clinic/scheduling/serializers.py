import calendar
from datetime import date, time, timedelta
from typing import Any

from phonenumbers import SUPPORTED_REGIONS
from rest_framework import serializers
from shared_config import is_time_zone

from clinic.accounts.models import photo_path
from clinic.common.versions import VersionInput
from clinic.outbox.sms_numbers import countries_in
from clinic.scheduling.models import (
    FIVE_MINUTES,
    LONGEST_LEAD_MINUTES,
    MAX_COUNTRIES,
    MAX_EVERY_WEEKS,
    MOST_REMINDERS,
    SHORTEST_LEAD_MINUTES,
    Clinic,
    Practitioner,
    ScheduleException,
    Service,
    reminder_minutes_in,
)
from clinic.scheduling.slots import Block, first_clash

LONGEST_RANGE_DAYS = 31


class ReminderMinutesField(serializers.ListField):
    """A list of numbers; the clinic's row keeps them as text."""

    def __init__(self, **options: Any) -> None:
        child = serializers.IntegerField(min_value=SHORTEST_LEAD_MINUTES, max_value=LONGEST_LEAD_MINUTES)
        help_text = "how long before the start patients are reminded; an empty list: not at all"
        super().__init__(child=child, help_text=help_text, **options)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str):  # As a form has it.
            data = [part.strip() for part in data.split(",") if part.strip()]
        minutes = super().to_internal_value(data)
        if len(minutes) > MOST_REMINDERS:
            raise serializers.ValidationError(f"{MOST_REMINDERS} at most.", code="max_length")
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
            "slot_minutes",
            "hold_minutes",
            "horizon_days",
            "notice_minutes",
            "cancellation_notice_minutes",
            "version",
            "language",
        }
    )

    reminder_minutes = ReminderMinutesField(required=False)
    sms_countries = CountriesField(required=False)

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

    class Meta:
        model = Clinic
        exclude = ["id", "slug", "created_at"]
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

    def validate_slot_minutes(self, minutes: int) -> int:
        return refuse_off_grid(minutes)


class PractitionerOutput(serializers.ModelSerializer[Practitioner]):
    services = serializers.PrimaryKeyRelatedField[Service](many=True, read_only=True)
    specialization = serializers.CharField(
        source="specialisation", read_only=True, help_text="the same as `specialisation`, for older front ends"
    )
    user = serializers.IntegerField(
        source="user_id", allow_null=True, required=False, help_text="the account: for the owner and staff alone"
    )

    photo = serializers.SerializerMethodField(help_text="path of the picture on this server")

    class Meta:
        model = Practitioner
        fields = ["id", "name", "specialisation", "specialization", "photo", "services", "active", "user", "version"]

    def get_photo(self, practitioner: Practitioner) -> str | None:
        return photo_path(practitioner.user)

    def to_representation(self, practitioner: Practitioner) -> dict[str, Any]:
        shown = super().to_representation(practitioner)
        if not self.context.get("for_desk"):
            del shown["user"]
        return shown


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


def refuse_off_grid(minutes: int) -> int:
    if minutes % FIVE_MINUTES:
        raise serializers.ValidationError("A multiple of 5 minutes.", code="off_grid")
    return minutes


class FiveMinutesField(serializers.IntegerField):
    """Minutes in steps of five: claims of time meet on that grid."""

    def to_internal_value(self, data: Any) -> int:
        return refuse_off_grid(super().to_internal_value(data))


class IdsField(serializers.ListField):
    def __init__(self, **options: Any) -> None:
        super().__init__(child=serializers.IntegerField(min_value=1), max_length=200, **options)


class ServiceInput(serializers.Serializer[Any]):
    """A changed length or buffer counts for what is booked from then on."""

    name = serializers.CharField(max_length=120)
    duration_minutes = FiveMinutesField(min_value=5, max_value=480)
    buffer_before_minutes = FiveMinutesField(required=False, min_value=0, max_value=240)
    buffer_after_minutes = FiveMinutesField(required=False, min_value=0, max_value=240)
    color = serializers.RegexField(r"^#[0-9a-fA-F]{6}$", required=False, help_text="#rrggbb")
    practitioners = IdsField(required=False, help_text="who offers it")
    active = serializers.BooleanField(required=False)


class ServiceEditInput(VersionInput, ServiceInput):
    pass


class AccountInput(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(trim_whitespace=False, max_length=256)
    phone = serializers.CharField(required=False, max_length=40)


class PractitionerInput(serializers.Serializer[Any]):
    """`account` makes a sign-in for the practitioner; `user` names one that is there and belongs to nobody yet."""

    name = serializers.CharField(max_length=120)
    specialisation = serializers.CharField(required=False, allow_blank=True, max_length=120)
    services = IdsField(required=False, help_text="what is offered")
    user = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    account = AccountInput(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("account") and attrs.get("user"):
            raise serializers.ValidationError({"account": "Give an account or a user, not both."}, code="invalid")
        return attrs


class WallTimeField(serializers.TimeField):
    """`HH:MM` on five minutes. With `ends_day`, 24:00 is understood for the midnight that is written 00:00."""

    def __init__(self, *, ends_day: bool = False, **options: Any) -> None:
        self.ends_day = ends_day
        super().__init__(format="%H:%M", **options)

    def to_internal_value(self, value: Any) -> Any:
        if self.ends_day and value in ("24:00", "24:00:00"):
            return time.min
        if isinstance(value, str) and "\0" in value:  # `time.fromisoformat` stops reading there.
            self.fail("invalid", format="hh:mm")
        at_local = super().to_internal_value(value).replace(tzinfo=None)
        if at_local.minute % FIVE_MINUTES or at_local.second or at_local.microsecond:
            raise serializers.ValidationError("Hours begin and end on five minutes.", code="off_grid")
        return at_local


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


def _check_dates(first: date | None, last: date | None, *, attr: str) -> None:
    if first is not None and last is not None and last < first:
        raise serializers.ValidationError({attr: "The dates end before they begin."}, code="dates_not_in_order")


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
        _check_dates(attrs.get("valid_from"), attrs.get("valid_until"), attr="valid_until")
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
        _check_dates(attrs["start_date"], attrs["end_date"], attr="end_date")
        start, end = attrs.setdefault("start_local", None), attrs.setdefault("end_local", None)
        closed = attrs.setdefault("closed", start is None and end is None)
        if (start is None) != (end is None) or (not closed and start is None):
            missing = "start" if start is None else "end"
            raise serializers.ValidationError({missing: "Times have a start and an end."}, code="required")
        if start is not None and end is not None:
            _check_hours(start, end)
        return attrs


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
        _check_dates(attrs.get("from"), attrs.get("to"), attr="to")
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


class AnySlotOutput(SlotOutput):
    practitioners = serializers.ListField(child=serializers.IntegerField(), help_text="who is free")


class AnySlotsOutput(serializers.Serializer[Any]):
    service = serializers.IntegerField(allow_null=True)
    slots = AnySlotOutput(many=True)
