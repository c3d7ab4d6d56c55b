"""Pure: a clinic's own words, with `{names}` where what is told of stands. Nothing else in them means anything."""

import re
from collections.abc import Collection, Mapping

PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def fill(text: str, values: Mapping[str, object]) -> str:
    """A name without a value says nothing; a line that has names, and all of them say nothing, is left out."""
    lines = (_fill_line(line, values) for line in text.split("\n"))
    return "\n".join(line for line in lines if line is not None)


def faults_in(text: str, known: Collection[str]) -> list[str]:
    """Why these words cannot be used; empty when they can."""
    unknown = [name for name in dict.fromkeys(PLACEHOLDER.findall(text)) if name not in known]
    faults = [f"{{{name}}} is not known here." for name in unknown]
    rest = PLACEHOLDER.sub("", text)
    if "{" in rest or "}" in rest:
        faults.append("Braces stand only around the name of a placeholder.")
    if faults:
        faults.append(f"Known here: {', '.join(f'{{{name}}}' for name in known)}.")
    return faults


def _fill_line(line: str, values: Mapping[str, object]) -> str | None:
    said = {name: _say(values.get(name)) for name in PLACEHOLDER.findall(line)}
    if said and not any(said.values()):
        return None
    # Values are not searched: braces in them are their own.
    return PLACEHOLDER.sub(lambda found: said[found[1]], line)


def _say(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(_say(one) for one in value)
    if isinstance(value, Mapping):
        return ", ".join(filter(None, map(_say, value.values())))
    return str(value)
