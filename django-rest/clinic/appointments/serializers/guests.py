from typing import Any

from rest_framework import serializers

from clinic.appointments.models import STATUS_CHOICES, Appointment
from clinic.appointments.serializers.appointments import StatusField, present_appointment
from clinic.appointments.serializers.starts import PractitionerNames, WhenAndWithWhom
from clinic.appointments.shown import shown_of


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
    phone = serializers.CharField(max_length=40, help_text="with country code, or as it is dialled at the clinic")
    email = serializers.EmailField(required=False, allow_blank=True, max_length=254)
    notes = serializers.CharField(required=False, allow_blank=True, max_length=1000, help_text="for the clinic")
    status = StatusField(required=False, help_text="`pending`, which it is in any case")
    clinic = serializers.CharField(required=False, max_length=60, help_text="slug or id, where several clinics are")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {
            "guest": {"name": attrs["name"], "phone": attrs["phone"], "email": attrs.get("email", "")},
            "booking": {**self.booked(attrs), "notes": attrs.get("notes", ""), "status": attrs.get("status")},
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
