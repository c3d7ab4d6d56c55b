"""The frame of a clinic's pages: its navigation, and what its scripts are told when a page opens."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.accounts.models import CLINIC_ROLES, DESK_ROLES, Role, User
from clinic.common.errors import UnknownTimeZone
from clinic.common.instants import say_instant, zone_of
from clinic.outbox.wording import uses_twelve_hours
from clinic.portal.board import status_names
from clinic.scheduling.models import Clinic, clock_of
from clinic.scheduling.queries.clinics import own_clinic_of

NOBODY_YET = 0  # Stands in an address for the number of a patient.


@dataclass(frozen=True, slots=True)
class Section:
    """An entry of the navigation; `route` is the name of its page."""

    name: str
    route: str
    label: Any
    icon: str
    roles: Collection[str] = CLINIC_ROLES


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    label: str
    icon: str
    href: str


SECTIONS = (
    Section("board", "board", gettext_lazy("Board"), "board"),
    Section("calendar", "calendar", gettext_lazy("Calendar"), "calendar"),
    Section("patients", "patients", gettext_lazy("Patients"), "people"),
    Section("waitlist", "waitlist", gettext_lazy("Waitlist"), "wait"),
    Section("messages", "messages", gettext_lazy("Messages"), "message", DESK_ROLES),
    Section("reports", "reports", gettext_lazy("Reports"), "chart", DESK_ROLES),
    Section("settings", "settings", gettext_lazy("Settings"), "settings", (Role.OWNER,)),
)


def navigation_for(user: User) -> list[Entry]:
    """Pages that the user may open, in their order."""
    entries = []
    for section in SECTIONS:
        href = address_of(section.route)
        if href is not None and user.role in section.roles:
            entries.append(Entry(section.name, str(section.label), section.icon, href))
    return entries


def home_for(user: User | None) -> str:
    """The page to which signing in leads."""
    if user is None:
        return reverse("sign-in")
    if user.clinic is None:
        return reverse("admin:index")
    if user.role in CLINIC_ROLES:
        return address_of("home") or reverse("board")
    return reverse("me")


def address_of(route: str, *args: Any) -> str | None:
    """None: the page is not there."""
    try:
        return reverse(route, args=args)
    except NoReverseMatch:
        return None


def may_book(user: User) -> bool:
    return user.clinic is not None and user.role in DESK_ROLES


def frame_for(user: User, *, now: datetime, needs_zone: bool = True) -> dict[str, Any]:
    """For somebody who works at a clinic. No query. Raises UnknownTimeZone; a page that needs no zone gets UTC."""
    clinic = own_clinic_of(user)
    try:
        zone = zone_of(clinic.timezone)
    except UnknownTimeZone:
        if needs_zone:
            raise
        zone = zone_of("UTC")
    pages = [{"label": entry.label, "icon": entry.icon, "href": entry.href} for entry in navigation_for(user)]
    home = address_of("home")
    return {
        "clinic": {
            "id": clinic.pk,
            "name": clinic.name,
            "timezone": zone.key,
            "twelveHours": uses_twelve_hours(zone=zone, **clock_of(clinic)),
            "slotMinutes": clinic.slot_minutes,
            "undoSeconds": clinic.undo_seconds,
            "usesWaitlist": clinic.waitlist_mode != "off",
        },
        "locale": locale_of(clinic.phone_region),
        "now": say_instant(now, zone),
        "person": {"id": user.pk, "name": user.name, "role": user.role},
        "mayBook": may_book(user),
        "pages": [*([{"label": _("Home"), "icon": "home", "href": home}] if home else []), *pages],
        "patientPage": address_of("patient", NOBODY_YET),
        "statuses": status_names(),
        "stream": settings.SHARED.stream_url or "",
        "heartbeatSeconds": settings.SHARED.sse_heartbeat_seconds,
        "token": reverse("board-token"),
        "signIn": reverse("sign-in"),
    }


def patient_frame_for(clinic: Clinic, *, now: datetime) -> dict[str, Any]:
    """Facts for the scripts of a patient's page: nothing that the clinic's public part does not say. No query."""
    zone = zone_of(clinic.timezone)
    return {
        "clinic": {
            "id": clinic.pk,
            "name": clinic.name,
            "slug": clinic.slug,
            "timezone": zone.key,
            "twelveHours": uses_twelve_hours(zone=zone, **clock_of(clinic)),
            "phone": clinic.phone,
        },
        "locale": locale_of(clinic.phone_region),
        "now": say_instant(now, zone),
        "stream": settings.SHARED.stream_url or "",
        "heartbeatSeconds": settings.SHARED.sse_heartbeat_seconds,
    }


def locale_of(region: str) -> str:
    """Of dates and numbers: the page's language as it is written in the clinic's country."""
    language = translation.get_language() or "en"
    return f"{language.partition('-')[0]}-{region}" if region else language
