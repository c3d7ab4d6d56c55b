from typing import Any

from rest_framework import serializers

from clinic.accounts.serializers import PHONE_LENGTH, PhoneExtensionField
from clinic.appointments.models import STATUS_CHOICES, Appointment
from clinic.appointments.presentation import shown_of
from clinic.appointments.serializers.appointments import RequestNoteField, StatusField, present_appointment
from clinic.appointments.serializers.starts import PractitionerNames, StartInput, WhenAndWithWhom
from clinic.common.instants import say_minute, zone_of
from clinic.scheduling.models import PatientMoves


class GuestClinicInput(PractitionerNames):
    """Only what says which clinic a guest means."""

    clinic = serializers.CharField(required=False, max_length=60, help_text="slug or id, where several clinics are")
    hold = serializers.CharField(required=False, max_length=64)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {
            "clinic": attrs.get("clinic"),
            "practitioner_id": self.practitioner_of(attrs),
            "hold_token": attrs.get("hold"),
        }


class GuestBookingInput(WhenAndWithWhom):
    name = serializers.CharField(max_length=120)
    phone = serializers.CharField(
        max_length=PHONE_LENGTH, help_text="with country code, or as it is dialled at the clinic"
    )
    phone_extension = PhoneExtensionField(required=False)
    phone_code = serializers.CharField(
        required=False,
        max_length=16,
        help_text="from public/phone-codes: the request goes to the record with this phone and name",
    )
    reference = serializers.CharField(
        required=False, max_length=64, help_text="of an earlier request: this one goes to the same record"
    )
    email = serializers.EmailField(required=False, allow_blank=True, max_length=254)
    notes = serializers.CharField(
        required=False, allow_blank=True, max_length=1000, help_text="the same as `request_note`"
    )
    request_note = RequestNoteField()
    status = StatusField(required=False, help_text="`pending`, which it is in any case")
    clinic = serializers.CharField(required=False, max_length=60, help_text="slug or id, where several clinics are")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        fields = ("name", "phone", "phone_extension", "email")
        return {
            "guest": {name: attrs[name] for name in fields if name in attrs},
            "shown": {name: attrs[name] for name in ("phone_code", "reference") if name in attrs},
            "booking": {
                **self.booked(attrs),
                "request_note": attrs.get("request_note") or attrs.get("notes", ""),
                "status": attrs.get("status"),
            },
        }


class VisitClinicOutput(serializers.Serializer[Any]):
    """Of the clinic, what its mails say as well."""

    name = serializers.CharField()
    slug = serializers.CharField()
    phone = serializers.CharField()
    email = serializers.CharField()
    address = serializers.CharField()
    timezone = serializers.CharField()


class GuestBookingOutput(serializers.Serializer[Appointment]):
    """All that a reference shows: nothing about whom. `possible` of the context: what the patient may do now."""

    status = serializers.ChoiceField(choices=STATUS_CHOICES)
    start = serializers.DateTimeField(help_text="in the clinic's zone")
    end = serializers.DateTimeField(help_text="in the clinic's zone")
    date = serializers.DateField(help_text="the clinic's")
    time = serializers.CharField(help_text="HH:MM, the clinic's")
    practitioner = serializers.IntegerField()
    practitioner_name = serializers.CharField()
    service = serializers.IntegerField(allow_null=True)
    service_name = serializers.CharField(allow_null=True)
    attendance_confirmed_at = serializers.DateTimeField(allow_null=True)
    arrived_at = serializers.DateTimeField(allow_null=True)
    called_at = serializers.DateTimeField(allow_null=True)
    requested_start = serializers.DateTimeField(allow_null=True, help_text="the time that the desk was asked for")
    room = serializers.CharField()
    request_note = serializers.CharField()
    version = serializers.IntegerField()
    actions = serializers.ListField(
        child=serializers.ChoiceField(choices=["attend", "move", "cancel", "arrive"]), help_text="possible now"
    )
    cancel_until = serializers.DateTimeField(help_text="the patient's notice; later the clinic is called")
    moves_left = serializers.IntegerField()
    patient_moves = serializers.ChoiceField(
        choices=PatientMoves.choices, help_text="`request`: a move is a question to the desk"
    )
    clinic = VisitClinicOutput()

    def to_representation(self, appointment: Appointment) -> dict[str, Any]:
        possible, clinic = self.context["possible"], appointment.clinic
        shown = {
            **present_appointment(shown_of(appointment)),
            "actions": possible.actions,
            "cancel_until": say_minute(possible.cancel_until, zone_of(clinic.timezone)),
            "moves_left": possible.moves_left,
            "patient_moves": clinic.patient_moves,
            "clinic": VisitClinicOutput(clinic).data,
        }
        return {name: shown[name] for name in self.get_fields()}


class GuestBookingMadeOutput(GuestBookingOutput):
    reference = serializers.CharField(help_text="shows and cancels the booking: keep it")


class MoveInput(StartInput, PractitionerNames):
    version = serializers.IntegerField(required=False, min_value=1, help_text="the version that was seen")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        start = self.start_of(attrs)
        if start is None:
            raise serializers.ValidationError({"start": "This field is required."}, code="required")
        return {"start": start, "practitioner_id": self.practitioner_of(attrs), "version": attrs.get("version")}


class CancelInput(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)
