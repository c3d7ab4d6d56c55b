"""The design system's colours can be told apart and read, in both schemes: WCAG 2.2, 1.4.3 and 1.4.11."""

import colorsys
import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from clinic.appointments.lifecycle import Status
from django.conf import settings

from testkit.each import for_each

TOKENS = (Path(__file__).resolve().parents[2] / "clinic/portal/static/portal/tokens.css").read_text()
COLOURS = {
    name: (light, dark)
    for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", TOKENS)
}
SCHEMES = {"light": 0, "dark": 1}
BACKGROUNDS = ("canvas", "surface", "raised", "sunken")
READ = [
    *((ink, on) for ink in ("text", "muted", "primary", "danger") for on in BACKGROUNDS),
    ("on-primary", "primary"),
    ("on-primary", "primary-strong"),
    ("text", "primary-tint"),
    ("danger", "danger-tint"),
    ("warning", "warning-tint"),
    ("canvas", "text"),
    ("checked_in-ink", "surface"),
    *((f"{status}-ink", f"{status}-tint") for status in Status),
]
SEEN = [
    *((f"{status}-edge", on) for status in Status for on in ("surface", "canvas")),
    *(("line-strong", on) for on in BACKGROUNDS),
    *((line, on) for line in ("focus", "now") for on in BACKGROUNDS),
    *((line, "surface") for line in ("chart-missed", "chart-called-off")),
]


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def hue(colour: str) -> float:
    """Around the circle of colours: 0 to 1."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return colorsys.rgb_to_hls(red, green, blue)[0]


def contrast(one: str, other: str, scheme: str) -> float:
    lighter, darker = sorted((luminance(COLOURS[name][SCHEMES[scheme]]) for name in (one, other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@for_each(lambda: [f"{ink} {on} {scheme}" for (ink, on), scheme in product(READ, SCHEMES)])
def test_text_can_be_read(names: str) -> None:
    assert contrast(*names.split()) >= 4.5


@for_each(lambda: [f"{edge} {on} {scheme}" for (edge, on), scheme in product(SEEN, SCHEMES)])
def test_edges_and_signs_can_be_seen(names: str) -> None:
    assert contrast(*names.split()) >= 3


@pytest.mark.parametrize("scheme", SCHEMES)
def test_lines_of_one_chart_differ_in_hue(scheme: str) -> None:
    missed, called_off = (hue(COLOURS[name][SCHEMES[scheme]]) for name in ("chart-missed", "chart-called-off"))
    assert min(abs(missed - called_off), 1 - abs(missed - called_off)) > 1 / 4


def test_black_on_white_is_as_the_standard_says() -> None:
    assert round((luminance("#ffffff") + 0.05) / (luminance("#000000") + 0.05), 2) == 21


def test_no_other_file_has_a_colour_of_its_own() -> None:
    folder = Path(__file__).resolve().parents[2] / "clinic/portal/static/portal"
    others = [path for path in folder.glob("*.css") if path.name != "tokens.css"]
    assert len(others) >= 3
    assert not [path.name for path in others if re.search(r"#[0-9a-fA-F]{3,8}\b", path.read_text())]


def test_admin_has_the_colours_of_the_pages() -> None:
    unfold: Any = settings.UNFOLD
    primary, base = (unfold["COLORS"][name] for name in ("primary", "base"))
    assert (primary["600"], primary["400"]) == COLOURS["primary"]
    assert (base["50"], base["950"]) == COLOURS["canvas"]
    assert (base["100"], base["200"], base["600"]) == tuple(COLOURS[name][0] for name in ("sunken", "line", "muted"))
    assert (base["900"], base["800"], base["700"]) == tuple(COLOURS[name][1] for name in ("surface", "raised", "line"))
