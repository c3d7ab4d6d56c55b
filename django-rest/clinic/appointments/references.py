"""Pure: the reference by which a visit's address is made. Whoever knows it sees the visit."""

import secrets
from typing import Any

from django.db.models import Func, Value

LENGTH = 22
RANDOM_BYTES = 18  # Make 24 characters.


def new_reference() -> str:
    return secrets.token_urlsafe(RANDOM_BYTES)[:LENGTH]


def reference_by_the_database() -> Func:
    """The same, for rows that others write. A new one for each row."""
    letters: Any = Func(Func(Value(RANDOM_BYTES), function="RANDOM_BYTES"), function="TO_BASE64")
    for character, in_addresses in (("+", "-"), ("/", "_")):
        letters = Func(letters, Value(character), Value(in_addresses), function="REPLACE")
    return Func(letters, Value(LENGTH), function="LEFT")
