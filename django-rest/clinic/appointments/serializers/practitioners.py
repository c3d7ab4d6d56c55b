from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clinic.common.versions import VersionInput
from clinic.scheduling.serializers import PractitionerInput


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
