"""Ends of deliveries since the beginning, for the metrics."""

from django.db.models import F

from clinic.common.transactions import in_one_statement
from clinic.outbox.models import DeliveryCount

LIMITED = "limited"


@in_one_statement
def count_ends(channel: str, end: str, count: int = 1) -> None:
    """One statement, three for the first of its kind."""
    counted = DeliveryCount.objects.filter(channel=channel, end=end)
    if not counted.update(count=F("count") + count):
        DeliveryCount.objects.bulk_create([DeliveryCount(channel=channel, end=end, count=0)], ignore_conflicts=True)
        counted.update(count=F("count") + count)
