import re
from datetime import date, time
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clinic.accounts.serializers import TokenPairOutput, UserOutput
from clinic.appointments.lifecycle import Status, parse_status
from clinic.appointments.models import (
    FREQUENCY_CHOICES,
    STATUS_CHOICES,
    Appointment,
    AppointmentEvent,
    Patient,
    Series,
    Source,
)
from clinic.appointments.queries import LONGEST_DAY, ORDERINGS, AppointmentFilter, Summary
from clinic.appointments.recurrence import MOST_DATES, Frequency, Rule
from clinic.appointments.shown import ShownAppointment, shown_of
from clinic.appointments.statistics import Counts, StatisticsFilter
from clinic.common.errors import InvalidRequest
from clinic.common.instants import as_utc, say_instant, say_minute, zone_of
from clinic.scheduling.models import Clinic, Hold
from clinic.scheduling.serializers import AvailabilityOutput, PractitionerInput, ScheduleExceptionOutput
from clinic.scheduling.slots import local_instant

# The part of a patient's own view that stays in the clinic.
INTERNAL_FIELDS = ("notes",)


class AppointmentOutput(serializers.Serializer[Any]):
    """An appointment as REST and the stream show it. `dentist…` repeats `practitioner…` for older front ends."""

    id = serializers.IntegerField()
    clinic = serializers.IntegerField()
    patient = serializers.IntegerField()
    patient_name = serializers.CharField()
    patient_email = serializers.CharField()
    patient_phone = serializers.CharField()
    practitioner = serializers.IntegerField()
    practitioner_name = serializers.CharField()
    dentist = serializers.IntegerField()
    dentist_name = serializers.CharField()
    service = serializers.IntegerField(allow_null=True)
    service_name = serializers.CharField(allow_null=True)
    service_color = serializers.CharField(allow_null=True)
    start = serializers.DateTimeField(help_text="in the clinic's zone")
    end = serializers.DateTimeField(help_text="in the clinic's zone")
    date = serializers.DateField(help_text="the clinic's")
    time = serializers.CharField(help_text="HH:MM, the clinic's")
    status = serializers.ChoiceField(choices=STATUS_CHOICES)
    attendance_confirmed_at = serializers.DateTimeField(allow_null=True)
    checked_in_at = serializers.DateTimeField(allow_null=True)
    notes = serializers.CharField(required=False, help_text="internal: not in a patient's own view")
    cancel_reason = serializers.CharField()
    source = serializers.ChoiceField(choices=Source.choices)  # type: ignore[assignment]  # a field named like an argument
    series = serializers.IntegerField(allow_null=True)
    version = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def to_representation(self, appointment: ShownAppointment | Appointment) -> dict[str, Any]:
        row = shown_of(appointment) if isinstance(appointment, Appointment) else appointment
        shown = present_appointment(row)
        if self.context.get("for_patient"):
            for name in INTERNAL_FIELDS:
                del shown[name]
        return shown


def present_appointment(row: ShownAppointment) -> dict[str, Any]:
    zone = zone_of(row.clinic__timezone)
    start = say_minute(row.starts_at, zone)
    return {
        "id": row.id,
        "clinic": row.clinic_id,
        "patient": row.patient_id,
        "patient_name": row.patient__name,
        "patient_email": row.patient__email,
        "patient_phone": row.patient__phone,
        "practitioner": row.practitioner_id,
        "practitioner_name": row.practitioner__name,
        "dentist": row.practitioner_id,
        "dentist_name": row.practitioner__name,
        "service": row.service_id,
        "service_name": row.service__name,
        "service_color": row.service__color,
        "start": start,
        "end": say_minute(row.ends_at, zone),
        "date": row.local_date.isoformat(),
        "time": start[11:16],
        "status": row.status,
        "attendance_confirmed_at": say_instant(row.attendance_confirmed_at, zone),
        "checked_in_at": say_instant(row.checked_in_at, zone),
        "notes": row.notes,
        "cancel_reason": row.cancel_reason,
        "source": row.source,
        "series": row.series_id,
        "version": row.version,
        "created_at": say_instant(row.created_at, zone),
        "updated_at": say_instant(row.updated_at, zone),
    }


class _WallTime(serializers.TimeField):
    def to_internal_value(self, value: Any) -> Any:
        if isinstance(value, str) and "\0" in value:  # `time.fromisoformat` stops reading there.
            self.fail("invalid", format="hh:mm[:ss]")
        return super().to_internal_value(value)


class _StartInput(serializers.Serializer[Any]):
    """`start`, or `date` and `time` in the clinic's zone. A start without offset is the clinic's wall time."""

    start = serializers.DateTimeField(required=False)
    date = serializers.DateField(required=False)
    time = _WallTime(required=False)

    def get_fields(self) -> dict[str, "serializers.Field[Any, Any, Any, Any]"]:
        fields = super().get_fields()
        if "clinic" in self.context:
            # Read as it stands: local_instant turns a wall time into an instant, and refuses what the clock skips.
            fields["start"] = _InstantOrWallTime(required=False)
        return fields

    def _start_of(self, attrs: dict[str, Any]) -> Any:
        clinic: Clinic = self.context["clinic"]
        day: date | None = attrs.pop("date", None)
        at: time | None = attrs.pop("time", None)
        start = attrs.pop("start", None)
        if start is not None and start.tzinfo is None:
            day, at, start = start.date(), start.time(), None
        if start is not None:
            return start
        if (day is None) != (at is None):
            raise serializers.ValidationError({"time" if at is None else "date": "Give both."}, code="required")
        return None if day is None or at is None else as_utc(local_instant(day, at, zone_of(clinic.timezone)))


class _InstantOrWallTime(serializers.DateTimeField):
    def enforce_timezone(self, value: Any) -> Any:
        if timezone.is_naive(value):
            return value
        if not 1 < value.year < 9999:
            self.fail("overflow")
        return as_utc(value)


class _PractitionerNames(serializers.Serializer[Any]):
    """`dentist` is what older front ends say for `practitioner`."""

    practitioner = serializers.IntegerField(required=False, min_value=1)
    dentist = serializers.IntegerField(required=False, min_value=1)

    def _practitioner_of(self, attrs: dict[str, Any]) -> int | None:
        dentist = attrs.pop("dentist", None)
        practitioner: int | None = attrs.pop("practitioner", dentist)
        return practitioner


class _WhenAndWithWhom(_StartInput, _PractitionerNames):
    """A start, or a hold that says it. Without a practitioner a free one is chosen."""

    service = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    hold = serializers.CharField(
        required=False, max_length=64, help_text="the token of a hold: says when and with whom"
    )

    def _booked(self, attrs: dict[str, Any]) -> dict[str, Any]:
        start, practitioner_id, hold = self._start_of(attrs), self._practitioner_of(attrs), attrs.get("hold")
        if start is None and hold is None:
            raise serializers.ValidationError({"start": "This field is required."}, code="required")
        return {
            "start": start,
            "practitioner_id": practitioner_id,
            "service_id": attrs.get("service"),
            "hold_token": hold,
        }


class AppointmentInput(_WhenAndWithWhom):
    patient = serializers.IntegerField(required=False, min_value=1, help_text="a patient books for themselves")
    notes = serializers.CharField(required=False, allow_blank=True, max_length=4000)
    outside_hours = serializers.BooleanField(required=False, help_text="the desk may book outside of working hours")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {
            **self._booked(attrs),
            "patient_id": attrs.get("patient"),
            "notes": attrs.get("notes", ""),
            "outside_hours": attrs.get("outside_hours", False),
        }


class RescheduleInput(_StartInput, _PractitionerNames):
    """Where the appointment is dropped; what is not said stays."""

    outside_hours = serializers.BooleanField(required=False, help_text="the desk may book outside of working hours")
    version = serializers.IntegerField(required=False, min_value=1, help_text="the version that was dragged")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        start = self._start_of(attrs)
        if start is None:
            raise serializers.ValidationError({"start": "This field is required."}, code="required")
        return {
            "start": start,
            "practitioner_id": self._practitioner_of(attrs),
            "outside_hours": attrs.get("outside_hours", False),
            "version": attrs.get("version"),
        }


class HoldInput(_StartInput, _PractitionerNames):
    service = serializers.IntegerField(required=False, allow_null=True, min_value=1)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        start, practitioner_id = self._start_of(attrs), self._practitioner_of(attrs)
        missing = [name for name, value in (("start", start), ("practitioner", practitioner_id)) if not value]
        if missing:
            raise serializers.ValidationError(dict.fromkeys(missing, "This field is required."), code="required")
        return {"start": start, "practitioner_id": practitioner_id, "service_id": attrs.get("service")}


class HoldNamedInput(_PractitionerNames):
    """Only with whom: that says which clinic it is, and in its zone the start is read."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        practitioner_id = self._practitioner_of(attrs)
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


class GuestClinicInput(_PractitionerNames):
    """Only what says which clinic a guest means."""

    clinic = serializers.CharField(required=False, max_length=60, help_text="slug or id, where several clinics are")
    hold = serializers.CharField(required=False, max_length=64)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {
            "clinic": attrs.get("clinic"),
            "practitioner_id": self._practitioner_of(attrs),
            "hold_token": attrs.get("hold"),
        }


class GuestBookingInput(_WhenAndWithWhom):
    name = serializers.CharField(max_length=120)
    phone = serializers.CharField(max_length=40, help_text="with country code, or as it is dialled at the clinic")
    email = serializers.EmailField(required=False, allow_blank=True, max_length=254)
    notes = serializers.CharField(required=False, allow_blank=True, max_length=1000, help_text="for the clinic")
    clinic = serializers.CharField(required=False, max_length=60, help_text="slug or id, where several clinics are")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {
            "guest": {"name": attrs["name"], "phone": attrs["phone"], "email": attrs.get("email", "")},
            "booking": {**self._booked(attrs), "notes": attrs.get("notes", "")},
        }


class GuestBookingOutput(serializers.Serializer[Appointment]):
    """All that a reference shows: nothing about whom."""

    status = serializers.ChoiceField(choices=STATUS_CHOICES)
    start = serializers.DateTimeField(help_text="in the clinic's zone")
    end = serializers.DateTimeField(help_text="in the clinic's zone")
    date = serializers.DateField(help_text="the clinic's")
    time = serializers.CharField(help_text="HH:MM, the clinic's")
    practitioner = serializers.IntegerField()
    practitioner_name = serializers.CharField()

    def to_representation(self, appointment: Appointment) -> dict[str, Any]:
        shown = {**present_appointment(shown_of(appointment)), "reference": appointment.reference}
        return {name: shown[name] for name in self.get_fields()}


class GuestBookingMadeOutput(GuestBookingOutput):
    reference = serializers.CharField(help_text="shows and cancels the booking: keep it")


class CancelInput(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)


class StatusField(serializers.CharField):
    """Any case; APPROVED and the like are understood."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return parse_status(super().to_internal_value(data))
        except InvalidRequest as error:
            raise serializers.ValidationError(error.detail, code="invalid_choice") from None


class AppointmentEditInput(_StartInput, _PractitionerNames):
    service = serializers.IntegerField(required=False, min_value=1)
    notes = serializers.CharField(required=False, allow_blank=True, max_length=4000)
    outside_hours = serializers.BooleanField(required=False)
    status = StatusField(required=False)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)
    version = serializers.IntegerField(required=False, min_value=1)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {
            "start": self._start_of(attrs),
            "practitioner_id": self._practitioner_of(attrs),
            "service_id": attrs.pop("service", None),
            **attrs,
        }


class RuleInput(serializers.Serializer[Any]):
    """Either `count` or `until`; 52 dates at most. A monthly rule keeps the day of the month and skips the months that
    have no such day; a rule by the week may name several weekdays."""

    frequency = serializers.ChoiceField(choices=FREQUENCY_CHOICES)
    count = serializers.IntegerField(required=False, min_value=1, max_value=MOST_DATES)
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


class SeriesInput(_StartInput, _PractitionerNames):
    """The first date and the time of day of all: `start`, or `date` and `time` in the clinic's zone."""

    patient = serializers.IntegerField(min_value=1)
    service = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    notes = serializers.CharField(required=False, allow_blank=True, max_length=4000)
    outside_hours = serializers.BooleanField(required=False, help_text="also outside of working hours")
    rule = RuleInput()
    on_conflict = serializers.ChoiceField(
        choices=["fail", "skip"], default="fail", help_text="skip books the other dates and tells those left out"
    )
    dry_run = serializers.BooleanField(default=False, help_text="writes nothing and tells of every date")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        first_date, start_local = self._wall_time_of(attrs)
        practitioner_id = self._practitioner_of(attrs)
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


class SeriesEditInput(_PractitionerNames):
    time = _WallTime(required=False, help_text="the clinic's; the dates stay")
    service = serializers.IntegerField(required=False, min_value=1)
    notes = serializers.CharField(required=False, allow_blank=True, max_length=4000)
    outside_hours = serializers.BooleanField(required=False)
    version = serializers.IntegerField(required=False, min_value=1)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not set(attrs) - {"outside_hours", "version"}:
            raise serializers.ValidationError(
                "Say what changes: time, practitioner, service or notes.", code="required"
            )
        return {
            "version": attrs.get("version"),
            "edit": {
                "start_local": attrs.get("time"),
                "practitioner_id": self._practitioner_of(attrs),
                "service_id": attrs.get("service"),
                "notes": attrs.get("notes"),
                "outside_hours": attrs.get("outside_hours", False),
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
                del shown[name]
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


class ActionInput(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)
    version = serializers.IntegerField(required=False, min_value=1)


class AppointmentFilterInput(serializers.Serializer[Any]):
    scope = serializers.ChoiceField(choices=["active", "history", "all"], required=False)
    status = serializers.CharField(required=False, help_text="one or several, by commas; then scope is not looked at")
    date = serializers.DateField(required=False)
    to = serializers.DateField(required=False)
    practitioner = serializers.IntegerField(required=False, min_value=1)
    patient = serializers.IntegerField(required=False, min_value=1)
    search = serializers.CharField(required=False, allow_blank=True, max_length=100)
    ordering = serializers.CharField(required=False, help_text=", ".join(ORDERINGS) + "; a minus turns it round")

    def get_fields(self) -> dict[str, "serializers.Field[Any, Any, Any, Any]"]:
        # "from" is a word of Python's.
        return {**super().get_fields(), "from": serializers.DateField(required=False)}

    def validate_status(self, text: str) -> tuple[Status, ...]:
        try:
            return tuple(parse_status(word) for word in text.split(",") if word.strip())
        except InvalidRequest as error:
            raise serializers.ValidationError(error.detail, code="invalid_choice") from None

    def validate_ordering(self, ordering: str) -> str:
        if not re.fullmatch(f"-?({'|'.join(ORDERINGS)})", ordering):
            raise serializers.ValidationError(f"Order by one of: {', '.join(ORDERINGS)}.", code="invalid_choice")
        return ordering

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        day = attrs.get("date")
        first, last = day or attrs.get("from"), day or attrs.get("to")
        if first and last and last < first:
            raise serializers.ValidationError({"to": "The range ends before it begins."}, code="invalid")
        return {
            "wanted": AppointmentFilter(
                scope=attrs.get("scope", "active"),
                statuses=attrs.get("status", ()),
                first_date=first,
                last_date=last,
                practitioner_id=attrs.get("practitioner"),
                patient_id=attrs.get("patient"),
                search=attrs.get("search", "").strip(),
                ordering=attrs.get("ordering"),
            )
        }


class AppointmentEventOutput(serializers.ModelSerializer[AppointmentEvent]):
    appointment = serializers.IntegerField(source="appointment_id")
    actor = serializers.IntegerField(source="actor_id", allow_null=True)
    from_start = serializers.DateTimeField(source="from_starts_at", allow_null=True)
    to_start = serializers.DateTimeField(source="to_starts_at", allow_null=True)

    class Meta:
        model = AppointmentEvent
        fields = [
            "id",
            "appointment",
            "action",
            "from_status",
            "to_status",
            "from_start",
            "to_start",
            "actor",
            "actor_name",
            "actor_kind",
            "channel",
            "reason",
            "at",
        ]


class PhoneCodeInput(serializers.Serializer[Any]):
    phone = serializers.CharField(max_length=40, help_text="in any notation; without a country code, the clinic's")
    clinic = serializers.SlugField(required=False, help_text="slug, where several clinics are")


class PhoneCodeOutput(serializers.Serializer[Any]):
    expires_in = serializers.IntegerField(help_text="seconds")


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
    today = AppointmentOutput(many=True, help_text=f"without what was called off; the first {LONGEST_DAY}")
    next = AppointmentOutput(allow_null=True, help_text="the next one, pending or confirmed")


class StatisticsInput(serializers.Serializer[Any]):
    groupBy = serializers.ChoiceField(choices=["month", "day"], required=False)  # noqa: N815 - as front ends say it
    limit = serializers.IntegerField(
        required=False, min_value=1, max_value=400, help_text="so many of the newest periods; 12 months or 31 days"
    )
    to = serializers.DateField(required=False, help_text="last day, included")

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


class PatientOutput(serializers.ModelSerializer[Patient]):
    has_account = serializers.SerializerMethodField()

    class Meta:
        model = Patient
        fields = ["id", "name", "email", "phone", "has_account", "created_at"]

    def get_has_account(self, patient: Patient) -> bool:
        return patient.user_id is not None


class PatientInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120)
    email = serializers.EmailField(required=False, allow_blank=True, max_length=254)
    phone = serializers.CharField(required=False, allow_blank=True, max_length=40)


class SignUpInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120)
    email = serializers.EmailField(max_length=254)
    phone = serializers.CharField(max_length=40)
    password = serializers.CharField(trim_whitespace=False, max_length=256)
    phone_code = serializers.CharField(
        required=False, max_length=16, help_text="from public/phone-codes: links what was booked by this phone before"
    )
    clinic = serializers.SlugField(required=False, help_text="slug, where several clinics are")


class SignUpOutput(TokenPairOutput):
    user = UserOutput()


class AvailabilityChangedOutput(AvailabilityOutput):
    stranded = serializers.ListField(child=serializers.IntegerField(), help_text="appointments left outside, if forced")


class ExceptionChangedOutput(ScheduleExceptionOutput):
    stranded = serializers.ListField(child=serializers.IntegerField(), help_text="appointments left outside, if forced")


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "enum": ["cancel", "keep"]},
            {
                "type": "object",
                "properties": {"move_to": {"type": "integer", "minimum": 1}},
                "required": ["move_to"],
                "additionalProperties": False,
            },
        ]
    }
)
class FateField(serializers.Field[dict[str, Any], Any, Any, Any]):
    """`"cancel"`, `"keep"` or `{"move_to": id}`."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        match data:
            case "cancel" | "keep":
                return {"kind": data}
            case {"move_to": int(practitioner_id)} if len(data) == 1 and not isinstance(practitioner_id, bool):
                return {"kind": "move", "move_to": practitioner_id}
        raise serializers.ValidationError("Say cancel, keep, or {move_to: the id of a practitioner}.", code="invalid")


class _FateInput(serializers.Serializer[Any]):
    outside_hours = serializers.BooleanField(required=False, help_text="move also to where the other does not work")
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500, help_text="of the cancelling")

    def _fate_of(self, attrs: dict[str, Any]) -> dict[str, Any] | None:
        fate: dict[str, Any] | None = attrs.pop("appointments", None)
        how: dict[str, Any] = {name: attrs.pop(name) for name in ("outside_hours", "reason") if name in attrs}
        return None if fate is None else {**fate, **how}


class PractitionerEditInput(_FateInput, PractitionerInput):
    appointments = FateField(required=False, help_text="what becomes of those ahead")
    active = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        return {"fate": self._fate_of(attrs), **attrs}


class DeactivateInput(_FateInput):
    appointments = serializers.ChoiceField(choices=["cancel", "keep"], required=False)
    move_to = serializers.IntegerField(required=False, min_value=1, help_text="instead of appointments: who gets them")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        target = attrs.pop("move_to", None)
        if "appointments" in attrs:
            if target is not None:
                raise serializers.ValidationError({"move_to": "Say one of the two."}, code="invalid")
            attrs["appointments"] = {"kind": attrs["appointments"]}
        elif target is not None:
            attrs["appointments"] = {"kind": "move", "move_to": target}
        return {"fate": self._fate_of(attrs)}
