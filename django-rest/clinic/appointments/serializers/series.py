from datetime import date, time
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clinic.appointments.models import FREQUENCY_CHOICES, Series
from clinic.appointments.recurrence import MAX_DATES, Frequency, Rule
from clinic.appointments.serializers.appointments import INTERNAL_FIELDS, AllowOverlapField, AppointmentOutput
from clinic.appointments.serializers.starts import PractitionerNames, StartInput, WallTime
from clinic.common.instants import zone_of


class RuleInput(serializers.Serializer[Any]):
    """Either `count` or `until`; 52 dates at most. A monthly rule keeps the day of the month and skips the months that
    have no such day; a rule by the week may name several weekdays."""

    frequency = serializers.ChoiceField(choices=FREQUENCY_CHOICES)
    count = serializers.IntegerField(required=False, min_value=1, max_value=MAX_DATES)
    until = serializers.DateField(required=False, help_text="the last date, included")
    weekdays = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=6),
        required=False,
        max_length=7,
        help_text="0 is Monday; the first date's, if none are given",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        weekdays = tuple(sorted(set(attrs.pop("weekdays", ()))))
        return {"rule": Rule(Frequency(attrs.pop("frequency")), weekdays=weekdays, **attrs)}


class SeriesInput(StartInput, PractitionerNames):
    """The first date and the time of day of all: `start`, or `date` and `time` in the clinic's zone."""

    patient = serializers.IntegerField(min_value=1)
    service = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    notes = serializers.CharField(required=False, allow_blank=True, max_length=4000)
    outside_hours = serializers.BooleanField(required=False, help_text="also outside of working hours")
    allow_overlap = AllowOverlapField()
    rule = RuleInput()
    on_conflict = serializers.ChoiceField(
        choices=["fail", "skip"], default="fail", help_text="skip books the other dates and tells those left out"
    )
    dry_run = serializers.BooleanField(default=False, help_text="writes nothing and tells of every date")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        first_date, start_local = self._wall_time_of(attrs)
        practitioner_id = self.practitioner_of(attrs)
        if practitioner_id is None:
            raise serializers.ValidationError({"practitioner": "This field is required."}, code="required")
        return {
            "on_conflict": attrs["on_conflict"],
            "dry_run": attrs["dry_run"],
            "booking": {
                "patient_id": attrs["patient"],
                "practitioner_id": practitioner_id,
                "first_date": first_date,
                "start_local": start_local,
                "rule": attrs["rule"]["rule"],
                "service_id": attrs.get("service"),
                "notes": attrs.get("notes", ""),
                "outside_hours": attrs.get("outside_hours", False),
                "allow_overlap": attrs.get("allow_overlap", False),
            },
        }

    def _wall_time_of(self, attrs: dict[str, Any]) -> tuple[date, time]:
        """Not an instant yet: what the clocks skip is told among the dates, the first like the others."""
        start, day, at = attrs.get("start"), attrs.get("date"), attrs.get("time")
        if start is not None:
            zone = zone_of(self.context["clinic"].timezone)
            local = start if start.tzinfo is None else start.astimezone(zone)
            return local.date(), local.time()
        if day is None or at is None:
            missing = "start" if day is at else "time" if at is None else "date"
            raise serializers.ValidationError({missing: "Give a start, or date and time."}, code="required")
        return day, at


class SeriesScopeInput(serializers.Serializer[Any]):
    """`this` and `following` begin with an appointment of the series, or on a date."""

    scope = serializers.ChoiceField(choices=["this", "following", "all"])
    appointment = serializers.IntegerField(required=False, min_value=1)

    def get_fields(self) -> dict[str, "serializers.Field[Any, Any, Any, Any]"]:
        # "from" is a word of Python's.
        return {**super().get_fields(), "from": serializers.DateField(required=False)}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["scope"] != "all" and not ({"appointment", "from"} & set(attrs)):
            raise serializers.ValidationError({"appointment": "Or give from=, a date."}, code="required")
        return {
            "scope": attrs["scope"],
            "appointment_id": attrs.get("appointment"),
            "from_date": attrs.get("from"),
        }


class SeriesCancelInput(serializers.Serializer[Any]):
    reason = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=500,
        help_text="told in the history and to the patient; 500 characters at most",
    )


class SeriesEditInput(PractitionerNames):
    time = WallTime(required=False, help_text="the clinic's; the dates stay")
    service = serializers.IntegerField(required=False, min_value=1)
    notes = serializers.CharField(required=False, allow_blank=True, max_length=4000)
    outside_hours = serializers.BooleanField(required=False)
    allow_overlap = AllowOverlapField()
    version = serializers.IntegerField(required=False, min_value=1)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not set(attrs) - {"outside_hours", "allow_overlap", "version"}:
            raise serializers.ValidationError(
                "Say what changes: time, practitioner, service or notes.", code="required"
            )
        return {
            "version": attrs.get("version"),
            "edit": {
                "start_local": attrs.get("time"),
                "practitioner_id": self.practitioner_of(attrs),
                "service_id": attrs.get("service"),
                "notes": attrs.get("notes"),
                "outside_hours": attrs.get("outside_hours", False),
                "allow_overlap": attrs.get("allow_overlap", False),
            },
        }


class RuleOutput(serializers.ModelSerializer[Series]):
    weekdays = serializers.ListField(child=serializers.IntegerField(min_value=0, max_value=6))

    class Meta:
        model = Series
        fields = ["frequency", "count", "until", "weekdays"]


class SeriesOutput(serializers.ModelSerializer[Series]):
    """As it was last agreed; `appointments` are those this person may see, past ones too, in order."""

    patient_name = serializers.CharField(source="patient.name")
    practitioner_name = serializers.CharField(source="practitioner.name")
    service_name = serializers.CharField(source="service.name", allow_null=True, default=None)
    rule = RuleOutput(source="*")
    time = serializers.TimeField(source="start_local", format="%H:%M", help_text="HH:MM, the clinic's")
    notes = serializers.CharField(required=False, help_text="internal: not in a patient's own view")
    appointments = serializers.SerializerMethodField()

    class Meta:
        model = Series
        fields = [
            "id",
            "clinic",
            "patient",
            "patient_name",
            "practitioner",
            "practitioner_name",
            "service",
            "service_name",
            "rule",
            "first_date",
            "time",
            "notes",
            "version",
            "created_at",
            "updated_at",
            "appointments",
        ]

    @extend_schema_field(AppointmentOutput(many=True))
    def get_appointments(self, _: Series) -> Any:
        return AppointmentOutput(self.context["appointments"], many=True, context=self.context).data

    def to_representation(self, series: Series) -> dict[str, Any]:
        shown = super().to_representation(series)
        if self.context.get("for_patient"):
            for name in INTERNAL_FIELDS:
                shown.pop(name, None)
        return shown


class SeriesDateOutput(serializers.Serializer[Any]):
    date = serializers.DateField()
    time = serializers.CharField(help_text="HH:MM, the clinic's")
    start = serializers.DateTimeField(allow_null=True, help_text="null where the clocks skip this time")
    appointment = serializers.IntegerField(allow_null=True)
    outcome = serializers.ChoiceField(choices=["booked", "free", "refused"])
    code = serializers.CharField(allow_null=True, help_text="why it is refused: the code of a single booking's refusal")
    reason = serializers.CharField(allow_null=True)


class SeriesBookedOutput(serializers.Serializer[Any]):
    series = SeriesOutput(allow_null=True, help_text="null after a dry run")
    dates = SeriesDateOutput(many=True, help_text="every date of the rule, in order")
