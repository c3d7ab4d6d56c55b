"""Rows that an account may see, by its role."""

from collections.abc import Callable
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from clinic.accounts.models import Role, User

Row = TypeVar("Row", bound=Model)


def rows_within_reach(
    user: User,
    rows: QuerySet[Row],
    *,
    of_practitioner: Callable[[], Q],
    of_patient: Callable[[], Q] | None = None,
) -> QuerySet[Row]:
    """Rows of the user's clinic: all of them for owner and staff; for a practitioner and a patient those that their
    condition leaves, without one none. In the admin, an administrator sees the rows of every clinic.

    `rows` have a column `clinic_id`. A condition is asked for only where it counts: it may take a query.
    """
    of_clinic = rows.filter(clinic_id=user.clinic_id)
    match user.role:
        case Role.OWNER | Role.STAFF:
            return of_clinic
        case Role.PRACTITIONER:
            return of_clinic.filter(of_practitioner())
        case Role.PATIENT if of_patient is not None:
            return of_clinic.filter(of_patient())
        case Role.ADMIN if user.reads_every_clinic:
            return rows
    return rows.none()
