"""Validators of names, for fields of models and serializers. `plain_names` has the rules."""

from django.core.exceptions import ValidationError

from clinic.common.errors import NotAName
from clinic.common.plain_names import fault_in, fault_in_label


def validate_person_name(name: str) -> None:
    if fault := fault_in(name):
        raise ValidationError(fault, NotAName.code)


def validate_label(text: str) -> None:
    """Of a clinic, a service or a practitioner."""
    if fault := fault_in_label(text):
        raise ValidationError(fault, NotAName.code)


def check_name(name: str) -> None:
    """Of a person, whoever types it. Raises NotAName."""
    if fault := fault_in(name):
        raise NotAName(fault)
