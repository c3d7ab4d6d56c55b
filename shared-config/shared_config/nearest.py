"""Pure: the known name that somebody probably meant."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

MAX_SHOWN = 60


def suggestion(name: str, known: Collection[str], *, kind: str = "field") -> str:
    """A sentence that says what is wrong with `name` and names the nearest of `known`, or all if none is near."""
    shown = name if len(name) <= MAX_SHOWN else f"{name[:MAX_SHOWN]}…"
    problem = f"`{shown}` is not a known {kind}."
    if not known:
        return f"{problem} None is known here."
    nearest = nearest_of(name, known)
    if nearest is not None:
        return f"{problem} Did you mean `{nearest}`?"
    return f"{problem} Known here: {listed(known)}."


def nearest_of(name: str, known: Iterable[str]) -> str | None:
    """None if no known name resembles it. `dryRun` and `dry-run` resemble `dry_run`; a part resembles the whole."""
    plain_names = {_plain(one): one for one in sorted(known)}
    plain = _plain(name)[:MAX_SHOWN]
    close = get_close_matches(plain, plain_names, n=1, cutoff=0.6)
    if close:
        return plain_names[close[0]]
    whole = [one for one in plain_names if len(one) > 2 and len(plain) > 2 and (one in plain or plain in one)]
    return plain_names[max(whole, key=len)] if whole else None


def listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
