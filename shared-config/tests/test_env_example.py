"""env.example becomes everybody's first settings file: it must be whole, and safe as it stands."""

import re
import secrets
from pathlib import Path

import pytest
from shared_config import ConfigurationError, DjangoSettings, StreamSettings, load_settings

from tools.token_keys import fresh_token_keys

EXAMPLE = Path(__file__).resolve().parents[1] / "env.example"
# In either form of writing: set, or shown commented out.
NAMES = re.findall(r"^#? ?([A-Z_]+)=", EXAMPLE.read_text(), flags=re.MULTILINE)


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    keys = fresh_token_keys()
    text = re.sub(r"\{random\}", lambda _: secrets.token_hex(24), EXAMPLE.read_text())
    for placeholder, name in (("{private key}", "JWT_PRIVATE_KEY"), ("{public key}", "JWT_PUBLIC_KEY")):
        text = text.replace(placeholder, keys[name])
    path = tmp_path / "filled"
    path.write_text(text)
    return path


def test_filled_with_fresh_secrets_it_starts_both_services(filled: Path) -> None:
    load_settings(DjangoSettings, env_files=(filled,))
    load_settings(StreamSettings, env_files=(filled,))


def test_unfilled_it_starts_neither() -> None:
    for settings_class in (DjangoSettings, StreamSettings):
        with pytest.raises(ConfigurationError, match="a well-known value"):
            load_settings(settings_class, env_files=(EXAMPLE,))


def test_it_names_no_setting_that_is_not_read() -> None:
    assert {name.lower() for name in NAMES} <= {*DjangoSettings.model_fields, *StreamSettings.model_fields}


def test_it_leaves_the_database_to_the_private_server(filled: Path) -> None:
    assert "db_host" not in load_settings(DjangoSettings, env_files=(filled,)).model_fields_set
