"""The admin over the same services as the API."""

from clinic.people.admin import accounts, patients

__all__ = ["accounts", "patients"]
