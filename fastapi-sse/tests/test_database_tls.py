"""TLS to the database: each mode of DB_SSL_MODE as django-rest understands it, too."""

import asyncio
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from clinic_stream.connection_pools import ConnectionPool
from clinic_stream.errors import DatabaseUnavailable, Reason
from clinic_stream.feed import pool_options
from shared_config import StreamSettings

from testkit.certificates import Authority
from tools.private_server import HOST, THROW_AWAY_FLAGS, Accounts, PrivateServer
from tools.processes import free_port

# Of a refused connection aiomysql leaves the transport to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

# The certificate is made out to HOST alone.
ANOTHER_ADDRESS = "127.0.0.2"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"), "authority")


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[PrivateServer]:
    folder = authority.path.parent
    flags = [*authority.certify(HOST, folder), f"--bind-address={HOST},{ANOTHER_ADDRESS}"]
    server = PrivateServer(folder / "db", free_port(), Accounts.fresh(), extra_flags=[*THROW_AWAY_FLAGS, *flags])
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def plain_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServer]:
    folder = tmp_path_factory.mktemp("plain")
    server = PrivateServer(folder / "db", free_port(), Accounts.fresh(), extra_flags=THROW_AWAY_FLAGS)
    server.start()
    yield server
    server.stop()


def cipher(server: PrivateServer, mode: str | None, authority: Path | None = None, *, host: str = HOST) -> str:
    """Of a new connection; empty: plain text."""
    settings = StreamSettings(
        _env_file=None,
        db_host=host,
        db_port=server.port,
        db_name="information_schema",
        db_ssl_mode=mode,
        db_ssl_ca=authority,
        sse_db_user=server.accounts.user,
        sse_db_password=server.accounts.password,
        jwt_algorithm="HS256",
        jwt_secret_key=secrets.token_hex(32),
        fastapi_debug=True,
    )

    async def ask() -> str:
        pool = ConnectionPool(**pool_options(settings), size=1, seconds=3)
        await pool.open()
        try:
            async with pool.cursor() as cursor:
                await cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
                return str((await cursor.fetchall())[0][1])
        finally:
            await pool.close()

    return asyncio.run(ask())


@pytest.mark.parametrize(("mode", "is_encrypted"), [("disabled", False), ("preferred", True), ("required", True)])
def test_mode_without_an_authority(server: PrivateServer, mode: str, is_encrypted: bool) -> None:
    assert bool(cipher(server, mode)) is is_encrypted


@pytest.mark.parametrize("mode", [None, "verify_ca", "verify_identity"])
def test_right_authority_is_accepted_and_another_refused(
    server: PrivateServer, authority: Authority, tmp_path: Path, mode: str | None
) -> None:
    assert cipher(server, mode, authority.path)
    with pytest.raises(DatabaseUnavailable):
        cipher(server, mode, Authority(tmp_path, "another").path)


def test_certificate_of_another_address_is_refused_by_verify_identity_alone(
    server: PrivateServer, authority: Authority
) -> None:
    assert cipher(server, "verify_ca", authority.path, host=ANOTHER_ADDRESS)
    with pytest.raises(DatabaseUnavailable):
        cipher(server, "verify_identity", authority.path, host=ANOTHER_ADDRESS)


def test_server_without_tls_is_refused_where_tls_is_required(plain_server: PrivateServer, authority: Authority) -> None:
    assert cipher(plain_server, "preferred") == ""
    for mode, path in (("required", None), ("verify_ca", authority.path), ("verify_identity", authority.path)):
        with pytest.raises(DatabaseUnavailable) as refused:
            cipher(plain_server, mode, path)
        assert refused.value.reason is Reason.NO_TLS
