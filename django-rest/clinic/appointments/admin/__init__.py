"""The admin over the same services as the API: nothing about an appointment or a schedule is changed around them."""

from clinic.appointments.admin import appointments, clinics, history, practitioners, series

__all__ = ["appointments", "clinics", "history", "practitioners", "series"]
