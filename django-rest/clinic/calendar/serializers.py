import re
from calendar import monthrange
from datetime import date
from typing import Any

from rest_framework import serializers

from clinic.appointments.serializers.appointments import AppointmentOutput, present_appointment
from clinic.calendar.days import DayPlan
from clinic.calendar.queries import MAX_RANGE_DAYS, CalendarContents, CalendarFilter, MonthDay
from clinic.common.instants import say_instant, say_minute, zone_of
from clinic.scheduling.working_hours import Interval

MONTH = re.compile(r"([0-9]{4})-([0-9]{2})", re.ASCII)


HOLD_KINDS = [(kind, kind) for kind in ("hold", "offer", "undo")]
# Schedules are computed with days around these.
FIRST_DATE, LAST_DATE = date(1970, 1, 1), date(2199, 12, 31)


class CalendarDateField(serializers.DateField):
    def to_internal_value(self, value: Any) -> date:
        day = super().to_internal_value(value)
        if not FIRST_DATE <= day <= LAST_DATE:
            raise serializers.ValidationError("The calendar has the years 1970 to 2199.", code="invalid")
        return day


class PractitionerParameter(serializers.Serializer[Any]):
    practitioner = serializers.IntegerField(required=False, min_value=1, help_text="only theirs")


class CalendarDayInput(PractitionerParameter):
    date = CalendarDateField(required=False, help_text="the clinic's; default today")


class CalendarRangeInput(PractitionerParameter):
    to = CalendarDateField(
        required=False,
        help_text=f"last day, included; default a week after the first; {MAX_RANGE_DAYS} days at most",
    )

    def get_fields(self) -> dict[str, "serializers.Field[Any, Any, Any, Any]"]:
        # "from" is a word of Python's.
        return {**super().get_fields(), "from": CalendarDateField(required=False, help_text="first day")}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        first, last = attrs.get("from"), attrs.get("to")
        if first is None or last is None:
            return attrs
        if last < first:
            raise serializers.ValidationError({"to": "The range ends before it begins."}, code="invalid")
        if (last - first).days >= MAX_RANGE_DAYS:
            raise serializers.ValidationError({"to": f"{MAX_RANGE_DAYS} days at most."}, code="range_too_long")
        return attrs


class CalendarMonthInput(PractitionerParameter):
    month = serializers.CharField(required=False, max_length=7, help_text="2026-11; default the present one")

    def validate_month(self, text: str) -> date:
        found = MONTH.fullmatch(text)
        if found is None or not 1 <= int(found[2]) <= 12 or not FIRST_DATE.year <= int(found[1]) <= LAST_DATE.year:
            raise serializers.ValidationError("A month as 2026-11, of the years 1970 to 2199.", code="invalid")
        return date(int(found[1]), int(found[2]), 1)


def month_of(first: date, practitioner_id: int | None) -> CalendarFilter:
    """All days of the month that begins then."""
    return CalendarFilter(first, first.replace(day=monthrange(first.year, first.month)[1]), practitioner_id)


class IntervalOutput(serializers.Serializer[Any]):
    start = serializers.DateTimeField(help_text="in the clinic's zone")
    end = serializers.DateTimeField(help_text="in the clinic's zone")


class ClosureOutput(IntervalOutput):
    whole_clinic = serializers.BooleanField(help_text="or the practitioner alone")
    reason = serializers.CharField(help_text="may be empty")


class CalendarPractitionerOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    specialisation = serializers.CharField()


class CalendarServiceOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    color = serializers.CharField()
    duration_minutes = serializers.IntegerField()
    buffer_before_minutes = serializers.IntegerField()
    buffer_after_minutes = serializers.IntegerField()


class ScheduleOutput(serializers.Serializer[Any]):
    """A practitioner's day, between its two midnights."""

    date = serializers.DateField()
    practitioner = serializers.IntegerField()
    hours = IntervalOutput(many=True, help_text="working time, without breaks and closures")
    breaks = IntervalOutput(many=True, help_text="between two stretches of working time")
    closures = ClosureOutput(many=True, help_text="closed days and absences")
    exceptional = serializers.BooleanField(help_text="other hours than the weekly ones")
    exceptional_reason = serializers.CharField(help_text="may be empty")


class CalendarHoldOutput(IntervalOutput):
    """Time that is taken for the moment; nothing of whom."""

    id = serializers.IntegerField()
    practitioner = serializers.IntegerField()
    blocked_from = serializers.DateTimeField(help_text="`start` less the buffer before")
    blocked_until = serializers.DateTimeField(help_text="`end` and the buffer after")
    expires_at = serializers.DateTimeField()
    kind = serializers.ChoiceField(choices=HOLD_KINDS, help_text="why the time is taken")
    mine = serializers.BooleanField(help_text="made by you")


class CalendarOfferOutput(IntervalOutput):
    id = serializers.IntegerField()
    hold = serializers.IntegerField(help_text="the hold that keeps the time")
    practitioner = serializers.IntegerField()
    service_name = serializers.CharField(allow_null=True)
    patient = serializers.IntegerField(allow_null=True, help_text="null: the entry is not yours to see")
    patient_name = serializers.CharField(allow_null=True)
    told_at = serializers.DateTimeField(allow_null=True, help_text="from when on the patient knows")
    expires_at = serializers.DateTimeField()


class CalendarOutput(serializers.Serializer[Any]):
    """Everything on these days in one answer. Holds and visits change by the second: the streams tell of them."""

    timezone = serializers.CharField()
    to = serializers.DateField(help_text="the last day, included")
    as_of = serializers.DateTimeField(help_text="when it was so")
    practitioners = CalendarPractitionerOutput(many=True)
    services = CalendarServiceOutput(many=True)
    schedules = ScheduleOutput(many=True, help_text="one for each day and practitioner")
    appointments = AppointmentOutput(many=True, help_text="of every status, and those that last into the first day")
    holds = CalendarHoldOutput(many=True, help_text="that have not expired")
    offers = CalendarOfferOutput(many=True, help_text="open offers to the waitlist")

    def get_fields(self) -> dict[str, "serializers.Field[Any, Any, Any, Any]"]:
        return {"from": serializers.DateField(help_text="the first day"), **super().get_fields()}

    def to_representation(self, page: CalendarContents) -> dict[str, Any]:
        return present_calendar(page, user_id=self.context["user_id"])


class MonthDayOutput(serializers.Serializer[Any]):
    date = serializers.DateField()
    visits = serializers.IntegerField(help_text="without what was called off")
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="by status; those that occur")
    working_minutes = serializers.IntegerField(help_text="of all that are asked for")
    booked_minutes = serializers.IntegerField(help_text="of visits that take place or took place")
    utilisation = serializers.FloatField(allow_null=True, help_text="booked of working time; null: nobody works")
    full = serializers.BooleanField(help_text="no free slot is left in the hours ahead")
    closed = serializers.BooleanField(help_text="closures leave nobody at work")
    closed_reason = serializers.CharField(help_text="may be empty")


class CalendarMonthOutput(serializers.Serializer[Any]):
    month = serializers.CharField(help_text="2026-11")
    timezone = serializers.CharField()
    as_of = serializers.DateTimeField(help_text="when it was so")
    days = MonthDayOutput(many=True, help_text="all of the month")


def present_calendar(page: CalendarContents, *, user_id: int) -> dict[str, Any]:
    zone = zone_of(page.clinic.timezone)

    def span(interval: Interval) -> dict[str, Any]:
        return {"start": say_minute(interval.start, zone), "end": say_minute(interval.end, zone)}

    def schedule(day: date, practitioner_id: int, plan: DayPlan) -> dict[str, Any]:
        return {
            "date": day.isoformat(),
            "practitioner": practitioner_id,
            "hours": [span(one) for one in plan.hours],
            "breaks": [span(one) for one in plan.breaks],
            "closures": [
                {**span(one.interval), "whole_clinic": one.practitioner_id is None, "reason": one.reason}
                for one in plan.closures
            ],
            "exceptional": plan.other_hours is not None,
            "exceptional_reason": plan.other_hours or "",
        }

    offered = {offer.hold_id for offer in page.offers}
    return {
        "from": page.wanted.first_date.isoformat(),
        "to": page.wanted.last_date.isoformat(),
        "timezone": page.clinic.timezone,
        "as_of": say_instant(page.as_of, zone),
        "practitioners": [
            {"id": one.pk, "name": one.name, "specialisation": one.specialisation} for one in page.practitioners
        ],
        "services": [
            {
                "id": service.pk,
                "name": service.name,
                "color": service.color,
                "duration_minutes": service.duration_minutes,
                "buffer_before_minutes": service.buffer_before_minutes,
                "buffer_after_minutes": service.buffer_after_minutes,
            }
            for service in page.services
        ],
        "schedules": [
            schedule(day, practitioner_id, plan)
            for day, plans in page.plans.items()
            for practitioner_id, plan in plans.items()
        ],
        "appointments": [present_appointment(row) for row in page.appointments],
        "holds": [
            {
                "id": hold.pk,
                "practitioner": hold.practitioner_id,
                **span(Interval(hold.starts_at, hold.ends_at)),
                "blocked_from": say_minute(hold.blocked_from, zone),
                "blocked_until": say_minute(hold.blocked_until, zone),
                "expires_at": say_instant(hold.expires_at, zone),
                "kind": "offer" if hold.pk in offered else "undo" if hold.kept_for_undo else "hold",
                "mine": hold.user_id == user_id,
            }
            for hold in page.holds
        ],
        "offers": [
            {
                "id": offer.pk,
                "hold": offer.hold_id,
                "practitioner": offer.practitioner_id,
                **span(Interval(offer.starts_at, offer.ends_at)),
                "service_name": offer.service.name if offer.service is not None else None,
                "patient": None if offer.pk in page.hidden_recipients else offer.entry.patient_id,
                "patient_name": None if offer.pk in page.hidden_recipients else offer.entry.patient.name,
                "told_at": say_instant(offer.told_at, zone),
                "expires_at": say_instant(offer.expires_at, zone),
            }
            for offer in page.offers
        ],
    }


def present_month_day(day: MonthDay) -> dict[str, Any]:
    return {
        "date": day.date.isoformat(),
        "visits": day.visits,
        "counts": day.by_status,
        "working_minutes": day.load.working_minutes,
        "booked_minutes": day.load.booked_minutes,
        "utilisation": day.load.utilisation,
        "full": day.load.is_full,
        "closed": day.closed_for is not None,
        "closed_reason": ", ".join(day.closed_for or ()),
    }
