import re
from datetime import date
from typing import Any

from rest_framework import serializers

from clinic.appointments.lifecycle import Status, parse_status
from clinic.appointments.models import STATUS_CHOICES, Appointment, Source
from clinic.appointments.presentation import ShownAppointment, shown_of
from clinic.appointments.queries import (
    MAX_SORTED_DAYS,
    ORDERINGS,
    WHOLE_ORDERINGS,
    AppointmentFilter,
)
from clinic.appointments.serializers.starts import PractitionerNames, StartInput, WhenAndWithWhom
from clinic.common.errors import InvalidRequest
from clinic.common.instants import say_instant, say_minute, zone_of

PATIENT_MEANT = "from a patient: their own record or account, or a record of their family; without it, their own"

# The part of a patient's own view that stays in the clinic.
INTERNAL_FIELDS = ("notes", "patient_alert")


class AppointmentOutput(serializers.Serializer[Any]):
    """An appointment as REST and the stream show it. `dentist…` repeats `practitioner…` for older front ends."""

    # Sent back with a change, these are not compared: other rows have them.
    computed = frozenset(
        {
            "patient_name",
            "patient_email",
            "patient_phone",
            "patient_phone_extension",
            "patient_alert",
            "practitioner_name",
            "dentist_name",
            "service_name",
            "service_color",
            "undo_until",
        }
    )

    id = serializers.IntegerField()
    clinic = serializers.IntegerField()
    patient = serializers.IntegerField()
    patient_name = serializers.CharField()
    patient_email = serializers.CharField()
    patient_phone = serializers.CharField()
    patient_phone_extension = serializers.CharField()
    patient_alert = serializers.CharField(
        required=False, help_text="for the clinic alone: not in a patient's own view; may be empty"
    )
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
    arrived_at = serializers.DateTimeField(allow_null=True, help_text="the patient says: I am here")
    called_at = serializers.DateTimeField(allow_null=True, help_text="the clinic says: please come in")
    requested_start = serializers.DateTimeField(
        allow_null=True, help_text="to which the patient asks the desk to move it, where the clinic decides about moves"
    )
    room = serializers.CharField(help_text="into which it is called; may be empty")
    reference = serializers.CharField(help_text="in the visit's own address, `/a/<reference>`; see `public/bookings`")
    request_note = serializers.CharField(help_text="the patient's own words at booking; may be empty")
    notes = serializers.CharField(required=False, help_text="internal: not in a patient's own view")
    cancel_reason = serializers.CharField()
    source = serializers.ChoiceField(choices=Source.choices)  # type: ignore[assignment]  # a field named like an argument
    series = serializers.IntegerField(allow_null=True)
    allow_overlap = serializers.BooleanField(help_text="the desk lets it overlap other visits of the patient")
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


class AppointmentDetailOutput(AppointmentOutput):
    """One appointment, as the answer to its `GET` and to each step."""

    undo_until = serializers.DateTimeField(
        allow_null=True,
        required=False,
        help_text="until when the caller may undo the last step; null: not at all. Not in a patient's own view",
    )


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
        "patient_phone_extension": row.patient__phone_extension,
        "patient_alert": row.patient__alert,
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
        "arrived_at": say_instant(row.arrived_at, zone),
        "called_at": say_instant(row.called_at, zone),
        "requested_start": None if row.requested_start is None else say_minute(row.requested_start, zone),
        "room": row.room,
        "reference": row.reference,
        "request_note": row.request_note,
        "notes": row.notes,
        "cancel_reason": row.cancel_reason,
        "source": row.source,
        "series": row.series_id,
        "allow_overlap": row.allow_overlap,
        "version": row.version,
        "created_at": say_instant(row.created_at, zone),
        "updated_at": say_instant(row.updated_at, zone),
    }


class AllowOverlapField(serializers.BooleanField):
    def __init__(self, **options: Any) -> None:
        super().__init__(
            required=False, help_text="owner and staff: may overlap other visits of the patient", **options
        )


class RequestNoteField(serializers.CharField):
    def __init__(self, **options: Any) -> None:
        super().__init__(
            required=False, allow_blank=True, max_length=1000, help_text="the patient's own words", **options
        )


class StatusField(serializers.CharField):
    """Any case; APPROVED and the like are understood."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return parse_status(super().to_internal_value(data))
        except InvalidRequest as error:
            raise serializers.ValidationError(error.detail, code="invalid_choice") from None


class AppointmentInput(WhenAndWithWhom):
    patient = serializers.IntegerField(required=False, min_value=1, help_text=PATIENT_MEANT)
    notes = serializers.CharField(
        required=False, allow_blank=True, max_length=4000, help_text="internal; from a patient, their `request_note`"
    )
    request_note = RequestNoteField()
    outside_hours = serializers.BooleanField(required=False, help_text="the desk may book outside of working hours")
    allow_overlap = AllowOverlapField()
    status = StatusField(required=False, help_text="`pending`, or `confirmed` by the clinic")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {
            **self.booked(attrs),
            "status": attrs.get("status"),
            "patient_id": attrs.get("patient"),
            "notes": attrs.get("notes", ""),
            "request_note": attrs.get("request_note", ""),
            "outside_hours": attrs.get("outside_hours", False),
            "allow_overlap": attrs.get("allow_overlap", False),
        }


class RescheduleInput(StartInput, PractitionerNames):
    """Where the appointment is dropped; what is not said stays."""

    outside_hours = serializers.BooleanField(required=False, help_text="the desk may book outside of working hours")
    allow_overlap = AllowOverlapField()
    duration_minutes = serializers.IntegerField(
        required=False, min_value=5, max_value=480, help_text="another length, from the clinic; multiple of 5"
    )
    version = serializers.IntegerField(required=False, min_value=1, help_text="the version that was dragged")

    def validate_duration_minutes(self, minutes: int) -> int:
        if minutes % 5:
            raise serializers.ValidationError("A multiple of 5 minutes.", code="off_grid")
        return minutes

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        start = self.start_of(attrs)
        if start is None:
            raise serializers.ValidationError({"start": "This field is required."}, code="required")
        return {
            "start": start,
            "practitioner_id": self.practitioner_of(attrs),
            "outside_hours": attrs.get("outside_hours", False),
            "allow_overlap": attrs.get("allow_overlap"),
            "duration_minutes": attrs.get("duration_minutes"),
            "version": attrs.get("version"),
        }


class AppointmentEditInput(StartInput, PractitionerNames):
    patient = serializers.IntegerField(required=False, min_value=1, help_text="stays who it is")
    service = serializers.IntegerField(required=False, allow_null=True, min_value=1, help_text="null: as it is")
    notes = serializers.CharField(required=False, allow_blank=True, max_length=4000)
    outside_hours = serializers.BooleanField(required=False)
    allow_overlap = AllowOverlapField()
    status = StatusField(required=False)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)
    version = serializers.IntegerField(required=False, min_value=1)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {
            "start": self.start_of(attrs),
            "practitioner_id": self.practitioner_of(attrs),
            "service_id": attrs.pop("service", None),
            "patient_id": attrs.pop("patient", None),
            **attrs,
        }


class ActionInput(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)
    version = serializers.IntegerField(required=False, min_value=1)


class ReopenInput(ActionInput):
    allow_overlap = AllowOverlapField()


class VersionNeeded(serializers.Serializer[Any]):
    """The version must be named, in the body or by `If-Match`: another one is never changed by mistake."""

    version = serializers.IntegerField(required=False, min_value=1, help_text="required, unless `If-Match` is sent")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "version" not in attrs and "If-Match" not in self.context["request"].headers:
            raise serializers.ValidationError({"version": "This field is required."}, code="required")
        return attrs


class UndoInput(VersionNeeded):
    """Of the appointment after the step."""


class CorrectionInput(VersionNeeded):
    status = StatusField()
    reason = serializers.CharField(max_length=500, help_text="why: it stands in the history")
    allow_overlap = AllowOverlapField()


class ConfirmInput(ActionInput):
    link_to = serializers.IntegerField(
        required=False,
        min_value=1,
        help_text="of a guest's request, the desk: the record of the same person, which the request's becomes part of",
    )
    allow_overlap = serializers.BooleanField(
        required=False, help_text="with `link_to`: visits of both records may be at the same time"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "allow_overlap" in attrs and "link_to" not in attrs:
            raise serializers.ValidationError({"allow_overlap": "This goes with `link_to`."}, code="invalid")
        return attrs


def _check_days_of(ordering: str | None, first: date | None, last: date | None) -> None:
    """Only the start orders any number of days; other orders go over all visits, or are sorted out of a few days."""
    name = (ordering or "start").removeprefix("-")
    if name == "start" or (name in WHOLE_ORDERINGS and first is None and last is None):
        return
    if first is None or last is None or (last - first).days >= MAX_SORTED_DAYS:
        sentence = f"Order by `{name}` within {MAX_SORTED_DAYS} days at most: give `from` and `to`."
        raise serializers.ValidationError({"ordering": sentence}, code="range_too_long")


class AppointmentFilterInput(PractitionerNames):
    scope = serializers.ChoiceField(choices=["active", "history", "all"], required=False)
    status = serializers.CharField(required=False, help_text="one or several, by commas; then scope is not looked at")
    date = serializers.DateField(required=False)
    to = serializers.DateField(required=False)
    patient = serializers.IntegerField(required=False, min_value=1)
    search = serializers.CharField(required=False, allow_blank=True, max_length=100)
    ordering = serializers.CharField(
        required=False,
        help_text=f"{', '.join(WHOLE_ORDERINGS)}; within {MAX_SORTED_DAYS} days also"
        f" {', '.join(name for name in ORDERINGS if name not in WHOLE_ORDERINGS)}; a minus turns it round",
    )

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
        _check_days_of(attrs.get("ordering"), first, last)
        return {
            "wanted": AppointmentFilter(
                scope=attrs.get("scope", "active"),
                statuses=attrs.get("status", ()),
                first_date=first,
                last_date=last,
                practitioner_id=self.practitioner_of(attrs),
                patient_id=attrs.get("patient"),
                search=attrs.get("search", "").strip(),
                ordering=attrs.get("ordering"),
            )
        }
