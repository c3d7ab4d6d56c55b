"""One record becomes part of another: everything attached to it moves, then it goes.

`settings.PATIENT_MERGE_EFFECTS` names the functions that move rows with a history of their own, in order. This app does
not know them: appointments stand above it. All other rows that refer to a patient move by a plain update.
"""

from datetime import datetime
from functools import cache
from typing import Any, Protocol

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from clinic.accounts.models import User
from clinic.people.models import Patient


class MergeEffect(Protocol):
    def __call__(self, source: Patient, into: Patient, *, user: User, now: datetime) -> None: ...


@cache
def _effects() -> tuple[MergeEffect, ...]:
    return tuple(import_string(name) for name in settings.PATIENT_MERGE_EFFECTS)


def move_record(source: Patient, *, into: Patient, user: User, now: datetime) -> None:
    """Requires: both rows locked, in a transaction. `user` appears as the actor in the appointments' histories."""
    assert connection.in_atomic_block
    for effect in _effects():
        effect(source, into, user=user, now=now)
    for name, rows in attachments_of(source).items():
        rows.update(**{_field_of(name): into})
    source.delete()


def has_attachments(patient: Patient) -> bool:
    """Whether anything refers to the record. One query for each kind of row."""
    return any(rows.exists() for rows in attachments_of(patient).values())


def attachments_of(patient: Patient) -> dict[str, QuerySet[Any]]:
    """The rows that refer to a record, by the name of the relation: appointments, series, waitlist and so on."""
    return {
        relation.name: relation.related_model._base_manager.filter(**{relation.field.name: patient})
        for relation in Patient._meta.related_objects
    }


def _field_of(relation_name: str) -> str:
    return next(found.field.name for found in Patient._meta.related_objects if found.name == relation_name)
