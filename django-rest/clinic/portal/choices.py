"""Choices that several forms offer."""

from django.conf import settings
from django.utils.translation import gettext_lazy

# The first is stored as an empty text.
LANGUAGE_CHOICES = [("", gettext_lazy("The clinic’s")), *settings.LANGUAGES]
