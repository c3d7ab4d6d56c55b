"""Fields that several serializers of the set-up share."""

from datetime import time
from typing import Any

from rest_framework import serializers

from clinic.scheduling.models import (
    FIVE_MINUTES,
)


def refuse_off_grid(minutes: int) -> int:
    if minutes % FIVE_MINUTES:
        raise serializers.ValidationError("A multiple of 5 minutes.", code="off_grid")
    return minutes


class FiveMinutesField(serializers.IntegerField):
    """Minutes in steps of five: claims of time meet on that grid."""

    def to_internal_value(self, data: Any) -> int:
        return refuse_off_grid(super().to_internal_value(data))


class IdsField(serializers.ListField):
    def __init__(self, **options: Any) -> None:
        super().__init__(child=serializers.IntegerField(min_value=1), max_length=200, **options)


class WallTimeField(serializers.TimeField):
    """`HH:MM` on five minutes. With `ends_day`, 24:00 is understood for the midnight that is written 00:00."""

    def __init__(self, *, ends_day: bool = False, **options: Any) -> None:
        self.ends_day = ends_day
        super().__init__(format="%H:%M", **options)

    def to_internal_value(self, value: Any) -> Any:
        if self.ends_day and value in ("24:00", "24:00:00"):
            return time.min
        if isinstance(value, str) and "\0" in value:  # `time.fromisoformat` stops reading there.
            self.fail("invalid", format="hh:mm")
        at_local = super().to_internal_value(value).replace(tzinfo=None)
        if at_local.minute % FIVE_MINUTES or at_local.second or at_local.microsecond:
            raise serializers.ValidationError("Hours begin and end on five minutes.", code="off_grid")
        return at_local
