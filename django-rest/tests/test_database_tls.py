"""TLS to the database: what each mode accepts, and that none falls back to plain text where TLS is required."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import MySQLdb
import pytest
from clinic.common.mysql.connecting import open_connection, server_options
from django.conf import settings

from testkit.certificates import Authority
from tools.private_server import HOST, THROW_AWAY_FLAGS, Accounts, PrivateServer
from tools.processes import free_port

# The certificate is made out to HOST alone.
ANOTHER_ADDRESS = "127.0.0.2"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return Authority(folder, "authority")


@pytest.fixture(scope="module")
def server(folder: Path, authority: Authority) -> Iterator[PrivateServer]:
    flags = [*authority.certify(HOST, folder), f"--bind-address={HOST},{ANOTHER_ADDRESS}"]
    server = PrivateServer(folder / "db", free_port(), Accounts.fresh(), extra_flags=[*THROW_AWAY_FLAGS, *flags])
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def plain_server(folder: Path) -> Iterator[PrivateServer]:
    server = PrivateServer(folder / "plain", free_port(), Accounts.fresh(), extra_flags=THROW_AWAY_FLAGS)
    server.start()
    yield server
    server.stop()


def cipher(server: PrivateServer, mode: str | None, authority: Path | None = None, *, host: str = HOST) -> str:
    """Of a new connection; empty: plain text."""
    shared = settings.SHARED.model_copy(
        update={"db_host": host, "db_port": server.port, "db_ssl_mode": mode, "db_ssl_ca": authority}
    )
    accounts = server.accounts
    options = {**server_options(shared), "user": accounts.user, "password": accounts.password}
    with closing(open_connection(**options)) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        return str(cursor.fetchone()[1])


@pytest.mark.parametrize("mode", [None, "disabled"])
def test_without_a_mode_the_connection_is_plain(server: PrivateServer, mode: str | None) -> None:
    assert cipher(server, mode) == ""


@pytest.mark.parametrize("mode", ["preferred", "required"])
def test_preferred_and_required_encrypt_without_an_authority(server: PrivateServer, mode: str) -> None:
    assert cipher(server, mode)


@pytest.mark.parametrize("mode", [None, "verify_ca", "verify_identity"])
def test_right_authority_and_address_are_accepted(
    server: PrivateServer, authority: Authority, mode: str | None
) -> None:
    assert cipher(server, mode, authority.path)


@pytest.mark.parametrize("mode", [None, "verify_ca", "verify_identity"])
def test_wrong_authority_is_refused(server: PrivateServer, folder: Path, mode: str | None) -> None:
    another = Authority(folder, "another")
    with pytest.raises(MySQLdb.OperationalError, match="TLS/SSL error"):
        cipher(server, mode, another.path)


def test_verify_ca_accepts_a_certificate_of_another_address(server: PrivateServer, authority: Authority) -> None:
    assert cipher(server, "verify_ca", authority.path, host=ANOTHER_ADDRESS)


@pytest.mark.parametrize("mode", [None, "verify_identity"])
def test_verify_identity_refuses_a_certificate_of_another_address(
    server: PrivateServer, authority: Authority, mode: str | None
) -> None:
    with pytest.raises(MySQLdb.OperationalError, match="TLS/SSL error"):
        cipher(server, mode, authority.path, host=ANOTHER_ADDRESS)


@pytest.mark.parametrize("mode", ["required", "verify_ca", "verify_identity"])
def test_server_without_tls_is_refused_where_tls_is_required(
    plain_server: PrivateServer, authority: Authority, mode: str
) -> None:
    with pytest.raises(MySQLdb.OperationalError, match="TLS"):
        cipher(plain_server, mode, authority.path if mode.startswith("verify") else None)


def test_preferred_accepts_a_server_without_tls(plain_server: PrivateServer) -> None:
    assert cipher(plain_server, "preferred") == ""
