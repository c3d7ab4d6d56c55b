"""`tools/setup settings`: the first settings file of an installation, and what becomes of an older one."""

import shutil
import subprocess
from pathlib import Path

import pytest
from shared_config import DjangoSettings, StreamSettings, load_settings

ROOT = Path(__file__).resolve().parents[2]


class Installation:
    def __init__(self, folder: Path) -> None:
        self.settings = folder / "shared-config" / ".env"
        self._setup = folder / "tools" / "setup"
        for file in ("tools/setup", "shared-config/env.example"):
            (folder / file).parent.mkdir()
            shutil.copy(ROOT / file, folder / file)

    def set_up(self) -> None:
        subprocess.run(["bash", str(self._setup), "settings"], check=True, capture_output=True)

    def variables(self) -> dict[str, str]:
        lines = (line for line in self.settings.read_text().splitlines() if line and not line.startswith("#"))
        return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def test_new_installation_starts_both_services_on_es256(installation: Installation) -> None:
    installation.set_up()

    django = load_settings(DjangoSettings, env_files=(installation.settings,))
    stream = load_settings(StreamSettings, env_files=(installation.settings,))
    assert django.jwt_algorithm == stream.jwt_algorithm == "ES256"
    assert "PRIVATE KEY" in django.jwt_signing_key
    assert django.jwt_verifying_key == stream.jwt_verifying_key
    assert installation.settings.stat().st_mode & 0o077 == 0
    assert "{" not in "".join(installation.variables().values())


def test_two_new_installations_share_no_key(installation: Installation) -> None:
    installation.set_up()
    first = installation.variables()
    installation.settings.unlink()
    installation.set_up()

    second = installation.variables()
    assert all(first[name] != second[name] for name in ("JWT_PRIVATE_KEY", "JWT_PUBLIC_KEY", "DJANGO_SECRET_KEY"))


def test_older_file_keeps_hs256_and_its_secret(installation: Installation) -> None:
    installation.set_up()
    older = {name: value for name, value in installation.variables().items() if not name.startswith("JWT_")}
    secret = "kR7-tokens-of-everybody-Qx2-0000003"
    kept = {"JWT_ALGORITHM": "HS256", "JWT_SECRET_KEY": secret, "JWT_ISSUER": "chairside"}
    installation.settings.write_text("".join(f"{name}={value}\n" for name, value in (older | kept).items()))

    installation.set_up()

    assert {"JWT_PRIVATE_KEY", "JWT_PUBLIC_KEY"}.isdisjoint(installation.variables())
    settings = load_settings(StreamSettings, env_files=(installation.settings,))
    assert (settings.jwt_algorithm, settings.jwt_verifying_key) == ("HS256", secret)


def test_file_that_never_named_an_algorithm_keeps_hs256(installation: Installation) -> None:
    installation.set_up()
    older = {name: value for name, value in installation.variables().items() if not name.startswith("JWT_")}
    older["JWT_SECRET_KEY"] = "kR7-tokens-of-everybody-Qx2-0000003"
    installation.settings.write_text("".join(f"{name}={value}\n" for name, value in older.items()))

    installation.set_up()

    assert load_settings(DjangoSettings, env_files=(installation.settings,)).jwt_algorithm == "HS256"


def test_new_setting_is_added_unless_its_secret_has_a_file_of_its_own(installation: Installation) -> None:
    installation.set_up()
    lines = installation.settings.read_text().splitlines()
    kept = [line for line in lines if not line.startswith(("DB_PASSWORD=", "SSE_GZIP="))]
    installation.settings.write_text("\n".join([*kept, "DB_PASSWORD_FILE=/run/secrets/db_password"]) + "\n")

    installation.set_up()

    assert "DB_PASSWORD" not in installation.variables()
    assert installation.variables()["SSE_GZIP"] == "true"
