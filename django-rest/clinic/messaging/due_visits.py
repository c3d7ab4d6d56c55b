"""Visits of all clinics whose reminder may be due, found by two queries."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, CharField, Exists, F, Func, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Concat

from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment, Source
from clinic.common.instants import is_known_zone, zone_of
from clinic.messaging.due import Window, leads_of, windows_of
from clinic.outbox.models import Message
from clinic.outbox.quiet import is_quiet
from clinic.scheduling.models import Clinic, reminder_minutes_in

# Visits found by one query. The more, the fewer transactions: those of one clinic share one.
MAX_FOUND = 100_000
NOWHERE = Q(pk__in=())


@dataclass(frozen=True, slots=True)
class FoundVisit:
    clinic_id: int
    starts_at: datetime
    pk: int


@dataclass(frozen=True, slots=True)
class ReminderPolicies:
    """State of this moment. `windows`: by the text of a clinic's leads. `asleep`: of clinics in their quiet hours."""

    windows: Mapping[str, list[Window]]
    asleep: Q

    @classmethod
    def read(cls, *, now: datetime) -> "ReminderPolicies":
        """One query, which answers each policy once, however many clinics have it."""
        columns = ("reminder_minutes", "timezone", "quiet_from", "quiet_until")
        policies = list(Clinic.objects.order_by().values_list(*columns).distinct())
        asleep = NOWHERE
        for zone, quiet_from, quiet_until in {(zone, *quiet) for _, zone, *quiet in policies}:
            if is_known_zone(zone) and is_quiet(
                now, zone=zone_of(zone), quiet_from=quiet_from, quiet_until=quiet_until
            ):
                asleep |= Q(clinic__timezone=zone, clinic__quiet_from=quiet_from, clinic__quiet_until=quiet_until)
        leads = {text: leads_of(reminder_minutes_in(text)) for text, *_ in policies}
        return cls({text: windows_of(of_text, now=now) for text, of_text in leads.items()}, asleep)


def find_visits(policies: ReminderPolicies) -> Iterator[list[FoundVisit]]:
    """Confirmed visits within a window of their clinic whose reminder was not queued. One query per `MAX_FOUND`."""
    windows = [(text, window) for text, of_text in policies.windows.items() for window in of_text]
    if not windows:
        return
    waiting = _waiting(windows, policies.asleep)
    after = Q()
    while True:
        found = [
            FoundVisit(clinic_id, starts_at, pk)
            for clinic_id, starts_at, pk in waiting.filter(after).values_list("clinic_id", "starts_at", "pk")[
                :MAX_FOUND
            ]
        ]
        yield found
        if len(found) < MAX_FOUND:
            return
        # On from here: one that cannot be told, or is just being changed, is not asked for again in this round.
        last = found[-1]
        after = Q(starts_at__gt=last.starts_at) | Q(starts_at=last.starts_at, pk__gt=last.pk)


def _waiting(windows: list[tuple[str, Window]], asleep: Q) -> QuerySet[Appointment]:
    """In order of their start, by the index of status and start."""
    whens = [
        When(
            clinic__reminder_minutes=text,
            starts_at__gt=window.after,
            starts_at__lte=window.until,
            then=Value(str(window.lead_minutes)),
        )
        for text, window in windows
    ]
    start = Func(F("starts_at"), Value("%Y%m%dT%H%i"), function="DATE_FORMAT", output_field=CharField())
    key = Concat(Value("reminder:"), F("pk"), Value(":"), start, Value(":"), F("lead"), output_field=CharField())
    confirmed = Appointment.objects.filter(
        status=Status.CONFIRMED,
        starts_at__gt=min(window.after for _, window in windows),
        starts_at__lte=max(window.until for _, window in windows),
    ).exclude(source=Source.DEMO)
    within = confirmed.annotate(lead=Case(*whens, output_field=CharField())).filter(lead__isnull=False)
    was_queued = Exists(Message.objects.filter(unique_key=OuterRef("key")))
    return within.exclude(asleep).annotate(key=key).exclude(was_queued).order_by("starts_at", "pk")
