from datetime import date, timedelta
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clinic.accounts.models import User
from clinic.accounts.serializers import PHONE_LENGTH, PhoneExtensionField, ProfileInput, TokenPairOutput, UserOutput
from clinic.common import clock
from clinic.common.versions import VersionInput
from clinic.people.models import MAX_ALERT_LENGTH, PREFERENCES, FamilyMember, Patient, PatientEvent
from clinic.people.names import is_same_name

EARLIEST_BIRTH = date(1900, 1, 1)


class BirthDateField(serializers.DateField):
    def __init__(self, **options: Any) -> None:
        super().__init__(allow_null=True, **options)

    def to_internal_value(self, value: Any) -> Any:
        day = super().to_internal_value(value)
        if not EARLIEST_BIRTH <= day <= clock.now().date() + timedelta(days=1):  # It may be tomorrow already.
            raise serializers.ValidationError("This is no birth date.", code="invalid")
        return day


class PreferencesOutput(serializers.ModelSerializer[Patient]):
    language = serializers.CharField(help_text="`en` or `de`; empty: the clinic's")

    class Meta:
        model = Patient
        fields = PREFERENCES


class PreferencesInput(serializers.Serializer[Any]):
    """Change the fields that are named, and no others."""

    language = serializers.ChoiceField(
        choices=settings.LANGUAGES, required=False, allow_blank=True, help_text="empty: the clinic's"
    )
    wants_sms = serializers.BooleanField(required=False)
    wants_email = serializers.BooleanField(required=False)
    wants_reminders = serializers.BooleanField(required=False)


class PatientOutput(serializers.ModelSerializer[Patient]):
    has_account = serializers.SerializerMethodField()
    preferences = PreferencesOutput(source="*", read_only=True)
    possible_duplicates = serializers.SerializerMethodField(
        help_text="ids of records that may be the same person: the same phone, and the same name or an account"
    )
    family_of = serializers.SerializerMethodField(help_text="ids of the accounts that book for this record")

    class Meta:
        model = Patient
        fields = [
            "id",
            "name",
            "email",
            "phone",
            "phone_extension",
            "birth_date",
            "alert",
            "has_account",
            "possible_duplicates",
            "family_of",
            "preferences",
            "version",
            "created_at",
        ]

    def get_has_account(self, patient: Patient) -> bool:
        return patient.user_id is not None

    def get_possible_duplicates(self, patient: Patient) -> list[int]:
        """Requires: `possible_duplicates` of all patients shown, in the context."""
        return [other.pk for other in self.context["possible_duplicates"][patient.pk]]

    def get_family_of(self, patient: Patient) -> list[int]:
        """Requires: `families` of all patients shown, in the context."""
        return [user.pk for user in self.context["families"][patient.pk]]


class PossibleDuplicateOutput(serializers.ModelSerializer[Patient]):
    """Requires: `patient`, the record that is compared, in the context."""

    has_account = serializers.SerializerMethodField()
    same_name = serializers.SerializerMethodField(help_text="ignoring accents, case, order of words and titles")

    class Meta:
        model = Patient
        fields = [
            "id",
            "name",
            "email",
            "phone",
            "phone_extension",
            "birth_date",
            "has_account",
            "same_name",
            "created_at",
        ]

    def get_has_account(self, patient: Patient) -> bool:
        return patient.user_id is not None

    def get_same_name(self, patient: Patient) -> bool:
        return is_same_name(patient.name, self.context["patient"].name)


class PatientInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120)
    email = serializers.EmailField(required=False, allow_blank=True, max_length=254)
    phone = serializers.CharField(required=False, allow_blank=True, max_length=PHONE_LENGTH)
    phone_extension = PhoneExtensionField(required=False)
    birth_date = BirthDateField(required=False)
    alert = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=MAX_ALERT_LENGTH,
        help_text="shown first, to the clinic alone: an allergy, a need for help",
    )
    preferences = PreferencesInput(required=False, help_text="what they want to be told, and in which language")


class MergeInput(serializers.Serializer[Any]):
    into = serializers.IntegerField(min_value=1, help_text="the record that stays, with its name and contact data")
    dry_run = serializers.BooleanField(required=False, default=False, help_text="say what would move; change nothing")
    allow_overlap = serializers.BooleanField(
        required=False, default=False, help_text="merge although both records have a visit at the same time"
    )


class OverlapOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    patient = serializers.IntegerField()
    patient_name = serializers.CharField()
    practitioner = serializers.IntegerField()
    practitioner_name = serializers.CharField()
    start = serializers.DateTimeField(help_text="in the clinic's zone")
    end = serializers.DateTimeField(help_text="in the clinic's zone")
    status = serializers.CharField()


class MergeOutput(serializers.Serializer[Any]):
    dry_run = serializers.BooleanField()
    moves = serializers.DictField(child=serializers.IntegerField(), help_text="how many rows move, by kind")
    moves_account = serializers.BooleanField(help_text="whether an account moves as well")
    overlaps = OverlapOutput(many=True, help_text="active visits that move, at the time of another of the patient's")
    into = PatientOutput(help_text="the record that stays")


class LinkInput(serializers.Serializer[Any]):
    user = serializers.IntegerField(min_value=1, help_text="the id of a patient's account")
    family = serializers.BooleanField(
        required=False,
        help_text="true: as one the account books for; false: as its own; if not given, by whether the names differ",
    )


class UnlinkInput(serializers.Serializer[Any]):
    user = serializers.IntegerField(
        required=False, min_value=1, help_text="which account, where several book for the record"
    )


class FamilyMemberOutput(serializers.Serializer[FamilyMember]):
    id = serializers.IntegerField(source="patient_id", help_text="of the record: `patient` of a booking")
    name = serializers.CharField(source="patient.name")
    birth_date = serializers.DateField(source="patient.birth_date", allow_null=True)
    has_account = serializers.SerializerMethodField(help_text="an account of their own; then they change this there")
    version = serializers.IntegerField(source="patient.version", help_text="rises with every change; also the ETag")

    def get_has_account(self, member: FamilyMember) -> bool:
        return member.patient.user_id is not None


class FamilyMemberInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120)
    birth_date = BirthDateField(required=False)


class FamilyMemberEditInput(VersionInput, FamilyMemberInput):
    pass


class PatientEventOutput(serializers.ModelSerializer[PatientEvent]):
    patient = serializers.IntegerField(source="patient_id")
    other_patient = serializers.IntegerField(source="other_patient_id", allow_null=True, help_text="of a merge")
    account = serializers.IntegerField(source="account_id", allow_null=True)
    actor = serializers.IntegerField(source="actor_id", allow_null=True)

    class Meta:
        model = PatientEvent
        fields = ["id", "patient", "action", "other_patient", "account", "actor", "actor_name", "at"]


class OwnProfileOutput(UserOutput):
    preferences = serializers.SerializerMethodField(help_text="a patient's; null for everybody else")

    @extend_schema_field(PreferencesOutput(allow_null=True))
    def get_preferences(self, user: User) -> dict[str, Any] | None:
        patient = getattr(user, "patient", None)
        return None if patient is None else PreferencesOutput(patient).data


class OwnProfileInput(ProfileInput):
    preferences = PreferencesInput(required=False, help_text="a patient's: what they want to be told")


class PatientEditInput(VersionInput, PatientInput):
    pass


class SignUpInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120)
    email = serializers.EmailField(max_length=254)
    phone = serializers.CharField(max_length=PHONE_LENGTH, required=False, allow_blank=True)
    phone_extension = PhoneExtensionField(required=False)
    password = serializers.CharField(trim_whitespace=False, max_length=256)
    phone_code = serializers.CharField(
        required=False,
        max_length=16,
        help_text="from public/phone-codes: links the record with this phone and name, if it has no account",
    )
    clinic = serializers.SlugField(required=False, help_text="slug, where several clinics are")


class SignUpOutput(TokenPairOutput):
    user = UserOutput()
