"""Values in scripts that are files."""

import json
from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.filter
def as_json(value: Any) -> SafeString:
    return mark_safe(json.dumps(value))  # noqa: S308 - no HTML: a file of its own, of our own values
