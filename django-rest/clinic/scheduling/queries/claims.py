"""Claimed time of practitioners."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import Max, Min, Q, QuerySet

from clinic.scheduling.models import (
    CellKind,
    ClaimedCell,
    Hold,
)
from clinic.scheduling.slots import CELL
from clinic.scheduling.working_hours import Interval

FIRST, LAST = Min("starts_at"), Max("starts_at")


def busy_intervals(
    practitioner_ids: Sequence[int], window: Interval, *, now: datetime, except_undo_holds: bool = False
) -> dict[int, list[Interval]]:
    """Blocked time, buffers included, of active appointments and live holds. Two queries."""
    without_claim = Q(expires_at__lte=now)
    if except_undo_holds:
        without_claim |= Q(kept_for_undo=True)
    ignored = set(Hold.objects.filter(without_claim, practitioner_id__in=practitioner_ids).values_list("id", flat=True))
    claims = (
        _cells_of(practitioner_ids, window)
        .values("owner_id", "appointment_id", "hold_id")
        .annotate(first=FIRST, last=LAST)
        .order_by()
    )
    busy = defaultdict(list)
    for claim in claims:
        if claim["hold_id"] not in ignored:
            busy[claim["owner_id"]].append(Interval(claim["first"], claim["last"] + CELL))
    return busy


def _cells_of(practitioner_ids: Sequence[int], interval: Interval) -> QuerySet[ClaimedCell]:
    return ClaimedCell.objects.filter(
        kind=CellKind.PRACTITIONER,
        owner_id__in=practitioner_ids,
        starts_at__gte=interval.start,
        starts_at__lt=interval.end,
    )


def claimed_cells_among(claims: Collection[tuple[int, Interval]]) -> dict[int, set[datetime]]:
    """The claimed cells of these times, by practitioner. Call inside a claim. One query for any number."""
    claimed: dict[int, set[datetime]] = defaultdict(set)
    if claims:
        within = reduce(
            or_,
            (
                Q(owner_id=practitioner_id, starts_at__gte=wanted.start, starts_at__lt=wanted.end)
                for practitioner_id, wanted in claims
            ),
        )
        cells = ClaimedCell.objects.filter(within, kind=CellKind.PRACTITIONER)
        for practitioner_id, at in cells.values_list("owner_id", "starts_at"):
            claimed[practitioner_id].add(at)
    return claimed
