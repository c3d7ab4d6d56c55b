"""One record becomes part of another: everything attached to it moves, then it goes.

`settings.PATIENT_MERGE_EFFECTS` names the effects for rows with rules of their own, in order. This app does not know
them: appointments stand above it. All other rows that refer to a patient move by a plain update.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Protocol

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from clinic.accounts.models import User
from clinic.common.errors import ChairsideError, InvalidRequest, OwnAppointment
from clinic.common.transactions import in_one_transaction
from clinic.common.versions import write_changes
from clinic.people.models import MAX_ALERT_LENGTH, FamilyMember, Patient, PatientAction
from clinic.people.queries import get_patient_for, patients_visible_to
from clinic.people.services.history import record


class BothHaveAccounts(ChairsideError):  # noqa: N818 - named as the user would say it
    code = "both_have_accounts"
    status = 409
    detail = "Each of the two records belongs to an account. Two accounts cannot be merged."


class Move(Protocol):
    def __call__(self, source: Patient, into: Patient, *, user: User, now: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class MergeEffect:
    """`overlaps` lists, as a refusal does, the visits of both records that lie at the same time."""

    move: Move
    overlaps: Callable[[Patient, Patient], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Merge:
    """`moves` counts the rows that move, by kind. `overlaps` are the visits of both records at the same time."""

    patient: Patient
    into: Patient
    moves: dict[str, int]
    overlaps: list[dict[str, Any]]
    moves_account: bool


@cache
def _effects() -> tuple[MergeEffect, ...]:
    return tuple(import_string(name) for name in settings.PATIENT_MERGE_EFFECTS)


def preview_merge(*, editor: User, patient_id: int, into_id: int) -> Merge:
    """Preview of `merge_patients`. Raises NotFound, InvalidRequest, BothHaveAccounts."""
    return _merge_of(editor, patient_id, into_id)


@in_one_transaction
def merge_patients(*, editor: User, patient_id: int, into_id: int, now: datetime, allow_overlap: bool = False) -> Merge:
    """Everything attached to a record moves into another one, which keeps name, contact data and preferences, and
    gets the alert of both. An account moves as well.

    Raises NotFound, InvalidRequest, BothHaveAccounts, and OwnAppointment for visits at the same time.
    """
    planned = _merge_of(editor, patient_id, into_id)
    # Accounts first, as an edit takes them; then the records, in the order of their ids.
    accounts = [patient.user_id for patient in (planned.patient, planned.into) if patient.user_id is not None]
    list(User.objects.select_for_update().filter(pk__in=accounts).order_by("pk"))
    list(Patient.objects.select_for_update().filter(pk__in=(patient_id, into_id)).order_by("pk").values_list("pk"))
    merge = _merge_of(editor, patient_id, into_id)
    if merge.overlaps and not allow_overlap:
        raise OwnAppointment("Both records have a visit at the same time.", extra={"appointments": merge.overlaps})
    source, into, account = merge.patient, merge.into, merge.patient.user
    record(source, PatientAction.MERGE, actor=editor, now=now, account=account, other=into)
    record(into, PatientAction.MERGE, actor=editor, now=now, account=account, other=source)
    if account is not None:
        write_changes(source, {"user": None})
        write_changes(account, {}, touched=True)
    account_moves = {"user": account} if account is not None else {}
    write_changes(into, {"alert": joined_alert(source, into)} | account_moves, touched=True)
    move_record(source, into=into, user=editor, now=now)
    return merge


def joined_alert(source: Patient, into: Patient) -> str:
    """Both alerts: an allergy is not lost with a record."""
    lines = dict.fromkeys(line for patient in (into, source) for line in patient.alert.splitlines())
    return "\n".join(lines)[:MAX_ALERT_LENGTH]


def _merge_of(editor: User, patient_id: int, into_id: int) -> Merge:
    source = get_patient_for(editor, patient_id)
    into = patients_visible_to(editor).filter(clinic_id=source.clinic_id, pk=into_id).first()
    if into is None or into == source:
        raise InvalidRequest("There is no other record with this id.", attr="into")
    if source.user_id is not None and into.user_id is not None:
        raise BothHaveAccounts
    moves = {name: rows.count() for name, rows in attachments_of(source).items()}
    overlaps = [visit for effect in _effects() for visit in effect.overlaps(source, into)]
    return Merge(source, into, moves, overlaps, moves_account=source.user_id is not None)


def move_record(source: Patient, *, into: Patient, user: User, now: datetime) -> None:
    """Requires: both rows locked, in a transaction. `user` appears as the actor in the appointments' histories."""
    assert connection.in_atomic_block
    for effect in _effects():
        effect.move(source, into, user=user, now=now)
    _leave_families(source, into)
    for name, rows in attachments_of(source).items():
        rows.update(**{_field_of(name): into})
    source.delete()


def _leave_families(source: Patient, into: Patient) -> None:
    """An account books for a person once, and for itself without being its own family."""
    accounts = list(FamilyMember.objects.filter(patient=into).values_list("user_id", flat=True))
    owners = {patient.user_id for patient in (source, into) if patient.user_id is not None}
    FamilyMember.objects.filter(patient=source, user_id__in={*accounts, *owners}).delete()
    FamilyMember.objects.filter(patient=into, user_id__in=owners).delete()


def has_attachments(patient: Patient, *, but: str | None = None) -> bool:
    """Whether anything refers to the record, `but` one kind of row. One query for each kind."""
    return any(rows.exists() for name, rows in attachments_of(patient).items() if name != but)


def attachments_of(patient: Patient) -> dict[str, QuerySet[Any]]:
    """The rows that refer to a record, by the name of the relation: appointments, series, waitlist and so on."""
    return {
        relation.name: relation.related_model._base_manager.filter(**{relation.field.name: patient})
        for relation in Patient._meta.related_objects
    }


def _field_of(relation_name: str) -> str:
    return next(found.field.name for found in Patient._meta.related_objects if found.name == relation_name)
