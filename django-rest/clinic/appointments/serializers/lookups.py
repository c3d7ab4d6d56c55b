from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clinic.appointments.matches import PatientMatch
from clinic.appointments.models import STATUS_CHOICES
from clinic.appointments.queries import MAX_DAY, Summary
from clinic.appointments.serializers.appointments import AppointmentOutput
from clinic.appointments.statistics import Counts, StatisticsFilter
from clinic.common.instants import say_minute, zone_of


class ByPhoneInput(serializers.Serializer[Any]):
    phone = serializers.CharField(
        max_length=40, trim_whitespace=False, help_text="in any notation; without a country code, the clinic's"
    )
    clinic = serializers.SlugField(required=False, help_text="slug, for people not signed in where several clinics are")
    code = serializers.CharField(required=False, max_length=16, help_text="sent to the phone; or as X-Phone-Code")

    def validate_phone(self, phone: str) -> str:
        # In a query an unescaped plus is a space.
        return f"+{phone.strip()}" if phone.startswith(" ") and phone[1:2].isdigit() else phone.strip()


class SummaryOutput(serializers.Serializer[Summary]):
    date = serializers.DateField(help_text="today, the clinic's")
    pending_count = serializers.IntegerField(help_text="undecided requests")
    today_by_status = serializers.DictField(child=serializers.IntegerField(), help_text="all of today's, by status")
    today = AppointmentOutput(many=True, help_text=f"without what was called off; the first {MAX_DAY}")
    next = AppointmentOutput(allow_null=True, help_text="the next one, pending or confirmed")


class StatisticsInput(serializers.Serializer[Any]):
    groupBy = serializers.ChoiceField(choices=["month", "day"], required=False)  # noqa: N815 - as front ends say it
    limit = serializers.IntegerField(
        required=False, min_value=1, max_value=400, help_text="so many of the newest periods; 12 months or 31 days"
    )
    to = serializers.DateField(required=False, help_text="last day, included; of days today if it is not given")

    def get_fields(self) -> dict[str, "serializers.Field[Any, Any, Any, Any]"]:
        # "from" is a word of Python's.
        return {**super().get_fields(), "from": serializers.DateField(required=False, help_text="first day")}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        first, last = attrs.get("from"), attrs.get("to")
        if first and last and last < first:
            raise serializers.ValidationError({"to": "The range ends before it begins."}, code="invalid")
        group_by = attrs.get("groupBy", "month")
        return {"wanted": StatisticsFilter(group_by, attrs.get("limit"), first, last)}


class CountsOutput(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="by status")
    shares = serializers.DictField(child=serializers.FloatField(), help_text="of the total, by status")
    no_show_rate = serializers.FloatField(allow_null=True, help_text="missed, of those completed or missed")


class PeriodOutput(CountsOutput):
    period = serializers.CharField(help_text="2026-11, or 2026-11-20")


class StatisticsOutput(CountsOutput):
    """The newest period first; the total is that of the periods shown."""

    practitioner = serializers.IntegerField(allow_null=True, help_text="null: all that you may see")
    practitioner_name = serializers.CharField(allow_null=True)
    group_by = serializers.ChoiceField(choices=["month", "day"])
    periods = PeriodOutput(many=True)


def present_counts(counts: Counts) -> dict[str, Any]:
    return {
        "total": counts.total,
        "counts": counts.by_status,
        "shares": counts.shares,
        "no_show_rate": counts.no_show_rate,
    }


class PatientMatchesInput(serializers.Serializer[Any]):
    """`search`, or `patient`."""

    search = serializers.CharField(
        required=False, max_length=100, help_text="words of the name or e-mail, or a phone number in any notation"
    )
    patient = serializers.IntegerField(required=False, min_value=1, help_text="one patient")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError({"search": "Give `search` or `patient`."}, code="required")
        return attrs


class NextVisitOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    start = serializers.DateTimeField(help_text="in the clinic's zone")
    date = serializers.DateField(help_text="the clinic's")
    time = serializers.CharField(help_text="HH:MM, the clinic's")
    status = serializers.ChoiceField(choices=STATUS_CHOICES)
    practitioner_name = serializers.CharField()
    service_name = serializers.CharField(allow_null=True)


class PatientMatchOutput(serializers.Serializer[PatientMatch]):
    id = serializers.IntegerField(source="patient.pk")
    name = serializers.CharField(source="patient.name")
    phone = serializers.CharField(source="patient.phone")
    phone_extension = serializers.CharField(source="patient.phone_extension")
    email = serializers.CharField(source="patient.email")
    birth_date = serializers.DateField(source="patient.birth_date", allow_null=True)
    alert = serializers.CharField(source="patient.alert")
    missed_count = serializers.IntegerField(help_text="visits to which the patient did not come")
    last_service = serializers.IntegerField(
        source="last_service_id", allow_null=True, help_text="of the last completed visit"
    )
    last_practitioner = serializers.IntegerField(
        source="last_practitioner_id", allow_null=True, help_text="of the last completed visit"
    )
    next_visit = serializers.SerializerMethodField(help_text="null: none is ahead")

    @extend_schema_field(NextVisitOutput(allow_null=True))
    def get_next_visit(self, match: PatientMatch) -> dict[str, Any] | None:
        visit = match.next_visit
        if visit is None:
            return None
        start = say_minute(visit.starts_at, zone_of(visit.clinic.timezone))
        return {
            "id": visit.pk,
            "start": start,
            "date": start[:10],
            "time": start[11:16],
            "status": visit.status,
            "practitioner_name": visit.practitioner.name,
            "service_name": visit.service.name if visit.service is not None else None,
        }
