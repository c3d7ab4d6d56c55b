"""The clinic's row, on three pages: what it is, its policy as sentences, its reminders."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from phonenumbers import SUPPORTED_REGIONS

from clinic.clinic_setup.serializers.clinics import ClinicInput
from clinic.portal.settings.fields import (
    ClockField,
    DurationField,
    choice_field,
    either_field,
    number_field,
    say_duration,
    text_field,
)
from clinic.portal.settings.forms import SettingsForm
from clinic.portal.settings.regions import region_names
from clinic.scheduling.models import (
    MAX_LEAD_MINUTES,
    MAX_REMINDERS,
    MAX_UNDO_SECONDS,
    SHORTEST_LEAD_MINUTES,
    Clinic,
    HourFormat,
    PatientMoves,
    ReminderWays,
    WaitlistMode,
    origins_in,
    reminder_minutes_in,
    validate_origins,
)

TWO_WEEKS = 14 * 24 * 60
FIELD_IN_SENTENCE = re.compile(r"\{(\w+)\}")


class ClinicRowForm(SettingsForm):
    """Some settings of the clinic. `clinic` is its row as it is now."""

    def __init__(self, *args: Any, clinic: Clinic, **kwargs: Any) -> None:
        self.clinic = clinic
        super().__init__(*args, values=self.values_of(clinic), version=clinic.version, **kwargs)

    @classmethod
    def values_of(cls, clinic: Clinic) -> dict[str, Any]:
        return {name: getattr(clinic, name) for name in cls.base_fields if hasattr(clinic, name)}

    @property
    def clinic_changes(self) -> dict[str, Any]:
        return self.changes

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            self.check_by(ClinicInput(self.clinic, data=self.clinic_changes, partial=True))
        return cleaned


def _zones() -> list[tuple[str, list[tuple[str, str]]]]:
    areas: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(available_timezones()):
        area, _slash, place = name.partition("/")
        if place and area not in {"Etc", "SystemV", "posix", "right"}:
            areas.setdefault(area, []).append((name, place.replace("_", " ")))
    return [*areas.items(), ("UTC", [("UTC", "UTC")])]


class AboutForm(ClinicRowForm):
    """Name, addresses, zone, language."""

    name = text_field(gettext_lazy("Name"), most=120, autocomplete="organization")
    slug = forms.SlugField(
        label=gettext_lazy("Short name in links"),
        max_length=60,
        help_text=gettext_lazy("Small letters, digits and hyphens. Links with the former name stop working."),
        widget=forms.TextInput(attrs={"class": "input", "autocapitalize": "none", "spellcheck": "false"}),
    )
    phone = text_field(
        gettext_lazy("Phone"),
        most=40,
        required=False,
        hint=gettext_lazy("Where patients call. It stands at the end of mails."),
        type="tel",
    )
    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        required=False,
        max_length=254,
        help_text=gettext_lazy("Where answers to mails and calendar invitations go."),
        widget=forms.EmailInput(attrs={"class": "input"}),
    )
    address = text_field(
        gettext_lazy("Address"),
        most=200,
        required=False,
        hint=gettext_lazy("On one line: at the end of mails, and in calendars."),
    )
    timezone = choice_field(gettext_lazy("Time zone"), [])
    phone_region = choice_field(
        gettext_lazy("Country"), [], hint=gettext_lazy("Phone numbers without a country code are of this country.")
    )
    language = choice_field(
        gettext_lazy("Language"),
        Clinic._meta.get_field("language").choices,
        hint=gettext_lazy("Of messages to the clinic, and to patients who have not chosen one."),
    )
    hour_format = choice_field(
        gettext_lazy("Times"),
        [
            (HourFormat.BY_REGION.value, gettext_lazy("as usual in the country")),
            (HourFormat.TWENTY_FOUR.value, "14:30"),
            (HourFormat.TWELVE.value, "2:30 PM"),
        ],
    )
    force = forms.BooleanField(
        label=gettext_lazy("Change the zone although visits are booked"),
        required=False,
        help_text=gettext_lazy("Visits stay at the same moment: their time on the clinic’s clock changes."),
    )

    def __init__(self, *args: Any, clinic: Clinic, **kwargs: Any) -> None:
        super().__init__(*args, clinic=clinic, **kwargs)
        names = region_names()
        regions = sorted(((code, names.get(code, code)) for code in SUPPORTED_REGIONS), key=lambda one: one[1])
        self.fields["phone_region"].choices = regions  # type: ignore[attr-defined]
        zones = _zones()
        if all(clinic.timezone != name for _area, places in zones for name, _place in places):
            zones = [("", [(clinic.timezone, clinic.timezone)]), *zones]
        self.fields["timezone"].choices = zones  # type: ignore[attr-defined]

    @property
    def clinic_changes(self) -> dict[str, Any]:
        return {name: value for name, value in self.changes.items() if name != "force"}

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"].lower()
        if Clinic.objects.filter(slug=slug).exclude(pk=self.clinic.pk).exists():
            raise forms.ValidationError(_("Another clinic has this short name. Choose another one."))
        return slug


@dataclass(frozen=True, slots=True)
class Sentence:
    """Its fields stand in braces."""

    text: Promise
    hint: Promise | str = ""

    @property
    def names(self) -> list[str]:
        return FIELD_IN_SENTENCE.findall(str(self.text))


def sentence(text: Promise, hint: Promise | str = "") -> Sentence:
    return Sentence(text, hint)


class PolicyForm(ClinicRowForm):
    notice_minutes = DurationField(
        label=gettext_lazy("Shortest time before a visit that patients book"), most=TWO_WEEKS
    )
    horizon_days = number_field(gettext_lazy("Days ahead that patients book"), least=1, most=730)
    slot_minutes = number_field(gettext_lazy("Minutes between times on offer"), least=5, most=480, step=5)
    hold_minutes = number_field(gettext_lazy("Minutes for which a time is held"), least=1, most=60)
    auto_confirm = either_field(
        gettext_lazy("Requests of patients"),
        yes=gettext_lazy("are confirmed at once"),
        no=gettext_lazy("wait for the desk’s answer"),
    )
    guests_verify_phone = either_field(
        gettext_lazy("Guests without an account"),
        yes=gettext_lazy("give back a code sent to their phone"),
        no=gettext_lazy("book without a code"),
    )
    mail_new_requests = either_field(
        gettext_lazy("E-mail for new requests"),
        yes=gettext_lazy("get an e-mail"),
        no=gettext_lazy("get no e-mail"),
    )
    max_pending_per_phone = number_field(gettext_lazy("Open requests of one phone number"), least=1, most=1000)
    max_holds_per_user = number_field(gettext_lazy("Times that one account holds"), least=1, most=1000)
    max_holds_per_address = number_field(gettext_lazy("Times that one network address holds"), least=1, most=1000)
    cancellation_notice_minutes = DurationField(
        label=gettext_lazy("Time before the start until which patients may cancel"), most=TWO_WEEKS
    )
    patient_moves = choice_field(
        gettext_lazy("Moves by patients"),
        [
            (PatientMoves.DIRECT.value, gettext_lazy("move their visits themselves")),
            (PatientMoves.REQUEST.value, gettext_lazy("ask the desk for another time")),
            (PatientMoves.OFF.value, gettext_lazy("call to move a visit")),
        ],
    )
    undo_seconds = number_field(gettext_lazy("Seconds for undo"), least=0, most=MAX_UNDO_SECONDS)
    no_show_after_minutes = number_field(gettext_lazy("Minutes after the start"), least=5, most=240)
    auto_no_show = either_field(
        gettext_lazy("Visits of patients who are not checked in"),
        yes=gettext_lazy("is marked as missed"),
        no=gettext_lazy("is not marked by itself"),
    )
    no_show_message = either_field(
        gettext_lazy("Message about a missed visit"),
        yes=gettext_lazy("are told so an hour later"),
        no=gettext_lazy("are not told"),
    )
    call_by_sms = either_field(
        gettext_lazy("SMS to patients who are called in"),
        yes=gettext_lazy("get an SMS too"),
        no=gettext_lazy("get no SMS"),
    )
    waitlist_mode = choice_field(
        gettext_lazy("Freed time"),
        [
            (WaitlistMode.OFFER.value, gettext_lazy("is offered to the waitlist")),
            (WaitlistMode.OFF.value, gettext_lazy("is not offered to the waitlist")),
        ],
    )
    offer_minutes = number_field(gettext_lazy("Minutes for which an offer holds"), least=5, most=24 * 60)
    sms_countries = text_field(
        gettext_lazy("Countries that get SMS"),
        most=240,
        required=False,
        **{"aria-label": gettext_lazy("Countries that get SMS")},
    )
    embed_origins = text_field(
        gettext_lazy("Web sites that show the booking page"),
        most=1000,
        required=False,
        **{"aria-label": gettext_lazy("Web sites that show the booking page")},
    )
    max_sms_per_phone = number_field(gettext_lazy("SMS to one number in one day"), least=1, most=1000)
    max_sms_per_day = number_field(gettext_lazy("SMS of the clinic in one day"), least=1, most=30_000)

    GROUPS: Mapping[Promise, list[Sentence]] = {
        gettext_lazy("Booking"): [
            sentence(
                gettext_lazy(
                    "Patients book until {notice_minutes} before the start, at most {horizon_days} days ahead."
                )
            ),
            sentence(
                gettext_lazy(
                    "Times begin every {slot_minutes} minutes. A time that is being chosen is held for "
                    "{hold_minutes} minutes."
                )
            ),
            sentence(gettext_lazy("Requests of patients {auto_confirm}.")),
            sentence(gettext_lazy("Guests without an account {guests_verify_phone}.")),
            sentence(gettext_lazy("For each new request, owner and desk {mail_new_requests}.")),
            sentence(
                gettext_lazy("The booking page may stand within these web sites: {embed_origins}."),
                gettext_lazy("Addresses by commas, such as https://www.example.org. Empty: within none."),
            ),
        ],
        gettext_lazy("Moving and cancelling"): [
            sentence(gettext_lazy("Patients may cancel until {cancellation_notice_minutes} before the start.")),
            sentence(gettext_lazy("Patients {patient_moves}.")),
            sentence(
                gettext_lazy("A step of the clinic can be undone for {undo_seconds} seconds."),
                gettext_lazy("Its messages wait so long. 0: it cannot be undone."),
            ),
        ],
        gettext_lazy("Missed visits"): [
            sentence(
                gettext_lazy(
                    "The visit of a patient who is not checked in {no_show_after_minutes} minutes after the start "
                    "{auto_no_show}."
                )
            ),
            sentence(gettext_lazy("Patients who missed a visit {no_show_message}.")),
        ],
        gettext_lazy("Waiting room"): [
            sentence(
                gettext_lazy("Patients who are called in {call_by_sms}."),
                gettext_lazy("They see it in the app and on their visit’s page in any case."),
            ),
        ],
        gettext_lazy("Waitlist"): [
            sentence(gettext_lazy("Freed time {waitlist_mode}. An offer holds for {offer_minutes} minutes.")),
        ],
        gettext_lazy("Against misuse"): [
            sentence(
                gettext_lazy(
                    "One phone number has at most {max_pending_per_phone} open requests. One account holds at most "
                    "{max_holds_per_user} times at once, one network address {max_holds_per_address}."
                )
            ),
            sentence(
                gettext_lazy("SMS go to numbers of {sms_countries}."),
                gettext_lazy("Country codes by commas, such as DE, AT. Empty: the clinic’s country alone."),
            ),
            sentence(
                gettext_lazy(
                    "One number gets at most {max_sms_per_phone} SMS a day, and the clinic sends at most "
                    "{max_sms_per_day} a day. More goes by mail."
                )
            ),
        ],
    }

    def groups(self) -> Iterator[dict[str, Any]]:
        for title, sentences in self.GROUPS.items():
            yield {"title": title, "sentences": [self._parts_of(one) for one in sentences]}

    def _parts_of(self, one: Sentence) -> dict[str, Any]:
        pieces = FIELD_IN_SENTENCE.split(str(one.text))
        # A full stop stays with the field before it.
        parts: list[dict[str, Any]] = [{"text": pieces[0]}]
        for name, text in zip(pieces[1::2], pieces[2::2], strict=True):
            mark = text[:1] if text[:1] in {".", ","} else ""
            parts += [{"field": self[name], "mark": mark}, {"text": text.removeprefix(mark)}]
        rows = [self.row(name) for name in one.names]
        return {"parts": parts, "rows": rows, "hint": one.hint}

    def clean_embed_origins(self) -> str:
        origins = ",".join(origin.lower().rstrip("/") for origin in origins_in(self.cleaned_data["embed_origins"]))
        try:
            validate_origins(origins)
        except forms.ValidationError:
            raise forms.ValidationError(_("Write addresses without a path, such as https://www.example.org.")) from None
        return origins

    def clean_sms_countries(self) -> str:
        codes = {part.strip().upper() for part in self.cleaned_data["sms_countries"].split(",") if part.strip()}
        if unknown := sorted(codes - SUPPORTED_REGIONS):
            raise forms.ValidationError(
                _("There is no country %(codes)s. Write codes such as DE, AT.") % {"codes": ", ".join(unknown)}
            )
        return ",".join(sorted(codes))


def _lead(number: int) -> DurationField:
    label = format_lazy(gettext_lazy("Time before the start, of reminder {number}"), number=number)
    return DurationField(label=label, least=SHORTEST_LEAD_MINUTES, most=MAX_LEAD_MINUTES, required=False)


class RemindersForm(ClinicRowForm):
    lead_1, lead_2, lead_3, lead_4, lead_5 = (_lead(number + 1) for number in range(MAX_REMINDERS))
    reminder_ways = choice_field(
        gettext_lazy("How patients are reminded"),
        [
            (ReminderWays.SMS_FIRST.value, gettext_lazy("by SMS; by mail if that is not possible")),
            (ReminderWays.MAIL_FIRST.value, gettext_lazy("by mail; by SMS if that is not possible")),
            (ReminderWays.MAIL.value, gettext_lazy("by mail alone")),
            (ReminderWays.EVERY.value, gettext_lazy("by SMS and by mail")),
        ],
    )
    quiet_from = ClockField(label=gettext_lazy("Quiet from"), required=False)
    quiet_until = ClockField(label=gettext_lazy("Quiet until"), required=False)

    @classmethod
    def values_of(cls, clinic: Clinic) -> dict[str, Any]:
        leads = reminder_minutes_in(clinic.reminder_minutes)
        return {**super().values_of(clinic), **{f"lead_{number}": lead for number, lead in enumerate(leads, start=1)}}

    def lead_rows(self) -> list[dict[str, Any]]:
        return [self.row(f"lead_{number + 1}") for number in range(MAX_REMINDERS)]

    @property
    def ways_row(self) -> dict[str, Any]:
        return self.row("reminder_ways")

    def quiet_rows(self) -> list[dict[str, Any]]:
        return [self.row("quiet_from"), self.row("quiet_until")]

    @property
    def clinic_changes(self) -> dict[str, Any]:
        changes = self.changes
        others = {name: value for name, value in changes.items() if not name.startswith("lead_")}
        return others if len(others) == len(changes) else {**others, "reminder_minutes": self._reminder_minutes()}

    def _reminder_minutes(self) -> str:
        typed = [self.cleaned_data.get(f"lead_{number + 1}") for number in range(MAX_REMINDERS)]
        leads = {lead for lead in typed if lead is not None}
        return ",".join(str(lead) for lead in sorted(leads, reverse=True))

    def clean(self) -> dict[str, Any] | None:
        leads = [self.cleaned_data.get(f"lead_{number + 1}") for number in range(MAX_REMINDERS)]
        twice = {lead for lead in leads if lead is not None and leads.count(lead) > 1}
        if twice:
            name = f"lead_{len(leads) - leads[::-1].index(min(twice))}"
            self.add_error(name, _("There is a reminder %(lead)s before already.") % {"lead": say_duration(min(twice))})
        if (self.cleaned_data.get("quiet_from") is None) != (self.cleaned_data.get("quiet_until") is None):
            missing = "quiet_from" if self.cleaned_data.get("quiet_from") is None else "quiet_until"
            self.add_error(missing, _("Quiet hours have a beginning and an end."))
        return super().clean()
