from typing import Any

from rest_framework import serializers


class PhoneCodeInput(serializers.Serializer[Any]):
    phone = serializers.CharField(max_length=40, help_text="in any notation; without a country code, the clinic's")
    clinic = serializers.SlugField(required=False, help_text="slug, where several clinics are")


class PhoneCodeOutput(serializers.Serializer[Any]):
    expires_in = serializers.IntegerField(help_text="seconds")
