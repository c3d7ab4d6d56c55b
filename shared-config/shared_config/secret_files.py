"""Secrets read from files: `NAME_FILE=/run/secrets/name` in place of `NAME=value`, as containers hand them over."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from pydantic_settings.sources import EnvSettingsSource

# The key under which the source hands its paths to the validator; the name of no setting.
PATHS = "secret files"
# The largest secret is a private key of some kilobytes.
MAX_BYTES = 64 * 1024


class SecretFileSource(PydanticBaseSettingsSource):
    """The `NAME_FILE` variables of every secret setting. Reads no file."""

    def __init__(self, settings_class: type[BaseSettings], places: Sequence[PydanticBaseSettingsSource]) -> None:
        super().__init__(settings_class)
        # In order of precedence: the process's environment, the settings files.
        self._places = [place.env_vars for place in places if isinstance(place, EnvSettingsSource)]

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        paths = (place.get(f"{field_name}_file") for place in self._places)
        return next((path for path in paths if path), None), field_name, False

    def __call__(self) -> dict[str, Any]:
        paths = {
            name: path
            for name, field in self.settings_cls.model_fields.items()
            if is_secret(field) and (path := self.get_field_value(field, name)[0])
        }
        return {PATHS: paths} if paths else {}


def is_secret(field: FieldInfo) -> bool:
    return SecretStr in (field.annotation, *get_args(field.annotation))


def with_secrets_from_files(values: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The values with each file's content in its place, and the problems, by name."""
    found = dict(values)
    paths: dict[str, str] = found.pop(PATHS, {})
    problems = []
    for name, path in paths.items():
        variable = f"{name.upper()}_FILE"
        if found.get(name):
            problems.append(f"{variable}: {name.upper()} is set as well, only one of the two may be")
            continue
        try:
            found[name] = _read(Path(path))
        except (OSError, ValueError) as error:
            problems.append(f"{variable}: {getattr(error, 'strerror', None) or error}")
            # Present, so that it is not reported as missing too.
            found[name] = SecretStr("")
    return found, problems


def _read(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError("the file is larger than any secret")
    try:
        secret = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError("the file is not UTF-8 text") from None
    if not secret:
        raise ValueError("the file is empty")
    return secret
