"""The admin as a person uses it: open a page, type, press a button."""

from dataclasses import dataclass
from datetime import date, time
from typing import Any

from clinic.accounts.models import User
from django.test import Client

HOME = "/admin/"
APPOINTMENTS = "/admin/appointments/appointment/"
HISTORY = "/admin/appointments/appointmentevent/"
SERIES = "/admin/appointments/series/"
PATIENTS = "/admin/appointments/patient/"
PRACTITIONERS = "/admin/scheduling/practitioner/"
SERVICES = "/admin/scheduling/service/"
DAYS_OFF = "/admin/scheduling/scheduleexception/"
CLINICS = "/admin/scheduling/clinic/"
HOLDS = "/admin/scheduling/hold/"
ANSWERS = "/admin/messaging/inboundmessage/"
WORKER = "/admin/ops/jobrun/"
MESSAGES = "/admin/outbox/message/"
WAITLIST = "/admin/waitlist/waitlistentry/"
WORDINGS = "/admin/outbox/messagetemplate/"
USERS = "/admin/accounts/user/"


def sign_in(user: User) -> Client:
    """To the admin, as somebody whose account is let in."""
    User.objects.filter(pk=user.pk).update(is_staff=True)
    client = Client()
    client.force_login(User.objects.get(pk=user.pk))
    return client


def rows_of(response: Any) -> list[Any]:
    return list(response.context["cl"].result_list)


def messages_of(response: Any) -> str:
    return " | ".join(str(message) for message in response.context["messages"])


def act(client: Client, url: str, action: str, *ids: int) -> Any:
    """Choose rows of a list and an action."""
    return client.post(url, {"action": action, "_selected_action": list(ids)}, follow=True)


@dataclass
class Page:
    """A form that is open in the browser, with all that stands in it."""

    client: Client
    url: str
    response: Any
    fields: dict[str, Any]

    @classmethod
    def open(cls, client: Client, url: str) -> "Page":
        response = client.get(url)
        assert response.status_code == 200, url
        forms = [response.context["adminform"].form]
        for inline in response.context["inline_admin_formsets"]:
            forms += [inline.formset.management_form, *inline.formset.initial_forms]
        fields = {form.add_prefix(bound.name): _typed(bound.value()) for form in forms for bound in form}
        return cls(client, url, response, {name: value for name, value in fields.items() if _is_sent(value)})

    def save(self, button: str = "_continue", **typed: Any) -> Any:
        """Answers as the browser shows it in the end. Nothing typed over: as it stood."""
        fields = {**self.fields, **{name.replace("__", "-"): _typed(value) for name, value in typed.items()}}
        fields = {name: value for name, value in fields.items() if _is_sent(value)}
        return self.client.post(self.url, {**fields, button: "1"}, follow=True)

    def add_row(self, prefix: str, **typed: Any) -> None:
        """`Add another` of an inline."""
        number = int(self.fields[f"{prefix}-TOTAL_FORMS"])
        self.fields[f"{prefix}-TOTAL_FORMS"] = number + 1
        for name, value in typed.items():
            if _is_sent(value):
                self.fields[f"{prefix}-{number}-{name}"] = _typed(value)


def errors_of(response: Any) -> str:
    """All that the page says is wrong; empty when it was saved."""
    context = response.context
    if "adminform" not in context or context["adminform"] is None:
        return ""
    errors = [context["adminform"].form.errors]
    for inline in context["inline_admin_formsets"]:
        errors += [inline.formset.non_form_errors(), *(form.errors for form in inline.formset.forms)]
    return " ".join(str(error) for error in errors if error)


def _typed(value: Any) -> Any:
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "on" if value else False
    return value


def _is_sent(value: Any) -> bool:
    """A box without its tick is not; a zero is."""
    return value is not None and value is not False
