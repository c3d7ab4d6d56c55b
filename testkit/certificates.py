"""An authority and the certificates it signs, for tests of TLS."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


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
