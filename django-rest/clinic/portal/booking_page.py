"""The booking page: the chosen service, and the open times with the links by which a browser without scripts chooses
among them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from clinic.common.instants import local_date_of, zone_of
from clinic.portal.form_values import date_in, instant_in, number_in
from clinic.portal.time_picker import SHOWN_DAYS, Offered, offered_times, people_offering, picker_setup
from clinic.scheduling.models import Clinic, Practitioner, Service
from clinic.scheduling.queries.practitioners import services_of
from clinic.scheduling.slots import Slot

NEAREST = 3


@dataclass(frozen=True, slots=True)
class BookingWish:
    """The choices in the address or a form; unreadable ones are None."""

    service_id: int | None = None
    practitioner_id: int | None = None
    day: date | None = None
    start: datetime | None = None
    hold: str = ""
    is_embedded: bool = False

    @classmethod
    def read(cls, given: Mapping[str, Any], *, is_embedded: bool) -> "BookingWish":
        return cls(
            service_id=number_in(str(given.get("service", ""))),
            practitioner_id=number_in(str(given.get("practitioner", ""))),
            day=date_in(str(given.get("date", ""))),
            start=instant_in(str(given.get("start", ""))),
            hold=str(given.get("hold") or "")[:64],
            is_embedded=is_embedded,
        )

    def address(self, **changes: Any) -> str:
        """A query of this page."""
        wanted = replace(self, **changes)
        said = {
            "service": wanted.service_id,
            "practitioner": wanted.practitioner_id,
            "date": wanted.day,
            "start": wanted.start and wanted.start.isoformat(),
            "embed": "1" if wanted.is_embedded else None,
        }
        return "?" + urlencode({name: value for name, value in said.items() if value is not None})


@dataclass(frozen=True, slots=True)
class DayLink:
    date: date
    count: int
    href: str
    is_shown: bool


@dataclass(frozen=True, slots=True)
class TimeLink:
    start: datetime
    href: str


@dataclass(frozen=True, slots=True)
class PersonLink:
    practitioner: Practitioner | None
    href: str
    is_shown: bool


@dataclass(slots=True)
class When:
    """The second step."""

    setup: dict[str, Any]
    people: list[PersonLink]
    days: list[DayLink]
    times: list[TimeLink]
    day: date
    earlier: str | None
    later: str | None
    is_empty: bool
    chosen_with: Practitioner | None = None
    near: list[TimeLink] = field(default_factory=list)


def services_offered(clinic: Clinic) -> list[Service]:
    """Those that somebody offers. One query."""
    return list(services_of(clinic).filter(practitioners__active=True).distinct())


def chosen_service(services: list[Service], wanted: BookingWish) -> Service | None:
    """The one that is named, or the only one there is."""
    if len(services) == 1:
        return services[0]
    return next((service for service in services if service.pk == wanted.service_id), None)


def when_for(clinic: Clinic, wanted: BookingWish, service: Service | None, *, now: datetime) -> When:
    """At most twelve queries, however many people and times there are."""
    zone = zone_of(clinic.timezone)
    people = people_offering(clinic, service)
    ids = {one.pk for one in people}
    if wanted.practitioner_id not in ids:
        wanted = replace(wanted, practitioner_id=None)
    today = local_date_of(now, zone)
    first_date = max(today, min(wanted.day or today, today + timedelta(days=clinic.horizon_days)))
    # The strip begins on the same weekday for all days of it.
    first_date = today + timedelta(days=(first_date - today).days // SHOWN_DAYS * SHOWN_DAYS)
    offered = offered_times(clinic, people, service=service, first_date=first_date, now=now)
    of_person = _times_of(offered, wanted.practitioner_id)
    day = _shown_day(of_person, wanted, offered, clinic)
    setup = picker_setup(clinic, people, service=service, now=now, offered=offered)
    setup |= {"practitioner": wanted.practitioner_id or 0, "date": day.isoformat()}
    return When(
        setup=setup,
        people=_people_links(people, wanted),
        days=_day_links(of_person, wanted, offered, day, clinic),
        times=[
            TimeLink(slot.start, wanted.address(start=slot.start.astimezone(zone), day=day))
            for slot in of_person
            if local_date_of(slot.start, zone) == day
        ],
        day=day,
        earlier=_turned(wanted, offered.first_date - timedelta(days=SHOWN_DAYS), today, clinic),
        later=_turned(wanted, offered.first_date + timedelta(days=SHOWN_DAYS), today, clinic),
        is_empty=not offered.times,
        chosen_with=next((one for one in people if one.pk == wanted.practitioner_id), None),
        near=_near(of_person, wanted, zone),
    )


def _times_of(offered: Offered, practitioner_id: int | None) -> list[Slot]:
    return [slot for slot, ids in offered.times.items() if practitioner_id is None or practitioner_id in ids]


def _shown_day(times: list[Slot], wanted: BookingWish, offered: Offered, clinic: Clinic) -> date:
    days = [local_date_of(slot.start, zone_of(clinic.timezone)) for slot in times]
    if wanted.day in days:
        return wanted.day
    return days[0] if days else offered.first_date


def _day_links(times: list[Slot], wanted: BookingWish, offered: Offered, shown: date, clinic: Clinic) -> list[DayLink]:
    zone = zone_of(clinic.timezone)
    days = [local_date_of(slot.start, zone) for slot in times]
    strip = [offered.first_date + timedelta(days=number) for number in range(SHOWN_DAYS)]
    return [
        DayLink(each, days.count(each), wanted.address(day=each, start=None), is_shown=each == shown) for each in strip
    ]


def _people_links(people: list[Practitioner], wanted: BookingWish) -> list[PersonLink]:
    if len(people) < 2:
        return []
    anybody = PersonLink(None, wanted.address(practitioner_id=None, start=None), wanted.practitioner_id is None)
    return [
        anybody,
        *(
            PersonLink(
                one, wanted.address(practitioner_id=one.pk, start=None), is_shown=one.pk == wanted.practitioner_id
            )
            for one in people
        ),
    ]


def _turned(wanted: BookingWish, first_date: date, today: date, clinic: Clinic) -> str | None:
    last_date = today + timedelta(days=clinic.horizon_days)
    if not today - timedelta(days=SHOWN_DAYS) < first_date <= last_date:
        return None
    return wanted.address(day=max(first_date, today), start=None)


def _near(times: list[Slot], wanted: BookingWish, zone: Any) -> list[TimeLink]:
    if wanted.start is None:
        return []
    start = wanted.start
    nearest = sorted(times, key=lambda slot: abs(slot.start - start))[:NEAREST]
    found = sorted(slot.start.astimezone(zone) for slot in nearest if slot.start != start)
    return [TimeLink(each, wanted.address(start=each, day=each.date())) for each in found]
