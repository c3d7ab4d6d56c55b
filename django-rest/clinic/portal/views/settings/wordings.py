from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from clinic.common import clock
from clinic.common.errors import InvalidRequest
from clinic.common.versions import Expected
from clinic.messaging.services.wording import (
    Wording,
    preview,
    reset_wording,
    set_wording,
    standard_to_start_from,
    wordings_of,
)
from clinic.outbox.models import MessageTemplate
from clinic.outbox.words import Words
from clinic.portal.settings.wordings import (
    WordingForm,
    address_of,
    faults_of,
    listed_wordings,
    placeholders_of,
    say_wording,
    title_of,
)
from clinic.portal.views.settings.base import RowPage, SettingsPage


class WordingsPage(SettingsPage):
    topic = "messages"
    template_name = "portal/settings/wordings.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(wordings=list(listed_wordings(self.clinic)), **kwargs)


class WordingPage(RowPage):
    topic = "messages"
    template_name = "portal/settings/wording.html"

    @property
    def wording(self) -> Wording:
        return Wording(*(self.kwargs[name] for name in ("template", "channel", "language")))

    @property
    def own(self) -> MessageTemplate | None:
        try:
            return wordings_of(self.clinic)[self.wording]
        except KeyError:
            raise Http404 from None

    def make_form(self, *data: Any) -> WordingForm:
        return WordingForm(*data, wording=self.wording, own=self.own)

    def values_now(self) -> tuple[Mapping[str, Any], int]:
        own = self.own
        return WordingForm.values_of(self.wording, own), 0 if own is None else own.version

    def save(self, form: Any, expected: Expected) -> str:
        words = Words(form.cleaned_data.get("subject", ""), form.cleaned_data["body"])
        set_wording(owner=self.user, wording=self.wording, words=words, now=clock.now(), expected=expected)
        return address_of(self.wording)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        own = self.own
        return super().get_context_data(
            wording=self.wording,
            title=title_of(self.wording),
            said=say_wording(self.wording),
            is_own=own is not None,
            standard=standard_to_start_from(self.wording) if own is not None else None,
            placeholders=placeholders_of(self.wording),
            shown=self._preview(kwargs["form"]),
            **kwargs,
        )

    def _preview(self, form: WordingForm) -> Any:
        """Also without scripts: of what was saved last."""
        words = form.data if form.is_bound else form.initial
        return preview(
            clinic=self.clinic, wording=self.wording, words=_words_in(words, with_subject="subject" in form.fields)
        )


class WordingResetPage(WordingPage):
    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        assert self.own is None or self.own.pk
        reset_wording(owner=self.user, wording=self.wording)
        return self.leave(address_of(self.wording), _("The standard wording holds again."))


class WordingPreviewPage(WordingPage):
    """The message that the words on the page make."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        has_subject = "subject" in self.make_form().fields
        words = _words_in(request.POST, with_subject=has_subject)
        found = faults_of(self.wording, "subject", words.subject) + faults_of(self.wording, "body", words.body)
        if found:
            return JsonResponse({"subject": "", "text": "", "html": "", "faults": list(dict.fromkeys(found))})
        try:
            shown = preview(clinic=self.clinic, wording=self.wording, words=words)
        except InvalidRequest as refusal:
            return JsonResponse({"subject": "", "text": "", "html": "", "faults": [_(refusal.detail)]})
        faults = [_(fault) for fault in shown.faults]
        return JsonResponse({"subject": shown.subject, "text": shown.text, "html": shown.html, "faults": faults})


def _words_in(sent: Any, *, with_subject: bool) -> Words:
    return Words(str(sent.get("subject", "")) if with_subject else "", str(sent.get("body", "")))
