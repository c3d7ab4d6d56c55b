"""Made-up settings. In every test, only what the test says is set."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from shared_config import ConfigurationError, DjangoSettings, Settings, StreamSettings, load_settings

SettingsT = TypeVar("SettingsT", bound=Settings)

ENOUGH: dict[type[Settings], dict[str, str]] = {
    DjangoSettings: {
        "DB_PASSWORD": "kR7-database-of-the-clinic-Qx2-0001",
        "DJANGO_SECRET_KEY": "kR7-sessions-of-the-admin-Qx2-00002",
        "JWT_SECRET_KEY": "kR7-tokens-of-everybody-Qx2-0000003",
    },
    StreamSettings: {
        "SSE_DB_PASSWORD": "kR7-views-for-the-stream-Qx2-000004",
        "JWT_SECRET_KEY": "kR7-tokens-of-everybody-Qx2-0000003",
    },
}


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {name.upper() for settings_class in ENOUGH for name in settings_class.model_fields}
    for name in (names | {f"{name}_FILE" for name in names}) & set(os.environ):
        monkeypatch.delenv(name)


class Loader:
    """Loads settings from enough variables, changed by those that the test names. None takes one away."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def load(self, settings_class: type[SettingsT], **changes: str | None) -> SettingsT:
        for name, value in {**ENOUGH[settings_class], **changes}.items():
            if value is not None:
                self._monkeypatch.setenv(name, value)
        return load_settings(settings_class, env_files=())

    def problems(self, settings_class: type[Settings], **changes: str | None) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            self.load(settings_class, **changes)
        return caught.value.problems


@pytest.fixture
def loader(monkeypatch: pytest.MonkeyPatch) -> Loader:
    return Loader(monkeypatch)


@pytest.fixture
def env_file(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, **variables: str) -> Path:
        path = tmp_path / name
        path.write_text("".join(f"{variable}={value}\n" for variable, value in variables.items()))
        return path

    return write
