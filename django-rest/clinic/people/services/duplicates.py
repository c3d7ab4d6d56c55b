"""Decisions of the desk about records that may be the same person's."""

from datetime import datetime

from clinic.accounts.models import User
from clinic.common.transactions import in_one_transaction
from clinic.people.models import DistinctPatients
from clinic.people.queries import get_patient_for


@in_one_transaction
def dismiss_duplicate(*, editor: User, patient_id: int, other_id: int, now: datetime) -> None:
    """The two are two people: neither is shown as a possible duplicate of the other any more. Raises NotFound."""
    first, second = sorted((get_patient_for(editor, one) for one in (patient_id, other_id)), key=lambda one: one.pk)
    DistinctPatients.objects.get_or_create(
        patient=first, other=second, defaults={"clinic_id": first.clinic_id, "actor": editor, "created_at": now}
    )
