"""A clinic by django-rest's own models and services. Needs Django to be set up."""
