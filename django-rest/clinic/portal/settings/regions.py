"""Names of countries."""

from functools import cache
from importlib.resources import files


@cache
def region_names() -> dict[str, str]:
    """By ISO 3166 code, from the table in the locked `tzdata`; a browser shows them in the reader's language."""
    lines = (files("tzdata") / "zoneinfo" / "iso3166.tab").read_text().splitlines()
    pairs = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {line[0]: line[1] for line in pairs}
