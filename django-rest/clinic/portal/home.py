"""Contents of the home page of each role and of the reports when they open; changes come from the stream."""

from datetime import datetime, timedelta
from textwrap import shorten
from typing import Any

from django.utils.translation import gettext as _

from clinic.accounts.models import Role, User
from clinic.appointments.models import Source
from clinic.appointments.services.briefs import brief_of
from clinic.clinic_setup.services.absences import conflicts_of, format_days
from clinic.common.instants import local_date_of, say_instant, zone_of
from clinic.common.public_links import mask_links
from clinic.messaging.queries import messages_visible_to
from clinic.outbox.models import DeliveryChannel, MessageState
from clinic.people.identities import practitioner_id_of
from clinic.scheduling.models import Absence
from clinic.scheduling.queries.clinics import own_clinic_of
from clinic.scheduling.queries.schedules import absences_visible_to, delays_on, list_absences
from clinic.waitlist.gap_views import present_gaps

MAX_FAILED = 20
MAX_SUBJECT = 120
FAILED_FOR = timedelta(days=7)


def home_of(user: User, *, now: datetime) -> dict[str, Any]:
    """For somebody who works at a clinic."""
    match user.role:
        case Role.OWNER:
            return owner_home(user, now=now)
        case Role.PRACTITIONER:
            return practitioner_home(user, now=now)
    return desk_home(user, now=now)


def desk_home(user: User, *, now: datetime) -> dict[str, Any]:
    """At most fifteen queries."""
    today = _today(user, now)
    return {
        "gaps": present_gaps(user, today, now)["gaps"],
        "failed": failed_deliveries(user, now=now),
        "absences": pending_absences(user, now=now),
        "delays": _delays(user, now),
    }


def practitioner_home(user: User, *, now: datetime) -> dict[str, Any]:
    return {
        "practitioner": practitioner_id_of(user),
        "delay": next((one["minutes"] for one in _delays(user, now)), 0),
        "absences": own_absences(user, now=now),
    }


def owner_home(user: User, *, now: datetime) -> dict[str, Any]:
    return {"absences": pending_absences(user, now=now), **reports_of(user, now=now)}


def reports_of(user: User, *, now: datetime) -> dict[str, Any]:
    """Names for charts. No query."""
    return {"today": _today(user, now).isoformat(), "sources": source_names()}


def source_names() -> dict[str, str]:
    return {
        Source.DESK: _("Desk"),
        Source.PATIENT: _("Patient’s account"),
        Source.GUEST: _("Without an account"),
        Source.WAITLIST: _("Waitlist"),
        Source.SERIES: _("Series"),
        Source.DEMO: _("Demo"),
    }


def failed_deliveries(user: User, *, now: datetime) -> list[dict[str, Any]]:
    """The newest of the last days that reached nobody. One query."""
    zone = zone_of(own_clinic_of(user).timezone)
    failed = messages_visible_to(user).filter(
        state__in=(MessageState.FAILED, MessageState.DEAD), created_at__gte=now - FAILED_FOR, withdrawn=False
    )
    failed = failed.exclude(channel=DeliveryChannel.IN_APP).select_related("appointment__patient")
    return [
        {
            "id": message.pk,
            "channel": message.channel,
            "patient": message.appointment.patient.name if message.appointment is not None else "",
            "recipient": message.recipient,
            "subject": message.subject or ("" if message.secret else _beginning_of(mask_links(message.body))),
            "at": say_instant(message.created_at, zone),
        }
        for message in failed[:MAX_FAILED]
    ]


def _beginning_of(text: str) -> str:
    """Cut between words."""
    return shorten(text, MAX_SUBJECT, placeholder=" …")


def pending_absences(user: User, *, now: datetime) -> list[dict[str, Any]]:
    absences = list(list_absences(user, states=[])[:MAX_FAILED])
    conflicts = conflicts_of(absences, now=now)
    return [
        {**_absence(absence, user), "conflicts": [brief_of(one, one.clinic) for one in conflicts.get(absence.pk, [])]}
        for absence in absences
    ]


def own_absences(user: User, *, now: datetime) -> list[dict[str, Any]]:
    own = absences_visible_to(user).filter(end_date__gte=_today(user, now)).exclude(state="withdrawn")
    return [_absence(absence, user) for absence in own.order_by("start_date", "id")[:MAX_FAILED]]


def _absence(absence: Absence, user: User) -> dict[str, Any]:
    return {
        "id": absence.pk,
        "practitioner_name": absence.practitioner.name,
        "days": format_days(absence, user.clinic.language if user.clinic is not None else "en"),
        "start_date": absence.start_date.isoformat(),
        "end_date": absence.end_date.isoformat(),
        "start": absence.start_local.strftime("%H:%M") if absence.start_local else None,
        "end": absence.end_local.strftime("%H:%M") if absence.end_local else None,
        "reason": absence.reason,
        "answer": absence.answer,
        "state": absence.state,
        "version": absence.version,
    }


def _delays(user: User, now: datetime) -> list[dict[str, Any]]:
    return [
        {"practitioner": one.practitioner_id, "name": one.practitioner.name, "minutes": one.minutes}
        for one in delays_on(user, _today(user, now))
    ]


def _today(user: User, now: datetime) -> Any:
    return local_date_of(now, zone_of(own_clinic_of(user).timezone))
