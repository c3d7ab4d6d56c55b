"""Tags for the head of every page: the import map, and the words of its scripts."""

from django import template
from django.utils import translation
from django.utils.safestring import SafeString, mark_safe

from clinic.portal import import_map as made
from clinic.portal.views.language import words_address

register = template.Library()


@register.simple_tag
def import_map() -> SafeString:
    # Made of file names alone; escaped, it would not be JSON.
    return mark_safe(f'<script type="importmap">{made.import_map()}</script>')  # noqa: S308


@register.simple_tag
def words_script() -> str:
    """The address of the words of the page's language."""
    return words_address(translation.get_language() or "en")
