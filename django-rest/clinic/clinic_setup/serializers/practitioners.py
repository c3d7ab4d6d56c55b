from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clinic.accounts.models import photo_path
from clinic.accounts.serializers import PHONE_LENGTH, PhoneExtensionField
from clinic.clinic_setup.serializers.fields import IdsField
from clinic.common.names import validate_label
from clinic.common.versions import VersionInput
from clinic.scheduling.models import (
    Practitioner,
    Service,
)


class PractitionerOutput(serializers.ModelSerializer[Practitioner]):
    services = serializers.PrimaryKeyRelatedField[Service](many=True, read_only=True)
    specialization = serializers.CharField(
        source="specialisation", read_only=True, help_text="the same as `specialisation`, for older front ends"
    )
    user = serializers.IntegerField(
        source="user_id", allow_null=True, required=False, help_text="the account: for the owner and staff alone"
    )

    photo = serializers.SerializerMethodField(help_text="path of the picture on this server")

    class Meta:
        model = Practitioner
        fields = ["id", "name", "specialisation", "specialization", "photo", "services", "active", "user", "version"]

    def get_photo(self, practitioner: Practitioner) -> str | None:
        return photo_path(practitioner.user)

    def to_representation(self, practitioner: Practitioner) -> dict[str, Any]:
        shown = super().to_representation(practitioner)
        if not self.context.get("for_desk"):
            del shown["user"]
        return shown


class AccountInput(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(trim_whitespace=False, max_length=256)
    phone = serializers.CharField(required=False, max_length=PHONE_LENGTH)
    phone_extension = PhoneExtensionField(required=False)


class PractitionerInput(serializers.Serializer[Any]):
    """`account` makes a sign-in for the practitioner; `user` names one that is there and belongs to nobody yet."""

    name = serializers.CharField(max_length=120, validators=[validate_label])
    specialisation = serializers.CharField(
        required=False, allow_blank=True, max_length=120, validators=[validate_label]
    )
    services = IdsField(required=False, help_text="what is offered")
    user = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    account = AccountInput(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("account") and attrs.get("user"):
            raise serializers.ValidationError({"account": "Give an account or a user, not both."}, code="invalid")
        return attrs


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


class PractitionerEditInput(VersionInput, _FateInput, PractitionerInput):
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
