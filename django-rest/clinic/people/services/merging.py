"""One record becomes part of another: everything attached to it moves, then it goes.

`settings.PATIENT_MERGE_EFFECTS` names the functions that move rows with a history of their own, in order. This app does
not know them: appointments stand above it. All other rows that refer to a patient move by a plain update.
"""

from datetime import datetime
from functools import cache
from typing import Protocol

from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from clinic.accounts.models import User
from clinic.people.models import Patient


class MergeEffect(Protocol):
    def __call__(self, source: Patient, into: Patient, *, user: User, now: datetime) -> None: ...


@cache
def _effects() -> tuple[MergeEffect, ...]:
    return tuple(import_string(name) for name in settings.PATIENT_MERGE_EFFECTS)


def merge_records(source: Patient, *, into: Patient, user: User, now: datetime) -> None:
    """Requires: both rows locked, in a transaction. `user` appears as the actor in the histories."""
    assert connection.in_atomic_block
    for effect in _effects():
        effect(source, into, user=user, now=now)
    for relation in Patient._meta.related_objects:
        rows = relation.related_model._base_manager.filter(**{relation.field.name: source})
        rows.update(**{relation.field.name: into})
    source.delete()
