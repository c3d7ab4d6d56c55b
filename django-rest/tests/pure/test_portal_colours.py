"""The design system's colours can be told apart and read, in both schemes: WCAG 2.2, 1.4.3 and 1.4.11."""

import re
from pathlib import Path

import pytest
from clinic.appointments.lifecycle import Status

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
    *(("focus", on) for on in BACKGROUNDS),
]


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str, scheme: str) -> float:
    lighter, darker = sorted((luminance(COLOURS[name][SCHEMES[scheme]]) for name in (one, other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("ink", "on"), READ, ids=" on ".join)
def test_text_can_be_read(ink: str, on: str, scheme: str) -> None:
    assert contrast(ink, on, scheme) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("edge", "on"), SEEN, ids=" on ".join)
def test_edges_and_signs_can_be_seen(edge: str, on: str, scheme: str) -> None:
    assert contrast(edge, on, scheme) >= 3


def test_black_on_white_is_as_the_standard_says() -> None:
    assert round((luminance("#ffffff") + 0.05) / (luminance("#000000") + 0.05), 2) == 21


def test_no_other_file_has_a_colour_of_its_own() -> None:
    folder = Path(__file__).resolve().parents[2] / "clinic/portal/static/portal"
    others = [path for path in folder.glob("*.css") if path.name != "tokens.css"]
    assert len(others) >= 3
    assert not [path.name for path in others if re.search(r"#[0-9a-fA-F]{3,8}\b", path.read_text())]
