from typing import Any

from rest_framework import serializers

from clinic.accounts.models import Role, User, normalise_email
from clinic.accounts.phones import normalise_phone


class SignInInput(serializers.Serializer[Any]):
    username = serializers.CharField(help_text="e-mail or phone", required=False)
    email = serializers.CharField(required=False, help_text="instead of username")
    phone = serializers.CharField(required=False, help_text="instead of username")
    password = serializers.CharField(trim_whitespace=False, max_length=256)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        username = attrs.get("username") or attrs.get("email") or attrs.get("phone")
        if not username:
            raise serializers.ValidationError({"username": "This field is required."}, code="required")
        return {"username": username, "password": attrs["password"]}


class TokenInput(serializers.Serializer[Any]):
    token = serializers.CharField()


class RefreshInput(serializers.Serializer[Any]):
    refresh = serializers.CharField()


class TokenPairOutput(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()


class UserOutput(serializers.Serializer[User]):
    id = serializers.IntegerField()
    email = serializers.EmailField()
    phone = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)
    clinic = serializers.IntegerField(source="clinic_id", allow_null=True)
    practitioner = serializers.SerializerMethodField()
    patient = serializers.SerializerMethodField()

    def get_practitioner(self, user: User) -> int | None:
        return getattr(getattr(user, "practitioner", None), "pk", None)

    def get_patient(self, user: User) -> int | None:
        return getattr(getattr(user, "patient", None), "pk", None)


class ProfileInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120)
    email = serializers.EmailField(max_length=254)
    phone = serializers.CharField(max_length=40, allow_null=True)

    def validate_email(self, email: str) -> str:
        return normalise_email(email)

    def validate_phone(self, phone: str | None) -> str | None:
        if phone is None:
            return None
        clinic = self.context["request"].user.clinic
        return normalise_phone(phone, region=clinic.phone_region if clinic else None)
