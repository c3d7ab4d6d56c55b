"""The clinic's set-up in the admin, over the same services as the API."""

from clinic.clinic_setup.admin import clinics, offered_services, practitioners

__all__ = ["clinics", "offered_services", "practitioners"]
