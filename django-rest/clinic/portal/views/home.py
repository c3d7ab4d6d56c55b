"""The first page of each role, and the reports."""

from typing import Any

from clinic.accounts.models import DESK_ROLES, Role
from clinic.common import clock
from clinic.portal.home import desk_home, home_of, reports_of
from clinic.portal.pages import ClinicPage

TEMPLATES = {
    Role.OWNER: "portal/home/owner.html",
    Role.STAFF: "portal/home/desk.html",
    Role.PRACTITIONER: "portal/home/practitioner.html",
}


class HomePage(ClinicPage):
    section = "home"

    def get_template_names(self) -> list[str]:
        return [TEMPLATES[Role(self.user.role)]]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(page=home_of(self.user, now=clock.now()), **kwargs)


class DeskHomePage(ClinicPage):
    """The desk's home, for an owner who works there."""

    section = "home"
    roles = DESK_ROLES
    template_name = "portal/home/desk.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(page=desk_home(self.user, now=clock.now()), **kwargs)


class ReportsPage(ClinicPage):
    section = "reports"
    roles = DESK_ROLES
    template_name = "portal/home/reports.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(page=reports_of(self.user, now=clock.now()), **kwargs)
