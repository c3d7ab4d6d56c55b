"""Our packages are installed: found by name from any folder, with the one version and what the lock files name."""

import re
import subprocess
import sys
from importlib.metadata import requires, version
from pathlib import Path

import pytest
from shared_config import VERSION

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("chairside-django-rest", "chairside-fastapi-sse")
PACKAGES = ("chairside-shared-config", *SERVICES, "chairside-development")
MODULES = "shared_config, clinic, config, clinic_stream, tools, testkit, benchmarks"


def test_packages_are_found_from_any_folder(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"import {MODULES}"], cwd=tmp_path, env={}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", PACKAGES)
def test_package_has_the_version_of_the_settings(package: str) -> None:
    assert version(package) == VERSION


@pytest.mark.parametrize("service", SERVICES)
def test_service_names_its_dependencies(service: str) -> None:
    assert "chairside-shared-config" in (requires(service) or [])


@pytest.mark.parametrize("service", SERVICES)
def test_lock_files_have_every_dependency(service: str) -> None:
    named = {_name_of(line) for line in requires(service) or []} - {"chairside-shared-config"}
    assert len(named) > 5
    for lock in (ROOT / service.removeprefix("chairside-") / "requirements.lock", ROOT / "requirements-dev.lock"):
        assert sorted(named - {_name_of(line) for line in lock.read_text().splitlines()}) == [], "run tools/lock"


def _name_of(requirement: str) -> str:
    name = re.match(r"[\w.-]*", requirement)
    assert name is not None
    return re.sub(r"[-_.]+", "-", name[0]).lower()
