"""Which combinations of DB_SSL_MODE and DB_SSL_CA start a service, and what the drivers are told."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from shared_config import DjangoSettings, StreamSettings
from shared_config.database_tls import mysqlclient_options, requires_tls, ssl_context

MARIADB_LIBRARY, MYSQL_LIBRARY = "3.3.20", "9.1.0"
BOTH = pytest.mark.parametrize("settings_class", [DjangoSettings, StreamSettings])


@pytest.fixture
def authority() -> str:
    path = ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
    if not Path(path).exists():
        pytest.skip("this machine keeps no certificates of authorities")
    return path


@BOTH
def test_nothing_set_is_plain_text(loader: Any, settings_class: Any) -> None:
    settings = loader.load(settings_class)
    assert (settings.db_tls_mode, requires_tls(settings), ssl_context(settings)) == ("disabled", False, None)


@BOTH
def test_authority_alone_verifies_the_identity(loader: Any, settings_class: Any, authority: str) -> None:
    settings = loader.load(settings_class, DB_SSL_CA=authority)
    context = ssl_context(settings)
    assert settings.db_tls_mode == "verify_identity"
    assert context is not None
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@BOTH
@pytest.mark.parametrize("mode", ["verify_ca", "verify_identity"])
def test_verifying_mode_without_an_authority_is_refused(loader: Any, settings_class: Any, mode: str) -> None:
    assert loader.problems(settings_class, DB_SSL_MODE=mode) == [f"DB_SSL_CA: missing, needed with DB_SSL_MODE={mode}"]


@BOTH
@pytest.mark.parametrize("mode", ["disabled", "preferred", "required"])
def test_authority_with_a_mode_that_ignores_it_is_refused(
    loader: Any, settings_class: Any, mode: str, authority: str
) -> None:
    assert loader.problems(settings_class, DB_SSL_MODE=mode, DB_SSL_CA=authority) == [
        "DB_SSL_CA: only read with DB_SSL_MODE=verify_ca or verify_identity"
    ]


def test_missing_file_and_unknown_mode_are_named(loader: Any) -> None:
    problems = loader.problems(DjangoSettings, DB_SSL_MODE="verify", DB_SSL_CA="/nowhere/ca.pem")
    assert {problem.partition(":")[0] for problem in problems} == {"DB_SSL_MODE", "DB_SSL_CA"}


@pytest.mark.parametrize(
    ("mode", "by_mariadb", "by_mysql"),
    [
        ("disabled", "DISABLED", "DISABLED"),
        ("preferred", "REQUIRED", "PREFERRED"),
        ("required", "REQUIRED", "REQUIRED"),
        ("verify_ca", "REQUIRED", "VERIFY_CA"),
        ("verify_identity", "VERIFY_IDENTITY", "VERIFY_IDENTITY"),
    ],
)
def test_each_client_library_gets_its_own_word(
    loader: Any, mode: str, by_mariadb: str, by_mysql: str, authority: str
) -> None:
    verifies = mode.startswith("verify")
    settings = loader.load(DjangoSettings, DB_SSL_MODE=mode, DB_SSL_CA=authority if verifies else None)
    for version, word in ((MARIADB_LIBRARY, by_mariadb), (MYSQL_LIBRARY, by_mysql)):
        options = mysqlclient_options(settings, library_version=version)
        assert options == {"ssl_mode": word} | ({"ssl": {"ca": authority}} if verifies else {})
