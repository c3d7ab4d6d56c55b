"""Paths of older front ends. Each is the main API's view under another name."""

from django.urls import URLPattern, path

from clinic.accounts import views as accounts
from clinic.appointments.views import holds, lookups, series
from clinic.clinic_setup.views import clinic, schedules
from clinic.people.views import patients
from clinic.scheduling import views as scheduling

URLS: list[URLPattern] = [
    path("profiles/me", patients.OwnProfileView.as_view()),
    path("profiles/me/photo", accounts.OwnPhotoView.as_view()),
    path("doctors", clinic.PractitionerListView.as_view()),
    path("doctors/<int:practitioner_id>", clinic.PractitionerView.as_view()),
    path("doctors/<int:practitioner_id>/slots", scheduling.PractitionerSlotsView.as_view()),
    path("profiles/dentists", clinic.PractitionerListView.as_view()),
    path("profiles/dentists/<int:practitioner_id>", clinic.PractitionerView.as_view()),
    path("availability/<int:practitioner_id>", schedules.AvailabilityView.as_view()),
    path("availability/<int:practitioner_id>/slots", scheduling.PractitionerSlotsView.as_view()),
    path("availability/reserve", holds.HoldListView.as_view()),
    path("availability/reserve/<int:hold_id>", holds.HoldView.as_view()),
    path("appointments/stats/doctor/<int:practitioner_id>", lookups.PractitionerStatisticsView.as_view()),
    path("series/<int:series_id>", series.SeriesView.as_view()),
]
