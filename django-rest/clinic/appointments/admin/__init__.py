"""The admin over the same services as the API: nothing about an appointment is changed around them."""

from clinic.appointments.admin import appointments, history, series

__all__ = ["appointments", "history", "series"]
