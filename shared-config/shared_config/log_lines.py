"""Safe log lines: one event is one line, and no secret or contact data is in it, whatever a message quotes.

Messages are written without such values in the first place. This is the net below: the text of a database error or of
a library may repeat what a request contained.
"""

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from traceback import extract_tb

from shared_config.addresses import REMEMBERED_ADDRESSES, counted_address

HIDDEN = "…"
# Ends a line for some reader of logs, or moves a terminal's cursor.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
WORD = r"[A-Za-z0-9_-]"
SECRETS = re.compile(
    "|".join(
        (
            # References, tickets and tokens: long, random, from the alphabet of addresses.
            rf"(?<!{WORD})(?={WORD}*\d)(?={WORD}*[A-Za-z]){WORD}{{20,}}",
            rf"(?<!{WORD})(?={WORD}*[a-z])(?={WORD}*[A-Z]){WORD}{{20,}}",
            # Phone numbers, as E.164 or as dialled.
            r"(?<![\w.])(?:\+|0)[\d(][\d ()/-]{5,}\d(?!\w)",
            r"(?<![\w.])\d{9,}(?!\w)",
            r"[^\s@'\"<>]+@[^\s@'\"<>]+",
            # Queries, and values that the database repeats.
            r"(?<=\?)[^\s'\"<>]*=[^\s'\"<>]*",
            r"(?<=Duplicate entry ').*(?=' for key)",
        )
    )
)
HASH_BYTES = 6


def loggable(text: str) -> str:
    """The text on one line, without secrets."""
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), SECRETS.sub(HIDDEN, text))


def exception_lines(error: BaseException) -> Iterator[str]:
    """Traceback of an error and of its causes, the oldest first. Indented, so that no line passes for an event."""
    for part in reversed(list(_causes(error))):
        for frame in extract_tb(part.__traceback__):
            yield f"  {frame.filename}:{frame.lineno} in {frame.name}: {frame.line}"
        yield f"  {type(part).__module__}.{type(part).__qualname__}: {loggable(str(part))}"


@lru_cache(maxsize=REMEMBERED_ADDRESSES)
def address_hash(address: str, *, key: bytes, day: date) -> str:
    """Short hash by which the requests of one client are found together, for one day. Keyed: addresses are few enough
    to try all."""
    text = f"{day.isoformat()} {counted_address(address)}"
    return blake2b(text.encode(), key=blake2b(key).digest(), digest_size=HASH_BYTES).hexdigest()


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    part: BaseException | None = error
    while part is not None and id(part) not in seen:
        seen.add(id(part))
        yield part
        part = part.__cause__ or (None if part.__suppress_context__ else part.__context__)
