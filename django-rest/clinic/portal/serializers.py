from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clinic.appointments.serializers.appointments import AppointmentOutput
from clinic.messaging.serializers import LineOutput
from clinic.people.serializers.patients import PatientOutput, PossibleDuplicateOutput
from clinic.portal.patients import Overview, Relative
from clinic.waitlist.serializers import EntryOutput


class RelativeOutput(serializers.Serializer[Relative]):
    id = serializers.IntegerField(source="patient.pk", help_text="of the record")
    name = serializers.CharField(source="patient.name")
    birth_date = serializers.DateField(source="patient.birth_date", allow_null=True)
    books = serializers.BooleanField(
        help_text="true: their account books for this record; false: this record's account books for them"
    )


class OverviewOutput(serializers.Serializer[Overview]):
    patient = serializers.SerializerMethodField(help_text="the record")
    next = serializers.SerializerMethodField(help_text="the next visit")
    ahead = AppointmentOutput(many=True, help_text="active visits that are not over, the next first; 20 at most")
    past = AppointmentOutput(many=True, help_text="all others, the latest first; 20 at most")
    past_count = serializers.IntegerField(help_text="of all that `past` is of")
    missed = serializers.IntegerField(help_text="how many no-shows")
    messages = serializers.SerializerMethodField(
        help_text="in both directions, the latest first, 20 at most; null for a practitioner"
    )
    waiting = serializers.IntegerField(help_text="how many SMS from their phone wait for a person")
    waitlist = EntryOutput(many=True, help_text="what they wait for, with open offers")
    family = RelativeOutput(many=True, help_text="records that an account links with this one")
    possible_duplicates = serializers.SerializerMethodField(help_text="empty for a practitioner")

    @extend_schema_field(PatientOutput)
    def get_patient(self, overview: Overview) -> Any:
        found = {"possible_duplicates": {overview.patient.pk: overview.duplicates}, "families": overview.families}
        return PatientOutput(overview.patient, context=found).data

    @extend_schema_field(AppointmentOutput(allow_null=True))
    def get_next(self, overview: Overview) -> Any:
        return AppointmentOutput(overview.ahead[0]).data if overview.ahead else None

    @extend_schema_field(LineOutput(many=True, allow_null=True))
    def get_messages(self, overview: Overview) -> Any:
        if overview.messages is None:
            return None
        return LineOutput(overview.messages, many=True, context={"zone": overview.zone}).data

    @extend_schema_field(PossibleDuplicateOutput(many=True))
    def get_possible_duplicates(self, overview: Overview) -> Any:
        return PossibleDuplicateOutput(overview.duplicates, many=True, context={"patient": overview.patient}).data
