from typing import Any

from rest_framework import serializers

from clinic.appointments.figures import Answers
from clinic.appointments.reports import Figures, Period, Report, ReportFilter
from clinic.scheduling.models import Clinic


class ReportInput(serializers.Serializer[Any]):
    to = serializers.DateField(required=False, help_text="last day, included; today if it is not given")
    practitioner = serializers.IntegerField(required=False, min_value=1, help_text="of this practitioner alone")

    def get_fields(self) -> dict[str, "serializers.Field[Any, Any, Any, Any]"]:
        # "from" is a word of Python's.
        first = serializers.DateField(
            required=False, help_text="first day; the first of the month if it is not given; 366 days at most"
        )
        return {**super().get_fields(), "from": first}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {"wanted": ReportFilter(attrs.get("from"), attrs.get("to"), attrs.get("practitioner"))}


class FiguresOutput(serializers.Serializer[Any]):
    visits = serializers.IntegerField(help_text="all visits of these days")
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="visits by status")
    booked_minutes = serializers.IntegerField(help_text="time of agreed visits, missed ones too, with buffers")
    available_minutes = serializers.IntegerField(help_text="working time, by the hours as they are written now")
    utilisation = serializers.FloatField(allow_null=True, help_text="booked of available time; null: no hours")
    no_show_rate = serializers.FloatField(allow_null=True, help_text="missed, of those completed or missed")
    cancelled_share = serializers.FloatField(allow_null=True, help_text="cancelled, of all but the rejected")


class WeekOutput(FiguresOutput):
    week = serializers.DateField(help_text="the Monday; a week counts with its days in the range")


class PractitionerFiguresOutput(FiguresOutput):
    practitioner = serializers.IntegerField(help_text="id of the practitioner")
    practitioner_name = serializers.CharField()
    active = serializers.BooleanField(help_text="false: works here no more, and has no available time")
    before = FiguresOutput(help_text="of the period before")


class ReportCellOutput(serializers.Serializer[Any]):
    week = serializers.DateField(help_text="the Monday")
    practitioner = serializers.IntegerField(help_text="id of the practitioner")
    booked_minutes = serializers.IntegerField(help_text="time of agreed visits, with buffers")
    available_minutes = serializers.IntegerField(help_text="working time")
    utilisation = serializers.FloatField(allow_null=True, help_text="booked of available time; null: no hours")


class AnswersOutput(serializers.Serializer[Any]):
    received = serializers.IntegerField(help_text="requests that came on these days")
    answered = serializers.IntegerField(help_text="approved, rejected or cancelled by the clinic")
    expired = serializers.IntegerField(help_text="not decided before their start")
    withdrawn = serializers.IntegerField(help_text="cancelled by the patient before an answer")
    waiting = serializers.IntegerField(help_text="not answered yet")
    median_minutes = serializers.IntegerField(allow_null=True, help_text="half of the answers came within; null: none")
    ninety_percent_minutes = serializers.IntegerField(
        allow_null=True, help_text="nine of ten answers came within; null: none"
    )


class WaitlistFilledOutput(serializers.Serializer[Any]):
    visits = serializers.IntegerField(help_text="agreed visits booked from the waitlist")
    minutes = serializers.IntegerField(help_text="their treatment time")


class PeriodFiguresOutput(serializers.Serializer[Any]):
    first_date = serializers.DateField()
    last_date = serializers.DateField()
    figures = FiguresOutput(help_text="of all days")
    requests = AnswersOutput(help_text="requests and how soon they were answered")
    sources = serializers.DictField(child=serializers.IntegerField(), help_text="visits by source")
    waitlist = WaitlistFilledOutput(help_text="freed time that the waitlist filled")


class ReportOutput(serializers.Serializer[Any]):
    timezone = serializers.CharField(help_text="the clinic's: its days and hours are meant")
    practitioner = serializers.IntegerField(allow_null=True, help_text="null: of everybody")
    current = PeriodFiguresOutput(help_text="of the days asked for")
    before = PeriodFiguresOutput(
        help_text="as many whole months before, where whole months are asked for; else as many days"
    )
    weeks = WeekOutput(many=True, help_text="in order")
    weeks_before = WeekOutput(many=True, help_text="of the period before, in order")
    by_practitioner = PractitionerFiguresOutput(many=True, help_text="by name")
    cells = ReportCellOutput(many=True, help_text="by week and practitioner, where there is time or a visit")
    heat_map = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField()),
        help_text="agreed visits that begin in each hour of the day, 24 for each weekday, Monday first",
    )


def present_report(report: Report, clinic: Clinic, wanted: ReportFilter) -> dict[str, Any]:
    before = report.previous.of_practitioner
    of_practitioner = report.current.of_practitioner
    return {
        "timezone": clinic.timezone,
        "practitioner": wanted.practitioner_id,
        "current": _present_period(report.current),
        "before": _present_period(report.previous),
        "weeks": _present_weeks(report.current),
        "weeks_before": _present_weeks(report.previous),
        "by_practitioner": [
            {
                "practitioner": one.pk,
                "practitioner_name": one.name,
                "active": one.active,
                **_present(of_practitioner.get(one.pk, Figures())),
                "before": _present(before.get(one.pk, Figures())),
            }
            for one in report.practitioners
        ],
        "cells": [
            {"week": week.isoformat(), "practitioner": practitioner_id, **_present_time(figures)}
            for (week, practitioner_id), figures in sorted(report.current.cells.items())
        ],
        "heat_map": report.heat_map,
    }


def _present_weeks(period: Period) -> list[dict[str, Any]]:
    return [{"week": week.isoformat(), **_present(figures)} for week, figures in period.of_week.items()]


def _present_period(period: Period) -> dict[str, Any]:
    total = period.total
    return {
        "first_date": period.days.first.isoformat(),
        "last_date": period.days.last.isoformat(),
        "figures": _present(total),
        "requests": _present_answers(period.answers),
        "sources": total.by_source,
        "waitlist": {"visits": total.waitlist_visits, "minutes": total.waitlist_minutes},
    }


def _present(figures: Figures) -> dict[str, Any]:
    return {
        "visits": figures.total,
        "counts": figures.by_status,
        **_present_time(figures),
        "no_show_rate": figures.no_show_rate,
        "cancelled_share": figures.cancelled_share,
    }


def _present_time(figures: Figures) -> dict[str, Any]:
    return {
        "booked_minutes": figures.booked_minutes,
        "available_minutes": figures.available_minutes,
        "utilisation": figures.utilisation,
    }


def _present_answers(answers: Answers) -> dict[str, Any]:
    return {
        "received": answers.received,
        "answered": answers.answered,
        "expired": answers.expired,
        "withdrawn": answers.withdrawn,
        "waiting": answers.waiting,
        "median_minutes": answers.minutes_of_share(0.5),
        "ninety_percent_minutes": answers.minutes_of_share(0.9),
    }


def csv_rows(report: Report) -> tuple[list[str], list[dict[str, Any]]]:
    """The columns, and a row for each week and practitioner: their sums are the report's."""
    names = {one.pk: one.name for one in report.practitioners}
    rows = [
        {
            "week": week.isoformat(),
            "practitioner": practitioner_id,
            "practitioner_name": names.get(practitioner_id, ""),
            "visits": figures.total,
            **_present_time(figures),
            **{f"status_{name}": count for name, count in figures.by_status.items()},
            **{f"source_{name}": count for name, count in figures.by_source.items()},
            "waitlist_minutes": figures.waitlist_minutes,
        }
        for (week, practitioner_id), figures in sorted(report.current.cells.items())
    ]
    empty = Figures()
    columns = ["week", "practitioner", "practitioner_name", "visits", *_present_time(empty)]
    columns += [f"status_{name}" for name in empty.by_status] + [f"source_{name}" for name in empty.by_source]
    return [*columns, "waitlist_minutes"], rows
