"""Live holds, by token and by user."""

from datetime import datetime

from django.db.models import Q, QuerySet

from clinic.accounts.models import User
from clinic.common.errors import NotFound
from clinic.scheduling.models import (
    Clinic,
    Hold,
)


def find_hold(token: str, *, now: datetime, clinic: Clinic | None = None) -> Hold | None:
    """The live hold of this token. Who has the token has the hold."""
    holds = Hold.objects.select_related("clinic").filter(token=token, expires_at__gt=now)
    return (holds if clinic is None else holds.filter(clinic=clinic)).first()


def live_holds_of(user: User, *, now: datetime) -> QuerySet[Hold]:
    """Times that this user keeps now, with their clinic; without what is kept for an undo or an offer."""
    own = Hold.objects.filter(user=user, expires_at__gt=now, kept_for_undo=False).exclude(address_hash="")
    return own.select_related("clinic").order_by("expires_at", "id")


def get_hold_for(viewer: User | None, hold_id: int, *, token: str | None) -> Hold:
    """By its token, or as the one who made it; with its clinic. Raises NotFound."""
    holder = Q(token=token) if token else Q(pk__in=[])
    if viewer is not None:
        holder |= Q(user=viewer)
    hold = Hold.objects.select_related("clinic").filter(holder, pk=hold_id).first()
    if hold is None:
        raise NotFound("There is no such hold.")
    return hold
