from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clinic.common.instants import say_minute, zone_of
from clinic.waitlist.models import HIGHEST_PRIORITY, PART_OF_DAY_CHOICES, EntryState, WaitlistEntry, WaitlistOffer
from clinic.waitlist.queries import EntryFilter, Match, open_offer_of

# Fields by their name in a request: `practitioner_id` is `practitioner`, and so on.
FIELDS = {"practitioner": "practitioner_id", "service": "service_id"}


class OfferOutput(serializers.ModelSerializer[WaitlistOffer]):
    """A time that is kept for somebody until `expires_at`, in the clinic's zone."""

    clinic_name = serializers.CharField(source="clinic.name")
    practitioner_name = serializers.CharField(source="practitioner.name")
    service_name = serializers.CharField(source="service.name", allow_null=True, default=None)
    start = serializers.SerializerMethodField()
    end = serializers.SerializerMethodField()
    date = serializers.SerializerMethodField()
    time = serializers.SerializerMethodField()
    expires_at = serializers.SerializerMethodField()

    class Meta:
        model = WaitlistOffer
        fields = [
            "token",
            "state",
            "clinic",
            "clinic_name",
            "practitioner",
            "practitioner_name",
            "service",
            "service_name",
            "start",
            "end",
            "date",
            "time",
            "expires_at",
            "appointment",
        ]
        extra_kwargs = {
            "appointment": {"help_text": "what was booked, once it is accepted"},
            "token": {"help_text": "who has it may answer"},
        }

    @extend_schema_field(serializers.DateTimeField())
    def get_start(self, offer: WaitlistOffer) -> str:
        return say_minute(offer.starts_at, zone_of(offer.clinic.timezone))

    @extend_schema_field(serializers.DateTimeField())
    def get_end(self, offer: WaitlistOffer) -> str:
        return say_minute(offer.ends_at, zone_of(offer.clinic.timezone))

    @extend_schema_field(serializers.DateField())
    def get_date(self, offer: WaitlistOffer) -> str:
        return self.get_start(offer)[:10]

    def get_time(self, offer: WaitlistOffer) -> str:
        return self.get_start(offer)[11:16]

    @extend_schema_field(serializers.DateTimeField())
    def get_expires_at(self, offer: WaitlistOffer) -> str:
        return say_minute(offer.expires_at, zone_of(offer.clinic.timezone))


class EntryOutput(serializers.ModelSerializer[WaitlistEntry]):
    patient_name = serializers.CharField(source="patient.name")
    practitioner_name = serializers.CharField(source="practitioner.name", allow_null=True, default=None)
    service_name = serializers.CharField(source="service.name", allow_null=True, default=None)
    offer = serializers.SerializerMethodField()

    class Meta:
        model = WaitlistEntry
        fields = [
            "id",
            "clinic",
            "patient",
            "patient_name",
            "practitioner",
            "practitioner_name",
            "service",
            "service_name",
            "first_date",
            "last_date",
            "part_of_day",
            "priority",
            "auto_accept",
            "state",
            "appointment",
            "offer",
            "version",
            "created_at",
            "updated_at",
        ]

    @extend_schema_field(OfferOutput(allow_null=True))
    def get_offer(self, entry: WaitlistEntry) -> Any:
        """The one that is open now; with its token, which answers it."""
        open_offer = open_offer_of(entry)
        return None if open_offer is None else OfferOutput(open_offer).data


class MatchOutput(serializers.Serializer[Match]):
    practitioner = serializers.IntegerField(source="practitioner.pk")
    practitioner_name = serializers.CharField(source="practitioner.name")
    start = serializers.SerializerMethodField(help_text="in the clinic's zone")
    end = serializers.SerializerMethodField(help_text="in the clinic's zone")

    @extend_schema_field(serializers.DateTimeField())
    def get_start(self, match: Match) -> str:
        return say_minute(match.slot.start, self.context["zone"])

    @extend_schema_field(serializers.DateTimeField())
    def get_end(self, match: Match) -> str:
        return say_minute(match.slot.end, self.context["zone"])


class MatchedEntryOutput(EntryOutput):
    """Requires: `matches` by entry, and `zone`, in the context."""

    patient_phone = serializers.CharField(source="patient.phone")
    matches = serializers.SerializerMethodField(help_text="the first three free times that suit, of the next month")

    class Meta(EntryOutput.Meta):
        fields = [*EntryOutput.Meta.fields, "patient_phone", "matches"]

    @extend_schema_field(MatchOutput(many=True))
    def get_matches(self, entry: WaitlistEntry) -> Any:
        return MatchOutput(self.context["matches"].get(entry.pk, []), many=True, context=self.context).data


class WaitlistOutput(serializers.Serializer[Any]):
    entries = MatchedEntryOutput(many=True, help_text="the first hundred, in the order in which they are asked")
    count = serializers.IntegerField(help_text="of all")


class OfferInput(serializers.Serializer[Any]):
    practitioner = serializers.IntegerField(min_value=1)
    start = serializers.DateTimeField()


class _WishesInput(serializers.Serializer[Any]):
    practitioner = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, help_text="null: anybody who offers the service"
    )
    service = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, help_text="null: one slot of the clinic's grid"
    )
    first_date = serializers.DateField()
    last_date = serializers.DateField(help_text="included")
    part_of_day = serializers.ChoiceField(
        choices=PART_OF_DAY_CHOICES,
        required=False,
        help_text="by the clinic's time of the start: morning until 12:00, afternoon until 17:00, evening after that",
    )
    priority = serializers.IntegerField(
        required=False, min_value=0, max_value=HIGHEST_PRIORITY, help_text="the higher is asked first; the clinic's"
    )
    auto_accept = serializers.BooleanField(required=False, help_text="booked at once, without an offer")


def _renamed(attrs: dict[str, Any]) -> dict[str, Any]:
    return {FIELDS.get(name, name): value for name, value in attrs.items()}


class EntryInput(_WishesInput):
    patient = serializers.IntegerField(
        required=False,
        min_value=1,
        help_text="from a patient: their own record or account, or a record of their family; without it, their own",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {"patient_id": attrs.pop("patient", None), "wishes": _renamed(attrs)}


class EntryEditInput(_WishesInput):
    first_date = serializers.DateField(required=False)
    last_date = serializers.DateField(required=False, help_text="included")
    version = serializers.IntegerField(required=False, min_value=1)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {"version": attrs.pop("version", None), "changes": _renamed(attrs)}


class EntryFilterInput(serializers.Serializer[Any]):
    state = serializers.ChoiceField(
        choices=[*EntryState.values, "all"], required=False, help_text="without: waiting and offered"
    )
    practitioner = serializers.IntegerField(required=False, min_value=1)
    patient = serializers.IntegerField(required=False, min_value=1)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        of_state: dict[str, Any] = {}
        if "state" in attrs:
            of_state["states"] = tuple(EntryState) if attrs["state"] == "all" else (EntryState(attrs["state"]),)
        return {
            "wanted": EntryFilter(
                practitioner_id=attrs.get("practitioner"), patient_id=attrs.get("patient"), **of_state
            )
        }
