"""Pages and their forms, without a browser."""

import re
from datetime import time
from html import unescape
from typing import Any

from clinic.accounts.models import User
from clinic.outbox.models import Message
from django.test import Client


def at_a_page(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def form_of(client: Client, url: str, **typed: Any) -> dict[str, Any]:
    """The body that a browser sends: all that the page's form holds, and the typed values."""
    form = client.get(url).context["form"]
    sent: dict[str, Any] = {
        "version": "" if form.stamp_version is None else form.stamp_version,
        "seen": form.stamp_seen,
    }
    for bound in form:
        value = bound.value()
        widget = bound.field.widget
        if hasattr(widget, "widgets"):
            for index, part in enumerate(widget.decompress(value)):
                sent[f"{bound.html_name}_{index}"] = "" if part is None else part
        elif value is True and bound.widget_type == "checkbox":
            sent[bound.html_name] = "on"
        elif (value is not None and value is not False) or bound.widget_type == "select":
            sent[bound.html_name] = "" if value is None else f"{value:%H:%M}" if isinstance(value, time) else value
    return {**sent, **typed}


def errors_of(response: Any) -> str:
    return str(response.context["form"].errors)


def sent_code() -> str:
    [message] = Message.objects.filter(template="phone_code")
    return str(re.findall(r"\d{6}", message.body)[0])


def text_of(response: Any) -> str:
    return unescape(
        re.sub(r"\s+", " ", re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", response.content.decode(), flags=re.S))
    )
