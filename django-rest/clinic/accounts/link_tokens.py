"""Tokens of links in mails: random, and hashed where they are kept."""

import hashlib
import secrets
from urllib.parse import urlencode

from django.conf import settings

from clinic.common.errors import InvalidRequest


class LinkNotValid(InvalidRequest):
    code = "link_not_valid"
    detail = "This link has been used or has expired. Have a new one sent."
    attr = "token"


def new_token() -> str:
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    # 256 random bits: a plain hash cannot be guessed back.
    return hashlib.sha256(token.encode()).hexdigest()


def link_to(page: str, token: str) -> str:
    """A page of ours; empty where the outside's address of it is not known."""
    public_url = settings.SHARED.public_url
    return f"{public_url}{page}?{urlencode({'token': token})}" if public_url else ""
