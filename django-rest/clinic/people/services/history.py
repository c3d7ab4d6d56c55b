from datetime import date, datetime
from typing import Any

from clinic.accounts.models import User
from clinic.people.models import Patient, PatientAction, PatientEvent


def record(
    patient: Patient,
    action: PatientAction,
    *,
    actor: User,
    now: datetime,
    account: User | None = None,
    other: Patient | None = None,
) -> PatientEvent:
    """Write one line of a record's history. Requires: transaction, before the record changes."""
    return PatientEvent.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        action=action,
        other_patient_id=other.pk if other is not None else None,
        account=account,
        actor=actor,
        actor_name=actor.name,
        at=now,
        snapshot=_snapshot_of(patient),
    )


def _snapshot_of(patient: Patient) -> dict[str, Any]:
    values = {field.attname: getattr(patient, field.attname) for field in Patient._meta.concrete_fields}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
