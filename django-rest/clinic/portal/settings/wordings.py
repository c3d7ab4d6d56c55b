"""The words of messages, as the owner reads and changes them."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.messaging.kinds import KINDS, LONGEST, MEANINGS, REQUIRED
from clinic.messaging.services.wording import LANGUAGES, Wording, standard_to_start_from, wordings_of
from clinic.outbox.models import DeliveryChannel, MessageTemplate
from clinic.outbox.placeholders import PLACEHOLDER
from clinic.outbox.words import MAX_SUBJECT
from clinic.portal.settings.forms import SettingsForm
from clinic.scheduling.models import Clinic

CHANNELS: Mapping[str, Promise] = {
    DeliveryChannel.EMAIL: gettext_lazy("Mail"),
    DeliveryChannel.SMS: gettext_lazy("SMS"),
    DeliveryChannel.IN_APP: gettext_lazy("In the app"),
}


class WordingForm(SettingsForm):
    subject = forms.CharField(
        label=gettext_lazy("Subject"),
        max_length=MAX_SUBJECT,
        widget=forms.TextInput(attrs={"class": "input", "data-preview": "subject"}),
    )
    body = forms.CharField(
        label=gettext_lazy("Words"),
        widget=forms.Textarea(attrs={"class": "input", "rows": 12, "data-preview": "body"}),
    )

    def __init__(self, *args: Any, wording: Wording, own: MessageTemplate | None, **kwargs: Any) -> None:
        self.wording = wording
        values = self.values_of(wording, own)
        super().__init__(*args, values=values, version=0 if own is None else own.version, **kwargs)
        if wording.channel == DeliveryChannel.SMS:
            del self.fields["subject"]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        for name in ("subject", "body"):
            for fault in faults_of(self.wording, name, cleaned.get(name, "")):
                self.add_error(name, fault)
        return cleaned

    @staticmethod
    def values_of(wording: Wording, own: MessageTemplate | None) -> dict[str, Any]:
        if own is not None:
            return {"subject": own.subject, "body": own.body}
        words = standard_to_start_from(wording)
        return {"subject": words.subject, "body": words.body}


def faults_of(wording: Wording, name: str, text: str) -> list[str]:
    """Reasons against these words, in the reader's language; the service has the last word."""
    known = KINDS[wording.template].placeholders
    used = list(dict.fromkeys(PLACEHOLDER.findall(text)))
    unknown = [f"{{{one}}}" for one in used if one not in known]
    faults = []
    if unknown:
        faults.append(_("%(names)s is not known here.") % {"names": ", ".join(unknown)})
    if unknown or set("{}") & set(PLACEHOLDER.sub("", text)):
        faults.append(_("Known here: %(names)s.") % {"names": ", ".join(f"{{{one}}}" for one in known)})
    if name == "body":
        missing = sorted((REQUIRED & set(known)) - set(used))
        faults += [_("%(name)s must be there.") % {"name": f"{{{one}}}"} for one in missing]
        longest = LONGEST[wording.channel]
        if len(text) > longest:
            faults.append(_("This is too long: %(count)d letters at most.") % {"count": longest})
    return faults


def title_of(wording: Wording) -> str:
    return _(KINDS[wording.template].title)


def say_wording(wording: Wording) -> str:
    return f"{CHANNELS[wording.channel]}, {LANGUAGES[wording.language]}"


def placeholders_of(wording: Wording) -> list[tuple[str, str]]:
    return [(f"{{{name}}}", _(MEANINGS[name])) for name in KINDS[wording.template].placeholders]


def address_of(wording: Wording) -> str:
    return reverse("settings-wording", args=[wording.template, wording.channel, wording.language])


def listed_wordings(clinic: Clinic) -> Iterator[dict[str, Any]]:
    """A row for each message, with a link for each way and language. One query."""
    for template, wordings in groupby(wordings_of(clinic).items(), key=lambda item: item[0].template):
        yield {
            "title": _(KINDS[template].title),
            "links": [
                {"said": say_wording(wording), "is_own": own is not None, "url": address_of(wording)}
                for wording, own in wordings
            ],
        }
