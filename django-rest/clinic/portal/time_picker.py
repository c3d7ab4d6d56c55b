"""The data of `elements/time-picker.js` at opening, and the same times for a browser without scripts."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings

from clinic.accounts.models import photo_path
from clinic.common.instants import local_date_of, say_instant, say_minute, zone_of
from clinic.outbox.wording import uses_twelve_hours
from clinic.scheduling.models import Clinic, Practitioner, Service, clock_of
from clinic.scheduling.queries.open_times import open_slots_of, open_times_of, treatment_of
from clinic.scheduling.queries.practitioners import practitioners_offering
from clinic.scheduling.slots import Slot, Treatment
from clinic.scheduling.soonest import SoonestWish, soonest_times

# As many as the strip of the element shows.
SHOWN_DAYS = 14


@dataclass(frozen=True, slots=True)
class Offered:
    """Open times of the shown days, each with everybody who is free then."""

    first_date: date
    times: dict[Slot, list[int]]


def people_offering(clinic: Clinic, service: Service | None) -> list[Practitioner]:
    """With their users, who have the photos. One query."""
    return list(practitioners_offering(clinic, service).select_related("user"))


def offered_times(
    clinic: Clinic,
    people: list[Practitioner],
    *,
    service: Service | None,
    first_date: date,
    now: datetime,
    treatment: Treatment | None = None,
) -> Offered:
    """From this date on, or, where nothing is open in the shown days, from the first date that has times."""
    offered = _times_from(clinic, people, treatment or treatment_of(clinic, service), first_date, now=now)
    if offered.times or treatment is not None:
        return offered
    wish = SoonestWish(service=service, first_date=first_date, count=1)
    soonest = soonest_times(clinic, wish, now=now, for_clinic=False)
    if not soonest:
        return offered
    later = local_date_of(soonest[0].slot.start, zone_of(clinic.timezone))
    return _times_from(clinic, people, treatment_of(clinic, service), later, now=now)


def _times_from(
    clinic: Clinic, people: list[Practitioner], treatment: Treatment, first_date: date, *, now: datetime
) -> Offered:
    last_date = first_date + timedelta(days=SHOWN_DAYS - 1)
    slots = open_slots_of(clinic, people, treatment=treatment, first_date=first_date, last_date=last_date, now=now)
    return Offered(first_date, open_times_of(slots))


def picker_setup(
    clinic: Clinic,
    people: list[Practitioner],
    *,
    service: Service | None,
    now: datetime,
    offered: Offered | None = None,
    treatment: Treatment | None = None,
) -> dict[str, Any]:
    """The `setup` of a `<time-picker>`. No query. Without `offered` the element reads the times itself. `treatment`: of
    a visit that moves, which may have a length of its own."""
    zone = zone_of(clinic.timezone)
    treatment = treatment or treatment_of(clinic, service)
    setup: dict[str, Any] = {
        "clinic": clinic.pk,
        "timezone": zone.key,
        "twelveHours": uses_twelve_hours(zone=zone, **clock_of(clinic)),
        "now": say_instant(now, zone),
        "stream": settings.SHARED.stream_url or "",
        "lastDate": (local_date_of(now, zone) + timedelta(days=clinic.horizon_days)).isoformat(),
        "service": None if service is None else service.pk,
        "minutes": treatment.minutes,
        "buffers": {"before": treatment.buffer_before_minutes, "after": treatment.buffer_after_minutes},
        "people": [present_person(one) for one in people],
    }
    if offered is not None:
        setup["from"] = offered.first_date.isoformat()
        setup["times"] = [(say_minute(slot.start, zone), ids) for slot, ids in offered.times.items()]
    return setup


def present_person(practitioner: Practitioner) -> dict[str, Any]:
    return {
        "id": practitioner.pk,
        "name": practitioner.name,
        "specialisation": practitioner.specialisation,
        "photo": photo_path(practitioner.user),
    }
