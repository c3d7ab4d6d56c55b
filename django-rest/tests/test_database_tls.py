"""TLS to the database: what each mode accepts, and that none falls back to plain text where TLS is required."""

import ipaddress
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import MySQLdb
import pytest
from clinic.common.mysql.connecting import open_connection, server_options
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.conf import settings
from private_server import HOST, THROW_AWAY_FLAGS, Accounts, PrivateServer
from processes import free_port

# The certificate is made out to HOST alone.
ANOTHER_ADDRESS = "127.0.0.2"


class Authority:
    def __init__(self, folder: Path, name: str) -> None:
        self.key = generate_private_key(SECP256R1())
        self.certificate = _certificate(self.key, name, signed_by=None, key_of_issuer=self.key)
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(self.certificate.public_bytes(Encoding.PEM))

    def certify(self, address: str, folder: Path) -> list[str]:
        """Key and certificate of a server at this address, as its flags."""
        key = generate_private_key(SECP256R1())
        certificate = _certificate(key, address, signed_by=self.certificate, key_of_issuer=self.key)
        (folder / "server.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "server.key").write_bytes(private)
        return [f"--ssl-cert={folder / 'server.pem'}", f"--ssl-key={folder / 'server.key'}"]


def _certificate(
    key: EllipticCurvePrivateKey,
    name: str,
    *,
    signed_by: x509.Certificate | None,
    key_of_issuer: EllipticCurvePrivateKey,
) -> x509.Certificate:
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    extension: x509.ExtensionType = x509.BasicConstraints(ca=True, path_length=None)
    if signed_by is not None:
        extension = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signed_by.subject if signed_by is not None else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(extension, critical=signed_by is None)
        .sign(key_of_issuer, hashes.SHA256())
    )


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
