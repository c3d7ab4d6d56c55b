from typing import Any

from rest_framework import serializers

from clinic.accounts.serializers import TokenPairOutput, UserOutput
from clinic.appointments.models import Patient
from clinic.common.versions import VersionInput


class PatientOutput(serializers.ModelSerializer[Patient]):
    has_account = serializers.SerializerMethodField()

    class Meta:
        model = Patient
        fields = ["id", "name", "email", "phone", "has_account", "version", "created_at"]

    def get_has_account(self, patient: Patient) -> bool:
        return patient.user_id is not None


class PatientInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120)
    email = serializers.EmailField(required=False, allow_blank=True, max_length=254)
    phone = serializers.CharField(required=False, allow_blank=True, max_length=40)


class PatientEditInput(VersionInput, PatientInput):
    pass


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
