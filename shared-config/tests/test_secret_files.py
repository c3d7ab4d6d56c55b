"""NAME_FILE in place of NAME, for every secret of both services."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from shared_config import DjangoSettings, Settings, StreamSettings, load_settings
from shared_config.secret_files import MAX_BYTES, is_secret

from tools.token_keys import fresh_token_keys, from_one_line

SECRETS = [
    (settings_class, name)
    for settings_class in (DjangoSettings, StreamSettings)
    for name, field in settings_class.model_fields.items()
    if is_secret(field)
]
EACH_SECRET = pytest.mark.parametrize(
    ("settings_class", "name"), SECRETS, ids=lambda value: getattr(value, "__name__", value)
)
VALUE = "kR7-out-of-a-file-of-its-own-Qx2-00009"
WriteSecret = Callable[[str | bytes], str]


@pytest.fixture
def secret_file(tmp_path: Path) -> WriteSecret:
    def write(content: str | bytes) -> str:
        path = tmp_path / "secret"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write


def test_passwords_keys_and_tokens_count_as_secrets() -> None:
    assert {name for _, name in SECRETS} >= {
        "db_password",
        "db_admin_password",
        "sse_db_password",
        "django_secret_key",
        "jwt_secret_key",
        "jwt_private_key",
        "jwt_public_key",
        "email_host_password",
        "twilio_auth_token",
    }


@EACH_SECRET
def test_secret_is_read_from_its_file(
    loader: Any, secret_file: WriteSecret, settings_class: type[Settings], name: str
) -> None:
    settings = loader.load(settings_class, **{name.upper(): None, f"{name.upper()}_FILE": secret_file(f"{VALUE}\n")})

    assert getattr(settings, name).get_secret_value() == VALUE


@EACH_SECRET
def test_secret_given_both_ways_is_refused(
    loader: Any, secret_file: WriteSecret, settings_class: type[Settings], name: str
) -> None:
    both = {name.upper(): "kR7-given-directly-as-well-Qx2-0000008", f"{name.upper()}_FILE": secret_file(VALUE)}

    assert loader.problems(settings_class, **both) == [
        f"{name.upper()}_FILE: {name.upper()} is set as well, only one of the two may be"
    ]


@EACH_SECRET
def test_missing_file_is_named_once_and_without_any_value(
    loader: Any, tmp_path: Path, settings_class: type[Settings], name: str
) -> None:
    nowhere = {name.upper(): None, f"{name.upper()}_FILE": str(tmp_path / "nowhere")}

    assert loader.problems(settings_class, **nowhere) == [f"{name.upper()}_FILE: No such file or directory"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "the file is empty"),
        ("\n\r\n", "the file is empty"),
        (b"\xff\xfe kR7", "the file is not UTF-8 text"),
        ("k" * (MAX_BYTES + 1), "the file is larger than any secret"),
    ],
)
def test_file_without_a_secret_is_refused(
    loader: Any, secret_file: WriteSecret, content: str | bytes, problem: str
) -> None:
    assert loader.problems(DjangoSettings, DB_PASSWORD=None, DB_PASSWORD_FILE=secret_file(content)) == [
        f"DB_PASSWORD_FILE: {problem}"
    ]


def test_folder_in_place_of_the_file_is_refused(loader: Any, tmp_path: Path) -> None:
    assert loader.problems(DjangoSettings, DB_PASSWORD=None, DB_PASSWORD_FILE=str(tmp_path)) == [
        "DB_PASSWORD_FILE: Is a directory"
    ]


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\n\n"])
def test_line_ends_at_the_end_are_no_part_of_the_secret(loader: Any, secret_file: WriteSecret, ending: str) -> None:
    path = secret_file(f"{VALUE} {ending}")

    settings = loader.load(DjangoSettings, DB_PASSWORD=None, DB_PASSWORD_FILE=path)
    assert settings.db_password.get_secret_value() == f"{VALUE} "


def test_secret_from_a_file_is_held_to_the_same_strength(loader: Any, secret_file: WriteSecret) -> None:
    assert loader.problems(DjangoSettings, DB_PASSWORD=None, DB_PASSWORD_FILE=secret_file("changeme")) == [
        "DB_PASSWORD: a well-known value, make one of your own"
    ]


def test_keys_in_pem_files_sign_and_check(loader: Any, tmp_path: Path) -> None:
    keys = {name: from_one_line(key) for name, key in fresh_token_keys().items()}
    files = {}
    for name, key in keys.items():
        (tmp_path / name).write_text(key)
        files[f"{name}_FILE"] = str(tmp_path / name)

    settings = loader.load(DjangoSettings, JWT_ALGORITHM="ES256", JWT_SECRET_KEY=None, **files)
    assert settings.jwt_signing_key == keys["JWT_PRIVATE_KEY"].strip()
    assert settings.jwt_verifying_key == keys["JWT_PUBLIC_KEY"].strip()


def test_file_named_in_a_settings_file_is_read_and_the_environment_goes_first(
    loader: Any, tmp_path: Path, env_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "other"):
        (tmp_path / name).write_text(f"{VALUE}-{name}")
    shared = env_file(
        "shared",
        DB_PASSWORD_FILE=str(tmp_path / "one"),
        DJANGO_SECRET_KEY="kR7-sessions-of-the-admin-Qx2-00002",
        JWT_SECRET_KEY="kR7-tokens-of-everybody-Qx2-0000003",
    )
    assert load_settings(DjangoSettings, env_files=(shared,)).db_password.get_secret_value() == f"{VALUE}-one"

    monkeypatch.setenv("DB_PASSWORD_FILE", str(tmp_path / "other"))
    assert load_settings(DjangoSettings, env_files=(shared,)).db_password.get_secret_value() == f"{VALUE}-other"


def test_variable_without_a_value_counts_as_not_set(loader: Any, secret_file: WriteSecret) -> None:
    settings = loader.load(DjangoSettings, DB_PASSWORD="", DB_PASSWORD_FILE=secret_file(VALUE), JWT_SECRET_KEY_FILE="")

    assert settings.db_password.get_secret_value() == VALUE


def test_stream_reads_no_file_of_djangos(loader: Any, tmp_path: Path) -> None:
    loader.load(StreamSettings, DJANGO_SECRET_KEY_FILE=str(tmp_path / "nowhere"))
