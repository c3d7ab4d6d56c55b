"""The calendar: day, week and month."""

from typing import Any

from clinic.portal.calendar import calendar_page_for
from clinic.portal.pages import ClinicPage


class CalendarPage(ClinicPage):
    template_name = "portal/calendar.html"
    section = "calendar"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(calendar=calendar_page_for(self.user), **kwargs)
