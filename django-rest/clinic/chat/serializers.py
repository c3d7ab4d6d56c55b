"""Flat bodies: no object stands in another, but the rows of one list."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from clinic.accounts.serializers import PHONE_LENGTH
from clinic.appointments.models import STATUS_CHOICES
from clinic.appointments.serializers.starts import StartInput
from clinic.scheduling.soonest import HalfOfDay
from clinic.waitlist.models import PART_OF_DAY_CHOICES

SOONEST = "soonest"
MAX_TIMES = 20


class ChatLanguageInput(serializers.Serializer[Any]):
    language = serializers.ChoiceField(
        choices=settings.LANGUAGES, required=False, help_text="of `say`; without: `Accept-Language`, else the clinic's"
    )


class ChatClinicInput(ChatLanguageInput):
    clinic = serializers.CharField(required=False, max_length=60, help_text="slug or id, where several clinics are")


class ChatTimesInput(ChatClinicInput):
    when = serializers.CharField(required=False, default=SOONEST, help_text="a day of the clinic's, or `soonest`")
    service = serializers.IntegerField(required=False, min_value=1, help_text="without: one slot of the clinic's grid")
    practitioner = serializers.IntegerField(required=False, min_value=1, help_text="without: anybody who is free")
    part_of_day = serializers.ChoiceField(
        choices=[half.value for half in HalfOfDay], required=False, help_text="before 12:00, or from then on"
    )
    count = serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_TIMES, default=3, help_text="how many times"
    )

    def validate_when(self, when: str) -> Any:
        return None if when == SOONEST else serializers.DateField().to_internal_value(when)


class ChatHoldInput(ChatClinicInput, StartInput):
    service = serializers.IntegerField(required=False, min_value=1)
    practitioner = serializers.IntegerField(required=False, min_value=1, help_text="without: one who is free then")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "clinic" not in self.context:  # Read for its names alone: they say which clinic's clock counts.
            return attrs
        start = self.start_of(attrs)
        if start is None:
            raise serializers.ValidationError({"start": "This field is required."}, code="required")
        return {**attrs, "start": start}


class ChatHeldInput(ChatLanguageInput):
    hold = serializers.CharField(max_length=64, help_text="from `chat/hold`")


class ChatBookInput(ChatHeldInput):
    name = serializers.CharField(max_length=120)
    phone = serializers.CharField(max_length=PHONE_LENGTH, help_text="with country code, or as it is dialled there")
    email = serializers.EmailField(required=False, allow_blank=True, max_length=254)
    code = serializers.CharField(
        required=False, max_length=16, help_text="from `chat/code`, where the clinic asks for it"
    )
    reference = serializers.CharField(
        required=False, max_length=64, help_text="of an earlier visit of the same patient"
    )
    note = serializers.CharField(required=False, allow_blank=True, max_length=1000, help_text="for the clinic")


class ChatCodeInput(ChatClinicInput):
    phone = serializers.CharField(max_length=PHONE_LENGTH)


class ChatVisitsInput(ChatCodeInput):
    code = serializers.CharField(max_length=16, help_text="from `chat/code`")


class ChatMoveInput(ChatHeldInput):
    reference = serializers.CharField(max_length=64, help_text="of the visit")


class ChatCancelInput(ChatLanguageInput):
    reference = serializers.CharField(max_length=64, help_text="of the visit")
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500, help_text="for the clinic")


class ChatWaitInput(ChatVisitsInput):
    name = serializers.CharField(max_length=120)
    email = serializers.EmailField(required=False, allow_blank=True, max_length=254)
    service = serializers.IntegerField(required=False, min_value=1)
    practitioner = serializers.IntegerField(required=False, min_value=1, help_text="without: anybody")
    first_date = serializers.DateField()
    last_date = serializers.DateField(help_text="included")
    part_of_day = serializers.ChoiceField(choices=PART_OF_DAY_CHOICES, required=False)


class ChatSaidOutput(serializers.Serializer[Any]):
    say = serializers.CharField(help_text="a sentence for the patient, in their language")


class ChatServiceOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    duration_minutes = serializers.IntegerField()


class ChatServicesOutput(ChatSaidOutput):
    clinic = serializers.IntegerField()
    clinic_name = serializers.CharField()
    services = ChatServiceOutput(many=True, help_text="by name")


class ChatTimeOutput(ChatSaidOutput):
    start = serializers.DateTimeField(help_text="in the clinic's zone")
    end = serializers.DateTimeField(help_text="in the clinic's zone")
    date = serializers.DateField(help_text="the clinic's")
    time = serializers.CharField(help_text="HH:MM, the clinic's")
    practitioner = serializers.IntegerField()
    practitioner_name = serializers.CharField()


class ChatTimesOutput(ChatSaidOutput):
    clinic = serializers.IntegerField()
    on_day = serializers.BooleanField(help_text="false: nothing is free on that day, these are the next times after it")
    times = ChatTimeOutput(many=True, help_text="the earliest first")


class ChatHeldOutput(ChatTimeOutput):
    hold = serializers.CharField(help_text="books the time, or moves a visit to it: keep it to yourself")
    clinic = serializers.IntegerField()
    service = serializers.IntegerField(allow_null=True)
    expires_at = serializers.DateTimeField()


class ChatVisitOutput(ChatTimeOutput):
    reference = serializers.CharField(help_text="moves and cancels the visit: keep it")
    status = serializers.ChoiceField(choices=STATUS_CHOICES)
    service = serializers.IntegerField(allow_null=True)
    service_name = serializers.CharField(allow_null=True)


class ChatVisitsOutput(ChatSaidOutput):
    visits = ChatVisitOutput(many=True, help_text="those that lie ahead, the next first")


class ChatCodeOutput(ChatSaidOutput):
    expires_in = serializers.IntegerField(help_text="seconds")


class ChatWaitOutput(ChatSaidOutput):
    first_date = serializers.DateField()
    last_date = serializers.DateField(help_text="included")
    practitioner = serializers.IntegerField(allow_null=True)
    service = serializers.IntegerField(allow_null=True)
    part_of_day = serializers.ChoiceField(choices=PART_OF_DAY_CHOICES)
