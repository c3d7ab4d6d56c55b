"""The base of all forms of the settings."""

import json
from collections.abc import Iterable, Mapping
from datetime import date, time
from typing import Any

from django import forms
from django.db.models import Model
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from rest_framework.serializers import Serializer

from clinic.common.errors import ChairsideError
from clinic.common.versions import Expected
from clinic.portal.form_values import number_in
from clinic.portal.settings.fields import DurationField, say_duration, say_time
from clinic.portal.settings.refusals import sentence_of


class SettingsForm(forms.Form):
    """Values of one row, its version and what the page showed: a change that somebody else saved meanwhile is shown
    beside one's own, and is not overwritten unseen."""

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        *,
        values: Mapping[str, Any] | None = None,
        version: int | str | None = None,
    ) -> None:
        super().__init__(data, files, initial=dict(values or {}), label_suffix="")
        self.stamp_version = version
        self.saved_meanwhile: dict[str, str] = {}
        for name, field in self.fields.items():
            field.widget.attrs.setdefault("aria-describedby", f"about-{self.add_prefix(name)}")

    @property
    def stamp_seen(self) -> str:
        return json.dumps({name: _text(self.initial.get(name)) for name in self.fields})

    @property
    def expected(self) -> Expected:
        """The version that the page showed."""
        sent = self.data.get(self.add_prefix("version"), "")
        if isinstance(self.stamp_version, str):
            return Expected(sent or None)
        return Expected(0 if sent == "0" else number_in(sent))  # 0: there was no row yet.

    @property
    def seen(self) -> dict[str, str]:
        try:
            sent = json.loads(self.data.get(self.add_prefix("seen"), ""))
        except ValueError:
            sent = None
        return sent if isinstance(sent, dict) else json.loads(self.stamp_seen)

    @property
    def changes(self) -> dict[str, Any]:
        """Values that differ from those the page showed."""
        seen = self.seen
        return {name: value for name, value in self.cleaned_data.items() if _text(value) != seen.get(name)}

    def show_saved(self, values: Mapping[str, Any], version: int | str | None) -> bool:
        """Take over what is saved now. Whether it differs from what the page showed."""
        seen = self.seen
        self.initial, self.stamp_version = dict(values), version
        self.saved_meanwhile = {
            name: _said(self.fields[name], values.get(name))
            for name in self.fields
            if name in seen and _text(values.get(name)) != seen[name]
        }
        return bool(self.saved_meanwhile)

    def add_refusal(self, refusal: ChairsideError, names: Mapping[str, str] | None = None) -> None:
        attr = (names or {}).get(refusal.attr or "", refusal.attr)
        self.add_error(attr if attr in self.fields else None, sentence_of(refusal))

    def check_by(self, serializer: Serializer[Any], names: Mapping[str, str] | None = None) -> None:
        """Refuse everything that the API refuses."""
        if serializer.is_valid():
            return
        for name, errors in serializer.errors.items():
            field = (names or {}).get(name, name)
            self.add_error(field if field in self.fields else None, [_(str(error)) for error in errors])

    def rows(self) -> Iterable[dict[str, Any]]:
        """The visible fields, each with what somebody else saved in it meanwhile."""
        return [self.row(field.name) for field in self.visible_fields()]

    def row(self, name: str) -> dict[str, Any]:
        return {"field": self[name], "saved": self.saved_meanwhile.get(name)}


def _text(value: Any) -> str:
    """The same for the same value, as a form has it and as a row has it."""
    if value is None:
        return ""
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, Model):
        return str(value.pk)
    if isinstance(value, str | int | date):
        return str(value)
    if hasattr(value, "__iter__"):
        return ",".join(sorted(_text(one) for one in value))
    return str(value)


def _said(field: forms.Field, value: Any) -> str:
    """A value for people."""
    if value is None or value == "":
        return _("empty")
    if isinstance(field, DurationField):
        return say_duration(value)
    choices = getattr(field, "choices", None)
    if choices is not None:
        chosen = {_text(one) for one in value} if isinstance(value, list | tuple) else {_text(value)}
        return ", ".join(str(label) for key, label in _flat(choices) if _text_of_key(key) in chosen) or _("none")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, time):
        return say_time(value)
    if isinstance(value, date):
        return date_format(value)
    return str(value)


def _text_of_key(key: Any) -> str:
    return _text(getattr(key, "value", key))


def _flat(choices: Any) -> Iterable[tuple[Any, Any]]:
    for key, label in choices:
        if isinstance(label, list | tuple):
            yield from label
        else:
            yield key, label
