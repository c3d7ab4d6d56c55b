"""Find the files that settings are read from."""

import os
from pathlib import Path
from typing import TypeVar

from shared_config.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SHARED_ENV_FILE = ROOT / "shared-config" / ".env"

SettingsT = TypeVar("SettingsT", bound=Settings)


def load_settings(settings_class: type[SettingsT], *, env_files: tuple[Path, ...] | None = None) -> SettingsT:
    """Read the settings of one service.

    `env_files` is in rising order of precedence and defaults to the shared file and the service's own one.
    Raises `ConfigurationError` with every problem.
    """
    files = env_files if env_files is not None else _env_files_of(settings_class)
    return settings_class(_env_file=files)


def _env_files_of(settings_class: type[Settings]) -> tuple[Path, ...]:
    if os.environ.get("CHAIRSIDE_NO_ENV_FILES"):  # Tests and containers: the environment alone decides.
        return ()
    return (SHARED_ENV_FILE, ROOT / settings_class.service_name / ".env")
