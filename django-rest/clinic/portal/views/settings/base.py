"""The base of the pages of the settings: for owners, with a form of one row that a service saves."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from clinic.accounts.models import Role
from clinic.common.errors import ChairsideError, NotFound, StaleVersion
from clinic.common.versions import Expected
from clinic.portal.pages import ClinicPage
from clinic.portal.settings.forms import SettingsForm
from clinic.portal.settings.topics import TOPICS
from clinic.scheduling.models import Clinic
from clinic.scheduling.queries.clinics import own_clinic_of


class SettingsPage(ClinicPage):
    section = "settings"
    roles = (Role.OWNER,)
    topic: str

    @property
    def clinic(self) -> Clinic:
        return own_clinic_of(self.user)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """A row of another clinic is not there."""
        try:
            return super().dispatch(request, *args, **kwargs)
        except NotFound:
            raise Http404 from None

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(topics=TOPICS.values(), topic=TOPICS[self.topic], **kwargs)

    def render(self, **context: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(**context))

    def leave(self, url: str, sentence: str | Promise) -> HttpResponse:
        """To another page, which shows the sentence."""
        messages.success(self.request, str(sentence))
        return HttpResponseRedirect(url)


class RowPage(SettingsPage):
    """A form of one row. A refusal is shown beside what was typed; a change that somebody saved meanwhile too."""

    # Names of fields in the service, by their names in the form.
    names: Mapping[str, str] = {}

    def make_form(self, *data: Any) -> SettingsForm:
        raise NotImplementedError

    def values_now(self) -> tuple[Mapping[str, Any], int | str | None]:
        """As they are saved, with their version."""
        raise NotImplementedError

    def save(self, form: Any, expected: Expected) -> str:
        """Call the service. Returns the address of the page to show then."""
        raise NotImplementedError

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render(form=self.make_form())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.make_form(request.POST, request.FILES)
        if form.is_valid():
            try:
                url = self._save_unless_changed(form)
            except ChairsideError as refusal:
                form.add_refusal(refusal, self.names)
                return self.refused(form, refusal)
            return self.leave(url, self.saved_sentence(form))
        return self.render(form=form)

    def saved_sentence(self, form: Any) -> str:
        return _("Saved.")

    def refused(self, form: Any, refusal: ChairsideError) -> HttpResponse:
        return self.render(form=form)

    def _save_unless_changed(self, form: SettingsForm) -> str:
        """A change of what this page does not show is in nobody's way."""
        try:
            return self.save(form, form.expected)
        except StaleVersion:
            if form.show_saved(*self.values_now()):
                raise
            return self.save(form, Expected(form.stamp_version))
