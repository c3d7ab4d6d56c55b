"""Addresses that messages tell: the page of a visit, the page of an offer. Whoever has one sees what it names, so
that no log and no list shows one."""

import re

from django.conf import settings

LINK = re.compile(r"(/(?:a|offer|wall)/)[A-Za-z0-9_-]{16,}")


def visit_address(reference: str) -> str:
    """Empty without PUBLIC_URL."""
    return _address(f"/a/{reference}")


def offer_address(token: str) -> str:
    """Empty without PUBLIC_URL."""
    return _address(f"/offer/{token}")


def mask_links(text: str) -> str:
    return LINK.sub(r"\1…", text)


def _address(path: str) -> str:
    public_url: str | None = settings.SHARED.public_url
    return f"{public_url}{path}" if public_url else ""
