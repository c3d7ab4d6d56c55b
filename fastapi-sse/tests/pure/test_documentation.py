"""Streams, events and endings are documented."""

import re
from pathlib import Path

from clinic_stream import closing_events, event_schemas, stream_routes

SERVICE = Path(__file__).resolve().parents[2]
PAGES = SERVICE.parent / "docs" / "stream"


def first_cells(page: str) -> set[str]:
    """Names in the first column of its tables."""
    rows = re.findall(r"^\| (`.+?`) \|", (PAGES / page).read_text(), re.M)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_every_event_has_its_row() -> None:
    maps = [found for name, found in vars(event_schemas).items() if name.endswith("_EVENTS")]
    assert first_cells("events.md") == {name for events in maps for name in events}


def test_every_stream_has_its_row() -> None:
    assert first_cells("index.md") >= {path.rpartition("/")[2] for path in stream_routes.STREAMS}


def test_every_event_that_ends_a_stream_is_among_the_ways_it_ends() -> None:
    table = (PAGES / "endings.md").read_text()
    endings = [found for found in vars(closing_events).values() if isinstance(found, closing_events.ClosingEvent)]
    for reason in {"drain", *(ending.reason for ending in endings)} - {"stuck"}:
        assert f"`{reason}`" in table


def test_every_module_has_its_row() -> None:
    text = (SERVICE / "ARCHITECTURE.md").read_text()
    modules = {path.name for path in (SERVICE / "clinic_stream").glob("[!_]*.py")}
    assert [name for name in sorted(modules) if f"`{name}`" not in text] == []
