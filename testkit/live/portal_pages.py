"""Every page of the portal, taken from Django's addresses, so that none is forgotten."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from clinic.portal.pages import ClinicPage, Page
from clinic.portal.views.account_base import AccountPage
from config.urls import urlpatterns
from django.urls import URLPattern
from django.views.generic import RedirectView

from testkit.live.people import SignedIn
from testkit.live.stack import LiveStack

# A part of a page, a file, and JSON.
PARTS = {"a/<slug:reference>/card", "a/<slug:reference>/visit.ics", "wall/<slug:wall_token>/facts"}
# The same address in another form, or as another role sees it.
VARIANTS = [
    ("calendar", "?view=week", "owner"),
    ("calendar", "?view=month", "owner"),
    ("calendar", "", "practitioner"),
    ("home", "", "staff"),
    ("home", "", "practitioner"),
    ("board", "?wall", "owner"),
]


@dataclass(frozen=True)
class PortalPage:
    """`role` opens it; empty: before signing in."""

    route: str
    role: str
    query: str = ""
    status: int = 200

    @property
    def name(self) -> str:
        parts = (self.route or "start", self.query.strip("?"), self.role or "nobody")
        return " ".join(part for part in parts if part)

    @property
    def file_name(self) -> str:
        """The owner's has no role in its name."""
        parts = (self.route, self.query.strip("?"), "" if self.role in ("", "owner") else self.role)
        return re.sub(r"[^a-z0-9]+", "-", " ".join(parts)).strip("-") or "start"


def is_page(pattern: URLPattern) -> bool:
    view: Any = getattr(pattern.callback, "view_class", None)
    if view is None or not issubclass(view, Page) or issubclass(view, RedirectView):
        return False
    if str(pattern.pattern) in PARTS:
        return False
    return "get" in view.http_method_names and hasattr(view, "get")


def role_of(pattern: URLPattern) -> str:
    view: Any = pattern.callback.view_class  # type: ignore[attr-defined]
    if issubclass(view, AccountPage):
        return "patient"
    if not issubclass(view, ClinicPage):
        return ""
    return next(role for role in ("owner", "staff", "practitioner") if role in {str(one) for one in view.roles})


def portal_pages() -> list[PortalPage]:
    patterns = [pattern for pattern in urlpatterns if isinstance(pattern, URLPattern) and is_page(pattern)]
    routes = {str(pattern.pattern): role_of(pattern) for pattern in patterns}
    pages = [PortalPage(route, role) for route, role in routes.items()]
    pages += [PortalPage(route, role, query) for route, query, role in VARIANTS if route in routes]
    return [
        *pages,
        PortalPage("board", "patient", status=403),
        PortalPage("no/such/page", "owner", status=404),
        # As a link to a patient of another clinic.
        PortalPage("patients/999999", "owner", status=404),
    ]


@dataclass
class Rows:
    """Values for the parameters of the addresses, read as the first page asks for them."""

    stack: LiveStack

    @cached_property
    def values(self) -> dict[str, Any]:
        with SignedIn(self.stack, "owner") as owner:
            # The last one in the diary is still to come.
            visit = owner.get("/api/v1/appointments", status="confirmed", ordering="-start")["results"][0]
            return {
                "practitioner_id": owner.get("/api/v1/practitioners")["results"][0]["id"],
                "service_id": owner.get("/api/v1/services")["results"][0]["id"],
                "patient_id": visit["patient"],
                "visit_id": visit["id"],
                "user_id": owner.get("/api/v1/staff")["results"][-1]["id"],
                "exception_id": closure_of(owner),
                "template": "reminder",
                "channel": "sms",
                "language": "en",
                "reference": visit["reference"],
                "token": offer_of(owner),
                "slug": owner.get("/api/v1/clinic")["slug"],
                "wall_token": wall_of(owner),
            }

    @cached_property
    def own(self) -> dict[str, Any]:
        """A patient's: a visit that is ahead, and somebody of the family."""
        with SignedIn(self.stack, "patient") as patient:
            family = patient.get("/api/v1/users/me/family")["results"]
            if not family:
                family = [patient.post("/api/v1/users/me/family", {"name": "Mia Berg"}).raise_for_status().json()]
            return {"visit_id": visit_ahead_of(patient), "member_id": family[0]["id"]}

    def address(self, page: PortalPage) -> str:
        def value(found: re.Match[str]) -> str:
            return str((self.own if page.role == "patient" and "<" in page.route else self.values)[found[1]])

        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", value, page.route) + page.query


def visit_ahead_of(patient: SignedIn) -> int:
    ahead = [
        one["id"] for one in patient.get("/api/v1/appointments")["results"] if one["status"] in ("confirmed", "pending")
    ]
    if ahead:
        return int(ahead[-1])
    slot = patient.get("/api/v1/slots/soonest")["slots"][-1]
    own = patient.get("/api/v1/users/me")["patient"]
    wish = {"patient": own, "practitioner": slot["practitioners"][0]["id"], "start": slot["start"]}
    return int(patient.post("/api/v1/appointments", wish).raise_for_status().json()["id"])


def closure_of(owner: SignedIn) -> int:
    listed = owner.get("/api/v1/schedule-exceptions")["results"]
    if listed:
        return int(listed[0]["id"])
    made = owner.post("/api/v1/schedule-exceptions", {"start_date": "2031-05-01", "reason": "Spring clean"})
    return int(made.raise_for_status().json()["id"])


def wall_of(owner: SignedIn) -> str:
    made = owner.post("/api/v1/devices", {"name": "Waiting room", "kind": "waiting_room"})
    return str(made.raise_for_status().json()["token"])


def offer_of(owner: SignedIn) -> str:
    """The token of an offer that is open."""
    open_ones = [entry["offer"] for entry in owner.get("/api/v1/waitlist")["results"] if entry["offer"]]
    if open_ones:
        return str(open_ones[0]["token"])
    slot = owner.get("/api/v1/slots/soonest")["slots"][0]
    wish = {"patient": owner.new_patient(), "first_date": slot["date"], "last_date": slot["date"]}
    entry = owner.post("/api/v1/waitlist", wish).raise_for_status().json()
    given = {"practitioner": slot["practitioners"][0]["id"], "start": slot["start"]}
    offered = owner.post(f"/api/v1/waitlist/{entry['id']}/offer", given).raise_for_status().json()
    return str(offered["offer"]["token"])


def by_role(pages: list[PortalPage]) -> Iterator[tuple[str, list[PortalPage]]]:
    for role in dict.fromkeys(page.role for page in pages):
        yield role, [page for page in pages if page.role == role]
