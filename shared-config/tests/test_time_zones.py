import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from shared_config import is_time_zone

ROOT = Path(__file__).resolve().parents[2]
PINNED = re.compile(r"^tzdata==(\S+)", re.MULTILINE)
# Reads the zones of a made-up system, in which US/Gone is a copy of a real one.
SCRIPT = """
import zoneinfo
from shared_config import use_locked_time_zones
zoneinfo.reset_tzpath(to=[{folder!r}])
print(zoneinfo.ZoneInfo("US/Gone").key)
use_locked_time_zones()
zoneinfo.ZoneInfo("Europe/Berlin")
try:
    zoneinfo.ZoneInfo("US/Gone")
except zoneinfo.ZoneInfoNotFoundError:
    print("unknown")
"""


def test_both_services_pin_the_same_tzdata() -> None:
    versions = {
        PINNED.findall((ROOT / part / "requirements.lock").read_text())[0] for part in ("django-rest", "fastapi-sse")
    }
    assert len(versions) == 1


def test_locked_tables_count_and_not_the_system_s(tmp_path: Path) -> None:
    package = find_spec("tzdata")
    assert package is not None
    assert package.origin is not None
    zone = tmp_path / "US" / "Gone"
    zone.parent.mkdir()
    zone.write_bytes((Path(package.origin).parent / "zoneinfo" / "UTC").read_bytes())
    said = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(folder=str(tmp_path))],
        env={},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["US/Gone", "unknown"]


@pytest.mark.parametrize(
    ("name", "is_known"),
    [
        ("Europe/Berlin", True),
        ("UTC", True),
        ("US/Gone", False),
        ("", False),
        ("../etc/passwd", False),
        ("Europe", False),
    ],
)
def test_name_is_known_if_the_package_has_it(name: str, is_known: bool) -> None:
    assert is_time_zone(name) is is_known
