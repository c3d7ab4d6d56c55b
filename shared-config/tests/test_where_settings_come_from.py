from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from shared_config import DjangoSettings, StreamSettings, load_settings, loader

SECRETS = {
    "DB_PASSWORD": "kR7-database-of-the-clinic-Qx2-0001",
    "DJANGO_SECRET_KEY": "kR7-sessions-of-the-admin-Qx2-00002",
    "JWT_SECRET_KEY": "kR7-tokens-of-everybody-Qx2-0000003",
    "SSE_DB_PASSWORD": "kR7-views-for-the-stream-Qx2-000004",
}
WriteFile = Callable[..., Path]


def test_defaults_hold_when_nothing_else_is_said(env_file: WriteFile) -> None:
    settings = load_settings(DjangoSettings, env_files=(env_file("shared", **SECRETS),))

    assert (settings.db_port, settings.django_port, settings.fastapi_port) == (13306, 8000, 8001)
    assert (settings.jwt_access_token_lifetime, settings.jwt_refresh_token_lifetime) == (5, 1)


def test_shared_file_goes_before_defaults(env_file: WriteFile) -> None:
    shared = env_file("shared", **SECRETS, DB_NAME="from_the_shared_file")

    assert load_settings(DjangoSettings, env_files=(shared,)).db_name == "from_the_shared_file"


def test_own_file_of_a_service_goes_before_the_shared_file(env_file: WriteFile) -> None:
    shared = env_file("shared", **SECRETS, DB_NAME="from_the_shared_file", JWT_ISSUER="said-only-there")
    own = env_file("own", DB_NAME="from_the_own_file")

    settings = load_settings(DjangoSettings, env_files=(shared, own))

    assert (settings.db_name, settings.jwt_issuer) == ("from_the_own_file", "said-only-there")


def test_process_environment_goes_before_every_file(env_file: WriteFile, monkeypatch: pytest.MonkeyPatch) -> None:
    files = (
        env_file("shared", **SECRETS, DB_NAME="from_the_shared_file"),
        env_file("own", DB_NAME="from_the_own_file"),
    )
    monkeypatch.setenv("DB_NAME", "from_the_environment")

    assert load_settings(DjangoSettings, env_files=files).db_name == "from_the_environment"


def test_a_file_that_does_not_exist_is_no_problem(env_file: WriteFile, tmp_path: Path) -> None:
    shared = env_file("shared", **SECRETS)

    assert load_settings(DjangoSettings, env_files=(shared, tmp_path / "nowhere")).db_name == "chairside"


@pytest.mark.parametrize(
    ("settings_class", "service"), [(DjangoSettings, "django-rest"), (StreamSettings, "fastapi-sse")]
)
def test_each_service_reads_the_shared_file_and_its_own(
    settings_class: Any, service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHAIRSIDE_NO_ENV_FILES", raising=False)
    monkeypatch.setattr(loader, "ROOT", tmp_path)
    monkeypatch.setattr(loader, "SHARED_ENV_FILE", tmp_path / "shared-config.env")
    (tmp_path / "shared-config.env").write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()))
    (tmp_path / service).mkdir()
    (tmp_path / service / ".env").write_text("DB_NAME=from_the_own_file\n")

    assert load_settings(settings_class).db_name == "from_the_own_file"


def test_environment_alone_decides_when_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "shared.env"
    shared.write_text("DB_NAME=from_the_shared_file\n")
    monkeypatch.setattr(loader, "SHARED_ENV_FILE", shared)
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)

    monkeypatch.delenv("CHAIRSIDE_NO_ENV_FILES", raising=False)
    assert load_settings(DjangoSettings).db_name == "from_the_shared_file"
    monkeypatch.setenv("CHAIRSIDE_NO_ENV_FILES", "1")
    assert load_settings(DjangoSettings).db_name == "chairside"


def test_a_variable_without_a_value_counts_as_not_set(env_file: WriteFile) -> None:
    settings = load_settings(DjangoSettings, env_files=(env_file("shared", **SECRETS, DB_HOST="", DB_PORT=""),))

    assert (settings.db_host, settings.db_port) == ("127.0.0.1", 13306)
    assert "db_host" not in settings.model_fields_set  # `make run` then starts a private server.


def test_settings_of_other_programs_are_passed_over(env_file: WriteFile) -> None:
    load_settings(DjangoSettings, env_files=(env_file("shared", **SECRETS, SOMEBODY_ELSES="setting"),))
