"""Pure: the hours in which nobody is disturbed by what can wait."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def after_quiet_hours(
    send_at: datetime, *, zone: ZoneInfo, quiet_from: time | None, quiet_until: time | None
) -> datetime:
    """`send_at`, or the end of the quiet hours it falls into. They are on the clinic's wall and may lie over midnight;
    `quiet_from` belongs to them, `quiet_until` does not. None, or twice the same: there are none."""
    if quiet_from is None or quiet_until is None:
        return send_at
    local = send_at.astimezone(zone)
    if not _is_quiet(local.time(), quiet_from, quiet_until):
        return send_at
    day = local.date() if local.time() < quiet_until else local.date() + timedelta(days=1)
    # An hour that clocks show twice ends twice.
    ends = (datetime.combine(day, quiet_until, zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return next((end for end in ends if end > send_at), send_at)


def is_quiet(now: datetime, *, zone: ZoneInfo, quiet_from: time | None, quiet_until: time | None) -> bool:
    return after_quiet_hours(now, zone=zone, quiet_from=quiet_from, quiet_until=quiet_until) > now


def _is_quiet(clock: time, quiet_from: time, quiet_until: time) -> bool:
    if quiet_from <= quiet_until:
        return quiet_from <= clock < quiet_until
    return clock >= quiet_from or clock < quiet_until
